"""Boards of water, charging and parking: numbers told anew from readings and register, and small cases."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import floor
from typing import Any

import asyncpg
import pytest

from tests.grafana_sql import Span, expand, queries, seconds
from tests.grafana_table import lines_drawn, lines_reckoned, panel_px, table_px, wrapping
from tests.integration.boards_cases import asked, figure, value_of
from tests.integration.boards_day import board_of, chosen, loaded, shown
from tests.simulated_day import CHINA

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
HOLDS = timedelta(seconds=300)
"""A state of a connector holds for so long."""
LINES = 11
"""Ten with a line each, and the others."""


def local_day(at: datetime) -> datetime:
    return at.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)


async def newest(connection: asyncpg.Connection, feed: str) -> list[asyncpg.Record]:
    """The newest reading of each live device, told from the readings alone."""
    rows: list[asyncpg.Record] = await connection.fetch(
        f"SELECT DISTINCT ON (device_id) * FROM v_{feed}_readings WHERE lane = 'live' AND observed_at <= now()"
        " AND NOT 'future_time' = ANY (quality_codes) ORDER BY device_id, observed_at DESC, seq DESC"
    )
    return rows


async def never_heard(connection: asyncpg.Connection, kind: str, rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Devices of the register of which there is no reading."""
    known = await connection.fetch("SELECT asset_id FROM v_assets WHERE is_device AND kind = $1", kind)
    return {row["asset_id"] for row in known} - {row["device_id"] for row in rows}


async def one(connection: asyncpg.Connection, board: str, title: str, **more: list[str]) -> float:
    ((value,),) = await shown(connection, board, title, **more)
    return float(value)


