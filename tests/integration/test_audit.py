"""Missing numbers of a device: noticed, an alert once they have been missing for too long, over when they have come."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from schemas.fields import LIVE, Feed
from schemas.topics import readings_topic
from services.timescale_sink.missing_alerts import RULE
from services.timescale_sink.missing_watch import tell_missing
from services.timescale_sink.own_alerts import ALERTS_A_LOOK
from tests.kafka_reading import kafka_of

NEVER = timedelta(days=1)
AT_ONCE = timedelta(0)
BEGIN = datetime(2026, 5, 1, 8, tzinfo=UTC)


class _Lifetime:
    log = structlog.get_logger()


LIFETIME: Any = _Lifetime()


@pytest.fixture(scope="module")
async def owner(sink: Stack) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(sink.environment("operator")["DATABASE_OWNER_URL"])
    yield connection
    await connection.close()


@pytest.fixture
async def writer(sink: Stack) -> AsyncIterator[Any]:
    pool = await asyncpg.create_pool(sink.environment("sink")["DATABASE_URL"], min_size=1, max_size=1)
    yield pool
    await pool.close()


@pytest.fixture
async def producer(sink: Stack) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(**kafka_of(sink).client_options("test-audit")) as client:
        yield client


async def put(producer: AIOKafkaProducer, device: str, boot: str, numbers: Iterable[int], lane: str = LIVE) -> None:
    for seq in numbers:
        at = (BEGIN + timedelta(minutes=seq)).isoformat().replace("+00:00", "Z")
        fields = {
            "feed": "parking", "device_id": device, "group_id": "cbd", "boot_id": boot, "seq": seq, "lane": lane,
            "observed_at": at, "total_spaces": 10, "free_spaces": 3,
        }  # fmt: skip
        await producer.send(readings_topic(Feed.PARKING, live=lane == LIVE), json.dumps(fields).encode(), key=b"cbd")
    await producer.flush()


async def count_of(owner: Any, boot: str) -> int:
    return int(await owner.fetchval("SELECT count(*) FROM v_parking_readings WHERE boot_id = $1", boot))


async def until(ask: Any, wanted: Any) -> None:
    found = None
    for _ in range(400):
        found = await ask()
        if found == wanted:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"waited for {wanted}, found {found}")


async def district(stack: Stack, folder: Path, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.district", *arguments),
        env=stack.environment("operator") | {"DISTRICT_STATE": str(folder), "COLUMNS": "80"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode()


async def test_a_gap_is_an_alert_after_its_time_and_over_when_it_closes(
    owner: Any, writer: Any, producer: AIOKafkaProducer
) -> None:
    device, boot = f"lot-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    await put(producer, device, boot, {*range(20)} - {3, 4, 11})

    async def stored() -> int:
        return int(await owner.fetchval("SELECT count(*) FROM v_parking_readings WHERE boot_id = $1", boot))

    async def alerts() -> list[tuple[Any, ...]]:
        query = "SELECT observed_value, ended_at IS NULL FROM v_alerts WHERE asset = $1 AND rule = $2"
        rows = await owner.fetch(query, device, RULE)
        return [tuple(row) for row in rows]

    await until(stored, 17)
    await tell_missing(writer, producer, NEVER, LIFETIME)
    (row,) = await owner.fetch("SELECT * FROM v_readings_missing WHERE boot_id = $1", boot)
    assert (row["n"], row["numbers"], row["ended_at"], row["is_alert"]) == (3, "{[3,5),[11,12)}", None, False)
    await put(producer, device, boot, [3])
    await until(stored, 18)
    await tell_missing(writer, producer, AT_ONCE, LIFETIME)
    await tell_missing(writer, producer, AT_ONCE, LIFETIME)
    await until(alerts, [(2, True)])
    await put(producer, device, boot, [4, 11])
    await until(stored, 20)
    await tell_missing(writer, producer, AT_ONCE, LIFETIME)
    await until(alerts, [(2, False)])
    assert (
        await owner.fetchval(
            "SELECT count(*) FROM alert_events JOIN v_alerts USING (alert_id) WHERE asset = $1", device
        )
        == 2
    )


class Interrupted:
    """A producer that gives the message to Kafka and does not live to hear of it."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send_and_wait(self, *arguments: Any, **options: Any) -> None:
        await self._producer.send_and_wait(*arguments, **options)
        raise ConnectionResetError


async def test_an_alert_whose_sink_was_interrupted_is_resolved_all_the_same(
    owner: Any, writer: Any, producer: AIOKafkaProducer
) -> None:
    device, boot = f"lot-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    await put(producer, device, boot, [0, 2])

    async def state() -> list[tuple[Any, ...]]:
        query = "SELECT revision, ended_at IS NULL FROM v_alerts WHERE asset = $1 AND rule = $2"
        return [tuple(row) for row in await owner.fetch(query, device, RULE)]

    await until(partial(count_of, owner, boot), 2)
    interrupted: Any = Interrupted(producer)
    with pytest.raises(ConnectionResetError):
        await tell_missing(writer, interrupted, AT_ONCE, LIFETIME)
    await until(state, [(0, True)])
    await put(producer, device, boot, [1])
    await until(partial(count_of, owner, boot), 3)
    await tell_missing(writer, producer, AT_ONCE, LIFETIME)
    await until(state, [(1, False)])


