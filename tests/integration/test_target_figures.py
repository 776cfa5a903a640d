"""Figures that people enter, from a table and over the API to the database, its views and the list of targets."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import openpyxl
import pytest

from deploy.local.stack import Stack
from schemas.api_key import Role
from schemas.target_figure import TargetFigure
from schemas.topics import TARGET_FIGURES
from services.timescale_sink.outcome import Outcome
from services.timescale_sink.standing_watch import write_standings
from services.timescale_sink.takers import take
from tests.integration.operations_api_site import API, Site, eventually, operations_api
from tests.kafka_reading import kafka_of, records_of

KEY = "Idempotency-Key"


@pytest.fixture(scope="module")
async def site(sink: Stack) -> AsyncIterator[Site]:
    async with operations_api(sink) as running:
        yield running


async def district(stack: Stack, tmp_path: Path, *arguments: str) -> tuple[int, str, str]:
    environment = dict(stack.environment("operator")) | {"DISTRICT_STATE": str(tmp_path / "state"), "LANG": "C.UTF-8"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.district", "targets", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def body(target: str, value: float, unit: str, year: int, **more: Any) -> dict[str, Any]:
    stated = {
        "target": target,
        "period_start": f"{year}-01-01",
        "period_end": f"{year}-12-31",
        "value": value,
        "unit": unit,
        "recorded_on": f"{year + 1}-03-15",
        "source": {"title": f"{year} 年统计公报", "page": 7},
    }
    return stated | more


async def test_a_years_table_is_taken_refused_by_cell_confirmed_by_another_and_shown(
    site: Site, tmp_path: Path
) -> None:
    stack, file = site.stack, tmp_path / "2025.xlsx"
    code, out, err = await district(stack, tmp_path, "template", str(file))
    assert (code, err) == (0, ""), out
    workbook = openpyxl.load_workbook(file)
    sheet = workbook.active
    assert sheet is not None
    made_up = {"%": 50.0, "min": 9.0, "count": 300, "people": 20_000}
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, 3, "2025年")
        sheet.cell(row, 4, made_up.get(str(sheet.cell(row, 5).value), 7))
        sheet.cell(row, 6, "2026-03-15")
        sheet.cell(row, 7, "2025年统计公报")
    assert sheet.max_row == 35
    sheet.append(["water.class", "水质", "2025年", 3, "class", "2026-03-15", "公报"])
    sheet.cell(2, 5, "万元")
    sheet.cell(7, 4, "约七千")
    workbook.save(file)

    refused = [
        {"sheet": "规划指标", "cell": "E2", "why": "wrong_unit"},
        {"sheet": "规划指标", "cell": "D7", "why": "not_a_number"},
        {"sheet": "规划指标", "cell": "A36", "why": "measured"},
    ]
    for more in (("--dry-run",), ()):
        code, out, err = await district(stack, tmp_path, "import", str(file), "--as", "li", "--json", *more)
        told = json.loads(out)
        assert (code, len(told["taken"]), told["written"]) == (1, 32, not more), err
        assert [{name: one[name] for name in ("sheet", "cell", "why")} for one in told["refused"]] == refused
    code, out, _ = await district(stack, tmp_path, "confirm", "all", "--as", "wang", "--json")
    assert (code, len(json.loads(out))) == (0, 32)
    code, out, _ = await district(stack, tmp_path, "list", "--at", "2026-04-01", "--json")
    standings = {row["target"]: row["standing"] for row in json.loads(out)["targets"]}
    assert len(standings) == 34
    assert standings["green.coverage"] == "met"
    assert standings["education.compulsory_enrolment"] == "missed"
    assert standings["employment.new_jobs"] == "cannot_say"  # of 2021 to 2024 nothing is known
    assert standings["employment.unemployment"] == "missed"


async def test_over_the_api_a_figure_is_entered_once_confirmed_by_another_and_corrected(site: Site) -> None:
    office, admin, key = site.as_role(Role.PLAN_OFFICE), site.as_role(Role.ADMIN), uuid.uuid4().hex
    figure = body("green.coverage", 30.5, "%", 2023)
    for _ in range(2):  # the same request again is the same figure
        reply = await office.with_headers(**{KEY: key}).ask(f"{API}/target-figures", method="POST", body=figure)
        assert reply.status == 201, reply.body
    entered = reply.json()
    assert (entered["revision"], entered["confirmed_by"], entered["plan_version"]) == (0, None, "2022")
    reply = await office.with_headers(**{KEY: key}).ask(
        f"{API}/target-figures", method="POST", body=figure | {"value": 31}
    )
    assert (reply.status, reply.json()["type"].rpartition("/")[2]) == (422, "another-use")
    for wrong, why in (
        (figure, "duplicate"),
        (figure | {"unit": "km"}, "wrong_unit"),
        (body("water.class", 3, "class", 2023), "measured"),
        (body("green.coverage", 30, "%", 2019, correction=True), "nothing_to_correct"),
        (body("green.heights", 30, "%", 2023), "unknown_target"),
    ):
        reply = await office.ask(f"{API}/target-figures", method="POST", body=wrong)
        assert (reply.status, reply.json()["why"]) == (422, why)
    reply = await office.ask(f"{API}/target-figures", method="POST", body=figure | {"value": "thirty"})
    assert reply.status == 422

    path = f"{API}/target-figures/{entered['figure_id']}/confirmation"
    reply = await office.ask(path, method="POST")
    assert (reply.status, reply.json()["why"]) == (403, "same_person")
    for _ in range(2):
        reply = await admin.ask(path, method="POST")
        assert (reply.status, reply.json()["confirmed_by"]) == (200, admin_id(site)), reply.body
    later = figure | {"value": 30.1, "correction": True}
    reply = await office.ask(f"{API}/target-figures", method="POST", body=later)
    assert (reply.status, reply.json()["revision"], reply.json()["corrects"]) == (201, 1, entered["figure_id"])
    rows = (await office.ask(f"{API}/target-figures?target=green.coverage")).json()["items"]
    ours = [(row["revision"], row["value"]) for row in rows if row["period_start"] == "2023-01-01"]
    assert ours == [(0, 30.5), (1, 30.1)]
    audit = (await admin.ask(f"{API}/audit?limit=50")).json()["items"]
    mine = [
        one for one in audit if one["operation"] == "confirmTargetFigure" and one["subject"] == entered["figure_id"]
    ]
    assert {one["outcome"] for one in mine} == {"done", "refused"}


def admin_id(site: Site) -> str:
    return site.keys[Role.ADMIN].partition(".")[0]


async def test_the_table_and_the_targets_follow_and_a_replay_of_the_topic_repeats_the_table(site: Site) -> None:
    stack = site.stack
    records = await records_of(kafka_of(stack), TARGET_FIGURES)
    assert records
    url = stack.environment("sink")["DATABASE_URL"]
    connection = await asyncpg.connect(url)
    try:
        newest = records[-1].offset

        async def reached() -> int:
            found: int = await connection.fetchval("SELECT coalesce(max(kafka_offset), -1) FROM target_figures")
            return found

        await eventually(reached, lambda offset: offset >= newest)
        await write_standings(connection)
        shown = {
            row["id"]: (row["standing"], row["value"], row["standing_reason"], row["expected"], row["rate_needed"])
            for row in await connection.fetch("SELECT * FROM v_target_states WHERE checked_by = 'reported'")
        }
        items = (await site.as_role(Role.VIEWER).ask(f"{API}/targets")).json()["items"]
        names = ("standing", "value", "standing_reason", "expected", "rate_needed")
        assert shown == {
            item["id"]: tuple(item[name] for name in names) for item in items if item["checked_by"] == "reported"
        }
        assert len(shown) == 34

        before = [tuple(row) for row in await connection.fetch("SELECT * FROM target_figures ORDER BY figure_id")]
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("DELETE FROM target_figures")
        for each in (records, records):  # and once more: it changes nothing
            await take(connection, TARGET_FIGURES, each, Outcome(), isolating=False)
        again = [tuple(row) for row in await connection.fetch("SELECT * FROM target_figures ORDER BY figure_id")]
        await transaction.rollback()
        assert again == before
        confirmed = [TargetFigure.model_validate_json(one.value) for one in records]
        assert sum(one.is_confirmed for one in confirmed) == sum(row[21] is not None for row in before)
        assert datetime.now(UTC) - max(one.entered_at for one in confirmed) < timedelta(hours=1)
    finally:
        await connection.close()
