"""One running district for all end-to-end tests of a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.harness import District, running_district


@pytest.fixture(scope="session")
def district() -> Iterator[District]:
    """A whole district without simulators; stopped, and its data removed, at the end."""
    with running_district() as running:
        yield running
