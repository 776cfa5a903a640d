"""What `district sql` says when its answer cannot be written."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from services.district.errors import OutputFailed
from services.district.sql import Output

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_named_and_not_blamed_on_the_database() -> None:
    with suppress(OSError), FULL.open("w", encoding="utf-8") as stream:
        output = Output(stream)
        output.write("a,b\n")
        with pytest.raises(OutputFailed, match="No space left on device; make room"):
            output.flush()
