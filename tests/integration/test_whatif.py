"""A what-if over a real database: a simulated day judged under other documents, with answers that are known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from deploy.local.stack import Stack
from schemas.fields import Feed
from schemas.plan.book import Document, dump_document, load_document
from schemas.plan.toml import parse_any
from services.district.errors import ServerSilent, WhatIfRefused
from services.district.query import failures_said
from services.district.whatif import Answer, Question, answer
from services.district.whatif_compare import Aspect, Change
from services.district.whatif_view import answer_dict, answer_lines
from services.read_model.connection import Database
from tests.integration.whatif_history import SINCE, UNTIL, History
from tests.integration.whatif_history import history as made_history

PLAN = Path(__file__).resolve().parents[2] / "deploy" / "plan"
NOW = UNTIL + timedelta(days=20)
NOWHERE = SecretStr("postgresql://nobody:x@127.0.0.1:1/district")
FEEDS = Feed.WATER, Feed.EMERGENCY


@pytest.fixture(scope="module")
async def history(stack: Stack) -> AsyncIterator[History]:
    async with made_history(stack) as made:
        yield made


@pytest.fixture(scope="module")
async def database(history: History) -> AsyncIterator[Database]:
    async with Database(history.reader, name="test") as asked:
        yield asked


def changed(file: str, change: Any) -> Document:
    document = parse_any((PLAN / file).read_text(encoding="utf-8"), file=file)
    dumped = dump_document(document)
    change(dumped["document"])
    return load_document(dumped)


def stricter_plan() -> Document:
    def change(plan: dict[str, Any]) -> None:
        plan["plan"]["version"] = "2026-draft"
        targets = {"water.class": 2, "emergency.response": 8}
        for entry in plan["indicator"]:
            entry["target"] = targets.get(entry["id"], entry["target"])

    return changed("jianghan-14fyp.toml", change)


def quicker_dispatch() -> Document:
    def change(policy: dict[str, Any]) -> None:
        policy["policy"]["version"] = "2"
        for limit in policy["limit"]:
            if limit["id"] == "emergency.dispatch_longest":
                limit["value"] = 60

    return changed("policies/emergency.toml", change)


def question(document: Document, **given: Any) -> Question:
    return replace(Question("other.toml", document, SINCE, UNTIL, "whatif:test"), **given)


async def ask(asked: Question, database: Database, now: datetime = NOW) -> Answer:
    return await answer(asked, None, database, now=now, progress=lambda _: None)


def steps(history: History) -> dict[str, dict[str, datetime]]:
    """When each call of the second day was taken, dispatched to and reached, by the readings alone."""
    found: dict[str, dict[str, datetime]] = {}
    for reading in history.readings[Feed.EMERGENCY]:
        incident, step = reading.get("incident_id"), reading.get("step")
        if incident is not None and step is not None:
            at = datetime.fromisoformat(reading["observed_at"])
            known = found.setdefault(incident, {})
            known[step] = min(at, known.get(step, at))
    return {name: known for name, known in found.items() if SINCE <= known["call_received"] < UNTIL}


async def test_a_stricter_plan_shows_in_the_status_of_indicators_and_in_breaches(
    history: History, database: Database
) -> None:
    found = await ask(question(stricter_plan()), database)
    water, emergency = (next(one for one in found.feeds if one.feed is feed) for feed in FEEDS)
    for one in found.feeds:
        assert one.agreement.is_whole, one.agreement
        assert one.agreement.stored == one.agreement.equal
        assert not one.failed
    assert found.agrees
    assert "database (v_plan_documents)" in found.published.origin
    # Every round in class III, and none else, changes its status with class II as the target.
    rows = await history.owner.fetch(
        "SELECT id, subject, period_start, value, status FROM indicators WHERE lane = 'live' AND id = 'water.class'"
        " AND sample_device_id = '' AND period_start >= $1 AND period_start < $2",
        SINCE,
        UNTIL,
    )
    expected = {(row["subject"], row["period_start"]) for row in rows if row["value"] == 3 and row["status"] == "met"}
    assert expected
    of_class = [one for one in water.figures.differences if one.either["id"] == "water.class"]
    turned = {
        (one.either["subject"], datetime.fromisoformat(one.either["period_start"]))
        for one in of_class
        if Aspect.STATUS in one.aspects and one.alternative and one.alternative["status"] == "not_met"
    }
    assert turned == expected
    # A call is a breach eight minutes after it came instead of ten.
    reached = {
        name: (known["on_scene"] - known["call_received"]).total_seconds() / 60
        for name, known in steps(history).items()
        if "on_scene" in known
    }
    besides = {
        one.either["asset"]
        for one in emergency.alerts.differences
        if one.change is Change.ADDED and one.either["rule"] == "emergency.response_breach"
    }
    assert besides == {name for name, minutes in reached.items() if 8 < minutes <= 10}
    assert besides
    cited = answer_dict(found)["feeds"][0]["indicators"]["differences"][0]
    assert "version 2022, page" in cited["source_in_force"]
    assert "version 2026-draft, page" in cited["source_alternative"]
    assert any("2026-draft" in line for line in answer_lines(found))


async def test_a_threshold_of_a_policy_shows_in_alerts_and_a_baseline_that_disagrees_says_so(
    history: History, database: Database
) -> None:
    gone = await history.owner.fetchrow(
        "DELETE FROM alerts WHERE alert_id = (SELECT min(alert_id) FROM alerts WHERE rule = 'emergency.response_breach'"
        " AND started_at >= $1 AND started_at < $2) RETURNING *",
        SINCE,
        UNTIL,
    )
    assert gone is not None
    found = await ask(question(quicker_dispatch()), database)
    (emergency,) = found.feeds
    assert emergency.feed is Feed.EMERGENCY
    (one,) = emergency.agreement.disagreements
    assert (one.rule, one.asset, one.is_stored) == ("emergency.response_breach", gone["asset"], False)
    assert next(answer_lines(found)).startswith("emergency: THE BASELINE DISAGREES")
    waited = {
        name: (known["dispatched"] - known["call_received"]).total_seconds()
        for name, known in steps(history).items()
        if "dispatched" in known
    }
    besides = {
        one.either["asset"]
        for one in emergency.alerts.differences
        if one.change is Change.ADDED and one.either["rule"] == "emergency.not_dispatched"
    }
    assert besides == {name for name, seconds in waited.items() if 60 < seconds <= 180}
    assert besides
    assert not [one for one in emergency.figures.differences if Aspect.STATUS in one.aspects]
    assert await history.owner.fetchval("SELECT count(*) FROM alerts WHERE lane <> 'live'") == 0


async def test_a_document_that_the_processors_refuse_is_refused_in_their_words(database: Database) -> None:
    def change(policy: dict[str, Any]) -> None:
        policy["settings"]["figures_seconds"] = 7

    with pytest.raises(WhatIfRefused, match=r"settings\.figures_seconds: must divide a day \(86400\)"):
        await ask(question(changed("policies/emergency.toml", change)), database)


async def test_days_without_readings_and_days_of_which_only_sums_are_left(history: History, database: Database) -> None:
    early = datetime(2025, 9, 1, tzinfo=SINCE.tzinfo)
    with pytest.raises(WhatIfRefused, match="emergency: no readings are stored from 2025-09-01"):
        await ask(question(quicker_dispatch(), since=early, until=early + timedelta(days=1)), database)
    folded = UNTIL - timedelta(days=40)
    await history.owner.execute(
        "INSERT INTO emergency_hours (lane, group_id, device_id, bucket, n, n_doubtful, first_at, last_at, unit_n,"
        " available_n, busy_n, out_of_service_n, calls_n)"
        " VALUES ('live', 'jianghan', 'x', $1, 7, 0, $1, $1, 7, 7, 0, 0, 0)",
        folded,
    )
    asked = question(quicker_dispatch(), since=folded, until=folded + timedelta(days=1))
    with pytest.raises(WhatIfRefused, match="only sums are left"):
        await ask(asked, database)


async def test_a_feed_whose_rules_do_not_read_the_document_is_named(database: Database) -> None:
    found = await ask(question(quicker_dispatch(), feeds=(Feed.PARKING,)), database)
    assert found.silent == (Feed.PARKING,)
    assert not found.feeds
    assert any("parking: no rule of this feed reads" in line for line in answer_lines(found))


async def test_with_the_database_away_it_says_so() -> None:
    away = Database(NOWHERE, name="test", connect_within=timedelta(seconds=1), answer_within=timedelta(seconds=1))
    async with away as database:
        with pytest.raises(ServerSilent, match="the database"), failures_said():
            await ask(question(quicker_dispatch()), database)


async def test_interrupted_it_ends_its_process(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    processes: list[Any] = []
    started = asyncio.create_subprocess_exec

    async def noted(*given: Any, **settings: Any) -> Any:
        processes.append(await started(*given, **settings))
        return processes[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    task = asyncio.create_task(ask(question(quicker_dispatch()), database))
    while not processes:
        await asyncio.sleep(0.01)
        assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert processes[0].returncode is not None
