"""Shipments into Kafka: whole batches by partition, acks from all replicas, idempotent, retried until it is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import zip_longest
from typing import Any, Final, cast

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.partitioner import murmur2

from schemas.fields import Feed
from schemas.topics import BRIDGE_RECEIPTS, DEAD_LETTERS, readings_topic, topic_spec
from services.ingest_bridge.errors import KafkaRefusedError, TopicDoesNotFitError
from services.ingest_bridge.shipment import Batch, Shipment
from services.runtime.dead_letters import DeadLetterProducer, dead_letter_producer
from services.runtime.kafka import producer
from services.runtime.settings import KafkaSettings

WRITTEN_TOPICS: Final = (
    *(readings_topic(feed, live=live) for feed in Feed for live in (True, False)),
    DEAD_LETTERS,
    BRIDGE_RECEIPTS,
)


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that every producer's default partitioner chooses for a key."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def partitions_of(topic: str) -> int:
    """Partitions of a topic by the table."""
    return topic_spec(topic).partitions


class KafkaWriter:
    """Writes shipments one after the other, so that the order within a partition is the order of arrival."""

    def __init__(self, client: AIOKafkaProducer, letters: DeadLetterProducer) -> None:
        self._client = client
        self._letters = letters
        self.moved_at = float("-inf")
        """When Kafka took anything last, by the loop's clock."""

    def new_batch(self) -> Batch:
        """Return an empty batch."""
        return cast("Batch", self._client.create_batch())

    async def check_topics(self) -> None:
        """Compare the topics with the table, since partitions are computed from it.

        Raises:
            TopicDoesNotFitError: a topic is missing or has another number of partitions.
        """
        for topic in WRITTEN_TOPICS:
            try:
                found = await self._client.partitions_for(topic)
            except KafkaError as error:
                raise TopicDoesNotFitError(
                    f"the Kafka topic {topic} cannot be used ({error}); create the topics"
                ) from error
            if len(found or ()) != partitions_of(topic):
                raise TopicDoesNotFitError(
                    f"the Kafka topic {topic} has {len(found or ())} partitions, the table says "
                    f"{partitions_of(topic)}; create the topics by the table"
                )

    async def ship(self, shipment: Shipment) -> None:
        """Return once everything is in Kafka; a broker that is away is waited for.

        Raises:
            KafkaRefusedError: Kafka refused a record for good.
        """
        waiting: list[Awaitable[object]] = []
        try:
            for layer in zip_longest(*shipment.batches.values()):
                for (topic, partition), batch in zip(shipment.batches, layer, strict=True):
                    if batch is not None:
                        waiting.append(await self._submit(batch, topic, partition))
            for letter, payload in shipment.letters:
                waiting.append(await _patiently(partial(self._letters.send, letter, payload)))
            for written in waiting:
                await written
                self.moved_at = asyncio.get_running_loop().time()
        except KafkaError as error:
            raise KafkaRefusedError(
                f"Kafka refused {shipment.messages} messages ({type(error).__name__}: {error}); "
                "starting again, the MQTT broker still has them"
            ) from error
        finally:
            _let_go(waiting)

    async def write(self, topic: str, partition: int, batches: list[Batch]) -> None:
        """Write batches to one partition.

        Raises:
            KafkaRefusedError: Kafka refused a record for good.
        """
        try:
            for batch in batches:
                await (await self._submit(batch, topic, partition))
        except KafkaError as error:
            raise KafkaRefusedError(f"Kafka refused records for {topic} ({type(error).__name__}: {error})") from error

    async def _submit(self, batch: Batch, topic: str, partition: int) -> Awaitable[object]:
        return await _patiently(partial(self._client.send_batch, batch, topic, partition=partition))


async def _patiently(send: Callable[[], Awaitable[Any]]) -> Awaitable[object]:
    """Queue at the producer however long its queue stays full; nothing has been sent when it times out."""
    while True:
        try:
            return cast("Awaitable[object]", await send())
        except KafkaTimeoutError:
            continue


def _let_go(waiting: list[Awaitable[object]]) -> None:
    """After a failure nobody waits for the rest; their own failures must not be reported as forgotten."""
    for each in waiting:
        if isinstance(each, asyncio.Future) and not each.done():
            each.add_done_callback(lambda done: done.cancelled() or done.exception())
        elif isinstance(each, asyncio.Future) and not each.cancelled():
            each.exception()


@asynccontextmanager
async def kafka_writer(settings: KafkaSettings, client_id: str) -> AsyncIterator[KafkaWriter]:
    """The bridge's producers: one for readings and receipts, one for dead letters, which may be large."""
    async with (
        producer(settings, client_id, linger_ms=0) as client,
        dead_letter_producer(settings, client_id) as letters,
    ):
        writer = KafkaWriter(client, letters)
        await writer.check_topics()
        yield writer
