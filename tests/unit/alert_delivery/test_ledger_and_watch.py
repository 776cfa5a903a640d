"""Kafka that is away for a while, or says no: what is said of it, and what is not lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from aiokafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

from schemas.delivery import DeliveryAttempt, DeliveryOutcome
from services.alert_delivery import ledger as ledger_module
from services.alert_delivery.endpoint import Surroundings
from services.alert_delivery.errors import LedgerRefused
from services.alert_delivery.escalation import Escalations
from services.alert_delivery.escalation_policy import EscalationPolicy, parse_policy
from services.alert_delivery.ledger import Ledger
from services.alert_delivery.watch import Escalator, Watch
from services.runtime.lifecycle import Lifetime
from services.runtime.settings import KafkaSettings
from tests.unit.alert_delivery.made import START, alert, seconds
from tests.unit.alert_delivery.test_escalation import HEAD

KAFKA = KafkaSettings(bootstrap="nowhere:9092")


class Producer:
    """Raises what it is told to, then takes everything."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.sent: list[tuple[str, bytes]] = []

    async def send(self, topic: str, *, value: bytes, key: bytes) -> asyncio.Future[None]:
        await self.send_and_wait(topic, value=value, key=key)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def send_and_wait(self, topic: str, *, value: bytes, key: bytes, headers: Any = None) -> None:
        del key, headers
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append((topic, value))


def lifetime() -> Lifetime:
    return Lifetime(structlog.stdlib.get_logger())


def attempt() -> DeliveryAttempt:
    return DeliveryAttempt(
        event_id=alert().event_id,
        alert_id=alert().alert_id,
        event="raised",
        feed=alert().feed,
        asset="lot-1",
        lane="live",
        subscriber="brain",
        attempt=1,
        outcome=DeliveryOutcome.DELIVERED,
        at=START,
        seconds=0.1,
        waited_seconds=0.2,
        partition=0,
        offset=1,
        topic="alerts",
    )


async def test_an_attempt_is_written_as_soon_as_kafka_takes_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "PAUSE_SECONDS", 0.01)
    producer, life = Producer(KafkaTimeoutError(), KafkaTimeoutError()), lifetime()
    writing = asyncio.create_task(Ledger(producer, KAFKA, life).record(attempt()))
    await asyncio.sleep(0.001)
    assert "Kafka takes no record" in str(life.health.report()[1])
    await writing
    assert len(producer.sent) == 1
    assert life.health.report()[1]["trouble"] == {}


async def test_a_ledger_that_is_refused_for_good_ends_the_service() -> None:
    with pytest.raises(LedgerRefused, match="TopicAuthorizationFailedError"):
        await Ledger(Producer(TopicAuthorizationFailedError()), KAFKA, lifetime()).record(attempt())


def policy() -> EscalationPolicy:
    return parse_policy(f'{HEAD}[[escalate]]\nseverity = "III"\nafter_seconds = 5', file="e.toml")


async def test_an_escalation_that_kafka_does_not_take_is_tried_again_and_said_once() -> None:
    escalations, producer, life = Escalations({}), Producer(KafkaTimeoutError()), lifetime()
    escalations.take_alert(alert(), seconds(0))
    around = Surroundings(lambda: datetime.now(UTC), lambda: 0.5)
    watch = Watch(KAFKA, escalations, timedelta(days=1), around)
    escalator = Escalator(producer, watch, policy(), around, life)
    for action in list(escalations.due(policy(), seconds(10))):
        await escalator._escalate(action)
    assert "escalation" in life.health.report()[1]["trouble"]  # type: ignore[operator]
    (again,) = escalations.due(policy(), seconds(11))
    await escalator._escalate(again)
    assert life.health.report()[1]["trouble"] == {}
    assert list(escalations.due(policy(), seconds(12))) == []
    assert [topic for topic, _ in producer.sent] == ["alert-actions"]
