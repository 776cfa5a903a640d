"""Both topics as a consumer gives them, and logs of alerts and comments that differ by when they were made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiokafka import TopicPartition

from schemas.alert_action import ActionKind
from schemas.topics import ALERT_ACTIONS, ALERTS
from services.runtime.kafka import partitions_of
from tests.api_samples import START, action, alert
from tests.unit.runtime.fake_log import FakeLog, records_of

APART = 1_000_000
"""Milliseconds between one making of a topic and the next."""


def event(place: TopicPartition, made: int, number: int) -> Any:
    """An event of a log: of `alerts` an alert, of `alert-actions` a comment on it."""
    of = alert(100_000 * made + 1_000 * place.partition + number)
    return of if place.topic == ALERTS else action(ActionKind.COMMENT, of, "c")


def log_of(place: TopicPartition, made: int, count: int) -> list[Any]:
    begun_at = int(START.timestamp() * 1000) + made * APART
    values = [event(place, made, number).model_dump_json().encode() for number in range(count)]
    return records_of(place, count, begun_at=begun_at, values=values)


def broker(count: int) -> Broker:
    """Every partition with so many records."""
    return Broker({place: log_of(place, 0, count) for place in partitions_of(ALERTS, ALERT_ACTIONS)})


class Broker(FakeLog):
    """May change before a poll."""

    def __init__(self, logs: dict[TopicPartition, list[Any]]) -> None:
        super().__init__(logs)
        self.polls = 0
        self.most: int | None = None
        self.before: Callable[[int], None] = lambda _: None

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def getmany(self, timeout_ms: int, max_records: int | None = None) -> dict[TopicPartition, list[Any]]:
        self.polls += 1
        self.before(self.polls)
        return await super().getmany(timeout_ms, self.most or max_records)

    def make_anew(self, topic: str, count: int) -> None:
        for place in self.logs:
            if place.topic == topic:
                self.logs[place] = log_of(place, 1, count)