async def test_each_loss_of_a_boot_has_its_own_time_and_its_own_alert(
    owner: Any, writer: Any, producer: AIOKafkaProducer
) -> None:
    """A boot with a gap that nobody closes loses more later; and numbers that are never missing at two looks."""
    device, boot = f"lot-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex

    async def known() -> list[tuple[Any, ...]]:
        asked = "SELECT numbers, is_alert FROM v_readings_missing WHERE boot_id = $1 AND ended_at IS NULL"
        return [tuple(row) for row in await owner.fetch(f"{asked} ORDER BY noticed_at", boot)]

    await put(producer, device, boot, [0, 2])
    await until(partial(count_of, owner, boot), 2)
    await tell_missing(writer, producer, AT_ONCE, LIFETIME)
    await put(producer, device, boot, [6])
    await until(partial(count_of, owner, boot), 3)
    await tell_missing(writer, producer, NEVER, LIFETIME)
    assert await known() == [("{[1,2)}", True), ("{[3,6)}", False)]
    await put(producer, device, boot, [3, 4, 5, 9])
    await until(partial(count_of, owner, boot), 7)
    await tell_missing(writer, producer, NEVER, LIFETIME)
    assert await known() == [("{[1,2)}", True), ("{[7,9)}", False)]
    first, second = await owner.fetch("SELECT noticed_at FROM v_readings_missing WHERE boot_id = $1 ORDER BY 1", boot)
    assert second["noticed_at"] > first["noticed_at"], "what began later is younger"
    await owner.execute("DELETE FROM readings_missing WHERE device_id = $1", device)


async def test_what_an_import_lacks_or_came_before_is_no_loss_of_a_live_device(owner: Any, writer: Any) -> None:
    device = f"lot-{uuid.uuid4().hex[:8]}"
    await owner.execute(
        "INSERT INTO reading_ledger (feed, lane, device_id, boot_id, segment, stored) VALUES"
        " ('parking', 'live', $1, 'of-a-file', 0, '{[1,2),[5,6)}'), ('parking', 'live', $1, 'now', 0, '{[900,905)}')",
        device,
    )
    await owner.execute(
        "INSERT INTO devices (feed, lane, device_id, group_id, boot_id) VALUES ('parking', 'live', $1, 'cbd', 'now')",
        device,
    )
    said: Any = None
    await tell_missing(writer, said, NEVER, LIFETIME)
    assert await owner.fetchval("SELECT count(*) FROM readings_missing WHERE device_id = $1", device) == 0
    await owner.execute("DELETE FROM reading_ledger WHERE device_id = $1", device)
    await owner.execute("DELETE FROM devices WHERE device_id = $1", device)


async def test_a_gap_that_closes_in_time_leaves_nothing_and_a_drill_is_nobodys_gap(
    owner: Any, writer: Any, producer: AIOKafkaProducer
) -> None:
    device, boot, drill = f"lot-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex, uuid.uuid4().hex
    await put(producer, device, boot, [0, 2])
    await put(producer, device, drill, [0, 2], "exercise:audit")

    async def stored() -> int:
        query = "SELECT count(*) FROM v_parking_readings WHERE boot_id IN ($1, $2)"
        return int(await owner.fetchval(query, boot, drill))

    await until(stored, 4)
    await tell_missing(writer, producer, NEVER, LIFETIME)
    known = "SELECT count(*) FROM readings_missing WHERE device_id = $1"
    assert await owner.fetchval(known, device) == 1
    await put(producer, device, boot, [1])
    await until(stored, 5)
    await tell_missing(writer, producer, NEVER, LIFETIME)
    assert await owner.fetchval(known, device) == 0
    assert (
        await owner.fetchval(
            "SELECT count(*) FROM alert_events JOIN v_alerts USING (alert_id) WHERE asset = $1", device
        )
        == 0
    )


