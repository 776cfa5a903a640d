"""The sink between real Kafka and real TimescaleDB: exact counts whatever dies."""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from schemas.alert import Alert, AlertEventType, AlertText, Severity, alert_id
from schemas.clock import KIND_HEADER, KIND_TICK, Tick
from schemas.fields import Feed
from schemas.topics import ALERTS
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource
from services.district.run import SINK
from tests.kafka_reading import kafka_of

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


def reading(boot: str, seq: int, *, device: str = "lot-1", free: int = 3) -> bytes:
    return (
        f'{{"feed":"parking","device_id":"{device}","group_id":"cbd","boot_id":"{boot}","seq":{seq},'
        f'"observed_at":"2026-03-01T08:00:00Z","total_spaces":10,"free_spaces":{free}}}'
    ).encode()


@pytest.fixture
async def producer(sink: Stack) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(**kafka_of(sink).client_options("test"), linger_ms=5) as client:
        yield client


@pytest.fixture
async def reader(sink: Stack) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(sink.environment("operator")["DATABASE_READER_URL"])
    yield connection
    await connection.close()


async def send(producer: AIOKafkaProducer, topic: str, values: list[bytes], **options: Any) -> None:
    await asyncio.gather(*[await producer.send(topic, value=value, key=b"cbd", **options) for value in values])


async def settle(stack: Stack, query: str, *arguments: Any, until: int, seconds: float = 60) -> int:
    """Ask until the count is there; a connection each time, since the database may be away."""
    deadline = time.monotonic() + seconds
    found = -1
    while time.monotonic() < deadline:
        try:
            connection = await asyncpg.connect(stack.environment("operator")["DATABASE_READER_URL"])
        except (OSError, asyncpg.PostgresError):
            await asyncio.sleep(0.2)
            continue
        try:
            found = await connection.fetchval(query, *arguments)
        finally:
            await connection.close()
        if found >= until:
            return found
        await asyncio.sleep(0.1)
    pytest.fail(f"waited {seconds:g} s for {until}, found {found}: {query}")


ROWS = "SELECT count(*) FROM v_parking_readings WHERE boot_id = $1"


async def totals(reader: Any) -> dict[str, int]:
    row = await reader.fetchrow("SELECT * FROM v_feed_totals WHERE feed = 'parking'")
    return {name: row[name] for name in ("readings", "stored", "duplicates", "dead_lettered")}


async def test_repeats_are_counted_and_stored_once(sink: Stack, producer: Any, reader: Any) -> None:
    boot = uuid.uuid4().hex
    before = await totals(reader)
    await send(producer, "readings.parking", [reading(boot, n) for n in range(50)] * 2 + [reading(boot, 50)])
    await settle(sink, ROWS, boot, until=51)
    await settle(sink, "SELECT readings FROM v_feed_totals WHERE feed = 'parking'", until=before["readings"] + 101)
    after = await totals(reader)
    assert after["stored"] - before["stored"] == 51
    assert after["duplicates"] - before["duplicates"] == 50


async def test_readings_of_other_lanes_come_by_their_own_topic_into_the_same_table(
    sink: Stack, producer: Any, reader: Any
) -> None:
    """Both topics of the feed in flight at once, some repeated: each is counted where it came by."""
    boot = uuid.uuid4().hex
    before = await totals(reader)
    live = [reading(boot, n) for n in range(300)]
    aside = [reading(boot, n, device="lot-2")[:-1] + b',"lane":"replay:a"}' for n in range(300)]
    tick = Tick(lane="replay:a", at=NOW).model_dump_json().encode()
    await asyncio.gather(
        send(producer, "readings.parking", live + live[:50]),
        send(producer, "readings.parking.lanes", aside + aside[:70]),
    )
    await send(producer, "readings.parking.lanes", [tick], headers=[(KIND_HEADER, KIND_TICK)])
    await settle(sink, "SELECT readings FROM v_feed_totals WHERE feed = 'parking'", until=before["readings"] + 720)
    by_lane = f"SELECT lane, count(*) FROM v_parking_readings WHERE boot_id = '{boot}' GROUP BY 1 ORDER BY 1"
    assert [tuple(row) for row in await reader.fetch(by_lane)] == [("live", 300), ("replay:a", 300)]
    after = await totals(reader)
    assert after["stored"] - before["stored"] == 600
    assert after["duplicates"] - before["duplicates"] == 120
    ledger = await reader.fetch("SELECT feed, difference FROM v_ledger")
    assert sorted(row["feed"] for row in ledger) == sorted(Feed)
    assert all(row["difference"] == 0 for row in ledger)


