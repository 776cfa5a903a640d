"""One running district for all end-to-end tests of a session."""

from __future__ import annotations

import shutil
import signal
import uuid
from collections.abc import Iterator

import pytest

from deploy.local.paths import cache_dir
from tests.end_to_end.harness import START_SECONDS, District, all_running, start_district, wait_until


@pytest.fixture(scope="session")
def district() -> Iterator[District]:
    """A whole district without simulators; stopped, and its data removed, at the end."""
    state = cache_dir() / "tests" / uuid.uuid4().hex[:12]
    running = start_district(state)
    try:
        wait_until(lambda: all_running(running), "the district to be live", START_SECONDS)
        yield running
    finally:
        running.process.send_signal(signal.SIGINT)
        try:
            running.process.wait(60)
        finally:
            running.process.kill()
            running.process.wait()
            shutil.rmtree(state, ignore_errors=True)
