"""From where a partition is judged when a process takes it over. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.runtime.same_log import Anew
from services.stream_processors.kafka_host.losses import Loss


class StartReason(StrEnum):
    """Why judging starts there; the same word is the log action."""

    RESUMED = "resumed"
    """From the state."""
    NO_STATE = "no_state"
    """There is none: from the beginning of the log."""
    LOG_RECREATED = "log_recreated"
    """The state belongs to a former log of the same name, or the log has lost its end: from the beginning, with it."""
    LOG_TRUNCATED = "log_truncated"
    """Retention has removed readings that were never judged: from the first that is left, with the state."""
    JUDGED_AGAIN = "judged_again"
    """The state cannot be read and the log is whole: from its beginning."""
    STATE_LOST = "state_lost"
    """The state cannot be read and the beginning of the log is gone: only the operator can say how to go on."""
    LOSS_ACCEPTED = "loss_accepted"
    """The same, and the operator has accepted it: from the first reading that is left, without the state."""


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """Where to start, and whether the state counts."""

    offset: int
    keep_state: bool
    reason: StartReason
    loss: Loss | None = None
    """What was never judged, or whose judging is forgotten."""


def starting_point(
    state_offset: int | None, log_start: int, log_end: int, *, anew: Anew | None = None, known_end: int | None = None
) -> StartingPoint:
    """Where to go on with a state that can be read, or without any.

    A state outlives its log: what it knows of assets, of open alerts and of the year is true whichever log told it, and
    a reading that comes again is known by its identity. Only its offsets mean nothing any more.

    Args:
        state_offset: Next offset of the state; None when there is none.
        log_start: First offset that the log still has.
        log_end: Offset that the next record will get, read after the state: an old owner may have written both between.
        anew: Proof that this is another log than the state's.
        known_end: Where the state's log was known to end.
    """
    if state_offset is None:
        return StartingPoint(log_start, keep_state=False, reason=StartReason.NO_STATE)
    if anew is not None or state_offset > log_end:
        loss = left_unjudged(state_offset, known_end)
        return StartingPoint(log_start, keep_state=True, reason=StartReason.LOG_RECREATED, loss=loss)
    if state_offset < log_start:
        loss = Loss(state_offset, log_start, "the log no longer has them: nobody judged for longer than it is kept")
        return StartingPoint(log_start, keep_state=True, reason=StartReason.LOG_TRUNCATED, loss=loss)
    return StartingPoint(state_offset, keep_state=True, reason=StartReason.RESUMED)


def left_unjudged(next_offset: int, known_end: int | None) -> Loss | None:
    """What a former log had left, as far as is known.

    Args:
        next_offset: Everything before it was judged.
        known_end: Where that log was known to end.
    """
    if known_end is None or known_end <= next_offset:
        return None
    return Loss(next_offset, known_end, "their log is not there any more: the topic was made anew or has lost its end")


def without_state(log_start: int, *, accepted: bool) -> StartingPoint:
    """Where to go on when the state is there and cannot be read."""
    if log_start == 0:
        return StartingPoint(0, keep_state=False, reason=StartReason.JUDGED_AGAIN)
    if not accepted:
        return StartingPoint(log_start, keep_state=False, reason=StartReason.STATE_LOST)
    loss = Loss(0, log_start, "or what their judging came to is forgotten: the state could not be read")
    return StartingPoint(log_start, keep_state=False, reason=StartReason.LOSS_ACCEPTED, loss=loss)
