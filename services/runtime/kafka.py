"""Kafka clients that wait for their server: started with patience, stopped by the `async with` block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.topics import topic_spec
from services.runtime.errors import TransientError
from services.runtime.settings import KafkaSettings

log = structlog.stdlib.get_logger()

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 5.0
METADATA_SECONDS = 10
"""A group that was divided while a topic was gone notices so soon that it is back; the client's own is five minutes."""


class _Client(Protocol):
    async def start(self) -> None: ...


C = TypeVar("C", bound=_Client)


def partitions_of(*topics: str) -> list[TopicPartition]:
    """Every partition of topics: as many as the table of topics says, which is seen to when they are made."""
    return [TopicPartition(topic, number) for topic in topics for number in range(topic_spec(topic).partitions)]


async def start_patiently(make: Callable[[], C], what: str, *, attempts: int = 60) -> C:
    """Start a client, waiting for a broker that is not there yet.

    Raises:
        TransientError: the broker did not answer in `attempts` tries.
    """
    wait = FIRST_WAIT_SECONDS
    for attempt in range(1, attempts + 1):
        client = make()
        try:
            await client.start()
        except (KafkaConnectionError, OSError) as error:
            await _close(client)
            if attempt == attempts:
                raise TransientError(f"{what}: Kafka does not answer ({error}); is it running?") from error
            log.warning("Kafka does not answer, waiting", action="wait_for_kafka", client=what, seconds=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)
        else:
            return client
    raise AssertionError("attempts must be at least 1")


async def _close(client: Any) -> None:
    stop = getattr(client, "stop", None) or client.close
    try:
        await stop()
    except (KafkaError, OSError) as error:
        log.debug("a client that never started did not close cleanly", action="close", error=str(error))


@asynccontextmanager
async def producer(settings: KafkaSettings, client_id: str, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    """An idempotent producer with acks from all replicas; batches stay well under the broker's 1 MiB."""
    defaults: dict[str, Any] = {
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": 2,
        "max_batch_size": 256 * 1024,
    }
    client = await start_patiently(
        lambda: AIOKafkaProducer(**settings.client_options(client_id), **(defaults | options)), client_id
    )
    try:
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def consumer(
    settings: KafkaSettings, client_id: str, topics: Sequence[str], group: str | None, **options: Any
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that never commits by itself: offsets follow effects."""
    defaults: dict[str, Any] = {
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "fetch_max_wait_ms": 100,
        "metadata_max_age_ms": METADATA_SECONDS * 1_000,
    }
    client = await start_patiently(
        lambda: AIOKafkaConsumer(*topics, **settings.client_options(client_id), **(defaults | options)), client_id
    )
    try:
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def admin(settings: KafkaSettings, client_id: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client."""
    client = await start_patiently(lambda: AIOKafkaAdminClient(**settings.client_options(client_id)), client_id)
    try:
        yield client
    finally:
        await client.close()