async def test_what_somebody_took_note_of_does_not_come_again_but_what_is_lost_later_does(
    sink: Stack, owner: Any, writer: Any, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    device, boot = f"lot-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    await put(producer, device, boot, [0, 1, 5])

    async def stored() -> int:
        return int(await owner.fetchval("SELECT count(*) FROM v_parking_readings WHERE boot_id = $1", boot))

    async def open_alerts() -> int:
        return int(await owner.fetchval("SELECT count(*) FROM v_open_alerts WHERE asset = $1", device))

    await until(stored, 3)
    await tell_missing(writer, producer, AT_ONCE, LIFETIME)
    await tell_missing(writer, producer, AT_ONCE, LIFETIME)
    await until(open_alerts, 1)
    span = ("--from", "2026-05-01", "--to", "2026-05-02", "--device", device)
    status, said = await district(sink, tmp_path, "audit", *span)
    assert status == 1
    assert f"parking {device} boot {boot}: 3 of 6 never came: 2-4 (noticed" in said
    assert ", an alert)" in said
    status, said = await district(sink, tmp_path, "audit", "acknowledge", "--device", device, "--as", "Li")
    assert (status, f"{device} boot {boot}: 2-4 taken note of" in said) == (0, True)
    await tell_missing(writer, producer, AT_ONCE, LIFETIME)
    await until(open_alerts, 0)
    assert await owner.fetchval("SELECT acknowledged_by FROM v_readings_missing WHERE boot_id = $1", boot) == "Li"
    status, said = await district(sink, tmp_path, "audit", "acknowledge", "--device", device)
    assert "nobody has taken note of" in said
    # The ledger still says so, and a later gap is a new one.
    assert (await district(sink, tmp_path, "audit", *span))[0] == 1
    await put(producer, device, boot, [8])
    await until(stored, 4)
    await tell_missing(writer, producer, NEVER, LIFETIME)
    rows = await owner.fetch("SELECT numbers FROM v_readings_missing WHERE boot_id = $1 AND ended_at IS NULL", boot)
    assert [row["numbers"] for row in rows] == ["{[6,8)}"]
    await owner.execute("DELETE FROM readings_missing WHERE device_id = $1", device)


async def test_numbers_just_before_a_span_belong_to_it_and_not_to_the_span_before(
    sink: Stack, owner: Any, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    device, boot = f"lot-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    await put(producer, device, boot, [*range(55), *range(65, 120)])

    async def stored() -> int:
        return int(await owner.fetchval("SELECT count(*) FROM v_parking_readings WHERE boot_id = $1", boot))

    await until(stored, 110)
    found = {}
    for hour in (16, 17):
        span = ("--from", f"2026-05-01T{hour}:00", "--to", f"2026-05-01T{hour + 1}:00", "--device", device)
        status, said = await district(sink, tmp_path, "audit", "--json", *span)
        (boots,) = json.loads(said)["boots"]
        found[hour] = status, boots["sent"], boots["stored"], boots["missing"], boots["missing_numbers"]
    assert found == {16: (0, 55, 55, 0, "{}"), 17: (1, 65, 55, 10, "{[55,65)}")}
    status, said = await district(sink, tmp_path, "audit", "--from", "2031-05-01", "--to", "2031-05-02")
    assert (status, "No reading was measured in this span." in said) == (0, True)


async def test_a_ledger_that_contradicts_the_readings_is_found(
    sink: Stack, owner: Any, producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    device, boot = f"lot-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    await put(producer, device, boot, range(10))

    async def stored() -> int:
        return int(await owner.fetchval("SELECT count(*) FROM v_parking_readings WHERE boot_id = $1", boot))

    await until(stored, 10)
    span = ("--from", "2026-05-01", "--to", "2026-05-02", "--device", device)
    assert (await district(sink, tmp_path, "audit", *span))[0] == 0
    await owner.execute("DELETE FROM parking_readings WHERE boot_id = $1 AND seq = 4", boot)
    status, said = await district(sink, tmp_path, "audit", *span)
    assert status == 1
    assert "the ledger of numbers and the readings differ by 1" in said
    await owner.execute("DELETE FROM parking_readings WHERE boot_id = $1", boot)
    await owner.execute("DELETE FROM reading_ledger WHERE boot_id = $1", boot)


async def test_a_great_loss_is_told_a_part_at_a_time(owner: Any, writer: Any) -> None:
    class Said:
        def __init__(self) -> None:
            self.keys: list[bytes] = []

        async def send_and_wait(self, _: str, __: bytes, key: bytes, **___: Any) -> None:
            self.keys.append(key)

    said: Any = Said()
    name = uuid.uuid4().hex[:8]
    await owner.execute(
        "INSERT INTO reading_ledger (feed, lane, device_id, boot_id, segment, stored)"
        f" SELECT 'parking', 'live', 'lot-{name}-' || n, 'b', 0, '{{[0,1),[2,3)}}' FROM generate_series(1, $1) AS n",
        ALERTS_A_LOOK + 50,
    )
    await owner.execute(
        "INSERT INTO devices (feed, lane, device_id, group_id, boot_id)"
        f" SELECT 'parking', 'live', 'lot-{name}-' || n, 'cbd', 'b' FROM generate_series(1, $1) AS n",
        ALERTS_A_LOOK + 50,
    )
    try:
        await tell_missing(writer, said, AT_ONCE, LIFETIME)
        first = len(said.keys)
        await tell_missing(writer, said, AT_ONCE, LIFETIME)
        assert first <= ALERTS_A_LOOK
        assert len(said.keys) >= ALERTS_A_LOOK + 50
    finally:
        await owner.execute(f"DELETE FROM reading_ledger WHERE device_id LIKE 'lot-{name}-%'")
        await owner.execute(f"DELETE FROM devices WHERE device_id LIKE 'lot-{name}-%'")
        await owner.execute(f"DELETE FROM readings_missing WHERE device_id LIKE 'lot-{name}-%'")
