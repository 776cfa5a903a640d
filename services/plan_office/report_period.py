"""What a report covers, and which report was the last one before it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from schemas.fields import DISTRICT_ZONE

_DAY: Final = timedelta(days=1)


class ReportPeriod(StrEnum):
    """What the plan asks for: monitoring each year, an evaluation in mid-term and at the end (pages 46 and 47)."""

    YEAR = "year"
    MID_TERM = "mid-term"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Span:
    """Local days, both ends among them."""

    first: date
    last: date

    @property
    def begins_at(self) -> datetime:
        """Midnight at which it begins."""
        return datetime.combine(self.first, datetime.min.time(), DISTRICT_ZONE)

    @property
    def ends_at(self) -> datetime:
        """Midnight at which it ends, exclusive."""
        return end_of(self.last)


def span_of(period: ReportPeriod, day: date, counts_from: date) -> Span:
    """The days that a report covers: the year of its day so far, or everything since the plan's first day.

    Args:
        counts_from: First day of the planned period.
    """
    first = counts_from if period is not ReportPeriod.YEAR else date(day.year, 1, 1)
    return Span(min(first, day), day)


def last_day_before(day: date, counts_from: date) -> date | None:
    """Day of the yearly report before this one; None in the first year of the plan."""
    eve = date(day.year, 1, 1) - _DAY
    return eve if eve >= counts_from else None


def known_then(day: date, last: date, known_at: datetime) -> datetime:
    """By when the last report was known unless somebody says it: as long after its day as this one is after its own."""
    return end_of(last) + max(known_at - end_of(day), timedelta())


def end_of(day: date) -> datetime:
    """The midnight at which a local day ends."""
    return datetime.combine(day + _DAY, datetime.min.time(), DISTRICT_ZONE)
