"""A topic of one partition as the operator reads it whole and writes to it; every wait has a bound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from services.district.kafka_answers import answering
from services.runtime.settings import KafkaSettings


async def records_of(settings: KafkaSettings | None, topic: str, client_id: str) -> list[ConsumerRecord]:
    """Every record that the topic still has, in its order.

    Raises:
        ServerSilent: Kafka does not answer.
    """
    place, found = TopicPartition(topic, 0), []
    async with answering(settings) as known:
        consumer = AIOKafkaConsumer(**known.client_options(client_id), enable_auto_commit=False)
        try:
            await consumer.start()
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            end = (await consumer.end_offsets([place]))[place]
            while await consumer.position(place) < end:
                batch: dict[Any, list[ConsumerRecord]] = await consumer.getmany(place, timeout_ms=500)
                found += batch.get(place, [])
        finally:
            await consumer.stop()
    return found


async def write_records(
    settings: KafkaSettings | None, topic: str, client_id: str, records: Iterable[tuple[bytes, bytes]]
) -> None:
    """Write keys and values in their order, each confirmed by all replicas.

    Raises:
        ServerSilent: Kafka does not answer; whether all were written is then not known.
    """
    async with answering(settings) as known:
        producer = AIOKafkaProducer(**known.client_options(client_id), acks="all", enable_idempotence=True)
        try:
            await producer.start()
            for key, value in records:
                await producer.send_and_wait(topic, value, key=key, partition=0)
        finally:
            await producer.stop()
