"""Figures, targets, assets, days and layers by the read model: as now known and as was known then."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.fields import Feed
from services.read_model.asset_day import day_of
from services.read_model.assets import Box, asset, assets
from services.read_model.connection import Database
from services.read_model.indicators import IndicatorFilter, indicators
from services.read_model.layers import charging, coverage, lakes, parking_guidance
from services.read_model.plan import maintenance_windows, plan_in_force, plan_versions
from services.read_model.targets import TargetRow, targets
from services.timescale_sink.standing_watch import write_standings
from tests.integration.read_model_world import World, publish_plan
from tests.integration.told_events import all_pages


async def test_figures_are_as_reported_then_or_as_known_now(world: World, db: Database) -> None:
    which = IndicatorFilter(id="water.class", subject="xihu")
    newest = (await indicators(db, which, limit=1)).items[0]
    assert (newest.value, newest.revision, newest.details) == (4, 1, {"class": {"deciding": ["tp"]}})
    then = newest.period_start + timedelta(hours=5)
    assert (await indicators(db, which, as_of=then, limit=1)).items[0].value == 3
    before = newest.period_start + timedelta(hours=3)
    assert (await indicators(db, which, as_of=before, limit=1)).items[0].period_start < newest.period_start
    for as_of in (None, world.now - timedelta(days=3)):
        whole = (await indicators(db, IndicatorFilter(id="water.class"), as_of=as_of, limit=1_000)).items
        paged = await all_pages(
            lambda cursor, at=as_of: indicators(
                db, IndicatorFilter(id="water.class"), as_of=at, limit=37, cursor=cursor
            )
        )  # type: ignore[misc]
        assert paged == list(whole)
        assert len({(row.subject, row.period_start) for row in whole}) == len(whole) > 100
    assert (await indicators(db, IndicatorFilter(id="water.point_class"))).items == (), "samples are not periods"


async def test_targets_as_of_now_are_those_of_now_and_agree_with_the_boards(world: World, db: Database) -> None:
    await write_standings(world.owner)
    now = await targets(db)
    assert now == await targets(db, as_of=datetime.now(UTC))
    of_lakes = [row for row in now if row.id == "water.class" and row.subject]
    assert {(row.status, row.value, row.page) for row in of_lakes} == {("not_met", 4, "page 31")}
    shown = await db.rows("SELECT * FROM v_target_states WHERE lane = 'live' ORDER BY ordinality, subject")
    names = [field.name for field in fields(TargetRow) if field.name != "path"]
    assert [tuple(row[name] for name in names) for row in shown] == [
        tuple(getattr(row, name) for name in names) for row in now
    ]
    drawn: dict[tuple[str, str | None], list[Any]] = {}
    for row in await db.rows("SELECT * FROM v_target_paths ORDER BY id, subject, ordinality"):
        drawn.setdefault((row["id"], row["subject"]), []).append((row["day"], row["value"]))
    assert drawn == {(row.id, row.subject): list(row.path) for row in now if row.path}
    assert {row.holds for row in now if row.path} == {"cumulative", "every_year"}, "no state has a base of its own"


async def test_targets_of_the_past_are_judged_by_the_plan_of_then(world: World, db: Database) -> None:
    published = world.now - timedelta(hours=1)
    (first,) = {row.version for row in await plan_versions(db) if row.kind == "plan"}
    await publish_plan(world.owner, "2", 2, published)
    try:
        by_time = {
            at: next(row for row in await targets(db, as_of=at) if row.id == "water.class" and row.subject == "xihu")
            for at in (published - timedelta(minutes=1), published + timedelta(minutes=1))
        }
        assert [(row.target, row.plan_version) for row in by_time.values()] == [(3, first), (2, "2")]
        in_force = await plan_in_force(db, at=world.now)
        assert [row.version for row in in_force.documents if row.kind == "plan"] == ["2"]
        assert [row.threshold.value for row in in_force.limits if row.threshold.id == "water.class"] == [2]
        earlier = await plan_in_force(db, at=world.now, as_of=published - timedelta(minutes=1))
        assert [row.version for row in earlier.documents if row.kind == "plan"] == [first]
        assert {row.version for row in await plan_versions(db) if row.kind == "plan"} == {first, "2"}
        assert await maintenance_windows(db, at=world.now) == []
    finally:
        await world.owner.execute("DELETE FROM plan_versions WHERE origin = 'published'")


async def test_assets_of_a_whole_district(db: Database) -> None:
    found = await assets(db)
    assert len(found) >= 3_000
    by_key = {(row.kind, row.asset_id): row for row in found}
    site, lot, lake = by_key["site", "site-x1"], by_key["lot", "lot-x1"], by_key["lake", "xihu"]
    assert (site.state, site.unit, site.limit_value) == ("idle", "kW", 900)
    assert (lot.state, lot.value, lot.unit) == ("free", 99, "spaces")
    assert (lake.state, lake.value) == ("class_4", 4)
    unit = next(row for row in found if row.kind == "unit")
    assert (unit.state, unit.longitude, unit.approximate) == ("on_scene", 114.27, False)
    assert {row.state for row in found if row.kind == "station"} == {"class_3"}
    assert {row.unit for row in found if row.kind == "building"} == {"CNY"}
    troubled = [row for row in found if row.alert_severity and row.kind == "connector"]
    assert len(troubled) == 5
    assert {by_key["site", row.parent_id or ""].alert_severity for row in troubled} == {"III"}
    assert "cell" not in {row.kind for row in found}
    for row in (site, lot, lake, unit, troubled[0]):
        assert await asset(db, row.kind, row.asset_id) == row
    assert await asset(db, "lot", "none") is None
    inside = await assets(db, feed=Feed.PARKING, kinds=("lot",), box=Box(114.25, 30.5, 114.2521, 30.7))
    assert {row.asset_id for row in inside} >= {f"lot-x{n}" for n in range(1, 21)}
    assert {row.kind for row in inside} == {"lot"}
    assert {row.state for row in await assets(db, lane="replay:none", feed=Feed.EV)} == {"unseen"}


async def test_assets_as_they_were_known_then(world: World, db: Database) -> None:
    unit = next(row.asset_id for row in await assets(db, kinds=("unit",)))
    for minutes, state in ((7, "on_scene"), (30, "available")):
        at = world.now - timedelta(minutes=minutes)
        row = await asset(db, "unit", unit, as_of=at)
        assert row is not None
        assert row.state == state
        assert row.observed_at is not None
        assert row.observed_at <= at
        assert row.last_seen_at is None
    then = await assets(db, as_of=world.now - timedelta(hours=2, minutes=1))
    assert sum(row.alert_severity is not None for row in then if row.kind == "connector") == 3
    newest = await asset(db, "lake", "xihu")
    assert newest is not None
    assert newest.state_since is not None
    before = await asset(db, "lake", "xihu", as_of=newest.state_since + timedelta(hours=5))
    assert before is not None
    assert (before.state, before.state_since) == ("class_3", newest.state_since)


async def test_a_day_of_each_kind_of_asset(world: World, db: Database) -> None:
    day = await day_of(db, "connector", "ev-x1-1", until=world.now)
    assert day is not None
    power = day.series[0]
    assert (power.field, len(power.points), day.readings) == ("power_kw", 48, 48)
    assert [row.threshold.value for row in power.limits] == [72.0]
    assert {change.word for change in day.changes} <= {"idle", "charging", "fault"}
    site = await day_of(db, "site", "site-x1", until=world.now)
    assert site is not None
    assert (len(site.series[0].points), site.readings) == (48, 48 * 30)
    assert {row.threshold.value for row in site.series[0].limits} == {900.0, 810.0}
    total = await world.owner.fetchval(
        "SELECT sum(power_kw) FROM ev_readings WHERE group_id = 'site-x1' AND observed_at = $1",
        world.now - timedelta(minutes=30),
    )
    assert site.series[0].points[-1].value == pytest.approx(total)
    for kind, asset_id, field in (
        ("lake", "xihu", "tp_mg_l"),
        ("zone", "cbd", "free_spaces"),
        ("lot", "lot-x1", "free_spaces"),
    ):
        found = await day_of(db, kind, asset_id, until=world.now)
        assert found is not None
        assert field in {series.field for series in found.series}
    building = next(row.asset_id for row in await assets(db, kinds=("building",)))
    found = await day_of(db, "building", building, until=world.now)
    assert found is not None
    assert [point.value for point in found.series[0].points] == [1000.50] * 4
    unit = await day_of(db, "unit", next(row.asset_id for row in await assets(db, kinds=("unit",))), until=world.now)
    assert unit is not None
    assert (unit.series, {change.word for change in unit.changes}) == ((), {"on_scene", "available"})
    early = await day_of(db, "lot", "lot-x1", until=world.now, as_of=world.now - timedelta(hours=20))
    assert early is not None
    assert early.readings < 20
    assert await day_of(db, "lot", "none", until=world.now) is None
    district = await day_of(db, "district", "jianghan", until=world.now)
    assert district is not None
    assert (district.series, district.readings) == ((), 0)


async def test_a_day_with_many_readings_is_thinned_evenly(world: World, db: Database) -> None:
    await world.owner.execute(
        "INSERT INTO parking_readings (device_id, group_id, boot_id, seq, observed_at, quality, quality_codes, lane,"
        " received_at, kafka_partition, kafka_offset, total_spaces, free_spaces, out_of_service_spaces)"
        " SELECT 'lot-x2', 'cbd', 'often', n, $1::timestamptz - n * INTERVAL '10 seconds', 'good', '{}',"
        " 'replay:often', now(), 0, n, 200, 5, 0"
        " FROM generate_series(1, 4000) AS n",
        world.now,
    )
    day = await day_of(db, "lot", "lot-x2", until=world.now, lane="replay:often")
    assert day is not None
    assert (day.readings, len(day.series[0].points)) == (4_000, 1_334)
    steps = {b.at - a.at for a, b in zip(day.series[0].points, day.series[0].points[1:], strict=False)}
    assert steps == {timedelta(seconds=30)}


async def test_layers(world: World, db: Database) -> None:
    layer = await coverage(db)
    assert layer is not None
    assert (layer.share, layer.units_available, layer.best_move) == (0.9, 4, None)
    assert len(layer.cells) > 100
    guided = await parking_guidance(db, at=world.now)
    assert [row.lot for row in guided] == ["lot-x1", "lot-x2", "lot-x3"]
    assert guided[0].offers[0].longitude is not None
    assert await parking_guidance(db, at=world.now + timedelta(minutes=2)) == [], "it is not said any more"
    loads = await charging(db)
    assert loads.near is not None
    assert loads.limit is not None
    first = next(site for site in loads.sites if site.site == "site-x1")
    assert (first.connectors, first.limit_kw, first.load) == (30, 900, (first.power_kw or 0) / 900)
    assert {row.water_class for row in await lakes(db)} == {4}
    assert {row.deciding for row in await lakes(db, as_of=world.now)} == {("tp",)}
    assert await coverage(db, lane="replay:none") is None


async def test_the_best_move_comes_with_the_figure(world: World, db: Database) -> None:
    post, unit = [next(row.asset_id for row in await assets(db, kinds=(kind,))) for kind in ("post", "unit")]
    move = json.dumps({"best_move": {"unit": unit, "post": post, "people": 300}})
    tables = ("indicators", "indicator_history")
    for table in tables:
        await world.owner.execute(
            f"UPDATE {table} SET details = details || $1 WHERE id = 'emergency.coverage' AND lane = 'live'", move
        )
    try:
        for as_of in (None, world.now):
            layer = await coverage(db, as_of=as_of)
            assert layer is not None
            assert layer.best_move is not None
            assert (layer.best_move.people, layer.best_move.from_longitude) == (300, 114.27)
            assert layer.best_move.to_longitude is not None
    finally:
        for table in tables:
            await world.owner.execute(f"UPDATE {table} SET details = details - 'best_move' WHERE lane = 'live'")
