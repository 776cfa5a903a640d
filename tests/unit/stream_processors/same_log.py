"""One log of a lane for each feed, the same whenever it is written: what every worker must agree about."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.clock import Tick
from schemas.envelope import Envelope
from schemas.fields import Feed
from tests.unit.stream_processors.test_every_feed import MAKERS

GROUPS: Final = 9
START: Final = datetime(2026, 11, 24, tzinfo=UTC)
STEP: Final = timedelta(seconds=30)
"""Between two rounds of the groups. The clock comes once in ten rounds: readings pass what it has not reached."""

Written = tuple[Feed, bytes, bytes | None]
"""Feed, value and key; a clock message has none and goes into every partition."""


def script(feed: Feed, lane: str, count: int) -> Iterator[Written]:
    """Readings of several groups in their time, one in fifty late and one in a hundred twice, and the clock behind."""
    dice = random.Random(feed.value)
    make, _, lateness = MAKERS[feed]
    yield feed, _clock(lane, START), None
    for number in range(count):
        at = START + number // GROUPS * STEP
        late = lateness / 2 * dice.random() if dice.random() < 0.02 else timedelta(0)
        made: Envelope = make(dice, number, max(START, at - late).replace(microsecond=0))
        group = f"same-{number % GROUPS}"
        reading = made.model_copy(
            update={"lane": lane, "group_id": group, "device_id": f"{group}-{made.device_id}", "boot_id": "b"}
        )
        value = reading.model_dump_json().encode()
        for _ in range(2 if dice.random() < 0.01 else 1):
            yield feed, value, group.encode()
        if number % (GROUPS * 10) == 0:
            yield feed, _clock(lane, at), None


def closing(feed: Feed, lane: str, count: int) -> Written:
    """The clock message that closes the lane a day after its last reading."""
    at = START + count // GROUPS * STEP + timedelta(days=1)
    return feed, Tick(lane=lane, at=at, closes=True).model_dump_json().encode(), None


def _clock(lane: str, at: datetime) -> bytes:
    return Tick(lane=lane, at=at).model_dump_json().encode()
