"""Snapshots in the compacted topic `processor-state.<feed>`: key = partition number, in the same partition."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.topics import topic_spec
from services.runtime.errors import TransientError

_RECORDS_LOOKED_AT: Final = 4
"""The last record is the snapshot; a former owner may have written one of its own after losing the partition, so the
last few are compared."""

_OFFSET_HEADER: Final = "next_offset"
_OVERHEAD_BYTES: Final = 64 * 1024
_READ_SECONDS: Final = 60


class SnapshotStore:
    """Reads and writes the snapshots of one feed.

    Args:
        reader: A consumer of its own, in no group.
    """

    def __init__(self, topic: str, writer: AIOKafkaProducer, reader: AIOKafkaConsumer) -> None:
        self._topic = topic
        self._writer = writer
        self._reader = reader
        self._reading = asyncio.Lock()
        self.bytes_max: Final = (topic_spec(topic).max_message_bytes or 1024 * 1024) - _OVERHEAD_BYTES
        """A larger snapshot is refused by the topic."""

    async def write(self, partition: int, next_offset: int, raw: bytes) -> asyncio.Future[Any]:
        """Hand over a snapshot; the future is done when Kafka has it."""
        sent: asyncio.Future[Any] = await self._writer.send(
            self._topic,
            value=raw,
            key=str(partition).encode(),
            partition=partition,
            headers=[(_OFFSET_HEADER, b"%d" % next_offset)],
        )
        return sent

    async def read(self, partition: int) -> list[bytes]:
        """The last snapshots of a partition, the furthest first; empty when there is none.

        Raises:
            TransientError: Kafka did not answer.
        """
        place = TopicPartition(self._topic, partition)
        async with self._reading:
            try:
                return await asyncio.wait_for(self._read(place), _READ_SECONDS)
            except (KafkaError, TimeoutError) as error:
                raise TransientError(f"the snapshot of {place.topic}-{partition} cannot be read: {error!r}") from error

    async def _read(self, place: TopicPartition) -> list[bytes]:
        first = (await self._reader.beginning_offsets([place]))[place]
        end = (await self._reader.end_offsets([place]))[place]
        if end <= first:
            return []
        self._reader.assign([place])
        self._reader.seek(place, max(first, end - _RECORDS_LOOKED_AT))
        found: list[tuple[int, bytes]] = []
        while await self._reader.position(place) < end:
            batches = await self._reader.getmany(place, timeout_ms=500)
            found += [(_next_offset(record), record.value) for record in batches.get(place, []) if record.value]
        found.sort(key=lambda entry: entry[0], reverse=True)
        return [raw for _, raw in found]


def _next_offset(record: Any) -> int:
    """How far a snapshot is, without reading it."""
    text = dict(record.headers).get(_OFFSET_HEADER, b"")
    return int(text) if text.isdigit() else -1
