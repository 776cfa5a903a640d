"""What the boards cost: each panel's time over 6 hours, 24 hours and 30 days of 500 devices at a reading a minute.

`--days 30 --runs 20`: how much, and how often each panel is asked. `BOARDS_DATABASE_OWNER_URL` names a database of your
own with the extension and the three roles (the community edition, say); without it the local server is started.

Readings are made in the database, which is fast. Verdicts are those of one simulated day of the whole district, judged by
the real rules and written by the real sink, repeated for each day; each water reading of the last week has its two
verdicts as well.
"""

from __future__ import annotations

# ruff: noqa: E501 - SQL, one thought a line
import argparse
import asyncio
import json
import os
import re
import shutil
import statistics
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from rich.console import Console
from rich.table import Table

from deploy.local.files import make_folder
from deploy.local.paths import cache_dir
from deploy.local.settings import LocalSettings
from deploy.local.stack import Stack
from schemas.fields import Feed
from services.timescale_sink.assets import assets_of, cells_of
from services.timescale_sink.editions import Edition, edition_of
from services.timescale_sink.migrations import bring_up_to_date
from services.timescale_sink.policies import LEVELS
from services.timescale_sink.register import plan_rows, write_registers
from services.timescale_sink.rollups import HOURS_AT_ONCE
from services.timescale_sink.settings import MigrationSettings
from services.timescale_sink.storage import load_storage
from services.timescale_sink.writer import database_pool
from tests.grafana_sql import Query, Span, expand, queries
from tests.integration.boards_day import chosen
from tests.simulated_day import simulated_day, write

BOARDS = Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "dashboards" / "en"
SPANS = {"6 h": timedelta(hours=6), "24 h": timedelta(hours=24), "30 d": timedelta(days=30)}
CHUNK = timedelta(days=7)
AIMS_MS = {"6 h": 300, "24 h": 300, "30 d": 2_000}
AIM_ROLLED_MS = 300

HEAD = "device_id, group_id, boot_id, seq, observed_at, quality, quality_codes, lane"
TAIL = "received_at, kafka_partition, kafka_offset"
MADE = "'bench', n, at, 'good', '{}'::text[], 'live'"
PLACE = "at + INTERVAL '0.3 s', 0, n"
FILL = {
    Feed.EV: f"""
INSERT INTO ev_readings ({HEAD}, context, status, error_code, rated_power_kw, power_kw, energy_register_kwh, {TAIL})
SELECT d.asset_id, d.parent_id, {MADE}, 'sample_periodic', CASE WHEN p > 0 THEN 'charging' ELSE 'idle' END, 'NoError',
    d.capacity, p, n * 0.4, {PLACE}
FROM devices_of_feed AS d, minutes AS m, LATERAL (SELECT round((greatest(0, sin(n / 90.0 + d.k)) * d.capacity * (0.95 + random() / 10))::numeric, 1)::float8 AS p) AS x""",
    Feed.WATER: f"""
INSERT INTO water_readings ({HEAD}, water_body, water_temp_c, ph, do_mg_l, codmn_mg_l, nh3n_mg_l, tp_mg_l, tn_mg_l, chla_ug_l, {TAIL})
SELECT d.asset_id, d.parent_id, {MADE}, 'lake', round((15 + sin(n / 700.0) + random() / 5)::numeric, 1), round((7.8 + random() / 10)::numeric, 2),
    round((8 + sin(n / 300.0 + d.k) + random() / 4)::numeric, 2), round((4.2 + random() / 2)::numeric, 2),
    round((0.31 + random() / 20)::numeric, 3), round((0.041 + random() / 100)::numeric, 4),
    round((1.1 + random() / 5)::numeric, 2), round((20 + 5 * sin(n / 500.0) + random())::numeric, 1), {PLACE}
FROM devices_of_feed AS d, minutes AS m""",
    Feed.PARKING: f"""
INSERT INTO parking_readings ({HEAD}, total_spaces, free_spaces, out_of_service_spaces, entries_total, exits_total, {TAIL})
SELECT d.asset_id, d.parent_id, {MADE}, 200, (100 + 95 * sin(n / 230.0 + d.k) + 4 * random())::int, 0, n * 2, n * 2 - 40, {PLACE}
FROM devices_of_feed AS d, minutes AS m""",
    Feed.EMERGENCY: f"""
INSERT INTO emergency_readings ({HEAD}, unit_id, unit_type, unit_state, longitude, latitude, {TAIL})
SELECT d.asset_id, 'jianghan', {MADE}, d.asset_id, 'ambulance', 'available',
    114.26 + round((random() / 50)::numeric, 5), 30.60 + round((random() / 50)::numeric, 5), {PLACE}
FROM devices_of_feed AS d, minutes AS m""",
}
SHARES = {Feed.EV: 260, Feed.PARKING: 130, Feed.WATER: 80, Feed.EMERGENCY: 30}
"""500 devices as a district has them; devices beyond the register repeat its places."""
KINDS = {Feed.EV: "connector", Feed.PARKING: "lot", Feed.WATER: "station", Feed.EMERGENCY: "unit"}


