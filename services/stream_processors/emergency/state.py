"""What is remembered of a district. Values never change; the dictionaries do. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from schemas.emergency import UnitState
from services.stream_processors.emergency.calls import Call, Tally, load_call, load_tally
from services.stream_processors.engine.counting import CALM, Run, dump_run, load_run


class Unit(NamedTuple):
    """A unit as last heard of."""

    state: UnitState
    at_us: int
    place: tuple[float, float] | None
    """Longitude and latitude of its last position report."""
    counted: tuple[float, float] | None
    """From where it counts for coverage: changes when it has moved far enough."""
    leg: tuple[float, float, int] | None = None
    """Where and when it set out for a call."""


class Legs(NamedTuple):
    """Driving observed in one hour of the day."""

    metres: int = 0
    microseconds: int = 0
    driven: int = 0
    """How many legs."""


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


NO_LEGS: Final = Legs()
PeriodKey = tuple[int, int]


@dataclass(slots=True)
class DistrictState:
    """One district in one lane."""

    district: str
    calls: dict[str, Call] = field(default_factory=dict)
    tallies: dict[PeriodKey, Tally] = field(default_factory=dict)
    changed: tuple[PeriodKey, ...] = ()
    """Periods whose figures are to be said."""
    units: dict[str, Unit] = field(default_factory=dict)
    legs: dict[int, Legs] = field(default_factory=dict)
    """By local hour."""
    cover: Cover | None = None
    low: Run = CALM
    best_cells: int = 0
    """Cells covered when coverage was last well."""
    midnight_us: int | None = None

    def copy(self) -> DistrictState:
        """A copy that does not change when this one does."""
        return DistrictState(
            self.district,
            self.calls.copy(),
            self.tallies.copy(),
            self.changed,
            self.units.copy(),
            self.legs.copy(),
            self.cover,
            self.low,
            self.best_cells,
            self.midnight_us,
        )


def dump_state(state: DistrictState) -> list[Any]:
    """JSON-ready form."""
    return [
        state.calls,
        [[*period, tally] for period, tally in state.tallies.items()],
        state.changed,
        state.units,
        list(state.legs.items()),
        None if state.cover is None else [hex(number) for number in state.cover],
        dump_run(state.low),
        hex(state.best_cells),
        state.midnight_us,
    ]


def load_state(dumped: list[Any], district: str) -> DistrictState:
    """A district from its JSON-ready form."""
    calls, tallies, changed, units, legs, cover, low, best_cells, midnight_us = dumped
    return DistrictState(
        district,
        {name: load_call(call) for name, call in calls.items()},
        {(start, end): load_tally(tally) for start, end, tally in tallies},
        tuple((start, end) for start, end in changed),
        {name: _load_unit(unit) for name, unit in units.items()},
        {hour: Legs._make(of) for hour, of in legs},
        None if cover is None else Cover._make([int(number, 16) for number in cover]),
        load_run(low),
        int(best_cells, 16),
        midnight_us,
    )


def _load_unit(dumped: list[Any]) -> Unit:
    unit = Unit._make(dumped)
    place, counted, leg = unit.place, unit.counted, unit.leg
    return Unit(
        UnitState(unit.state),
        unit.at_us,
        None if place is None else (place[0], place[1]),
        None if counted is None else (counted[0], counted[1]),
        None if leg is None else (leg[0], leg[1], leg[2]),
    )
