"""aiokafka's own fetcher and subscription over a network of lists: what a rebalance does to a host, without a broker.

The coordinator is played by the test: `revoke` and `give` call what aiokafka's coordinator calls, in its order.
"""

from __future__ import annotations

import asyncio
import time
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import OffsetAndMetadata, OffsetAndTimestamp

from services.stream_processors.errors import FencedError

Headers = list[tuple[str, bytes]]
NETWORK_SECONDS = 0.001


@dataclass(frozen=True)
class LoggedRecord:
    """A record as it stands in the log."""

    offset: int
    value: bytes
    headers: Headers
    timestamp: int
    """The broker's own time in milliseconds."""


class Log:
    """The partitions of one topic."""

    def __init__(self, topic: str, partitions: int) -> None:
        self.topic = topic
        self.places = [TopicPartition(topic, partition) for partition in range(partitions)]
        self.records: dict[int, list[LoggedRecord]] = {place.partition: [] for place in self.places}
        self.starts = dict.fromkeys(self.records, 0)
        self._batches: dict[int, list[tuple[int, bytes]]] = {place.partition: [] for place in self.places}

    def end(self, partition: int) -> int:
        return self.starts[partition] if not self.records[partition] else self.records[partition][-1].offset + 1

    def append(
        self, partition: int, items: Iterable[tuple[bytes, Headers]], times: Iterable[int] | None = None
    ) -> None:
        """Write one batch; the broker took its records at these milliseconds, or now."""
        builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 22)
        base, count, now = self.end(partition), 0, time.time_ns() // 1_000_000
        for (value, headers), at in zip(items, times or repeat(now), strict=False):
            assert builder.append(count, at, None, value, headers) is not None
            self.records[partition].append(LoggedRecord(base + count, value, headers, at))
            count += 1
        raw = bytearray(builder.build())
        raw[0:8] = base.to_bytes(8, "big")  # the base offset is outside of the checksum
        self._batches[partition].append((base + count, bytes(raw)))

    def truncate(self, partition: int, start: int) -> None:
        """Retention removes what lies before an offset; batches end there."""
        self.starts[partition] = start
        self._batches[partition] = [batch for batch in self._batches[partition] if batch[0] > start]

    def make_anew(self, partition: int) -> None:
        """The topic is deleted and made again."""
        self.records[partition], self._batches[partition], self.starts[partition] = [], [], 0

    def lose_end(self, partition: int, end: int) -> None:
        """A broker loses what it has not written down; batches end there."""
        self.records[partition] = [record for record in self.records[partition] if record.offset < end]
        self._batches[partition] = [batch for batch in self._batches[partition] if batch[0] <= end]

    def first_at(self, partition: int, timestamp: int) -> OffsetAndTimestamp | None:
        """The first record that is not before a time."""
        for record in self.records[partition]:
            if record.offset >= self.starts[partition] and record.timestamp >= timestamp:
                return OffsetAndTimestamp(record.offset, record.timestamp)
        return None

    def read(self, partition: int, offset: int, most: int) -> bytes:
        found, size = [], 0
        for next_offset, raw in self._batches[partition]:
            if next_offset <= offset:
                continue
            if size and size + len(raw) > most:
                break
            found.append(raw)
            size += len(raw)
        return b"".join(found)


class _Network:
    """What the fetcher needs of a client."""

    _metadata_max_age_ms = 300_000

    def __init__(self, log: Log) -> None:
        self._log = log
        self._loop = asyncio.get_running_loop()
        self.cluster = types.SimpleNamespace(leader_for_partition=lambda _: 0, broker_metadata=lambda _: object())

    def force_metadata_update(self) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()

    async def _maybe_wait_metadata(self) -> None:
        """It is always known."""

    async def send(self, _node: int, request: Any, group: Any = None) -> Any:  # noqa: ARG002 - aiokafka's signature
        match type(request).__name__:
            case "FetchRequest":
                return await self._fetch(request)
            case "OffsetRequest":
                await asyncio.sleep(NETWORK_SECONDS)
                answers = [
                    (topic, [(p, 0, -1, self._log.starts[p] if at == -2 else self._log.end(p)) for p, at in asked])
                    for topic, asked in request._topics
                ]
                return types.SimpleNamespace(API_VERSION=1, topics=answers)
            case other:
                raise NotImplementedError(other)

    async def _fetch(self, request: Any) -> Any:
        answers: list[Any] = []
        for _ in range(50):
            answers = [
                (topic, [self._partition(p, offset, most) for p, offset, most in asked])
                for topic, asked in request.topics
            ]
            await asyncio.sleep(NETWORK_SECONDS)
            if any(each[-1] or each[1] for _, parts in answers for each in parts):
                break
        return types.SimpleNamespace(API_VERSION=4, topics=answers)

    def _partition(self, partition: int, offset: int, most: int) -> tuple[Any, ...]:
        log, end = self._log, self._log.end(partition)
        if not log.starts[partition] <= offset <= end:
            return (partition, 1, -1, -1, [], b"")
        return (partition, 0, end, end, [], log.read(partition, offset, most))


