"""From where a partition is judged when a process takes it over. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StartReason(StrEnum):
    """Why judging starts there; the same word is the log action."""

    RESUMED = "resumed"
    """From the last snapshot."""
    NO_SNAPSHOT = "no_snapshot"
    """There is none: from the beginning of the log."""
    LOG_RECREATED = "log_recreated"
    """The snapshot is ahead of the log, so it belongs to another one: from the beginning, without it."""
    LOG_TRUNCATED = "log_truncated"
    """Retention has removed readings that were never judged: from the first that is left."""


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """Where to start, and whether the snapshot's state counts."""

    offset: int
    keep_state: bool
    reason: StartReason


def starting_point(snapshot_offset: int | None, log_start: int, log_end: int) -> StartingPoint:
    """Where to go on.

    Args:
        snapshot_offset: Next offset of the last snapshot; None when there is none.
        log_start: First offset that the log still has.
        log_end: Offset that the next record will get.
    """
    if snapshot_offset is None:
        return StartingPoint(log_start, keep_state=False, reason=StartReason.NO_SNAPSHOT)
    if snapshot_offset > log_end:
        return StartingPoint(log_start, keep_state=False, reason=StartReason.LOG_RECREATED)
    if snapshot_offset < log_start:
        return StartingPoint(log_start, keep_state=True, reason=StartReason.LOG_TRUNCATED)
    return StartingPoint(snapshot_offset, keep_state=True, reason=StartReason.RESUMED)
