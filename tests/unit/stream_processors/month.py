"""A month of readings as they arrive: some late, some twice, some never; and what the platform says of it at its end.

What the figures should be is reckoned in the tests of each feed from the readings themselves, in plain Python, with no
code of the rules.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.envelope import Envelope
from schemas.indicator import Indicator
from services.stream_processors.engine.judge import Judge
from tests.unit.stream_processors.recorded import Item, Process, Result, item, log_of, tick

MONTH = datetime(2026, 10, 31, 16, tzinfo=UTC)
"""Local 1 November 2026."""
DAY = timedelta(days=1)
MONTH_END = MONTH + 30 * DAY
_BATCH = 2_000


def as_it_arrives(
    readings: Iterable[Envelope], dice: random.Random, *, latest: timedelta, every: timedelta, until: datetime
) -> list[Item]:
    """The log: 3 % of the readings come late, 2 % come twice, a tick comes as the clock goes.

    Args:
        readings: All that ever arrive, once each.
        dice: Decides.
        latest: No reading comes later than this.
        every: Time between two ticks.
        until: Last tick.
    """
    arrivals: list[tuple[datetime, int, Item]] = []
    for number, reading in enumerate(readings):
        late = latest * dice.random() if dice.random() < 0.03 else timedelta()
        arrivals.append((reading.observed_at + late, number, item(reading)))
        if dice.random() < 0.02:
            arrivals.append((reading.observed_at + latest * dice.random(), number, item(reading)))
    arrivals.sort(key=lambda one: one[:2])
    log: list[Item] = []
    clock = arrivals[0][0] + every
    for at, _, record in arrivals:
        while clock < at:
            log.append(tick(clock))
            clock += every
        log.append(record)
    while clock < until:
        log.append(tick(clock))
        clock += every
    return [*log, tick(until)]


def said_of(judge: Judge[Any], log: Sequence[Item]) -> Result:
    """Judge the log; in its middle the worker is lost and another goes on from the state that was stored."""
    process, result, records = Process(judge), Result(), log_of(log)
    half = len(records) // 2 // _BATCH * _BATCH
    for first in range(0, len(records), _BATCH):
        said, refused = process.worker.judge(records[first : first + _BATCH])
        assert refused == []
        result.take(said)
        process.store()
        if first == half:
            process.kill()
    return result


Final = dict[tuple[str, str, datetime, datetime], Indicator]
"""Figures as they stand at the end, by id, subject and period."""


def final_of(result: Result) -> Final:
    """What stands at the end of each figure."""
    found: Final = {}
    for one in result.indicators:
        name = one.id, one.subject, one.period_start, one.period_end
        if name not in found or one.revision >= found[name].revision:
            found[name] = one
    return found


def days() -> list[tuple[datetime, datetime]]:
    """The local days of the month, and the month itself."""
    return [*[(MONTH + n * DAY, MONTH + (n + 1) * DAY) for n in range(30)], (MONTH, MONTH_END)]
