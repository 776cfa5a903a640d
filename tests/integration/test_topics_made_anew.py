"""Topics really deleted and made anew: each event of the new ones comes to everybody, readings are judged and stored.

Once under the running services and once while they are stopped; each time the new logs are longer than the old ones
when they are first read. On servers of their own: what the other tests have on these topics would be gone.

    old    |== 30 alerts, 15 comments ==|  deleted
    new                                    made |== 90 alerts, 45 comments ==|
"""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import CommitFailedError

from deploy.local.stack import ServiceSpec, Stack
from schemas.alert import Alert
from schemas.alert_action import ActionKind, AlertAction
from schemas.api_key import Role
from schemas.emergency import EmergencyReading
from schemas.fields import Feed
from schemas.topics import ALERT_ACTIONS, ALERTS, readings_topic
from services.alert_delivery.groups import group_of
from services.alert_life.renderings.cloudevents import event_id
from services.district.run import SINK
from services.runtime.kafka import admin
from services.runtime.log_look import LOOK_SECONDS
from services.runtime.topics import ensure_topics
from tests.cloudevents_reading import parse_structured
from tests.http_client import Ear
from tests.integration.delivery_service import NAME, kafka_options, spec, subscribe, writing
from tests.integration.operations_api_site import API, Site, eventually, operations_api
from tests.integration.own_servers import servers_of_its_own
from tests.integration.webhook_receiver import Receiver
from tests.kafka_reading import kafka_of
from tests.unit.alert_delivery.made import action, alert

SECONDS = 90.0
SUBSCRIBER = "brain"
RULE = "made.anew"


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    async with servers_of_its_own() as running:
        yield running


@dataclass
class Everybody:
    """All who read both topics."""

    stack: Stack
    site: Site
    receiver: Receiver
    heard: list[str] = field(default_factory=list)
    gaps: list[dict[str, Any]] = field(default_factory=list)
    last_id: str | None = None

    async def listen(self, wanted: Sequence[Alert | AlertAction]) -> None:
        """Hear the API's events from where the last listener was, until all of these were heard."""
        missing = {event_id(each) for each in wanted} - set(self.heard)
        async with (
            asyncio.timeout(SECONDS),
            self.site.as_role(Role.INTEGRATOR).listen(f"{API}/events", self.last_id) as ear,
        ):
            while missing:
                frame = await ear.next("cloudevent", "gap", seconds=SECONDS)
                self.last_id = frame.id or self.last_id
                if frame.event == "gap":
                    self.gaps.append(json.loads(frame.data))
                else:
                    self.heard.append(parse_structured(frame.data.encode()).id)
                    missing.discard(self.heard[-1])
            await self._know_the_logs(ear)

    async def _know_the_logs(self, ear: Ear) -> None:
        """Stay until the stream has told by which records the logs are known again."""
        part = b""
        while b": still here" not in part:
            part = await anext(ear.parts)
            ear.reader.feed(part)
        self.last_id = ear.reader.last_id

    async def have(self, events: Sequence[Alert | AlertAction]) -> None:
        """Wait until the subscriber, a listener and the book have all of these."""
        wanted = {event_id(each) for each in events}
        await self.receiver.until(lambda: wanted <= set(self.receiver.ids(f"/{SUBSCRIBER}")), SECONDS)
        await self.listen(events)
        for each in events:
            if isinstance(each, Alert):
                await self.site.shown(each, seconds=SECONDS)
            else:
                assert each.alert is not None
                path = f"{API}/alerts/{each.alert.alert_id}"
                await eventually(
                    lambda path=path: self.site.operator.ask(path),
                    lambda reply, mine=each.action_id: (
                        reply.status == 200 and mine in {one["action_id"] for one in reply.json()["actions"]}
                    ),
                    SECONDS,
                )


@pytest.fixture(scope="module")
async def everybody(stack: Stack) -> AsyncIterator[Everybody]:
    receiver = Receiver()
    async with receiver.listening(), operations_api(stack) as site:
        await stack.start_service(SINK)
        await stack.start_service(spec(stack))
        subscribe(stack, SUBSCRIBER, receiver.url(f"/{SUBSCRIBER}"), RULE)
        yield Everybody(stack, site, receiver)
        await stack.stop(NAME)
        await stack.stop(SINK.name)


