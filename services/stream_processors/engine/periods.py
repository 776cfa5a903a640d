"""Local days, months and years (fixed +08:00) in microseconds of event time. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from services.stream_processors.engine.event_time import local_period_start, to_us

DAY_US: Final = 86_400_000_000
_LOCAL_OFFSET: Final = timedelta(hours=8)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Period(NamedTuple):
    """From a local midnight to a later one."""

    start_us: int
    end_us: int
    """Exclusive."""


def local_day(at_us: int) -> Period:
    """The local day that holds a moment."""
    start_us = local_period_start(at_us, DAY_US)
    return Period(start_us, start_us + DAY_US)


def local_month(at_us: int) -> Period:
    """The local month that holds a moment."""
    return _month_of(local_period_start(at_us, DAY_US))


def local_year(at_us: int) -> Period:
    """The local year that holds a moment."""
    return _year_of(local_period_start(at_us, DAY_US))


def months_before(month: Period, count: int) -> int:
    """Start of the month so many months before a month."""
    start_us = month.start_us
    for _ in range(count):
        start_us = local_month(start_us - 1).start_us
    return start_us


@lru_cache(64)
def _month_of(day_start_us: int) -> Period:
    local = _EPOCH + timedelta(microseconds=day_start_us) + _LOCAL_OFFSET
    first = datetime(local.year, local.month, 1, tzinfo=UTC)
    after = datetime(local.year + local.month // 12, local.month % 12 + 1, 1, tzinfo=UTC)
    return Period(to_us(first - _LOCAL_OFFSET), to_us(after - _LOCAL_OFFSET))


@lru_cache(16)
def _year_of(day_start_us: int) -> Period:
    local = _EPOCH + timedelta(microseconds=day_start_us) + _LOCAL_OFFSET
    first, after = (datetime(year, 1, 1, tzinfo=UTC) for year in (local.year, local.year + 1))
    return Period(to_us(first - _LOCAL_OFFSET), to_us(after - _LOCAL_OFFSET))
