"""A simulated day in real databases of both editions, and the boards that are asked of it; shared by several files."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.timescale_sink.assets import assets_of, cells_of
from services.timescale_sink.migrations import bring_up_to_date
from services.timescale_sink.register import plan_rows, write_registers
from services.timescale_sink.settings import MigrationSettings
from services.timescale_sink.storage import load_storage
from services.timescale_sink.writer import database_pool
from tests.conftest import local_settings, setup_steps
from tests.grafana_sql import Span, expand, queries, seconds
from tests.integration.community import community_server, connected, prepare, refresh_all
from tests.simulated_day import Day, simulated_day, write

BOARDS = Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "dashboards"


def loaded(language: str) -> list[dict[str, Any]]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted((BOARDS / language).glob("*.json"))]


@pytest.fixture(scope="session")
def day() -> Day:
    """Yesterday and today until now: panels show what is now."""
    return simulated_day(datetime.now(UTC).replace(second=0, microsecond=0), share=3)


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
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
        default = variable.get("current", {}).get("value")
        found[variable["name"]] = (values or ["none"]) if variable.get("includeAll") else [default or values[0]]
    return found


async def shown(connection: asyncpg.Connection, name: str, title: str, **chosen_too: list[str]) -> list[asyncpg.Record]:
    """Rows of a panel of an English board, over the span that the board opens with."""
    board = next(each for each in loaded("en") if each["uid"] == f"jianghan-{name}-en")
    length = timedelta(seconds=seconds(board["time"]["from"].removeprefix("now-")))
    span = Span.last(length, datetime.now(UTC))
    query = next(each for each in queries(board) if each.panel == title and each.ref == "A")
    variables = await chosen(connection, board, span) | chosen_too
    rows: list[asyncpg.Record] = await connection.fetch(expand(query.sql, span, variables))
    return rows


def board_of(name: str) -> dict[str, Any]:
    return next(each for each in loaded("en") if each["uid"] == f"jianghan-{name}-en")
