"""The delivery of alerts as tests run it: on the session's servers, with waits scaled down to tenths of seconds."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import aiokafka

from deploy.local.stack import ServiceSpec, Stack
from schemas.alert import Alert
from schemas.alert_action import AlertAction
from schemas.delivery import DeliveryAttempt, DeliveryOutcome
from schemas.subscription import Filter, Subscription
from schemas.topics import ALERT_ACTIONS, ALERTS, DELIVERIES
from services.alert_delivery import book
from services.district.subscriber_command import Subscribers
from services.runtime.kafka import partitions_of
from tests.unit.alert_delivery.made import subscription

NAME: Final = "alert_delivery"
QUICK: Final = {
    "DELIVERY_RETRY_FIRST_SECONDS": "0.2",
    "DELIVERY_RETRY_LONGEST_SECONDS": "1",
    "DELIVERY_BREAKER_FIRST_SECONDS": "0.2",
    "DELIVERY_BREAKER_LONGEST_SECONDS": "0.5",
    "DELIVERY_LOOK_BACK_DAYS": "0.001",
    "DELIVERY_INSTANCE": "test",
}


def spec(stack: Stack, **extra: str) -> ServiceSpec:
    """The service; settings beside the quick ones by name."""
    command = (sys.executable, "-m", "services.alert_delivery")
    folder = stack.settings.subscribers_register.parent
    return ServiceSpec(NAME, command, "delivery", QUICK | extra, folder=folder)


def kafka_options(stack: Stack, role: str = "operator") -> dict[str, Any]:
    """Keyword arguments of a Kafka client."""
    known = stack.environment(role)
    return {
        "bootstrap_servers": known["KAFKA_BOOTSTRAP"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": known["KAFKA_USERNAME"],
        "sasl_plain_password": known["KAFKA_PASSWORD"],
    }


@asynccontextmanager
async def writing(stack: Stack) -> AsyncIterator[Callable[[Iterable[Alert | AlertAction]], Any]]:
    """Write events as the processors and the API do."""
    producer = aiokafka.AIOKafkaProducer(**kafka_options(stack), acks="all", linger_ms=2)
    await producer.start()

    async def write(events: Iterable[Alert | AlertAction]) -> None:
        sent = [
            await producer.send(
                ALERTS if isinstance(event, Alert) else ALERT_ACTIONS,
                value=event.model_dump_json().encode(),
                key=event.kafka_key(),
                headers=event.to_headers(),
            )
            for event in events
        ]
        await asyncio.gather(*sent)

    try:
        yield write
    finally:
        await producer.stop()


class Deliveries:
    """What the ledger says since it was opened."""

    def __init__(self, consumer: aiokafka.AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.attempts: list[DeliveryAttempt] = []

    async def until(self, condition: Callable[[list[DeliveryAttempt]], bool], seconds: float = 30.0) -> None:
        """Read on until it tells what is waited for."""
        async with asyncio.timeout(seconds):
            while not condition(self.attempts):
                for batch in (await self._consumer.getmany(timeout_ms=200)).values():
                    self.attempts += [DeliveryAttempt.model_validate_json(record.value) for record in batch]

    def of(self, subscriber: str, event_id: str | None = None) -> list[DeliveryAttempt]:
        """Attempts of a subscriber, in their order."""
        return [each for each in self.attempts if each.subscriber == subscriber and event_id in {None, each.event_id}]

    def outcomes(self, subscriber: str, event_id: str | None = None) -> list[DeliveryOutcome]:
        """Their outcomes."""
        return [each.outcome for each in self.of(subscriber, event_id)]


@asynccontextmanager
async def ledger(stack: Stack) -> AsyncIterator[Deliveries]:
    """Read what is written to `deliveries` from now on."""
    consumer = aiokafka.AIOKafkaConsumer(**kafka_options(stack), enable_auto_commit=False)
    await consumer.start()
    places = partitions_of(DELIVERIES)
    consumer.assign(places)
    await consumer.seek_to_end(*places)
    for place in places:
        await consumer.position(place)
    try:
        yield Deliveries(consumer)
    finally:
        await consumer.stop()


def subscribe(stack: Stack, subscriber_id: str, url: str, rule: str, **more: Any) -> Subscription:
    """Register a subscriber of one rule's events, on loopback, from now on."""
    fields: dict[str, Any] = {
        "filter": Filter(rules=(rule,)),
        "private_networks": ("127.0.0.0/8",),
        "timeout_seconds": 5.0,
        "added_at": datetime.now(UTC).replace(microsecond=0),
    }
    made = subscription(subscriber_id, url, **(fields | more))
    Subscribers(stack.settings.subscribers_register).add(made)
    return made


def end_all(stack: Stack) -> None:
    """Forget every subscriber, so that one test's are none of the next."""
    book.subscribers(stack.settings.subscribers_register).change(
        lambda register: register.model_copy(update={"subscriptions": ()})
    )


def alert_ids(body: bytes) -> tuple[str, int]:
    """Asset and revision in a structured CloudEvent."""
    data = json.loads(body)["data"]
    return data["asset"], data.get("revision", -1)


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for what nobody tells."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - files and processes have no event
            await asyncio.sleep(0.05)
