"""The loop: consume, write, commit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.topics import ALERTS, DEAD_LETTERS, INDICATORS, PLAN
from services.runtime import metrics
from services.runtime.errors import TransientError
from services.runtime.lifecycle import Lifetime
from services.timescale_sink.errors import KafkaUnavailable
from services.timescale_sink.pace import Pace
from services.timescale_sink.settings import SinkSettings
from services.timescale_sink.tables import TABLES
from services.timescale_sink.writer import Writer

TOPICS: Final = (*TABLES, DEAD_LETTERS, INDICATORS, ALERTS, PLAN)
COMMIT_EVERY_SECONDS: Final = 0.5
"""The database's own progress decides what has been handled; Kafka's only shows the lag and where to start."""
COMMIT_SECONDS: Final = 5.0
"""Longest wait for Kafka to take offsets; they are committed with the next ones otherwise."""


@dataclass(slots=True)
class Sink:
    """Moves records from Kafka to the database until it is asked to stop."""

    consumer: AIOKafkaConsumer
    writer: Writer
    settings: SinkSettings
    lifetime: Lifetime
    pace: Pace = field(default_factory=Pace)
    _in_hand: dict[TopicPartition, list[Any]] = field(default_factory=dict)
    """Records taken while the sink only wanted to stay in its group."""
    _next: dict[TopicPartition, int] = field(default_factory=dict)
    """Offset behind the last record that was written, by partition."""
    _to_commit: dict[TopicPartition, int] = field(default_factory=dict)
    _committed_at: float = 0.0

    async def run(self) -> None:
        """Consume until the service is asked to stop; then commit."""
        self.lifetime.health.ready()
        while not self.lifetime.stopping:
            batches = await self._take()
            records = sum(map(len, batches.values()))
            if records:
                await self._write(batches)
            await self._commit_when_due()
            if (pause := self.pace.pause(records)) > 0:
                await asyncio.sleep(pause)
        await self._commit()

    async def _take(self) -> Mapping[TopicPartition, Sequence[Any]]:
        if self._in_hand:
            taken, self._in_hand = self._in_hand, {}
            return taken
        fetched: dict[TopicPartition, list[Any]] = await self.consumer.getmany(
            timeout_ms=self.settings.poll_ms, max_records=self.settings.batch_records
        )
        return fetched

    async def _write(self, batches: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """Write a round; while a server does not take it, try again until it does or the service stops."""
        wait = self.settings.retry_first_seconds
        while not self.lifetime.stopping:
            try:
                await self._recognise(batches)
                await self.writer.write(batches, self._ends(batches))
            except TransientError as error:
                self._trouble(error, wait)
                await self._keep_membership(wait)
                wait = min(wait * 2, self.settings.retry_longest_seconds)
            else:
                self.lifetime.health.well("writing")
                self.consumer.resume(*(self.consumer.paused() & self.consumer.assignment()))
                for place, records in batches.items():
                    self._next[place] = self._to_commit[place] = records[-1].offset + 1
                return

    def _ends(self, batches: Mapping[TopicPartition, Sequence[Any]]) -> dict[tuple[str, int], int]:
        """Where each partition ends, as the last answer of Kafka had it."""
        found = {}
        for place in batches:
            end = self.consumer.highwater(place) if place in self.consumer.assignment() else None
            if end is not None:
                found[place.topic, place.partition] = max(end, batches[place][-1].offset + 1)
        return found

    async def _recognise(self, batches: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """A topic that was made anew begins at 0 again: its records must not pass for those of the old one.

        Asked only where records do not continue what was written: at the start, after a rebalance, after a reset.
        """
        doubtful = [place for place, records in batches.items() if records[0].offset < self._next.get(place, 2**63)]
        if not doubtful:
            return
        try:
            ends = await self.consumer.end_offsets(doubtful)
        except KafkaError as error:
            raise KafkaUnavailable(f"{type(error).__name__}: {error}") from error
        for topic, partition in await self.writer.begin_again(ends):
            self.lifetime.log.warning(
                "the topic is shorter than what was read of it: it was made anew, reading from its start",
                action="begin_again",
                topic=topic,
                partition=partition,
            )

    def _trouble(self, error: TransientError, wait: float) -> None:
        metrics.DATABASE_RETRIES.inc()
        self.lifetime.health.trouble("writing", str(error))
        self.lifetime.log.warning(
            "rows cannot be written just now, waiting with them",
            action="retry",
            error=type(error).__name__,
            detail=str(error),
            seconds=wait,
        )

    async def _keep_membership(self, seconds: float) -> None:
        """Wait, and poll without taking records, so that the group does not think we are stuck.

        A partition that comes to us meanwhile is not paused yet; what the poll takes of it is kept for later. One that
        went and came back is read again from its committed offset, which is never beyond what is unwritten.
        """
        self.consumer.pause(*self.consumer.assignment())
        await self.lifetime.pause(seconds)
        for place, records in (await self.consumer.getmany(timeout_ms=0)).items():
            kept = self._in_hand.get(place, [])
            self._in_hand[place] = kept + records if kept and records[0].offset > kept[-1].offset else records

    async def _commit_when_due(self) -> None:
        if self._to_commit and time.monotonic() - self._committed_at >= COMMIT_EVERY_SECONDS:
            await self._commit()

    async def _commit(self) -> None:
        """Commit what is written; after a rebalance the new owner finds the truth in the database."""
        mine = self.consumer.assignment()
        offsets = {place: offset for place, offset in self._to_commit.items() if place in mine}
        self._committed_at = time.monotonic()
        if offsets:
            try:
                async with asyncio.timeout(COMMIT_SECONDS):
                    await self.consumer.commit(offsets)
            except (KafkaError, TimeoutError) as error:
                self.lifetime.log.info(
                    "offsets not committed; the database knows them", action="commit", error=type(error).__name__
                )
                return
        self._to_commit.clear()
