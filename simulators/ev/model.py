"""What a charging connector reports at a time. Pure: a look into the plan of its day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from schemas.ev import ConnectorState, ErrorCode, EvContext, StatusVocabulary
from schemas.fields import DISTRICT_ZONE, Feed
from simulators.chance import between, draw
from simulators.ev.sessions import DAY_BEGINS_HOUR, DayPlan, OutageKind, Session, day_plan
from simulators.world.district import Site

PREPARING_SECONDS: Final = 45.0
FINISHING_SECONDS: Final = 60.0
_SHARE_OF_OCPP_2: Final = 0.25
_THREE_PHASE_VOLTS: Final = 400.0
_DIRECT_VOLTS: Final = (380.0, 750.0)
_WORDS_2: Final = MappingProxyType(
    {
        "Available": "Available",
        "Faulted": "Faulted",
        "Unavailable": "Unavailable",
        "Preparing": "Occupied",
        "Charging": "Occupied",
        "SuspendedEV": "Occupied",
        "Finishing": "Occupied",
    }
)
_STATES: Final = MappingProxyType(
    {
        "Available": ConnectorState.IDLE,
        "Preparing": ConnectorState.PLUGGED,
        "Charging": ConnectorState.CHARGING,
        "SuspendedEV": ConnectorState.PLUGGED,
        "Finishing": ConnectorState.PLUGGED,
        "Unavailable": ConnectorState.OUT_OF_SERVICE,
        "Faulted": ConnectorState.FAULT,
    }
)


def planning_day(at: datetime) -> tuple[date, float]:
    """Return the planning day of a time and the seconds into it."""
    local = at.astimezone(DISTRICT_ZONE) - timedelta(hours=DAY_BEGINS_HOUR)
    return local.date(), local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6


class EvModel:
    """One connector. Remembers the plan of the day and the meter at its begin, which follow from the arguments."""

    def __init__(self, seed: int, site: Site, connector: str) -> None:
        self._seed = seed
        self._site = site
        self._connector = connector
        self._is_ocpp_2 = draw(seed, site.id, "vocabulary") < _SHARE_OF_OCPP_2
        self._day: date | None = None
        self._plan = DayPlan((), None)
        self._register_kwh = 0.0

    def observe(self, at: datetime, since: datetime) -> dict[str, Any] | None:
        """Return the reading's own fields; None while the connector is silent.

        Args:
            since: The time of the observation before, so that a begin or an end in between is told.
        """
        day, second = planning_day(at)
        self._look_up(day)
        outage = self._plan.outage
        is_out = outage is not None and outage.begin <= second < outage.end
        if is_out and outage is not None and outage.kind is OutageKind.SILENT:
            return None
        session = next((each for each in self._plan.sessions if each.begin <= second < each.end), None)
        word = _word(session, second)
        error = ErrorCode.NO_ERROR
        if is_out and outage is not None:
            word, error, session = ("Faulted" if outage.kind is OutageKind.FAULT else "Unavailable"), outage.error, None
        context = _context(session, second, second - (at - since).total_seconds())
        return self._fields(word, error, session, second=second, context=context)

    def _look_up(self, day: date) -> None:
        if day == self._day:
            return
        if self._day is not None and day == self._day + timedelta(days=1):
            self._register_kwh += self._plan.energy_kwh
        else:
            self._register_kwh = self._register_before(day)
        self._day, self._plan = day, self._plan_of(day)

    def _plan_of(self, day: date) -> DayPlan:
        return day_plan(self._seed, self._connector, self._site.kind, self._site.rated_power_kw, day)

    def _register_before(self, day: date) -> float:
        days = max(0, (day - self._site.commissioned).days)
        return sum(self._plan_of(self._site.commissioned + timedelta(days=n)).energy_kwh for n in range(days))

    def _fields(
        self, word: str, error: ErrorCode, session: Session | None, *, second: float, context: EvContext
    ) -> dict[str, Any]:
        today = sum(each.energy_kwh(second) for each in self._plan.sessions if each.begin <= second)
        fields: dict[str, Any] = {
            "feed": Feed.EV,
            "device_id": self._connector,
            "group_id": self._site.id,
            "context": context,
            "status": _STATES[word],
            "status_vocabulary": StatusVocabulary.OCPP_2_0_1 if self._is_ocpp_2 else StatusVocabulary.OCPP_1_6,
            "status_word": _WORDS_2[word] if self._is_ocpp_2 else word,
            "error_code": error,
            "rated_power_kw": self._site.rated_power_kw,
            "power_kw": 0.0,
            "energy_register_kwh": round(self._register_kwh + today, 3),
            "site_name": self._site.name_zh,
        }
        if session is not None:
            fields |= self._session_fields(session, second)
        return fields

    def _session_fields(self, session: Session, second: float) -> dict[str, Any]:
        power = session.power(second) if second >= session.begin + PREPARING_SECONDS else 0.0
        is_direct = self._site.rated_power_kw >= 20
        soc = session.soc(second)
        volts = (
            _DIRECT_VOLTS[0] + (_DIRECT_VOLTS[1] - _DIRECT_VOLTS[0]) * 0.3 * soc if is_direct else _THREE_PHASE_VOLTS
        )
        volts += between(-2, 2, self._seed, self._connector, round(second))
        return {
            "session_id": f"{self._connector}-{self._day:%Y%m%d}-{session.number}",
            "session_energy_kwh": round(session.energy_kwh(second), 3),
            "power_kw": round(power, 2),
            "voltage_v": round(volts, 1),
            "current_a": round(power * 1000 / volts, 2),
            **({"soc_percent": round(soc * 100, 1)} if is_direct else {}),
        }


def _word(session: Session | None, second: float) -> str:
    if session is None:
        return "Available"
    if second < session.begin + PREPARING_SECONDS:
        return "Preparing"
    if second < session.charged:
        return "Charging"
    return "Finishing" if second >= session.end - FINISHING_SECONDS else "SuspendedEV"


def _context(session: Session | None, second: float, since: float) -> EvContext:
    if session is not None and since < session.begin + PREPARING_SECONDS <= second:
        return EvContext.BEGIN
    if session is not None and since < session.charged <= second:
        return EvContext.END
    return EvContext.PERIODIC
