"""Reaching a stack's Kafka, and reading a topic of the platform from its beginning to its end."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer
from pydantic import BaseModel

from deploy.local.stack import Stack
from services.runtime.kafka import partitions_of
from services.runtime.settings import KafkaSettings

Model = TypeVar("Model", bound=BaseModel)


def kafka_of(stack: Stack) -> KafkaSettings:
    """How the operator reaches the Kafka of a stack."""
    env = stack.environment("operator")
    return KafkaSettings(
        bootstrap=env["KAFKA_BOOTSTRAP"],
        security_protocol=env["KAFKA_SECURITY_PROTOCOL"],
        username=env["KAFKA_USERNAME"],
        password=env["KAFKA_PASSWORD"],  # type: ignore[arg-type]
    )


async def values_of(settings: KafkaSettings, topic: str, model: type[Model], *, own: str) -> list[Model]:
    """Every record that a topic has now and that names what is the caller's own.

    Args:
        own: What others do not write: a topic is shared, and what another test wrote there may be no record at all.
    """
    records = await records_of(settings, topic)
    return [model.model_validate_json(r.value) for r in records if own.encode() in (r.value or b"")]


async def records_of(settings: KafkaSettings, topic: str) -> list[Any]:
    """Every record that a topic has now, by partition in the order of the log."""
    places = partitions_of(topic)
    found: list[Any] = []
    async with AIOKafkaConsumer(**settings.client_options("test"), enable_auto_commit=False) as consumer:
        consumer.assign(places)
        await asyncio.sleep(0)  # a consumer that is stopped before its own tasks have begun raises
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        for place, offset in begins.items():
            consumer.seek(place, offset)
        while [place for place, end in ends.items() if await consumer.position(place) < end]:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
    return found
