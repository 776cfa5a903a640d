"""A connector's day as a plan: who plugs in when, how much is charged, when it is broken or silent. Pure.

A planning day runs from 04:00 to 04:00 local time, when hardly anybody is plugged in; no span crosses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import exp, log
from types import MappingProxyType
from typing import Final

from schemas.ev import ErrorCode
from simulators.chance import Profile, between, by_hour, draw, exponential
from simulators.world.district import SiteKind

DAY_BEGINS_HOUR: Final = 4
DAY_SECONDS: Final = 86_400.0
LONGEST_GAP_SECONDS: Final = 3_600.0
TAPER_FROM: Final = 0.8
"""State of charge from which the battery takes less and less."""
TAPER_TO: Final = 0.2
"""Share of the power that is left at a full battery."""
MIN_CHARGE_SECONDS: Final = 300.0

_ARRIVALS: Final[MappingProxyType[SiteKind, Profile]] = MappingProxyType(
    {
        SiteKind.PUBLIC: ((0, 0.08), (5, 0.05), (9, 0.35), (12, 0.9), (14, 0.6), (17, 0.8), (20, 1.1), (23, 0.3)),
        SiteKind.OFFICE: ((0, 0.01), (6, 0.05), (8.5, 1.6), (10, 0.5), (13, 0.4), (18, 0.1), (22, 0.02)),
        SiteKind.HOME: ((0, 0.15), (5, 0.02), (12, 0.1), (17, 0.4), (19.5, 1.2), (22, 0.7)),
        SiteKind.DEPOT: ((0, 0.9), (4, 0.1), (9, 0.1), (11.5, 0.8), (14, 0.3), (20, 0.3), (22, 1.2)),
    }
)
"""Vehicles an hour that come to a free connector, by hour of day."""

_FAULTS: Final = (
    ErrorCode.GROUND_FAILURE,
    ErrorCode.HIGH_TEMPERATURE,
    ErrorCode.CONNECTOR_LOCK_FAILURE,
    ErrorCode.EV_COMMUNICATION_ERROR,
    ErrorCode.POWER_METER_FAILURE,
    ErrorCode.READER_FAILURE,
)


class OutageKind(StrEnum):
    """Why a connector does not work."""

    FAULT = "fault"
    OUT_OF_SERVICE = "out_of_service"
    SILENT = "silent"
    """It sends nothing at all."""


@dataclass(frozen=True, slots=True)
class Session:
    """A vehicle at the connector; times in seconds of the planning day."""

    number: int
    begin: float
    charged: float
    """When the charging ends."""
    end: float
    """When the vehicle leaves."""
    power_kw: float
    capacity_kwh: float
    soc_begin: float
    soc_end: float

    def soc(self, second: float) -> float:
        """State of charge, 0 to 1."""
        if second >= self.charged:
            return self.soc_end
        seconds = max(0.0, second - self.begin)
        rate = self.power_kw / self.capacity_kwh / 3600
        straight = max(0.0, TAPER_FROM - self.soc_begin) / rate
        if seconds <= straight:
            return self.soc_begin + rate * seconds
        start = max(self.soc_begin, TAPER_FROM)
        width, fall = 1.0 - TAPER_FROM, 1.0 - TAPER_TO
        left = width / fall - (start - TAPER_FROM)
        soc = start + left * (1.0 - exp(-rate * fall / width * (seconds - straight)))
        return min(soc, self.soc_end)

    def power(self, second: float) -> float:
        """Power just now, kW; 0 when nothing is charged."""
        if not self.begin <= second < self.charged:
            return 0.0
        over = max(0.0, self.soc(second) - TAPER_FROM) / (1.0 - TAPER_FROM)
        return self.power_kw * (1.0 - (1.0 - TAPER_TO) * over)

    def energy_kwh(self, second: float) -> float:
        """Energy charged so far."""
        return (self.soc(second) - self.soc_begin) * self.capacity_kwh


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which the connector does not work."""

    begin: float
    end: float
    kind: OutageKind
    error: ErrorCode


