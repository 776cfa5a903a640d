"""Deliveries on the real Kafka to a real HTTP server that behaves as such servers do; the ledger tells the story."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiokafka
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from standardwebhooks import Webhook

from deploy.local.ports import pick_free
from deploy.local.stack import Stack
from schemas.alert import Alert, AlertEventType, Severity
from schemas.alert_action import ActionKind, AlertAction
from schemas.delivery import DeliveryOutcome
from schemas.subscription import Rendering, SubscriptionState
from schemas.topics import ALERT_ACTIONS
from services.alert_delivery import book
from services.alert_delivery.groups import group_of
from services.district.errors import SubscriberUnchanged
from tests.integration.delivery_service import (
    NAME,
    QUICK,
    alert_ids,
    end_all,
    kafka_options,
    ledger,
    spec,
    subscribe,
    until,
    writing,
)
from tests.integration.webhook_receiver import Receiver, Reply
from tests.kafka_reading import kafka_of, values_of
from tests.unit.alert_delivery.made import OTHER_SECRET, SECRET, action, alert, silence

ROOT = Path(__file__).resolve().parents[2]
DELIVERED, FAILED, REFUSED = DeliveryOutcome.DELIVERED, DeliveryOutcome.FAILED, DeliveryOutcome.REFUSED
POLICY = """
[policy]
id = "test-escalation"
version = "1"
name = "Escalation"
name_zh = "升级"
owner = "Duty desk"
valid_from = 2020-01-01
[[escalate]]
severity = "I"
after_seconds = 2
"""


@pytest.fixture(scope="module")
async def delivery(stack: Stack) -> AsyncIterator[Stack]:
    policy = stack.settings.state / "escalation-test.toml"
    policy.write_text(POLICY)
    await stack.start_service(spec(stack, ESCALATION_POLICY=str(policy)))
    yield stack
    await stack.stop(NAME)
    policy.unlink()


@pytest.fixture
async def receiver(delivery: Stack) -> AsyncIterator[Receiver]:
    found = Receiver()
    async with found.listening():
        yield found
        end_all(delivery)


def lives(rule: str, assets: int, revisions: int) -> list[Alert]:
    """Alerts of so many assets, so many revisions each, as they come one after the other."""
    now = datetime.now(UTC).replace(microsecond=0)
    events = [AlertEventType.RAISED, *[AlertEventType.UPDATED] * (revisions - 1)]
    return [
        alert(f"lot-{asset}", revision, events[revision], rule=rule, raised_at=now)
        for revision in range(revisions)
        for asset in range(assets)
    ]


def first_times(receiver: Receiver, path: str) -> dict[str, list[int]]:
    """Revisions by asset in the order in which they were first received."""
    found: dict[str, list[int]] = {}
    for request in receiver.of(path):
        asset, revision = alert_ids(request.body)
        if revision not in found.setdefault(asset, []):
            found[asset].append(revision)
    return found


def whole(receiver: Receiver, path: str, events: list[Alert]) -> bool:
    return {each.event_id for each in events} <= set(receiver.ids(path))


async def test_each_subscriber_gets_everything_in_order_whatever_it_does_and_delays_no_other(
    delivery: Stack, receiver: Receiver
) -> None:
    """One that fails, rests, is slow, cuts its answers or is down: the quick one does not notice."""
    rule, late = "delivery.habits", pick_free()
    habits = {
        "quick": lambda _request, _count: Reply(),
        "fails": lambda _request, count: Reply(500 if count < 12 else 200),
        "rests": lambda _request, count: Reply(429, {"Retry-After": "2"}) if count == 3 else Reply(),
        "slow": lambda _request, _count: Reply(seconds=0.3),
        "cuts": lambda _request, count: Reply(200, body=b"x" * 100, cut_after=60 if count % 3 == 0 else None),
    }
    for name, habit in habits.items():
        receiver.habits[f"/{name}"] = habit
        subscribe(delivery, name, receiver.url(f"/{name}"), rule)
    subscribe(delivery, "down", f"http://127.0.0.1:{late}/down", rule)
    events = lives(rule, 5, 8)
    async with ledger(delivery) as said, writing(delivery) as write:
        began = asyncio.get_running_loop().time()
        await write(events)
        await receiver.until(lambda: whole(receiver, "/quick", events))
        quick_seconds = asyncio.get_running_loop().time() - began
        came_back = Receiver()
        await said.until(lambda _: len(said.of("down")) >= 5)
        async with came_back.listening(late):
            await receiver.until(lambda: all(whole(receiver, f"/{name}", events) for name in habits))
            await came_back.until(lambda: whole(came_back, "/down", events))
            complete = {(name, each.event_id) for name in (*habits, "down") for each in events}
            await said.until(
                lambda found: complete <= {(a.subscriber, a.event_id) for a in found if a.outcome is DELIVERED}
            )
    for name in habits:
        assert set(map(tuple, first_times(receiver, f"/{name}").values())) == {tuple(range(8))}, name
    assert set(map(tuple, first_times(came_back, "/down").values())) == {tuple(range(8))}
    assert Counter(receiver.ids("/quick")) == Counter(each.event_id for each in events)
    assert quick_seconds < 10
    assert Counter(said.outcomes("quick")) == {DELIVERED: 40}
    assert Counter(said.outcomes("slow")) == {DELIVERED: 40}
    failures = [each for each in said.of("fails") if each.outcome is FAILED]
    assert len(failures) == 12
    assert {each.http_status for each in failures} == {500}
    assert all(each.next_at is not None and "HTTP 500" in each.detail for each in failures)
    (rest,) = [each for each in said.of("rests") if each.outcome is FAILED]
    assert rest.next_at is not None
    assert rest.next_at - rest.at >= timedelta(seconds=2)
    answered = rest.at + timedelta(seconds=rest.seconds)
    resting = answered + timedelta(seconds=0.1), answered + timedelta(seconds=1.9)
    assert not [each for each in said.of("rests") if resting[0] < each.at < resting[1]]
    assert "middle of the answer" in next(each for each in said.of("cuts") if each.outcome is FAILED).detail
    assert {each.http_status for each in said.of("down") if each.outcome is FAILED} == {None}
    for name in (*habits, "down"):
        for event in events:
            assert [each.attempt for each in said.of(name, event.event_id)] == list(
                range(1, len(said.of(name, event.event_id)) + 1)
            )


async def test_refusals_are_not_repeated_a_redirect_is_not_followed_and_410_ends_the_subscription(
    delivery: Stack, receiver: Receiver
) -> None:
    rule, events = "delivery.refusals", lives("delivery.refusals", 1, 3)
    inside = receiver.url("/inside")
    receiver.habits["/moved"] = lambda _request, _count: Reply(302, {"Location": inside})
    receiver.habits["/bad"] = lambda _request, count: Reply(400 if count == 0 else 200)
    receiver.habits["/gone"] = lambda _request, _count: Reply(410)
    for name in ("moved", "bad", "gone"):
        subscribe(delivery, name, receiver.url(f"/{name}"), rule)
    with pytest.raises(SubscriberUnchanged, match="--allow-network"):
        subscribe(delivery, "inner", receiver.url("/secret"), rule, private_networks=())
    subscribe(delivery, "inner", receiver.url("/secret", "localhost"), rule, private_networks=())
    async with ledger(delivery) as said, writing(delivery) as write:
        await write(events)
        await said.until(lambda _: len(said.of("moved")) == 3 and len(said.of("bad")) == 3 and said.of("inner") != [])
        await said.until(lambda _: said.of("gone") != [])
    assert said.outcomes("moved") == [REFUSED] * 3
    assert "not followed" in said.of("moved")[0].detail
    assert said.outcomes("bad") == [REFUSED, DELIVERED, DELIVERED]
    assert receiver.of("/inside") == []
    assert receiver.of("/secret") == []
    assert "is not a public address" in said.of("inner")[0].detail
    assert said.outcomes("gone") == [REFUSED]
    await until(lambda: _state(delivery, "gone") is SubscriptionState.ENDED)
    ended = book.subscribers(delivery.settings.subscribers_register).read().get("gone")
    assert ended is not None
    assert "410" in ended.state_reason
    assert len(receiver.of("/gone")) == 1


async def test_a_signature_is_accepted_by_the_public_library_in_every_form(delivery: Stack, receiver: Receiver) -> None:
    rule, events = "delivery.forms", lives("delivery.forms", 1, 2)
    for rendering in Rendering:
        subscribe(delivery, rendering, receiver.url(f"/{rendering}"), rule, rendering=rendering)
    acknowledged = action(ActionKind.ACKNOWLEDGE, events[0], datetime.now(UTC), seen=0)
    commented = action(ActionKind.COMMENT, events[0], datetime.now(UTC))
    async with writing(delivery) as write:
        await write([*events, acknowledged, commented])
        await receiver.until(lambda: len(receiver.of("/cap")) == 3)
        await receiver.until(lambda: all(len(receiver.of(f"/{form}")) == 4 for form in Rendering if form != "cap"))
    for request in receiver.requests:
        Webhook(SECRET).verify(request.body, dict(request.headers), json_parse=False)
    structured, binary = receiver.of("/cloudevents"), receiver.of("/cloudevents-binary")
    assert {each.headers["content-type"] for each in structured} == {"application/cloudevents+json"}
    assert json.loads(structured[0].body)["id"] == structured[0].event_id == events[0].event_id
    assert [each.headers["ce-id"] for each in binary] == receiver.ids("/cloudevents-binary")
    assert Alert.model_validate_json(binary[0].body) == events[0]
    assert {each.headers["ce-type"].rpartition(".")[2] for each in binary} == {
        "raised",
        "updated",
        "acknowledged",
        "commented",
    }
    for request in receiver.of("/cap"):
        assert request.headers["content-type"] == "application/cap+xml"
        found = ET.fromstring(request.body).find("{urn:oasis:names:tc:emergency:cap:1.2}identifier")  # noqa: S314 - ours
        assert found is not None
        assert found.text == request.event_id


async def test_rotation_pause_and_resume_take_effect_while_everything_runs(delivery: Stack, receiver: Receiver) -> None:
    rule, events = "delivery.changes", lives("delivery.changes", 1, 3)
    subscribe(delivery, "changing", receiver.url("/changing"), rule)
    async with writing(delivery) as write:
        await write(events[:1])
        await receiver.until(lambda: len(receiver.of("/changing")) == 1)
        rotated = json.loads(await _district(delivery, "subscriber", "rotate", "changing", "--json"))["secret"]
        await _district(delivery, "subscriber", "pause", "changing", "--reason", "their release")
        listed = json.loads(await _district(delivery, "subscriber", "list", "--json"))
        assert (listed[0]["state"], listed[0]["state_reason"], listed[0]["secrets"]) == ("paused", "their release", 2)
        assert "whsec" not in json.dumps(listed)
        await _until_stopped(delivery, "changing")
        await write(events[1:])
        await _district(delivery, "subscriber", "resume", "changing")
        await receiver.until(lambda: len(receiver.of("/changing")) == 3)
    assert receiver.ids("/changing") == [each.event_id for each in events]
    for secret in (SECRET, rotated):
        Webhook(secret).verify(receiver.of("/changing")[2].body, dict(receiver.of("/changing")[2].headers))
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(OTHER_SECRET).verify(receiver.of("/changing")[2].body, dict(receiver.of("/changing")[2].headers))


async def test_what_is_silenced_is_withheld_and_can_be_redelivered_with_attempts_that_count_on(
    delivery: Stack, receiver: Receiver
) -> None:
    rule, now = "delivery.silence", datetime.now(UTC)
    subscribe(delivery, "hearer", receiver.url("/hearer"), rule)
    hushed = alert("hushed", rule=rule, raised_at=now)
    before, heard = alert("before", rule=rule, raised_at=now), alert("loud", rule=rule, raised_at=now)
    quiet = silence("hushed", now - timedelta(seconds=60), now + timedelta(hours=1))
    async with ledger(delivery) as said, writing(delivery) as write:
        await write([quiet, before])
        await receiver.until(lambda: receiver.ids("/hearer") == [before.event_id])
        await write([hushed, heard])
        await said.until(lambda _: len(said.of("hearer")) == 3)
        assert Counter(said.outcomes("hearer")) == {DELIVERED: 2, DeliveryOutcome.WITHHELD: 1}
        (withheld,) = said.of("hearer", hushed.event_id)
        assert "is silenced until" in withheld.detail
        begin = (now - timedelta(seconds=5)).isoformat()
        await _district(delivery, "redeliver", "hearer", "--from", begin, "--event-id", hushed.event_id)
        await _district(delivery, "redeliver", "hearer", "--from", begin)
        await said.until(lambda _: len(said.of("hearer")) == 7)
    again = [each for each in said.of("hearer") if each.redelivery]
    assert Counter(each.event_id for each in again) == {hushed.event_id: 2, before.event_id: 1, heard.event_id: 1}
    assert {each.outcome for each in again} == {DELIVERED}
    assert all(each.attempt >= 2 for each in again)
    told = json.loads(await _district(delivery, "deliveries", "--subscriber", "hearer", "--json"))
    assert told["subscribers"][0]["outcomes"] == {"delivered": 6, "withheld": 1}
    assert len(told["attempts"]) == 7


async def test_what_is_not_taken_is_escalated_once_though_the_service_dies(delivery: Stack, receiver: Receiver) -> None:
    rule, now = "delivery.escalation", datetime.now(UTC)
    subscribe(delivery, "watcher", receiver.url("/watcher"), rule)
    red = alert("red", rule=rule, severity=Severity.RED, raised_at=now)
    yellow = alert("yellow", rule=rule, raised_at=now)
    taken = alert("taken", rule=rule, severity=Severity.RED, raised_at=now)
    async with writing(delivery) as write:
        await write([taken, action(ActionKind.ACKNOWLEDGE, taken, now, seen=0), yellow, red])
        await receiver.until(lambda: len(_escalations(receiver, "/watcher")) == 1)
        await _kill(delivery)
        again = alert("again", rule=rule, severity=Severity.RED, raised_at=now)
        await write([again])
        await receiver.until(lambda: len(_escalations(receiver, "/watcher")) == 2)
    actions = await values_of(kafka_of(delivery), ALERT_ACTIONS, AlertAction, own=rule)
    escalated = [each for each in actions if each.kind is ActionKind.ESCALATE]
    assert sorted(each.asset for each in escalated if each.asset != "again") == ["red"]
    assert {each.asset for each in escalated} == {"red", "again"}
    assert "policy test-escalation" in escalated[0].words


async def test_killed_amid_five_hundred_alerts_each_subscriber_has_every_event_in_order(
    delivery: Stack, receiver: Receiver
) -> None:
    rule, events = "delivery.kill", lives("delivery.kill", 25, 20)
    names = ("one", "two", "slow")
    receiver.habits["/slow"] = lambda _request, _count: Reply(seconds=0.05)
    receiver.habits["/two"] = lambda _request, count: Reply(503 if count % 50 == 7 else 200)
    for name in names:
        subscribe(delivery, name, receiver.url(f"/{name}"), rule)
    async with writing(delivery) as write:
        for number, first in enumerate(range(0, 500, 125)):
            await write(events[first : first + 125])
            await receiver.until(lambda n=number: len(set(receiver.ids("/slow"))) >= n * 90 + 20, 60)
            if number < 3:
                await _kill(delivery)
        await receiver.until(lambda: all(whole(receiver, f"/{name}", events) for name in names), 90)
    for name in names:
        found = first_times(receiver, f"/{name}")
        assert len(found) == 25, name
        assert all(revisions == list(range(20)) for revisions in found.values()), name
    for name in ("one", "slow"):
        assert max(Counter(receiver.ids(f"/{name}")).values()) <= 1 + 3, f"{name}: more often than once for each kill"


async def test_a_second_process_takes_its_share_and_gives_it_back_without_a_loss_and_in_order(
    delivery: Stack, receiver: Receiver
) -> None:
    rule, events = "delivery.share", lives("delivery.share", 20, 12)
    receiver.habits["/shared"] = lambda _request, _count: Reply(seconds=0.02)
    subscribe(delivery, "shared", receiver.url("/shared"), rule)
    environment = {**os.environ, **delivery.environment("delivery"), **QUICK, "DELIVERY_INSTANCE": "second"}
    command = [sys.executable, "-m", "services.alert_delivery"]
    async with writing(delivery) as write:
        await write(events[:80])
        await receiver.until(lambda: len(receiver.of("/shared")) >= 20)
        quiet = asyncio.subprocess.DEVNULL
        second = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stderr=quiet)
        try:
            await _until_shared(delivery, "shared")
            await write(events[80:160])
            await receiver.until(lambda: whole(receiver, "/shared", events[:140]), 60)
        finally:
            second.terminate()
            await second.wait()
        await write(events[160:])
        await receiver.until(lambda: whole(receiver, "/shared", events), 90)
    assert set(map(tuple, first_times(receiver, "/shared").values())) == {tuple(range(12))}


async def test_an_event_is_given_up_after_its_time_and_the_next_one_is_delivered(
    delivery: Stack, receiver: Receiver
) -> None:
    rule = "delivery.giving_up"
    events = lives(rule, 2, 1)
    bad = events[0].event_id
    receiver.habits["/picky"] = lambda request, _count: Reply(500 if request.event_id == bad else 200)
    subscribe(delivery, "picky", receiver.url("/picky"), rule, give_up_days=2 / 86_400)
    async with ledger(delivery) as said, writing(delivery) as write:
        await write(events)
        await said.until(lambda _: DeliveryOutcome.GIVEN_UP in said.outcomes("picky", bad))
        assert said.outcomes("picky", events[1].event_id) == [DELIVERED]
        await write(later := [alert("lot-0", 1, AlertEventType.UPDATED, rule=rule, raised_at=events[0].raised_at)])
        await receiver.until(lambda: later[0].event_id in receiver.ids("/picky"))
    assert said.outcomes("picky", bad)[:-1] == [FAILED] * (len(said.of("picky", bad)) - 1)


async def test_the_service_stays_within_its_rights(delivery: Stack) -> None:
    consumer = aiokafka.AIOKafkaConsumer("alerts", group_id="sink", **kafka_options(delivery, "delivery"))
    with pytest.raises(aiokafka.errors.GroupAuthorizationFailedError):
        await consumer.start()
    await consumer.stop()
    register = delivery.settings.subscribers_register
    assert register.stat().st_mode & 0o777 == 0o600
    assert register.stat().st_uid == register.parent.stat().st_uid


def _escalations(receiver: Receiver, path: str) -> set[str]:
    """Ids: after a kill one may come again."""
    return {each.event_id for each in receiver.of(path) if json.loads(each.body)["type"].endswith(".escalated")}


def _state(stack: Stack, subscriber: str) -> SubscriptionState | None:
    found = book.subscribers(stack.settings.subscribers_register).read().get(subscriber)
    return None if found is None else found.state


async def _kill(stack: Stack) -> None:
    before = stack.pid(NAME)
    await stack.kill(NAME, signal.SIGKILL)
    await until(lambda: stack.pid(NAME) not in {before, None}, 60)


async def _until_stopped(stack: Stack, subscriber: str) -> None:
    """What is held in hand is let go of when a subscriber is paused; its place in the log is committed."""
    log = stack.settings.state / "logs" / f"{NAME}.log"
    await until(lambda: any("stop_subscriber" in line and subscriber in line for line in log.read_text().splitlines()))


async def _until_shared(stack: Stack, subscriber: str) -> None:
    """Two processes have partitions of a subscriber."""
    admin = AIOKafkaAdminClient(**kafka_options(stack))
    await admin.start()
    try:
        async with asyncio.timeout(60):
            while len((await admin.describe_consumer_groups([group_of(subscriber)]))[0].groups[0][5]) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    finally:
        await admin.close()


async def _district(stack: Stack, *arguments: str) -> str:
    """Run a command while the receiver goes on answering."""
    return await asyncio.to_thread(_run_district, stack, arguments)


def _run_district(stack: Stack, arguments: Sequence[str]) -> str:
    environment = {**os.environ, "DISTRICT_STATE": str(stack.settings.state)}
    command = [sys.executable, "-m", "services.district", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
