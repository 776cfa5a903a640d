"""The sink when something else goes wrong: a rebalance in an outage, a topic made anew, hostile dead letters."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.ports import LOOPBACK, pick_free
from deploy.local.stack import Stack
from schemas.topics import DEAD_LETTERS, topic_spec
from services.district.run import SINK
from tests.kafka_reading import kafka_of

TOPIC = "readings.tax"
ROWS = "SELECT count(*) FROM v_tax_readings WHERE boot_id = $1"
HANDLED = "SELECT readings FROM v_feed_totals WHERE feed = 'tax'"


def receipt(boot: str, seq: int) -> bytes:
    return (
        f'{{"feed":"tax","device_id":"office-1","group_id":"jianghan","boot_id":"{boot}","seq":{seq},'
        f'"observed_at":"2026-03-01T08:00:00Z","building_id":"b-1","receipt_id":"r-{seq}","entry":"payment",'
        '"tax_kind":"value_added","tax_period":"2026-02","amount_cny":"12345678901.56"}'
    ).encode()


@pytest.fixture
async def producer(sink: Stack) -> AsyncIterator[AIOKafkaProducer]:
    options = kafka_of(sink).client_options("test")
    async with AIOKafkaProducer(**options, linger_ms=5, max_request_size=6 * 2**20) as client:
        yield client


async def send(producer: AIOKafkaProducer, values: list[bytes]) -> None:
    """Spread over the partitions, so that both of two sinks have work."""
    partitions = topic_spec(TOPIC).partitions
    await asyncio.gather(
        *[await producer.send(TOPIC, value=value, partition=n % partitions) for n, value in enumerate(values)]
    )


async def ask(stack: Stack, query: str, *arguments: Any) -> Any:
    connection = await asyncpg.connect(stack.environment("operator")["DATABASE_READER_URL"])
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()


async def settle(stack: Stack, query: str, *arguments: Any, until: int, seconds: float = 60) -> None:
    """Ask until the count is there; the database may be away."""
    deadline = time.monotonic() + seconds
    found = -1
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            found = await ask(stack, query, *arguments)
        if found >= until:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"waited {seconds:g} s for {until}, found {found}: {query}")


async def handled_by_now(stack: Stack, producer: AIOKafkaProducer) -> int:
    """What the sink has handled when nothing is left of what others wrote: a partition is handled in its order."""
    boot, partitions = uuid.uuid4().hex, topic_spec(TOPIC).partitions
    await send(producer, [receipt(boot, n) for n in range(partitions)])
    await settle(stack, ROWS, boot, until=partitions)
    last, handled = -1, await ask(stack, HANDLED)
    while last != handled:
        await asyncio.sleep(0.5)
        last, handled = handled, await ask(stack, HANDLED)
    return int(handled)


async def until_gone(admin: AIOKafkaAdminClient) -> None:
    for _ in range(100):
        if TOPIC not in await admin.list_topics():
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{TOPIC} is still there")


async def until_listening(port: int, seconds: float = 60) -> None:
    """Wait until a process is so far that it tells of its health: it can be asked to stop from then on."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.close()
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"waited {seconds:g} s for a sink to start")


