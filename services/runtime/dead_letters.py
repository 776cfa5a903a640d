"""Produce dead letters: the bytes as they came, with everything known about them in the headers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer

from schemas.dead_letter import DeadLetter
from schemas.topics import DEAD_LETTERS, MAX_DEAD_LETTER_BYTES
from services.runtime import metrics
from services.runtime.kafka import producer
from services.runtime.settings import KafkaSettings


class DeadLetterProducer:
    """Puts refused items on the `dead-letters` topic."""

    def __init__(self, client: AIOKafkaProducer) -> None:
        self._client = client

    async def send(self, letter: DeadLetter, payload: bytes) -> asyncio.Future[object]:
        """Hand over one item; the future returned is done when Kafka has it."""
        key = (letter.device_id or letter.mqtt_topic or letter.kafka_topic or "unknown").encode()
        sent: asyncio.Future[object] = await self._client.send(
            DEAD_LETTERS, value=payload, key=key, headers=letter.to_headers()
        )
        metrics.DEAD_LETTERS.labels(letter.source, letter.reason).inc()
        return sent


@asynccontextmanager
async def dead_letter_producer(settings: KafkaSettings, client_id: str) -> AsyncIterator[DeadLetterProducer]:
    """A producer of its own, because one refused item may be larger than a batch of readings may be."""
    async with producer(
        settings,
        f"{client_id}-dead-letters",
        max_request_size=MAX_DEAD_LETTER_BYTES,
        max_batch_size=MAX_DEAD_LETTER_BYTES,
    ) as client:
        yield DeadLetterProducer(client)
