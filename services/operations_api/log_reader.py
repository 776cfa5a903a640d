"""Folds `alerts` and `alert-actions` into the board, by assignment and without a group: every instance has all of them.

1. Begin where the database is (`seed`), else at the log's beginning.
2. Fold up to where the log ended when we began; then the API is ready.
3. Fold what comes, and tell those who wait for it.

Kafka away is trouble and no end: what is known stays, and the client goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.alert import Alert
from schemas.alert_action import AlertAction
from schemas.topics import ALERT_ACTIONS, ALERTS, topic_spec
from services.alert_life.life import Fate
from services.operations_api.board import Board, Change
from services.operations_api.cursors import Partition
from services.operations_api.seed import Seed
from services.runtime import metrics
from services.runtime.health import Health

log = structlog.stdlib.get_logger()

TOPICS: Final = (ALERTS, ALERT_ACTIONS)
PART: Final = "kafka"
POLL_MS: Final = 200
BATCH: Final = 2_000
FORGET_SECONDS: Final = 60.0
ASK_SECONDS: Final = 5.0
"""How often it is asked where the log ends, and how long the answer may take."""


class LogReader:
    """Keeps the board to the log.

    Args:
        changed: Told of each change once the board is ready.
        settled: Told what became of each action.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        board: Board,
        health: Health,
        *,
        now: Callable[[], datetime],
        changed: Callable[[Change], None],
        settled: Callable[[str, Fate], None],
    ) -> None:
        self._consumer = consumer
        self._board = board
        self._health = health
        self._now = now
        self._changed = changed
        self._settled = settled
        self.positions: dict[Partition, int] = {}
        """Everything before is folded."""
        self.is_ready = False
        self.answers = False
        """Whether Kafka answered when it was last asked."""

    async def begin(self, seed: Seed | None) -> None:
        """Take the partitions and begin where the seed ends, or at the beginning.

        Raises:
            KafkaError: Kafka does not answer.
        """
        partitions = partitions_of_alerts()
        self._consumer.assign(partitions)
        begins = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        places = None if seed is None else _usable(seed.places, begins, ends)
        if seed is None or places is None:
            self._board.begin(complete=True)
            places = begins
        else:
            self._board.begin(complete=False)
            self._take_seed(seed)
        for partition in partitions:
            self._consumer.seek(partition, places[partition])
            self.positions[partition.topic, partition.partition] = places[partition]
        log.info(
            "folding the log of alerts",
            action="begin_folding",
            from_database=not self._board.complete,
            records=sum(ends[each] - places[each] for each in partitions),
        )
        await self._catch_up(ends)

    async def run(self) -> None:
        """Fold for ever."""
        watching = asyncio.create_task(self._watch(), name="watch kafka")
        forgetting = asyncio.create_task(self._forget(), name="forget old alerts")
        try:
            while True:
                await self._fold_some()
        finally:
            for task in (watching, forgetting):
                task.cancel()
            await asyncio.gather(watching, forgetting, return_exceptions=True)

    def _take_seed(self, seed: Seed) -> None:
        now = self._now()
        for story in seed.stories:
            self._board.adopt(story.alert, story.actions, {}, now)
        for silence in seed.silences:
            self._board.take_action(silence, now)

    async def _catch_up(self, ends: Mapping[TopicPartition, int]) -> None:
        while any(self.positions[each.topic, each.partition] < end for each, end in ends.items()):
            await self._fold_some()
        self.is_ready = True

    async def _fold_some(self) -> None:
        batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
        for partition, records in batches.items():
            self._fold(partition.topic, records)
        for partition in self._consumer.assignment():
            # Past markers of transactions as well, which are no records.
            self.positions[partition.topic, partition.partition] = await self._consumer.position(partition)

    def _fold(self, topic: str, records: Iterable[ConsumerRecord[Any, Any]]) -> None:
        now = self._now()
        folded = 0
        for record in records:
            folded += 1
            try:
                change = self._fold_event(record, now) if topic == ALERTS else self._fold_action(record, now)
            except ValidationError as error:
                metrics.API_RECORDS_UNUSABLE.labels(topic).inc()
                log.warning(
                    "a record is not what it should be and is passed over",
                    action="pass_over",
                    topic=topic,
                    partition=record.partition,
                    offset=record.offset,
                    error=str(error).splitlines()[0],
                )
                continue
            if change is not None and self.is_ready:
                self._changed(change)
        metrics.API_RECORDS_FOLDED.labels(topic).inc(folded)

    def _fold_event(self, record: ConsumerRecord[Any, Any], now: datetime) -> Change | None:
        return self._board.take_event(Alert.model_validate_json(record.value or b""), now)

    def _fold_action(self, record: ConsumerRecord[Any, Any], now: datetime) -> Change | None:
        action = AlertAction.model_validate_json(record.value or b"")
        change = self._board.take_action(action, now, (record.partition, record.offset))
        fate = self._board.fate(action.action_id)
        if fate is not None:
            self._settled(action.action_id, fate)
        return change

    async def _watch(self) -> None:
        """See whether Kafka answers: a consumer that hears nothing cannot tell an idle log from a dead one."""
        while True:
            try:
                async with asyncio.timeout(ASK_SECONDS):
                    await self._consumer.end_offsets(list(self._consumer.assignment()))
            except (KafkaError, TimeoutError, OSError) as error:
                self.answers = False
                self._health.trouble(
                    PART, f"Kafka does not answer ({error or 'no answer in time'}): nothing new comes, nobody can act"
                )
            else:
                self.answers = True
                self._health.well(PART)
            await asyncio.sleep(1.0)

    async def _forget(self) -> None:
        while True:
            await asyncio.sleep(FORGET_SECONDS)
            self._board.forget_old(self._now())


def partitions_of_alerts() -> list[TopicPartition]:
    """Every partition of both topics: as many as the table of topics says, which is seen to when they are made."""
    return [TopicPartition(topic, number) for topic in TOPICS for number in range(topic_spec(topic).partitions)]


def _usable(
    places: Mapping[Partition, int], begins: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int] | None:
    """Where to begin; None when a place does not lie in the log: records between are gone, or it is another log.

    A partition that the sink has not begun with begins at its beginning.
    """
    found: dict[TopicPartition, int] = {}
    for partition, begin in begins.items():
        place = places.get((partition.topic, partition.partition), begin)
        if not begin <= place <= ends[partition]:
            return None
        found[partition] = place
    return found