def events_of(alerts: int) -> list[Alert | AlertAction]:
    """So many alerts of assets of their own, and a comment on each second one."""
    now, marker = datetime.now(UTC).replace(microsecond=0), uuid.uuid4().hex[:6]
    raised = [alert(f"lot-{marker}-{number}", rule=RULE, raised_at=now) for number in range(alerts)]
    return [*raised, *(action(ActionKind.COMMENT, each, now) for each in raised[::2])]


async def write(stack: Stack, events: Sequence[Alert | AlertAction]) -> None:
    async with writing(stack) as written:
        await written(events)


async def make_anew(stack: Stack, *topics: str) -> None:
    """Delete topics and make them as the platform does."""
    async with admin(kafka_of(stack), "test-admin") as client, asyncio.timeout(SECONDS):
        await client.delete_topics(list(topics))
        while set(topics) & set(await client.list_topics()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.1)
        assert sorted(await ensure_topics(client)) == sorted(topics)


def asked(stack: Stack, service: str, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{stack.metrics_port(service)}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()


async def trouble_of(stack: Stack, service: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(await asyncio.to_thread(asked, stack, service, "/healthz"))["trouble"]
    return found


@pytest.mark.timeout(600)
async def test_under_the_running_services(stack: Stack, everybody: Everybody) -> None:
    old, new = events_of(30), events_of(90)
    await everybody.listen([])
    await write(stack, old)
    await everybody.have(old)
    listening = asyncio.create_task(everybody.listen(new))
    await make_anew(stack, ALERTS, ALERT_ACTIONS)
    await write(stack, new)
    await everybody.receiver.until(
        lambda: {event_id(each) for each in new} <= set(everybody.receiver.ids(f"/{SUBSCRIBER}")), SECONDS
    )
    await listening
    await everybody.have(new)
    assert f"subscriber {SUBSCRIBER}: its log" in await trouble_of(stack, NAME)
    assert "watch: its log" in await trouble_of(stack, NAME)
    assert "log of alerts" in await trouble_of(stack, everybody.site.service.name)
    metrics = await asyncio.to_thread(asked, stack, NAME, "/metrics")
    assert f'district_delivery_log_faults_total{{reader="{SUBSCRIBER}",topic="{ALERTS}"}}' in metrics
    assert {gap["why"] for gap in everybody.gaps} == {"made_anew"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("places", ["gone", "those of before"])
async def test_while_the_services_are_stopped(stack: Stack, everybody: Everybody, places: str) -> None:
    """Kafka forgets places with their topic; a process that ends late may have committed its own of before again."""
    old, new = events_of(20), events_of(160 if places == "gone" else 240)
    await write(stack, old)
    await everybody.have(old)
    everybody.gaps.clear()
    await stack.stop(NAME)
    await stack.stop(everybody.site.service.name)
    before = await places_of(stack)
    await make_anew(stack, ALERTS, ALERT_ACTIONS)
    await write(stack, new)
    if places != "gone":
        await commit_again(stack, before)
    await stack.start(everybody.site.service.name)
    await stack.start(NAME)
    await everybody.have(new)
    assert {gap["why"] for gap in everybody.gaps} == {"made_anew"}
    said = "the place of the group" if places == "gone" else "made anew or has lost its end"
    assert said in (await trouble_of(stack, NAME))[f"subscriber {SUBSCRIBER}: its log"]


async def places_of(stack: Stack) -> dict[TopicPartition, tuple[int, str]]:
    async with admin(kafka_of(stack), "test-admin") as client:
        known = await client.list_consumer_group_offsets(group_of(SUBSCRIBER))
    return {place: (commit.offset, commit.metadata) for place, commit in known.items()}


async def commit_again(stack: Stack, places: dict[TopicPartition, tuple[int, str]]) -> None:
    assert len(places) == 6
    assert all(" mark=" in said for _, said in places.values())
    options = kafka_options(stack, "delivery")
    async with (
        asyncio.timeout(SECONDS),
        AIOKafkaConsumer(**options, group_id=group_of(SUBSCRIBER), enable_auto_commit=False) as consumer,
    ):
        consumer.assign(list(places))
        while True:
            try:
                await consumer.commit(places)
            except CommitFailedError:  # the service that was stopped is a member until its session ends
                await asyncio.sleep(1)
            else:
                return


READINGS = readings_topic(Feed.EMERGENCY)
PROCESSOR = ServiceSpec(
    "anew", (sys.executable, "-m", "services.stream_processors", "--feed", "emergency"), "processor"
)


@pytest.fixture(scope="module")
async def judging(stack: Stack) -> AsyncIterator[None]:
    """A processor and a sink, which read the same topic."""
    await stack.start_service(SINK)
    await stack.start_service(PROCESSOR)
    yield
    await stack.stop(PROCESSOR.name)
    await stack.stop(SINK.name)


@pytest.fixture
async def owner(stack: Stack) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(stack.environment("operator")["DATABASE_OWNER_URL"])
    yield connection
    await connection.close()


async def send(stack: Stack, boot: str, count: int) -> None:
    """Readings of one unit, all in one partition."""
    now = datetime.now(UTC)
    async with AIOKafkaProducer(**kafka_of(stack).client_options("test-anew"), acks="all") as producer:
        for seq in range(count):
            reading = EmergencyReading(
                feed=Feed.EMERGENCY,
                device_id=f"unit-{boot}",
                group_id="jianghan",
                boot_id=boot,
                seq=seq,
                observed_at=now + timedelta(milliseconds=seq),
                unit_id=f"unit-{boot}",
            )
            await producer.send(READINGS, value=reading.model_dump_json().encode(), partition=0)
        await producer.flush()


async def judged(stack: Stack) -> int:
    """Readings that were judged for the first time."""
    lines = (await asyncio.to_thread(asked, stack, PROCESSOR.name, "/metrics")).splitlines()
    fates = [line for line in lines if line.startswith("district_reading_fates_total") and "repeated" not in line]
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in fates))


async def all_judged_and_stored(stack: Stack, owner: Any, boot: str, count: int, *, before: int) -> None:
    stored = "SELECT count(*) FROM emergency_readings WHERE boot_id = $1"
    await eventually(lambda: judged(stack), lambda found: found - before >= count, SECONDS)
    await eventually(lambda: owner.fetchval(stored, boot), lambda found: found == count, SECONDS)
    assert await judged(stack) - before == count


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("judging")
async def test_readings_under_their_judge_and_the_sink(stack: Stack, owner: Any) -> None:
    old, new = uuid.uuid4().hex, uuid.uuid4().hex
    await send(stack, old, 40)
    await all_judged_and_stored(stack, owner, old, 40, before=0)
    await asyncio.sleep(2 * LOOK_SECONDS)  # what was read is proved to be of this log
    await make_anew(stack, READINGS)
    await send(stack, new, 400)
    await all_judged_and_stored(stack, owner, new, 400, before=40)
    assert "made anew" in (await trouble_of(stack, PROCESSOR.name))["log.emergency"]


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("judging")
async def test_readings_while_their_judge_and_the_sink_are_stopped(stack: Stack, owner: Any) -> None:
    old, new = uuid.uuid4().hex, uuid.uuid4().hex
    before = await judged(stack)
    await send(stack, old, 40)
    await all_judged_and_stored(stack, owner, old, 40, before=before)
    await asyncio.sleep(2 * LOOK_SECONDS)
    await stack.stop(PROCESSOR.name)
    await stack.stop(SINK.name)
    await make_anew(stack, READINGS)
    await send(stack, new, 900)
    await stack.start(PROCESSOR.name)
    await stack.start(SINK.name)
    await all_judged_and_stored(stack, owner, new, 900, before=0)
    assert "made anew" in (await trouble_of(stack, PROCESSOR.name))["log.emergency"]
    assert await owner.fetchval("SELECT sum(difference) FROM v_ledger") == 0
