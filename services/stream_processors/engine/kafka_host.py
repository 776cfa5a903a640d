"""The Kafka host: feeds the core from a consumer group and keeps its state in a compacted topic.

One round: 1. poll; 2. judge the batch; 3. produce its outputs and wait until Kafka has them; 4. about once a second
write a snapshot (state and offset in one record) of each partition and wait for it; 5. commit.

A process that is killed anywhere in it is followed by one that starts from the last snapshot and says the same again
under the same ids. The committed offset only shows the lag; where to go on is in the snapshot.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError

from schemas.clock import KIND_HEADER, KIND_PLAN, KIND_TICK, Tick
from schemas.dead_letter import DeadLetter, DeadLetterReason, DeadLetterSource
from schemas.fields import LIVE
from schemas.topics import readings_topic
from services.runtime import metrics
from services.runtime.dead_letters import DeadLetterProducer
from services.runtime.health import Health
from services.runtime.lifecycle import Lifetime
from services.stream_processors.engine.events import DocumentRefused, Output
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.outbox import Outbox
from services.stream_processors.engine.plan_reader import PlanReader
from services.stream_processors.engine.snapshot import Snapshot, decode_snapshot, encode_snapshot
from services.stream_processors.engine.snapshot_store import SnapshotStore
from services.stream_processors.engine.starting_point import StartReason, starting_point
from services.stream_processors.engine.worker import Undecodable, Worker
from services.stream_processors.errors import OutputRefusedError, UnreadableSnapshotError

S = TypeVar("S")
log = structlog.stdlib.get_logger()

_POLL_MS: Final = 200
_BATCHES_WAITING: Final = 1
_RECORDS_AT_A_STRETCH: Final = 50
"""Records judged before the heartbeats of every feed get their turn: late ones of a large key can take 10 ms each, and
during a thousand of them the group took the process for dead and moved its partitions."""
_SLOW_SECONDS: Final = 30.0
"""Well below the group's limit between two polls (300 s)."""
_SNAPSHOT_SHARE: Final = 20
"""Snapshots take at most one twentieth of the time: after a slow one the next comes later."""
_SNAPSHOT_TURN_SECONDS: Final = 0.02
"""So long, and one snapshot more, may a batch wait for snapshots."""


@dataclass(frozen=True, slots=True)
class HostClients:
    """Kafka as the host uses it."""

    consumer: AIOKafkaConsumer
    """Of the group `processor.<feed>`, not yet subscribed."""
    producer: AIOKafkaProducer
    store: SnapshotStore
    dead_letters: DeadLetterProducer
    plan: PlanReader
    """Shared by all hosts of the process."""


