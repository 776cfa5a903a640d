"""Words that every part of a report of the plan needs. Pure."""

from __future__ import annotations

from datetime import date, datetime
from types import MappingProxyType
from typing import Final

from schemas.fields import DISTRICT_ZONE
from schemas.plan.course import TargetStanding
from schemas.plan.documents import PlanIndicator
from schemas.vocabulary import VOCABULARY, Naming
from services.district.report_kit.parts import Cell, Mood
from services.district.words import UNKNOWN
from services.plan_office.report_period import ReportPeriod
from services.plan_office.standing_words import amount, limit

MOODS: Final[MappingProxyType[TargetStanding, Mood]] = MappingProxyType(
    {
        TargetStanding.MET: "good",
        TargetStanding.ON_TRACK: "good",
        TargetStanding.BEHIND: "warn",
        TargetStanding.MISSED: "bad",
        TargetStanding.CANNOT_SAY: "quiet",
    }
)
PERIODS: Final[MappingProxyType[ReportPeriod, Naming]] = MappingProxyType(
    {
        ReportPeriod.YEAR: Naming("年度监测报告", "yearly monitoring"),
        ReportPeriod.MID_TERM: Naming("中期评估报告", "mid-term evaluation"),
        ReportPeriod.FINAL: Naming("终期评估报告", "final evaluation"),
    }
)
_HUNDRED_MILLION: Final = 1e8
_MILLION: Final = 1e6
NOTHING: Final = Naming(UNKNOWN, UNKNOWN)


def name_of(entry: PlanIndicator) -> Naming:
    """Name of a target."""
    return Naming(entry.name_zh or entry.name, entry.name)


def page_of(entry: PlanIndicator) -> Naming:
    """Where the plan states a target."""
    pages = (entry.page,) if isinstance(entry.page, int) else entry.page
    return Naming(f"第{'、'.join(map(str, pages))}页", entry.where)


def goal_of(entry: PlanIndicator) -> Naming:
    """What the target asks for, as `不低于 32%`."""
    return limit(entry.op, value_of(entry.target, entry), entry.unit)


def value_of(value: float | None, entry: PlanIndicator) -> Naming:
    """A value with the target's unit, to six digits, large ones shortened: what is more stands with the documents."""
    if value is None:
        return NOTHING
    shown = float(f"{value:.6g}")
    zh = _shortened(amount(shown / _HUNDRED_MILLION, entry.unit).zh, "亿") if abs(shown) >= _HUNDRED_MILLION else None
    en = _shortened(amount(shown / _MILLION, entry.unit).en, " million") if abs(shown) >= _HUNDRED_MILLION else None
    plain = amount(shown, entry.unit)
    return Naming(zh or plain.zh, en or plain.en)


def _shortened(told: str, by: str) -> str:
    figure, space, unit = told.partition(" ")
    return f"{figure}{by}{space if by.isascii() else ''}{unit}"


def standing_of(status: TargetStanding) -> Cell:
    """Where a target stands, as a cell."""
    return Cell(VOCABULARY["target_standing"][status.value], MOODS[status])


def day_of(day: date | None) -> str:
    """A day."""
    return UNKNOWN if day is None else day.isoformat()


def moment_of(at: datetime) -> str:
    """A moment in the district's time."""
    return f"{at.astimezone(DISTRICT_ZONE):%Y-%m-%d %H:%M}"
