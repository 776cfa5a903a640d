"""What the database has no room for at once: long sparse history, a record that is too large, many old chunks."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from schemas.fields import Feed
from schemas.topics import readings_topic
from services.district.run import SINK
from services.timescale_sink.identity import CHUNKS_AT_ONCE
from services.timescale_sink.retention import drop_expired
from tests.kafka_reading import kafka_of

FIRST = datetime(2000, 1, 5, 3, tzinfo=UTC)
COUNT = {feed: 156 if feed is Feed.PARKING else 26 for feed in Feed}
"""Readings of each feed, each in a week of its own, spread over the 1,404 weeks from 2000 to the end of 2026."""
FIELDS = {
    Feed.EV: {"context": "sample_periodic", "status": "idle"},
    Feed.WATER: {"water_body": "lake"},
    Feed.PARKING: {"total_spaces": 10, "free_spaces": 3},
    Feed.EMERGENCY: {"unit_id": "u", "unit_state": "available", "longitude": 114.2, "latitude": 30.6},
    Feed.TAX: {
        "building_id": "b", "entry": "payment", "tax_kind": "value_added", "tax_period": "2020-01",
        "amount_cny": "1.00",
    },
}  # fmt: skip


def weekly(feed: Feed, device: str, boot: str) -> list[bytes]:
    step = timedelta(weeks=1_404 // COUNT[feed])
    found = []
    for seq in range(COUNT[feed]):
        at = (FIRST + seq * step).isoformat().replace("+00:00", "Z")
        body = {"feed": feed, "device_id": device, "group_id": "g", "boot_id": boot, "seq": seq, "observed_at": at}
        own = FIELDS[feed] | ({"receipt_id": f"r-{seq}"} if feed is Feed.TAX else {})
        found.append(json.dumps(body | own).encode())
    return found


@pytest.fixture(scope="module")
async def owner(stack: Stack) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(stack.environment("operator")["DATABASE_OWNER_URL"])
    yield connection
    await connection.close()


@pytest.fixture
async def producer(sink: Stack) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(**kafka_of(sink).client_options("test-room")) as client:
        yield client


async def settle(owner: Any, query: str, *arguments: Any, until: int, seconds: float = 180) -> None:
    deadline, found = time.monotonic() + seconds, -1
    while time.monotonic() < deadline:
        found = await owner.fetchval(query, *arguments)
        if found >= until:
            assert found == until
            return
        await asyncio.sleep(0.2)
    pytest.fail(f"waited {seconds:g} s for {until}, found {found}: {query}")


def by_feed(text: Callable[[Feed], str]) -> str:
    return " UNION ALL ".join(map(text, Feed))


HERE = by_feed(lambda feed: f"SELECT tableoid, xmin::text AS writer FROM {feed}_readings WHERE boot_id = $1")
STORED = f"SELECT count(*) FROM ({HERE}) AS t"
WIDEST = f"SELECT max(n) FROM (SELECT count(DISTINCT tableoid) AS n FROM ({HERE}) AS t GROUP BY writer) AS w"


async def test_sparse_readings_of_27_years_of_each_feed_are_stored_on_both_ways(
    sink: Stack, producer: AIOKafkaProducer, owner: Any, tmp_path: Path
) -> None:
    """One array of 1,404 weekly readings took more locks than there were, and nothing was stored any more.

    What counts is how many chunks a transaction opens; a server that has more locks fails later.
    """
    boot = uuid.uuid4().hex
    values = {feed: weekly(feed, "sparse-1", boot) for feed in Feed}
    for feed, those in values.items():
        for value in those:
            await producer.send(readings_topic(feed), value=value, partition=0)
    await producer.flush()
    count = sum(COUNT.values())
    await settle(owner, STORED, boot, until=count)
    assert await owner.fetchval(WIDEST, boot) <= CHUNKS_AT_ONCE
    assert await owner.fetchval("SELECT count(*) FROM v_device_gaps WHERE boot_id = $1", boot) == 0

    # The same again, and the same by files under another name: both find all of it without opening every chunk.
    for value in values[Feed.PARKING]:
        await producer.send(readings_topic(Feed.PARKING), value=value, partition=0)
    await producer.flush()
    repeats = "SELECT coalesce(sum(n), 0)::bigint FROM reading_repeats WHERE device_id = 'sparse-1'"
    await settle(owner, repeats, until=COUNT[Feed.PARKING])
    history = uuid.uuid4().hex
    for feed in Feed:
        file = tmp_path / f"{feed}.jsonl"
        file.write_bytes(b"\n".join(weekly(feed, "sparse-2", history)) + b"\n")
        said = await district(sink, "import", feed, str(file))
        assert f"{COUNT[feed]:,} lines: {COUNT[feed]:,} stored, 0 were there already, 0 refused" in said
    assert await owner.fetchval(STORED, history) == count
    assert await owner.fetchval(WIDEST, history) <= CHUNKS_AT_ONCE
    assert all(row["difference"] == 0 for row in await owner.fetch("SELECT difference FROM v_ledger"))


async def district(stack: Stack, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.district", *arguments),
        env={**os.environ, **stack.environment("operator")},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


MADE_LONG_AGO = (
    "UPDATE _timescaledb_catalog.chunk SET creation_time = now() - INTERVAL '20 years' WHERE hypertable_id IN ("
    r"SELECT id FROM _timescaledb_catalog.hypertable WHERE table_name NOT LIKE '%\_hours') AND id IN ("
    "SELECT s.chunk_id FROM _timescaledb_catalog.chunk_constraint AS s JOIN _timescaledb_catalog.dimension_slice AS d"
    " ON d.id = s.dimension_slice_id WHERE d.range_end < extract(epoch FROM TIMESTAMPTZ '2024-01-01') * 1000000)"
)


async def test_chunks_past_their_age_go_one_at_a_time(stack: Stack, owner: Any) -> None:
    """Hundreds of chunks whose age has come at once; their numbers are gone, not missing."""
    old = (
        "SELECT count(*) FROM timescaledb_information.chunks"
        " WHERE range_end < '2024-01-01' AND hypertable_name LIKE '%readings'"
    )
    await by_superuser(stack, MADE_LONG_AGO)
    count = await owner.fetchval(old)
    assert count > 100
    async with asyncpg.create_pool(stack.environment("sink")["DATABASE_URL"], min_size=0, max_size=1) as pool:
        dropped = [each async for each in drop_expired(pool)]
    assert len(dropped) == count
    assert await owner.fetchval(old) == 0
    books = await owner.fetch(
        "SELECT sent, gone, missing FROM v_device_ledger WHERE device_id LIKE 'sparse-%' AND feed = 'parking'"
    )
    assert [(row["sent"], row["missing"]) for row in books] == [(COUNT[Feed.PARKING], 0)] * 2
    assert all(row["gone"] > 130 for row in books)


@pytest.fixture
async def old_weeks(stack: Stack, owner: Any) -> list[str]:
    """Chunks of three weeks past their age, the oldest first; of thirty devices that measured in each, one stopped."""
    await owner.execute(
        "INSERT INTO parking_readings (device_id, group_id, boot_id, seq, observed_at, quality, quality_codes, lane,"
        " total_spaces, free_spaces, out_of_service_spaces, received_at, kafka_partition, kafka_offset)"
        " SELECT 'aged-' || lpad(n::text, 2, '0'), 'cbd', 'b', week, $1::timestamptz + week * INTERVAL '7 days',"
        " 'good', '{}', 'live', 9, 1, 0, now(), 0, n FROM generate_series(0, 29) AS n, generate_series(0, 2) AS week",
        FIRST,
    )
    await by_superuser(stack, MADE_LONG_AGO)
    chunks = [row["chunk"] for row in await owner.fetch("SELECT * FROM expired_chunks(now()) ORDER BY range_end")]
    assert len(chunks) == 3
    for chunk in chunks:
        await owner.execute("SELECT note_numbers('parking', $1::text::regclass)", chunk)
    await owner.execute(
        "UPDATE reading_ledger SET stored = stored + '{[3,4)}' WHERE device_id LIKE 'aged-%' AND device_id <> 'aged-29'"
    )
    return chunks


async def test_what_goes_for_its_age_stops_no_sink_and_waits_for_no_reader(
    stack: Stack, owner: Any, old_weeks: list[str]
) -> None:
    oldest, middle, newest = old_weeks
    address = stack.environment("sink")["DATABASE_URL"]
    sink = await asyncpg.connect(address)
    rows = "SELECT FROM reading_ledger WHERE device_id LIKE 'aged-%' ORDER BY device_id"
    async with asyncpg.create_pool(address, min_size=0, max_size=1) as pool:
        # The sink holds the first row and goes on to the others: whoever waits for it must hold none of them.
        await sink.execute(f"BEGIN; {rows} LIMIT 1 FOR UPDATE")
        dropping = asyncio.create_task(pool.fetch("SELECT chunk FROM drop_expired_chunks(1)"))
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')"
        await settle(owner, waits, until=1, seconds=4)
        await sink.execute(f"{rows} FOR UPDATE NOWAIT; COMMIT")
        assert [row["chunk"] for row in await dropping] == [oldest]

        # A reader does not let go of the newest: the one before it goes, and stays gone.
        await sink.execute(f"BEGIN; SELECT count(*) FROM {newest}")
        goes = drop_expired(pool)
        assert await anext(goes) == ("parking_readings", middle)
        with pytest.raises(asyncpg.LockNotAvailableError):
            await anext(goes)
        assert [row["chunk"] for row in await owner.fetch("SELECT chunk FROM expired_chunks(now())")] == [newest]
        await sink.execute("COMMIT")
        assert [chunk async for _, chunk in drop_expired(pool)] == [newest]
        books = await owner.fetch("SELECT gone, stored FROM v_device_ledger WHERE device_id LIKE 'aged-%'")
        assert [tuple(row) for row in books] == [(3, 1)] * 29

        # Where nothing goes, nothing of the ledger is looked at.
        async with owner.transaction():
            await owner.execute("LOCK TABLE reading_ledger IN ACCESS EXCLUSIVE MODE")
            assert await pool.fetch("SELECT chunk FROM drop_expired_chunks(1)", timeout=4) == []
    await sink.close()
    await owner.execute("DELETE FROM reading_ledger WHERE device_id LIKE 'aged-%'")


async def by_superuser(stack: Stack, statement: str) -> None:
    address = stack.environment("operator")["DATABASE_OWNER_URL"]
    role, password = "district_superuser", stack._credentials.database.superuser
    connection = await asyncpg.connect(address, user=role, password=password)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


NO_ROOM = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.free_spaces = 617617 THEN
        RAISE EXCEPTION 'out of shared memory' USING ERRCODE = '53200';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER no_room BEFORE INSERT ON parking_readings FOR EACH ROW EXECUTE FUNCTION no_room()"""


