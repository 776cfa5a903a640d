"""The topic `plan` as the operator reads and writes it; every wait has a bound."""

from __future__ import annotations

from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import ValidationError

from schemas.plan.errors import problems_of
from schemas.plan.publication import PlanPublication, document_of, parse_publication, publication_key
from schemas.topics import PLAN
from services.district.kafka_answers import answering
from services.runtime.settings import KafkaSettings

CLIENT_ID: Final = "district-plan"
_PLACE: Final = TopicPartition(PLAN, 0)
_FAULTS_NAMED: Final = 3


async def published(settings: KafkaSettings | None) -> tuple[list[PlanPublication], list[str]]:
    """What was published, in its order, and what on the topic cannot be read.

    Raises:
        ServerSilent: Kafka does not answer.
    """
    async with answering(settings) as known:
        consumer = AIOKafkaConsumer(**known.client_options(CLIENT_ID), enable_auto_commit=False)
        try:
            await consumer.start()
            return await _read(consumer)
        finally:
            await consumer.stop()


async def _read(consumer: AIOKafkaConsumer) -> tuple[list[PlanPublication], list[str]]:
    consumer.assign([_PLACE])
    await consumer.seek_to_beginning(_PLACE)
    end = (await consumer.end_offsets([_PLACE]))[_PLACE]
    found: list[PlanPublication] = []
    unread: list[str] = []
    while await consumer.position(_PLACE) < end:
        batch: dict[Any, list[Any]] = await consumer.getmany(_PLACE, timeout_ms=500)
        for record in batch.get(_PLACE, []):
            try:
                publication = parse_publication(record.value or b"")
                document_of(publication)
            except ValidationError as error:
                faults = "; ".join(f"{key}: {reason}" for key, reason in problems_of(error)[:_FAULTS_NAMED])
                unread.append(f"record {record.offset} of topic {PLAN}: {faults}")
            else:
                found.append(publication)
    return found, unread


async def publish(settings: KafkaSettings | None, publication: PlanPublication) -> str:
    """Write one version, confirmed by all replicas; returns its key.

    Raises:
        ServerSilent: Kafka does not answer; whether it was written is then not known, publishing again is safe.
    """
    key = publication_key(document_of(publication))
    async with answering(settings) as known:
        producer = AIOKafkaProducer(**known.client_options(CLIENT_ID), acks="all", enable_idempotence=True)
        try:
            await producer.start()
            await producer.send_and_wait(PLAN, publication.model_dump_json().encode(), key=key, partition=0)
        finally:
            await producer.stop()
    return key.decode()
