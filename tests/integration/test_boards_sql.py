"""Every query of every board against the real database filled by a simulated day, as the reader, on both editions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from schemas.plan.policy import PolicyDocument
from services.dashboards.limits import Limits
from services.dashboards.plan_files import read_documents
from services.timescale_sink.editions import Edition
from services.timescale_sink.settings import MigrationSettings
from tests.grafana_sql import Query, Span, expand, queries, seconds, shape_faults
from tests.integration.boards_day import board_of, chosen, loaded, shown

RUNNING = "the day was written within the minute that runs, which is no rate yet"
MAY_BE_EMPTY = {
    "jianghan-platform/Readings/s": RUNNING,
    "jianghan-platform/Delay from bridge to stored": RUNNING,
    "jianghan-platform/Delay from observed to bridge": RUNNING,
    "jianghan-platform/Subscribers": "nothing is delivered in a simulated day",
    "jianghan-platform/Gaps in the numbers": "a simulated day has every number",
    "jianghan-plan/Trajectory to the due date/C": "classes of water have no base value, so no path",
    "jianghan-plan/Trajectory to the due date/D": "a simulated day is written without the sink's look at standings",
}
"""Queries that are rightly without rows after a simulated day."""
MAY_ALWAYS_BE_EMPTY = frozenset({"Open alerts", "Its alerts", "Missing numbers", "Verdicts and figures"})
"""Of an asset about which there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the database said to a statement."""

    columns: Mapping[str, str]
    """Type of each."""
    rows: int


@dataclass(slots=True)
class Asked:
    """A database that is asked each statement once: half of the panels say nothing of the span that is shown."""

    connection: asyncpg.Connection
    answers: dict[str, Answer | asyncpg.PostgresError] = field(default_factory=dict)

    async def answer(self, sql: str) -> Answer | asyncpg.PostgresError:
        if sql not in self.answers:
            try:
                statement = await self.connection.prepare(sql)
                rows = await statement.fetch()
            except asyncpg.PostgresError as error:
                self.answers[sql] = error
            else:
                columns = {each.name: each.type.name for each in statement.get_attributes()}
                self.answers[sql] = Answer(columns, len(rows))
        return self.answers[sql]


async def faults_of(connection: asyncpg.Connection, language: str, *, rows_wanted: bool) -> list[str]:
    """What is wrong with the panels of a language, over spans that make each level of rollup answer.

    The span that a board opens with is one of them, and there must be something to see in it.
    """
    found: list[str] = []
    asked = Asked(connection)
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
                    asked,
                    query,
                    expand(query.sql, place, variables),
                    rows_wanted=rows_wanted and length in {first, wide},
                )
    return found


def annotations(board: dict[str, Any]) -> Iterator[Query]:
    for each in board["annotations"]["list"]:
        if "target" in each and "rawSql" in each["target"]:
            yield Query(board["uid"], each["name"], "annotation", each["target"]["rawSql"], table=True)


async def _faults(asked: Asked, query: Query, sql: str, *, rows_wanted: bool) -> list[str]:
    name, answer = query.name, await asked.answer(sql)
    if isinstance(answer, asyncpg.PostgresError):
        return [f"{name}: {answer}"]
    found = [f"{name}: {fault}" for fault in shape_faults(query, answer.columns)]
    if (
        rows_wanted
        and not answer.rows
        and name not in MAY_BE_EMPTY
        and query.panel not in MAY_ALWAYS_BE_EMPTY
        and query.kind != "annotation"
    ):
        found.append(f"{name}: no rows")
    return found


async def test_every_panel_answers_on_the_apache_edition(apache: asyncpg.Connection) -> None:
    assert await apache.fetchval("SELECT edition FROM v_edition") == Edition.APACHE
    for language, rows_wanted in (("en", True), ("zh", False)):
        found = await faults_of(apache, language, rows_wanted=rows_wanted)
        assert not found, "\n".join(found)


async def test_every_panel_answers_on_the_community_edition(community: asyncpg.Connection) -> None:
    assert await community.fetchval("SELECT edition FROM v_edition") == Edition.COMMUNITY
    found = await faults_of(community, "en", rows_wanted=False)
    assert not found, "\n".join(found)


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
    (fault,) = await _faults(Asked(apache), query, query.sql, rows_wanted=True)
    assert 'column "nonsense" does not exist' in fault
    query = Query("b", "p", "table", "SELECT 1 AS one", table=True, named=("two",))
    (fault,) = await _faults(Asked(apache), query, query.sql, rows_wanted=True)
    assert "two" in fault


async def test_the_reader_sees_views_and_nothing_else(apache: asyncpg.Connection) -> None:
    for table in ("ev_readings", "alerts", "schema_migrations", "storage_ages"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await apache.fetch(f"SELECT 1 FROM {table}")
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
        await apache.fetch("SELECT drop_expired_chunks(8)")


LAST_ROUNDS = """
SELECT DISTINCT ON (subject) subject, value, status FROM v_indicators
WHERE id = 'water.class' AND lane = 'live' AND sample_seq = -1 AND period_end <= now()
ORDER BY subject, period_start DESC"""


async def open_by_events(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    """Alerts that are open by their own events, told without the views of alerts: the last revision of each.

    One that stands in the list of another that is open speaks through it.
    """
    rows = await connection.fetch("SELECT * FROM v_alert_events WHERE lane = 'live' ORDER BY revision")
    last = {row["alert_id"]: row for row in rows}
    still = [row for row in last.values() if row["ended_at"] is None and row["event"] != "retracted"]
    data = {row["alert_id"]: json.loads(row["data"]) for row in still}
    stood_for = {tuple(member) for each in data.values() for member in each.get("members") or ()}
    return [
        row
        for row in still
        if (row["rule"], row["asset"]) not in stood_for and not data[row["alert_id"]].get("suppression")
    ]


async def test_today_counts_the_alerts_that_are_open(apache: asyncpg.Connection) -> None:
    events = await open_by_events(apache)
    assert events
    for severity, title in (("I", "I red"), ("II", "II orange"), ("III", "III yellow"), ("IV", "IV blue")):
        (row,) = await shown(apache, "today", title)
        assert row["n"] == sum(each["severity"] == severity for each in events), severity
    listed = await shown(apache, "today", "Open alerts")
    assert {row["alert_id"] for row in listed} == {each["alert_id"] for each in events}
    assert [row["severity"] for row in listed] == sorted(row["severity"] for row in listed), "the worst first"
    (oldest,) = await shown(apache, "today", "Longest open")
    since = min(each["started_at"] for each in events)
    assert oldest["s"] == pytest.approx((datetime.now(UTC) - since).total_seconds(), abs=5)


async def test_what_is_the_matter_and_what_to_do_are_the_alerts_own_words(apache: asyncpg.Connection) -> None:
    """The parts of the text that the list shows, for every rule of the day: limit and time have their own columns."""
    advice = {
        language: {
            getattr(rule, f"advice_{language}")
            for document in read_documents(MigrationSettings.model_fields["plan_folder"].default)
            if isinstance(document, PolicyDocument)
            for rule in document.rule
        }
        for language in ("zh", "en")
    }
    rows = await apache.fetch(
        "SELECT * FROM v_alert_places WHERE lane = 'live' AND ended_at IS NULL AND event <> 'retracted'"
    )
    assert len({row["rule"] for row in rows}) >= 3
    for row in rows:
        for language, limit in (("zh", "限值："), ("en", "Limit:")):
            matter, text = row[f"matter_{language}"], row[f"text_{language}"]
            assert len(matter) > 3, text
            assert matter.strip() in text
            assert limit not in matter, matter
            assert row[f"advice_{language}"] in advice[language], text


async def test_a_target_is_what_the_last_period_that_is_over_says(apache: asyncpg.Connection) -> None:
    rows = await apache.fetch("SELECT * FROM v_target_states WHERE lane = 'live' AND subject IS NOT NULL")
    now = datetime.now(UTC)
    assert rows
    for row in rows:
        is_over = row["period_end"] <= now
        assert row["is_running"] is not is_over, row["id"]
        assert is_over or row["status"] == "cannot_say", "a period that runs meets nothing"
    lengths = {row["id"]: row["period_end"] - row["period_start"] for row in rows}
    assert lengths["tax.hundred_million_buildings"] > timedelta(days=300), "the year, not the days in it"
    assert lengths["emergency.response"] > timedelta(days=20)
    newest = await apache.fetch(LAST_ROUNDS)
    assert {row["subject"]: row["status"] for row in newest} == {
        row["subject"]: row["status"] for row in rows if row["id"] == "water.class"
    }


async def test_buildings_of_the_tile_are_those_of_the_table(apache: asyncpg.Connection) -> None:
    (tile,) = await shown(apache, "tax", next(p["title"] for p in board_of("tax")["panels"] if p["type"] == "stat"))
    table = await shown(apache, "tax", "Nearest to the limit")
    assert tile["value"] == sum(row["share"] >= 1 for row in table)
    year = "date_trunc('year', now() AT TIME ZONE INTERVAL '+08:00') AT TIME ZONE INTERVAL '+08:00'"
    known = "SELECT max(known_at) FROM v_indicators WHERE id = 'tax.year_to_date' AND lane = 'live'"
    paid = await apache.fetch(
        f"SELECT device_id, sum(amount_cny) AS paid FROM v_tax_readings WHERE lane = 'live' AND observed_at >= {year}"
        f" AND observed_at <= ({known}) GROUP BY device_id"
    )
    assert tile["value"] == sum(row["paid"] >= 100_000_000 for row in paid)
    (total,) = await shown(apache, "tax", "The district, year to date")
    assert float(total["value"]) == pytest.approx(float(sum(row["paid"] for row in paid)) / 1e9)


async def test_a_connector_that_is_not_heard_is_silent_whatever_it_said_last(apache: asyncpg.Connection) -> None:
    rows = await apache.fetch("SELECT status, observed_at, power_kw FROM v_ev_latest WHERE lane = 'live'")
    oldest = datetime.now(UTC) - timedelta(seconds=600)
    lost = [row for row in rows if row["status"] in {"fault", "no_contact"} or row["observed_at"] < oldest]
    (fault,) = await shown(apache, "ev", "At fault")
    (silent,) = await shown(apache, "ev", "Silent")
    assert fault["n"] + silent["n"] == len(lost)
    sites = await shown(apache, "ev", "Sites")
    (power,) = await shown(apache, "ev", "Power now")
    heard = sum(row["power_kw"] or 0 for row in rows if row["observed_at"] >= oldest and row["status"] != "no_contact")
    assert (power["kw"] or 0) == pytest.approx(heard) == pytest.approx(sum(row["kw"] or 0 for row in sites))
    assert sum(row["faulty"] + row["silent"] for row in sites) == len(lost)
    states = await shown(apache, "ev", "Connectors by state")
    (never,) = await shown(apache, "ev", "Never heard")
    assert sum(row["n"] for row in states) == len(rows) + never["n"]


async def test_free_spaces_and_occupancy_are_those_of_the_newest_counts(apache: asyncpg.Connection) -> None:
    rows = await apache.fetch(
        "SELECT DISTINCT ON (device_id) * FROM v_parking_readings WHERE lane = 'live' AND observed_at <= now()"
        " ORDER BY device_id, observed_at DESC"
    )
    heard = datetime.now(UTC) - timedelta(seconds=1_800)
    counted = [row for row in rows if 0 <= row["free_spaces"] <= row["total_spaces"] and row["observed_at"] >= heard]
    (free,) = await shown(apache, "parking", "Free spaces")
    assert free["n"] == sum(row["free_spaces"] for row in counted)
    usable = sum(row["total_spaces"] - row["out_of_service_spaces"] for row in counted)
    (share,) = await shown(apache, "parking", "Occupancy")
    assert share["share"] == pytest.approx(1 - free["n"] / usable)
    lots = {row["id"]: row["free_spaces"] for row in await shown(apache, "parking", "Car parks now")}
    assert {lot: free for lot, free in lots.items() if free is not None} == {
        row["device_id"]: row["free_spaces"] for row in rows
    }


async def test_the_worst_lake_stands_first_by_its_name(apache: asyncpg.Connection) -> None:
    (worst, *others) = await shown(apache, "water", next(p["title"] for p in board_of("water")["panels"]))
    newest = await apache.fetch(LAST_ROUNDS)
    lakes = await apache.fetch("SELECT asset_id, name_en FROM v_assets WHERE kind = 'lake'")
    names = {row["asset_id"]: row["name_en"] for row in lakes}
    classes = {names[row["subject"]]: row["value"] for row in newest if row["status"] != "cannot_say"}
    assert int(worst["state"]) == max(classes.values()) == classes[worst["name"]]
    assert {row["name"] for row in others} <= set(names.values())


@pytest.mark.parametrize(
    ("feed", "kind", "days"), [("water", "lake", 1), ("ev", "site", 1), ("parking", "lot", 1), ("tax", "building", 365)]
)
async def test_the_page_of_an_asset_is_about_it_and_what_belongs_to_it(
    apache: asyncpg.Connection, feed: str, kind: str, days: int
) -> None:
    """Numbers of the page against the readings of the devices, told by the register alone."""
    chosen_one = await apache.fetchval("SELECT min(asset_id) FROM v_assets WHERE kind = $1", kind)
    devices = await apache.fetch(
        "SELECT asset_id FROM v_assets WHERE feed = $1 AND is_device AND (asset_id = $2 OR parent_id = $2)",
        feed,
        chosen_one,
    )
    ids = [row["asset_id"] for row in devices]
    page = f"asset-{feed}"
    (identity,) = await shown(apache, page, "The asset", asset=[chosen_one])
    assert (identity["asset_id"], identity["kind"]) == (chosen_one, kind)
    heard = await apache.fetchval(
        f"SELECT max(last_seen_at) FROM v_devices WHERE lane = 'live' AND device_id = ANY ($1) AND feed = '{feed}'", ids
    )
    assert identity["last_seen_at"] == heard
    listed = await shown(apache, page, "Devices", asset=[chosen_one])
    assert {row["asset_id"] for row in listed} == {*ids, chosen_one}
    hours = await shown(apache, page, "Ledger of its data", asset=[chosen_one])
    since = min(row["time"] for row in hours)
    stored = await apache.fetchval(
        f"SELECT count(*) FROM v_{feed}_readings WHERE lane = 'live' AND device_id = ANY ($1) AND observed_at >= $2"
        " AND observed_at <= now()",
        ids,
        since,
    )
    assert sum(row["stored"] for row in hours) == stored
    assert datetime.now(UTC) - since <= timedelta(days=days, hours=1)
    hundred = await shown(apache, page, "The last 100 days", asset=[chosen_one])
    assert len(hundred) == 100
    alerts = await apache.fetchval(
        "SELECT count(DISTINCT alert_id) FROM v_alerts WHERE lane = 'live' AND feed = $1 AND event <> 'retracted'"
        " AND asset = ANY ($2)",
        feed,
        [*ids, chosen_one],
    )
    assert sum(row["alerts"] for row in hundred) == alerts


async def test_every_figure_of_the_day_has_words(apache: asyncpg.Connection) -> None:
    ids = {row["id"] for row in await apache.fetch("SELECT DISTINCT id FROM v_indicators")}
    assert len(ids) >= 10
    assert ids <= set(Limits(read_documents(MigrationSettings.model_fields["plan_folder"].default)).figures)
