"""Car parks: who comes, how long they stay, and where they go when one is full. Pure but for memory.

Vehicles come as a Poisson process by kind of car park, hour and day, and each stays for a time of its own. Who finds
the car park full tries the nearest others of the zone (sharing); who finds none drives on. The counter at the exit of
some misses vehicles, so that what it says drifts until it is set right at night.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from types import MappingProxyType
from typing import Any, Final

from schemas.fields import Feed
from simulators.chance import Profile, by_hour
from simulators.world.dice import dice, poisson
from simulators.world.district import Lot, LotKind
from simulators.world.events import DAY, HOUR, LOCAL, Conditions, is_weekend
from simulators.world.ground import metres
from simulators.world.places import World, spot_of
from simulators.world.said import Said
from simulators.world.truth import Truth, TruthKind

RESET_HOUR: Final = 4
_WALK_METRES: Final = 1_000.0
_QUARTER: Final = 900

_ARRIVALS: Final[MappingProxyType[LotKind, Profile]] = MappingProxyType(
    {
        LotKind.OFFICE: ((0, 0.0), (6, 0.01), (7.5, 0.2), (8.7, 0.4), (10, 0.11), (14, 0.07), (18, 0.02), (21, 0.0)),
        LotKind.SHOPPING: (
            (0, 0.0),
            (8, 0.02),
            (11, 0.27),
            (14, 0.26),
            (17, 0.3),
            (18.7, 0.42),
            (20.5, 0.18),
            (22, 0.02),
        ),
        LotKind.RESIDENTIAL: ((0, 0.02), (6, 0.03), (11, 0.1), (16, 0.09), (18.5, 0.2), (20.5, 0.13), (23, 0.03)),
        LotKind.HOSPITAL: (
            (0, 0.04),
            (6, 0.15),
            (8, 0.62),
            (10, 0.5),
            (12.5, 0.25),
            (14.5, 0.45),
            (17, 0.16),
            (20, 0.08),
        ),
        LotKind.TRANSPORT: ((0, 0.02), (6, 0.1), (9, 0.3), (13, 0.24), (17.5, 0.3), (21, 0.1)),
    }
)
"""Vehicles an hour and space."""
_WEEKEND: Final = MappingProxyType(
    {
        LotKind.OFFICE: 0.25,
        LotKind.SHOPPING: 1.25,
        LotKind.RESIDENTIAL: 0.9,
        LotKind.HOSPITAL: 0.7,
        LotKind.TRANSPORT: 0.8,
    }
)
_STAY: Final[MappingProxyType[LotKind, tuple[float, float]]] = MappingProxyType(
    {
        LotKind.OFFICE: (0.4, 0.6),
        LotKind.SHOPPING: (0.45, 0.55),
        LotKind.RESIDENTIAL: (0.6, 0.6),
        LotKind.HOSPITAL: (0.3, 0.5),
        LotKind.TRANSPORT: (0.7, 0.8),
    }
)
"""Logarithm of the median stay in hours, and its spread."""


_LONG_SHARE: Final = 0.03
"""Of the others: they leave the car for a day or more."""


def _table(kind: LotKind) -> tuple[list[float], list[float]]:
    week = [by_hour(_ARRIVALS[kind], (quarter + 0.5) / 4) for quarter in range(96)]
    return week, [rate * _WEEKEND[kind] for rate in week]


_RATES: Final = MappingProxyType({kind: _table(kind) for kind in LotKind})


class _Lot:
    """One car park."""

    __slots__ = (
        "begun_with",
        "departures",
        "entries",
        "exits",
        "fields",
        "full_since",
        "lot",
        "missed",
        "nearest",
        "reset_at",
        "stream",
    )

    def __init__(self, lot: Lot, seed: int, begin: int) -> None:
        self.lot = lot
        self.stream = dice(seed, "parking", lot.id)
        self.departures: list[int] = []
        self.begun_with = self.entries = self.exits = self.missed = 0
        self.reset_at = begin
        self.full_since: int | None = None
        self.nearest: list[_Lot] = []
        self.fields: dict[str, Any] = {}
        for _ in range(round(self._overnight() * lot.spaces)):
            heappush(self.departures, begin + self.stream.randrange(60, 12 * HOUR))
        self.begun_with = len(self.departures)

    @property
    def has_room(self) -> bool:
        """Whether one more vehicle fits."""
        return len(self.departures) < self.lot.spaces

    def enter(self, at: int, stay: int) -> None:
        """A vehicle comes."""
        heappush(self.departures, at + stay)
        self.entries += 1

    def leave(self, until: int) -> None:
        """Vehicles go whose time has come."""
        while self.departures and self.departures[0] < until:
            heappop(self.departures)
            if self.lot.drift and self.stream.random() < self.lot.drift:
                self.missed += 1
            else:
                self.exits += 1

    def stay(self, at: int) -> int:
        """How long a vehicle stays that comes now, seconds."""
        hour = (at + LOCAL) % DAY / HOUR
        stream = self.stream
        if self.lot.kind is LotKind.OFFICE and hour < 10.5 and stream.random() < 0.85:
            return round(max(0.5, stream.gauss(8.6, 1.2)) * HOUR)
        if self.lot.kind is LotKind.RESIDENTIAL and (hour >= 16 or hour < 4) and stream.random() < 0.9:
            return round(max(0.5, (31.9 - hour if hour >= 16 else 7.9 - hour) + stream.gauss(0, 1.1)) * HOUR)
        if stream.random() < _LONG_SHARE:
            return round(stream.uniform(16, 72) * HOUR)
        middle, width = _STAY[self.lot.kind]
        return round(min(20.0, stream.lognormvariate(middle, width)) * HOUR)

    def reading(self) -> dict[str, Any]:
        """What the counters show; the same object while nothing moves."""
        free = self.lot.spaces - self.begun_with - self.entries + self.exits
        known = self.fields
        if not known or known["free_spaces"] != free or known["entries_total"] != self.entries:
            self.fields = {
                "feed": Feed.PARKING.value,
                "device_id": self.lot.id,
                "group_id": self.lot.zone,
                "total_spaces": self.lot.spaces,
                "free_spaces": free,
                "entries_total": self.entries,
                "exits_total": self.exits,
            }
        return self.fields

    def _overnight(self) -> float:
        return {LotKind.RESIDENTIAL: 0.85, LotKind.HOSPITAL: 0.2, LotKind.TRANSPORT: 0.15}.get(self.lot.kind, 0.05)


def _full(lot: Lot, since: int, until: int) -> Truth:
    return Truth(TruthKind.EVENT, "lot_full", lot.id, since, until, float(lot.spaces))


class ParkingModel:
    """All car parks of a world from a time on; it should begin a day before anybody looks.

    Args:
        step: Seconds between two readings of a car park.
    """

    def __init__(self, world: World, conditions: Conditions, seed: int, begin: int, step: int) -> None:
        self.truth: list[Truth] = []
        self.turned_away = 0
        """Vehicles that found no room anywhere near."""
        self.shared = 0
        """Vehicles that found it at another car park."""
        self._conditions, self._step = conditions, step
        self._lots = [_Lot(lot, seed, begin) for lot in world.district.lot]
        self._turns = [(begin + lot.stream.randrange(step), number) for number, lot in enumerate(self._lots)]
        """Who speaks next: in the order of time, as drivers go from one car park to the other."""
        heapify(self._turns)
        self._introduce()

    def advance(self, until: int) -> list[Said]:
        """What was said since the last time, up to and without `until`."""
        said: list[Said] = []
        while self._turns[0][0] < until:
            at, number = heappop(self._turns)
            lot = self._lots[number]
            self._move(lot, at)
            self._note_full(lot, at)
            said.append((at, lot.lot.id, lot.reading()))
            heappush(self._turns, (at + self._step, number))
        return said

    def still_full(self, until: int) -> list[Truth]:
        """The car parks that have no space left at the end of a run."""
        return [_full(each.lot, each.full_since, until) for each in self._lots if each.full_since is not None]

    def _note_full(self, lot: _Lot, at: int) -> None:
        """Tell when a car park had no space left, whatever its counter says, when that is over."""
        if lot.full_since is None and not lot.has_room:
            lot.full_since = at
        elif lot.full_since is not None and lot.has_room:
            self.truth.append(_full(lot.lot, lot.full_since, at))
            lot.full_since = None

    def _introduce(self) -> None:
        by_zone: dict[str, list[_Lot]] = {}
        for lot in self._lots:
            by_zone.setdefault(lot.lot.zone, []).append(lot)
        for lot in self._lots:
            here = spot_of(lot.lot)
            near = [(metres(here, spot_of(other.lot)), other.lot.id, other) for other in by_zone[lot.lot.zone]]
            lot.nearest = [other for far, _, other in sorted(near)[1:6] if far <= _WALK_METRES]

    def _move(self, lot: _Lot, until: int) -> None:
        lot.leave(until)
        if until >= lot.reset_at and (until + LOCAL) % DAY // HOUR == RESET_HOUR:
            lot.begun_with, lot.missed, lot.reset_at = lot.begun_with - lot.missed, 0, until + 12 * HOUR
        zone, kind = lot.lot.zone, lot.lot.kind
        rate = _RATES[kind][is_weekend(until)][(until + LOCAL) % DAY // _QUARTER]
        if rate <= 0 or self._conditions.is_shut(zone, until):
            return
        mean = rate * lot.lot.spaces * self._step / HOUR * self._conditions.vehicles(zone, until)
        for _ in range(poisson(lot.stream, mean)):
            self._park(lot, until)

    def _park(self, lot: _Lot, at: int) -> None:
        stay = lot.stay(at)
        if lot.has_room:
            lot.enter(at, stay)
            return
        for other in lot.nearest:
            if other.has_room:
                other.enter(at, stay)
                self.shared += 1
                return
        self.turned_away += 1
