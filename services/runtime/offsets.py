"""Tells Kafka how far the work is: what was done for good, and nothing else.

Where a service keeps its own progress (the sink its database, the processors their state) that decides, and the
committed offset only shows the lag.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IllegalStateError, KafkaError

from services.runtime.lifecycle import Lifetime

COMMIT_EVERY_SECONDS: Final = 0.5
COMMIT_SECONDS: Final = 5.0
"""Longest wait for Kafka to take offsets; they are committed with the next ones otherwise."""


async def commit(consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int | tuple[int, str]]) -> str | None:
    """Commit those whose partition is ours; what went wrong, in words, when Kafka does not take them just now.

    Args:
        offsets: Of the next record, alone or with metadata.
    """
    mine = consumer.assignment()
    ours = {place: offset for place, offset in offsets.items() if place in mine}
    if not ours:
        return None
    try:
        async with asyncio.timeout(COMMIT_SECONDS):
            await consumer.commit(ours)
    except (KafkaError, IllegalStateError, TimeoutError) as error:
        return repr(error)
    return None


async def committed_of(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, tuple[int, str]]:
    """Offset and metadata that a group has committed, by partition.

    Raises:
        KafkaError: Kafka does not say it just now.
    """
    known = await admin.list_consumer_group_offsets(group)
    return {place: (commit.offset, commit.metadata or "") for place, commit in known.items() if commit.offset >= 0}


async def committed_of_each(
    admin: AIOKafkaAdminClient, groups: Iterable[str]
) -> dict[str, dict[TopicPartition, tuple[int, str]]]:
    """The same of several groups, asked for at once: an answer takes as long as the slowest, not as all together."""
    names = list(groups)
    return dict(zip(names, await asyncio.gather(*(committed_of(admin, name) for name in names)), strict=True))


@dataclass(slots=True)
class Offsets:
    """Gathers what is done in all partitions of a consumer, and commits it in one request."""

    consumer: AIOKafkaConsumer
    lifetime: Lifetime
    _to_commit: dict[TopicPartition, int] = field(default_factory=dict)

    def done(self, place: TopicPartition, next_offset: int) -> None:
        """Everything below the offset is done for good."""
        self._to_commit[place] = next_offset

    async def run(self) -> None:
        """Commit now and then until the service is asked to stop."""
        while not await self.lifetime.pause(COMMIT_EVERY_SECONDS):
            await self.commit()

    async def commit(self) -> None:
        """Commit what is done; of a partition that is another member's now nothing is said."""
        taken, self._to_commit = self._to_commit, {}
        why = await commit(self.consumer, taken)
        if why is not None:
            mine = self.consumer.assignment()
            self._to_commit = {place: taken[place] for place in taken if place in mine} | self._to_commit
            self.lifetime.log.info("offsets are not committed just now, trying again", action="commit", error=why)