VERDICTS = {
    "indicators": "sample_seq = -1",
    "indicator_history": "TRUE",
    "alerts": "ended_at IS NOT NULL",
    "alert_events": "TRUE",
    "emergency_readings": "incident_id IS NOT NULL",
}
"""What is repeated day by day, and which rows of it."""
NEWEST = {"indicators": "period_start", "indicator_history": "period_start", "emergency_readings": "observed_at"}
NAMES = {
    "alerts": {"alert_id"},
    "alert_events": {"alert_id", "event_id"},
    "emergency_readings": {"boot_id", "incident_id"},
}
"""Ids that are new in each repeated day."""
SAMPLE_DAYS = 7
"""Days whose water readings have their verdicts: the chunk that every query of the newest reads."""
SAMPLES = """
INSERT INTO indicators (lane, id, feed, subject, subject_name, period_start, period_end, value, unit, status, status_reason, n,
    completeness, threshold, revision, sample_device_id, sample_boot_id, sample_seq, sample_quality, details, evidence, known_at)
SELECT r.lane, t.id, t.feed, r.device_id, t.subject_name, r.observed_at, r.observed_at, t.value, t.unit, t.status, t.status_reason, 1,
    1, t.threshold, 1, r.device_id, r.boot_id, r.seq, 'good', t.details, t.evidence, r.observed_at
FROM water_readings AS r
CROSS JOIN (SELECT DISTINCT ON (id) * FROM indicators WHERE sample_seq >= 0 AND value IS NOT NULL ORDER BY id) AS t
WHERE r.boot_id = 'bench' AND r.observed_at >= $1 AND r.observed_at < $2"""


async def _fill(owner: Any, days: int, until: datetime) -> int:
    minutes = days * 1440
    for feed, devices in SHARES.items():
        await owner.execute(
            f"""CREATE TEMPORARY TABLE devices_of_feed AS
SELECT CASE WHEN g.k < a.n THEN a.asset_id ELSE concat(a.asset_id, '-', g.k) END AS asset_id, a.parent_id,
    coalesce(a.capacity, 60) AS capacity, g.k
FROM generate_series(0, {devices - 1}) AS g (k)
JOIN (SELECT asset_id, parent_id, capacity, row_number() OVER (ORDER BY asset_id) - 1 AS i, count(*) OVER () AS n
    FROM assets WHERE kind = '{KINDS[feed]}') AS a ON a.i = g.k % a.n"""
        )
        for first in range(0, minutes, 1440):
            minutes_of_day = (
                f"WITH minutes AS MATERIALIZED (SELECT n::bigint, TIMESTAMPTZ '{until.isoformat()}' - ({minutes} - n)"
                f" * INTERVAL '1 minute' AS at FROM generate_series({first}, {first + 1439}) AS n)"
            )
            await owner.execute(minutes_of_day + FILL[feed])
        await owner.execute(
            f"INSERT INTO devices (feed, lane, device_id, group_id, boot_id)"
            f" SELECT '{feed}', 'live', asset_id, coalesce(parent_id, 'jianghan'), 'bench' FROM devices_of_feed"
            " ON CONFLICT DO NOTHING"
        )
        await owner.execute("DROP TABLE devices_of_feed")
    return minutes * sum(SHARES.values())


async def _judge(owner_url: str, owner: Any, days: int, until: datetime) -> int:
    """Verdicts: a simulated day, repeated, and those of every water reading; returns how many rows."""
    async with database_pool(owner_url) as pool:
        await write(simulated_day(until), pool)
    for table, which in VERDICTS.items():
        columns = await owner.fetch(
            "SELECT attname AS name, atttypid::regtype::text AS type FROM pg_attribute"
            " WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped",
            table,
        )
        names = ", ".join(column["name"] for column in columns)
        values = ", ".join(_a_day_ago(table, column) for column in columns)
        last = (
            f" AND {NEWEST[table]} > $2::timestamptz - INTERVAL '1 day'"
            if table in NEWEST
            else " AND $2::timestamptz IS NOT NULL"
        )
        await owner.execute(
            f"CREATE TEMPORARY TABLE newest AS SELECT * FROM {table} WHERE {which}{last}".replace(
                "$2", f"'{until.isoformat()}'"
            )
        )
        for day in range(1, days):
            await owner.execute(
                f"INSERT INTO {table} ({names}) SELECT {values} FROM newest ON CONFLICT DO NOTHING".replace(
                    "$1", str(day)
                )
            )
        await owner.execute("DROP TABLE newest")
    await owner.execute(
        "INSERT INTO intake_minutes (minute, feed, readings, stored, live, arrival_s_sum, arrival_s_max, storing_s_sum, storing_s_max)"
        " SELECT m, f, 100, 100, 100, 20, 0.5, 10, 0.3 FROM generate_series($1::timestamptz, $2, INTERVAL '1 minute') AS m,"
        " unnest($3::text[]) AS f ON CONFLICT DO NOTHING",
        until - timedelta(days=days),
        until,
        [feed.value for feed in Feed],
    )
    for day in range(min(days, SAMPLE_DAYS)):
        await owner.execute(SAMPLES, until - timedelta(days=day + 1), until - timedelta(days=day))
    return int(
        await owner.fetchval(
            "SELECT (SELECT count(*) FROM indicators) + (SELECT count(*) FROM indicator_history) + (SELECT count(*) FROM alert_events)"
        )
    )


