"""Every query of every board against the real database filled by a simulated day, as the reader, on both editions."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.timescale_sink.assets import assets_of, cells_of
from services.timescale_sink.editions import Edition
from services.timescale_sink.migrations import bring_up_to_date
from services.timescale_sink.register import plan_rows, write_registers
from services.timescale_sink.settings import MigrationSettings
from services.timescale_sink.storage import load_storage
from services.timescale_sink.writer import database_pool
from tests.conftest import local_settings, setup_steps
from tests.grafana_sql import Query, Span, expand, queries, seconds, shape_faults
from tests.integration.community import community_server, connected, prepare, refresh_all
from tests.simulated_day import Day, simulated_day, write

BOARDS = Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "dashboards"
MAY_BE_EMPTY = {
    "jianghan-plan/Trajectory to the due date/C": "the plan's due date is past: there is no way to it any more",
}
"""Queries that are rightly without rows after a simulated day; a list of alerts may always be empty."""


def loaded(language: str) -> list[dict[str, Any]]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted((BOARDS / language).glob("*.json"))]


@pytest.fixture(scope="module")
def day() -> Day:
    """Yesterday and today until now: panels show what is now."""
    return simulated_day(datetime.now(UTC).replace(second=0, microsecond=0), share=3)


@pytest.fixture(scope="module")
async def apache(day: Day, state_folder: Path) -> AsyncIterator[asyncpg.Connection]:
    """A database of its own, filled; connected as the reader."""
    settings = local_settings(state_folder / "boards").model_copy(
        update={"mqtt_url": None, "kafka_bootstrap": "127.0.0.1:1"}
    )
    steps = [step for step in setup_steps() if step.name != "topics"]
    async with Stack(settings, setup=steps) as running:
        environment = running.environment("operator")
        async with database_pool(environment["DATABASE_URL"]) as pool:
            await write(day, pool)
        connection = await asyncpg.connect(environment["DATABASE_READER_URL"])
        yield connection
        await connection.close()


@pytest.fixture(scope="module")
async def community(apache: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """The community edition with the newest part of the same rows, refreshed rollups and compressed chunks."""
    settings = MigrationSettings.model_construct(writer_role="district_writer", reader_role="district_reader")
    defaults = MigrationSettings.model_fields
    async with community_server() as address:
        await prepare(address)
        async with connected(address, "district_owner") as owner:
            await bring_up_to_date(owner, load_storage(defaults["storage_file"].default), settings)
            register = defaults["district_file"].default.read_text(encoding="utf-8")
            cells = defaults["population_grid"].default.read_text(encoding="utf-8")
            assets = [*assets_of(register, file="district"), *cells_of(cells, file="cells")]
            await write_registers(owner, assets, plan_rows(defaults["plan_folder"].default))
            for view in COPIED:
                await _copy(apache, owner, view)
            await refresh_all(owner)
            await owner.execute("SELECT compress_chunk(c) FROM show_chunks('parking_readings') AS c")
        async with connected(address, "district_reader") as reader:
            yield reader


COPIED = (
    "ev_readings",
    "water_readings",
    "parking_readings",
    "emergency_readings",
    "tax_readings",
    "indicators",
    "indicator_history",
    "alerts",
    "alert_events",
    "devices",
    "sink_progress",
    "intake_minutes",
)
ROWS = 2_000
"""The newest rows of each table: the WebAssembly build is for proof, not for load."""


async def _copy(source: asyncpg.Connection, target: asyncpg.Connection, table: str) -> None:
    columns = [
        row["attname"]
        for row in await target.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped",
            table,
        )
    ]
    view = "v_alerts" if table == "alerts" else f"v_{table}"
    if table == "alerts":
        return
    listed = ", ".join(columns)
    order = "stored_at DESC" if "stored_at" in columns else "1"
    if table == "indicators":  # what the plan asks for first
        order = "id IN (SELECT id FROM v_plan_targets) DESC, period_start DESC"
    rows = await source.fetch(f"SELECT {listed} FROM {view} ORDER BY {order} LIMIT {ROWS}")
    places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    await target.executemany(
        f"INSERT INTO {table} ({listed}) VALUES ({places}) ON CONFLICT DO NOTHING", [tuple(row) for row in rows]
    )


async def chosen(
    connection: asyncpg.Connection, board: dict[str, Any], span: Span, *, may_be_empty: bool = False
) -> dict[str, list[str]]:
    """Every value of each variable, in the order in which they depend on one another."""
    found: dict[str, list[str]] = {}
    for variable in board["templating"]["list"]:
        if variable["type"] == "constant":
            found[variable["name"]] = [variable["query"]]
            continue
        rows = await connection.fetch(expand(variable["query"], span, found))
        values = [row["__value"] if "__value" in dict(row) else row[0] for row in rows]
        assert values or may_be_empty, f"{board['uid']}: the variable {variable['name']} has no values"
        found[variable["name"]] = (values or ["none"]) if variable.get("includeAll") else [variable["current"]["value"]]
    return found


async def faults_of(connection: asyncpg.Connection, language: str, *, rows_wanted: bool) -> list[str]:
    """What is wrong with the panels of a language, over spans that make each level of rollup answer.

    The span that a board opens with is one of them, and there must be something to see in it.
    """
    found = []
    now = datetime.now(UTC)
    for board in loaded(language):
        wide = timedelta(days=365) if "tax" in board["uid"] else timedelta(hours=40)
        first = timedelta(seconds=seconds(board["time"]["from"].removeprefix("now-")))
        for length in {first, wide, timedelta(days=30), timedelta(days=800)}:
            span = Span.last(length, now)
            variables = await chosen(connection, board, span)
            for query in (*queries(board), *annotations(board)):
                place = Span.last(length, now, points=query.points, least_s=query.interval_s)
                found += await _faults(
                    connection,
                    query,
                    expand(query.sql, place, variables),
                    rows_wanted=rows_wanted and length in {first, wide},
                )
    return found


def annotations(board: dict[str, Any]) -> Iterator[Query]:
    for each in board["annotations"]["list"]:
        if "target" in each and "rawSql" in each["target"]:
            yield Query(board["uid"], each["name"], "annotation", each["target"]["rawSql"], table=True)


async def _faults(connection: asyncpg.Connection, query: Query, sql: str, *, rows_wanted: bool) -> list[str]:
    name = query.name
    try:
        statement = await connection.prepare(sql)
        rows = await statement.fetch()
    except asyncpg.PostgresError as error:
        return [f"{name}: {error}"]
    columns = {each.name: each.type.name for each in statement.get_attributes()}
    found = [f"{name}: {fault}" for fault in shape_faults(query, columns)]
    if (
        rows_wanted
        and not rows
        and name not in MAY_BE_EMPTY
        and query.panel != "Open alerts"
        and query.kind != "annotation"
    ):
        found.append(f"{name}: no rows")
    return found


async def test_every_panel_answers_on_the_apache_edition(apache: asyncpg.Connection) -> None:
    assert await apache.fetchval("SELECT edition FROM v_edition") == Edition.APACHE
    assert await faults_of(apache, "en", rows_wanted=True) == []
    assert await faults_of(apache, "zh", rows_wanted=False) == []


async def test_every_panel_answers_on_the_community_edition(community: asyncpg.Connection) -> None:
    assert await community.fetchval("SELECT edition FROM v_edition") == Edition.COMMUNITY
    assert await faults_of(community, "en", rows_wanted=False) == []


async def test_both_editions_have_the_same_views_and_columns(
    apache: asyncpg.Connection, community: asyncpg.Connection
) -> None:
    ask = """
SELECT c.relname::text AS view, a.attname::text AS column, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'v' AND c.relname LIKE 'v\\_%' ORDER BY 1, a.attnum"""
    one = [tuple(row) for row in await apache.fetch(ask)]
    assert one == [tuple(row) for row in await community.fetch(ask)]


async def test_a_panel_with_an_unknown_column_is_found(apache: asyncpg.Connection) -> None:
    query = Query("b", "p", "timeseries", "SELECT nonsense FROM v_ev_minutes", table=False)
    (fault,) = await _faults(apache, query, query.sql, rows_wanted=True)
    assert 'column "nonsense" does not exist' in fault
    query = Query("b", "p", "table", "SELECT 1 AS one", table=True, named=("two",))
    (fault,) = await _faults(apache, query, query.sql, rows_wanted=True)
    assert "two" in fault


async def test_the_reader_sees_views_and_nothing_else(apache: asyncpg.Connection) -> None:
    for table in ("ev_readings", "alerts", "schema_migrations", "storage_ages"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await apache.fetch(f"SELECT 1 FROM {table}")
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
        await apache.fetch("SELECT drop_expired_chunks(8)")
