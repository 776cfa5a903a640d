"""One recorded log in a plain loop, by the Kafka host twice, by three workers with rebalances: the same alert events.

Byte for byte, once repeats are taken out.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord

from deploy.local.files import make_folder
from deploy.local.paths import cache_dir
from deploy.local.stack import ServiceSpec, Stack
from schemas.clock import KIND_HEADER, KIND_TICK, Tick
from schemas.fields import Feed
from schemas.parking import ParkingReading
from schemas.topics import ALERTS, readings_topic, state_topic, topic_spec
from services.runtime.settings import KafkaSettings
from services.stream_processors.engine.events import AlertOutput
from services.stream_processors.engine.worker import Worker
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.conftest import local_settings, setup_steps
from tests.integration.test_processor_kafka import kafka_of

Said = frozenset[tuple[bytes, tuple[tuple[str, bytes], ...], bytes]]
"""Key, headers and value of each alert event."""

TOPIC, STATE = readings_topic(Feed.PARKING), state_topic(Feed.PARKING)
LANE = f"replay:same-{uuid.uuid4().hex[:8]}"
ZONES, LOTS, MINUTES, CHUNKS = 8, 4, 60, 6
START = datetime(2026, 11, 24, tzinfo=UTC)
WAIT_SECONDS = 90


def worker(number: int) -> ServiceSpec:
    command = (sys.executable, "-m", "services.stream_processors", "--feed", Feed.PARKING.value)
    return ServiceSpec(f"worker-{number}", command, "processor")


def chunk(number: int) -> list[tuple[ParkingReading | datetime, bytes]]:
    """Part of an hour of counts, some impossible, some late, some twice; and the clock behind them."""
    dice = random.Random(number)
    found: list[tuple[ParkingReading | datetime, bytes]] = []
    for minute in range(number * MINUTES // CHUNKS, (number + 1) * MINUTES // CHUNKS):
        for zone in range(ZONES):
            for lot in range(LOTS):
                late = 12 * dice.random() if dice.random() < 0.1 else 0
                at = START + timedelta(minutes=max(0, minute - late), seconds=lot)
                free = dice.choice([0, 0, 0, 1, 2, 5, 30, -3, 120])
                reading = ParkingReading(
                    feed=Feed.PARKING,
                    device_id=f"same-z{zone}-l{lot}",
                    group_id=f"same-z{zone}",
                    boot_id="b",
                    seq=minute,
                    observed_at=at.replace(microsecond=0),
                    lane=LANE,
                    total_spaces=100,
                    free_spaces=free,
                )
                found += [(reading, reading.group_id.encode())] * (2 if dice.random() < 0.05 else 1)
        found.append((START + timedelta(minutes=minute), b""))
    return found


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    """Servers of its own: what this log holds would be counted by the tests of the sink."""
    folder = make_folder(cache_dir() / "tests" / uuid.uuid4().hex[:12])
    async with Stack(local_settings(folder), setup=setup_steps()) as running:
        yield running
    shutil.rmtree(folder)


@pytest.fixture
async def producer(stack: Stack) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(**kafka_of(stack).client_options("same-writer"), acks="all", linger_ms=5)
    await client.start()
    yield client
    await client.stop()


async def record(producer: AIOKafkaProducer, number: int) -> None:
    partitions = await producer.partitions_for(TOPIC)
    for what, key in chunk(number):
        if isinstance(what, datetime):
            tick = Tick(lane=LANE, at=what).model_dump_json().encode()
            for partition in partitions:
                await producer.send(TOPIC, tick, partition=partition, headers=[(KIND_HEADER, KIND_TICK)])
        else:
            await producer.send(TOPIC, what.model_dump_json().encode(), key=key)
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


async def said_by_hosts(kafka: KafkaSettings, since: dict[int, int]) -> Said:
    records = await read_all(kafka, ALERTS)
    return frozenset(
        (record.key, tuple(record.headers), record.value)
        for partition, of in records.items()
        for record in of
        if record.offset >= since.get(partition, 0) and LANE.encode() in record.value
    )


async def until_said(kafka: KafkaSettings, since: dict[int, int], expected: Said) -> Said:
    deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
    while True:
        said = await said_by_hosts(kafka, since)
        if len(said) >= len(expected) or asyncio.get_running_loop().time() > deadline:
            return said
        await asyncio.sleep(0.5)


async def ends(kafka: KafkaSettings) -> dict[int, int]:
    return {p: records[-1].offset + 1 if records else 0 for p, records in (await read_all(kafka, ALERTS)).items()}


async def in_a_plain_loop(kafka: KafkaSettings) -> Said:
    (judge,) = build_judges([Feed.PARKING.value], ProcessorSettings())
    said = set()
    for partition, records in (await read_all(kafka, TOPIC)).items():
        outputs, refused = Worker(judge, TOPIC, partition).judge(records)
        assert not [item for item in refused if LANE.encode() in item.payload]
        for output in outputs:
            if isinstance(output, AlertOutput) and output.alert.lane == LANE:
                alert = output.alert
                said.add((alert.kafka_key(), tuple(alert.to_headers()), alert.model_dump_json().encode()))
    return frozenset(said)


async def forget_everything(producer: AIOKafkaProducer) -> None:
    """No snapshot is left: whoever comes next judges the log from its beginning."""
    for partition in await producer.partitions_for(STATE):
        for _ in range(8):
            await producer.send_and_wait(STATE, None, key=str(partition).encode(), partition=partition)


async def test_whoever_judges_the_log_says_the_same(stack: Stack, producer: AIOKafkaProducer) -> None:
    kafka = kafka_of(stack)
    before = await ends(kafka)
    await forget_everything(producer)

    await stack.start_service(worker(1))
    await record(producer, 0)
    others = [asyncio.create_task(stack.start_service(worker(number))) for number in (2, 3)]
    await record(producer, 1)
    await asyncio.gather(*others)
    await record(producer, 2)
    await stack.kill("worker-2")
    await record(producer, 3)
    await stack.stop("worker-1")
    await record(producer, 4)
    await record(producer, 5)

    expected = await in_a_plain_loop(kafka)
    assert len(expected) > 100
    assert {b"raised", b"resolved", b"amended", b"retracted"} <= {
        dict(headers)["ce_type"].rsplit(b".", 1)[1] for _, headers, _ in expected
    }
    by_three = await until_said(kafka, before, expected)
    for number in (2, 3):
        await stack.stop(f"worker-{number}")
    assert by_three == expected

    for _ in range(2):
        since = await ends(kafka)
        await forget_everything(producer)
        await stack.start("worker-1")
        by_one = await until_said(kafka, since, expected)
        await stack.stop("worker-1")
        assert by_one == expected
