"""Reads partitions of a log each from a place on, and notices when the log was made anew meanwhile.

Every few seconds each partition is looked at: where it ends, and whether a record that was read is still there, for
which the client goes back to that record once; see `same_log`. What is read of another log before that is seen counts
as read of the old one for so long, so it comes twice, and nothing is left out. A log that was made anew is begun at its
beginning.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.runtime.consuming import Positions, log_ends
from services.runtime.errors import TransientError
from services.runtime.same_log import Anew, Following, Mark

LOOK_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 1.0
"""So long it may take to say where the logs end; else that is asked at the next look."""


@dataclass(frozen=True, slots=True)
class Found:
    """What has come."""

    anew: dict[TopicPartition, Anew]
    """Partitions that are read from their beginning from now on, what is in `batches` included."""
    batches: dict[TopicPartition, Sequence[Any]] = field(default_factory=dict)
    """Records from where each partition stands, in their order."""


class LogFollower:
    """Partitions of one consumer; whoever has them given and taken by a group begins and clears them."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        """See the class.

        Args:
            consumer: Goes to the earliest record where the one that it is sent to is not there; nobody else seeks.
        """
        self._consumer = consumer
        self._positions = Positions(consumer)
        self._following: dict[TopicPartition, Following] = {}
        self._anew: dict[TopicPartition, Anew] = {}
        """What was not told yet."""
        self._look_at = 0.0
        """When to look next; 0: at once, as something has begun."""

    def begin(
        self, partition: TopicPartition, offset: int, *, proof: Mark | None = None, first: int | None = None
    ) -> None:
        """Read a partition from an offset on.

        Args:
            proof: A record that was read of the log; is it not there, the log is another one.
            first: Where the log begins.

        Raises:
            IllegalStateError: the partition is not assigned.
        """
        self._following[partition] = following = Following(offset, proof, first)
        self._positions.seek(partition, following.look())
        self._look_at = 0.0

    def clear(self) -> None:
        """Nothing is ours any more; what was asked for does not count."""
        self._following.clear()
        self._anew.clear()
        self._positions.clear()

    def next(self, partition: TopicPartition) -> int:
        """Offset behind what was handed out."""
        return self._following[partition].next

    def proof(self, partition: TopicPartition) -> Mark | None:
        """A record by which the log of what was handed out is known again; None: nothing is known of it."""
        return self._following[partition].proof

    async def is_through(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Whether everything before these ends was handed out, and is of the logs that are there."""
        for partition, end in ends.items():
            following = self._following.get(partition)
            if following is None or not following.has_passed(end, await self._consumer.position(partition)):
                return False
        return self._look_at > 0.0 or not self._following

    async def poll(self, *, timeout_ms: int, max_records: int | None = None) -> Found:
        """Records that are there, or come within the time.

        Raises:
            KafkaError: as the client does.
        """
        await self._look()
        batches: dict[TopicPartition, list[Any]] = await self._consumer.getmany(
            timeout_ms=timeout_ms, max_records=max_records
        )
        current = self._positions.current(batches, self._positions.epoch)
        new: dict[TopicPartition, Sequence[Any]] = {}
        for place, records in current.items():
            taken = self._following[place].take(records)
            if taken.seek is not None:
                self._positions.seek(place, taken.seek)
            if taken.anew is not None:
                self._anew[place] = taken.anew
            elif taken.records:
                new[place] = taken.records
        anew, self._anew = self._anew, {}
        return Found(anew, new)

    async def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._look_at or not self._following:
            return
        self._look_at = now + LOOK_SECONDS
        before = dict(self._following)
        try:
            ends = await log_ends(self._consumer, before, seconds=ANSWER_SECONDS)
        except TransientError:
            ends = {}
        for place, following in self._following.items():
            if before.get(place) is not following:
                continue  # it has changed hands meanwhile, and is looked at next time
            if place in ends and following.is_shorter(ends[place]):
                self._anew[place] = Anew.SHORTER
                following.begin_anew(Anew.SHORTER)
            self._positions.seek(place, following.look())