def _a_day_ago(table: str, column: Any) -> str:
    name = column["name"]
    if column["type"] == "timestamp with time zone":
        return f"{name} - $1 * INTERVAL '1 day'"
    return f"{name} || '-$1'" if name in NAMES.get(table, ()) else str(name)


async def _prepare(owner: Any) -> Edition:
    settings = MigrationSettings.model_construct(writer_role="district_writer", reader_role="district_reader")
    files = {
        name: MigrationSettings.model_fields[name].default
        for name in ("storage_file", "district_file", "population_grid", "plan_folder")
    }
    await bring_up_to_date(owner, load_storage(files["storage_file"]), settings)
    assets = assets_of(files["district_file"].read_text(encoding="utf-8"), file="district")
    assets += cells_of(files["population_grid"].read_text(encoding="utf-8"), file="cells")
    await write_registers(owner, assets, plan_rows(files["plan_folder"]))
    return await edition_of(owner)


async def _compress(owner: Any, console: Console) -> None:
    """Roll up and compress on the community edition, and say what a value takes."""
    for feed in Feed:
        for level in LEVELS:
            await owner.execute(f"CALL refresh_continuous_aggregate('{feed}_{level}', NULL, NULL)")
    table = Table("feed", "rows", "bytes/row before", "after", "values/row", "bytes/value after", "ratio")
    for feed, values in ((Feed.EV, 14), (Feed.WATER, 18), (Feed.PARKING, 13), (Feed.EMERGENCY, 14)):
        await owner.execute(
            f"SELECT compress_chunk(c, if_not_compressed => TRUE) FROM show_chunks('{feed}_readings') AS c"
        )
        rows = await owner.fetchval(f"SELECT count(*) FROM {feed}_readings")
        sizes = await owner.fetchrow(
            f"SELECT before_compression_total_bytes AS b, after_compression_total_bytes AS a FROM hypertable_compression_stats('{feed}_readings')"
        )
        before, after = sizes["b"] / rows, sizes["a"] / rows
        table.add_row(
            feed,
            f"{rows:,}",
            f"{before:.0f}",
            f"{after:.2f}",
            str(values),
            f"{after / values:.2f}",
            f"{before / after:.0f}",
        )
    console.print(table)


async def _fold(owner: Any, console: Console) -> None:
    """Fold all hours on the Apache edition, as the sink does turn by turn, and say how long it took."""
    hours, worst, began = 0, 0.0, time.perf_counter()
    for feed in Feed:
        turn = time.perf_counter()
        while (folded := await owner.fetchval("SELECT fold_hours($1, $2)", feed.value, HOURS_AT_ONCE)) is not None:
            worst = max(worst, time.perf_counter() - turn)
            hours, turn = hours + folded, time.perf_counter()
    console.print(f"{hours:,} hours folded in {time.perf_counter() - began:.0f} s, longest turn {worst:.2f} s")


async def _measure(
    reader: Any, query: Query, board: dict[str, Any], *, length: timedelta, until: datetime, runs: int
) -> tuple[list[float], int]:
    """Milliseconds of each run, and chunks scanned that lie outside the range."""
    span = Span.last(length, until, points=query.points, least_s=query.interval_s)
    sql = expand(query.sql, span, await chosen(reader, board, Span.last(length, until), may_be_empty=True))
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        await reader.fetch(sql)
        times.append((time.perf_counter() - began) * 1000)
        if len(times) >= 3 and sum(times) > 20_000:
            break
    plan = "\n".join(row[0] for row in await reader.fetch(f"EXPLAIN {sql}"))
    scanned = set(re.findall(r"Scan[^\n]* on (?:_timescaledb_internal\.)?(_hyper_\d+_\d+_chunk)", plan))
    return times, len(scanned & await _outside(reader, span)) if "$__timeFilter" in query.sql else 0


