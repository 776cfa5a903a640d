"""Alerts in their tables: the same rows whatever the order and the repeats, at a cost that does not grow."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from deploy.local.stack import Stack
from schemas.alert import Alert
from schemas.dead_letter import DeadLetterReason
from services.timescale_sink.editions import Edition
from services.timescale_sink.migrations import read_migrations
from services.timescale_sink.outcome import Outcome
from services.timescale_sink.queries import SQL
from services.timescale_sink.takers import take_alerts
from services.timescale_sink.verdicts import decode_alerts, latest_states
from tests.integration.alert_histories import NOW, RULE, E, alert, any_order_ends_the_same, expected, records, stored
from tests.integration.fresh_database import as_owner, fresh_database

BEFORE = 12
"""The last migration of the release in which an open alert named the latest."""


@pytest.fixture
async def writer(stack: Stack) -> AsyncIterator[Any]:
    """A connection of the sink's own role, in a transaction that is not kept."""
    connection = await asyncpg.connect(stack.environment("sink")["DATABASE_URL"])
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def test_any_order_and_any_repeats_end_in_the_same_rows(writer: Any) -> None:
    await any_order_ends_the_same(writer, seeds=60)


@pytest.fixture
async def refusing(stack: Stack) -> AsyncIterator[str]:
    """A place whose alerts the database refuses, whatever the reason may be."""
    async with as_owner(stack.environment("operator")["DATABASE_OWNER_URL"]) as owner:
        await owner.execute(
            "CREATE FUNCTION refuse_alert() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN RAISE numeric_value_out_of_range; END $$;"
            "CREATE TRIGGER refuse_alert BEFORE INSERT ON alerts FOR EACH ROW"
            " WHEN (NEW.place = 'refused') EXECUTE FUNCTION refuse_alert()"
        )
        yield "refused"
        await owner.execute("DROP TRIGGER refuse_alert ON alerts; DROP FUNCTION refuse_alert()")


async def test_one_alert_that_the_database_refuses_is_put_aside_alone(refusing: str, writer: Any) -> None:
    asset = f"lake-{uuid.uuid4().hex[:8]}"
    events = [alert(asset, f"{n}", 0, E.RAISED, began=n) for n in range(9)]
    told = records(events)
    told[4].value = events[4].model_copy(update={"place": refusing}).model_dump_json().encode()
    outcome = Outcome()
    await take_alerts(writer, told, outcome, isolating=True)
    assert [refusal.record.offset for refusal in outcome.refused] == [4]
    assert outcome.refused[0].reason is DeadLetterReason.REFUSED_BY_DATABASE
    assert await stored(writer, [asset]) == expected(events[:4] + events[5:])
    assert outcome.stored.total() == 8


@pytest.mark.parametrize("still_open", [True, False], ids=["all open", "all over"])
async def test_what_an_alert_costs_does_not_depend_on_how_many_there_have_been(
    writer: Any, *, still_open: bool
) -> None:
    """The pages that the statements touch, as the database counts them: not their time."""
    asset = f"lake-{uuid.uuid4().hex[:8]}"
    costs = []
    for n, before in enumerate((0, 20_000)):
        if before:
            await _many(writer, asset, before, still_open=still_open)
        events = [alert(asset, f"{n}/{m}", 0, E.RAISED, began=100 + 10 * n + m) for m in range(5)]
        costs.append(await _cost(writer, events))
    assert costs[1] <= 3 * costs[0], f"an index is some pages deeper, that is all: {costs}"


async def _many(connection: Any, asset: str, count: int, *, still_open: bool) -> None:
    await connection.execute(
        "INSERT INTO alerts (alert_id, revision, event, rule, feed, lane, asset, place, severity, started_at,"
        " raised_at, ended_at, observed_unit, threshold, text_zh, text_en, superseded_by)"
        " SELECT md5($1 || n), 0, 'raised', $2, 'water', 'live', $1, 'p', 'III', at, at,"
        " CASE WHEN $5 THEN NULL ELSE at END, 'class', '{}', 'z', 'e',"
        " CASE WHEN $5 AND n < $3 THEN md5($1 || (n + 1)) END"
        " FROM generate_series(1, $3) AS n, LATERAL (SELECT $4::timestamptz + n * INTERVAL '1 second' AS at) AS t",
        *(asset, RULE, count, NOW, still_open),
    )


async def _cost(connection: Any, events: list[Alert]) -> int:
    """Pages read or written by what one batch does to the table of alerts."""
    await connection.execute(SQL["by_index"])
    found, _ = decode_alerts(records(events))
    states = latest_states(found)
    pages = 0
    for name, arguments in (
        ("alerts", [list(column) for column in zip(*states, strict=True)]),
        ("link_alerts", [[values[0] for values in states]]),
    ):
        explained = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {SQL[name]}", *arguments)
        plan = json.loads(explained)[0]["Plan"]
        pages += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return pages


async def test_an_older_database_comes_to_the_same_rows(stack: Stack) -> None:
    """Before, each open alert named the latest one of its rule and asset."""
    asset = f"lake-{uuid.uuid4().hex[:8]}"
    events = [alert(asset, f"{n}", 0, E.RAISED, began=n) for n in range(6)]
    events.append(alert(asset, "0", 1, E.RESOLVED, began=0, ended=1))
    known = read_migrations(Edition.APACHE)
    async with fresh_database(stack, "older") as address, as_owner(address) as owner:
        for migration in known:
            if migration.number == BEFORE + 1:
                await _as_it_was(owner, events)
            await owner.execute(migration.sql)
        assert await stored(owner, [asset]) == expected(events)


async def _as_it_was(owner: Any, events: list[Alert]) -> None:
    rows = expected(events)
    (last,) = (key for key, row in rows.items() if row[3] is None and row[5] is None)
    for one in events:
        revision, event, started, ended, place, _ = rows[one.alert_id]
        await owner.execute(
            "INSERT INTO alerts (alert_id, revision, event, rule, feed, lane, asset, place, severity, started_at,"
            " raised_at, ended_at, observed_unit, threshold, text_zh, text_en, superseded_by)"
            " VALUES ($1, $2, $3, $4, 'water', 'live', $5, $6, 'III', $7, $7, $8, 'class', '{}', 'z', 'e', $9)"
            " ON CONFLICT DO NOTHING",
            *(one.alert_id, revision, event, RULE, one.asset, place, started, ended),
            None if ended is not None or one.alert_id == last else last,
        )