@pytest.fixture
async def no_room(owner: Any) -> AsyncIterator[int]:
    """A count of free spaces for whose row the database never has the memory."""
    await owner.execute(NO_ROOM)
    yield 617_617
    await owner.execute("DROP TRIGGER no_room ON parking_readings; DROP FUNCTION no_room()")


async def test_a_record_that_there_is_never_room_for_is_refused_and_the_others_are_stored(
    sink: Stack, producer: AIOKafkaProducer, owner: Any, no_room: int
) -> None:
    boot = uuid.uuid4().hex
    pid = sink.pid(SINK.name)
    for seq in range(900):
        body = {"feed": "parking", "device_id": "lot-r", "group_id": "cbd", "boot_id": boot, "seq": seq}
        own = {"observed_at": "2026-03-01T08:00:00Z", "total_spaces": 10, "free_spaces": no_room if seq == 617 else 3}
        await producer.send("readings.parking", value=json.dumps(body | own).encode(), partition=0)
    await producer.flush()
    await settle(owner, "SELECT count(*) FROM parking_readings WHERE boot_id = $1", boot, until=899)
    await settle(owner, "SELECT count(*) FROM dead_letters WHERE boot_id = $1", boot, until=1)
    letter = await owner.fetchrow("SELECT reason, detail, seq FROM dead_letters WHERE boot_id = $1", boot)
    assert tuple(letter) == ("refused_by_database", "out of shared memory", 617)
    assert await owner.fetchval("SELECT count(*) FROM v_device_gaps WHERE boot_id = $1", boot) == 0
    assert sink.pid(SINK.name) == pid
