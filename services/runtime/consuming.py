"""Reading as a member of a consumer group: what is ours, where each partition goes on, and which records count.

aiokafka goes on from the committed offset before it calls `on_partitions_assigned`, for a partition that stays ours as
for a new one; what it hands out then belongs to nobody. So each seek begins a new epoch, and whoever polls notes the
epoch in which records were handed out: those of an epoch before their partition's last seek are stale, and so are those
of a partition that was not sought since the group last changed. The mark is exact: between the moment in which aiokafka
takes records out of its buffer and the moment in which the epoch is read nothing else can run, and a seek empties that
buffer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from services.runtime.errors import TransientError

T = TypeVar("T")

_NO_PARTITION: Final = -1


class Positions:
    """The seeks of one consumer, whoever of several loops over it makes them."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._since: dict[TopicPartition, int] = {}
        self.epoch = 0
        """Number of the last seek; read it where a poll comes back, before anything else is waited for."""

    @property
    def sought(self) -> set[TopicPartition]:
        """Partitions that go on where they were sent."""
        return set(self._since)

    def seek(self, place: TopicPartition, offset: int) -> int:
        """Read a partition from an offset on; returns the epoch that begins with it.

        Raises:
            IllegalStateError: the partition is not assigned.
        """
        self._consumer.seek(place, offset)
        self.epoch += 1
        self._since[place] = self.epoch
        return self.epoch

    def forget(self, place: TopicPartition) -> None:
        """Records of it count no more until it is sought."""
        self._since.pop(place, None)

    def clear(self) -> None:
        """Records of none count any more."""
        self._since.clear()

    def current(self, batches: Mapping[TopicPartition, T], epoch: int) -> dict[TopicPartition, T]:
        """Those that count.

        Args:
            epoch: In which they were handed out.
        """
        return {place: records for place, records in batches.items() if self._since.get(place, epoch + 1) <= epoch}


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no type information
    """Follows what the group gives and takes: after each change every partition has to be sought again.

    A partition that stays ours over a change loses its position: the client goes on at the offset that was committed,
    which may lie far behind, or before, where its owner is. So nothing that was known before a change counts after it.
    """

    def __init__(self, positions: Positions) -> None:
        self._positions = positions
        self.changes = 0
        """What was read or placed under another number counts no more."""
        self.settled = False
        """Whether the group has said what is ours; until then nothing is placed."""

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> Any:  # noqa: ARG002 - always all
        """Everything is taken away."""
        self._change(settled=False)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> Any:  # noqa: ARG002 - the consumer says it
        """The group has said what is ours, as new to the client as on the first day."""
        self._change(settled=True)

    def _change(self, *, settled: bool) -> None:
        self.changes += 1
        self.settled = settled
        self._positions.clear()


async def keep_membership(consumer: AIOKafkaConsumer, topic: str) -> None:
    """Poll without taking records, so that the group does not think we are stuck."""
    with suppress(KafkaError):  # said again where records are asked for
        await consumer.getmany(TopicPartition(topic, _NO_PARTITION), timeout_ms=0)


async def log_ends(
    consumer: AIOKafkaConsumer, places: Collection[TopicPartition], *, seconds: float
) -> dict[TopicPartition, int]:
    """Where each log ends, asked beside the fetcher: a dead one would say for ever that it has seen all.

    Raises:
        TransientError: Kafka does not say it in time.
    """
    if not places:
        return {}
    try:
        async with asyncio.timeout(seconds):
            ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
    except (KafkaError, TimeoutError) as error:
        raise TransientError(
            f"Kafka does not say how long the log is: {repr(error) if str(error) else 'no answer in time'}"
        ) from error
    return ends
