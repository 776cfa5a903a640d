"""What to do when a supervised process exits. Pure: time is an argument."""

import signal
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class ExitReason(StrEnum):
    """Why a process is no longer there."""

    WANTED = "wanted"
    """We stopped it."""
    ENDED = "ended"
    """It ended by itself and reported success, which no supervised process should."""
    FAILED = "failed"
    """It ended by itself and reported a failure."""
    KILLED = "killed"
    """A signal ended it."""


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How soon a process is started again."""

    first_delay: timedelta = timedelta(seconds=0.5)
    """Pause after the first exit."""
    growth: float = 2.0
    """Factor from one pause to the next, while it keeps dying."""
    longest_delay: timedelta = timedelta(seconds=30)
    """Bound of the pause; there is no last attempt."""
    stable_after: timedelta = timedelta(seconds=30)
    """A process that ran this long was well: its next exit counts as a first one."""


@dataclass(frozen=True, slots=True)
class History:
    """What a process did so far."""

    exits_in_a_row: int = 0
    """Unwanted exits, each soon after its start."""


@dataclass(frozen=True, slots=True)
class Exit:
    """One end of a process."""

    status: int
    """Exit status; a signal's number, negated, when one ended it."""
    ran_for: timedelta
    wanted: bool
    """We asked for it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the supervisor does about an exit."""

    reason: ExitReason
    restart_after: timedelta | None
    """None: it stays down."""
    history: History


def decide(policy: RestartPolicy, history: History, ended: Exit) -> Decision:
    """Decide whether and when a process that exited is started again."""
    if ended.wanted:
        return Decision(ExitReason.WANTED, None, history)
    before = 0 if ended.ran_for >= policy.stable_after else history.exits_in_a_row
    # The exponent is bounded so that a process that dies for days cannot overflow a float.
    delay = min(policy.longest_delay, policy.first_delay * policy.growth ** min(before, 32))
    return Decision(_reason(ended.status), delay, History(before + 1))


def start_patience(usual: timedelta, slow_starts: int) -> timedelta:
    """Say how long a process may take until it answers.

    Twice as long after each start in a row that took too long, up to sixteen times: one that repairs its data (a
    database after a full disk) must not be ended again and again just before it is through.
    """
    return usual * float(2 ** min(slow_starts, 4))


def _reason(status: int) -> ExitReason:
    if status < 0:
        return ExitReason.KILLED
    return ExitReason.FAILED if status else ExitReason.ENDED


def describe(status: int) -> str:
    """Say in words how a process ended."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"