class TestChargingOfTheDay:
    async def standing(self, connection: asyncpg.Connection) -> dict[str, str]:
        """State of each connector by its newest reading, its silence and the register."""
        rows = await newest(connection, "ev")
        heard = datetime.now(UTC) - timedelta(seconds=600)
        found = {row["device_id"]: row["status"] if row["observed_at"] >= heard else "no_contact" for row in rows}
        return found | dict.fromkeys(await never_heard(connection, "connector", rows), "unseen")

    async def test_tiles(self, apache: asyncpg.Connection) -> None:
        states = Counter((await self.standing(apache)).values())
        assert states["unseen"] > 50, "two of three connectors take no part in the day"
        up = sum(states[each] for each in ("idle", "plugged", "charging", "reserved"))
        assert await one(apache, "ev", "Up right now") == floor(1000 * up / states.total()) / 1000
        assert await one(apache, "ev", "Charging") == states["charging"]
        assert await one(apache, "ev", "At fault") == states["fault"]
        assert await one(apache, "ev", "Silent") == states["no_contact"]
        assert await one(apache, "ev", "Never heard") == states["unseen"]
        drawn = await shown(apache, "ev", "Connectors by state")
        assert sorted(row["n"] for row in drawn) == sorted(states.values())

    async def test_sites_and_connectors_are_those_of_the_register(self, apache: asyncpg.Connection) -> None:
        states = await self.standing(apache)
        counted = Counter(states.values())
        sites = await shown(apache, "ev", "Sites")
        for column, state in (("faulty", "fault"), ("silent", "no_contact"), ("unseen", "unseen"), ("idle", "idle")):
            assert sum(row[column] for row in sites) == counted[state], column
        assert sum(row["connectors"] for row in sites) == len(states)
        registered = await apache.fetchval("SELECT count(*) FROM v_assets WHERE kind = 'site'")
        assert len(sites) == registered
        listed = await shown(apache, "ev", "Connectors")
        assert {row["id"]: row["status"] for row in listed} == states
        assert listed[0]["place"] == f"1 / {len(states)}"

    async def test_a_replay_does_not_miss_the_devices_of_the_register(self, apache: asyncpg.Connection) -> None:
        for board, title in (
            ("ev", "Never heard"),
            ("parking", "Silent or never heard"),
            ("water", "Silent or never heard"),
        ):
            assert await one(apache, board, title, lane=["replay:none"]) == 0

    async def test_days_are_those_of_the_readings(self, apache: asyncpg.Connection) -> None:
        """Uptime, availability and time in use of yesterday, by the time that each state held."""
        until = local_day(datetime.now(UTC))
        rows = await apache.fetch(
            "SELECT * FROM v_ev_readings WHERE lane = 'live' AND observed_at >= $1 AND observed_at < $2"
            " ORDER BY observed_at, seq",
            until - timedelta(days=1),
            until,
        )
        held: dict[str, Counter[str]] = {}
        ports: dict[str, set[str]] = {}
        by_port: dict[str, list[asyncpg.Record]] = {}
        for row in rows:
            by_port.setdefault(row["device_id"], []).append(row)
            ports.setdefault(row["group_id"], set()).add(row["device_id"])
        for readings in by_port.values():
            ends = [row["observed_at"] for row in readings[1:]] + [until]
            for row, end in zip(readings, ends, strict=True):
                time = min(end - row["observed_at"], HOLDS)
                held.setdefault(row["group_id"], Counter())[row["status"]] += round(time.total_seconds())
        assert len(held) >= 10
        uptime = await self.of_yesterday(apache, "Uptime, the last seven days")
        available = await self.of_yesterday(apache, "Availability, the last seven days")
        in_use = await self.of_yesterday(apache, "Time in use, the last seven days")
        for site, states in held.items():
            known = states.total()
            out = states["fault"] + states["out_of_service"] + states["no_contact"]
            whole = len(ports[site]) * 86_400
            assert uptime[site] == pytest.approx((known - out) / whole, abs=1e-4), site
            assert available[site] == pytest.approx(states["idle"] / known, abs=1e-4), site
            used = (states["charging"] + states["plugged"]) / (known - out)
            assert in_use[site] == pytest.approx(used, abs=1e-4), site

    async def of_yesterday(self, connection: asyncpg.Connection, title: str) -> dict[str, float]:
        return {row["id"]: row["d1"] for row in await shown(connection, "ev", title)}

    async def test_energy_is_what_the_meters_grew_in_whole_hours(self, apache: asyncpg.Connection) -> None:
        now = datetime.now(UTC)
        since, until = now - timedelta(hours=24), now.replace(minute=0, second=0, microsecond=0)
        rows = await apache.fetch(
            "SELECT * FROM v_ev_readings WHERE lane = 'live' AND energy_register_kwh IS NOT NULL AND quality = 'good'"
            " AND observed_at < $1 ORDER BY device_id, observed_at",
            until,
        )
        last: dict[str, dict[datetime, float]] = {}
        first: dict[str, float] = {}
        for row in rows:
            hour = row["observed_at"].replace(minute=0, second=0, microsecond=0)
            first.setdefault(row["device_id"], row["energy_register_kwh"])
            hours = last.setdefault(row["device_id"], {})
            hours[hour] = max(hours.get(hour, 0.0), row["energy_register_kwh"])
        grown: Counter[datetime] = Counter()
        for device, hours in last.items():
            for (_, before), (hour, after) in pairwise([(since, first[device]), *sorted(hours.items())]):
                if hour >= since:
                    grown[hour] += after - before
        drawn: Counter[datetime] = Counter()
        for row in await shown(apache, "ev", "Energy by hour"):
            drawn[row["time"]] += row["value"]
        assert max(drawn) < until, "the hour that runs is not drawn"
        assert min(drawn) - since < HOUR, "the first whole hour of the range is"
        assert {hour: kwh for hour, kwh in drawn.items() if kwh > 0} == {
            hour: pytest.approx(kwh) for hour, kwh in grown.items() if kwh > 1e-9
        }

    async def test_limits_count_what_is_beyond_them(self, apache: asyncpg.Connection) -> None:
        states = Counter((await self.standing(apache)).values())
        rows = {row["limit_name"]: row for row in await shown(apache, "ev", "Against the limits")}
        silent = states["no_contact"] + states["unseen"]
        row = rows["Silent or never heard connectors"]
        assert (row["state"], row["so_far"]) == ("beyond", f"{silent} / {states.total()}")
        assert row["goal"] == "< 600 s"
        sites = await shown(apache, "ev", "Sites")
        troubled = [site["faulty"] + site["silent"] + site["unseen"] for site in sites]
        assert troubled == sorted(troubled, reverse=True), "what is wrong stands first"
        loads = [site["load"] for site in sites if site["load"] is not None]
        assert rows["Load of a site"]["so_far"] == f"{sum(load > 1 for load in loads)} / {len(loads)}"
        until = local_day(datetime.now(UTC))
        uptime = await apache.fetch(
            "SELECT status FROM v_indicators WHERE id = 'ev.uptime' AND lane = 'live' AND period_end = $1"
            " AND period_start = $2 AND subject IN (SELECT asset_id FROM v_assets WHERE kind = 'site')",
            until,
            until - timedelta(days=1),
        )
        missed = sum(each["status"] == "not_met" for each in uptime)
        assert rows["Uptime of a site, by day"]["whole"] == f"{missed} / {len(uptime)}"
        assert "23 CFR 680.116" in rows["Uptime of a site, by day"]["source"]


