"""Folds `alerts` and `alert-actions` into the board, by assignment and without a group: every instance has all of them.

1. Begin where the database is (`seed`), else at the log's beginning.
2. Fold up to where the log ended when we began; then the API is ready.
3. Fold what comes, and tell those who wait for it.

Kafka away is trouble and no end: what is known stays, and the client goes on where it was. A topic that was made anew
is folded from its beginning, on top of what is known: what comes again changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.topics import ALERT_ACTIONS, ALERTS
from services.alert_life.life import Fate
from services.operations_api.board import Board, Change
from services.operations_api.cursors import Coordinate
from services.operations_api.folding import Folder
from services.operations_api.seed import Seed
from services.runtime import metrics
from services.runtime.health import Health
from services.runtime.kafka import partitions_of
from services.runtime.log_faults import LogFaults
from services.runtime.log_follower import LogFollower

log = structlog.stdlib.get_logger()

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
        self._folder = Folder(board, now=now, settled=settled)
        self._follower = LogFollower(consumer)
        self._faults = LogFaults("log of alerts", health, lambda topic: metrics.API_LOG_FAULTS.labels(topic).inc())
        self.is_ready = False
        self.answers = False
        """Whether Kafka answered when it was last asked."""

    async def begin(self, seed: Seed | None) -> None:
        """Take the partitions and begin where the seed ends, or at the beginning.

        Raises:
            KafkaError: Kafka does not answer.
        """
        partitions = partitions_of(ALERTS, ALERT_ACTIONS)
        self._consumer.assign(partitions)
        begins: dict[TopicPartition, int] = await self._consumer.beginning_offsets(partitions)
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(partitions)
        self._board.begin(complete=seed is None)
        if seed is not None:
            self._take_seed(seed)
        places = {each: _place(seed, each, begins[each], ends[each]) for each in partitions}
        for partition, place in places.items():
            self._follower.begin(partition, place.next, proof=place.proof, first=begins[partition])
        log.info(
            "folding the log of alerts",
            action="begin_folding",
            from_database=not self._board.complete,
            records=sum(ends[each] - places[each].next for each in partitions),
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

    async def _catch_up(self, ends: dict[TopicPartition, int]) -> None:
        while not await self._follower.is_through(ends):
            if await self._fold_some():
                ends = await self._consumer.end_offsets(list(ends))
        self.is_ready = True

    async def _fold_some(self) -> bool:
        """Fold what is there; true when a partition proved to be another log, and is read from its beginning."""
        found = await self._follower.poll(timeout_ms=POLL_MS, max_records=BATCH)
        for partition, why in found.anew.items():
            self._folder.made_anew((partition.topic, partition.partition))
            self._faults.made_anew(partition, why)
        for partition, records in found.batches.items():
            for change in self._folder.fold(partition.topic, records):
                if self.is_ready:
                    self._changed(change)
        return bool(found.anew)

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
            self._faults.look()
            await asyncio.sleep(1.0)

    async def _forget(self) -> None:
        while True:
            await asyncio.sleep(FORGET_SECONDS)
            self._board.forget_old(self._now())


def _place(seed: Seed | None, partition: TopicPartition, begin: int, end: int) -> Coordinate:
    """Where to begin: where the database is, unless that does not lie in the log, as of one that was made anew.

    What lies before the log's beginning is gone, or the database has it; what comes again changes nothing.
    """
    place = None if seed is None else seed.places.get((partition.topic, partition.partition))
    return place if place is not None and begin <= place.next <= end else Coordinate(begin)
