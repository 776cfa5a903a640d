"""A processor that raises, hangs or loses its fetcher ends or recovers within 30 s, and another feed's goes on."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local import health
from deploy.local.errors import NotYet
from deploy.local.stack import ServiceSpec, Stack
from schemas.fields import Feed
from schemas.topics import readings_topic
from services.runtime.kafka import admin
from services.runtime.topics import ensure_topics
from services.stream_processors.composition import state_topic_of
from services.stream_processors.errors import FencedError
from services.stream_processors.kafka_host.duty import Duty
from tests.kafka_reading import kafka_of

FAULTY = ServiceSpec("faulty", (sys.executable, "-m", "tests.integration.faulty_processor", "ev"), "processor")
OTHER = ServiceSpec("other", (sys.executable, "-m", "services.stream_processors", "--feed", "tax"), "processor")
END_SECONDS = 32
RECOVERY_SECONDS = 60
OTHER_SILENT_SECONDS = 10


async def until_it_is_another(stack: Stack, pid: int | None) -> None:
    async with asyncio.timeout(END_SECONDS):
        while stack.pid(FAULTY.name) in {pid, None}:  # noqa: ASYNC110 - the supervisor tells all, not one
            await asyncio.sleep(0.1)


async def until_healthy(stack: Stack, name: str) -> None:
    port = stack.metrics_port(name)
    assert port is not None
    async with asyncio.timeout(RECOVERY_SECONDS):
        while True:
            try:
                await health.probe_of(port)()
            except NotYet:
                await asyncio.sleep(0.2)
            else:
                return


class Ticks:
    """Listens to the clock that the other feed's processor writes, and to how long it was silent."""

    def __init__(self, stack: Stack) -> None:
        self._client = AIOKafkaConsumer(
            readings_topic(Feed.TAX), **kafka_of(stack).client_options("test-ticks"), auto_offset_reset="latest"
        )
        self.longest = 0.0

    async def run(self) -> None:
        await self._client.start()
        loop = asyncio.get_running_loop()
        try:
            await self._client.getone()
            last = loop.time()
            async for _ in self._client:
                self.longest = max(self.longest, loop.time() - last)
                last = loop.time()
        finally:
            await self._client.stop()


@pytest.mark.slow
async def test_a_fault_ends_that_process_alone_and_the_next_one_judges_on(stack: Stack) -> None:
    await asyncio.gather(stack.start_service(FAULTY), stack.start_service(OTHER))
    other, ticks = stack.pid(OTHER.name), Ticks(stack)
    listening = asyncio.create_task(ticks.run())
    try:
        for fault in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            pid = stack.pid(FAULTY.name)
            await stack.kill(FAULTY.name, fault)
            await until_it_is_another(stack, pid)
            await until_healthy(stack, FAULTY.name)
        assert stack.pid(OTHER.name) == other
        await until_healthy(stack, OTHER.name)
        assert 0 < ticks.longest < OTHER_SILENT_SECONDS
        said = (stack.settings.state / "logs" / f"{FAULTY.name}.log").read_text()
        assert "made to raise" in said
        assert "nothing has been judged for" in said
        assert "the event loop and judging of ev has not gone on" in said or "the event loop has not gone on" in said
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await stack.stop(FAULTY.name)
        await stack.stop(OTHER.name)


async def test_a_former_owner_s_state_is_refused_and_what_is_read_is_the_last_owner_s(stack: Stack) -> None:
    kafka, duty = kafka_of(stack), Duty(Feed.WATER, live=False)

    topic = state_topic_of(kafka, duty)
    old = await topic.writer(2)
    await old.write({b"a": b"1", b"b": b"1"})
    new = await topic.writer(2)
    with pytest.raises(FencedError):
        await old.write({b"a": b"too late"})
    with pytest.raises(FencedError):
        await old.write({b"a": b"still too late"})
    await new.write({b"b": None, b"c": b"2"})
    found = (await topic.read([2]))[2]
    assert {key: found.get(key) for key in (b"a", b"b", b"c")} == {b"a": b"1", b"b": None, b"c": b"2"}
    await old.close()
    await new.write(dict.fromkeys((b"a", b"c")))
    assert not {b"a", b"b", b"c"} & (await topic.read([2]))[2].keys()
    await new.close()


async def test_an_existing_topic_gets_the_table_s_configuration(stack: Stack) -> None:
    """The topics were made by the set-up; made once more with another configuration, they are brought up to date."""
    name = readings_topic(Feed.TAX)
    topic = ConfigResource(ConfigResourceType.TOPIC, name)
    async with admin(kafka_of(stack), "test-topics") as client:

        async def until_it_says(kind: str) -> str:
            """Kafka tells of a change a moment after it has accepted it."""
            async with asyncio.timeout(20):
                while True:
                    (answer,) = await client.describe_configs([topic])
                    found = {entry[0]: entry[1] for entry in answer.resources[0][4]}
                    if found["message.timestamp.type"] == kind:
                        return str(found["segment.ms"])
                    await asyncio.sleep(0.1)

        changed = {"message.timestamp.type": "CreateTime", "segment.ms": "123456789"}
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, changed)])
        assert await until_it_says("CreateTime") == "123456789"
        assert await ensure_topics(client) == []
        assert await until_it_says("LogAppendTime") == "123456789", "what the table does not name stays"
