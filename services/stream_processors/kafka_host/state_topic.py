"""The compacted topic of a feed's state: read whole at take-over, written in one transaction a partition."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from schemas.topics import topic_spec
from services.runtime.errors import TransientError
from services.stream_processors.errors import FencedError, OutputRefusedError

log = structlog.stdlib.get_logger()

_OVERHEAD_BYTES: Final = 64 * 1024
_STANDSTILL_SECONDS: Final = 30.0
"""So long may a read bring nothing."""
_CLOSE_SECONDS: Final = 3.0

OpenWriter = Callable[[int], AbstractAsyncContextManager[AIOKafkaProducer]]
"""A transactional producer for a partition: when it has started, whoever was the owner before is fenced."""
OpenReader = Callable[[], AbstractAsyncContextManager[AIOKafkaConsumer]]
"""A consumer in no group that reads what is committed only."""


class StateWriter:
    """Writes the state of one partition as its only owner.

    Args:
        resources: Closes the client.
    """

    def __init__(self, place: TopicPartition, client: AIOKafkaProducer, resources: AsyncExitStack) -> None:
        self._place = place
        self._client = client
        self._resources = resources
        self._writing = asyncio.Lock()

    async def write(self, records: Mapping[bytes, bytes | None]) -> None:
        """All of these or none; done when they are in Kafka.

        Raises:
            FencedError: another process has taken the partition over.
            OutputRefusedError: Kafka did not take them.
        """
        # Shielded: a transaction that is left in its middle would make the client useless for the last state.
        writing = asyncio.create_task(self._write(records), name="write state")
        writing.add_done_callback(_seen)
        await asyncio.shield(writing)

    async def _write(self, records: Mapping[bytes, bytes | None]) -> None:
        async with self._writing:
            try:
                await self._client.begin_transaction()
                sent = [
                    await self._client.send(self._place.topic, value, key, partition=self._place.partition)
                    for key, value in records.items()
                ]
                await asyncio.gather(*sent)
                await self._client.commit_transaction()
            except ProducerFenced as error:
                raise FencedError(f"another process has taken {_name(self._place)} over") from error
            except (KafkaError, AssertionError) as error:
                # aiokafka asserts its own states: a client that has failed between two calls fails so in the next.
                if await self._is_fenced():
                    raise FencedError(f"another process has taken {_name(self._place)} over") from error
                raise OutputRefusedError(f"Kafka did not take the state of {_name(self._place)}: {error!r}") from error

    async def _is_fenced(self) -> bool:
        """Whether the client ended because another owner has begun."""
        sender: asyncio.Task[Any] | None = self._client._sender.sender_task  # noqa: SLF001 - nothing public says it
        if sender is None:
            return False
        await asyncio.sleep(0)
        return sender.done() and not sender.cancelled() and isinstance(sender.exception(), ProducerFenced)

    async def close(self) -> None:
        """Give the client back."""
        with suppress(KafkaError, TimeoutError, OSError, AssertionError):
            async with asyncio.timeout(_CLOSE_SECONDS), self._writing:
                await self._resources.aclose()


class StateTopic:
    """Reads states, and opens writers."""

    def __init__(self, topic: str, open_writer: OpenWriter, open_reader: OpenReader) -> None:
        self._topic = topic
        self._open_writer = open_writer
        self._open_reader = open_reader
        self.bytes_max: Final = (topic_spec(topic).max_message_bytes or 1024 * 1024) - _OVERHEAD_BYTES
        """The topic refuses a larger value."""

    async def writer(self, partition: int) -> StateWriter:
        """Become the owner of a partition's state: what a former one writes from now on is refused."""
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(self._open_writer(partition))
            return StateWriter(TopicPartition(self._topic, partition), client, stack.pop_all())

    async def read(
        self, partitions: Iterable[int], progress: Callable[[], None] = lambda: None
    ) -> dict[int, dict[bytes, bytes]]:
        """The last value of each key of these partitions; what was deleted is left out.

        Args:
            progress: Called whenever something has come.

        Raises:
            TransientError: Kafka does not answer.
        """
        places = [TopicPartition(self._topic, partition) for partition in partitions]
        if not places:
            return {}
        try:
            async with self._open_reader() as reader:
                return await _read(reader, places, progress)
        except (KafkaError, TimeoutError) as error:
            raise TransientError(f"the state in {self._topic} cannot be read: {error!r}") from error


async def _read(
    reader: AIOKafkaConsumer, places: list[TopicPartition], progress: Callable[[], None]
) -> dict[int, dict[bytes, bytes]]:
    found: dict[int, dict[bytes, bytes]] = {place.partition: {} for place in places}
    reader.assign(places)
    ends = await _answer(reader.end_offsets(places))
    starts = await _answer(reader.beginning_offsets(places))
    for place in places:
        reader.seek(place, starts[place])
    left = {place for place in places if starts[place] < ends[place]}
    last = asyncio.get_running_loop().time()
    while left:
        batches = await reader.getmany(*left, timeout_ms=200)
        for place, records in batches.items():
            for record in records:
                if record.value is None:
                    found[place.partition].pop(record.key, None)
                else:
                    found[place.partition][record.key] = record.value
        now = asyncio.get_running_loop().time()
        if batches:
            progress()
            last = now
        elif now - last > _STANDSTILL_SECONDS:
            raise TimeoutError(f"nothing came for {_STANDSTILL_SECONDS:.0f} s")
        left = {place for place in left if await reader.position(place) < ends[place]}
    return found


async def _answer(question: Awaitable[dict[TopicPartition, int]]) -> dict[TopicPartition, int]:
    async with asyncio.timeout(_STANDSTILL_SECONDS):
        return await question


def _seen(task: asyncio.Task[None]) -> None:
    """Take the error of a write that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


def _name(place: TopicPartition) -> str:
    return f"{place.topic}-{place.partition}"
