"""One call and what it came to. Pure; values never change.

Response time runs from the call (or its entry, as the policy says) to the first counting unit on scene. Units that
leave without having arrived do not end a call: it stays open, and its clock runs, until its close is told or it is
given up.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from services.stream_processors.engine.counting import Episode

MISSING: Final = -1
"""In place of a time that is not known."""


class Outcome(StrEnum):
    """What a call came to."""

    RESPONSE = "response"
    UNREACHED = "unreached"
    DOUBTFUL = "doubtful"
    """On scene before the call."""


class Result(NamedTuple):
    """The outcome of a call, with its response time where there is one."""

    outcome: Outcome
    response_us: int
    """Of a call that no unit reached: how old it was when it was over."""
    street: str | None


class Limits(NamedTuple):
    """Moments of a call that follow from the documents in force when it began; later versions do not move them."""

    dispatch_us: int
    """Somebody must have been sent by then."""
    risk_us: int
    """Unanswered after it, the call is at risk."""
    deadline_us: int
    """On scene after it is too late."""
    age_us: int
    """Unanswered at it, the call is given up."""
    left_for_us: int
    """So long after its last unit has left it is given up as well."""


class Told(NamedTuple):
    """What a step tells of its call; times in microseconds, None: not told."""

    at_us: int
    offset: int
    unit: str | None
    street: str | None
    dispatched_us: int | None
    """Or on scene, where that is all that is told."""
    on_scene_us: int | None
    """Of a unit whose arrival counts."""
    available_us: int | None
    closes: bool
    """The dispatch centre closes the call as a whole."""


class Call(NamedTuple):
    """A call as far as it is known."""

    started_us: int
    """Start of its clock; fixed by the first reading that tells it."""
    offset: int
    limits: Limits
    street: str | None = None
    arrived_us: int = MISSING
    """First counting unit on scene."""
    arrived_offset: int = 0
    dispatched_us: int = MISSING
    busy: tuple[str, ...] = ()
    """Units that are on it."""
    left_us: int = MISSING
    """Last time at which a unit became free."""
    closed_us: int = MISSING
    """The dispatch centre closed it."""
    given_up_us: int = MISSING
    breach: Episode | None = None
    """As last said; likewise the next two."""
    risk: Episode | None = None
    waiting: Episode | None = None
    wake_us: int | None = None
    """When it will be looked at without a message."""
    counted: Result | None = None
    """What the periods have been told."""

    def result(self) -> Result | None:
        """What it came to; None while that is open."""
        if self.arrived_us != MISSING:
            took_us = self.arrived_us - self.started_us
            if took_us < 0:
                return Result(Outcome.DOUBTFUL, 0, self.street)
            return Result(Outcome.RESPONSE, took_us, self.street)
        over_us = self.over_us
        if over_us is not None:
            return Result(Outcome.UNREACHED, max(0, over_us - self.started_us), self.street)
        return None

    @property
    def over_us(self) -> int | None:
        """When an unanswered call was over: at its close; given up, when its last unit left after the deadline."""
        if self.closed_us != MISSING:
            return self.closed_us
        if self.given_up_us == MISSING:
            return None
        return self.left_us if self.left_us > self.limits.deadline_us else self.given_up_us

    @property
    def give_up_us(self) -> int:
        """When it is given up unless something happens."""
        if self.left_us != MISSING and not self.busy:
            return min(self.limits.age_us, self.left_us + self.limits.left_for_us)
        return self.limits.age_us

    def told(self, told: Told) -> Call:
        """The call with what a step tells."""
        call = self if told.street is None or self.street is not None else self._replace(street=told.street)
        scene_us = told.on_scene_us
        if scene_us is not None and (call.arrived_us == MISSING or scene_us < call.arrived_us):
            call = call._replace(arrived_us=scene_us, arrived_offset=told.offset)
        first_us = told.dispatched_us
        if first_us is not None and (call.dispatched_us == MISSING or first_us < call.dispatched_us):
            call = call._replace(dispatched_us=first_us)
        if told.closes:
            closed_us = told.at_us if told.available_us is None else told.available_us
            call = call._replace(closed_us=max(call.closed_us, closed_us))
        return call if told.unit is None else _with_unit(call, told.unit, told)


def _with_unit(call: Call, unit: str, told: Told) -> Call:
    free_us = told.available_us
    if free_us is not None and free_us >= (told.dispatched_us or free_us):
        busy = tuple(other for other in call.busy if other != unit)
        return call._replace(busy=busy, left_us=max(call.left_us, free_us))
    if unit in call.busy:
        return call
    return call._replace(busy=tuple(sorted((*call.busy, unit))), given_up_us=MISSING)
