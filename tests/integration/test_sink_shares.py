"""What keeps one topic from being written keeps no other: each has a loop, a round and a connection of its own."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from schemas.topics import ALERTS, DEAD_LETTERS, INDICATORS
from services.district.run import SINK
from tests.kafka_reading import kafka_of

LIVE = "readings.parking"
WATER_LANES = "readings.water.lanes"
HANDLED = "SELECT coalesce(sum(next_offset), 0) FROM sink_progress WHERE topic = $1"
STORED = "SELECT count(*) FROM parking_readings WHERE boot_id = $1"


@pytest.fixture
async def producer(sink: Stack) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(**kafka_of(sink).client_options("test"), linger_ms=5) as client:
        yield client


@pytest.fixture
async def owner(sink: Stack) -> AsyncIterator[Any]:
    pool = await asyncpg.create_pool(sink.environment("operator")["DATABASE_OWNER_URL"], min_size=0, max_size=3)
    yield pool
    await pool.close()


def reading(boot: str, seq: int) -> bytes:
    return (
        f'{{"feed":"parking","device_id":"lot-1","group_id":"cbd","boot_id":"{boot}","seq":{seq},'
        '"observed_at":"2026-03-01T08:00:00Z","total_spaces":10,"free_spaces":3}'
    ).encode()


def receipt(boot: str) -> bytes:
    return (
        f'{{"feed":"tax","device_id":"office-1","group_id":"jianghan","boot_id":"{boot}","seq":0,'
        '"observed_at":"2026-03-01T08:00:00Z","building_id":"b-1","receipt_id":"r-1","entry":"payment",'
        '"tax_kind":"value_added","tax_period":"2026-02","amount_cny":"1.56"}'
    ).encode()


async def until(owner: Any, query: str, *arguments: str, least: int, seconds: float = 30) -> int:
    deadline = time.monotonic() + seconds
    while (found := int(await owner.fetchval(query, *arguments))) < least:
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:g} s for {least}, found {found}: {query}")
        await asyncio.sleep(0.05)
    return found


@pytest.mark.parametrize("stuck", [ALERTS, INDICATORS, DEAD_LETTERS, "readings.ev", "readings.parking.lanes"])
async def test_a_topic_that_is_not_written_delays_no_live_reading(
    producer: AIOKafkaProducer, owner: Any, stuck: str
) -> None:
    """Its progress is locked by somebody else, so its round waits; live readings are stored meanwhile."""
    boot, junk = uuid.uuid4().hex, b"no such record"
    before = int(await owner.fetchval(HANDLED, stuck))
    await producer.send_and_wait(stuck, junk, key=b"k")
    await until(owner, HANDLED, stuck, least=before + 1)
    async with owner.acquire() as other:
        holding = other.transaction()
        await holding.start()
        await other.execute("SELECT FROM sink_progress WHERE topic = $1 FOR UPDATE", stuck)
        handled = await owner.fetchval(HANDLED, stuck)  # whatever others had written there before
        await producer.send_and_wait(stuck, junk, key=b"k")
        for start in range(0, 300, 100):
            for seq in range(start, start + 100):
                await producer.send(LIVE, value=reading(boot, seq), key=b"cbd")
            await until(owner, STORED, boot, least=start + 100)
        assert await owner.fetchval(HANDLED, stuck) == handled, "its round still waits"
        await holding.rollback()
    await until(owner, HANDLED, stuck, least=handled + 1)


async def test_two_replays_that_are_stuck_leave_a_turn_to_nobody_but_lanes(
    producer: AIOKafkaProducer, owner: Any
) -> None:
    """All turns of the lanes are taken; verdicts and live readings need none."""
    lanes, boot = ["readings.ev.lanes", "readings.tax.lanes"], uuid.uuid4().hex
    for topic in (*lanes, WATER_LANES):
        before = int(await owner.fetchval(HANDLED, topic))
        await producer.send_and_wait(topic, b"junk", key=b"k")
        await until(owner, HANDLED, topic, least=before + 1)
    async with owner.acquire() as other:
        holding = other.transaction()
        await holding.start()
        await other.execute("SELECT FROM sink_progress WHERE topic = ANY($1) FOR UPDATE", lanes)
        for topic in lanes:
            await producer.send_and_wait(topic, b"junk", key=b"k")
        await until(owner, "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted", least=len(lanes))
        lanes_handled, alerts_handled = [int(await owner.fetchval(HANDLED, topic)) for topic in (WATER_LANES, ALERTS)]
        await producer.send_and_wait(WATER_LANES, b"junk", key=b"k")
        await producer.send_and_wait(ALERTS, b"junk", key=b"k")
        await producer.send_and_wait(LIVE, value=reading(boot, 0), key=b"cbd")
        await until(owner, STORED, boot, least=1)
        await until(owner, HANDLED, ALERTS, least=alerts_handled + 1)
        assert await owner.fetchval(HANDLED, WATER_LANES) == lanes_handled
        await holding.rollback()
    await until(owner, HANDLED, WATER_LANES, least=lanes_handled + 1)


DAMAGED = """
CREATE OR REPLACE FUNCTION damaged_pages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'invalid page in block 7' USING ERRCODE = 'XX001'; END $$;
CREATE TRIGGER damaged BEFORE INSERT ON tax_readings FOR EACH ROW EXECUTE FUNCTION damaged_pages();
"""


async def test_damaged_pages_of_one_table_delay_no_other_topic_and_end_no_process(
    producer: AIOKafkaProducer, sink: Stack, owner: Any
) -> None:
    """What damaged pages raise, raised by a trigger; when they are mended, what waited is stored."""
    first, boot, pid = uuid.uuid4().hex, uuid.uuid4().hex, sink.pid(SINK.name)
    await producer.send_and_wait("readings.tax", receipt(first), key=b"k")
    await until(owner, "SELECT count(*) FROM tax_readings WHERE boot_id = $1", first, least=1)
    before = int(await owner.fetchval(HANDLED, "readings.tax"))
    await owner.execute(DAMAGED)
    try:
        await producer.send_and_wait("readings.tax", receipt(boot), key=b"k")
        for start in range(0, 300, 100):
            for seq in range(start, start + 100):
                await producer.send(LIVE, value=reading(boot, seq), key=b"cbd")
            await until(owner, STORED, boot, least=start + 100)
            await asyncio.sleep(0.5)
        assert await owner.fetchval(HANDLED, "readings.tax") == before, "it still waits"
    finally:
        await owner.execute("DROP TRIGGER damaged ON tax_readings; DROP FUNCTION damaged_pages()")
    await until(owner, "SELECT count(*) FROM tax_readings WHERE boot_id = $1", boot, least=1)
    assert sink.pid(SINK.name) == pid
