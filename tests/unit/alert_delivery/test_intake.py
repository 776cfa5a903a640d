"""A log that was made anew, or has lost its end, is read from its beginning: events at known places are new ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from schemas.topics import ALERTS
from services.alert_delivery.delivering import Errand
from services.alert_delivery.events import Event, Shelf
from services.alert_delivery.intake import Bounds, Intake, KafkaAccess
from services.alert_delivery.progress import is_made_anew
from services.alert_life.renderings.cap import Publisher
from services.runtime.settings import KafkaSettings
from tests.unit.alert_delivery.made import START, alert

PLACE = TopicPartition(ALERTS, 0)


@dataclass
class Log:
    """One partition as the client gives it: what lies before the place that is read comes when the log is another."""

    records: list[Any]
    at: int = 0
    begun: list[int] = field(default_factory=list)

    def seek(self, place: TopicPartition, offset: int) -> None:  # noqa: ARG002 - there is one
        self.begun.append(offset)
        self.at = offset if offset <= len(self.records) else 0  # the client goes to the beginning by itself

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, len(self.records))

    async def offsets_for_times(self, times: dict[TopicPartition, int]) -> dict[TopicPartition, None]:
        return dict.fromkeys(times)

    async def getmany(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:  # noqa: ARG002
        batch, self.at = self.records[self.at : self.at + max_records], len(self.records)
        return {PLACE: batch} if batch else {}


@dataclass
class Carrier:
    carried: list[int] = field(default_factory=list)

    def wants(self, event: Event) -> bool:  # noqa: ARG002 - all
        return True

    async def carry(self, errand: Errand) -> None:
        self.carried.append(errand.arrival.place.offset)

    async def let_go(self, seconds: float) -> None: ...

    def go_on(self) -> None: ...


def log_of(count: int, made: int = 0) -> Log:
    """A log of so many alerts; another `made` gives others."""
    return Log(
        [
            SimpleNamespace(
                topic=ALERTS,
                partition=0,
                offset=offset,
                timestamp=int(START.timestamp() * 1000) + 1_000_000 * made + offset,
                headers=[],
                value=alert(f"lot-{made}-{offset}").model_dump_json().encode(),
            )
            for offset in range(count)
        ]
    )


def reading(log: Log, committed: int, carrier: Carrier) -> Intake:
    async def offsets(group: str) -> dict[TopicPartition, Any]:  # noqa: ARG001 - there is one
        return {PLACE: SimpleNamespace(offset=committed, metadata="")}

    admin: Any = SimpleNamespace(list_consumer_group_offsets=offsets)
    access = KafkaAccess(KafkaSettings(bootstrap="127.0.0.1:9"), admin, None)
    bounds = Bounds("delivery-x", START - timedelta(days=1))
    intake = Intake(access, Shelf(Publisher("http://127.0.0.1")), bounds, carrier=carrier, capacity=100)
    intake._records = log
    return intake


async def taken(intake: Intake, rounds: int, until: Callable[[], bool]) -> None:
    for _ in range(rounds):
        await intake._read_some(await intake._lines.room())
        for _ in range(1_000):
            await asyncio.sleep(0)  # the lines of the assets get their turn
            if until():
                return


@pytest.mark.parametrize(
    ("expected", "end", "anew"), [(100, 30, True), (30, 30, False), (0, 0, False), (30, 31, False)]
)
def test_a_log_that_ends_before_what_was_read_is_another(expected: int, end: int, anew: bool) -> None:
    assert is_made_anew(expected, end) is anew


async def test_a_commit_beyond_the_end_of_the_log_is_not_gone_on_from() -> None:
    carrier, log = Carrier(), log_of(30)
    intake = reading(log, 100, carrier)
    await intake.on_partitions_assigned([PLACE])
    await taken(intake, 5, lambda: len(carrier.carried) == 30)
    assert log.begun[0] == 0
    assert sorted(carrier.carried) == list(range(30))


async def test_a_topic_made_anew_under_the_reader_is_read_from_its_beginning() -> None:
    carrier, log = Carrier(), log_of(50)
    intake = reading(log, 0, carrier)
    await intake.on_partitions_assigned([PLACE])
    await taken(intake, 5, lambda: len(carrier.carried) == 50)
    log.records, log.at = log_of(20, made=1).records, 0
    await taken(intake, 5, lambda: len(carrier.carried) == 70)
    assert sorted(carrier.carried) == sorted([*range(50), *range(20)])
