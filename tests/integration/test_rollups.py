"""Rollups equal raw, whatever comes late, twice or is taken away, across chunks, compressed or not; both editions."""

from __future__ import annotations

# ruff: noqa: E501 - SQL, one thought a line
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.stack import Stack
from schemas.fields import Feed
from services.timescale_sink.history import RolledUp, roll_up
from services.timescale_sink.migrations import bring_up_to_date
from services.timescale_sink.policies import LEVELS
from services.timescale_sink.settings import MigrationSettings
from services.timescale_sink.storage import load_storage
from tests.integration.alert_histories import any_order_ends_the_same
from tests.integration.community import community_server, connected, prepare, refresh_all

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
WIDTHS = {"minutes": "1 minute", "hours": "1 hour", "days": "1 day"}
INSERT = """
INSERT INTO parking_readings (device_id, group_id, boot_id, seq, observed_at, quality, quality_codes, lane, lot_name,
    total_spaces, free_spaces, out_of_service_spaces, received_at, kafka_partition, kafka_offset)
VALUES ($1, 'cbd', 'rollups', $2, $3, 'good', '{}', 'live', NULL, 100, $4, 0, $3, 0, $2)
ON CONFLICT DO NOTHING"""
RAW = """
SELECT device_id, date_bin('{width}', observed_at, TIMESTAMPTZ '2000-01-01 00:00:00+08') AS bucket,
    count(*) AS n, sum(free_spaces)::float8 AS free, min(free_spaces) AS least, max(free_spaces) AS most, min(observed_at) AS first_at,
    max(observed_at) AS last_at
FROM parking_readings WHERE boot_id = 'rollups' GROUP BY 1, 2 ORDER BY 1, 2"""
ROLLED = """
SELECT device_id, bucket, n, free_spaces_sum AS free, free_spaces_min AS least, free_spaces_max AS most, first_at, last_at
FROM v_parking_{level} WHERE device_id LIKE 'rollup-%' ORDER BY 1, 2"""


@pytest.fixture(scope="module")
async def apache(stack: Stack) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(stack.environment("operator")["DATABASE_OWNER_URL"])
    yield connection
    await connection.execute("DELETE FROM parking_readings WHERE boot_id = 'rollups'")
    await connection.close()


@pytest.fixture(scope="module")
async def community() -> AsyncIterator[Any]:
    settings = MigrationSettings.model_construct(writer_role="district_writer", reader_role="district_reader")
    storage = load_storage(MigrationSettings.model_fields["storage_file"].default)
    async with community_server() as address:
        await prepare(address)
        async with connected(address, "district_owner") as owner:
            await bring_up_to_date(owner, storage, settings)
            yield owner


async def fill(owner: Any, seq: int, times: list[datetime], dice: random.Random) -> int:
    """One write, all its rows in one statement's transaction; returns the next number."""
    rows = [(f"rollup-{dice.randrange(3)}", seq + n, at, dice.randrange(101)) for n, at in enumerate(times)]
    async with owner.transaction():
        await owner.executemany(INSERT, rows + rows[:3])
    return seq + len(rows)


async def same(owner: Any) -> None:
    for level in LEVELS:
        raw = [tuple(row) for row in await owner.fetch(RAW.format(width=WIDTHS[level]))]
        rolled = [tuple(row) for row in await owner.fetch(ROLLED.format(level=level))]
        assert raw == rolled, level
    assert raw


