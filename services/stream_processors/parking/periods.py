"""Local days and months (fixed +08:00) in microseconds of event time. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from services.stream_processors.engine.event_time import local_period_start, to_us

DAY_US: Final = 86_400_000_000
HOUR_US: Final = 3_600_000_000
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


@lru_cache(64)
def _month_of(day_start_us: int) -> Period:
    local = _EPOCH + timedelta(microseconds=day_start_us) + _LOCAL_OFFSET
    first = datetime(local.year, local.month, 1, tzinfo=UTC)
    after = datetime(local.year + local.month // 12, local.month % 12 + 1, 1, tzinfo=UTC)
    return Period(to_us(first - _LOCAL_OFFSET), to_us(after - _LOCAL_OFFSET))


def busy_us(from_us: int, to_us_: int, from_hour: int, to_hour: int) -> int:
    """How much of an interval lies in busy hours of its local days.

    Args:
        from_us: Start of the interval.
        to_us_: End of the interval.
        from_hour: Local hour at which busy hours begin, 0 to 24.
        to_hour: Local hour at which they end.
    """
    total = 0
    day_us = local_period_start(from_us, DAY_US)
    while day_us < to_us_:
        start, end = day_us + from_hour * HOUR_US, day_us + to_hour * HOUR_US
        total += max(0, min(end, to_us_) - max(start, from_us))
        day_us += DAY_US
    return total
