"""A figure of a target as its judge sees it, wherever it came from. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from schemas.fields import DISTRICT_ZONE
from schemas.vocabulary import Naming

_LEAST: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one subject; of a period with several revisions the last one that is known."""

    value: float
    """In the unit of the target; of a target that adds up: what was done in the period itself."""
    start: date
    """First local day of its period."""
    end: date
    """Last local day; the day itself of a figure that is of a moment."""
    revision: int = 0
    source: str = ""
    """What it rests on, to be cited: an entry's id, a document."""
    met: bool | None = None
    """What its own judge said of the period against the target; null: the value alone decides."""
    unsaid: Naming | None = None
    """Why its own judge could not say anything of the period; the value then decides nothing."""

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a period from {self.start} to {self.end} ends before it begins")


def days_of(period_start: datetime, period_end: datetime) -> tuple[date, date]:
    """First and last local day of a period of telemetry, whose end is exclusive."""
    first = period_start.astimezone(DISTRICT_ZONE).date()
    return first, max(first, (period_end - _LEAST).astimezone(DISTRICT_ZONE).date())
