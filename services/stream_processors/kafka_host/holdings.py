"""The partitions that are ours just now: worker, state writer, and what the host knows of each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from aiokafka import TopicPartition

from services.runtime.log_look import Trail
from services.stream_processors.engine.worker import Worker
from services.stream_processors.kafka_host.losses import Loss
from services.stream_processors.kafka_host.state_topic import StateWriter

S = TypeVar("S")


@dataclass(slots=True)
class Holding(Generic[S]):
    """One partition that is ours."""

    place: TopicPartition
    worker: Worker[S]
    writer: StateWriter
    since: int = 0
    """Epoch of the last seek: what was polled before it is stale."""
    sought: int | None = None
    """Offset that was sought because a batch began beyond it."""
    leaving: bool = False
    """The partition is being taken away: its batch is left at the next stretch."""
    pending: dict[bytes, bytes | None] = field(default_factory=dict)
    """Records of the state that are not in Kafka yet."""
    collected_offset: int = 0
    """Offset to which these records belong."""
    stored_offset: int | None = None
    """Offset of the state in Kafka; None when that is not known."""
    stored_at: float = 0.0
    """When the state was written, by the monotonic clock."""
    pause: float = 0.0
    """At least so long until it is written again."""
    handed_on: int = -1
    """Offset of the last published document that was written into the partition since it is ours."""
    losses: list[Loss] = field(default_factory=list)
    """Readings that are gone unjudged, until the operator accepts that."""
    trail: Trail = field(default_factory=Trail)
    """By what its log is known again; another log has another one."""
    stored_trail: bytes | None = None
    """What of it stands in the state."""

    @property
    def partition(self) -> int:
        """Its number."""
        partition: int = self.place.partition
        return partition


class Holdings(Generic[S]):
    """All of them, and the lock under which batches are judged and delivered.

    Whoever holds the lock sees states whose outputs are all in Kafka.
    """

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.broken = False
        """A batch changed states and was not delivered: no state may be stored any more."""
        self._held: dict[int, Holding[S]] = {}

    def get(self, partition: int) -> Holding[S] | None:
        """The partition, if it is ours."""
        return self._held.get(partition)

    def all(self) -> list[Holding[S]]:
        """Every partition that is ours."""
        return list(self._held.values())

    def add(self, holding: Holding[S]) -> None:
        """It is ours from now on."""
        holding.leaving = False
        self._held[holding.partition] = holding

    def drop(self, partition: int) -> Holding[S] | None:
        """It is ours no longer."""
        return self._held.pop(partition, None)

    def leave(self, partitions: Iterable[int] | None = None) -> None:
        """Have these, or all, left at the next stretch of the batch."""
        for partition in self._held if partitions is None else partitions:
            if partition in self._held:
                self._held[partition].leaving = True

    @asynccontextmanager
    async def at_rest(self) -> AsyncIterator[None]:
        """While the block runs nothing is judged, and what was judged is delivered."""
        self.leave()
        async with self.lock:
            yield