@dataclass(frozen=True, slots=True)
class DayPlan:
    """What happens at one connector on one planning day."""

    sessions: tuple[Session, ...]
    outage: Outage | None

    @property
    def energy_kwh(self) -> float:
        """Energy of the whole day."""
        return sum(session.energy_kwh(DAY_SECONDS) for session in self.sessions)


def day_plan(seed: int, connector: str, kind: SiteKind, rated_kw: float, day: date) -> DayPlan:
    """Plan a day."""
    key = (seed, connector, day)
    outage = _outage(key)
    sessions: list[Session] = []
    second = 0.0
    attempt = 0
    while second < DAY_SECONDS - 2 * MIN_CHARGE_SECONDS:
        attempt += 1
        hour = (DAY_BEGINS_HOUR + second / 3600) % 24
        rate = max(by_hour(_ARRIVALS[kind], hour), 0.01)
        gap = exponential(3600 / rate, *key, "gap", attempt)
        if gap > LONGEST_GAP_SECONDS:
            second += LONGEST_GAP_SECONDS  # The rate changes with the hour, so look again.
            continue
        second += max(gap, 120.0)
        session = _session((*key, attempt), len(sessions), kind, rated_kw, second)
        if session is None or (outage and session.begin < outage.end and session.end > outage.begin):
            second += 600.0
            continue
        sessions.append(session)
        second = session.end
    return DayPlan(tuple(sessions), outage)


def _outage(key: tuple[object, ...]) -> Outage | None:
    chance = draw(*key, "outage")
    if chance >= 0.035:
        return None
    kind = OutageKind.FAULT if chance < 0.018 else OutageKind.SILENT if chance < 0.028 else OutageKind.OUT_OF_SERVICE
    begin = between(0, DAY_SECONDS - 14_400, *key, "outage begin")
    error = _FAULTS[int(len(_FAULTS) * draw(*key, "error"))] if kind is OutageKind.FAULT else ErrorCode.NO_ERROR
    return Outage(begin, begin + between(1_200, 14_400, *key, "outage length"), kind, error)


def _session(key: tuple[object, ...], number: int, kind: SiteKind, rated_kw: float, begin: float) -> Session | None:
    is_bus = kind is SiteKind.DEPOT
    capacity = between(160, 280, *key, "capacity") if is_bus else between(42, 82, *key, "capacity")
    wanted = rated_kw * 0.95 if rated_kw < 20 or is_bus else min(rated_kw * 0.95, between(45, 115, *key, "vehicle"))
    soc_begin = between(0.12, 0.55, *key, "soc")
    soc_end = between(0.8, 0.98, *key, "until")
    session = Session(number, begin, begin, begin, wanted, capacity, soc_begin, soc_end)
    seconds = min(_charge_seconds(session), DAY_SECONDS - begin - MIN_CHARGE_SECONDS)
    if seconds < MIN_CHARGE_SECONDS:
        return None
    charged = begin + seconds
    reached = Session(number, begin, charged + 1, charged + 1, wanted, capacity, soc_begin, soc_end).soc(charged)
    stay = exponential(5_400 if kind in {SiteKind.OFFICE, SiteKind.HOME} else 420, *key, "stay")
    end = min(charged + max(90.0, stay), DAY_SECONDS)
    return Session(number, begin, charged, end, wanted, capacity, soc_begin, reached)


def _charge_seconds(session: Session) -> float:
    rate = session.power_kw / session.capacity_kwh / 3600
    straight = max(0.0, min(session.soc_end, TAPER_FROM) - session.soc_begin) / rate
    if session.soc_end <= TAPER_FROM:
        return straight
    width, fall = 1.0 - TAPER_FROM, 1.0 - TAPER_TO
    start = max(session.soc_begin, TAPER_FROM)
    left = width / fall - (start - TAPER_FROM)
    return straight - log(1.0 - (session.soc_end - start) / left) * width / (rate * fall)