async def _outside(reader: Any, span: Span) -> set[str]:
    rows = await reader.fetch(
        "SELECT chunk_name FROM timescaledb_information.chunks WHERE range_end <= $1 OR range_start > $2",
        span.since,
        span.until,
    )
    return {row[0] for row in rows}


async def fill(owner_url: str, days: int, until: datetime, console: Console) -> Edition:
    """Make the tables and everything in them; says how much and how fast."""
    owner = await asyncpg.connect(owner_url, command_timeout=3600)
    edition = await _prepare(owner)
    began = time.perf_counter()
    rows = await _fill(owner, days, until)
    seconds = time.perf_counter() - began
    console.print(f"{edition} edition: {rows:,} readings in {seconds:.0f} s ({rows / seconds:,.0f}/s)")
    console.print(f"verdicts: {await _judge(owner_url, owner, days, until):,} rows")
    if edition is Edition.COMMUNITY:
        await _compress(owner, console)
    else:
        await _fold(owner, console)
    await owner.execute("ANALYZE")
    size = float(await owner.fetchval("SELECT sum(bytes) FROM v_storage"))
    console.print(f"all hypertables: {size / 1e9:.2f} GB, {size / rows:.0f} bytes a reading")
    await owner.close()
    return edition


LOOKS_BEYOND = {
    "数据台账": "of numbers that are missing it asks for the reading behind them, whenever that came",
    "最满的停车场": "which are the fullest now is asked of the newest counts, whatever the range",
}
"""Panels that must read chunks outside the range asked for, and why; their chunks are shown and not counted."""


async def measure(reader_url: str, edition: Edition, runs: int, until: datetime, console: Console) -> int:
    """Ask every query of every board over each span; returns how many chunks were read that lie outside and need not be."""
    reader = await asyncpg.connect(reader_url, command_timeout=600)
    table = Table(
        "board", "panel", *(f"{name} {p}" for name in SPANS for p in ("p50", "p95")), "chunks outside", title="ms"
    )
    worst: dict[str, list[float]] = {name: [] for name in SPANS}
    outside = 0
    for file in sorted(BOARDS.glob("*.json")):
        board = json.loads(file.read_text(encoding="utf-8"))
        for query in queries(board):
            cells, beyond = [], 0
            for name, length in SPANS.items():
                times, found = await _measure(reader, query, board, length=length, until=until, runs=runs)
                beyond += found
                p95 = sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)]
                worst[name].append(p95)
                cells += [f"{statistics.median(times):.0f}", f"{p95:.0f}"]
            if query.panel not in LOOKS_BEYOND:
                outside += beyond
            table.add_row(
                board["uid"].removeprefix("jianghan-").removesuffix("-en"), query.panel[:34], *cells, str(beyond or "")
            )
    console.print(table)
    for name, each in worst.items():
        aim = AIM_ROLLED_MS if edition is Edition.COMMUNITY else AIMS_MS[name]
        met = sum(p95 <= aim for p95 in each)
        console.print(f"{name}: {met} of {len(each)} queries within {aim} ms (p95); slowest {max(each):.0f} ms")
    console.print(f"chunks scanned outside the range asked for: {outside}")
    await reader.close()
    return outside


async def _run(owner_url: str, reader_url: str, days: int, runs: int) -> int:
    console = Console(width=150)
    until = datetime.now(UTC).replace(second=0, microsecond=0)
    edition = await fill(owner_url, days, until, console)
    return 1 if await measure(reader_url, edition, runs, until, console) else 0


async def _with_server(days: int, runs: int) -> int:
    folder = make_folder(cache_dir() / "benchmarks" / uuid.uuid4().hex[:12])
    settings = LocalSettings(
        state=folder, postgres_port=0, mqtt_url="mqtt://127.0.0.1:1", kafka_bootstrap="127.0.0.1:1", database_url=None
    )
    try:
        async with Stack(settings) as stack:
            environment = stack.environment("operator")
            return await _run(environment["DATABASE_OWNER_URL"], environment["DATABASE_READER_URL"], days, runs)
    finally:
        shutil.rmtree(folder)


def main(arguments: list[str]) -> int:
    """Run the benchmark; status 1 when a panel reads what it was not asked for."""
    parser = argparse.ArgumentParser(prog="boards", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--runs", type=int, default=20)
    chosen_arguments = parser.parse_args(arguments)
    days, runs = chosen_arguments.days, chosen_arguments.runs
    own = os.environ.get("BOARDS_DATABASE_OWNER_URL")
    if own:
        return asyncio.run(_run(own, os.environ.get("BOARDS_DATABASE_READER_URL", own), days, runs))
    return asyncio.run(_with_server(days, runs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
