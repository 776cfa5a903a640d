"""A reading is known by lane, device, boot and number: on both ways into the tables, and on both editions."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.postgres import ROLES_FILE
from deploy.local.stack import Stack
from schemas.fields import Feed
from schemas.topics import DEAD_LETTERS, readings_topic
from services.timescale_sink import migrations, readings
from services.timescale_sink.editions import Edition
from services.timescale_sink.errors import MigrationRefused
from services.timescale_sink.history import parts_of, refused_file, take_part
from services.timescale_sink.ledger_backlog import number_old_chunks
from services.timescale_sink.migrations import bring_up_to_date, read_migrations
from services.timescale_sink.readings import write_readings
from services.timescale_sink.settings import MigrationSettings
from services.timescale_sink.storage import load_storage
from services.timescale_sink.tables import TABLES, ReadingsTable
from tests.integration.community import community_server, connected, prepare
from tests.integration.fresh_database import as_owner, fresh_database
from tests.kafka_reading import kafka_of

FEED = Feed.PARKING
BEGIN = datetime(2026, 4, 1, 8, tzinfo=UTC)
DRILL = "exercise:identity"


def reading(
    device: str, boot: str, seq: int, *, minutes: int | None = None, free: int = 3, lane: str = "live"
) -> bytes:
    at = BEGIN + timedelta(minutes=seq if minutes is None else minutes)
    return json.dumps(
        {
            "feed": "parking", "device_id": device, "group_id": "cbd", "boot_id": boot, "seq": seq, "lane": lane,
            "observed_at": at.isoformat().replace("+00:00", "Z"), "total_spaces": 10, "free_spaces": free,
        }
    ).encode()  # fmt: skip


@pytest.fixture(scope="module")
async def owner(stack: Stack) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(stack.environment("operator")["DATABASE_OWNER_URL"])
    yield connection
    await connection.close()


@pytest.fixture
async def producer(sink: Stack) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(**kafka_of(sink).client_options("test-identity")) as client:
        yield client


async def settle(owner: Any, query: str, *arguments: Any, until: int) -> None:
    found = -1
    for _ in range(600):
        found = await owner.fetchval(query, *arguments)
        if found >= until:
            assert found == until
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"waited for {until}, found {found}: {query}")


async def put(producer: AIOKafkaProducer, values: list[bytes], *, live: bool = True) -> None:
    for value in values:
        await producer.send(readings_topic(FEED, live=live), value=value, key=b"cbd")
    await producer.flush()


LETTERS = "SELECT count(*) FROM dead_letters WHERE boot_id = $1"


async def test_a_drill_never_shadows_a_live_reading(producer: Any, owner: Any) -> None:
    """The same device, boot, number and time in both lanes, whichever comes first."""
    boot = uuid.uuid4().hex
    await put(producer, [reading("lot-i", boot, seq, lane=DRILL) for seq in range(5)], live=False)
    await settle(owner, "SELECT count(*) FROM parking_readings WHERE boot_id = $1", boot, until=5)
    await put(producer, [reading("lot-i", boot, seq) for seq in range(5)])
    await settle(owner, "SELECT count(*) FROM parking_readings WHERE boot_id = $1", boot, until=10)
    lanes = await owner.fetch(
        "SELECT lane, count(*) FROM parking_readings WHERE boot_id = $1 GROUP BY 1 ORDER BY 1", boot
    )
    assert [tuple(row) for row in lanes] == [(DRILL, 5), ("live", 5)]
    assert await owner.fetchval(LETTERS, boot) == 0


async def test_another_reading_of_the_key_reused_is_a_finding_and_the_hours_close(producer: Any, owner: Any) -> None:
    """Three hours of a device: 150 numbers used, some twice, some changed, some refused by the bridge, some lost."""
    boot, device = uuid.uuid4().hex, f"lot-{uuid.uuid4().hex[:8]}"
    lost, refused = {17, 18, 19, 75}, {40, 41}
    await put(producer, [reading(device, boot, seq) for seq in range(150) if seq not in lost | refused])
    await settle(owner, "SELECT count(*) FROM parking_readings WHERE boot_id = $1", boot, until=144)
    known = {"source": "ingest_bridge", "reason": "invalid", "detail": "d", "feed": "parking", "device_id": device}
    for seq in refused:
        said = known | {"received_at": "2026-04-01T08:40:00Z", "boot_id": boot, "lane": "live", "seq": str(seq)}
        headers = [(name, value.encode()) for name, value in said.items()]
        await producer.send_and_wait(DEAD_LETTERS, value=b"x", key=b"k", headers=headers)
    again = [reading(device, boot, seq) for seq in (3, 4, 100)]
    changed = [
        reading(device, boot, 5, free=9),
        reading(device, boot, 6, minutes=7),
        reading(device, boot, 149, free=1),
    ]
    await put(producer, [*again, *changed, reading(device, boot, 150), reading(device, boot, 150, free=8)])
    await settle(owner, LETTERS, boot, until=6)

    rows = await owner.fetch("SELECT * FROM v_reading_conflicts WHERE boot_id = $1 ORDER BY seq", boot)
    versions = [(row["seq"], json.loads(row["stored"])["free_spaces"], json.loads(row["refused"])) for row in rows]
    assert [(seq, free, other["free_spaces"]) for seq, free, other in versions] == [
        (5, 3, 9), (6, 3, 3), (149, 3, 1), (150, 3, 8),
    ]  # fmt: skip
    assert "is stored with another time" in rows[1]["detail"]
    assert "is stored of 2026-04-01T08:05:00+00:00 with other values" in rows[0]["detail"]

    gaps = await owner.fetch("SELECT first_seq, last_seq, n FROM v_device_gaps WHERE boot_id = $1 ORDER BY 1", boot)
    assert [tuple(row) for row in gaps] == [(17, 19, 3), (75, 75, 1)]
    (book,) = await owner.fetch("SELECT * FROM v_device_ledger WHERE boot_id = $1", boot)
    assert [book[name] for name in ("sent", "stored", "refused", "gone", "missing")] == [151, 145, 2, 0, 4]
    undone = owner.transaction()
    await undone.start()
    chunk = await owner.fetchval(
        "SELECT tableoid::regclass::text FROM dead_letters WHERE boot_id = $1 AND seq = 40", boot
    )
    await owner.execute("SELECT forget_numbers('dead_letters', $1::text::regclass)", chunk)
    (book,) = await owner.fetch("SELECT * FROM v_device_ledger WHERE boot_id = $1", boot)
    assert [book[name] for name in ("sent", "stored", "refused", "gone", "missing")] == [151, 145, 0, 2, 4]
    await undone.rollback()

    hours = await owner.fetch("SELECT * FROM v_device_hours WHERE device_id = $1 ORDER BY bucket", device)
    by_hour = {
        row["bucket"]: [row[name] for name in ("sent", "stored", "repeated", "refused", "missing")] for row in hours
    }
    ours = [by_hour[BEGIN + timedelta(hours=n)] for n in range(3)]
    assert ours == [[62, 55, 2, 2, 3], [61, 59, 1, 0, 1], [31, 31, 0, 0, 0]]
    assert sum(row["sent"] for row in hours) == 150 + 1 + 3 + 4, "everything that was sent, and what never came"
    ledger = await owner.fetch("SELECT difference FROM v_ledger")
    assert all(row["difference"] == 0 for row in ledger)


async def test_an_import_knows_what_came_through_kafka(sink: Stack, producer: Any, owner: Any, tmp_path: Path) -> None:
    boot = uuid.uuid4().hex
    await put(producer, [reading("lot-i", boot, seq) for seq in range(10)])
    await settle(owner, "SELECT count(*) FROM parking_readings WHERE boot_id = $1", boot, until=10)
    file = tmp_path / "history.jsonl"
    lines = [reading("lot-i", boot, seq) for seq in range(8)] + [reading("lot-i", boot, 8, minutes=90)]
    lines += [reading("lot-i", boot, 9, free=5), reading("lot-i", boot, 10), reading("lot-i", boot, 10, free=1)]
    file.write_bytes(b"\n".join(lines) + b"\n")
    (part,) = parts_of(file, FEED)
    counts = await asyncio.to_thread(take_part, sink.environment("operator")["DATABASE_URL"], part, datetime.now(UTC))
    assert (counts.lines, counts.stored, counts.duplicates, counts.refused) == (12, 1, 8, 3)
    kept = [json.loads(line) for line in refused_file(part).read_text(encoding="utf-8").splitlines()]
    assert [json.loads(each["line"])["seq"] for each in kept] == [8, 9, 10]
    assert all("is stored" in each["reason"] for each in kept)


def rows(boot: str, numbers: list[int], *, free: int = 3) -> list[tuple[Any, ...]]:
    table = TABLES[readings_topic(FEED)]
    found = []
    for place, seq in enumerate(numbers):
        one = table.decode(reading("lot-c", boot, seq, free=free))
        found.append((*table.values(one), one.observed_at, 0, place))
    return found


async def story(owner: Any) -> None:
    """The ledger written and read, and a chunk that goes: its numbers are gone, not missing, and may come again."""
    table = TABLES[readings_topic(FEED)]
    await owner.execute(table.make_incoming)

    async def write(values: list[tuple[Any, ...]]) -> tuple[int, list[int]]:
        async with owner.transaction():
            written = await write_readings(owner, table, values, isolating=False)
        return written.stored.total(), [values[each.place][3] for each in written.refused]

    boot = uuid.uuid4().hex
    assert await write(rows(boot, [0, 1, 2, 4, 20_000])) == (5, [])
    assert await write(rows(boot, [2, 3, 3, 5])) == (2, [])
    assert await write(rows(boot, [1, 20_000, 20_001], free=7)) == (1, [1, 20_000])
    gaps = "SELECT first_seq, last_seq FROM v_device_gaps WHERE boot_id = $1"
    assert [tuple(row) for row in await owner.fetch(gaps, boot)] == [(6, 19_999)]
    chunk = await owner.fetchval(
        "SELECT tableoid::regclass::text FROM parking_readings WHERE boot_id = $1 AND seq = 1", boot
    )
    await owner.execute("SELECT forget_numbers('parking_readings', $1::text::regclass)", chunk)
    await owner.execute(f"DELETE FROM {chunk}")
    assert [tuple(row) for row in await owner.fetch(gaps, boot)] == [(6, 19_999)]
    (book,) = await owner.fetch("SELECT sent, stored, gone, missing FROM v_device_ledger WHERE boot_id = $1", boot)
    assert tuple(book.values()) == (20_002, 2, 6, 19_994)
    assert await write(rows(boot, [1, 2])) == (2, []), "history that went for its age may be imported again"
    (book,) = await owner.fetch("SELECT sent, stored, gone, missing FROM v_device_ledger WHERE boot_id = $1", boot)
    assert tuple(book.values()) == (20_002, 4, 4, 19_994)


async def test_the_ledger_on_the_apache_edition(owner: Any) -> None:
    await story(owner)


def unstorable(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same reading with a NUL in a text: no contract lets it in, and no column takes it."""
    at = TABLES[readings_topic(FEED)].fields.index("lot_name")
    return (*values[:at], "a\0", *values[at + 1 :])


