"""The units of a district: where they are, what they do, how fast they get along. Pure; values never change."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from schemas.emergency import Step, UnitState
from services.stream_processors.emergency.coverage import metres_between
from services.stream_processors.emergency.policy import CoverageSettings, TravelSettings
from services.stream_processors.engine.event_time import MICROSECONDS, local_period_start
from services.stream_processors.engine.periods import DAY_US

HOUR_US: Final = 3_600 * MICROSECONDS
_MINUTE_US: Final = 60 * MICROSECONDS
_RESPONDING: Final = str(Step.RESPONDING)
_ON_SCENE: Final = str(Step.ON_SCENE)
_STATES: Final = {str(state): state for state in UnitState}


class Sighting(NamedTuple):
    """What a reading tells of a unit. Sightings sort by event time, then by identity."""

    at_us: int
    device_id: str
    boot_id: str
    seq: int
    offset: int
    unit: str
    step: str | None
    """Of the call it is on; None: a position report."""
    state: str | None
    place: tuple[float, float] | None
    """Longitude and latitude: of the unit in a position report, of the call in a step."""


class Part(IntEnum):
    """What a unit had in coverage at the last look."""

    NONE = 0
    """Nothing was heard of it lately."""
    BUSY = 1
    COVERS = 2


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
    part: Part = Part.NONE


class Legs(NamedTuple):
    """Driving observed in one hour of the day."""

    metres: int = 0
    microseconds: int = 0
    driven: int = 0
    """How many legs."""


NO_LEGS: Final = Legs()


class Drive(NamedTuple):
    """One way to a call."""

    began_us: int
    took_us: int
    metres: float
    """Straight line."""


def followed(before: Unit | None, seen: Sighting, settings: CoverageSettings) -> tuple[Unit | None, Drive | None]:
    """The unit after a sighting, and the way it has driven; None while its state is not known.

    Of what was known longer ago than `kept_us` nothing is left.
    """
    if before is not None and seen.at_us - before.at_us > kept_us(settings):
        before = None
    if seen.state is not None:
        state = _STATES[seen.state]
    elif before is not None:
        state = before.state
    else:
        return None, None
    known, leg, counted = (None, None, None) if before is None else (before.place, before.leg, before.counted)
    here = seen.place if seen.step is None and seen.place is not None else known
    drive: Drive | None = None
    if seen.step == _RESPONDING and here is not None:
        leg = (*here, seen.at_us)
    elif seen.step == _ON_SCENE and leg is not None:
        if seen.place is not None:
            drive = Drive(leg[2], seen.at_us - leg[2], metres_between(leg[:2], seen.place))
        leg = None
    if here is not None and (counted is None or metres_between(counted, here) > settings.moved_metres):
        counted = here
    part = Part.NONE if before is None else before.part
    return Unit(state, seen.at_us, here, counted, leg, part), drive


def kept_us(settings: CoverageSettings) -> int:
    """How long a silent unit is remembered."""
    return max(DAY_US, settings.fresh_seconds * MICROSECONDS)


def learned(legs: dict[int, Legs], drive: Drive, travel: TravelSettings) -> None:
    """A unit's own way to a call teaches how fast units get along at that hour."""
    if drive.took_us <= 0:
        return
    metres = round(drive.metres * travel.detour_factor)
    speed_kmh = metres / drive.took_us * 3_600_000
    slowest, fastest = travel.leg_speed_kmh
    if slowest <= speed_kmh <= fastest:
        hour = _local_hour(drive.began_us)
        known = legs.get(hour, NO_LEGS)
        legs[hour] = Legs(known.metres + metres, known.microseconds + drive.took_us, known.driven + 1)


def reach_metres(legs: dict[int, Legs], at_us: int, limit_us: int, travel: TravelSettings) -> float:
    """How far, as the crow flies, a unit gets in the time that is left for the way."""
    left_us = max(0, limit_us - travel.allowance_seconds * MICROSECONDS)
    prior_us = travel.prior_minutes * _MINUTE_US
    prior_metres = travel.speed_kmh * prior_us / 3_600_000
    known = legs.get(_local_hour(at_us), NO_LEGS)
    return (known.metres + prior_metres) / (known.microseconds + prior_us) * left_us / travel.detour_factor


def _local_hour(at_us: int) -> int:
    return (at_us - local_period_start(at_us, DAY_US)) // HOUR_US
