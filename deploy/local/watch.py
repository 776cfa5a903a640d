"""What is to be done about a process that was ready and is silent or not well. Pure: time is an argument.

Silence is mended by starting the process again: it hangs, and nothing that was acknowledged is lost by a kill. A
process that answers and says that it is not well (its database is full, a document is refused, its work stands still)
is left alone, since a new one would meet the same; but when that lasts the operator is told, with the part and why. A
service whose own work stands still for good ends by itself.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from deploy.local.process_spec import Kind


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """How long what may last."""

    look_every: timedelta = timedelta(seconds=10)
    not_well_after: timedelta = timedelta(seconds=60)
    """Then the operator is told."""
    silent_at_most: timedelta = timedelta(seconds=60)
    """Then it is ended and started again."""
    silent_looks: int = 3
    """At least so many questions in a row went unanswered by then: one that was asked once may just have slept."""


WATCH_POLICIES = {
    Kind.SERVICE: WatchPolicy(),
    # A server may be busy for long: with its recovery, with a checkpoint on a slow disk.
    Kind.SERVER: WatchPolicy(silent_at_most=timedelta(seconds=180)),
}


class Condition(StrEnum):
    """What one look found."""

    WELL = "well"
    NOT_WELL = "not well"
    """It answers and says what is wrong."""
    SILENT = "silent"


class Step(StrEnum):
    """What the supervisor does now."""

    NOTHING = "nothing"
    TELL = "tell"
    """Tell the operator that it is not well, or what else is wrong by now."""
    TELL_WELL = "tell well"
    """Tell the operator that it is well again."""
    END = "end"
    """End it, so that it is started again."""


class Watch:
    """Remembers since when a process is silent or not well."""

    def __init__(self, policy: WatchPolicy) -> None:
        self._policy = policy
        self._not_well_since: float | None = None
        self._silent_since: float | None = None
        self._silent_looks = 0
        self._told: str | None = None

    def look(self, condition: Condition, about: str, now: float) -> tuple[Step, float]:
        """Say what to do after one look.

        Args:
            about: Which part is in trouble; the operator is told again when it changes.
            now: Monotonic seconds.

        Returns:
            The step, and for how many seconds it has been so.
        """
        if condition is Condition.WELL:
            since, self._not_well_since = self._not_well_since, None
            self._silent_since, self._silent_looks = None, 0
            told, self._told = self._told, None
            return (Step.TELL_WELL if told is not None else Step.NOTHING), now - (since if since is not None else now)
        if self._not_well_since is None:
            self._not_well_since = now
        if condition is Condition.SILENT:
            self._silent_since = self._silent_since if self._silent_since is not None else now
            self._silent_looks += 1
            silent = now - self._silent_since
            at_most = self._policy.silent_at_most.total_seconds()
            if silent >= at_most and self._silent_looks >= self._policy.silent_looks:
                return Step.END, silent
        else:
            self._silent_since, self._silent_looks = None, 0
        lasted = now - self._not_well_since
        if lasted >= self._policy.not_well_after.total_seconds() and about != self._told:
            self._told = about
            return Step.TELL, lasted
        return Step.NOTHING, lasted
