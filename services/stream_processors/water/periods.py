"""Local days and months (+08:00) of event time. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from services.stream_processors.engine.event_time import MICROSECONDS, local_period_start, to_us

DAY_US: Final = 86_400 * MICROSECONDS
_OFFSET_US: Final = 8 * 3_600 * MICROSECONDS
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def day_of(at_us: int) -> tuple[int, int]:
    """Start and end of the local day that holds a time."""
    start_us = local_period_start(at_us, DAY_US)
    return start_us, start_us + DAY_US


def month_of(at_us: int) -> tuple[int, int]:
    """Start and end of the local month that holds a time."""
    local = _EPOCH + timedelta(microseconds=at_us + _OFFSET_US)
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return to_us(first) - _OFFSET_US, to_us(following) - _OFFSET_US