async def story(owner: Any, *, fold: Any, compress: Any) -> None:
    """Five weeks in five chunks; then late writes over all of them in one transaction, repeats, deletes."""
    dice = random.Random(5)
    weeks = [NOW - timedelta(days=35) + timedelta(minutes=97 * n) for n in range(500)]
    seq = await fill(owner, 0, weeks, dice)
    await same(owner)
    await fold(owner)
    await same(owner)
    await compress(owner)
    # One late write that spans every chunk, the edges of local days included.
    midnight = (NOW - timedelta(days=20)).replace(hour=16, minute=0)
    late = [weeks[dice.randrange(500)] + timedelta(seconds=dice.randrange(60)) for _ in range(60)]
    late += [midnight, midnight - timedelta(microseconds=1), midnight + timedelta(days=7)]
    seq = await fill(owner, seq, sorted(late), dice)
    await fold(owner)
    await same(owner)
    await owner.execute(
        "DELETE FROM parking_readings WHERE boot_id = 'rollups' AND seq % 7 = 0 AND observed_at > $1", weeks[100]
    )
    await fold(owner)
    await same(owner)
    # What the policies do not wait for: the newest readings are there at once.
    await fill(owner, seq, [NOW], dice)
    await same(owner)


async def nothing(_: Any) -> None:
    """The Apache edition has no compression."""


async def fold_hours(owner: Any) -> None:
    """As the sink does; see `test_kept_hours` for what may come between."""
    while await owner.fetchval("SELECT fold_hours('parking', 50)") is not None:
        pass
    assert await owner.fetchval("SELECT count(*) FROM parking_hours WHERE device_id LIKE 'rollup-%'") > 100


async def test_views_over_raw_equal_raw(apache: Any) -> None:
    await story(apache, fold=nothing, compress=nothing)
    await apache.execute("DELETE FROM parking_readings WHERE boot_id = 'rollups'")


async def test_kept_hours_equal_raw(apache: Any) -> None:
    await story(apache, fold=fold_hours, compress=nothing)


async def test_rollups_equal_raw(community: Any) -> None:
    async def compress(owner: Any) -> None:
        done = await owner.fetch(
            "SELECT compress_chunk(c) FROM show_chunks('parking_readings', older_than => INTERVAL '14 days') AS c"
        )
        assert len(done) >= 3

    await story(community, fold=refresh_all, compress=compress)


async def test_an_import_never_takes_from_a_rollup(community: Any) -> None:
    """Readings of a day went for their age; an import brings a few of them again, and a later day anew."""
    day = (NOW - timedelta(days=500)).replace(hour=16, minute=0)
    gone, anew, length = day, day + timedelta(days=2), timedelta(days=1)
    rolled = "SELECT bucket, n FROM v_parking_days WHERE device_id = 'import-1' ORDER BY 1"

    async def bring(first: int, begin: datetime, count: int) -> None:
        rows = [("import-1", first + n, begin + timedelta(minutes=n), 5) for n in range(count)]
        await community.executemany(INSERT, rows)

    await bring(700_000, gone, 10)
    done = await roll_up(community, Feed.PARKING, gone, gone + timedelta(minutes=9))
    assert done == RolledUp([(gone, gone + length)], [])
    await community.execute(
        "SELECT drop_chunks('parking_readings', older_than => $1::timestamptz, newer_than => $2::timestamptz)",
        day + timedelta(days=9),
        day - timedelta(days=9),
    )
    await bring(800_000, gone, 2)
    await bring(800_100, anew, 3)
    done = await roll_up(community, Feed.PARKING, gone, anew + timedelta(minutes=2))
    assert done == RolledUp([(anew, anew + length)], [gone])
    assert [tuple(row) for row in await community.fetch(rolled)] == [(gone, 10), (anew, 3)]
    await bring(900_000, gone, 8)  # all of it is back
    done = await roll_up(community, Feed.PARKING, gone, gone + timedelta(minutes=9))
    assert done == RolledUp([(gone, gone + length)], [])
    await community.execute("DELETE FROM parking_readings WHERE device_id = 'import-1'")


async def test_no_bucket_is_made_by_the_name_of_a_zone(community: Any) -> None:
    views = await community.fetch("SELECT view_definition FROM timescaledb_information.continuous_aggregates")
    assert len(views) == len(Feed) * len(LEVELS)
    for (definition,) in views:
        assert "-08:00:00" in definition
        assert "Asia/" not in definition
        assert "timezone" not in definition


