"""Actions and deliveries in their tables: lives as the fold makes them, each attempt once, nothing lost."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from schemas.alert import Alert, Severity
from schemas.alert_action import ActionKind, AlertAction
from schemas.delivery import DeliveryAttempt, DeliveryOutcome
from schemas.topics import ALERT_ACTIONS, ALERTS, DELIVERIES
from services.alert_life.life import Fate, Life, with_event
from services.district.run import SINK
from services.timescale_sink.outcome import Outcome
from services.timescale_sink.takers import take_actions, take_alerts, take_deliveries
from tests.action_histories import Record, action, folded, history, records, silence
from tests.integration import alert_histories
from tests.integration.alert_histories import NOW, E, alert
from tests.integration.fresh_database import as_owner
from tests.integration.test_sink import settle
from tests.kafka_reading import kafka_of


@pytest.fixture
async def writer(sink: Stack) -> AsyncIterator[Any]:
    """A connection of the sink's own role, in a transaction that is not kept."""
    connection = await asyncpg.connect(sink.environment("sink")["DATABASE_URL"])
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


def lake() -> str:
    return f"lake-{uuid.uuid4().hex[:8]}"


def as_row(life: Life) -> dict[str, Any]:
    """What `v_alert_lives` must say."""
    taken, closed, escalated = life.acknowledged, life.closed, life.escalated
    to_take, to_end = life.time_to_acknowledge, life.time_to_resolve
    return {
        "standing": life.standing,
        "seen": life.seen,
        "acknowledged_at": taken and taken.at,
        "acknowledged_by": taken and taken.by,
        "acknowledged_by_name": taken and taken.by_name,
        "assignee": life.assignee,
        "closed_at": closed and closed.at,
        "closed_by": closed and closed.by,
        "closed_by_name": closed and closed.by_name,
        "closed_words": closed and closed.words,
        "escalated_at": escalated and escalated.at,
        "received_by": len(life.received),
        "receivers": sorted(life.received) or None,
        "time_to_acknowledge_s": None if to_take is None else to_take.total_seconds(),
        "time_to_resolve_s": None if to_end is None else to_end.total_seconds(),
    }


def mixed(histories: Sequence[Sequence[Any]], chance: random.Random) -> list[Any]:
    """One log of several, each in its order."""
    left = [list(each) for each in histories]
    found = []
    while any(left):
        found.append(chance.choice([each for each in left if each]).pop(0))
    return found


@pytest.mark.parametrize("seed", range(12))
async def test_lives_in_the_database_are_those_of_the_fold_field_by_field(writer: Any, seed: int) -> None:
    chance, asset = random.Random(seed), lake()
    events = [
        one.model_copy(update={"severity": chance.choice(tuple(Severity))})
        for one in alert_histories.history(asset, chance)
    ]
    by_alert = {key: [one for one in events if one.alert_id == key] for key in {one.alert_id for one in events}}
    done = {key: history(told[0], chance) for key, told in sorted(by_alert.items())}
    log = records(mixed(list(done.values()), chance))
    steps: list[tuple[Any, list[Any]]] = []
    while log:
        taken, log = log[: (size := chance.randint(1, 7))], log[size:]
        steps.append((take_actions, taken))
    steps.insert(chance.randint(0, len(steps)), (take_alerts, alert_histories.records(events)))
    for take, told in steps:
        await take(writer, told, Outcome(), isolating=chance.random() < 0.3)
    rows = await writer.fetch("SELECT * FROM v_alert_lives WHERE asset = $1", asset)
    assert {row["alert_id"] for row in rows} == set(by_alert)
    for row in rows:
        life, fates = folded(done[row["alert_id"]])
        for one in by_alert[row["alert_id"]]:
            life = with_event(life, one)
        expected = as_row(life)
        assert {name: row[name] for name in expected} == expected
        await _compare_actions(writer, row["alert_id"], fates)


