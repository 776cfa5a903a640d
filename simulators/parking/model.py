"""What the counters of a car park show. Pure: a state that moves minute by minute, drawn from its key.

Arrivals and departures pull the occupancy towards what the hour and the kind of lot ask for, and people come and go
beside that. `free` follows from the counters; where the exit's counter misses vehicles it drifts, down to numbers
that cannot be, until it is set right at night.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import floor
from types import MappingProxyType
from typing import Any, Final

from schemas.fields import Feed
from simulators.chance import Profile, by_hour, draw, is_weekend, local_hour, poisson, wander
from simulators.world.district import Lot, LotKind

MINUTE: Final = timedelta(minutes=1)
RESET_HOUR: Final = 4
PULL: Final = 0.03
"""Share of the distance to the hour's occupancy that is covered in a minute."""
_OFFICE_AT_WEEKENDS: Final = 0.35

_OCCUPANCY: Final[MappingProxyType[LotKind, Profile]] = MappingProxyType(
    {
        LotKind.OFFICE: (
            (0, 0.12),
            (6.5, 0.13),
            (9.5, 0.9),
            (12, 0.84),
            (14, 0.92),
            (17.5, 0.8),
            (20, 0.3),
            (23, 0.14),
        ),
        LotKind.SHOPPING: ((0, 0.1), (8, 0.12), (12, 0.65), (15, 0.72), (19.5, 0.97), (21.5, 0.7), (23, 0.15)),
        LotKind.RESIDENTIAL: ((0, 0.97), (6, 0.96), (9, 0.52), (14, 0.48), (18, 0.7), (21, 0.95)),
        LotKind.HOSPITAL: ((0, 0.35), (6, 0.4), (8.5, 0.98), (11, 0.99), (13, 0.8), (15, 0.95), (18, 0.6), (21, 0.45)),
        LotKind.TRANSPORT: ((0, 0.3), (6, 0.45), (9, 0.8), (14, 0.75), (18, 0.9), (22, 0.5)),
    }
)
_TURNOVER: Final[MappingProxyType[LotKind, float]] = MappingProxyType(
    {
        LotKind.OFFICE: 0.05,
        LotKind.SHOPPING: 0.35,
        LotKind.RESIDENTIAL: 0.03,
        LotKind.HOSPITAL: 0.4,
        LotKind.TRANSPORT: 0.5,
    }
)
"""Vehicles an hour and space that come and go without changing the occupancy, in the daytime."""


@dataclass(frozen=True, slots=True)
class LotState:
    """What has happened since the boot."""

    at: datetime
    """The minute up to which it is known."""
    begun_with: int
    entries: int
    exits: int
    missed: int
    """Exits that the counter did not see, since it was last set right."""

    @property
    def vehicles(self) -> int:
        """Vehicles that are really there."""
        return self.begun_with + self.entries - self.exits - self.missed


@dataclass(frozen=True, slots=True)
class ParkingModel:
    """One car park."""

    seed: int
    lot: Lot

    def begin(self, at: datetime) -> LotState:
        """Return the state at the boot."""
        minute = at.replace(second=0, microsecond=0)
        return LotState(minute, round(self._wanted(minute)), 0, 0, 0)

    def advance(self, state: LotState, at: datetime) -> LotState:
        """Return the state at a later time."""
        while state.at + MINUTE <= at:
            state = self._minute(state)
        return state

    def observe(self, state: LotState) -> dict[str, Any]:
        """Return the reading's own fields."""
        return {
            "feed": Feed.PARKING,
            "device_id": self.lot.id,
            "group_id": self.lot.zone,
            "lot_name": self.lot.name_zh,
            "total_spaces": self.lot.spaces,
            "free_spaces": self.lot.spaces - state.begun_with - state.entries + state.exits,
            "entries_total": state.entries,
            "exits_total": state.exits,
        }

    def _wanted(self, at: datetime) -> float:
        share = by_hour(_OCCUPANCY[self.lot.kind], local_hour(at))
        if self.lot.kind is LotKind.OFFICE and is_weekend(at):
            share *= _OFFICE_AT_WEEKENDS
        share += 0.06 * wander(at.timestamp(), 5_400, self.seed, self.lot.id, "occupancy")
        return max(0.02, min(1.0, share)) * self.lot.spaces

    def _minute(self, state: LotState) -> LotState:
        at = state.at + MINUTE
        key = (self.seed, self.lot.id, floor(at.timestamp() / 60))
        day = 0.3 + 0.7 * (7 <= local_hour(at) <= 22)
        churn = _TURNOVER[self.lot.kind] * day * self.lot.spaces / 60
        gap = (self._wanted(at) - state.vehicles) * PULL
        entries = min(poisson(churn + max(0.0, gap), *key, "in"), max(0, self.lot.spaces - state.vehicles))
        leaving = min(poisson(churn + max(0.0, -gap), *key, "out"), state.vehicles)
        missed = sum(draw(*key, "missed", n) < self.lot.drift for n in range(leaving))
        if local_hour(at) == RESET_HOUR:
            state = replace(state, begun_with=state.begun_with - state.missed, missed=0)
        return _plus(state, at, entries, leaving - missed, missed)


def _plus(state: LotState, at: datetime, entries: int, exits: int, missed: int) -> LotState:
    return LotState(at, state.begun_with, state.entries + entries, state.exits + exits, state.missed + missed)
