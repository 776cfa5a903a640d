"""Boards of emergency, tax, plan and platform: numbers told anew from readings, and small cases with known answers."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime, timedelta
from math import floor
from typing import Any

import asyncpg
import pytest

from deploy.local.paths import CHECKOUT
from services.dashboards.kit import Kit
from services.dashboards.limits import Limits
from services.dashboards.palette import TARGET_STANDING
from services.dashboards.plan_files import read_documents
from services.dashboards.words import Language, quoted
from tests.grafana_sql import Span, expand, queries
from tests.integration.boards_cases import VARIABLES, asked, figure, rows_of, value_of
from tests.integration.boards_day import board_of, chosen, shown
from tests.simulated_day import CHINA

MINUTE = timedelta(minutes=1)


def call(name: str, ago: timedelta, reached: timedelta | None = None, *, lane: str = "live") -> dict[str, Any]:
    """A call so long ago, and how long after it an ambulance was there."""
    at = datetime.now(UTC) - ago
    there = None if reached is None else at + reached
    return {
        "lane": lane,
        "incident_id": name,
        "device_id": "amb-1",
        "unit_id": "amb-1",
        "street": "民族街",
        "step": "call_received" if there is None else "on_scene",
        "observed_at": at if there is None else there,
        "call_received_at": at,
        "on_scene_at": there,
    }


class TestEmergencyOfTheDay:
    """The tiles against calls and units told from the readings alone."""

    async def told(self, connection: asyncpg.Connection) -> dict[str, dict[str, Any]]:
        rows = await connection.fetch(
            "SELECT * FROM v_emergency_readings WHERE lane = 'live' AND incident_id IS NOT NULL ORDER BY observed_at"
        )
        found: dict[str, dict[str, Any]] = {}
        for row in rows:
            one = found.setdefault(
                row["incident_id"], {"called": row["call_received_at"], "there": None, "over": False}
            )
            times = [each for each in (one["there"], row["on_scene_at"]) if each is not None]
            one["there"] = min(times, default=None)
            one["over"] |= row["step"] in {"handed_over", "available"}
        return found

    async def test_calls_of_the_range(self, apache: asyncpg.Connection) -> None:
        told = (await self.told(apache)).values()

        def of_range(now: datetime) -> tuple[list[Any], list[Any]]:
            calls = [each for each in told if each["called"] >= now - timedelta(hours=24)]
            return calls, [each for each in calls if each["called"] < now - 10 * MINUTE]

        found, titles = {}, ("Calls", "Late", "Within 10 min", "Response P90")
        calls, due = of_range(datetime.now(UTC))
        for _ in range(5):
            for title in titles:
                ((found[title],),) = await shown(apache, "emergency", f"{title}, this range")
            before, (calls, due) = (calls, due), of_range(datetime.now(UTC))
            if before == (calls, due):
                break  # no call has come to an edge of the range meanwhile
        took = [each["there"] - each["called"] for each in due if each["there"] is not None]
        late = [each for each in due if each["there"] is None or each["there"] - each["called"] > 10 * MINUTE]
        assert len(due) > 20
        assert found["Calls"] == len(calls)
        assert found["Late"] == len(late)
        assert float(found["Within 10 min"]) == floor(1000 * (len(due) - len(late)) / len(due)) / 1000
        ranked = sorted(took)[-(-9 * len(took) // 10) - 1]
        assert float(found["Response P90"]) == pytest.approx(ranked / MINUTE)

    async def test_calls_now(self, apache: asyncpg.Connection) -> None:
        now = datetime.now(UTC)
        running = [
            each
            for each in (await self.told(apache)).values()
            if not each["over"] and each["called"] > now - timedelta(hours=3)
        ]
        ((n,),) = await shown(apache, "emergency", "Calls now")
        assert n == len(running)
        ((overdue,),) = await shown(apache, "emergency", "Overdue now")
        assert overdue == sum(each["there"] is None and each["called"] < now - 10 * MINUTE for each in running)
        waits = [now - each["called"] for each in running if each["there"] is None]
        ((longest,),) = await shown(apache, "emergency", "Longest wait")
        assert longest == pytest.approx(max(waits).total_seconds(), abs=5)

    async def test_ambulances_are_those_heard_within_a_quarter_of_an_hour(self, apache: asyncpg.Connection) -> None:
        newest = await apache.fetch(
            "SELECT DISTINCT ON (unit_id) * FROM v_emergency_readings WHERE lane = 'live' AND unit_id IS NOT NULL"
            " AND device_id = unit_id ORDER BY unit_id, observed_at DESC, seq DESC"
        )
        heard = datetime.now(UTC) - 15 * MINUTE
        free = [row for row in newest if row["unit_state"] == "available" and row["observed_at"] > heard]
        ((n,),) = await shown(apache, "emergency", "Ambulances available")
        assert n == len(free)
        posts = await shown(apache, "emergency", "Available by post")
        assert sum(row["available"] for row in posts) == len(free)
        on_map = await shown(apache, "emergency", "Ambulances on the map")
        assert sum(row["available"] for row in on_map) == len(free)
        assert len({(round(row["longitude"], 4), round(row["latitude"], 4)) for row in on_map}) == len(on_map)

    async def test_residents_out_of_reach_are_those_of_the_red_cells(self, apache: asyncpg.Connection) -> None:
        cells = await shown(apache, "emergency", "Uncovered cells")
        everyone = sum(row["residents"] for row in cells)
        out = sum(row["residents"] for row in cells if row["state"] == "uncovered")
        perhaps = sum(row["residents"] for row in cells if row["state"] == "unknown")
        ((n,),) = await shown(apache, "emergency", "Residents out of reach")
        assert out <= n <= out + perhaps
        assert n == out or perhaps
        ((share,),) = await shown(apache, "emergency", "Residents in reach")
        assert share == pytest.approx(floor(1000 * round(1 - n / everyone, 6)) / 1000)


class TestEmergencyCases:
    async def test_overdue_is_of_now_and_late_of_the_range(self, apache: asyncpg.Connection) -> None:
        rows = [call("waits", 12 * MINUTE), call("came late", timedelta(hours=5), 11 * MINUTE), call("new", 4 * MINUTE)]
        assert await value_of(apache, "emergency", "Overdue now", v_emergency_readings=rows) == 1
        assert await value_of(apache, "emergency", "Late, this range", v_emergency_readings=rows) == 2
        assert await value_of(apache, "emergency", "Calls, this range", v_emergency_readings=rows) == 3
        longest = await value_of(apache, "emergency", "Longest wait", v_emergency_readings=rows)
        assert longest == pytest.approx(720, abs=5)

    async def test_a_call_within_its_ten_minutes_is_neither_met_nor_missed(self, apache: asyncpg.Connection) -> None:
        for young in (call("waits", 4 * MINUTE), call("there", 8 * MINUTE, 5 * MINUTE)):
            share = await value_of(apache, "emergency", "Within 10 min, this range", v_emergency_readings=[young])
            assert share is None
        assert await value_of(apache, "emergency", "Late, this range", v_emergency_readings=[young]) == 0

    async def test_a_call_before_the_range_is_not_of_it(self, apache: asyncpg.Connection) -> None:
        old = call("old", timedelta(hours=24, minutes=3), 5 * MINUTE)
        assert await value_of(apache, "emergency", "Calls, this range", v_emergency_readings=[old]) == 0

    async def test_no_share_is_rounded_up_to_all(self, apache: asyncpg.Connection) -> None:
        calls = [call(f"c{n}", timedelta(hours=2), 5 * MINUTE) for n in range(2_000)]
        rows = [*calls, call("late", timedelta(hours=2), 11 * MINUTE)]
        share = await value_of(apache, "emergency", "Within 10 min, this range", v_emergency_readings=rows)
        assert float(share) == 0.999

    async def test_coverage_is_of_the_last_whole_minute_and_never_all_while_somebody_is_out(
        self, apache: asyncpg.Connection
    ) -> None:
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        out = {"uncovered": ["r1"], "uncovered_people": 28}
        rows = [
            figure("emergency.coverage", minute - MINUTE, minute, 0.99996, details=out),
            figure("emergency.coverage", minute + MINUTE, minute + 2 * MINUTE, None, status="cannot_say"),
        ]
        assert await value_of(apache, "emergency", "Residents in reach", v_indicators=rows) == 0.999
        assert await value_of(apache, "emergency", "Residents out of reach", v_indicators=rows) == 28
        times = await asked(apache, "emergency", "Coverage over time", v_indicators=rows)
        assert [row[1] for row in times] == [0.999]

    async def test_a_cell_that_is_not_named_among_many_is_not_called_covered(self, apache: asyncpg.Connection) -> None:
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        cells = [
            {"kind": "cell", "asset_id": cell, "capacity": residents, "longitude": 114.26, "latitude": 30.6}
            for cell, residents in (("a", 900), ("b", 500), ("c", 100))
        ]
        for many, states in ((1, ["covered", "uncovered", "covered"]), (2, ["covered", "uncovered", "unknown"])):
            named = {"uncovered": ["b"], "uncovered_cells": many}
            rows = [figure("emergency.coverage", minute - MINUTE, minute, 0.5, details=named)]
            drawn = await asked(apache, "emergency", "Uncovered cells", v_indicators=rows, v_assets=cells)
            assert [row["state"] for row in sorted(drawn, key=lambda row: row["cell"])] == states

    async def test_coverage_that_cannot_be_told_is_not_told(self, apache: asyncpg.Connection) -> None:
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        rows = [figure("emergency.coverage", minute - MINUTE, minute, 0.2, status="cannot_say")]
        assert await value_of(apache, "emergency", "Residents in reach", v_indicators=rows) is None

    async def test_ambulances_at_one_post_are_counted_at_it(self, apache: asyncpg.Connection) -> None:
        def unit(name: str, ago: timedelta, state: str = "available", east: float = 0.0) -> dict[str, Any]:
            at = datetime.now(UTC) - ago
            place = {"longitude": 114.26764 + east, "latitude": 30.61648}
            return {"lane": "live", "unit_id": name, "unit_state": state, "observed_at": at} | place

        rows = [
            unit("amb-redcross-1", MINUTE),
            unit("amb-redcross-2", MINUTE, "out_of_service"),
            unit("amb-redcross-3", timedelta(minutes=20)),
            unit("amb-redcross-4", MINUTE, "responding", east=0.01),
        ]
        one, post = await asked(apache, "emergency", "Ambulances on the map", v_emergency_latest=rows)
        assert (one["ambulances"], one["available"], one["state"]) == (1, 0, "responding")
        assert (post["ambulances"], post["available"], post["state"]) == (3, 1, "available")
        assert post["names"].startswith("Wuhan Red Cross Hospital 1, ")
        assert await value_of(apache, "emergency", "Ambulances available", v_emergency_latest=rows) == 1

    async def test_the_hour_that_runs_is_not_drawn(self, apache: asyncpg.Connection) -> None:
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        rows = [call("now", timedelta(seconds=1)), call("done", timedelta(hours=3), 5 * MINUTE)]
        drawn = await asked(apache, "emergency", "Response by hour", v_emergency_readings=rows)
        assert len(drawn) == 1
        assert drawn[0]["time"] < hour

    async def test_english_says_no_chinese(self, apache: asyncpg.Connection) -> None:
        for title in ("Calls now", "By street", "Available by post", "Ambulances"):
            for row in await shown(apache, "emergency", title):
                assert not re.search(r"[\u4e00-\u9fff]", str(list(row.values()))), title


def local_day(at: datetime) -> datetime:
    return at.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)


class TestTaxOfTheDay:
    async def test_count_and_total_are_those_of_the_entries(self, apache: asyncpg.Connection) -> None:
        begin = local_day(datetime.now(UTC)).replace(month=1, day=1)
        known = "SELECT max(known_at) FROM v_indicators WHERE id = 'tax.year_to_date' AND lane = 'live'"
        entries = "SELECT * FROM v_tax_readings WHERE lane = 'live' AND observed_at BETWEEN $1 AND $2"
        rows = await apache.fetch(entries, begin, await apache.fetchval(known))
        paid: dict[str, Any] = {}
        for row in rows:
            paid[row["building_id"]] = paid.get(row["building_id"], 0) + row["amount_cny"]
        over = sum(each >= 100_000_000 for each in paid.values())
        assert await self.one(apache, "Over CNY 100 m so far") == over > 0
        total = await self.one(apache, "The district, year to date")
        assert total == pytest.approx(float(sum(paid.values())) / 1e9)
        table = await shown(apache, "tax", "Nearest to the limit")
        assert sum(float(row["share"] or 0) >= 1 for row in table) == over
        assert {row["building_id"]: row["paid"] for row in table if row["paid"] is not None} == {
            building: pytest.approx(float(each) / 1e6) for building, each in paid.items()
        }

    async def test_this_month_is_compared_with_as_many_days_of_the_last(self, apache: asyncpg.Connection) -> None:
        today = local_day(datetime.now(UTC))
        first = today.replace(day=1)
        before = (first - timedelta(days=1)).replace(day=1)
        until = min(before + (today - first), first)
        rows = await apache.fetch("SELECT * FROM v_tax_readings WHERE lane = 'live' AND observed_at >= $1", before)
        this = sum(row["amount_cny"] for row in rows if first <= row["observed_at"] < today)
        last = sum(row["amount_cny"] for row in rows if before <= row["observed_at"] < until)
        ratio = await self.one(apache, "This month so far, of last month's")
        assert ratio == (pytest.approx(float(this / last)) if this and last else None)

    @pytest.mark.parametrize(
        ("language", "value", "unit", "words"),
        [
            (Language.ZH, "6", "class (1=I .. 5=V, 6=worse than V)", "劣Ⅴ类"),
            (Language.ZH, "3.0", "class (1=I .. 5=V, 6=worse than V)", "Ⅲ类"),
            (Language.EN, "3::double precision", "class (1=I .. 5=V, 6=worse than V)", "III"),
            (Language.ZH, "53000000000", "CNY", "530 亿元"),
        ],
    )
    async def test_an_amount_is_said_as_people_say_it(
        self, apache: asyncpg.Connection, language: Language, value: str, unit: str, words: str
    ) -> None:
        kit = Kit(language, Limits(read_documents(CHECKOUT / "deploy" / "plan")))
        assert await apache.fetchval(f"SELECT {kit.amount(value, quoted(unit))}") == words

    async def test_offices_are_those_heard_within_the_working_day(self, apache: asyncpg.Connection) -> None:
        since = await apache.fetchval("SELECT heard_since FROM v_feed_health WHERE feed = 'tax'")
        devices = await apache.fetch("SELECT * FROM v_devices WHERE feed = 'tax' AND lane = 'live'")
        offices = await apache.fetchval("SELECT count(*) FROM v_assets WHERE kind = 'office'")
        heard = sum(row["last_seen_at"] > since for row in devices)
        assert await self.one(apache, "Offices that reported") == floor(1000 * min(1, heard / offices)) / 1000

    @pytest.mark.parametrize(
        ("feed", "limit"), [("ev", "ev.silence"), ("parking", "parking.silence"), ("emergency", None), ("water", None)]
    )
    async def test_a_device_is_heard_as_long_as_its_policy_lets_it_be_silent(
        self, apache: asyncpg.Connection, feed: str, limit: str | None
    ) -> None:
        text = (CHECKOUT / "deploy" / "plan" / "policies" / f"{feed}.toml").read_text(encoding="utf-8")
        policy = tomllib.loads(text)
        seconds = {"emergency": policy["settings"].get("coverage", {}).get("fresh_seconds"), "water": 3_600}.get(feed)
        if limit is not None:
            (seconds,) = [each["value"] for each in policy["limit"] if each["id"] == limit]
        row = await apache.fetchrow("SELECT *, now() AS at FROM v_feed_health WHERE feed = $1", feed)
        assert (row["at"] - row["heard_since"]).total_seconds() == seconds
        devices = await apache.fetch("SELECT * FROM v_devices WHERE feed = $1 AND lane = 'live'", feed)
        assert row["heard"] == sum(each["last_seen_at"] > row["heard_since"] for each in devices)

    async def one(self, connection: asyncpg.Connection, title: str) -> float | None:
        ((value,),) = await shown(connection, "tax", title)
        return None if value is None else float(value)


class TestTaxCases:
    async def test_count_and_table_are_of_the_same_year_and_lane(self, apache: asyncpg.Connection) -> None:
        today = local_day(datetime.now(UTC))
        year, after = today.replace(month=1, day=1), today.replace(year=today.year + 1, month=1, day=1)
        last = year.replace(year=year.year - 1)
        count, paid = "tax.hundred_million_buildings", "tax.year_to_date"
        so_far = {"status": "cannot_say", "details": {"so_far": {"value": 1.0, "status": "not_met"}}}
        rows = [
            figure(count, last, year, 40, subject="jianghan"),
            figure(count, year, after, 1, subject="jianghan", **so_far),
            figure(count, today, today + timedelta(days=1), 0, subject="jianghan", status="cannot_say"),
            figure(count, year, after, 7, subject="jianghan", lane="replay:x", **so_far),
            figure(paid, last, year, 300e6, subject="b-2"),
            figure(paid, year, after, 105e6, subject="b-1", **so_far),
            figure(paid, year, after, 99.99e6, subject="b-2", **so_far),
            figure(paid, year, after, 204.99e6, subject="jianghan", **so_far),
        ]
        buildings = [
            {"kind": "building", "asset_id": each, "name_en": each, "name_zh": each, "zone": None}
            for each in ("b-1", "b-2")
        ]
        assets: list[dict[str, Any]] = [*buildings, {"kind": "district", "asset_id": "jianghan"}]
        assert await value_of(apache, "tax", "Over CNY 100 m so far", v_indicators=rows) == 1
        total = await value_of(apache, "tax", "The district, year to date", v_indicators=rows, v_assets=assets)
        assert total == pytest.approx(0.20499)
        table = await asked(apache, "tax", "Nearest to the limit", v_indicators=rows, v_assets=assets)
        shares = {row["building"]: float(row["share"]) for row in table}
        assert shares == {"b-1": 1.05, "b-2": 0.999}, "just below is not 100.0 %"
        assert [row["building"] for row in table] == ["b-2", "b-1"], "the nearest first"

    async def test_today_does_not_count_yet_and_this_month_stands_apart(self, apache: asyncpg.Connection) -> None:
        today = local_day(datetime.now(UTC))
        first = today.replace(day=1)
        before = (first - timedelta(days=1)).replace(day=1)

        def received(at: datetime, amount: float) -> dict[str, Any]:
            return {"lane": "live", "bucket": at, "amount_cny_sum": amount, "refunded_cny_sum": None}

        rows = [received(first, 50e6), received(before, 100e6), received(today, 900e6)]
        if today == first:
            rows = rows[1:]
        ratio = await value_of(apache, "tax", "This month so far, of last month's", v_tax_days=rows)
        assert ratio == (None if today == first else 0.5)
        last, this = await asked(apache, "tax", "Tax by month", v_tax_days=rows)
        assert float(last["received"]) == pytest.approx(0.1)
        assert last["this month so far"] is None
        assert this["received"] is None
        assert float(this["this month so far"]) == pytest.approx(0.9 if today == first else 0.95)

    async def test_a_night_without_reports_is_no_gap(self, apache: asyncpg.Connection) -> None:
        rows = [{"feed": "tax", "completeness": 1.0, "readings_per_s": 0.0}, {"feed": "ev", "completeness": 0.1}]
        assert await value_of(apache, "tax", "Offices that reported", v_feed_health=rows) == 1
        rows[0]["completeness"] = 0.9999
        share = await value_of(apache, "tax", "Offices that reported", v_feed_health=rows)
        assert float(share) == 0.999


PLAN_TILES = {words.en[0].upper() + words.en[1:]: code for code, (words, _) in TARGET_STANDING.items()}
WORST_FIRST = ("missed", "behind", "cannot_say", "on_track", "met")


class TestPlan:
    async def test_targets_are_counted_once_by_their_worst_subject(self, apache: asyncpg.Connection) -> None:
        rows = await apache.fetch("SELECT * FROM v_target_states WHERE lane = 'live' OR subject IS NULL")
        now = datetime.now(UTC)
        worst: dict[str, str] = {}
        for row in rows:
            state = row["standing"] or "cannot_say"
            worst[row["id"]] = min(state, worst.get(row["id"], "met"), key=WORST_FIRST.index)
        for title, state in PLAN_TILES.items():
            ((n,),) = await shown(apache, "plan", title)
            assert n == sum(each == state for each in worst.values()), title
        past = {row["id"] for row in rows if row["due"] < local_day(now).date()}
        ((n,),) = await shown(apache, "plan", "Past due, not shown met")
        assert n == sum(worst[each] != "met" for each in past)

    async def test_a_due_date_is_past_from_the_day_after(self, apache: asyncpg.Connection) -> None:
        today = local_day(datetime.now(UTC)).date()
        base = {"lane": "live", "subject": "s", "unit": "km", "comparator": ">=", "target": 1.0, "is_running": False}
        rows = [
            base | {"id": "today", "standing": "missed", "due": today},
            base | {"id": "late", "standing": "missed", "due": today - timedelta(days=1)},
            base | {"id": "late", "subject": "t", "standing": "met", "due": today - timedelta(days=1)},
            base | {"id": "done", "standing": "met", "due": today - timedelta(days=1)},
            base | {"id": "slow", "standing": "behind", "status": "met", "due": today},
            base | {"id": "keeps", "standing": "on_track", "status": "not_met", "due": today},
            base | {"id": "runs", "status": "cannot_say", "due": today, "is_running": True, "running_value": 0.5},
        ]
        counted = {
            title: await value_of(apache, "plan", title, v_target_states=rows)
            for title in (*PLAN_TILES, "Past due, not shown met")
        }
        assert counted == {
            "Missed": 2,
            "Behind": 1,
            "Cannot say": 1,
            "On track": 1,
            "Met": 1,
            "Past due, not shown met": 1,
        }
        table = await asked(apache, "plan", "Targets of the plan", v_target_states=rows)
        assert {(row["id"], row["due_state"]) for row in table} == {
            ("today", "open"),
            ("late", "past"),
            ("done", "past"),
            ("slow", "open"),
            ("keeps", "open"),
            ("runs", "open"),
        }
        (runs,) = [row for row in table if row["id"] == "runs"]
        assert (runs["status"], runs["value"], runs["running_value"]) == ("running", None, "0.5 km")
        assert runs["standing"] == "cannot_say", "nothing was written of it yet"

    async def test_the_strip_of_today_says_where_targets_stand(self, apache: asyncpg.Connection) -> None:
        base = {"lane": "live", "checked_by": "stream", "unit": "km", "target": 2.0, "value": 1.0, "is_running": False}
        rows = [
            base | {"name_en": "A", "standing": "on_track", "status": "not_met", "ordinality": 1},
            base | {"name_en": "B", "standing": "behind", "status": "met", "ordinality": 2},
            base | {"name_en": "C", "status": "met", "ordinality": 3},
            base | {"name_en": "D", "standing": "missed", "checked_by": "reported", "ordinality": 4},
        ]
        strip = await asked(apache, "today", "The plan's targets, the worst first", v_target_states=rows)
        assert [(row["name"], row["state"]) for row in strip] == [
            ("B · 1 / 2", "behind"),
            ("C · 1 / 2", "cannot_say"),
            ("A · 1 / 2", "on_track"),
        ]

    async def test_the_trajectory_draws_the_path_that_judges(self, apache: asyncpg.Connection) -> None:
        points = [{"id": "x", "day": f"{year}-12-31", "value": value} for year, value in ((2025, 0.0), (2030, 53.0))]
        points.append({"id": "another", "day": "2026-12-31", "value": 9.0})
        chosen_here = {"indicator": ["x"], "subject": ["s"]}
        title = "Trajectory to the due date"
        path = await asked(apache, "plan", title, chosen_here, ref="C", v_target_paths=points)
        ends = [datetime(2026, 1, 1, tzinfo=CHINA), datetime(2031, 1, 1, tzinfo=CHINA)]
        assert [(row["time"], row["value"]) for row in path] == [(ends[0], 0.0), (ends[1], 53.0)], "ends of days"
        state = {"id": "x", "lane": "live", "subject": "s", "standing_value": 7.0, "standing_on": "2026-12-31"}
        silent = state | {"subject": None, "standing_value": None, "standing_on": None}
        elsewhere = state | {"lane": "replay:x"}
        rows = [state, silent, elsewhere]
        (point,) = await asked(apache, "plan", title, chosen_here, ref="D", v_target_states=rows)
        assert (point["time"], point["value"]) == (datetime(2027, 1, 1, tzinfo=CHINA), 7.0)

    async def test_money_is_in_units_people_use(self, apache: asyncpg.Connection) -> None:
        goals = {row["id"]: row["goal"] for row in await shown(apache, "plan", "Targets of the plan")}
        assert goals["finance.value_added"] == "≥ 53 CNY bn"
        assert goals["employment.new_jobs"].startswith("≥ 70,000")


class TestPlatformOfTheDay:
    async def test_tiles(self, apache: asyncpg.Connection) -> None:
        letters = await apache.fetch("SELECT * FROM v_dead_letters")
        assert letters
        assert await self.one(apache, "Dead letters") == sum((row["lane"] or "live") == "live" for row in letters)
        ledger = await apache.fetch("SELECT * FROM v_sink_progress WHERE topic LIKE 'readings.%'")
        apart = sum(row["readings"] - row["stored"] - row["duplicates"] - row["dead_lettered"] for row in ledger)
        assert await self.one(apache, "Ledger difference") == apart == 0
        assert await self.one(apache, "In flight") == sum(row["end_offset"] - row["next_offset"] for row in ledger)
        sizes = await apache.fetch("SELECT bytes FROM v_storage")
        assert await self.one(apache, "Size") == sum(row["bytes"] for row in sizes)
        assert await self.one(apache, "Gone from Kafka") == 0
        assert await self.one(apache, "Waiting") == 0

    async def test_missing_numbers_are_those_that_no_reading_has(self, apache: asyncpg.Connection) -> None:
        missing = 0
        for feed in ("ev", "water", "parking", "emergency", "tax"):
            rows = await apache.fetch(
                f"SELECT max(seq) + 1 - count(*) AS n FROM v_{feed}_readings WHERE lane = 'live'"
                " GROUP BY device_id, boot_id"
            )
            missing += sum(row["n"] for row in rows)
        assert await self.one(apache, "Missing numbers") == missing

    async def one(self, connection: asyncpg.Connection, title: str) -> float:
        board = board_of("platform")
        span = Span.last(timedelta(hours=6), datetime.now(UTC))
        query = next(each for each in queries(board) if each.panel == title and each.kind == "stat")
        value = await connection.fetchval(expand(query.sql, span, await chosen(connection, board, span)))
        return float(value)


class TestPlatformCases:
    async def test_a_replays_letters_do_not_colour_live(self, apache: asyncpg.Connection) -> None:
        now = datetime.now(UTC) - MINUTE
        letter = {"received_at": now, "source": "ingest_bridge", "reason": "invalid"}
        rows = [letter | {"lane": "replay:storm"}] * 3 + [letter | {"lane": None}]
        assert await value_of(apache, "platform", "Dead letters", v_dead_letters=rows) == 1
        (drawn,) = await asked(apache, "platform", "Dead letters by reason", v_dead_letters=rows)
        assert drawn["value"] == 1

    async def test_the_minute_that_runs_is_no_rate(self, apache: asyncpg.Connection) -> None:
        minute = await apache.fetchval("SELECT date_trunc('minute', now())")
        rows = [
            {"minute": minute + 0 * MINUTE, "feed": "ev", "readings": 5, "live": 5, "storing_s_sum": 90.0},
            {"minute": minute - MINUTE, "feed": "ev", "readings": 600, "live": 600, "storing_s_sum": 6.0},
        ]
        board = board_of("platform")
        query = next(q for q in queries(board) if q.panel == "Readings/s" and q.kind == "timeseries")
        sql = expand(query.sql, Span.last(timedelta(hours=6), datetime.now(UTC)), VARIABLES)
        (drawn,) = await apache.fetch(f"WITH v_intake_minutes AS ({rows_of('v_intake_minutes', rows)}) {sql}")
        assert drawn["value"] == 10
        (delay,) = await asked(apache, "platform", "Delay from bridge to stored", v_intake_minutes=rows)
        assert delay["mean"] == pytest.approx(0.01)

    async def test_a_gap_in_the_numbers_names_the_device_and_leads_to_it(self, apache: asyncpg.Connection) -> None:
        gap = {"feed": "tax", "lane": "live", "device_id": "office-1", "first_seq": 3, "last_seq": 7, "n": 5}
        rows = [gap, gap | {"lane": "replay:x", "n": 90}]
        named = [{"is_device": True, "feed": "tax", "asset_id": "office-1", "name_en": "First office"}]
        (one,) = await asked(apache, "platform", "Gaps in the numbers", v_device_gaps=rows, v_assets=named)
        assert (one["device"], one["n"], one["page"]) == ("First office", 5, "jianghan-asset-tax-en")
        assert await value_of(apache, "platform", "Missing numbers", v_device_gaps=rows) == 5

    async def test_a_gap_that_an_operator_has_noted_does_not_colour(self, apache: asyncpg.Connection) -> None:
        rows: list[dict[str, Any]] = [
            {"records": 40, "acknowledged_at": None},
            {"records": 2, "acknowledged_at": datetime.now(UTC)},
        ]
        assert await value_of(apache, "platform", "Gone from Kafka", v_log_gaps=rows) == 40

    async def test_what_was_delivered_in_the_end_does_not_wait(self, apache: asyncpg.Connection) -> None:
        now = datetime.now(UTC)

        def attempt(event: str, number: int, outcome: str, offset: int) -> dict[str, Any]:
            at = now - timedelta(minutes=30 - number)
            place = {"event_topic": "alerts", "event_partition": 0, "event_offset": offset}
            return {"subscriber": "brain", "event_id": event, "attempt": number, "outcome": outcome, "at": at} | place

        rows = [
            attempt("a", 1, "failed", 0),
            attempt("a", 2, "delivered", 0),
            attempt("b", 1, "failed", 1),
            attempt("b", 2, "failed", 1),
            attempt("c", 1, "refused", 2),
        ]
        progress = [{"topic": "alerts", "partition": 0, "next_offset": 7}]
        assert await value_of(apache, "platform", "Waiting", v_deliveries=rows) == 1
        (one,) = await asked(apache, "platform", "Subscribers", v_deliveries=rows, v_sink_progress=progress)
        assert (one["waiting"], one["delivered"], one["lost"], one["beyond"]) == (1, 1, 1, 4)
        assert float(one["waits_s"]) == pytest.approx(28 * 60, abs=5)


async def test_no_panel_takes_a_running_period_for_final(apache: asyncpg.Connection) -> None:
    """A running period that would be met or not met by its number shows nowhere as either."""
    today = local_day(datetime.now(UTC))
    until = today + timedelta(days=1)
    rows = [figure("emergency.coverage", today, until, 0.1, status="not_met", details={"uncovered_people": 9})]
    for title in ("Residents in reach", "Residents out of reach"):
        assert await value_of(apache, "emergency", title, v_indicators=rows) is None
    assert await asked(apache, "emergency", "Coverage over time", v_indicators=rows) == []
    state = {"id": "x", "lane": "live", "subject": "s", "feed": "emergency", "status": "cannot_say", "target": 10.0}
    state |= {"comparator": "<=", "unit": "min", "due": today.date(), "is_running": True, "running_value": 12.0}
    (row,) = await asked(apache, "emergency", "Against the plan", v_target_states=[state])
    assert (row["status"], row["value"], row["so_far"], row["due_state"]) == ("running", None, "12 min", "open")
