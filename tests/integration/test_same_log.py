"""One recorded log of each feed in a plain loop, and by three workers with rebalances and kills: the same is said.

Alert events and indicators, byte for byte, once repeats are taken out. The log is that of a lane: its clock is part of
it, so that it is the same log however long the hosts take. `SAME_LOG_READINGS` sets how long it is in all.

    log      |== half before any worker ==|== half while they come and go ==| closed
    workers  1 ........ 2 .. 3 .. -1 .. +1 .. kill -9 .. (20 changes of the group in all)
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from typing import Final

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord

from deploy.local.stack import ServiceSpec, Stack
from deploy.local.supervisor import State
from schemas.clock import KIND_HEADER, KIND_TICK
from schemas.fields import Feed
from schemas.lane import LanePhase, LaneStatus
from schemas.topics import ALERTS, INDICATORS, LANES, readings_topic, topic_spec
from services.runtime.settings import KafkaSettings
from services.stream_processors.engine.events import AlertOutput, IndicatorOutput
from services.stream_processors.engine.worker import Worker
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.integration.own_servers import servers_of_its_own
from tests.kafka_reading import kafka_of
from tests.unit.stream_processors.same_log import Written, closing, script

Said = dict[str, frozenset[bytes]]
"""Alerts and indicators without repeats."""

READINGS: Final = int(os.environ.get("SAME_LOG_READINGS", "20000"))
LANE: Final = f"replay:same-{uuid.uuid4().hex[:8]}"
CHANGES: Final = 20
KILLS: Final = frozenset({7, 14})
WAIT_SECONDS: Final = 60 + READINGS / 100
WORKERS: Final = ("worker-1", "worker-2", "worker-3")


def worker(name: str) -> ServiceSpec:
    command = (sys.executable, "-m", "services.stream_processors", "--lanes")
    return ServiceSpec(name, command, "processor", {"PROCESSOR_INSTANCE": name})


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    """Servers of its own: what this log holds would be counted by the tests of the sink."""
    async with servers_of_its_own() as running:
        yield running


@pytest.fixture
async def producer(stack: Stack) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(**kafka_of(stack).client_options("same-writer"), acks="all", linger_ms=5)
    await client.start()
    yield client
    await client.stop()


async def write(producer: AIOKafkaProducer, written: list[Written]) -> None:
    for feed, value, key in written:
        topic = readings_topic(feed, live=False)
        if key is not None:
            await producer.send(topic, value, key=key)
            continue
        for partition in range(topic_spec(topic).partitions):
            await producer.send(topic, value, partition=partition, headers=[(KIND_HEADER, KIND_TICK)])
    await producer.flush()


async def read_all(kafka: KafkaSettings, topic: str) -> dict[int, list[ConsumerRecord]]:
    """Everything on a topic, by partition."""
    consumer = AIOKafkaConsumer(**kafka.client_options("same-reader"), auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(topic, p) for p in range(topic_spec(topic).partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: dict[int, list[ConsumerRecord]] = {place.partition: [] for place in places}
        await asyncio.sleep(0)  # a consumer that is stopped before its own tasks have begun raises
        while any([await consumer.position(place) < ends[place] for place in places]):
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                found[place.partition] += [r for r in records if r.offset < ends[place]]
        return found
    finally:
        await consumer.stop()


async def until_closed(kafka: KafkaSettings) -> dict[tuple[Feed, int], LaneStatus]:
    """The last status of the lane in each partition of each feed, once it is closed in all."""
    wanted = {(feed, p) for feed in Feed for p in range(topic_spec(readings_topic(feed, live=False)).partitions)}
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            statuses = [
                LaneStatus.model_validate_json(record.value)
                for records in (await read_all(kafka, LANES)).values()
                for record in records
                if LANE.encode() in (record.value or b"")
            ]
            last = {(status.feed, status.partition): status for status in statuses}
            if all(place in last and last[place].phase is LanePhase.CLOSED for place in wanted):
                return last
            await asyncio.sleep(1)


async def said_by_hosts(kafka: KafkaSettings) -> Said:
    return {
        topic: frozenset(
            record.value
            for records in (await read_all(kafka, topic)).values()
            for record in records
            if LANE.encode() in (record.value or b"")
        )
        for topic in (ALERTS, INDICATORS)
    }


async def said_in_a_plain_loop(kafka: KafkaSettings) -> Said:
    said: dict[str, set[bytes]] = {ALERTS: set(), INDICATORS: set()}
    for judge in build_judges([], ProcessorSettings()):
        topic = readings_topic(judge.feed, live=False)
        for partition, records in (await read_all(kafka, topic)).items():
            outputs, refused = Worker(judge, topic, partition, live=False).judge(records)
            assert not refused
            for output in outputs:
                if isinstance(output, AlertOutput):
                    said[ALERTS].add(output.alert.model_dump_json().encode())
                elif isinstance(output, IndicatorOutput):
                    said[INDICATORS].add(output.encode())
    return {topic: frozenset(values) for topic, values in said.items()}


async def change_the_group(stack: Stack, dice: random.Random) -> None:
    """Members come and go, two are killed; at the end all three are there."""
    for number in range(CHANGES):
        name = dice.choice(WORKERS)
        is_up = stack.states()[name] is State.READY
        if number in KILLS:
            name = next(each for each in WORKERS if stack.states()[each] is State.READY)
            await stack.kill(name, signal.SIGKILL)
        elif is_up and sum(state is State.READY for state in stack.states().values()) > 4:
            await stack.stop(name)
        elif not is_up:
            await stack.start(name)
        else:
            await stack.kill(name, signal.SIGTERM)  # its supervisor starts it again
        await asyncio.sleep(1 + dice.random())


def assert_same(said: frozenset[bytes], expected: frozenset[bytes]) -> None:
    """Shows a few of what only one side said, whole: a count alone says nothing about the cause."""
    differing = [sorted(only)[:4] for only in (said - expected, expected - said)]
    counts = len(said - expected), len(expected - said)
    assert differing == [[], []], f"said by hosts alone: {counts[0]}, by the plain loop alone: {counts[1]}"


@pytest.mark.slow
@pytest.mark.timeout(300 + 2 * WAIT_SECONDS)
async def test_whoever_judges_the_log_of_any_feed_says_the_same(stack: Stack, producer: AIOKafkaProducer) -> None:
    kafka, dice = kafka_of(stack), random.Random(7)
    count = READINGS // len(Feed)
    scripts = [list(script(feed, LANE, count)) for feed in Feed]
    written = [each for feeds in zip(*scripts, strict=False) for each in feeds]
    half = len(written) // 2
    await write(producer, written[:half])
    for name in WORKERS:
        await stack.start_service(worker(name))

    async def flow() -> None:
        for start in range(half, len(written), 500):
            await write(producer, written[start : start + 500])
            await asyncio.sleep(0.2)

    flowing = asyncio.create_task(flow())
    await change_the_group(stack, dice)
    await flowing
    await write(producer, [closing(feed, LANE, count) for feed in Feed])

    statuses = await until_closed(kafka)
    assert sum(status.judged for status in statuses.values()) >= READINGS * 0.95
    said, expected = await said_by_hosts(kafka), await said_in_a_plain_loop(kafka)
    for name in WORKERS:
        await stack.stop(name)
    assert len(expected[ALERTS]) > 100
    for topic in said:
        assert_same(said[topic], expected[topic])
