"""The read model and its database: books and deliveries, what questions cost, what goes wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from deploy.local.stack import Stack
from schemas.fields import Feed
from services.read_model.alerts import (
    UNENDED,
    AlertFilter,
    alerts,
    open_alerts_as_of,
)
from services.read_model.asset_day import day_of
from services.read_model.assets import asset, assets
from services.read_model.connection import NO_ANSWER, Database
from services.read_model.deliveries import DeliveryFilter, DeliveryRow, deliveries, subscribers
from services.read_model.errors import DatabaseSilent, QueryRefused, QueryTooLong
from services.read_model.feeds import dead_letter_reasons, feed_health, feed_totals, sink_places
from services.read_model.indicators import indicators
from services.read_model.layers import charging, coverage, lakes, parking_guidance
from services.read_model.ledger import books, conflicts, device_gaps, device_hours, log_gaps
from services.read_model.plan import plan_in_force
from services.read_model.queries import SQL, of_feed
from services.read_model.targets import targets
from tests.integration.fresh_database import fresh_database
from tests.integration.read_model_world import World, as_reader
from tests.integration.told_events import Tell, all_pages, an_alert

ENOUGH_SECONDS = 3.0
"""A whole district takes some tens of milliseconds; on a machine that is busy with other tests, many times that."""


async def test_books_feeds_and_gaps(world: World, db: Database) -> None:
    assert [book.feed for book in await books(db)] == sorted(feed.value for feed in Feed)
    assert [book.feed for book in await books(db, feed=Feed.TAX)] == ["tax"]
    assert {row.feed: row.registered for row in await feed_health(db)}[Feed.EV] > 2_500
    assert {row.feed for row in await feed_totals(db)} == {feed.value for feed in Feed}
    assert await log_gaps(db) == await device_gaps(db) == await conflicts(db) == []
    assert await dead_letter_reasons(db) == await sink_places(db) == []
    hours = await device_hours(db, "lot-x1", since=world.now - timedelta(days=1), until=world.now)
    assert [(row.sent, row.stored, row.missing) for row in hours] == [(4, 4, 0)] * 24


async def test_deliveries_by_page_and_how_subscribers_fare(world: World, db: Database) -> None:
    columns = (
        "event_id, subscriber, attempt, alert_id, lane, outcome, http_status, at, seconds, detail, event, asset,"
        " redelivery, waited_seconds, event_topic, event_partition, event_offset, kafka_partition, kafka_offset"
    )
    await world.owner.execute(
        f"INSERT INTO alert_deliveries ({columns}) SELECT md5(n::text) || '-0', s, 1, md5(n::text), 'live',"
        " CASE WHEN s = 'slow' AND n > 8 THEN 'failed' ELSE 'delivered' END, 200,"
        " $1::timestamptz + (n / 3) * INTERVAL '1 second',"
        " 0.1, CASE WHEN s = 'slow' THEN format('why %s', n) ELSE '' END, 'raised', 'a', FALSE, 0.4, 'alerts', 0, n, 0,"
        " n"
        " FROM generate_series(1, 10) AS n, unnest(ARRAY['brain', 'slow']) AS s",
        world.now,
    )
    paged: list[DeliveryRow] = await all_pages(lambda cursor: deliveries(db, limit=3, cursor=cursor))
    assert paged == list((await deliveries(db, limit=100)).items)
    assert len({(row.subscriber, row.event_id) for row in paged}) == len(paged) == 20
    failed = await deliveries(db, DeliveryFilter(subscriber="slow", outcomes=("failed",), since=world.now))
    assert [row.offset for row in failed.items] == [10, 9] or {row.offset for row in failed.items} == {9, 10}
    brain, slow = await subscribers(db, since=world.now)
    assert (brain.delivered, brain.failed, brain.last_detail, brain.p50_seconds) == (10, 0, "", 0.5)
    assert (slow.delivered, slow.failed) == (8, 2)
    assert slow.last_detail in {"why 9", "why 10"}


async def test_every_statement_is_one_that_the_reader_may_ask(world: World) -> None:
    reader = await asyncpg.connect(world.reader.get_secret_value())
    try:
        for name, text in SQL.items():
            for feed in Feed if "{feed}" in text else (Feed.EV,):
                await reader.prepare(of_feed(name, feed))
    finally:
        await reader.close()


async def seconds_of(ask: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await ask()
    return time.perf_counter() - began


async def test_questions_about_a_whole_district_take_a_moment(world: World, db: Database) -> None:
    then = world.now - timedelta(days=20)
    questions: dict[str, Callable[[], Awaitable[Any]]] = {
        "alerts": lambda: alerts(db, limit=100),
        "open alerts": lambda: alerts(db, AlertFilter(standing=UNENDED), limit=100),
        "alerts of an asset": lambda: alerts(db, AlertFilter(asset="ev-x1-1"), limit=100),
        "alerts by words": lambda: alerts(db, AlertFilter(words="no such words"), limit=100),
        "alerts as of": lambda: open_alerts_as_of(db, then),
        "assets": lambda: assets(db),
        "assets as of": lambda: assets(db, as_of=world.now - timedelta(hours=3)),
        "asset": lambda: asset(db, "site", "site-x1"),
        "day of a connector": lambda: day_of(db, "connector", "ev-x1-1", until=world.now),
        "day of a site": lambda: day_of(db, "site", "site-x1", until=world.now),
        "day of a zone": lambda: day_of(db, "zone", "cbd", until=world.now),
        "indicators": lambda: indicators(db, limit=100),
        "indicators as of": lambda: indicators(db, as_of=then, limit=100),
        "targets": lambda: targets(db),
        "targets as of": lambda: targets(db, as_of=then),
        "plan": lambda: plan_in_force(db, at=world.now),
        "coverage": lambda: coverage(db),
        "charging": lambda: charging(db),
        "guidance": lambda: parking_guidance(db, at=world.now),
        "lakes": lambda: lakes(db),
        "feeds": lambda: feed_health(db),
    }
    took = {}
    for name, ask in questions.items():
        took[name] = min([await seconds_of(ask) for _ in range(3)])
    print({name: round(seconds * 1000) for name, seconds in took.items()})
    assert {name: seconds for name, seconds in took.items() if seconds > ENOUGH_SECONDS} == {}


async def test_a_connection_that_the_database_ends_is_one_error_and_then_well_again(world: World) -> None:
    async with Database(world.reader, name="to be ended", connections=1) as database:
        assert await database.rows("SELECT 1 AS n")
        await world.owner.execute("RESET ROLE")
        try:
            await world.owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'to be ended'"
            )
        finally:
            await world.owner.execute("SET ROLE district_owner")
        for _ in range(2):
            try:
                assert await database.rows("SELECT 1 AS n")
            except DatabaseSilent:
                continue
        assert await database.rows("SELECT 1 AS n")


async def test_a_question_that_takes_too_long_or_cannot_be_answered_says_so(world: World) -> None:
    bound = timedelta(seconds=0.3)
    async with Database(world.reader, name="test", connections=1, answer_within=bound) as database:
        with pytest.raises(DatabaseSilent, match=NO_ANSWER):
            await database.rows("SELECT pg_sleep(20)")
        with pytest.raises(QueryRefused, match="v_nothing"):
            await database.rows("SELECT * FROM v_nothing")
        with pytest.raises(QueryRefused, match="permission denied"):
            await database.rows("SELECT * FROM alerts")
        with pytest.raises(QueryRefused, match="read-only"):
            await database.rows("CREATE TEMPORARY TABLE mine (n integer)")
        async with database.at_one_moment() as asked:
            await asked.rows("SELECT set_config('statement_timeout', '50ms', TRUE)")
            with pytest.raises(QueryTooLong):
                await asked.rows("SELECT pg_sleep(20)")
        assert await database.rows("SELECT 1 AS n")


async def test_a_server_that_accepts_and_says_nothing_is_given_up() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    bound = timedelta(seconds=0.2)
    began = time.monotonic()
    address = SecretStr(f"postgresql://reader@127.0.0.1:{port}/district?sslmode=disable")
    async with silent, Database(address, name="test", connect_within=bound, answer_within=bound) as database:
        with pytest.raises(DatabaseSilent, match=NO_ANSWER):
            await database.rows("SELECT 1")
        with pytest.raises(DatabaseSilent, match=NO_ANSWER):
            async with database.at_one_moment() as asked:
                await asked.rows("SELECT 1")
    assert time.monotonic() - began < 10


async def test_one_moment_does_not_see_what_comes_meanwhile(world: World, db: Database, told: Tell) -> None:
    lane = "replay:moment"
    async with db.at_one_moment() as asked:
        assert (await alerts(asked, AlertFilter(lane=lane))).items == ()
        await told(an_alert(world.now, lane=lane))
        assert (await alerts(asked, AlertFilter(lane=lane))).items == ()
    assert len((await alerts(db, AlertFilter(lane=lane))).items) == 1


async def test_questions_at_once_share_the_connections(world: World) -> None:
    async with Database(world.reader, name="test", connections=2) as database:
        found = await asyncio.gather(*(alerts(database, limit=1) for _ in range(20)))
    assert len({page.items[0].alert_id for page in found}) == 1


async def test_a_database_that_is_not_there_or_has_no_tables_yet_is_a_sentence(stack: Stack) -> None:
    async with Database(SecretStr("postgresql://nobody@127.0.0.1:1/none"), name="test") as database:
        with pytest.raises(DatabaseSilent, match="The database does not answer: "):
            await alerts(database)
    address = SecretStr(as_reader(stack, "no_tables"))
    async with fresh_database(stack, "no_tables"), Database(address, name="test") as database:
        with pytest.raises(QueryRefused, match="v_alert_lives"):
            await alerts(database)