@pytest.fixture
async def table(owner: Any) -> ReadingsTable:
    table = TABLES[readings_topic(FEED)]
    await owner.execute(f"DROP TABLE IF EXISTS {table.incoming}; {table.make_incoming}")
    return table


async def isolated(
    owner: Any, table: ReadingsTable, values: list[tuple[Any, ...]]
) -> tuple[int, list[tuple[int, str]]]:
    async with owner.transaction():
        written = await write_readings(owner, table, values, isolating=True)
    return written.stored.total(), sorted((each.place, each.reason.value) for each in written.refused)


async def test_what_cannot_even_be_compared_is_refused_alone(owner: Any, table: ReadingsTable) -> None:
    """A known number comes again with what no column holds, amid repeats, findings and new ones."""
    boot = uuid.uuid4().hex
    assert await isolated(owner, table, rows(boot, [0, 1, 2, 3])) == (4, [])
    again = rows(boot, [0, 1, 2, 3, 4])
    again[1] = unstorable(again[1])
    again[2] = rows(boot, [0, 1, 2], free=9)[2]
    before = await owner.fetchval("SELECT coalesce(sum(n), 0)::bigint FROM reading_repeats")
    assert await isolated(owner, table, again) == (1, [(1, "refused_by_database"), (2, "key_reused")])
    assert await owner.fetchval("SELECT sum(n)::bigint FROM reading_repeats") == before + 2
    with pytest.raises(asyncpg.CharacterNotInRepertoireError):
        async with owner.transaction():
            await write_readings(owner, table, again, isolating=False)


