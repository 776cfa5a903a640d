"""A subscriber whose group has no place in Kafka is a new one, or its places were lost: the ledger knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from aiokafka import TopicPartition

from schemas.topics import ALERTS
from services.alert_delivery.endpoint import Surroundings
from services.alert_delivery.placing import KafkaAccess
from services.alert_delivery.settings import DeliverySettings
from services.alert_delivery.subscriber import Subscriber
from services.runtime.lifecycle import Lifetime
from services.runtime.settings import KafkaSettings
from tests.unit.alert_delivery.made import START, subscription


@dataclass
class Ledger:
    tried: Mapping[str, int]
    asked: list[datetime] = field(default_factory=list)

    async def attempts(self, subscriber: str, since: datetime) -> Mapping[str, int]:  # noqa: ARG002 - there is one
        self.asked.append(since)
        return self.tried


def told(ledger: Ledger, committed: Mapping[TopicPartition, int]) -> tuple[Subscriber, Lifetime]:
    async def offsets(group: str) -> dict[TopicPartition, Any]:  # noqa: ARG001 - there is one
        return {place: SimpleNamespace(offset=offset, metadata="") for place, offset in committed.items()}

    life = Lifetime(structlog.stdlib.get_logger())
    admin: Any = SimpleNamespace(list_consumer_group_offsets=offsets)
    shared: Any = SimpleNamespace(
        settings=DeliverySettings(subscribers_file=Path("none")),  # type: ignore[call-arg] # its alias is the variable
        around=Surroundings(lambda: START, lambda: 0.5),
        lifetime=life,
        kafka=KafkaAccess(KafkaSettings(bootstrap="127.0.0.1:9"), admin, None),
        ledger=ledger,
    )
    return Subscriber(subscription("brain"), shared), life


@pytest.mark.parametrize(
    ("committed", "tried", "is_said"),
    [
        ({}, {}, False),
        ({}, {"e-0": 1}, True),
        ({TopicPartition(ALERTS, 0): -1}, {"e-0": 1}, True),
        ({TopicPartition(ALERTS, 0): 7}, {"e-0": 1}, False),
    ],
)
async def test_places_that_are_gone_are_told_from_those_of_a_new_subscriber(
    committed: Mapping[TopicPartition, int], tried: Mapping[str, int], is_said: bool
) -> None:
    ledger = Ledger(tried)
    subscriber, life = told(ledger, committed)
    await subscriber._say_if_place_is_gone()
    trouble: Any = life.health.report()[1]["trouble"]
    assert list(trouble) == (["subscriber brain: its log"] if is_said else [])
    if is_said:
        assert trouble["subscriber brain: its log"].startswith("alert-actions 0, alert-actions 1, alert-actions 2, ")
        assert ledger.asked == [START]
    await subscriber.endpoint.close()