class FakeConsumer:
    """As much of AIOKafkaConsumer as the host uses."""

    def __init__(self, log: Log, committed: dict[TopicPartition, int]) -> None:
        self._log = log
        self._committed = committed
        self._subscription = SubscriptionState(loop=asyncio.get_running_loop())
        self.fetcher = Fetcher(_Network(log), self._subscription, auto_offset_reset="earliest", fetch_max_wait_ms=50)
        self._refreshing: asyncio.Task[None] | None = None
        self.callback_seconds: Callable[[], float] = lambda: 0.0

    def subscribe(self, topics: Iterable[str], listener: Any) -> None:
        self._subscription.subscribe(set(topics), listener=listener)

    async def getmany(self, *places: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Any:
        with self._subscription.fetch_context():
            return await self.fetcher.fetched_records(places, timeout_ms / 1000, max_records=max_records)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.fetcher.seek_to(place, offset)

    def assignment(self) -> set[TopicPartition]:
        return set(self._subscription.assigned_partitions())

    def pause(self, *places: TopicPartition) -> None:
        for place in places:
            self._subscription.pause(place)

    def resume(self, *places: TopicPartition) -> None:
        for place in places:
            self._subscription.resume(place)

    def highwater(self, place: TopicPartition) -> int | None:
        end: int | None = self._subscription.subscription.assignment.state_value(place).highwater
        return end

    async def beginning_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        await asyncio.sleep(NETWORK_SECONDS)
        return {place: self._log.starts[place.partition] for place in places}

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        await asyncio.sleep(NETWORK_SECONDS)
        return {place: self._log.end(place.partition) for place in places}

    async def offsets_for_times(
        self, times: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        await asyncio.sleep(NETWORK_SECONDS)
        return {place: self._log.first_at(place.partition, timestamp) for place, timestamp in times.items()}

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        await asyncio.sleep(NETWORK_SECONDS)
        self._committed |= offsets

    async def revoke(self) -> None:
        """A rebalance begins."""
        self._subscription.begin_reassignment()
        await _answered(self._subscription.listener.on_partitions_revoked(self.assignment()))

    async def give(self, partitions: Iterable[int]) -> None:
        """A rebalance ends."""
        places = {self._log.places[partition] for partition in partitions}
        self._subscription.assign_from_subscribed(places)
        await self._stop_refreshing()
        self._refreshing = asyncio.create_task(self._refresh(self._subscription.subscription.assignment))
        await asyncio.sleep(self.callback_seconds())  # aiokafka fetches meanwhile, from the committed offset
        await _answered(self._subscription.listener.on_partitions_assigned(places))

    async def close(self) -> None:
        await self._stop_refreshing()
        await self.fetcher.close()

    async def _stop_refreshing(self) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)

    async def _refresh(self, assignment: Any) -> None:
        """Say to the fetcher where each partition was committed."""
        while assignment.active:
            assignment.commit_refresh_needed.clear()
            wanted = assignment.requesting_committed()
            await asyncio.sleep(NETWORK_SECONDS)
            for place in wanted:
                offset = self._committed.get(place, -1)
                assignment.state_value(place).update_committed(OffsetAndMetadata(offset, ""))
            await assignment.commit_refresh_needed.wait()


class FakeReader:
    """A consumer in no group, of one partition."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._place: TopicPartition | None = None
        self._offset = 0

    def assign(self, places: list[TopicPartition]) -> None:
        (self._place,) = places

    def seek(self, _: TopicPartition, offset: int) -> None:
        self._offset = offset

    async def getmany(self, *, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[LoggedRecord]]:
        await asyncio.sleep(min(timeout_ms / 1_000, NETWORK_SECONDS))
        assert self._place is not None
        partition = self._place.partition
        start = self._log.starts[partition]
        offset = self._offset if start <= self._offset <= self._log.end(partition) else start
        found = [record for record in self._log.records[partition] if record.offset >= offset][:max_records]
        return {self._place: found} if found else {}

    async def position(self, _: TopicPartition) -> int:
        return self._offset

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: self._log.end(place.partition) for place in places}


@dataclass
class FakeBatch:
    """Records of one batch."""

    records: list[tuple[bytes | None, bytes]] = field(default_factory=list)

    def append(self, *, key: bytes | None, value: bytes, timestamp: None, headers: Headers) -> object:  # noqa: ARG002
        self.records.append((key, value))
        return self


class FakeProducer:
    """Takes outputs, and writes ticks into the log."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.said: dict[str, list[tuple[bytes | None, bytes]]] = {}

    async def partitions_for(self, _topic: str) -> set[int]:
        return {0}

    def create_batch(self) -> FakeBatch:
        return FakeBatch()

    async def send_batch(self, batch: FakeBatch, topic: str, *, partition: int) -> asyncio.Future[None]:  # noqa: ARG002
        await asyncio.sleep(NETWORK_SECONDS)
        self.said.setdefault(topic, []).extend(batch.records)
        return _done()

    async def send(
        self, topic: str, value: bytes, key: bytes | None = None, partition: int = 0, headers: Headers | None = None
    ) -> asyncio.Future[None]:
        if topic == self._log.topic:
            self._log.append(partition, [(value, headers or [])])
        else:
            self.said.setdefault(topic, []).append((key, value))
        return _done()

    async def send_and_wait(self, *args: Any, **options: Any) -> None:
        await (await self.send(*args, **options))


class FakeStateTopic:
    """States with their owners; `on_read` is called between the opening of a writer and the read that follows."""

    bytes_max = 1 << 30

    def __init__(self, *, read_seconds: Callable[[], float] = lambda: 0.005) -> None:
        self.records: dict[int, dict[bytes, bytes]] = {}
        self.owners: dict[int, int] = {}
        self.reads = 0
        self._read_seconds = read_seconds

    async def writer(self, partition: int) -> FakeWriter:
        await asyncio.sleep(NETWORK_SECONDS)
        self.owners[partition] = self.owners.get(partition, 0) + 1
        return FakeWriter(self, partition, self.owners[partition])

    async def read(
        self, partitions: Iterable[int], progress: Callable[[], None] = lambda: None
    ) -> dict[int, dict[bytes, bytes]]:
        self.reads += 1
        await asyncio.sleep(self._read_seconds())
        progress()
        return {partition: dict(self.records.get(partition, {})) for partition in partitions}


class FakeWriter:
    """Writes as one owner."""

    def __init__(self, topic: FakeStateTopic, partition: int, owner: int) -> None:
        self._topic = topic
        self._partition = partition
        self._owner = owner
        self._writing = asyncio.Lock()

    async def write(self, records: Mapping[bytes, bytes | None]) -> None:
        """As the real one, a write that has begun is finished, whoever waits for it."""
        await asyncio.shield(asyncio.create_task(self._write(records)))

    async def _write(self, records: Mapping[bytes, bytes | None]) -> None:
        async with self._writing:
            await asyncio.sleep(3 * NETWORK_SECONDS)
            if self._topic.owners[self._partition] != self._owner:
                raise FencedError("another process has taken it over")
            state = self._topic.records.setdefault(self._partition, {})
            for key, value in records.items():
                if value is None:
                    state.pop(key, None)
                else:
                    state[key] = value

    async def close(self) -> None:
        """Nothing is open."""


async def _answered(said: Any) -> None:
    """A listener's method may be a coroutine or not, as with aiokafka."""
    if asyncio.iscoroutine(said):
        await said


def _done() -> asyncio.Future[None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future