async def test_a_good_reading_behind_a_refused_one_of_its_number_is_stored(owner: Any, table: ReadingsTable) -> None:
    """Number 7 four times in one round: refused, refused, stored, a finding. Number 8 is never good."""
    boot = uuid.uuid4().hex
    batch = rows(boot, [6, 7, 8, 7, 7, 8]) + rows(boot, [0] * 6 + [7], free=9)[6:]
    for place in (1, 2, 3, 5):
        batch[place] = unstorable(batch[place])
    refused = [(place, "refused_by_database") for place in (1, 2, 3, 5)]
    assert await isolated(owner, table, batch) == (2, [*refused, (6, "key_reused")])
    held = "SELECT seq, free_spaces, kafka_offset FROM parking_readings WHERE boot_id = $1 ORDER BY seq"
    assert [tuple(row) for row in await owner.fetch(held, boot)] == [(6, 3, 0), (7, 3, 4)]
    assert await owner.fetchval("SELECT stored::text FROM reading_ledger WHERE boot_id = $1", boot) == "{[6,8)}"


async def _insert(connection: Any, table: ReadingsTable, rows: Sequence[tuple[Any, ...]]) -> None:
    """What COPY does, for a build that has no COPY."""
    places = ", ".join(f"${n}" for n in range(1, len(table.columns) + 1))
    await connection.executemany(f"INSERT INTO {table.incoming} ({', '.join(table.columns)}) VALUES ({places})", rows)


