"""One call and what it came to; the response times of a period. Pure; values never change.

Response time runs from the call (or its entry, as the policy says) to the first counting unit on scene. A call that no
unit reached is counted apart, and so is one whose times contradict each other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from enum import StrEnum
from math import ceil
from typing import Any, Final, NamedTuple

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
    street: str | None


class Call(NamedTuple):
    """A call as far as it is known."""

    started_us: int
    """Start of its clock; fixed by the first reading that tells it."""
    offset: int
    street: str | None = None
    arrived_us: int = MISSING
    """First counting unit on scene."""
    arrived_offset: int = 0
    dispatched_us: int = MISSING
    closed_us: int = MISSING
    """Last time at which a unit became free."""
    units: tuple[tuple[str, bool], ...] = ()
    """Units of the call, and whether each is free again."""
    given_up: bool = False
    """Nothing was heard for the policy's age."""
    breach: bool = False
    """An alert of the breach has been said."""
    risk: bool = False
    waiting: bool = False
    """An alert that no unit was dispatched has been said."""
    counted: Result | None = None
    """What the periods have been told."""

    def result(self) -> Result | None:
        """What it came to; None while that is open."""
        if self.arrived_us != MISSING:
            took_us = self.arrived_us - self.started_us
            if took_us < 0:
                return Result(Outcome.DOUBTFUL, 0, self.street)
            return Result(Outcome.RESPONSE, took_us, self.street)
        if self.is_closed:
            return Result(Outcome.UNREACHED, 0, self.street)
        return None

    @property
    def is_closed(self) -> bool:
        """Whether all its units are free again, or it was given up."""
        return self.given_up or (bool(self.units) and all(free for _, free in self.units))

    def with_unit(self, unit: str | None, free: bool) -> Call:
        """The call with what is known of a unit."""
        if unit is None:
            return self
        known = dict(self.units)
        if known.get(unit) is free:
            return self
        return self._replace(units=tuple(sorted({**known, unit: free}.items())))


class Tally(NamedTuple):
    """The calls of a period."""

    responses: tuple[tuple[int, str], ...] = ()
    """Response time (us) and street of each, sorted."""
    unreached: int = 0
    doubtful: int = 0

    def plus(self, result: Result, sign: int) -> Tally:
        """The tally with a call more, or less."""
        if result.outcome is Outcome.UNREACHED:
            return self._replace(unreached=self.unreached + sign)
        if result.outcome is Outcome.DOUBTFUL:
            return self._replace(doubtful=self.doubtful + sign)
        responses, entry = list(self.responses), (result.response_us, result.street or "")
        if sign > 0:
            insort(responses, entry)
        else:
            del responses[bisect_left(responses, entry)]
        return self._replace(responses=tuple(responses))

    def within(self, limit_us: int) -> int:
        """Calls answered within a time; exactly on it is within."""
        return bisect_right(self.responses, limit_us, key=_time)


def nearest_rank(sorted_us: list[int], percent: int) -> int | None:
    """Percentile by nearest rank: the smallest value with at least so many percent of all at or below it."""
    if not sorted_us:
        return None
    return sorted_us[max(0, ceil(len(sorted_us) * percent / 100) - 1)]


def _time(response: tuple[int, str]) -> int:
    return response[0]


def load_call(dumped: list[Any]) -> Call:
    """A call from its JSON-ready form (the tuple itself as a list)."""
    call = Call._make(dumped)
    counted = call.counted
    return call._replace(
        units=tuple((unit, free) for unit, free in call.units),
        counted=None if counted is None else Result(Outcome(counted[0]), counted[1], counted[2]),
    )


def load_tally(dumped: list[Any]) -> Tally:
    """A tally from its JSON-ready form."""
    responses, unreached, doubtful = dumped
    return Tally(tuple((us, street) for us, street in responses), unreached, doubtful)