async def test_policies_are_those_of_the_settings_and_safe_for_late_data(community: Any) -> None:
    storage = load_storage(MigrationSettings.model_fields["storage_file"].default)
    jobs = await community.fetch(
        "SELECT proc_name, count(*) AS n, min(config::text) AS config FROM timescaledb_information.jobs"
        " WHERE proc_name LIKE 'policy_%' GROUP BY 1"
    )
    counts = {row["proc_name"]: row["n"] for row in jobs}
    assert counts["policy_refresh_continuous_aggregate"] == 15
    assert counts["policy_retention"] == 15  # of rollups; readings go by `drop_expired_chunks`
    assert counts["policy_compression"] == 5 + 2
    (refresh,) = (row["config"] for row in jobs if row["proc_name"] == "policy_refresh_continuous_aggregate")
    assert f"{storage.refresh.back_days} days" in refresh


async def test_running_the_migrations_again_changes_nothing(community: Any) -> None:
    settings = MigrationSettings.model_construct(writer_role="district_writer", reader_role="district_reader")
    before = await community.fetchval("SELECT count(*) FROM timescaledb_information.jobs")
    assert await bring_up_to_date(community, load_storage(_default("storage_file")), settings) == ()
    assert await community.fetchval("SELECT count(*) FROM timescaledb_information.jobs") == before


def _default(name: str) -> Path:
    found: Path = MigrationSettings.model_fields[name].default
    return found


async def test_chunks_past_their_age_go_and_others_stay(apache: Any) -> None:
    await past_their_age(apache)


async def test_chunks_past_their_age_go_on_the_community_edition_too(community: Any) -> None:
    await past_their_age(community)


async def past_their_age(owner: Any) -> None:
    """History that was taken in just now stays, whatever its age; in fourteen months it goes, and a recent chunk too."""
    old = NOW - timedelta(days=800)
    await owner.execute(INSERT, "age-1", 900_001, old, 5)
    assert await owner.fetch("SELECT * FROM drop_expired_chunks(8)") == []
    assert await owner.fetchval("SELECT count(*) FROM parking_readings WHERE device_id = 'age-1'") == 1
    ages = {months: NOW + timedelta(days=30.5 * months) for months in (12, 14)}
    none, both = [
        await owner.fetch(
            "SELECT * FROM expired_chunks($1) WHERE relation = 'parking_readings' AND $2 BETWEEN range_start AND range_end",
            moment,
            old,
        )
        for moment in ages.values()
    ]
    assert none == []
    assert len(both) == 1
    begun = owner.transaction()
    await begun.start()
    dropped = await owner.fetch("SELECT * FROM drop_expired_chunks($1, 1000)", ages[14])
    assert both[0]["chunk"] in {row["chunk"] for row in dropped}
    assert await owner.fetchval("SELECT count(*) FROM parking_readings WHERE device_id = 'age-1'") == 0
    await begun.rollback()
    await owner.execute("DELETE FROM parking_readings WHERE device_id = 'age-1'")


async def test_the_writer_cannot_shorten_an_age(stack: Stack) -> None:
    writer = await asyncpg.connect(stack.environment("operator")["DATABASE_URL"])
    try:
        assert await writer.fetch("SELECT relation, chunk FROM drop_expired_chunks(8)") == []
        for attempt in (
            "UPDATE storage_ages SET months = 1",
            "SELECT * FROM drop_expired_chunks(now() + INTERVAL '90 years', 1)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await writer.execute(attempt)
    finally:
        await writer.close()


async def test_alerts_in_any_order_end_in_the_same_rows_on_the_community_edition(community: Any) -> None:
    """Here beside the rollups, since its one server is up."""
    transaction = community.transaction()
    await transaction.start()
    await any_order_ends_the_same(community, seeds=10)
    await transaction.rollback()
