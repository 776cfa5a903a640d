"""The ledger of deliveries: each attempt is a record on `deliveries`, kept before the event counts as finished."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, KafkaTimeoutError
from pydantic import ValidationError

from schemas.delivery import DeliveryAttempt
from schemas.topics import DELIVERIES
from services.alert_delivery.errors import LedgerRefused
from services.runtime import metrics
from services.runtime.kafka import consumer, partitions_of
from services.runtime.lifecycle import Lifetime
from services.runtime.log_follower import LogFollower
from services.runtime.settings import KafkaSettings

PART: Final = "ledger"
PAUSE_SECONDS: Final = 1.0
CLIENT_ID: Final = "alert_delivery-ledger"


class Ledger:
    """Writes attempts, and reads how often events were tried before."""

    def __init__(self, client: AIOKafkaProducer, settings: KafkaSettings, lifetime: Lifetime) -> None:
        self._client = client
        self._settings = settings
        self._lifetime = lifetime

    async def record(self, attempt: DeliveryAttempt) -> None:
        """Return when every replica has it; Kafka that is away is waited for.

        Raises:
            LedgerRefused: Kafka does not take it for good.
        """
        value, key = attempt.model_dump_json().encode(), attempt.kafka_key()
        while True:
            try:
                await (await self._client.send(DELIVERIES, value=value, key=key))
            except KafkaError as error:
                if not (
                    error.retriable or isinstance(error, KafkaTimeoutError)
                ):  # the client calls no timeout retriable
                    raise LedgerRefused(
                        f"Kafka refused a record of deliveries: {type(error).__name__} {error}"
                    ) from error
                self._lifetime.health.trouble(PART, f"Kafka takes no record of deliveries ({error}); trying again")
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                self._lifetime.health.well(PART)
                metrics.DELIVERY_ATTEMPTS.labels(attempt.subscriber, attempt.outcome).inc()
                return

    async def attempts(self, subscriber: str, since: datetime) -> Mapping[str, int]:
        """How often each event was tried for a subscriber since a time, by event id."""
        async with consumer(self._settings, CLIENT_ID, (), None) as records:
            return await attempts_in(records, LogFollower(records), subscriber, since)


async def attempts_in(
    records: AIOKafkaConsumer, follower: LogFollower, subscriber: str, since: datetime
) -> Mapping[str, int]:
    """The same, from a consumer that has no partitions yet; a ledger that is made anew meanwhile is read as it is then.

    Raises:
        KafkaError: Kafka does not answer.
    """
    found: dict[str, int] = {}
    partitions = partitions_of(DELIVERIES)
    records.assign(partitions)
    ends: dict[TopicPartition, int] = await records.end_offsets(partitions)
    starts = await records.offsets_for_times(dict.fromkeys(partitions, int(since.timestamp() * 1000)))
    for partition in partitions:
        start = starts.get(partition)
        follower.begin(partition, ends[partition] if start is None else start.offset)
    while not await follower.is_through(ends):
        come = await follower.poll(timeout_ms=500)
        if come.anew:
            ends = await records.end_offsets(partitions)
        for record in (record for batch in come.batches.values() for record in batch):
            attempt = _attempt_of(record.key, record.value, subscriber)
            if attempt is not None:
                found[attempt.event_id] = max(attempt.attempt, found.get(attempt.event_id, 0))
    return found


def _attempt_of(key: bytes | None, value: bytes | None, subscriber: str) -> DeliveryAttempt | None:
    if key != subscriber.encode():
        return None
    try:
        return DeliveryAttempt.model_validate_json(value or b"")
    except ValidationError:
        return None
