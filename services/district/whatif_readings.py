"""Stored readings as the processors would have met them: in the order in which they came, in a lane of their own. Pure.

The database gives them in the order of measuring. One that came later waits until the others have reached the time of
its arrival. What was imported was never judged live; it counts as come when it was measured. A reading dated ahead of
its arrival comes when the clock has come near it, as it does live.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from typing import Any, Final

import orjson

from schemas.fields import DISTRICT_ZONE, FUTURE_TOLERANCE, Feed
from services.read_model.readings import StoredReading

NO_PARTITION: Final = -1
"""Where a reading lies that was never in Kafka (`district import`)."""
LATE: Final = timedelta(minutes=1)
"""What came so long after it was measured is counted as late."""
_ZERO: Final = timedelta(0)


@dataclass(slots=True)
class Tally:
    """What was read."""

    read: int = 0
    late: int = 0
    """More than a minute after they were measured."""
    imported: int = 0
    too_late: int = 0
    """After the lateness bound: a live processor changed no verdict for their sake either; they are not judged."""
    after_the_end: int = 0
    """They came after the what-if's clock had stopped."""
    by_day: dict[date, int] = field(default_factory=dict)
    """By the local day of measuring."""
    held_most: int = 0
    """So many waited for their time at once."""


def came_at(reading: StoredReading) -> datetime:
    """When a processor met the reading, or would have."""
    if reading.kafka_partition == NO_PARTITION:
        return reading.observed_at
    return max(reading.received_at, reading.observed_at - FUTURE_TOLERANCE)


def line_of(feed: Feed, reading: StoredReading, lane: str) -> bytes:
    """The reading as its device sent it, in another lane."""
    own = {name: value for name, value in reading.own.items() if value is not None}
    return orjson.dumps(
        {
            "feed": feed.value,
            "device_id": reading.device_id,
            "group_id": reading.group_id,
            "boot_id": reading.boot_id,
            "seq": reading.seq,
            "observed_at": reading.observed_at,
            "quality": reading.quality,
            "quality_codes": list(reading.quality_codes),
            "lane": lane,
            **own,
        },
        option=orjson.OPT_UTC_Z,
        default=str,  # money is a decimal number, which travels as text
    )


Arrived = tuple[datetime, bytes]


async def in_order_of_arrival(
    readings: AsyncIterator[StoredReading],
    tally: Tally,
    *,
    feed: Feed,
    lane: str,
    lateness: timedelta | None,
    ends: datetime,
) -> AsyncGenerator[Arrived, None]:
    """Lines with their arrival, in its order.

    Args:
        readings: In the order of measuring.
        lateness: Later ones are left out; None: all count, whenever they came (a ledger).
        ends: Where the clock stops.
    """
    waiting: list[tuple[datetime, int, bytes]] = []
    number = 0
    async for reading in readings:
        frontier = reading.observed_at - FUTURE_TOLERANCE
        while waiting and waiting[0][0] <= frontier:
            at, _, line = heappop(waiting)
            yield at, line
        arrival = came_at(reading)
        if _counts(tally, reading, arrival, lateness, ends):
            heappush(waiting, (arrival, number, line_of(feed, reading, lane)))
            number += 1
            tally.held_most = max(tally.held_most, len(waiting))
    while waiting:
        at, _, line = heappop(waiting)
        yield at, line


def _counts(
    tally: Tally, reading: StoredReading, arrival: datetime, lateness: timedelta | None, ends: datetime
) -> bool:
    tally.read += 1
    day = reading.observed_at.astimezone(DISTRICT_ZONE).date()
    tally.by_day[day] = tally.by_day.get(day, 0) + 1
    tally.imported += reading.kafka_partition == NO_PARTITION
    behind = max(arrival - reading.observed_at, _ZERO)
    if lateness is not None and behind > lateness:
        tally.too_late += 1
        return False
    if arrival > ends:
        tally.after_the_end += 1
        return False
    tally.late += behind > LATE
    return True


def question(
    feed: Feed,
    lane: str,
    published: list[dict[str, Any]],
    alternative: dict[str, Any],
    *,
    read_from: datetime,
    since: datetime,
    until: datetime,
) -> bytes:
    """The first line for `services.stream_processors.whatif`."""
    return orjson.dumps(
        {
            "feed": feed.value,
            "lane": lane,
            "published": published,
            "alternative": alternative,
            "read_from": read_from,
            "since": since,
            "until": until,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def microseconds(at: datetime) -> int:
    """Since 1970, exact."""
    return (at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
