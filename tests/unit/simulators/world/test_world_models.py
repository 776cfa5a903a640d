"""The models of the world: valid readings, credible by the hour, and moved by one list of events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from statistics import mean
from typing import Any

import orjson
import pytest

from schemas.district import LotKind, SiteKind
from schemas.emergency import Step
from schemas.fields import DISTRICT_ZONE, Feed
from schemas.readings import MODELS
from tests.unit.simulators.world.world_run import FIRST, at, lines, of_device, quiet_day, world


def hour(reading: dict[str, Any]) -> int:
    return at(reading).astimezone(DISTRICT_ZONE).hour


def by_hour(readings: Iterable[dict[str, Any]], value: Callable[[dict[str, Any]], float]) -> dict[int, float]:
    found = defaultdict(list)
    for reading in readings:
        found[hour(reading)].append(value(reading))
    return {each: mean(values) for each, values in found.items()}


@pytest.mark.parametrize("feed", list(Feed))
def test_each_reading_is_valid_without_a_doubt_and_numbered_without_a_gap(feed: Feed) -> None:
    numbers: Counter[str] = Counter()
    latest: dict[str, datetime] = {}
    for each in quiet_day(feed):
        reading = MODELS[feed].model_validate_json(orjson.dumps(each))
        assert reading.seq == numbers[reading.device_id]
        numbers[reading.device_id] += 1
        assert reading.observed_at >= latest.get(reading.device_id, reading.observed_at)
        latest[reading.device_id] = reading.observed_at
        assert reading.observed_at.astimezone(DISTRICT_ZONE).date() == FIRST
        assert reading.lane == "exercise:drawn"
        assert reading.all_doubts() == ()
    known = {each.device_id: each.group_id for each in world().district.devices() if each.feed is feed}
    assert set(numbers) <= set(known)
    if feed in {Feed.EV, Feed.WATER, Feed.PARKING}:
        assert set(numbers) == set(known)


def test_a_connector_speaks_often_enough_to_be_heard() -> None:
    times = defaultdict(list)
    for each in quiet_day(Feed.EV):
        times[each["device_id"]].append(at(each).timestamp())
    gaps = [later - before for each in times.values() for before, later in pairwise(each)]
    assert max(gaps) <= 240


def test_meters_never_run_back_and_no_faster_than_the_connector_can() -> None:
    before: dict[str, dict[str, Any]] = {}
    for each in quiet_day(Feed.EV):
        last = before.get(each["device_id"])
        if last is not None:
            hours = (at(each) - at(last)).total_seconds() / 3600
            more = each["energy_register_kwh"] - last["energy_register_kwh"]
            assert -1e-9 <= more <= each["rated_power_kw"] * hours + 0.01
        assert 0 <= each["power_kw"] <= each["rated_power_kw"]
        before[each["device_id"]] = each


def test_no_site_takes_more_than_its_load_management_allows() -> None:
    limits = {site.id: site.transformer_limit_kw for site in world().district.site}
    load: dict[tuple[str, str], float] = defaultdict(float)
    for each in quiet_day(Feed.EV):
        if each["context"] == "sample_periodic":
            load[each["group_id"], each["observed_at"]] += each["power_kw"]
    assert max(load.values()) > 50
    shares = [power / limits[site] for (site, _), power in load.items()]
    assert 0.79 < max(shares) <= 0.801


def test_chargers_are_busy_when_their_kind_is() -> None:
    kinds = {site.id: site.kind for site in world().district.site}

    def busy(kind: SiteKind) -> dict[int, float]:
        return by_hour((r for r in quiet_day(Feed.EV) if kinds[r["group_id"]] is kind), lambda r: r["power_kw"] > 0)

    office, home = busy(SiteKind.OFFICE), busy(SiteKind.HOME)
    assert office[13] > 3 * office[5]
    assert home[22] > 3 * home[11]


def test_a_session_begins_charges_ends_and_leaves() -> None:
    sessions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in quiet_day(Feed.EV):
        if "session_id" in each:
            sessions[each["session_id"]].append(each)
    whole = [
        each
        for each in sessions.values()
        if each[0]["context"] == "transaction_begin" and any(r["context"] == "transaction_end" for r in each)
    ]
    assert len(whole) > 100
    for each in whole:
        energies = [r["session_energy_kwh"] for r in each]
        assert energies == sorted(energies)
        assert (energies[0], energies[-1] > 0) == (0.0, True)


def test_car_parks_fill_by_their_kind_and_never_beyond_their_spaces() -> None:
    kinds = {lot.id: lot.kind for lot in world(0.5).district.lot}
    readings = [orjson.loads(line) for line in lines("", Feed.PARKING, scale=0.5)[0]]
    assert all(0 <= each["free_spaces"] <= each["total_spaces"] for each in readings)

    def full(kind: LotKind) -> dict[int, float]:
        return by_hour(
            (each for each in readings if kinds[each["device_id"]] is kind),
            lambda r: 1 - r["free_spaces"] / r["total_spaces"],
        )

    office, residential, shopping = full(LotKind.OFFICE), full(LotKind.RESIDENTIAL), full(LotKind.SHOPPING)
    assert (office[11] > 0.7, office[3] < 0.2) == (True, True)
    assert (residential[4] > 0.6, residential[11] < 0.4) == (True, True)
    assert shopping[19] > shopping[10] > shopping[4]


def test_entries_and_exits_say_how_full_a_car_park_is() -> None:
    first: dict[str, dict[str, Any]] = {}
    for each in quiet_day(Feed.PARKING):
        start = first.setdefault(each["device_id"], each)
        came = each["entries_total"] - start["entries_total"] - each["exits_total"] + start["exits_total"]
        assert start["free_spaces"] - each["free_spaces"] == came


def test_oxygen_follows_the_light_and_water_the_season() -> None:
    oxygen = by_hour(quiet_day(Feed.WATER), lambda r: r["do_mg_l"] / (468 / (31.6 + r["water_temp_c"])))
    assert oxygen[16] > oxygen[6] + 0.03
    winter = [orjson.loads(line) for line in lines("", Feed.WATER, first=date(2026, 1, 20))[0]]
    assert mean(r["water_temp_c"] for r in winter) < 9
    assert mean(r["water_temp_c"] for r in quiet_day(Feed.WATER)) > 25


RAIN = """
[[rain]]
at = 08:00:00
hours = 3.0
mm_per_hour = 30.0
"""


def test_the_same_rain_falls_on_lakes_traffic_calls_and_car_parks() -> None:
    wet_lake = [orjson.loads(line) for line in lines(RAIN, Feed.WATER)[0]]
    dry_lake = quiet_day(Feed.WATER)
    assert [r["device_id"] for r in wet_lake] == [r["device_id"] for r in dry_lake]
    for item, factor in (("turbidity_ntu", 2.0), ("nh3n_mg_l", 1.3), ("tp_mg_l", 1.2)):
        wet, dry = by_hour(wet_lake, lambda r, item=item: r[item]), by_hour(dry_lake, lambda r, item=item: r[item])
        assert wet[7] == pytest.approx(dry[7])
        assert wet[14] > factor * dry[14]
    dry_run, wet_run = lines("", Feed.TAX)[1], lines(RAIN, Feed.TAX)[1]
    noon = int(datetime(2026, 7, 8, 9, tzinfo=DISTRICT_ZONE).timestamp())
    assert wet_run.conditions.speed(noon) < 0.8 < dry_run.conditions.speed(noon) == 1.0
    assert wet_run.conditions.calls(noon) > 1.2 > dry_run.conditions.calls(noon) == 1.0
    came = [
        sum(1 for r in readings if r["context"] == "transaction_begin" and hour(r) in {8, 9, 10})
        for readings in (quiet_day(Feed.EV), tuple(orjson.loads(line) for line in lines(RAIN, Feed.EV)[0]))
    ]
    assert came[1] < came[0]


def test_a_spill_is_seen_at_all_points_of_its_lake_and_at_no_other() -> None:
    text = '[[spill]]\nlake = "beihu"\nat = 09:30:00\nhours = 2.0\nitem = "nh3n_mg_l"\nmg_l = 4.0\n'
    readings = [orjson.loads(line) for line in lines(text, Feed.WATER)[0]]
    for point in ("water-beihu-1", "water-beihu-2", "water-beihu-3"):
        own = by_hour((r for r in readings if r["device_id"] == point), lambda r: r["nh3n_mg_l"])
        assert (own[8] < 0.7, own[11] > 1.5) == (True, True)
        conductivity = by_hour((r for r in readings if r["device_id"] == point), lambda r: r["conductivity_us_cm"])
        assert conductivity[11] > conductivity[8] + 40
    others = [r for r in readings if r["group_id"] != "beihu"]
    assert others == [r for r in quiet_day(Feed.WATER) if r["group_id"] != "beihu"]


def test_a_bloom_turns_the_water_green_and_its_oxygen_swings() -> None:
    text = '[[bloom]]\nlake = "houxiang"\nat = 00:00:00\nhours = 96.0\nchla_ug_l = 160.0\n'
    readings = [orjson.loads(line) for line in lines(text, Feed.WATER, days=3)[0]]
    third = [r for r in readings if r["group_id"] == "houxiang" and at(r).astimezone(DISTRICT_ZONE).day == 10]
    usual = [r for r in quiet_day(Feed.WATER) if r["group_id"] == "houxiang"]
    assert mean(r["chla_ug_l"] for r in third) > 3 * mean(r["chla_ug_l"] for r in usual)
    bloom, plain = by_hour(third, lambda r: r["do_mg_l"]), by_hour(usual, lambda r: r["do_mg_l"])
    assert bloom[16] - bloom[5] > 1.5 * (plain[16] - plain[5])
    assert mean(r["ph"] for r in third if hour(r) == 13) > mean(r["ph"] for r in usual if hour(r) == 13)


def test_a_dark_zone_says_nothing_and_its_neighbours_go_on() -> None:
    text = '[[blackout]]\nplace = "cbd"\nat = 10:00:00\nhours = 1.0\n'
    zones = {site.id: site.zone for site in world().district.site}
    readings = [orjson.loads(line) for line in lines(text, Feed.EV)[0]]
    begin = datetime(2026, 7, 8, 10, tzinfo=DISTRICT_ZONE)
    heard = Counter(zones[r["group_id"]] for r in readings if 240 <= (at(r) - begin).total_seconds() < 3_600 - 240)
    assert heard["cbd"] == 0
    assert all(heard[zone] > 100 for zone in set(zones.values()) - {"cbd"})
    assert any(zones[r["group_id"]] == "cbd" and hour(r) == 11 for r in readings)


def test_a_crowd_fills_the_zone_and_is_sent_on_to_the_next_car_parks() -> None:
    text = '[[crowd]]\nzone = "wushang"\nat = 16:00:00\nhours = 5.0\ntimes = 4.0\n'
    usual = lines("", Feed.PARKING, scale=1.0)[0]
    crowded, run = lines(text, Feed.PARKING, scale=1.0)

    def free(found: list[bytes]) -> float:
        readings = (orjson.loads(line) for line in found if b'"group_id":"wushang"' in line)
        return by_hour(readings, lambda r: r["free_spaces"] / r["total_spaces"])[18]

    assert free(crowded) < 0.5 * free(usual)
    assert run._models[Feed.PARKING].shared > 50  # type: ignore[attr-defined]


def test_a_car_park_that_is_full_is_told_in_the_truth() -> None:
    text = '[[crowd]]\nzone = "wushang"\nat = 16:00:00\nhours = 8.0\ntimes = 12.0\n'
    found, run = lines(text, Feed.PARKING)
    told = [each for each in run.truth() if each.what == "lot_full"]
    full = {r["device_id"] for r in map(orjson.loads, found) if r["free_spaces"] == 0}
    assert {each.device for each in told} == full != set()
    midnight = datetime(2026, 7, 9, tzinfo=DISTRICT_ZONE).timestamp()
    assert {each.end for each in told if each.end >= midnight} == {midnight}  # what goes on at the end is told as well
    for each in told:
        inside = [r for r in of_device(found, each.device) if each.begin <= at(r).timestamp() < each.end]
        assert {r["free_spaces"] for r in inside} == {0}


def test_steps_of_a_call_come_in_order_and_tell_the_timeline() -> None:
    names = [step.value for step in Step]
    calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines("", Feed.EMERGENCY, scale=1.0)[0]:
        if b'"step"' in line:
            reading = orjson.loads(line)
            calls[reading["incident_id"]].append(reading)
    assert 12 <= len(calls) <= 45
    for steps in calls.values():
        if steps[0]["step"] != "call_received":
            continue  # began before midnight
        places = [names.index(step["step"]) for step in steps]
        assert places == sorted(set(places))
        for step in steps:
            assert step[f"{step['step']}_at"] == step["observed_at"]


def test_the_nearest_unit_goes_and_stands_at_the_call_when_it_has_arrived() -> None:
    found = lines("", Feed.EMERGENCY, scale=1.0)[0]
    arrival = next(orjson.loads(line) for line in found if b'"step":"on_scene"' in line)
    reports = [
        r
        for r in of_device(found, arrival["unit_id"])
        if "step" not in r and r["unit_state"] == "on_scene" and r["observed_at"] > arrival["observed_at"]
    ]
    assert (reports[0]["longitude"], reports[0]["latitude"]) == (arrival["longitude"], arrival["latitude"])


def test_with_two_thirds_of_the_units_out_of_service_calls_wait() -> None:
    text = "[[calls]]\nat = 12:00:00\nhours = 8.0\ntimes = 6.0\n"
    shortage = "[[shortage]]\nat = 12:00:00\nhours = 8.0\nshare = 0.9\n"

    def waits(found: list[bytes]) -> list[float]:
        steps = [orjson.loads(line) for line in found if b'"step":"dispatched"' in line]
        return sorted(
            (at(r) - datetime.fromisoformat(r["call_entered_at"])).total_seconds() for r in steps if hour(r) >= 12
        )

    enough, short = (lines(each, Feed.EMERGENCY, scale=1.0)[0] for each in (text, text + shortage))
    assert waits(short)[-1] > 1_800
    assert waits(enough)[len(waits(enough)) // 2] < 300
    out = {r["unit_id"] for r in map(orjson.loads, short) if r.get("unit_state") == "out_of_service"}
    assert 12 <= len(out) <= 18


def test_calls_that_waited_for_the_end_of_a_shortage_are_answered_then() -> None:
    text = "[[shortage]]\nat = 06:00:00\nhours = 6.0\nshare = 1.0\n"
    found = [orjson.loads(line) for line in lines(text, Feed.EMERGENCY, scale=1.0)[0] if b'"step"' in line]
    dispatched = [r for r in found if r["step"] == "dispatched"]
    entered = {r["incident_id"] for r in found if r["step"] == "call_entered" and hour(r) in range(7, 12)}
    assert entered
    assert not [r for r in dispatched if r["incident_id"] in entered and hour(r) < 12]
    assert entered <= {r["incident_id"] for r in dispatched if hour(r) == 12}


def test_a_year_of_tax_comes_near_what_the_buildings_pay() -> None:
    found = [orjson.loads(line) for line in lines("", Feed.TAX, first=date(2026, 1, 1), days=365)[0]]
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for each in found:
        paid[each["building_id"]] += Decimal(each["amount_cny"])
    wanted = {building.id: building.annual_tax_cny for building in world().district.building}
    assert sum(paid.values()) == pytest.approx(sum(wanted.values()), rel=0.1)
    assert {each["entry"] for each in found} == {"payment", "refund", "correction"}
    quarters = Counter(at(r).month for r in found if r["tax_kind"] == "corporate_income" and r["entry"] == "payment")
    assert set(quarters) == {1, 4, 7, 10}
    assert len({each["receipt_id"] for each in found}) == len(found)


def test_firms_that_move_take_their_tax_along() -> None:
    run = lines("", Feed.TAX, first=date(2026, 6, 28), days=10, scale=1.0)[1]
    moves = [each for each in run.truth() if each.what == "taxpayer_moved"]
    assert 5 <= len(moves) <= 80
    assert all(each.item != each.device and each.size > 0 for each in moves)


def test_the_year_end_rush_brings_more_payments() -> None:
    rush = "[[tax_rush]]\nat = 00:00:00\nhours = 288.0\ntimes = 3.0\n"
    usual, rushed = (lines(each, Feed.TAX, first=date(2026, 12, 20), days=12)[0] for each in ("", rush))
    assert len(rushed) > 1.5 * len(usual)