async def test_the_writer_never_writes_what_is_the_owner_s(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Default privileges give the writer all tables; the owner's own are kept back in the same transaction."""
    storage = load_storage(MigrationSettings.model_fields["storage_file"].default)
    settings = MigrationSettings.model_construct()
    every = read_migrations(Edition.APACHE)
    seen: list[str] = []
    apply = migrations._apply
    writable = (
        "SELECT c.relname FROM pg_class AS c WHERE c.relname = ANY($1) AND c.relkind = 'r' AND"
        " has_table_privilege('district_writer', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')"
    )
    tables = [*migrations.OWNERS_TABLES, "devices"]
    async with fresh_database(stack, "privileges") as address:
        outside = await asyncpg.connect(address)
        await outside.execute(ROLES_FILE.read_text(encoding="utf-8"))

        async def looked_at(connection: Any, migration: Any) -> None:
            seen.extend(row[0] for row in await outside.fetch(writable, tables))
            if migration.number == len(every):
                raise MigrationRefused("the last one fails")
            await apply(connection, migration)

        async with as_owner(address) as connection:
            monkeypatch.setattr(migrations, "_apply", looked_at)
            with pytest.raises(MigrationRefused, match="the last one fails"):
                await bring_up_to_date(connection, storage, settings)
            monkeypatch.setattr(migrations, "_apply", apply)
            monkeypatch.setattr(migrations, "_set_up", _broken_off)
            with pytest.raises(MigrationRefused, match="broken off"):
                await bring_up_to_date(connection, storage, settings)
        held = {row[0] for row in await outside.fetch("SELECT relname FROM pg_class WHERE relname = ANY($1)", tables)}
        assert held == set(tables)
        assert {row[0] for row in await outside.fetch(writable, tables)} == {"devices"}
        assert set(seen) == {"devices"}, "all others stay as default privileges have them"
        await outside.close()


async def _broken_off(*_: Any) -> None:
    raise MigrationRefused("broken off")


async def test_readings_older_than_the_ledger_are_numbered_when_migrations_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the community edition, some of them compressed; a boot whose beginning was dropped has no gap there."""
    monkeypatch.setattr(readings, "_copy", _insert)
    settings = MigrationSettings.model_construct(writer_role="district_writer", reader_role="district_reader")
    storage = load_storage(MigrationSettings.model_fields["storage_file"].default)
    every = read_migrations(Edition.COMMUNITY)
    ledger = next(m.number for m in every if "reading_ledger" in m.sql)
    async with community_server() as address:
        await prepare(address)
        async with connected(address, "district_owner") as owner:
            await owner.execute(migrations._LEDGER)
            for migration in every[: ledger - 1]:
                await migrations._apply(owner, migration)
            await owner.execute(
                "INSERT INTO parking_readings (device_id, group_id, boot_id, seq, observed_at, quality, quality_codes,"
                " lane, total_spaces, free_spaces, out_of_service_spaces, received_at, kafka_partition, kafka_offset)"
                " SELECT 'old', 'cbd', 'b', n, $1::timestamptz + n * INTERVAL '1 hour', 'good', '{}', 'live',"
                " 9, 1, 0, now(), 0, n FROM generate_series(100, 1000) AS n WHERE n <> 500",
                BEGIN - timedelta(days=90),
            )
            packed = await owner.fetch("SELECT compress_chunk(c) FROM show_chunks('parking_readings') AS c LIMIT 3")
            assert len(packed) == 3
            entered = []

            async def numbered(connection: Any) -> int:
                entered.append(connection.is_in_transaction())
                return await number_old_chunks(connection)

            monkeypatch.setattr(migrations, "number_old_chunks", numbered)
            await migrations._apply(owner, every[ledger - 1])
            assert await owner.fetchval("SELECT count(*) FROM ledger_backlog") > 3
            # What comes after the chunks of parking cannot be numbered; they stay numbered, and the next run goes on.
            await owner.execute("INSERT INTO ledger_backlog VALUES ('water', 'public.storage_ages')")
            with pytest.raises(MigrationRefused, match="what was numbered stays"):
                await bring_up_to_date(owner, storage, settings)
            left = await owner.fetch("SELECT feed FROM ledger_backlog")
            assert [row["feed"] for row in left] == ["water"]
            (book,) = await owner.fetch("SELECT stored FROM v_device_ledger")
            assert book["stored"] == 900
            assert await owner.fetchval("SELECT has_table_privilege('district_reader', 'v_device_ledger', 'SELECT')")
            await owner.execute("UPDATE ledger_backlog SET chunk = 'public.gone_meanwhile'")
            assert await bring_up_to_date(owner, storage, settings) == ()
            assert entered == [False, False], "each chunk has a transaction of its own"
            (book,) = await owner.fetch("SELECT sent, stored, gone, missing FROM v_device_ledger")
            assert tuple(book.values()) == (1_001, 900, 100, 1)
            assert await owner.fetchval("SELECT count(*) FROM ledger_backlog") == 0
            await story(owner)