async def _compare_actions(writer: Any, alert_id: str, fates: dict[str, tuple[Fate, AlertAction]]) -> None:
    rows = await writer.fetch("SELECT * FROM v_alert_actions WHERE alert_id = $1", alert_id)
    assert {row["action_id"]: row["fate"] for row in rows} == {key: fate for key, (fate, _) in fates.items()}
    for row in rows:
        said = fates[row["action_id"]][1]
        assert said.alert is not None
        for name in AlertAction.model_fields.keys() - {"alert"}:
            assert row[name] == getattr(said, name), name
        for name in said.alert.__class__.model_fields:
            assert row["alert_revision" if name == "revision" else name] == getattr(said.alert, name), name


async def test_what_was_closed_is_open_again_when_it_grows_worse(writer: Any) -> None:
    asset = lake()
    events = [
        alert(asset, "a", revision, event, began=0).model_copy(update={"severity": severity})
        for revision, (event, severity) in enumerate([(E.RAISED, Severity.YELLOW), (E.ESCALATED, Severity.RED)])
    ]
    said = []
    for event in events:
        await take_alerts(writer, alert_histories.records([event]), Outcome(), isolating=False)
        await take_actions(writer, records([action(event, 0, ActionKind.CLOSE, 0)]), Outcome(), isolating=False)
        said.append(await writer.fetchval("SELECT standing FROM v_alert_lives WHERE asset = $1", asset))
    assert said == ["closed", "open"]


@pytest.fixture
async def refusing(sink: Stack) -> AsyncIterator[str]:
    """Words that the database refuses, whatever the reason may be."""
    async with as_owner(sink.environment("operator")["DATABASE_OWNER_URL"]) as owner:
        await owner.execute(
            "ALTER TABLE alert_actions ADD CONSTRAINT picky CHECK (words <> 'refused') NOT VALID;"
            "ALTER TABLE alert_deliveries ADD CONSTRAINT picky CHECK (detail <> 'refused') NOT VALID"
        )
        yield "refused"
        await owner.execute(
            "ALTER TABLE alert_actions DROP CONSTRAINT picky; ALTER TABLE alert_deliveries DROP CONSTRAINT picky"
        )


def attempt(event: Alert, number: int, subscriber: str, **more: Any) -> DeliveryAttempt:
    fields: dict[str, Any] = {
        "event_id": event.event_id, "alert_id": event.alert_id, "event": event.event.value, "feed": event.feed,
        "asset": event.asset, "lane": event.lane, "subscriber": subscriber, "attempt": number,
        "outcome": DeliveryOutcome.FAILED, "http_status": 503, "at": NOW + timedelta(seconds=number), "seconds": 0.25,
        "waited_seconds": 1.5, "partition": 1, "offset": 7, "topic": ALERTS,
    }  # fmt: skip
    return DeliveryAttempt.model_validate(fields | more)


def attempts(told: Sequence[DeliveryAttempt]) -> list[Record]:
    return [Record(one.model_dump_json().encode(), n, topic=DELIVERIES) for n, one in enumerate(told)]


async def test_what_the_database_refuses_is_put_aside_alone(refusing: str, writer: Any) -> None:
    raised = alert(lake(), "a", 0, E.RAISED, began=0)
    told = [action(raised, n, ActionKind.COMMENT).model_copy(update={"words": str(n)}) for n in range(9)]
    told[4] = told[4].model_copy(update={"words": refusing})
    outcome = Outcome()
    await take_actions(writer, records(told), outcome, isolating=True)
    assert [refusal.record.offset for refusal in outcome.refused] == [4]
    tried = [attempt(raised, n, "brain", detail=refusing if n == 3 else "") for n in range(1, 6)]
    outcome = Outcome()
    await take_deliveries(writer, attempts(tried), outcome, isolating=True)
    assert [refusal.record.offset for refusal in outcome.refused] == [2]
    assert outcome.stored.total() == 4


