"""The loop: consume, write, commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, RebalanceInProgressError

from schemas.topics import ALERTS, DEAD_LETTERS, INDICATORS
from services.runtime import metrics
from services.runtime.lifecycle import Lifetime
from services.timescale_sink.errors import DatabaseUnavailable
from services.timescale_sink.pace import Pace
from services.timescale_sink.progress import next_offsets
from services.timescale_sink.settings import SinkSettings
from services.timescale_sink.tables import TABLES
from services.timescale_sink.writer import Writer

TOPICS: Final = (*TABLES, DEAD_LETTERS, INDICATORS, ALERTS)
COMMIT_EVERY_SECONDS: Final = 0.5
"""The database's own progress decides what has been handled; Kafka's only shows the lag and where to start."""


@dataclass(slots=True)
class Sink:
    """Moves records from Kafka to the database until it is asked to stop."""

    consumer: AIOKafkaConsumer
    writer: Writer
    settings: SinkSettings
    lifetime: Lifetime
    pace: Pace = field(default_factory=Pace)
    _to_commit: dict[TopicPartition, int] = field(default_factory=dict)
    _committed_at: float = 0.0

    async def run(self) -> None:
        """Consume until the service is asked to stop; then commit."""
        self.lifetime.health.ready()
        while not self.lifetime.stopping:
            batches = await self.consumer.getmany(
                timeout_ms=self.settings.poll_ms, max_records=self.settings.batch_records
            )
            records = sum(map(len, batches.values()))
            if records:
                await self._write(_by_topic(batches))
            await self._commit_when_due()
            if (pause := self.pace.pause(records)) > 0:
                await asyncio.sleep(pause)
        await self._commit()

    async def _write(self, batches: Mapping[str, Sequence[Any]]) -> None:
        """Write a round; while the database does not take it, try again until it does or the service stops."""
        wait = self.settings.retry_first_seconds
        while not self.lifetime.stopping:
            try:
                await self.writer.write(batches)
            except DatabaseUnavailable as error:
                self._trouble(error, wait)
                await self._keep_membership(wait)
                wait = min(wait * 2, self.settings.retry_longest_seconds)
            else:
                self.lifetime.health.well("database")
                self._written(batches)
                return

    def _trouble(self, error: DatabaseUnavailable, wait: float) -> None:
        metrics.DATABASE_RETRIES.inc()
        self.lifetime.health.trouble("database", str(error))
        self.lifetime.log.warning(
            "the database does not take rows, waiting with them", action="retry", error=str(error), seconds=wait
        )

    async def _keep_membership(self, seconds: float) -> None:
        """Wait, and poll without taking records, so that the group does not think we are stuck."""
        assigned = self.consumer.assignment()
        self.consumer.pause(*assigned)
        try:
            await self.lifetime.pause(seconds)
            await self.consumer.getmany(timeout_ms=0)
        finally:
            self.consumer.resume(*(assigned & self.consumer.assignment()))

    def _written(self, batches: Mapping[str, Sequence[Any]]) -> None:
        for records in batches.values():
            for (topic, partition), offset in next_offsets(records).items():
                self._to_commit[TopicPartition(topic, partition)] = offset

    async def _commit_when_due(self) -> None:
        if self._to_commit and time.monotonic() - self._committed_at >= COMMIT_EVERY_SECONDS:
            await self._commit()

    async def _commit(self) -> None:
        """Commit what is written; after a rebalance the new owner finds the truth in the database."""
        mine = self.consumer.assignment()
        offsets = {place: offset for place, offset in self._to_commit.items() if place in mine}
        self._to_commit.clear()
        self._committed_at = time.monotonic()
        if not offsets:
            return
        try:
            await self.consumer.commit(offsets)
        except (CommitFailedError, RebalanceInProgressError, IllegalStateError) as error:
            self.lifetime.log.info("offsets left to the partition's new owner", action="commit", error=str(error))


def _by_topic(batches: Mapping[TopicPartition, Sequence[Any]]) -> dict[str, list[Any]]:
    topics: dict[str, list[Any]] = {}
    for place, records in batches.items():
        topics.setdefault(place.topic, []).extend(records)
    return topics
