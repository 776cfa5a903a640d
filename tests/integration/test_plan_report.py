"""The report of the plan from a real database: its figures against SQL of its own, made again, corrected, versions."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.plan.course import TargetStanding
from schemas.target_figure import TargetFigure
from services.plan_office.changes import Why, changes
from services.plan_office.report import Report, TargetReported
from services.plan_office.report_period import ReportPeriod
from services.read_model.connection import Database
from services.read_model.errors import TimeRefused
from services.read_model.report import Last, reports
from services.read_model.targets import targets
from tests.integration.read_model_world import World
from tests.unit.plan_office.reported import corrected, made_up_years

DAY, THEN = date(2024, 12, 31), date(2023, 12, 31)
KNOWN = datetime(2025, 4, 1, tzinfo=UTC)
JOBS = "employment.new_jobs"


async def store(owner: Any, figures: Sequence[TargetFigure]) -> None:
    """As the sink has them."""
    names = [name for name in TargetFigure.model_fields if name not in {"source", "target"}]
    columns = ["target_id", *names, "source_title", "source_number", "source_page", "source_sha256", "kafka_offset"]
    marks = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    rows = [
        (
            one.target, *(getattr(one, name) for name in names),
            one.source.title, one.source.number, one.source.page, one.source.sha256, n,
        )
        for n, one in enumerate(figures)
    ]  # fmt: skip
    statement = f"INSERT INTO target_figures ({', '.join(columns)}) VALUES ({marks})"
    await owner.executemany(f"{statement} ON CONFLICT DO NOTHING", rows)


@pytest.fixture(scope="module")
async def figures(world: World) -> AsyncIterator[list[TargetFigure]]:
    made = made_up_years((2020, 2021, 2022, 2023, 2024), leaving_out=("rail.length",))
    await store(world.owner, made)
    yield made
    await world.owner.execute("DELETE FROM target_figures")


def of(report: Report, target: str) -> TargetReported:
    return next(one for one in report.targets if one.entry.id == target)


async def made(db: Database, day: date = DAY, known_at: datetime | None = KNOWN, last: Last | None = None) -> Report:
    async with db.at_one_moment() as moment:
        return (await reports(moment, day, ReportPeriod.YEAR, known_at=known_at, last=last)).report


_BY_HAND = """
WITH known AS (
    SELECT DISTINCT ON (target_id, period_start) * FROM target_figures
    WHERE confirmed_at <= $2 AND period_end <= $1
    ORDER BY target_id, period_start, revision DESC
)
SELECT target_id, round(sum(value) FILTER (WHERE period_start >= '2021-01-01')::numeric, 6) AS total,
    (array_agg(value ORDER BY period_end DESC))[1] AS newest, max(period_end) AS until
