"""What is remembered of a district. Values never change; the dictionaries do. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.stream_processors.emergency.calls import Call
from services.stream_processors.emergency.coverage import Counts
from services.stream_processors.emergency.tally import Tally
from services.stream_processors.emergency.units import Legs, Sighting, Unit
from services.stream_processors.engine.counting import CALM, Run

PeriodKey = tuple[int, int]
"""Start and end of a local day or month."""


class Cover(NamedTuple):
    """Coverage as it stands, and what the day came to."""

    since_us: int
    people: int
    """Within reach; -1 while no unit was heard of."""
    units: int
    day_people_us: int = 0
    day_known_us: int = 0
    day_least: int = -1

    def until(self, at_us: int) -> Cover:
        """The day's sums up to a time."""
        if self.people < 0 or at_us <= self.since_us:
            return self._replace(since_us=max(at_us, self.since_us))
        span_us = at_us - self.since_us
        least = self.people if self.day_least < 0 else min(self.day_least, self.people)
        return self._replace(
            since_us=at_us,
            day_people_us=self.day_people_us + span_us * self.people,
            day_known_us=self.day_known_us + span_us,
            day_least=least,
        )


class Standing(NamedTuple):
    """Which units count, and what they cover. Follows from the units at the last look: never stored."""

    basis: tuple[Any, ...]
    """Settings and reach under which it was made."""
    reach: float
    """How far units get, in metres."""
    counts: Counts
    covering: int
    """Units that count."""
    fresh: int
    """Units heard of lately, whatever they do."""
    cells: int
    people: int


@dataclass(slots=True)
class DistrictState:
    """One district in one lane."""

    district: str
    calls: dict[str, Call] = field(default_factory=dict)
    tallies: dict[PeriodKey, Tally] = field(default_factory=dict)
    changed: tuple[PeriodKey, ...] = ()
    """Periods whose figures are to be said."""
    seen: list[Sighting] = field(default_factory=list)
    """Since the last look, in any order."""
    units: dict[str, Unit] = field(default_factory=dict)
    legs: dict[int, Legs] = field(default_factory=dict)
    """By local hour."""
    cover: Cover | None = None
    low: Run = CALM
    best_cells: int = 0
    """Cells covered when coverage was last well."""
    offset: int = 0
    """Of the newest sighting at the last look."""
    heard_us: int | None = None
    """No unit that stands in coverage was last heard of before it."""
    look_us: int | None = None
    """When coverage is looked at next; likewise the next two."""
    figures_us: int | None = None
    midnight_us: int | None = None
    standing: Standing | None = None
    advice: tuple[Any, ...] | None = None
    """What restores coverage as it stands; follows from the standing: never stored."""

    def copy(self) -> DistrictState:
        """A copy that does not change when this one does."""
        return DistrictState(
            self.district,
            self.calls.copy(),
            self.tallies.copy(),
            self.changed,
            self.seen.copy(),
            self.units.copy(),
            self.legs.copy(),
            self.cover,
            self.low,
            self.best_cells,
            self.offset,
            self.heard_us,
            self.look_us,
            self.figures_us,
            self.midnight_us,
            self.standing,
            self.advice,
        )