@contextlib.asynccontextmanager
async def second_sink(stack: Stack) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process in the same group, outside the supervisor."""
    port = pick_free([])
    environment = {**os.environ, **stack.environment("sink"), "METRICS_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(*SINK.argv, env=environment, stderr=asyncio.subprocess.DEVNULL)
    try:
        await until_listening(port)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0, "asked to stop, it ends in order"


async def test_a_rebalance_while_the_database_is_away_loses_nothing(sink: Stack, producer: AIOKafkaProducer) -> None:
    """The partitions change hands twice with records in hand.

    first    ──in hand──▶ half of the partitions ─────────────▶ all of them
    second                other half ──in hand──▶ asked to stop
    database     away ──────────────────────────────────────▶ back
    """
    boot = uuid.uuid4().hex
    before = await handled_by_now(sink, producer)
    await sink.stop("postgres")
    await send(producer, [receipt(boot, n) for n in range(1_000)])
    await asyncio.sleep(1)
    async with second_sink(sink):
        await send(producer, [receipt(boot, n) for n in range(1_000, 2_000)])
        await asyncio.sleep(6)
        await send(producer, [receipt(boot, n) for n in range(2_000, 3_000)])
        await asyncio.sleep(2)
    await send(producer, [receipt(boot, n) for n in range(3_000, 4_000)])
    await asyncio.sleep(4)
    await sink.start("postgres")
    await settle(sink, ROWS, boot, until=4_000)
    await settle(sink, HANDLED, until=before + 4_000)
    assert await ask(sink, HANDLED) == before + 4_000, "handed over, not counted twice"


async def test_two_sinks_share_the_work_and_count_once(sink: Stack, producer: AIOKafkaProducer) -> None:
    boot = uuid.uuid4().hex
    before = await handled_by_now(sink, producer)
    async with second_sink(sink):
        for start in range(0, 6_000, 300):
            await send(producer, [receipt(boot, n) for n in range(start, start + 300)])
            await asyncio.sleep(0.2)
        await settle(sink, ROWS, boot, until=6_000)
    await settle(sink, HANDLED, until=before + 6_000)
    assert await ask(sink, HANDLED) == before + 6_000


async def test_a_killed_database_loses_nothing(sink: Stack, producer: AIOKafkaProducer) -> None:
    boot = uuid.uuid4().hex
    before = await handled_by_now(sink, producer)

    async def flow() -> None:
        for start in range(0, 6_000, 100):
            await send(producer, [receipt(boot, n) for n in range(start, start + 100)])
            await asyncio.sleep(0.05)

    flowing = asyncio.create_task(flow())
    await asyncio.sleep(1)
    await sink.kill("postgres")
    await flowing
    await settle(sink, ROWS, boot, until=6_000)
    await settle(sink, HANDLED, until=before + 6_000)
    assert await ask(sink, HANDLED) == before + 6_000


async def test_a_topic_that_was_made_anew_is_read_from_its_start(sink: Stack, producer: AIOKafkaProducer) -> None:
    boot = uuid.uuid4().hex
    await send(producer, [receipt(boot, n) for n in range(30)])
    await settle(sink, ROWS, boot, until=30)
    await sink.stop(SINK.name)
    admin = AIOKafkaAdminClient(**kafka_of(sink).client_options("test-admin"))
    await admin.start()
    try:
        await admin.delete_topics([TOPIC])
        await until_gone(admin)
        answer = await admin.create_topics([NewTopic(TOPIC, topic_spec(TOPIC).partitions, 1)])
        assert [code for _, code, *_ in answer.topic_errors] == [0]
    finally:
        await admin.close()
    async with AIOKafkaProducer(**kafka_of(sink).client_options("test-anew")) as fresh:
        await send(fresh, [receipt(boot, n) for n in range(100, 106)])
    await sink.start(SINK.name)
    await settle(sink, ROWS, boot, until=36)


async def test_a_dead_letter_never_becomes_another_one(sink: Stack, producer: AIOKafkaProducer) -> None:
    mark = uuid.uuid4().hex.encode()
    said = {"source": b"ingest_bridge", "reason": b"invalid", "received_at": b"2026-03-01T00:00:00Z"}
    hostile: list[dict[str, bytes | None]] = [
        said | {"detail": b"nul \0 nul", "device_id": b"a\0b"},
        said | {"detail": b"d", "seq": str(2**80).encode(), "element": str(2**40).encode()},
        said | {"detail": b"d", "boot_id": os.urandom(9_000).hex().encode()},
        said | {"detail": b"d", "reason": b"no such reason"},
        said | {"detail": None},
        {},
    ]
    for headers in hostile:
        await producer.send_and_wait(DEAD_LETTERS, value=mark + b"\0\xff", key=b"k", headers=list(headers.items()))
    await producer.send_and_wait(DEAD_LETTERS, value=mark + b"x" * 5 * 2**20, key=b"k")
    found = "SELECT count(*) FROM v_dead_letters WHERE substr(payload, 1, 32) = $1"
    await settle(sink, found, mark, until=len(hostile) + 1)
    await asyncio.sleep(1)
    assert await ask(sink, found, mark) == len(hostile) + 1