FROM known GROUP BY target_id
"""


async def test_a_reports_figures_are_those_of_a_query_of_its_own(
    world: World, db: Database, figures: list[TargetFigure]
) -> None:
    report = await made(db)
    rows = {row["target_id"]: row for row in await world.owner.fetch(_BY_HAND, DAY, KNOWN)}
    assert len(report.targets) == 37
    assert len(rows) == 33
    for one in report.targets:
        (*_, subject) = one.subjects
        if (row := rows.get(one.entry.id)) is None:
            assert subject.stands.value is None
            continue
        holds = one.entry.course.holds if one.entry.course is not None else None
        value = float(row["total"]) if holds == "cumulative" else row["newest"]
        assert (subject.stands.value, subject.stands.value_on) == (pytest.approx(value), row["until"]), one.entry.id
        assert len(one.figures) == 5
        assert (one.plan_version, one.waiting) == ("2022", ())
    assert report.known_at == max(one.confirmed_at for one in figures if one.confirmed_at is not None)


@pytest.mark.usefixtures("figures")
async def test_it_says_of_today_what_the_list_of_targets_says(db: Database) -> None:
    today = (await db.rows("SELECT (now() AT TIME ZONE INTERVAL '8 hours')::date AS day"))[0]["day"]
    report = await made(db, today, None)
    listed = {
        (row.id, row.subject): (row.standing, row.standing_value, row.standing_reason) for row in await targets(db)
    }
    told = {
        (one.entry.id, each.id): (each.stands.status.value, each.stands.value, each.stands.reason.en)
        for one in report.targets
        for each in one.subjects
    }
    assert told == listed
    assert await made(db, today, report.known_at) == report
    lakes = [each.name for each in of(report, "water.class").subjects]
    assert len(lakes) == 6
    assert all(name is not None and name.zh != name.en for name in lakes)


@pytest.mark.usefixtures("figures")
async def test_made_again_with_the_moment_that_it_names_it_is_the_same(db: Database) -> None:
    first = await made(db, known_at=None)
    assert first.known_at is not None
    assert await made(db, known_at=first.known_at) == first
    earlier = await made(db, known_at=datetime(2024, 6, 1, tzinfo=UTC))
    assert of(earlier, JOBS).subjects[0].stands.value_on == THEN  # of 2024 nothing was known then


async def test_a_late_correction_changes_only_what_it_should_and_the_earlier_report_can_be_made_again(
    world: World, db: Database, figures: list[TargetFigure]
) -> None:
    before = await made(db)
    wrong = next(one for one in figures if one.target == JOBS and one.period_end == THEN)
    fixed = corrected(wrong, wrong.value + 9_000, KNOWN + timedelta(hours=2))
    await store(world.owner, [fixed])
    try:
        assert await made(db) == before
        after = await made(db, known_at=KNOWN + timedelta(days=1))
        differ = changes(before, after)
        assert [(one.target, [each.why for each in one.reasons]) for one in differ] == [(JOBS, [Why.CORRECTION])]
        (revision,) = of(after, JOBS).revisions
        assert (revision.was, revision.now, revision.by) == (wrong.value, fixed.value, "赵宁 / 王强")
        others = [one for one in after.targets if one.entry.id != JOBS]
        assert others == [one for one in before.targets if one.entry.id != JOBS]
    finally:
        await world.owner.execute("DELETE FROM target_figures WHERE figure_id = $1", fixed.figure_id)


async def test_what_waits_to_be_confirmed_is_named_and_does_not_count(
    world: World, db: Database, figures: list[TargetFigure]
) -> None:
    before = await made(db)
    one = next(each for each in figures if each.target == "green.coverage" and each.period_end == DAY)
    waits = corrected(
        one, 99.0, KNOWN - timedelta(hours=1), confirmed_by=None, confirmed_by_name=None, confirmed_at=None
    )
    await store(world.owner, [waits])
    try:
        found = of(await made(db), "green.coverage")
        assert [each.figure_id for each in found.waiting] == [waits.figure_id]
        assert replace(found, waiting=()) == of(before, "green.coverage")
    finally:
        await world.owner.execute("DELETE FROM target_figures WHERE figure_id = $1", waits.figure_id)


@pytest.mark.usefixtures("figures")
async def test_reports_before_and_after_a_version_that_moves_a_target_cite_their_own(
    world: World, db: Database
) -> None:
    row = await world.owner.fetchrow("SELECT document, document_id FROM plan_versions WHERE kind = 'plan'")
    document = json.loads(row["document"])
    document["plan"] |= {"version": "2024", "start": "2024-07-01", "period_start": "2021-01-01"}
    for entry in document["indicator"]:
        if entry["id"] == JOBS:
            entry["target"] = 90_000
    published = datetime(2024, 6, 20, tzinfo=UTC)
    await world.owner.execute(
        "INSERT INTO plan_versions (kind, document_id, version, valid_from, origin, published_at, published_by,"
        " text_sha256, document) VALUES ('plan', $1, '2024', '2024-07-01', 'published', $2, 'me', '', $3)",
        row["document_id"], published, json.dumps(document),
    )  # fmt: skip
    try:
        before, after = await made(db, date(2024, 6, 30)), await made(db)
        assert (of(before, JOBS).plan_version, of(before, JOBS).entry.target) == ("2022", 70_000)
        assert (of(after, JOBS).plan_version, of(after, JOBS).entry.target) == ("2024", 90_000)
        assert (of(before, JOBS).status, of(after, JOBS).status) == (TargetStanding.ON_TRACK, TargetStanding.BEHIND)
        (moved,) = [one for one in changes(before, after) if one.target == JOBS]
        assert Why.NEW_VERSION in {each.why for each in moved.reasons}
        assert moved.before is not None
        assert moved.after is not None
        assert (moved.before.plan, moved.after.plan) == ("jianghan-14fyp 2022", "jianghan-14fyp 2024")
        unpublished = await made(db, known_at=published - timedelta(seconds=1))
        assert of(unpublished, JOBS).plan_version == "2022"
    finally:
        await world.owner.execute("DELETE FROM plan_versions WHERE version = '2024' AND kind = 'plan'")


@pytest.mark.usefixtures("figures")
async def test_days_alerts_and_late_data_of_telemetry_are_counted_as_sql_counts_them(
    world: World, db: Database
) -> None:
    day = (world.now - timedelta(days=3)).date()
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)
    names = (
        "lane, id, feed, subject, period_start, period_end, revision, known_at, value, unit, status, status_reason, n,"
        " completeness, details, stored_at"
    )
    rows = [
        (
            midnight - timedelta(days=n),
            revision,
            midnight - timedelta(days=n - 2 - 5 * revision),
            3 + (n + revision) % 2,
        )
        for n in range(1, 31)
        for revision in (0, 1)
        if n % 3 == 0 or not revision
    ]
    for start, revision, known_at, value in rows:
        await world.owner.execute(
            f"INSERT INTO indicator_history ({names}) VALUES ('live', 'water.class_day', 'water', 'xihu', $1, $2, $3,"
            " $4, $5, 'class', $6, 'class', 6, 1, '{}', $4)",
            start, start + timedelta(days=1), revision, known_at, float(value), "met" if value == 3 else "not_met",
        )  # fmt: skip
    try:
        known_at = world.now - timedelta(hours=1)
        last = Last(day - timedelta(days=2), world.now - timedelta(days=5))
        report = await made(db, day, known_at, last)
        water = of(report, "water.class")
        lake = next(one for one in water.subjects if one.id == "xihu")
        counted = await world.owner.fetch(
            "SELECT status, count(*) AS n FROM (SELECT DISTINCT ON (period_start) status FROM indicator_history"
            " WHERE id = 'water.class_day' AND subject = 'xihu' AND known_at <= $1 AND period_end <= $2"
            " ORDER BY period_start, revision DESC) AS each GROUP BY status",
            known_at, midnight + timedelta(days=1),
        )  # fmt: skip
        told = {row["status"]: row["n"] for row in counted}
        assert (lake.days.met, lake.days.not_met) == (told["met"], told["not_met"])
        assert sum(told.values()) == len(lake.series) == 30
        assert water.revisions
        assert all(one.at > world.now - timedelta(days=5) and one.was != one.now for one in water.revisions)
        assert all(one.subject == lake.name and one.by is None for one in water.revisions)
        n = await world.owner.fetchval(
            "SELECT count(DISTINCT alert_id) FROM alert_events WHERE stored_at <= $1 AND data -> 'threshold' ->> 'id' ="
            " 'water.class' AND lane = 'live' AND (data ->> 'started_at')::timestamptz >= $2"
            " AND (data ->> 'started_at')::timestamptz < $3",
            known_at, datetime(day.year, 1, 1, tzinfo=UTC) - timedelta(hours=8), midnight + timedelta(days=1),
        )  # fmt: skip
        assert len(water.alerts) == n
    finally:
        await world.owner.execute("DELETE FROM indicator_history WHERE id = 'water.class_day'")


async def test_of_a_day_without_a_plan_there_is_no_report(db: Database) -> None:
    with pytest.raises(TimeRefused, match="no plan was in force on 2019-12-31"):
        await made(db, date(2019, 12, 31))


# ---- the command ------------------------------------------------------------------------------------------------


async def district(world: World, folder: Path, *arguments: str) -> tuple[int, str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "KAFKA_", "DISTRICT_"))
    }
    environment = kept | {
        "DATABASE_READER_URL": world.reader.get_secret_value(),
        "DISTRICT_STATE": str(folder / "state"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "COLUMNS": "200",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.district", "report", *arguments),
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.usefixtures("figures")
async def test_the_command_writes_the_same_bytes_again_in_every_form(world: World, tmp_path: Path) -> None:
    about = "--as-of", "2024-12-31", "--known-at", "2025-04-01T08:00:00+08:00"
    for form, begins in (("html", b"<!DOCTYPE html>"), ("pdf", b"%PDF"), ("docx", b"PK")):
        for name in ("one", "two"):
            code, out, err = await district(world, tmp_path, *about, "--out", f"{name}.{form}")
            assert (code, err) == (0, ""), err
            assert f"{name}.{form}: 37 targets at the end of 2024-12-31, as known at 2025-03-16T" in out
        one, two = ((tmp_path / f"{name}.{form}").read_bytes() for name in ("one", "two"))
        assert one == two
        assert one.startswith(begins)
    code, _, err = await district(world, tmp_path, *about, "--format", "pdf", "--period", "mid-term", "--lang", "en")
    assert (code, err) == (0, "")
    assert (tmp_path / "report-2024-12-31-mid-term-en.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.usefixtures("figures")
async def test_the_command_prints_what_two_reports_differ_in(world: World, tmp_path: Path) -> None:
    code, out, err = await district(world, tmp_path, "diff", "2023-12-31@2024-04-01", "2024-12-31@2025-04-01", "--json")
    assert (code, err) == (0, "")
    told = {one["target"]: [each["why"] for each in one["reasons"]] for one in json.loads(out)}
    assert told[JOBS] == ["new_figure"]
    assert "rail.length" not in told
    code, out, _ = await district(world, tmp_path, "diff", "2024-12-31@2025-03-31", "2024-12-31@2025-04-01")
    assert (code, out) == (0, "nothing changed\n")
    code, out, _ = await district(world, tmp_path, "diff", "2023-12-31", "2024-12-31", "--lang", "en")
    assert code == 0
    assert "new figure of 2024" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "--as-of: name the day"),
        (("--as-of", "soon"), 2, "a day is written 2024-12-31"),
        (("--as-of", "2099-12-31"), 2, "the day is still to come"),
        (("--as-of", "2024-12-31", "--known-at", "yesterday"), 2, "or one with its zone"),
        (("--as-of", "2024-12-31", "--known-at", "2099-01-01T00:00"), 2, "what will be known then"),
        (("--as-of", "2024-12-31", "--against", "2025-01-01"), 2, "is about a day before 2024-12-31"),
        (("--as-of", "2024-12-31", "--out", "nowhere/report.pdf"), 2, "there is no folder nowhere"),
        (("--as-of", "2019-12-31"), 1, "no plan was in force on 2019-12-31"),
    ],
)
async def test_what_cannot_be_reported_is_said(
    world: World, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    found, out, err = await district(world, tmp_path, *arguments)
    assert (found, out) == (code, "")
    assert said in err
    assert not any((tmp_path / name).exists() for name in ("report-2024-12-31-year-zh.html", "nowhere"))
