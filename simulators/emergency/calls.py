"""Who calls the emergency number, when and from where. Pure: the calls of a minute belong to the minute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import cos, floor, hypot, radians
from typing import Final

from simulators.chance import Profile, between, by_hour, draw, local_hour, poisson
from simulators.world.district import District, Place

_BY_HOUR: Final[Profile] = ((0, 0.7), (4, 0.45), (8, 1.1), (11, 1.4), (15, 1.2), (19, 1.3), (22, 1.0))
"""Calls relative to the day's mean, which these points average to."""
_SPREAD_DEGREES: Final = 0.006
_KM_A_DEGREE: Final = 111.2
DETOUR: Final = 1.35
"""Road over straight line (reference, section 7: 1.3 to 1.4)."""
_ROAD_KM_H: Final[Profile] = ((0, 38), (6, 36), (8, 22), (10, 27), (17, 21), (20, 30), (23, 37))
_TYPES: Final = ("胸痛", "呼吸困难", "外伤", "晕厥", "卒中", "腹痛", "交通事故", "发热")


@dataclass(frozen=True, slots=True)
class Position:
    """Degrees, WGS-84."""

    longitude: float
    latitude: float

    def towards(self, other: Position, share: float) -> Position:
        """Return the point at that share of the way."""
        return Position(
            self.longitude + (other.longitude - self.longitude) * share,
            self.latitude + (other.latitude - self.latitude) * share,
        )


def position_of(place: Place) -> Position:
    """Return where something is."""
    return Position(place.longitude, place.latitude)


def road_km(a: Position, b: Position) -> float:
    """Return about how far it is by road."""
    east = (b.longitude - a.longitude) * cos(radians(a.latitude)) * _KM_A_DEGREE
    north = (b.latitude - a.latitude) * _KM_A_DEGREE
    return hypot(east, north) * DETOUR


def travel_seconds(a: Position, b: Position, at: datetime) -> float:
    """Return about how long an ambulance takes at that hour."""
    return 45.0 + road_km(a, b) / by_hour(_ROAD_KM_H, local_hour(at)) * 3600


@dataclass(frozen=True, slots=True)
class Call:
    """One call for help."""

    id: str
    at: datetime
    place: Position
    street: str
    call_type: str
    priority: str
    """A (life in danger), B, C."""


def calls_in_minute(seed: int, district: District, minute: datetime) -> Iterator[Call]:
    """Return the calls received within a minute.

    Args:
        minute: Its first second, UTC.
    """
    number = floor(minute.timestamp() / 60)
    mean = district.dispatch.calls_per_day / 1440 * by_hour(_BY_HOUR, local_hour(minute))
    for index in range(poisson(mean, seed, "calls", number)):
        key = (seed, "call", number, index)
        street = district.street[floor(len(district.street) * draw(*key, "street"))]
        place = Position(
            round(street.longitude + between(-_SPREAD_DEGREES, _SPREAD_DEGREES, *key, "east"), 5),
            round(street.latitude + between(-_SPREAD_DEGREES, _SPREAD_DEGREES, *key, "north"), 5),
        )
        chance = draw(*key, "priority")
        yield Call(
            id=f"call-{number}-{index}",
            at=(minute + timedelta(seconds=floor(60 * draw(*key, "second")))).astimezone(UTC),
            place=place,
            street=street.name_zh,
            call_type=_TYPES[floor(len(_TYPES) * draw(*key, "type"))],
            priority="A" if chance < 0.25 else "B" if chance < 0.75 else "C",
        )
