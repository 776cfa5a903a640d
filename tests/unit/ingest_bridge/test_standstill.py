"""What the bridge's health says of its own work."""

from __future__ import annotations

import pytest

from services.ingest_bridge.standstill import STILL_SECONDS, Progress, what_stands_still


@pytest.mark.parametrize(
    ("progress", "parts"),
    [
        (Progress(0, 0, is_full=False, still_seconds=0.0, saving_seconds=0.0), set()),
        (Progress(10_000, 2**26, is_full=True, still_seconds=STILL_SECONDS - 0.1, saving_seconds=0.0), set()),
        (Progress(1, 200, is_full=False, still_seconds=STILL_SECONDS, saving_seconds=0.0), {"kafka"}),
        (Progress(0, 0, is_full=False, still_seconds=0.0, saving_seconds=STILL_SECONDS), {"receipts"}),
        (Progress(9, 2**26, is_full=True, still_seconds=60.0, saving_seconds=60.0), {"kafka", "receipts"}),
    ],
)
def test_only_work_that_does_not_move_is_trouble(progress: Progress, parts: set[str]) -> None:
    assert set(what_stands_still(progress)) == parts


def test_it_says_how_much_waits_for_how_long_and_that_nothing_more_is_read() -> None:
    full = what_stands_still(Progress(12_345, 64 * 2**20, is_full=True, still_seconds=61.4, saving_seconds=0.0))[
        "kafka"
    ]
    assert "61 s" in full
    assert "12,345 messages (64.0 MiB)" in full
    assert "nothing more is read" in full
    room = what_stands_still(Progress(1, 1, is_full=False, still_seconds=61.4, saving_seconds=0.0))["kafka"]
    assert "nothing more is read" not in room