class KafkaHost(Generic[S]):
    """Runs one feed's judge over the partitions that the group gives this process."""

    def __init__(
        self, judge: Judge[S], clients: HostClients, health: Health, *, snapshot_seconds: float, records_max: int
    ) -> None:
        self._judge = judge
        self._topic = readings_topic(judge.feed)
        self._clients = clients
        self._outbox = Outbox(clients.producer, judge.feed)
        self._health = health
        self._snapshot_seconds = snapshot_seconds
        self._records_max = records_max
        self._workers: dict[int, Worker[S]] = {}
        self._stored: dict[int, int] = {}
        """Offset of the last snapshot of each partition."""
        self._sought: dict[int, int] = {}
        self._handed_on: dict[int, set[bytes]] = {}
        """Published documents that were written into each partition since it is ours."""
        self._due: dict[int, float] = {}
        """When the next snapshot of each partition is due, by the monotonic clock."""
        self._working = asyncio.Lock()
        self._inbox: asyncio.Queue[Mapping[TopicPartition, list[Any]]] = asyncio.Queue(_BATCHES_WAITING)
        self._stopping = False
        self._undelivered = False
        """A batch changed the state and was not delivered: the state must not be stored."""
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, lifetime: Lifetime) -> None:
        """Judge until the service is to stop, then write the last snapshots.

        Raises:
            OutputRefusedError: Kafka did not take an output.
            TransientError: a snapshot could not be read.
        """
        self._clients.consumer.subscribe([self._topic], listener=_Rebalance(self))
        work = asyncio.create_task(self._work(), name="work")
        side = [
            asyncio.create_task(self._poll(), name="poll"),
            asyncio.create_task(self._write_ticks(), name="ticks"),
        ]
        stop = asyncio.create_task(lifetime.wait_stopped(), name="stop")
        try:
            await asyncio.wait([work, *side, stop, self._failure], return_when=asyncio.FIRST_COMPLETED)
            self._stopping = True
            if stop.done() and not self._failure.done():
                await work
        finally:
            for task in (work, *side, stop):
                task.cancel()
            ended = await asyncio.gather(work, *side, stop, return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception):
                self.fail(result)
        if self._failure.done():
            self._failure.result()
        async with self._working:
            await self._store_snapshots(self._workers)

    def fail(self, error: Exception) -> None:
        """Something went wrong outside the tasks; the host stops without another snapshot."""
        if not self._failure.done():
            self._failure.set_exception(error)

    async def _poll(self) -> None:
        """Fetch ahead of the work by one batch."""
        while True:
            batches = await self._clients.consumer.getmany(timeout_ms=_POLL_MS, max_records=self._records_max)
            while batches and not await self._handed_over(batches):
                await self._show_that_we_live()

    async def _handed_over(self, batches: Mapping[TopicPartition, list[Any]]) -> bool:
        """Give a batch to the work; false when it is too slow to take it in time."""
        try:
            await asyncio.wait_for(self._inbox.put(batches), _SLOW_SECONDS)
        except TimeoutError:
            return False
        return True

    async def _show_that_we_live(self) -> None:
        """Poll without fetching, or the group takes a slow member for a dead one and moves its partitions."""
        consumer = self._clients.consumer
        log.warning("the work is slow, polling on without fetching", action="slow_work")
        assigned = consumer.assignment()
        consumer.pause(*assigned)
        await consumer.getmany(timeout_ms=0)
        consumer.resume(*assigned)

    async def _work(self) -> None:
        """Judge batch by batch; a batch that is not delivered in full leaves no snapshot behind."""
        while not self._stopping:
            try:
                batches = await asyncio.wait_for(self._inbox.get(), _POLL_MS / 1000)
            except TimeoutError:
                batches = {}
            async with self._working:
                if self._failure.done():
                    return
                try:
                    await self._judge_batches(batches)
                    await self._store_due_snapshots()
                except BaseException:
                    self._undelivered = True
                    raise

    async def _judge_batches(self, batches: Mapping[TopicPartition, list[Any]]) -> None:
        outputs: list[Output] = []
        refused: list[Undecodable] = []
        for place, records in batches.items():
            worker = self._workers.get(place.partition)
            if worker is None or self._left_a_gap(worker, place, records[0].offset):
                continue
            for start in range(0, len(records), _RECORDS_AT_A_STRETCH):
                said, bad = worker.judge(records[start : start + _RECORDS_AT_A_STRETCH])
                outputs += said
                self._tell_refused(said)
                refused += bad
                await asyncio.sleep(0)
        if outputs:
            await self._outbox.deliver(outputs)
        if refused:
            await self._bury(refused)

    def _tell_refused(self, said: Iterable[Output]) -> None:
        for output in said:
            if isinstance(output, DocumentRefused):
                log.error("a published document is not usable", action="plan_refused", **asdict(output))
                what = f"{output.document} is not in force for {self._judge.feed}: {output.reason}"
                part = f"plan.{self._judge.feed}.{output.document}"
                self._health.trouble(part, f"{what}; publish a corrected version")

    def _left_a_gap(self, worker: Worker[S], place: TopicPartition, offset: int) -> bool:
        """Whether the batch starts beyond what comes next: it was fetched before the partition was ours. Seek back.

        A gap that is still there after seeking is one of the log itself.
        """
        expected = worker.next_offset
        if offset <= expected or self._sought.get(place.partition) == expected:
            return False
        self._sought[place.partition] = expected
        self._clients.consumer.seek(place, expected)
        return True

    async def _bury(self, refused: Iterable[Undecodable]) -> None:
        letters = self._clients.dead_letters
        sent = []
        for item in refused:
            at = item.coordinates
            log.warning("a record is not a reading", action="dead_letter", offset=at.offset, detail=item.detail)
            letter = DeadLetter(
                source=DeadLetterSource.STREAM_PROCESSORS,
                reason=DeadLetterReason.UNDECODABLE_RECORD,
                detail=f"{item.detail}; repair the record's producer, the record itself was passed over",
                received_at=datetime.now(UTC),
                kafka_topic=at.topic,
                kafka_partition=at.partition,
                kafka_offset=at.offset,
                feed=self._judge.feed,
            )
            sent.append(await letters.send(letter, item.payload))
        try:
            await asyncio.gather(*sent)
        except KafkaError as error:
            raise OutputRefusedError(f"Kafka did not take a dead letter: {error!r}") from error

    async def _store_due_snapshots(self) -> None:
        """Snapshot partitions whose time has come, the most overdue first, as many as a turn has time for."""
        started = time.monotonic()
        chosen: list[int] = []
        encoded: dict[int, bytes] = {}
        for partition in sorted(self._workers, key=lambda p: self._due.get(p, 0.0)):
            begun = time.monotonic()
            if self._due.get(partition, 0.0) > begun or begun - started > _SNAPSHOT_TURN_SECONDS:
                break
            encoded |= self._encode([partition])
            chosen.append(partition)
            took = time.monotonic() - begun
            pause = max(self._snapshot_seconds, took * _SNAPSHOT_SHARE * len(self._workers))
            self._due[partition] = begun + pause
        if encoded:
            await self._store(encoded)

    async def _store_snapshots(self, partitions: Iterable[int]) -> None:
        """Snapshot these partitions now."""
        await self._store(self._encode(list(partitions)))

    def _encode(self, partitions: Iterable[int]) -> dict[int, bytes]:
        """Snapshots of those partitions that have changed, and whose snapshot is not too large."""
        encoded: dict[int, bytes] = {}
        for partition in partitions:
            worker = self._workers[partition]
            if self._stored.get(partition) == worker.next_offset:
                continue
            raw = encode_snapshot(self._judge, worker.snapshot())
            metrics.SNAPSHOT_BYTES.labels(self._judge.feed, partition).set(len(raw))
            if self._fits(partition, len(raw)):
                encoded[partition] = raw
        return encoded

    async def _store(self, encoded: Mapping[int, bytes]) -> None:
        """Write snapshots of the state as it is now, wait for Kafka, then commit."""
        offsets = {partition: self._workers[partition].next_offset for partition in encoded}
        try:
            await asyncio.gather(
                *[
                    await self._clients.store.write(partition, offsets[partition], raw)
                    for partition, raw in encoded.items()
                ]
            )
        except KafkaError as error:
            raise OutputRefusedError(f"Kafka did not take a snapshot: {error!r}") from error
        self._stored |= offsets
        await self._commit(offsets)

    def _fits(self, partition: int, size: int) -> bool:
        part = f"snapshot.{self._judge.feed}.{partition}"
        limit = self._clients.store.bytes_max
        if size <= limit:
            self._health.well(part)
            return True
        self._health.trouble(
            part,
            f"the state of partition {partition} takes {size} bytes, a snapshot may have {limit}: nothing is lost, but "
            "a restart judges again from the last snapshot; lower samples_max or lateness_seconds of the policy",
        )
        return False

    async def _commit(self, offsets: Mapping[int, int]) -> None:
        if not offsets:
            return
        try:
            await self._clients.consumer.commit({TopicPartition(self._topic, p): o for p, o in offsets.items()})
        except (KafkaError, IllegalStateError) as error:
            log.info("the commit was refused, the snapshot holds", action="commit_refused", error=repr(error))

    async def _write_ticks(self) -> None:
        """Once a second the clock of real life goes into each partition that is ours."""
        while True:
            await asyncio.sleep(1 - time.time() % 1)
            await self._hand_on_documents()
            value = Tick(lane=LIVE, at=datetime.now(UTC)).model_dump_json().encode()
            headers = [(KIND_HEADER, KIND_TICK)]
            producer = self._clients.producer
            try:
                await asyncio.gather(
                    *[
                        await producer.send(self._topic, value=value, headers=headers, partition=partition)
                        for partition in list(self._workers)
                    ]
                )
            except KafkaError as error:
                log.warning("a tick was not taken", action="tick_lost", error=repr(error))

    async def _hand_on_documents(self) -> None:
        """Each published document goes into each partition that is ours, once: from there on it is part of the log.

        Written twice (by a former owner, before a restart) it does no harm: the second one changes nothing.
        """
        for partition, worker in list(self._workers.items()):
            done = self._handed_on.setdefault(partition, set())
            for document, raw in list(self._clients.plan.published.values()):
                if raw in done or not worker.lacks(document):
                    continue
                try:
                    await self._clients.producer.send_and_wait(
                        self._topic, value=raw, headers=[(KIND_HEADER, KIND_PLAN)], partition=partition
                    )
                except KafkaError as error:
                    log.warning("a document was not handed on, trying again", action="plan_lost", error=repr(error))
                    return
                done.add(raw)

    async def give_up(self, partitions: Iterable[int]) -> None:
        """The group takes partitions away: store how far they are and forget them."""
        async with self._working:
            ours = [partition for partition in partitions if partition in self._workers]
            if not self._undelivered:
                await self._store_snapshots(ours)
            for partition in ours:
                del self._workers[partition]
                self._stored.pop(partition, None)
                self._handed_on.pop(partition, None)
                self._due.pop(partition, None)

    async def take_over(self, partitions: Iterable[int]) -> None:
        """The group gives partitions: go on from their last snapshots."""
        places = [TopicPartition(self._topic, partition) for partition in sorted(partitions)]
        consumer = self._clients.consumer
        starts = await consumer.beginning_offsets(places)
        ends = await consumer.end_offsets(places)
        for place in places:
            snapshot = await self._last_snapshot(place.partition)
            start = starting_point(None if snapshot is None else snapshot.next_offset, starts[place], ends[place])
            kept = Worker(self._judge, self._topic, place.partition, snapshot if start.keep_state else None)
            kept.next_offset = start.offset
            consumer.seek(place, start.offset)
            self._workers[place.partition] = kept
            self._sought.pop(place.partition, None)
            note = log.warning if start.reason is StartReason.LOG_TRUNCATED else log.info
            note("partition taken over", action=start.reason, partition=place.partition, offset=start.offset)
        self._health.ready()

    async def _last_snapshot(self, partition: int) -> Snapshot[S] | None:
        """The newest snapshot that can be read."""
        for raw in await self._clients.store.read(partition):
            try:
                return decode_snapshot(self._judge, raw)
            except UnreadableSnapshotError as error:
                log.warning("a snapshot cannot be read", action="snapshot_passed_over", error=str(error))
        return None


class _Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no type information
    """Tells the host what the group gives and takes; the consumer swallows errors, so they are kept."""

    def __init__(self, host: KafkaHost[Any]) -> None:
        self._host = host

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        try:
            await self._host.give_up([place.partition for place in revoked])
        except Exception as error:  # noqa: BLE001 - handed to the host, which stops
            self._host.fail(error)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        try:
            await self._host.take_over([place.partition for place in assigned])
        except Exception as error:  # noqa: BLE001 - handed to the host, which stops
            self._host.fail(error)