def connector(name: str, ago: timedelta, status: str = "idle", **more: Any) -> dict[str, Any]:
    at = datetime.now(UTC) - ago
    return {"lane": "live", "device_id": name, "group_id": "s-1", "observed_at": at, "status": status} | more


def registered(kind: str, name: str, parent: str, feed: str, **more: Any) -> dict[str, Any]:
    names = {"name_en": name, "name_zh": name}
    return {"kind": kind, "asset_id": name, "feed": feed, "is_device": True, "parent_id": parent} | names | more


class TestChargingCases:
    async def test_silent_never_heard_and_unregistered(self, apache: asyncpg.Connection) -> None:
        """Of five connectors one is heard, one silent, one never heard, one not registered, one of another site."""
        rows = [
            connector("c-1", MINUTE, "charging", power_kw=7.0),
            connector("c-2", 11 * MINUTE, "charging", power_kw=9.0),
            connector("stray", MINUTE, "fault", power_kw=0.0),
            connector("c-9", MINUTE, group_id="s-9"),
        ]
        assets = [registered("connector", name, "s-1", "ev") for name in ("c-1", "c-2", "c-3")]
        assets += [registered("connector", "c-9", "s-9", "ev"), registered("connector", "c-8", "s-9", "ev")]
        site = {"kind": "site", "asset_id": "s-1", "feed": "ev", "name_en": "One", "limit_value": 100.0}
        views = {"v_ev_latest": rows, "v_assets": [*assets, site]}
        assert await value_of(apache, "ev", "Up right now", **views) == 0.25
        for title, n in (("Charging", 1), ("At fault", 1), ("Silent", 1), ("Never heard", 1)):
            assert await value_of(apache, "ev", title, **views) == n, title
        assert await value_of(apache, "ev", "Power now", **views) == 7.0
        (row,) = await asked(apache, "ev", "Sites", **views)
        assert (row["connectors"], row["charging"], row["faulty"], row["silent"], row["unseen"]) == (4, 1, 1, 1, 1)
        assert (row["kw"], row["load"]) == (7.0, 0.07)
        listed = await asked(apache, "ev", "Connectors", **views)
        assert [(row["place"], row["id"]) for row in listed] == [
            ("1 / 4", "c-3"),
            ("2 / 4", "c-2"),
            ("3 / 4", "stray"),
            ("4 / 4", "c-1"),
        ]

    async def test_more_connectors_than_are_listed_are_counted(self, apache: asyncpg.Connection) -> None:
        rows = [connector(f"c-{n}", MINUTE) for n in range(503)]
        listed = await asked(apache, "ev", "Connectors", v_ev_latest=rows, v_assets=[])
        assert len(listed) == 500
        assert listed[-1]["place"] == "500 / 503"

    async def test_the_hour_that_runs_is_not_drawn_and_the_first_is(self, apache: asyncpg.Connection) -> None:
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

        def meter(ago: int, low: float, high: float, device: str = "c-1") -> dict[str, Any]:
            told = {"energy_register_kwh_min": low, "energy_register_kwh_max": high}
            return {"lane": "live", "group_id": "s-1", "device_id": device, "bucket": hour - ago * HOUR} | told

        rows = [
            meter(24, 90.0, 100.0),
            meter(23, 100.0, 104.0),
            meter(1, 104.0, 103.0),
            meter(0, 104.0, 200.0),
            meter(5, 50.0, 52.0, "new"),
        ]
        drawn = await asked(apache, "ev", "Energy by hour", v_ev_hours=rows, v_assets=[])
        kwh = {row["time"]: row["value"] for row in drawn}
        assert kwh == {hour - 23 * HOUR: 4.0, hour - 5 * HOUR: 2.0, hour - HOUR: 0.0}

    async def test_load_is_of_all_connectors_of_a_site_and_of_times_that_are_over(
        self, apache: asyncpg.Connection
    ) -> None:
        """Two connectors that report in different minutes of ten are one load; the ten that run are not drawn."""
        now = datetime.now(UTC)
        ten = now.replace(minute=now.minute // 10 * 10, second=0, microsecond=0)

        def mean(minute: datetime, device: str, kw: float) -> dict[str, Any]:
            told = {"power_kw_n": 1, "power_kw_avg": kw, "power_kw_sum": kw}
            return {"lane": "live", "group_id": "s-1", "device_id": device, "bucket": minute} | told

        rows = [mean(ten - 9 * MINUTE, "c-1", 30.0), mean(ten - 4 * MINUTE, "c-2", 20.0), mean(ten, "c-1", 90.0)]
        site = {"kind": "site", "asset_id": "s-1", "feed": "ev", "name_en": "One", "limit_value": 100.0}
        (drawn,) = await asked(
            apache, "ev", "Site load", v_ev_minutes=rows, v_ev_latest=[connector("c-1", MINUTE)], v_assets=[site]
        )
        assert (drawn["time"], drawn["metric"], drawn["value"]) == (ten - 10 * MINUTE, "One", 0.5)

    async def test_the_hour_that_runs_is_not_compared(self, apache: asyncpg.Connection) -> None:
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

        def mean(ago: int, kw: float) -> dict[str, Any]:
            at = {"lane": "live", "group_id": "s-1", "device_id": "c-1", "bucket": hour - ago * HOUR}
            return at | {"power_kw_n": 1, "power_kw_avg": kw}

        rows = [mean(0, 1.0), mean(1, 2.0), mean(24, 3.0), mean(25, 4.0)]
        drawn = await asked(apache, "ev", "Power: today, yesterday, last week", v_ev_hours=rows)
        assert {(row["time"], row["metric"], row["value"]) for row in drawn} == {
            (hour - HOUR, "now", 2.0),
            (hour, "a day before", 3.0),
            (hour - HOUR, "a day before", 4.0),
        }

    async def test_a_day_is_in_its_own_column(self, apache: asyncpg.Connection) -> None:
        today = local_day(datetime.now(UTC))
        day = timedelta(days=1)

        def said(ago: int, value: float, **more: Any) -> dict[str, Any]:
            begin = today - ago * day
            return figure("ev.uptime", begin, begin + day, value, unit="%", subject="s-1", **more)

        rows = [
            said(7, 91.0),
            said(8, 1.0),
            said(2, 50.0, completeness=0.7),
            said(1, 98.5),
            said(0, 30.0, details={"so_far": {"status": "not_met", "value": 30.0}}),
            said(3, 10.0, lane="replay:x"),
        ]
        sites = [
            {"kind": "site", "asset_id": each, "name_en": each, "name_zh": each, "feed": "ev"}
            for each in ("s-1", "s-2")
        ]
        table = await asked(apache, "ev", "Uptime, the last seven days", v_indicators=rows, v_assets=sites)
        assert [row["id"] for row in table] == ["s-1", "s-2"]
        assert {name: value for name, value in table[0].items() if value is not None} == {
            "id": "s-1",
            "site": "s-1",
            "d7": pytest.approx(0.91),
            "d1": pytest.approx(0.985),
            "so_far": pytest.approx(0.3),
        }

    async def test_uptime_against_its_limit_is_of_the_last_whole_period(self, apache: asyncpg.Connection) -> None:
        today = local_day(datetime.now(UTC))
        day = timedelta(days=1)
        runs = {"so_far": {"status": "not_met", "value": 90.0}}
        met = [
            figure("ev.uptime", today - day, today, 99.0, subject="s-1"),
            figure("ev.uptime", today - day, today, None, subject="s-2", status="cannot_say"),
            figure("ev.uptime", today - 2 * day, today - day, 9.0, subject="s-1", status="not_met"),
            figure("ev.uptime", today, today + day, 90.0, subject="s-1", status="cannot_say", details=runs),
        ]
        row = await self.limit(apache, met)
        assert (row["state"], row["whole"], row["so_far"]) == ("cannot_say", "0 / 2", "1 / 1")
        missed = [met[0], met[1] | {"status": "not_met"}, *met[2:]]
        row = await self.limit(apache, missed)
        assert (row["state"], row["whole"]) == ("beyond", "1 / 2")
        row = await self.limit(apache, [met[0], met[1] | {"status": "met"}])
        assert (row["state"], row["whole"], row["so_far"]) == ("within", "0 / 2", "0 / 0")

    async def limit(self, connection: asyncpg.Connection, rows: list[dict[str, Any]]) -> asyncpg.Record:
        table = await asked(connection, "ev", "Against the limits", v_indicators=rows, v_ev_latest=[], v_assets=[])
        return next(row for row in table if row["limit_name"] == "Uptime of a site, by day")


class TestParkingOfTheDay:
    async def test_tiles(self, apache: asyncpg.Connection) -> None:
        rows = await newest(apache, "parking")
        oldest = datetime.now(UTC) - timedelta(seconds=1_800)
        heard = [row for row in rows if row["observed_at"] >= oldest]
        counted = [row for row in heard if 0 <= row["free_spaces"] <= row["total_spaces"]]
        full = [row for row in counted if row["free_spaces"] <= 0]
        never = await never_heard(apache, "lot", rows)
        assert never
        assert await one(apache, "parking", "Full car parks") == len(full)
        assert await one(apache, "parking", "Impossible counts") == len(heard) - len(counted)
        assert await one(apache, "parking", "Silent or never heard") == len(rows) - len(heard) + len(never)
        limits = {row["limit_name"]: row for row in await shown(apache, "parking", "Against the limits")}
        assert limits["Full (free spaces)"]["so_far"] == f"{len(full)} / {len(counted)}"
        near = [
            row for row in counted if row["free_spaces"] <= 0.05 * (row["total_spaces"] - row["out_of_service_spaces"])
        ]
        assert limits["Nearly full (occupancy)"]["so_far"] == f"{len(near)} / {len(counted)}"
        silent = len(rows) - len(heard) + len(never)
        assert limits["Silent or never heard"]["so_far"] == f"{silent} / {len(rows) + len(never)}"

    async def test_car_parks_are_those_of_the_register(self, apache: asyncpg.Connection) -> None:
        rows = await newest(apache, "parking")
        never = await never_heard(apache, "lot", rows)
        listed = await shown(apache, "parking", "Car parks now")
        assert {row["id"] for row in listed if row["heard"] == "unseen"} == never
        assert {row["id"] for row in listed} == never | {row["device_id"] for row in rows}
        assert all(row["occupancy"] is None for row in listed if row["heard"] != "heard")

    async def test_lots_that_were_full_yesterday_are_those_of_the_readings(self, apache: asyncpg.Connection) -> None:
        until = local_day(datetime.now(UTC))
        rows = await apache.fetch(
            "SELECT device_id, min(free_spaces) AS least FROM v_parking_readings WHERE lane = 'live'"
            " AND observed_at < $1 AND observed_at >= $2 AND free_spaces BETWEEN 0 AND total_spaces GROUP BY device_id",
            until,
            until - timedelta(days=1),
        )
        limits = {row["limit_name"]: row for row in await shown(apache, "parking", "Against the limits")}
        assert limits["Full (free spaces)"]["whole"] == f"{sum(row['least'] == 0 for row in rows)} / {len(rows)}"


def lot(name: str, ago: timedelta, free: int, **more: Any) -> dict[str, Any]:
    at = datetime.now(UTC) - ago
    spaces = {"total_spaces": 100, "out_of_service_spaces": 0, "free_spaces": free}
    return {"lane": "live", "device_id": name, "group_id": "z-1", "observed_at": at} | spaces | more


class TestParkingCases:
    async def test_full_impossible_silent_and_never_heard(self, apache: asyncpg.Connection) -> None:
        rows = [lot("p-1", MINUTE, 0), lot("p-2", MINUTE, 101), lot("p-3", 31 * MINUTE, 0)]
        assets = [registered("lot", f"p-{n}", "z-1", "parking", zone="z-1") for n in (1, 2, 3, 4, 5)]
        views = {"v_parking_latest": rows, "v_assets": assets}
        every = {"lot": ["p-1", "p-2", "p-3", "p-4"]}
        for title, n in (("Full car parks", 1), ("Impossible counts", 1), ("Silent or never heard", 2)):
            ((value,),) = await asked(apache, "parking", title, every, **views)
            assert value == n, title
        listed = await asked(apache, "parking", "Car parks now", every, **views)
        assert {row["id"]: (row["heard"], row["occupancy"]) for row in listed} == {
            "p-1": ("heard", 1.0),
            "p-2": ("heard", None),
            "p-3": ("silent", None),
            "p-4": ("unseen", None),
        }
        assert listed[0]["id"] == "p-4"

    async def test_guidance_of_a_lot_that_is_not_full_any_more_says_so(self, apache: asyncpg.Connection) -> None:
        now = datetime.now(UTC)
        offers = {"offers": [{"lot": "p-9", "name": "Nine", "share": 1.0, "drivers": 4}]}
        rows = [
            figure("parking.guidance", now - ago, now - ago + MINUTE, 1.0, subject=name, details=offers)
            for name, ago in (("p-1", 2 * HOUR), ("p-2", HOUR), ("p-3", 3 * HOUR))
        ]
        lots = [lot("p-1", MINUTE, 0), lot("p-2", MINUTE, 3), lot("p-3", 31 * MINUTE, 0)]
        table = await asked(apache, "parking", "Guidance given", v_indicators=rows, v_parking_latest=lots, v_assets=[])
        assert [(row["lot"], row["state"]) for row in table] == [("p-1", "full"), ("p-2", "room"), ("p-3", "silent")]

    async def test_a_full_lot_with_nowhere_to_go_is_not_left_out(self, apache: asyncpg.Connection) -> None:
        now = datetime.now(UTC)
        details = {"drivers": 14, "not_placed": 14, "offers": []}
        rows = [figure("parking.guidance", now - MINUTE, now, 0.0, subject="p-1", details=details)]
        lots = [lot("p-1", MINUTE, 0)]
        table = await asked(apache, "parking", "Guidance given", v_indicators=rows, v_parking_latest=lots, v_assets=[])
        (row,) = table
        assert (row["state"], row["offered"], row["drivers"]) == ("full", "no room within walking distance", 14)


class TestWaterOfTheDay:
    async def test_stations_are_those_of_the_register(self, apache: asyncpg.Connection) -> None:
        rows = await newest(apache, "water")
        never = await never_heard(apache, "station", rows)
        listed = await shown(apache, "water", "Stations")
        assert {row["id"] for row in listed} == never | {row["device_id"] for row in rows}
        assert await one(apache, "water", "Silent or never heard") == sum(row["heard"] != "heard" for row in listed)

    async def test_the_plan_says_what_the_rounds_say(self, apache: asyncpg.Connection) -> None:
        rounds = await apache.fetch(
            "SELECT DISTINCT ON (subject) * FROM v_indicators WHERE id = 'water.class' AND lane = 'live'"
            " AND sample_seq = -1 AND period_end <= now() ORDER BY subject, period_start DESC"
        )
        table = await shown(apache, "water", "Against the plan")
        lakes = await apache.fetchval("SELECT count(*) FROM v_assets WHERE kind = 'lake'")
        assert len(table) == lakes == 6
        said = {row["id"]: (row["status"], row["value"]) for row in table}
        assert said == {
            row["subject"]: (row["status"], None if row["status"] == "cannot_say" else row["value"]) for row in rounds
        }
        assert {row["goal"] for row in table} == {"≤ III"}
        assert {row["source"] for row in table} == {"plan, page 31"}

    async def test_the_newest_round_stands_beside_the_rounds_of_the_alert(self, apache: asyncpg.Connection) -> None:
        table = {row["id"]: row for row in await shown(apache, "water", "Newest round and alert")}
        assert len(table) == 6
        events = await apache.fetch(
            "SELECT DISTINCT ON (alert_id) * FROM v_alert_events WHERE lane = 'live'"
            " AND rule = 'water.class_worse_than_target' ORDER BY alert_id, revision DESC"
        )
        alerted = {
            row["asset"]: row
            for row in events
            if row["ended_at"] is None and row["event"] != "retracted" and row["asset"] in table
        }
        assert {lake for lake, row in table.items() if row["severity"] is not None} == set(alerted)
        for lake, alert in alerted.items():
            rounds = await apache.fetch(
                "SELECT * FROM v_indicators WHERE id = 'water.class' AND lane = 'live' AND subject = $1 AND value > 3"
                " AND sample_seq = -1 AND status <> 'cannot_say' AND period_start >= $2 ORDER BY period_start",
                lake,
                alert["started_at"],
            )
            row = table[lake]
            assert row["started_at"] == rounds[0]["period_start"], "an alert begins with its first round"
            assert row["rounds"] == len(rounds) >= 2
            newest_worse = rounds[-1]["period_start"].astimezone(CHINA)
            assert row["newest_worse"] == newest_worse.strftime("%m-%d %H:%M")


class TestWaterCases:
    async def test_an_alert_that_outlasts_the_last_good_round_says_on_what_it_stands(
        self, apache: asyncpg.Connection
    ) -> None:
        """Rounds of four hours: one long before, then IV, V, III, and one that runs; the alert stands on IV and V."""
        now = datetime.now(UTC)
        begin = now - timedelta(hours=13)
        length = timedelta(hours=4)
        rows = [
            figure("water.class", begin + n * length, begin + (n + 1) * length, value, subject="lake-1")
            for n, value in ((-3, 6.0), (0, 4.0), (1, 5.0), (2, 3.0), (3, 2.0))
        ]
        alert = {"lane": "live", "rule": "water.class_worse_than_target", "asset": "lake-1", "severity": "III"}
        alert |= {"started_at": begin, "suppressed": False}
        lakes = [{"kind": "lake", "asset_id": each, "name_en": each, "name_zh": each} for each in ("lake-1", "lake-2")]
        views = {"v_indicators": rows, "v_open_alerts": [alert], "v_assets": lakes}
        one_lake, other = await asked(apache, "water", "Newest round and alert", **views)
        local = [(begin + n * length).astimezone(CHINA) for n in range(5)]
        assert (one_lake["class"], one_lake["running"], one_lake["severity"]) == (3.0, 2.0, "III")
        assert one_lake["round_of"] == f"{local[2]:%m-%d %H:%M}–{local[3]:%H:%M}"
        assert one_lake["running_of"] == f"{local[3]:%m-%d %H:%M}–{local[4]:%H:%M}"
        assert (one_lake["rounds"], one_lake["started_at"]) == (2, begin)
        assert one_lake["newest_worse"] == f"{local[1]:%m-%d %H:%M}"
        assert (other["lake"], other["class"], other["severity"]) == ("lake-2", None, None)
        strip = await asked(apache, "water", board_of("water")["panels"][0]["title"], **views)
        assert [tuple(row) for row in strip] == [("lake-1", "3"), ("lake-2", "none")], "a lake without a round is there"

    async def test_a_station_that_was_never_heard_stands_first(self, apache: asyncpg.Connection) -> None:
        now = datetime.now(UTC)
        rows = [
            {"lane": "live", "device_id": name, "group_id": "lake-1", "observed_at": now - HOUR, "quality": "good"}
            for name in ("w-1", "w-2")
        ]
        alert = {"lane": "live", "rule": "water.station_silent", "asset": "w-2", "suppressed": False}
        assets = [registered("station", f"w-{n}", "lake-1", "water") for n in (1, 2, 3)]
        views = {"v_water_latest": rows, "v_open_alerts": [alert], "v_assets": assets}
        table = await asked(apache, "water", "Stations", **views)
        assert [(row["id"], row["heard"]) for row in table] == [("w-3", "unseen"), ("w-2", "silent"), ("w-1", "heard")]
        assert await value_of(apache, "water", "Silent or never heard", **views) == 2


@pytest.mark.parametrize("name", ["water", "ev", "parking"])
async def test_no_chart_has_more_lines_than_can_be_told_apart(apache: asyncpg.Connection, name: str) -> None:
    board = board_of(name)
    drawn = 0
    for length in (timedelta(seconds=seconds(board["time"]["from"].removeprefix("now-"))), timedelta(days=30)):
        for more in ({}, {"by": ["point"]}) if name == "water" else ({},):
            for query in queries(board):
                if query.kind not in {"timeseries", "state-timeline"}:
                    continue
                span = Span.last(length, datetime.now(UTC), points=query.points, least_s=query.interval_s)
                variables = await chosen(apache, board, span) | more
                rows = await apache.fetch(expand(query.sql, span, variables))
                lines = {row["metric"] for row in rows if "metric" in dict(row)}
                assert len(lines) <= LINES, query.panel
                drawn = max(drawn, len(lines))
    assert drawn >= 3


async def tables(
    connection: asyncpg.Connection, board: dict[str, Any]
) -> list[tuple[dict[str, Any], list[str], list[asyncpg.Record]]]:
    """Each table of a board with the columns and rows of its query."""
    span = Span.last(timedelta(seconds=seconds(board["time"]["from"].removeprefix("now-"))), datetime.now(UTC))
    variables = await chosen(connection, board, span)
    found = []
    for panel in board["panels"]:
        if panel["type"] == "table":
            statement = await connection.prepare(expand(panel["targets"][0]["rawSql"], span, variables))
            found.append((panel, [each.name for each in statement.get_attributes()], await statement.fetch()))
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_tables_fit_their_panels_and_rows_their_texts(apache: asyncpg.Connection, language: str) -> None:
    """On a screen of 1366 pixels, with what the queries give; of other boards what they say of alerts and reasons."""
    feeds = tuple(f"jianghan-{name}" for name in ("water", "ev", "parking"))
    said = {"matter", "advice"} | ({"reason", "status_reason"} if language == "zh" else set())
    wrapped, cut = 0, []
    for board in loaded(language):
        is_own = board["uid"].removesuffix("-en") in feeds
        for panel, columns, rows in await tables(apache, board):
            if is_own:
                assert table_px(panel, columns) <= panel_px(panel["gridPos"]["w"]), panel["title"]
            widths = {name: px for name, px in wrapping(panel, columns).items() if is_own or name in said}
            texts = [(row[name], px) for row in rows for name, px in widths.items() if row[name] is not None]
            height = panel["options"]["cellHeight"]
            cut += [
                (panel["title"], text) for text, px in texts if lines_drawn(text, px) > lines_reckoned(text, px, height)
            ]
            wrapped += len(texts)
    assert not cut
    assert wrapped > 10


async def test_every_alert_of_the_day_fits_its_row(apache: asyncpg.Connection) -> None:
    """Every alert that the day had in the Chinese list of today, the narrowest that there is."""
    board = next(each for each in loaded("zh") if each["uid"] == "jianghan-today")
    panel = next(each for each in board["panels"] if each["title"] == "未结束的预警")
    sql = panel["targets"][0]["rawSql"]
    wide = wrapping(panel, ["severity", "place", "matter", "advice", "started_at", "open_s", "standing"])
    parts = re.findall(r"rtrim\(regexp_replace\(.*'g'\)\)", sql)
    assert len(parts) == 2
    rows = await apache.fetch(
        f"SELECT DISTINCT {parts[0]} AS matter, {parts[1]} AS advice, p.matter_zh FROM v_alert_places AS p"
    )
    assert len({row["matter"] for row in rows}) > 20
    cut = [
        text
        for row in rows
        for name, px in wide.items()
        if (text := row.get(name)) is not None and lines_drawn(text, px) > lines_reckoned(text, px)
    ]
    assert not cut
    px = wide["matter"]
    assert any(lines_drawn(row["matter_zh"], px) > lines_reckoned(row["matter_zh"], px) for row in rows), (
        "without blanks some would be cut"
    )
