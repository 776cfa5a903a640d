"""How much of a time lies in busy hours of local days (fixed +08:00). Pure."""

from __future__ import annotations

from typing import Final

from services.stream_processors.engine.event_time import local_period_start
from services.stream_processors.engine.periods import DAY_US

HOUR_US: Final = 3_600_000_000


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
