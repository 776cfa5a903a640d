"""The water processor on a real Kafka: killed, restarted, given what cannot be read; what it says stays the same."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.stack import ServiceSpec, Stack
from schemas.alert import Alert, header_map
from schemas.clock import KIND_HEADER, KIND_TICK, Tick
from schemas.dead_letter import DeadLetter
from schemas.fields import Feed
from schemas.indicator import Indicator
from schemas.plan.documents import StandardDocument
from schemas.plan.publication import publication_key, publication_of
from schemas.topics import ALERTS, DEAD_LETTERS, INDICATORS, PLAN, readings_topic
from services.runtime.settings import KafkaSettings
from services.stream_processors.plan.files import load_document
from tests.kafka_reading import kafka_of

NAME = "stream_processors"
SPEC = ServiceSpec(
    NAME, (sys.executable, "-m", "services.stream_processors", "--lanes", "--feed", "water"), "processor"
)
LIVE = ServiceSpec(
    "processor-water", (sys.executable, "-m", "services.stream_processors", "--feed", "water"), "processor"
)
TOPIC = readings_topic(Feed.WATER, live=False)
WAIT_SECONDS = 60
PLAN_FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "plan"


@pytest.fixture(scope="module")
async def processor(stack: Stack) -> AsyncIterator[Stack]:
    await stack.start_service(SPEC)
    yield stack
    await stack.stop(NAME)


class Bench:
    """Writes readings of one lane of its own and reads what the processor says about it."""

    def __init__(self, producer: AIOKafkaProducer, kafka: KafkaSettings) -> None:
        self.lane = f"exercise:{uuid.uuid4().hex[:12]}"
        self.start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6)
        self._producer = producer
        self._kafka = kafka

    def reading(self, seq: int, *, device: str = "p1", lake: str = "beihu", **fields: Any) -> dict[str, Any]:
        return {
            "feed": "water",
            "device_id": device,
            "group_id": lake,
            "boot_id": "b1",
            "seq": seq,
            "observed_at": (self.start + timedelta(seconds=seq)).isoformat(),
            "water_body": "lake",
            "lane": self.lane,
            "ph": 7.5,
            "do_mg_l": 8.0,
            "codmn_mg_l": 3.0,
            "nh3n_mg_l": 0.2,
            "tp_mg_l": 0.03,
            **fields,
        }

    async def send(self, *readings: dict[str, Any]) -> None:
        await asyncio.gather(
            *[await self._producer.send(TOPIC, json.dumps(r).encode(), key=r["group_id"].encode()) for r in readings]
        )

    async def publish(self, key: bytes, value: bytes) -> None:
        await self._producer.send_and_wait(PLAN, value, key=key)

    async def drive_clock(self, at: datetime) -> None:
        value = Tick(lane=self.lane, at=at).model_dump_json().encode()
        for partition in await self._producer.partitions_for(TOPIC):
            await self._producer.send_and_wait(TOPIC, value, partition=partition, headers=[(KIND_HEADER, KIND_TICK)])

    async def read(
        self, topic: str, wanted: int, model: type[Any], *, only: bytes = b""
    ) -> list[tuple[Any, dict[str, str]]]:
        """All records of the lane on a topic that hold the bytes `only`, once `wanted` different ones are there."""
        consumer = AIOKafkaConsumer(**self._kafka.client_options("test-reader"), auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign([TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or {0, 1, 2}])
            found: list[tuple[Any, dict[str, str]]] = []
            distinct: set[bytes] = set()
            deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
            while len(distinct) < wanted and asyncio.get_running_loop().time() < deadline:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        said = record.value or b""
                        if self.lane.encode() in said and only in said:
                            found.append((model.model_validate_json(record.value), header_map(record.headers)))
                            distinct.add(record.value)
            return found
        finally:
            await consumer.stop()


@pytest.fixture
async def bench(processor: Stack) -> AsyncIterator[Bench]:
    kafka = kafka_of(processor)
    producer = AIOKafkaProducer(**kafka.client_options("test-writer"), acks="all")
    await producer.start()
    try:
        yield Bench(producer, kafka)
    finally:
        await producer.stop()


async def test_an_alert_is_a_cloud_event_with_source_and_evidence(bench: Bench) -> None:
    await bench.drive_clock(bench.start)
    await bench.send(*[bench.reading(seq, tp_mg_l=0.15) for seq in range(3)])
    ((alert, headers),) = await bench.read(ALERTS, 1, Alert)
    assert (alert.asset, str(alert.event), alert.lane) == ("p1", "raised", bench.lane)
    assert headers["ce_id"] == f"{alert.alert_id}-0"
    assert headers["ce_type"] == "cn.jianghan.district.alert.raised"
    assert alert.threshold.source.where == "page 31"
    assert alert.evidence is not None
    assert (alert.evidence.topic, len(alert.evidence.offsets)) == (TOPIC, 2)
    classes = await bench.read(INDICATORS, 4, Indicator)
    assert [i.value for i, _ in classes if i.id == "water.point_class"] == [5, 5, 5]


async def test_a_round_settles_by_the_lane_s_own_clock(bench: Bench) -> None:
    day = bench.start.replace(hour=0, minute=0, second=0) - timedelta(days=1)
    rounds = [day, day + timedelta(hours=4)]
    await bench.drive_clock(rounds[-1])
    await bench.send(
        *[
            bench.reading(seq, observed_at=at.isoformat(), tp_mg_l=0.15, device=f"p{seq}")
            for seq, at in enumerate(rounds)
        ]
    )
    await bench.drive_clock(day + timedelta(hours=8))
    ((alert, _),) = await bench.read(ALERTS, 1, Alert, only=b"water.class_worse_than_target")
    assert (alert.asset, alert.started_at, alert.raised_at) == (
        "beihu",
        rounds[0],
        rounds[1] + timedelta(hours=1),
    )


async def test_kill_9_loses_nothing_and_repeats_only_what_it_said(bench: Bench, processor: Stack) -> None:
    lakes = [f"lake{n}" for n in range(12)]
    total = 3_000

    def items(n: int) -> dict[str, float]:
        """Every item moves a little, or its sensor would be stuck; two move together, or one would be faulty."""
        wave, bad = (n // 12) % 7 / 100, n % 600 < 120
        return {
            "ph": 7.5 + wave,
            "do_mg_l": 8.0 + wave,
            "codmn_mg_l": 3.0 + wave,
            "nh3n_mg_l": (0.8 if bad else 0.2) + wave,
            "tp_mg_l": (0.15 if bad else 0.03) + wave / 10,
        }

    async def flow() -> None:
        for seq in range(0, total, 100):
            await bench.drive_clock(bench.start + timedelta(seconds=seq))
            await bench.send(
                *[
                    bench.reading(n, device=f"{lakes[n % 12]}-p", lake=lakes[n % 12], **items(n))
                    for n in range(seq, seq + 100)
                ]
            )
            await asyncio.sleep(0.15)

    flowing = asyncio.create_task(flow())
    for _ in range(2):
        await asyncio.sleep(1.5)
        await processor.kill(NAME)
    await flowing
    indicators = [i for i, _ in await bench.read(INDICATORS, total, Indicator, only=b'"water.point_class"')]
    by_sample: dict[Any, set[str]] = {}
    for one in indicators:
        assert one.sample is not None
        by_sample.setdefault(one.sample.key, set()).add(one.model_dump_json())
    assert len(by_sample) == total
    assert all(len(said) == 1 for said in by_sample.values())
    events: dict[str, set[str]] = {}
    for alert, _ in await bench.read(ALERTS, 12 * 10, Alert):
        events.setdefault(alert.event_id, set()).add(alert.model_dump_json())
    assert all(len(said) == 1 for said in events.values())
    # five stretches of bad water, of which the first four end
    assert len(events) == 12 * 10


async def test_what_is_not_a_reading_becomes_a_dead_letter_and_the_rest_goes_on(bench: Bench) -> None:
    await bench.drive_clock(bench.start)
    await bench.send({**bench.reading(0), "ph": "seven"}, bench.reading(1))
    assert await bench.read(INDICATORS, 2, Indicator)
    consumer = AIOKafkaConsumer(
        DEAD_LETTERS, **bench._kafka.client_options("test-reader"), auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            async for record in consumer:
                if bench.lane.encode() in (record.value or b""):
                    letter = DeadLetter.from_headers(record.headers)
                    break
    finally:
        await consumer.stop()
    assert (str(letter.source), str(letter.reason)) == ("stream_processors", "undecodable_record")
    assert letter.detail.startswith("ph: ")
    assert letter.kafka_topic == TOPIC


async def test_the_clock_of_real_life_is_written_into_every_partition(bench: Bench, processor: Stack) -> None:
    await processor.start_service(LIVE)
    topic = readings_topic(Feed.WATER)
    consumer = AIOKafkaConsumer(topic, **bench._kafka.client_options("test-reader"), auto_offset_reset="latest")
    await consumer.start()
    seen: set[int] = set()
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            async for record in consumer:
                if dict(record.headers).get(KIND_HEADER) == KIND_TICK:
                    tick = Tick.model_validate_json(record.value)
                    assert tick.lane == "live"
                    seen.add(record.partition)
                if len(seen) == 6:
                    break
    finally:
        await consumer.stop()
        await processor.stop(LIVE.name)


async def test_a_published_version_is_in_force_from_its_day_on_without_a_restart(
    bench: Bench, processor: Stack
) -> None:
    shipped = load_document(PLAN_FOLDER / "standards" / "gb3838-2002.toml", StandardDocument)
    body = shipped.model_dump()
    body["standard"] |= {"version": "2031", "valid_from": date(2031, 1, 1)}
    for entry in body["item"]:
        if entry["id"] == "do":
            entry["limits"] = (7.5, 6.5, 6, 3, 2)
    stricter = StandardDocument.model_validate(body)
    publication = publication_of(stricter, text="test", published_at=datetime.now(UTC), published_by="the test")
    before = processor.pid(NAME)
    await bench.publish(publication_key(stricter), publication.model_dump_json().encode())
    await asyncio.sleep(5)

    new_year = datetime(2030, 12, 31, 16, tzinfo=UTC)
    hours = (8, -4, 0, -8)
    await bench.drive_clock(new_year + timedelta(hours=8))
    await bench.send(
        *[
            bench.reading(
                seq, do_mg_l=5.5 + seq / 100, device="late", observed_at=(new_year + timedelta(hours=hour)).isoformat()
            )
            for seq, hour in enumerate(hours)
        ]
    )
    classes = [i for i, _ in await bench.read(INDICATORS, 4, Indicator, only=b'"water.point_class"')]
    cited = {i.period_start: (i.value, i.details["standard_version"]) for i in classes}
    assert cited == {new_year + timedelta(hours=hour): (4, "2031") if hour >= 0 else (3, "2002") for hour in hours}
    assert processor.pid(NAME) == before
