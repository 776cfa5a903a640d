"""What an operator reads of deliveries: the ledger, how far the subscribers' groups are, and what consumers said back.

Each wait has a bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import BaseModel, ValidationError

from schemas.alert_action import EVENTS, TYPE_PREFIX, ActionKind, Actor, AlertAction
from schemas.delivery import DeliveryAttempt
from schemas.topics import ALERT_ACTIONS, DELIVERIES
from services.alert_delivery.groups import group_of
from services.district.kafka_answers import answering
from services.district.lag import DELIVERED, waiting
from services.runtime.kafka import partitions_of
from services.runtime.offsets import committed_of_each
from services.runtime.settings import KafkaSettings

CLIENT_ID: Final = "district-deliveries"
LOOKED_AT: Final = 2_000
"""So many of the newest records of each partition are read."""

SAID_BACK: Final = frozenset({ActionKind.RECEIVE, ActionKind.ACKNOWLEDGE})
_OF_CONSUMERS: Final = frozenset(f"{TYPE_PREFIX}{EVENTS[kind]}".encode() for kind in SAID_BACK)

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What Kafka says of deliveries."""

    attempts: list[DeliveryAttempt]
    """The newest first."""
    waiting: dict[str, int]
    """Records of both topics that a subscriber is not through with; those that have not begun are missing."""
    returned: tuple[AlertAction, ...] = ()
    """Receipts and acknowledgements of consumers, each once, the oldest first."""


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
            waiting_by = await _waiting(consumer, admin, subscribers)
            attempts = await _newest(consumer, DELIVERIES, DeliveryAttempt)
            # Behind the attempts: what a consumer has confirmed by now is of one of them, as a rule.
            actions = await _newest(consumer, ALERT_ACTIONS, AlertAction, types=_OF_CONSUMERS)
            return Deliveries(
                sorted(attempts, key=attrgetter("at"), reverse=True), waiting_by, tuple(said_back(actions))
            )
        finally:
            await consumer.stop()
            await admin.close()


def said_back(actions: Iterable[AlertAction]) -> list[AlertAction]:
    """What consumers said of them, each once, the oldest first. Pure."""
    first: dict[str, AlertAction] = {}
    for action in sorted(actions, key=attrgetter("at")):
        if action.actor is Actor.CONSUMER and action.kind in SAID_BACK:
            first.setdefault(action.action_id, action)
    return list(first.values())


async def _newest(
    consumer: AIOKafkaConsumer, topic: str, model: type[M], types: frozenset[bytes] | None = None
) -> list[M]:
    """The newest records of each partition of a topic.

    Args:
        types: Only those of these `ce_type`s.
    """
    places = partitions_of(topic)
    consumer.assign(places)
    first, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    for place in places:
        consumer.seek(place, max(first[place], ends[place] - LOOKED_AT))
    found: list[M] = []
    while [place for place in places if await consumer.position(place) < ends[place]]:
        batches: dict[Any, list[Any]] = await consumer.getmany(timeout_ms=500)
        for record in (record for batch in batches.values() for record in batch):
            if types is not None and dict(record.headers).get("ce_type") not in types:
                continue
            try:
                found.append(model.model_validate_json(record.value or b""))
            except ValidationError:
                continue
    return found


async def _waiting(
    consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient, subscribers: Sequence[str]
) -> dict[str, int]:
    places = partitions_of(*DELIVERED)
    ends = await consumer.end_offsets(places)
    committed = await committed_of_each(admin, map(group_of, subscribers))
    found = {each: waiting(committed[group_of(each)], ends) for each in subscribers}
    return {each: behind for each, behind in found.items() if behind is not None}
