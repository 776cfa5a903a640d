"""The topic `deliveries`, and how far the subscribers' groups are, as an operator reads them; each wait has a bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import ValidationError

from schemas.delivery import DeliveryAttempt
from schemas.topics import DELIVERIES
from services.alert_delivery.groups import group_of
from services.district.kafka_answers import answering
from services.district.lag import DELIVERED, waiting
from services.runtime.kafka import partitions_of
from services.runtime.offsets import committed_of
from services.runtime.settings import KafkaSettings

CLIENT_ID: Final = "district-deliveries"
LOOKED_AT: Final = 2_000
"""So many of the newest records of each partition are read."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What Kafka says of deliveries."""

    attempts: list[DeliveryAttempt]
    """The newest first."""
    waiting: dict[str, int]
    """Records of both topics that a subscriber is not through with; those that have not begun are missing."""


async def read_deliveries(settings: KafkaSettings | None, subscribers: Sequence[str]) -> Deliveries:
    """Ask once.

    Raises:
        ServerSilent: Kafka does not answer.
    """
    async with answering(settings) as known:
        options = known.client_options(CLIENT_ID)
        consumer, admin = AIOKafkaConsumer(**options, enable_auto_commit=False), AIOKafkaAdminClient(**options)
        try:
            await consumer.start()
            await admin.start()
            return Deliveries(await _newest(consumer), await _waiting(consumer, admin, subscribers))
        finally:
            await consumer.stop()
            await admin.close()


async def _newest(consumer: AIOKafkaConsumer) -> list[DeliveryAttempt]:
    places = partitions_of(DELIVERIES)
    consumer.assign(places)
    first, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    for place in places:
        consumer.seek(place, max(first[place], ends[place] - LOOKED_AT))
    found: list[DeliveryAttempt] = []
    while [place for place in places if await consumer.position(place) < ends[place]]:
        batches: dict[Any, list[Any]] = await consumer.getmany(timeout_ms=500)
        for record in (record for batch in batches.values() for record in batch):
            try:
                found.append(DeliveryAttempt.model_validate_json(record.value or b""))
            except ValidationError:
                continue
    return sorted(found, key=lambda each: each.at, reverse=True)


async def _waiting(
    consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient, subscribers: Sequence[str]
) -> dict[str, int]:
    places = partitions_of(*DELIVERED)
    ends = await consumer.end_offsets(places)
    found = {each: waiting(await committed_of(admin, group_of(each)), ends) for each in subscribers}
    return {each: behind for each, behind in found.items() if behind is not None}
