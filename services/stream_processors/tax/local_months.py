"""Local months and years by number. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from services.stream_processors.engine.event_time import from_us, local_period_start, to_us
from services.stream_processors.engine.periods import DAY_US, Period, local_year

_LOCAL_OFFSET: Final = timedelta(hours=8)


def local_month_of(at_us: int) -> tuple[int, int]:
    """The local year and month of a time."""
    return _month_of(local_period_start(at_us, DAY_US))


@lru_cache(64)
def _month_of(day_us: int) -> tuple[int, int]:
    local = from_us(day_us) + _LOCAL_OFFSET
    return local.year, local.month


@lru_cache(16)
def year_period(year: int) -> Period:
    """The local year of a number."""
    return local_year(to_us(datetime(year, 1, 1, tzinfo=UTC) - _LOCAL_OFFSET))
