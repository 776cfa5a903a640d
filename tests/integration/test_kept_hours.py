"""Apache edition: hours that the sink keeps say what the readings say, at every moment and whoever comes between."""

from __future__ import annotations

# ruff: noqa: E501 - SQL, one thought a line
import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import structlog

from deploy.local.stack import Stack
from schemas.fields import Feed
from services.runtime.health import Health
from services.timescale_sink import migrations, rollups
from services.timescale_sink.editions import Edition
from services.timescale_sink.history import RolledUp, roll_up
from services.timescale_sink.migrations import bring_up_to_date, read_migrations
from services.timescale_sink.settings import MigrationSettings, SinkSettings
from services.timescale_sink.storage import load_storage
from services.timescale_sink.writer import database_pool
from tests.integration.fresh_database import as_owner, fresh_database

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
INSERT = """
INSERT INTO parking_readings (device_id, group_id, boot_id, seq, observed_at, quality, quality_codes, lane,
    total_spaces, free_spaces, out_of_service_spaces, received_at, kafka_partition, kafka_offset)
SELECT $1, 'cbd', 'kept', $2 + n, $3::timestamptz + n * $4::interval, 'good', '{}', $6, 100, n % 100, 0, now(), 0, $2 + n
FROM generate_series(0, $5 - 1) AS n"""
RAW = """
SELECT lane, device_id, date_bin($1, observed_at, TIMESTAMPTZ '2000-01-01 00:00:00+08') AS bucket, count(*) AS n, sum(free_spaces)::float8 AS free,
    min(free_spaces) AS least, max(free_spaces) AS most, min(observed_at) AS first_at, max(observed_at) AS last_at
FROM parking_readings GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
SAID = """
SELECT lane, device_id, bucket, n, free_spaces_sum AS free, free_spaces_min AS least, free_spaces_max AS most, first_at, last_at
FROM v_parking_{level} ORDER BY 1, 2, 3"""
MARKED = "SELECT DISTINCT bucket FROM rollup_marks WHERE feed = 'parking' ORDER BY 1"
KEPT = "SELECT bucket, n FROM parking_hours ORDER BY 1"


@pytest.fixture
async def address(stack: Stack) -> AsyncIterator[str]:
    async with fresh_database(stack, "kept_hours") as found, as_owner(found) as owner:
        await bring_up_to_date(owner, _storage(), MigrationSettings.model_construct())
        # As if the hours of the last three days were still open, so that a test closes them.
        await owner.execute("UPDATE rollup_progress SET closed_before = $1", NOW - 72 * HOUR)
        yield found


@pytest.fixture
async def owner(address: str) -> AsyncIterator[Any]:
    async with as_owner(address) as connection:
        yield connection


@pytest.fixture
async def other(address: str) -> AsyncIterator[Any]:
    async with as_owner(address) as connection:
        yield connection


def _storage() -> Any:
    return load_storage(MigrationSettings.model_fields["storage_file"].default)


async def write(
    connection: Any, seq: int, at: datetime, count: int = 1, *, lane: str = "live", device: str = "lot-1"
) -> None:
    """Readings every seven minutes."""
    await connection.execute(INSERT, device, seq, at, timedelta(minutes=7), count, lane)


async def fold(connection: Any, turns: int = 10_000) -> int:
    """Turns until there is nothing to do; returns how many hours were folded."""
    folded = 0
    for _ in range(turns):
        done = await connection.fetchval("SELECT fold_hours('parking', 12)")
        if done is None:
            break
        folded += done
    return folded


async def exact(connection: Any) -> None:
    """Hours and days say what the readings say."""
    for level, width in (("hours", HOUR), ("days", 24 * HOUR)):
        raw = [tuple(row) for row in await connection.fetch(RAW, width)]
        said = [tuple(row) for row in await connection.fetch(SAID.format(level=level))]
        assert raw == said, level


async def test_an_hour_that_is_over_is_answered_from_what_is_kept(owner: Any) -> None:
    await write(owner, 0, NOW - 30 * HOUR, 250)
    await exact(owner)
    assert await owner.fetch(MARKED) == [], "open hours are not marked: live readings cost nothing"
    assert await fold(owner) > 24
    assert await owner.fetch(MARKED) == []
    await exact(owner)
    await owner.execute("UPDATE parking_hours SET n = n + 1000 WHERE bucket = $1", NOW - 20 * HOUR)
    assert await owner.fetchval("SELECT n FROM v_parking_hours WHERE bucket = $1", NOW - 20 * HOUR) > 1000
    assert await owner.fetchval("SELECT max(n) FROM v_parking_days") > 1000
    await write(owner, 1000, NOW - 20 * HOUR)  # late: read from the readings at once, kept anew later
    await exact(owner)
    assert [row["bucket"] for row in await owner.fetch(MARKED)] == [NOW - 20 * HOUR]
    assert await fold(owner) == 1
    await exact(owner)


async def test_what_comes_late_twice_and_goes_over_several_days(owner: Any) -> None:
    await write(owner, 0, NOW - 70 * HOUR, 600)
    await fold(owner)
    # TimescaleDB moves no row from one chunk into another.
    later, week = "observed_at + INTERVAL '1 hour'", "extract(epoch FROM {})::bigint / 604800"
    for change in (
        "UPDATE parking_readings SET free_spaces = 77 WHERE seq % 11 = 0",
        "DELETE FROM parking_readings WHERE seq % 7 = 0",
        f"UPDATE parking_readings SET observed_at = {later} WHERE seq % 13 = 0 AND {week.format(later)} = {week.format('observed_at')}",
        "DELETE FROM parking_readings WHERE observed_at < now() - INTERVAL '60 hours'",
    ):
        await owner.execute(change)
        await exact(owner)
        await fold(owner, turns=2)
        await exact(owner)
        await fold(owner)
        assert await owner.fetch(MARKED) == []
        await exact(owner)
    await write(owner, 5_000, NOW - 68 * HOUR, 500, lane="replay:day")
    await exact(owner)
    await fold(owner)
    await exact(owner)


async def test_who_writes_while_an_hour_is_folded_leaves_it_stale(owner: Any, other: Any) -> None:
    late = NOW - 40 * HOUR
    await write(owner, 0, late, 300)
    await fold(owner)
    await write(owner, 1_000, late)
    begun = other.transaction()
    await begun.start()
    await write(other, 2_000, late + timedelta(minutes=1))
    assert await fold(owner) == 1, "it does not wait for who writes"
    await exact(owner)
    await begun.commit()
    await exact(owner)
    assert [row["bucket"] for row in await owner.fetch(MARKED)] == [late]
    # The other way round: the folding is not committed yet when somebody writes, who does not wait for it either.
    folding = owner.transaction()
    await folding.start()
    assert await fold(owner, turns=1) == 1
    await write(other, 3_000, late + timedelta(minutes=2))
    await exact(other)
    await folding.commit()
    await exact(other)
    assert [row["bucket"] for row in await owner.fetch(MARKED)] == [late]
    assert await fold(owner) == 1
    await exact(owner)


async def test_a_write_that_began_before_its_hour_was_closed_is_waited_for(owner: Any, other: Any) -> None:
    """It made no mark, since the hour was open."""
    await write(owner, 0, NOW - 30 * HOUR, 200)
    begun = other.transaction()
    await begun.start()
    await write(other, 1_000, NOW - 10 * HOUR)
    assert await fold(owner) == 0, "closed, and nothing folded while it runs"
    assert NOW - 10 * HOUR in {row["bucket"] for row in await owner.fetch(MARKED)}
    await exact(owner)
    await begun.commit()
    await exact(owner)
    assert await fold(owner) > 24
    await exact(owner)


async def test_a_transaction_that_sees_an_older_state_writes_no_readings(owner: Any) -> None:
    """It would not know that an hour has been closed."""
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="read committed"):
        async with owner.transaction(isolation="repeatable_read"):
            await write(owner, 0, NOW - 30 * HOUR)


async def test_many_stale_hours_are_read_as_few_spans(owner: Any) -> None:
    await write(owner, 0, NOW - 70 * HOUR, 600)
    await fold(owner)
    await write(owner, 1_000, NOW - 60 * HOUR, 170)  # twenty hours on end
    await write(owner, 2_000, NOW - 30 * HOUR)
    spans = await owner.fetch("SELECT since, until FROM rollup_spans WHERE feed = 'parking' ORDER BY 1")
    assert [tuple(row) for row in spans[:-1]] == [
        (NOW - 60 * HOUR, NOW - 40 * HOUR),
        (NOW - 30 * HOUR, NOW - 29 * HOUR),
    ]
    await exact(owner)


async def test_a_kill_between_writing_and_folding_loses_nothing(address: str, owner: Any) -> None:
    await write(owner, 0, NOW - 30 * HOUR, 250)
    await fold(owner)
    await write(owner, 1_000, NOW - 25 * HOUR, 100)
    killed = await asyncpg.connect(address)
    await killed.execute("BEGIN")
    assert await killed.fetchval("SELECT fold_hours('parking', 5)") == 5
    pid = await killed.fetchval("SELECT pg_backend_pid()")
    killed.terminate()
    for _ in range(400):
        if not await owner.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid):
            break
        await asyncio.sleep(0.05)  # until the server has noticed, it holds its locks
    await exact(owner)
    assert await fold(owner) > 5
    assert await owner.fetch(MARKED) == []
    await exact(owner)


async def test_two_sinks_fold_one_after_the_other(owner: Any, other: Any) -> None:
    await write(owner, 0, NOW - 30 * HOUR, 250)
    await fold(owner)
    await write(owner, 1_000, NOW - 25 * HOUR, 100)
    async with owner.transaction():
        assert await fold(owner, turns=1) > 0
        assert await fold(other) == 0
    await fold(other)
    await exact(owner)


async def test_retention_folds_first_and_what_is_kept_outlives_the_readings(address: str, owner: Any) -> None:
    old = datetime(2020, 3, 2, 4, tzinfo=UTC)
    await write(owner, 0, old, 100)
    await fold(owner)
    await write(owner, 1_000, old, 5, device="lot-2")  # late, and not folded when the readings go
    before = [tuple(row) for row in await owner.fetch(SAID.format(level="days"))]
    await _long_ago(address)
    dropped = await owner.fetch("SELECT * FROM drop_expired_chunks(now(), 8)")
    assert [row["relation"] for row in dropped] == ["parking_readings"]
    assert await owner.fetchval("SELECT count(*) FROM parking_readings") == 0
    assert [tuple(row) for row in await owner.fetch(SAID.format(level="days"))] == before
    await fold(owner)
    assert [tuple(row) for row in await owner.fetch(SAID.format(level="days"))] == before
    await owner.execute("UPDATE storage_ages SET months = 14 WHERE what = 'hours'")
    await _long_ago(address)
    assert [row["relation"] for row in await owner.fetch("SELECT * FROM drop_expired_chunks(now(), 8)")] == [
        "parking_hours"
    ]
    assert await owner.fetch("SELECT FROM v_parking_hours") == []


async def _long_ago(address: str) -> None:
    superuser = await asyncpg.connect(address)
    await superuser.execute("UPDATE _timescaledb_catalog.chunk SET creation_time = now() - INTERVAL '20 years'")
    await superuser.close()


async def test_an_import_never_takes_from_what_is_kept(address: str, owner: Any) -> None:
    """Readings of an old day went for their age; a part of it comes again, then all of it; another day comes anew."""
    gone, anew = (datetime(2020, 3, day, 16, tzinfo=UTC) for day in (2, 4))
    days = "SELECT bucket, sum(n)::int AS n FROM v_parking_days GROUP BY 1 ORDER BY 1"
    await write(owner, 0, gone, 12)
    await write(owner, 100, gone, 4, device="lot-2")
    await fold(owner)
    await _long_ago(address)
    assert len(await owner.fetch("SELECT * FROM drop_expired_chunks(now(), 8)")) == 1
    await write(owner, 200, gone, 3)
    await write(owner, 300, anew, 5)
    assert await owner.fetchval("SELECT sum(n) FROM v_parking_days WHERE bucket = $1", gone) == 16
    done = await roll_up(owner, Feed.PARKING, gone, anew + HOUR)
    assert done == RolledUp([(anew, anew + 24 * HOUR)], [gone])
    assert [tuple(row) for row in await owner.fetch(days)] == [(gone, 16), (anew, 5)]
    await write(owner, 400, gone + timedelta(minutes=1), 12)
    await write(owner, 500, gone, 4, device="lot-2")
    done = await roll_up(owner, Feed.PARKING, gone, gone + HOUR)
    assert done == RolledUp([(gone, gone + 24 * HOUR)], [])
    await exact(owner)
    await fold(owner)
    assert await owner.fetch(MARKED) == []
    await exact(owner)


async def test_a_database_from_before_is_exact_at_once_and_folded_bit_by_bit(stack: Stack) -> None:
    every = read_migrations(Edition.APACHE)
    number = next(m.number for m in every if "rollup_marks" in m.sql)
    async with fresh_database(stack, "before_hours") as address, as_owner(address) as owner:
        await owner.execute(migrations._LEDGER)
        for migration in every[: number - 1]:
            await migrations._apply(owner, migration)
        for week in range(4):
            await write(owner, week * 1_000, NOW - timedelta(days=7 * week, hours=30), 200)
        before = [tuple(row) for row in await owner.fetch(SAID.format(level="hours"))]
        for migration in every[number - 1 :]:
            await migrations._apply(owner, migration)
        assert [tuple(row) for row in await owner.fetch(SAID.format(level="hours"))] == before
        await exact(owner)
        marked = len(await owner.fetch(MARKED))
        assert marked > 4 * 24
        folded = [await owner.fetchval("SELECT fold_hours('parking', 12)") for _ in range(6)]
        assert max(folded) <= 12
        newest = await owner.fetchval("SELECT max(bucket) FROM parking_hours")
        assert newest > NOW - 40 * HOUR, "the newest first"
        await exact(owner)
        await fold(owner)
        assert await owner.fetch(MARKED) == []
        assert await owner.fetchval("SELECT count(*) FROM parking_hours") == len(before)
        await exact(owner)


class Quiet:
    """A lifetime that ends at its first long pause."""

    def __init__(self) -> None:
        self.log = structlog.get_logger()
        self.health = Health()
        self.stopping = False

    async def pause(self, seconds: float) -> bool:
        self.stopping = seconds >= 30
        return self.stopping


async def test_the_sink_folds_as_the_writer_and_says_what_is_left(stack: Stack) -> None:
    """In a database of its own: the session's has the hours of years that others wrote."""
    day = NOW - 24 * HOUR
    lifetime: Any = Quiet()
    async with fresh_database(stack, "folded") as address:
        async with as_owner(address) as owner:
            await bring_up_to_date(owner, _storage(), MigrationSettings.model_construct())
        url = f"{address}?role=district_writer"
        settings = SinkSettings.model_validate({"DATABASE_URL": url})
        async with database_pool(url) as pool:
            await write(pool, 0, day, 3, device="lot-fold")
            found = {each.feed: each for each in await rollups.stale(pool)}
            assert found["parking"].hours == 1
            assert found["parking"].oldest is not None
            assert found["parking"].oldest <= day
            rollups.tell(list(found.values()), lifetime)
            assert "parking 1, the oldest" in lifetime.health.report()[1]["remarks"]["rollups"]
            await rollups.keep_rollups(pool, settings, lifetime)
            assert lifetime.stopping
            assert [each.hours for each in await rollups.stale(pool)] == [0] * len(Feed)
            assert "all hours that are over are folded" in lifetime.health.report()[1]["remarks"]["rollups"]
            assert await pool.fetchval("SELECT n FROM parking_hours WHERE device_id = 'lot-fold'") == 3
            assert await pool.fetchval("SELECT current_user") == "district_writer"
