"""Kafka that is away for a while, or says no: what is said of it, and what is not lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

from schemas.delivery import DeliveryAttempt, DeliveryOutcome
from schemas.topics import ALERT_ACTIONS, ALERTS, DELIVERIES
from services.alert_delivery import ledger as ledger_module
from services.alert_delivery.endpoint import Surroundings
from services.alert_delivery.errors import LedgerRefused
from services.alert_delivery.escalation import Escalations
from services.alert_delivery.escalation_policy import EscalationPolicy, parse_policy
from services.alert_delivery.ledger import Ledger, attempts_in
from services.alert_delivery.watch import Escalator, Watch
from services.runtime import log_follower
from services.runtime.lifecycle import Lifetime
from services.runtime.log_faults import LogFaults
from services.runtime.log_follower import LogFollower
from services.runtime.settings import KafkaSettings
from tests.unit.alert_delivery.made import START, alert, seconds, silence
from tests.unit.alert_delivery.test_escalation import HEAD
from tests.unit.runtime.fake_log import FakeLog, records_of

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


def faults_of(life: Lifetime) -> LogFaults:
    return LogFaults("watch: its log", life.health, lambda _: None)


def attempt(asset: str = "lot-1") -> DeliveryAttempt:
    return DeliveryAttempt(
        event_id=alert(asset).event_id,
        alert_id=alert(asset).alert_id,
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
    watch = Watch(KAFKA, escalations, timedelta(days=1), around, faults_of(life))
    escalator = Escalator(producer, watch, policy(), around, life)
    for action in list(escalations.due(policy(), seconds(10))):
        await escalator._escalate(action)
    assert "escalation" in life.health.report()[1]["trouble"]  # type: ignore[operator]
    (again,) = escalations.due(policy(), seconds(11))
    await escalator._escalate(again)
    assert life.health.report()[1]["trouble"] == {}
    assert list(escalations.due(policy(), seconds(12))) == []
    assert [topic for topic, _ in producer.sent] == ["alert-actions"]


PARTITIONS = [TopicPartition(topic, number) for topic in (ALERTS, ALERT_ACTIONS) for number in range(3)]


def log_of(place: TopicPartition, made: int, count: int) -> list[Any]:
    """Red alerts, or silences, of a log that was made for the `made`th time."""
    assets = [f"lot-{place.partition}-{made}-{number}" for number in range(count)]
    until = START + timedelta(days=1)
    events = [
        alert(asset, raised_at=START) if place.topic == ALERTS else silence(asset, START, until) for asset in assets
    ]
    begun_at = int(START.timestamp() * 1000) + made * 1_000_000
    return records_of(place, count, begun_at=begun_at, values=[each.model_dump_json().encode() for each in events])


async def turns(count: int = 200) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("count", [0, 5, 20, 60])
@pytest.mark.parametrize("topic", [ALERTS, ALERT_ACTIONS])
async def test_the_watch_catches_up_and_knows_all_though_a_topic_is_made_anew_meanwhile(
    topic: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made anew while the watch waits for where the old one ended."""
    monkeypatch.setattr(log_follower, "LOOK_SECONDS", 0.0)
    life, log = lifetime(), FakeLog({place: log_of(place, 0, 20) for place in PARTITIONS})
    around = Surroundings(lambda: START, lambda: 0.5)
    watch = Watch(KAFKA, Escalations({}), timedelta(days=1), around, faults_of(life))
    reads, poll = asyncio.Event(), log.getmany

    async def in_turns(timeout_ms: int, max_records: int | None = None) -> Any:  # noqa: ARG001
        await asyncio.sleep(0)
        return await poll(timeout_ms, 3 if not reads.is_set() else None)

    monkeypatch.setattr(log, "getmany", in_turns)
    following = asyncio.create_task(watch._follow(log, LogFollower(log)))
    try:
        await turns(10)
        assert not watch._caught_up.is_set()
        for place in PARTITIONS:
            if place.topic == topic:
                log.logs[place] = log_of(place, 1, count)
        reads.set()
        await turns()
        assert watch._caught_up.is_set()
        known = {each.asset for each in watch.escalations.silences.open(START)}
        known |= {each.life.alert.asset for each in watch.escalations._watched.values() if each.life.alert}
        for place in PARTITIONS:
            made = int(place.topic == topic)
            assert {f"lot-{place.partition}-{made}-{number}" for number in range(count if made else 20)} <= known
        assert "made anew" in str(life.health.report()[1]["trouble"])
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


@pytest.mark.parametrize("count", [0, 4, 30])
async def test_how_often_events_were_tried_is_found_though_the_ledger_is_made_anew_meanwhile(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_follower, "LOOK_SECONDS", 0.0)
    places = [TopicPartition(DELIVERIES, number) for number in range(3)]

    def written(made: int, number: int) -> list[Any]:
        values = [attempt(f"lot-{made}-{each}").model_dump_json().encode() for each in range(number)]
        found = records_of(places[0], number, begun_at=made * 1_000_000, values=values)
        for record in found:
            record.key = b"brain"
        return found

    log = FakeLog({places[0]: written(0, 20), places[1]: [], places[2]: []})
    poll, polled = log.getmany, 0

    async def in_pieces(timeout_ms: int, max_records: int | None = None) -> Any:  # noqa: ARG001
        nonlocal polled
        polled += 1
        if polled == 3:
            log.logs[places[0]] = written(1, count)
        return await poll(timeout_ms, 4 if polled < 3 else None)

    monkeypatch.setattr(log, "getmany", in_pieces)
    since = datetime.fromtimestamp(0, UTC)
    async with asyncio.timeout(5):
        found = await attempts_in(log, LogFollower(log), "brain", since)
    assert {alert(f"lot-1-{number}").event_id for number in range(count)} <= found.keys()