@pytest.fixture
async def picky(sink: Stack) -> AsyncIterator[int]:
    """A count of free spaces that the database refuses although the contract takes it."""
    owner = await asyncpg.connect(sink.environment("operator")["DATABASE_OWNER_URL"])
    await owner.execute("ALTER TABLE parking_readings ADD CONSTRAINT picky CHECK (free_spaces <> 617617) NOT VALID")
    yield 617_617
    await owner.execute("ALTER TABLE parking_readings DROP CONSTRAINT picky")
    await owner.close()


async def test_a_row_that_the_database_refuses_is_isolated(sink: Stack, producer: Any, reader: Any, picky: int) -> None:
    boot = uuid.uuid4().hex
    values = [reading(boot, n) for n in range(1_000)]
    values[617] = reading(boot, 617, free=picky)
    await send(producer, "readings.parking", values)
    await settle(sink, ROWS, boot, until=999)
    await settle(sink, "SELECT count(*) FROM v_dead_letters WHERE boot_id = $1", boot, until=1)
    letter = await reader.fetchrow("SELECT * FROM v_dead_letters WHERE boot_id = $1", boot)
    assert (letter["reason"], letter["seq"], letter["device_id"]) == ("refused_by_database", 617, "lot-1")
    assert letter["payload"] == values[617]
    assert letter["kafka_topic"] == "readings.parking"
    assert await reader.fetchval(ROWS, boot) == 999


async def test_what_is_no_reading_is_kept_with_its_reason_and_ticks_are_passed_over(
    sink: Stack, producer: Any, reader: Any
) -> None:
    boot, junk = uuid.uuid4().hex, uuid.uuid4().hex.encode()
    tick = Tick(lane="live", at=NOW).model_dump_json().encode()
    await send(producer, "readings.parking", [tick], headers=[(KIND_HEADER, KIND_TICK)])
    await send(producer, "readings.parking", [junk, reading(boot, 0)])
    await settle(sink, ROWS, boot, until=1)
    await settle(sink, "SELECT count(*) FROM v_dead_letters WHERE payload = $1", junk, until=1)
    assert await reader.fetchval("SELECT reason FROM v_dead_letters WHERE payload = $1", junk) == "undecodable_record"


async def test_a_killed_sink_counts_exactly(sink: Stack, producer: Any, reader: Any) -> None:
    boot = uuid.uuid4().hex
    before = await totals(reader)

    async def flow() -> None:
        for start in range(0, 12_000, 200):
            await send(producer, "readings.parking", [reading(boot, n) for n in range(start, start + 200)])
            await asyncio.sleep(0.02)

    flowing = asyncio.create_task(flow())
    for _ in range(2):
        await asyncio.sleep(0.5)
        await sink.kill(SINK.name)
        await asyncio.sleep(1.5)
    await flowing
    await settle(sink, ROWS, boot, until=12_000)
    await settle(sink, "SELECT readings FROM v_feed_totals WHERE feed = 'parking'", until=before["readings"] + 12_000)
    after = await totals(reader)
    assert after["readings"] - before["readings"] == 12_000
    assert after["stored"] - before["stored"] == 12_000
    assert after["duplicates"] == before["duplicates"]