async def test_an_attempt_is_kept_once_and_one_that_differs_is_another(writer: Any) -> None:
    raised = alert(lake(), "a", 0, E.RAISED, began=0)
    failed = attempt(raised, 1, "brain", next_at=NOW + timedelta(minutes=1), detail="no answer in 10 s; see its log")
    again = attempt(raised, 1, "brain", at=NOW + timedelta(seconds=30), outcome=DeliveryOutcome.DELIVERED)
    for told in ([failed, failed, again], [failed], [again, attempt(raised, 1, "other")]):
        await take_deliveries(writer, attempts(told), Outcome(), isolating=False)
    rows = await writer.fetch("SELECT * FROM v_deliveries WHERE event_id = $1 ORDER BY subscriber, at", raised.event_id)
    assert [(row["subscriber"], row["outcome"]) for row in rows] == [
        ("brain", "failed"), ("brain", "delivered"), ("other", "failed"),
    ]  # fmt: skip
    renamed = {"partition": "event_partition", "offset": "event_offset", "topic": "event_topic"}
    for name in DeliveryAttempt.model_fields:
        assert rows[0][renamed.get(name, name)] == getattr(failed, name), name


ACTIONS = "SELECT count(*) FROM v_alert_actions WHERE asset = $1"
ATTEMPTS = "SELECT count(*) FROM v_deliveries WHERE asset = $1"
LETTERS = "SELECT count(*) FROM v_dead_letters WHERE payload = $1 AND source = 'timescale_sink'"


async def test_an_absent_database_and_a_killed_sink_lose_no_action_and_no_attempt_and_double_none(sink: Stack) -> None:
    """Half of it comes while the database is away, the rest while the sink is killed; all is there at the end."""
    asset, junk = lake(), uuid.uuid4().hex.encode()
    raised = alert(asset, "a", 0, E.RAISED, began=0)
    told = [action(raised, n, ActionKind.ASSIGN, n // 2) for n in range(400)]  # of two at once, the first counts
    told.append(silence(asset, 1_000, raised))
    tried = [attempt(raised, n, "brain") for n in range(1, 401)]
    async with AIOKafkaProducer(**kafka_of(sink).client_options("test"), enable_idempotence=True) as producer:

        async def send(part: slice) -> None:
            for one in told[part]:
                await producer.send(ALERT_ACTIONS, one.model_dump_json().encode(), key=one.kafka_key())
            for each in tried[part]:
                await producer.send(DELIVERIES, each.model_dump_json().encode(), key=each.kafka_key())
            await producer.flush()

        await sink.stop("postgres")
        await send(slice(0, 200))
        for topic in (ALERT_ACTIONS, DELIVERIES):
            await producer.send_and_wait(topic, junk, key=b"k")
        await asyncio.sleep(1)
        await sink.start("postgres")
        await settle(sink, ACTIONS, asset, until=200)
        await sink.kill(SINK.name)
        await send(slice(200, None))
        await producer.send_and_wait(ALERTS, raised.model_dump_json().encode(), key=raised.kafka_key())
    await settle(sink, ACTIONS, asset, until=len(told))
    await settle(sink, ATTEMPTS, asset, until=len(tried))
    await settle(sink, LETTERS, junk, until=2)
    await settle(sink, "SELECT count(*) FROM v_alert_lives WHERE asset = $1", asset, until=1)
    reader = await asyncpg.connect(sink.environment("operator")["DATABASE_READER_URL"])
    try:
        life = await reader.fetchrow("SELECT * FROM v_alert_lives WHERE asset = $1", asset)
        counts = await reader.fetch(
            "SELECT fate, count(*) AS n FROM v_alert_actions WHERE asset = $1 GROUP BY 1 ORDER BY 1", asset
        )
        twice = await reader.fetchval("SELECT count(DISTINCT attempt) FROM v_deliveries WHERE asset = $1", asset)
    finally:
        await reader.close()
    assert (life["standing"], life["seen"], life["assignee"]) == ("acknowledged", 200, "队 398")
    assert [tuple(row) for row in counts] == [("counts", 201), ("overtaken", 200)]
    assert twice == len(tried)