async def test_an_absent_database_loses_nothing(sink: Stack, producer: Any) -> None:
    """It is stopped amid readings, so that sessions end while they are asked; each time at another moment."""
    boot, pid = uuid.uuid4().hex, sink.pid(SINK.name)

    async def flow(first: int) -> None:
        for start in range(first, first + 2_000, 200):
            await send(producer, "readings.parking", [reading(boot, n) for n in range(start, start + 200)])
            await asyncio.sleep(0.02)

    for number in range(4):
        flowing = asyncio.create_task(flow(2_000 * number))
        await asyncio.sleep(0.1 * number)
        await sink.stop("postgres")
        await flowing
        await sink.start("postgres")
        await settle(sink, ROWS, boot, until=2_000 * (number + 1))
        assert sink.pid(SINK.name) == pid, "the sink waits for its database, it does not die"


def _alert(started: datetime, event: AlertEventType, revision: int, asset: str) -> Alert:
    source = ThresholdSource(
        kind=SourceKind.PLAN, id="jianghan-14fyp", version="1", where="page 31", valid_from=NOW.date()
    )
    ended = started + timedelta(hours=1) if event is AlertEventType.RESOLVED else None
    return Alert(
        alert_id=alert_id("water.class_worse_than_target", asset, "live", started.isoformat()),
        revision=revision,
        event=event,
        rule="water.class_worse_than_target",
        feed=Feed.WATER,
        lane="live",
        asset=asset,
        place="北湖",
        severity=Severity.YELLOW,
        started_at=started,
        raised_at=started,
        ended_at=ended,
        observed_value=4.0,
        observed_unit="class",
        threshold=Threshold(id="water.class", value=3, unit="class", comparator=Comparator.LE, source=source),
        evidence=None,
        text=AlertText(zh="劣于目标", en="worse than target"),
    )


async def test_an_alert_goes_forward_only_and_one_is_open_for_a_rule_and_asset(
    sink: Stack, producer: Any, reader: Any
) -> None:
    asset = f"lake-{uuid.uuid4().hex[:8]}"
    first, second = NOW, NOW + timedelta(hours=3)
    events = [
        _alert(first, AlertEventType.RAISED, 0, asset),
        _alert(second, AlertEventType.RAISED, 0, asset),
        _alert(first, AlertEventType.RESOLVED, 1, asset),
        _alert(first, AlertEventType.RAISED, 0, asset),
    ]
    for alert in events:
        await producer.send_and_wait(ALERTS, alert.model_dump_json().encode(), key=b"a", headers=alert.to_headers())
    marker = _alert(first, AlertEventType.RAISED, 0, f"{asset}-end")
    await producer.send_and_wait(ALERTS, marker.model_dump_json().encode(), key=b"a", headers=marker.to_headers())
    await settle(sink, "SELECT count(*) FROM v_alerts WHERE asset = $1", marker.asset, until=1)
    rows = {r["alert_id"]: r for r in await reader.fetch("SELECT * FROM v_alerts WHERE asset = $1", asset)}
    assert rows[events[0].alert_id]["event"] == "resolved"
    assert rows[events[0].alert_id]["revision"] == 1
    open_ones = await reader.fetch("SELECT * FROM v_open_alerts WHERE asset = $1", asset)
    assert [r["alert_id"] for r in open_ones] == [events[1].alert_id]
    assert open_ones[0]["source_where"] == "page 31"
    assert await reader.fetchval("SELECT count(*) FROM v_alert_events WHERE data ->> 'asset' = $1", asset) == 3


async def test_the_reader_cannot_write_and_the_writer_cannot_make_tables(sink: Stack, reader: Any) -> None:
    await reader.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.execute("DELETE FROM parking_readings")
    writer = await asyncpg.connect(sink.environment("sink")["DATABASE_URL"])
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await writer.execute("CREATE TABLE mine (n integer)")
    finally:
        await writer.close()


async def test_migrating_again_changes_nothing(sink: Stack) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.timescale_sink", "migrate"),
        env=sink.environment("operator"),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    assert said == b"migrations: 0 applied\n"
