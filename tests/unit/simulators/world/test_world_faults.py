"""Each fault does what its label says, to its device alone, within its time; and the label says what it did."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from schemas.fields import DISTRICT_ZONE, Feed
from simulators.world.faults import FaultKind
from simulators.world.truth import Truth, TruthKind
from tests.unit.simulators.world.world_run import at, lines, of_device, quiet_day, world

DEVICE = "water-beihu-1"
BEGIN, END = (datetime(2026, 7, 8, hour, tzinfo=DISTRICT_ZONE) for hour in (10, 14))
ALL_OF_IT = 16
"""Readings of a point in four hours."""


def fault(kind: str, more: str = "", device: str = DEVICE) -> str:
    return f'[[fault]]\nkind = "{kind}"\ndevice = "{device}"\nat = 10:00:00\nhours = 4.0\n{more}\n'


def befallen(text: str) -> tuple[list[dict[str, Any]], Truth]:
    """All readings of the device as they were sent, and the one label."""
    found, run = lines(text, Feed.WATER)
    others = [line for line in found if DEVICE.encode() not in line]
    if b'"kind"' not in b"".join(found):
        assert [r for r in map(orjson.loads, others) if r["device_id"] != DEVICE] == [
            r for r in quiet_day(Feed.WATER) if r["device_id"] != DEVICE
        ]
    (label,) = [each for each in run.truth() if each.kind is TruthKind.FAULT]
    assert (label.device, label.begin, label.end) == (DEVICE, BEGIN.timestamp(), END.timestamp())
    return list(of_device(found, DEVICE)), label


def inside(readings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [r for r in readings if BEGIN <= at(r) < END]


CLEAN = [r for r in quiet_day(Feed.WATER) if r["device_id"] == DEVICE]


def test_a_spike_is_one_reading() -> None:
    readings, label = befallen(fault("spike", 'item = "ph"\nsize = 1.5'))
    changed = [(was, now) for was, now in zip(CLEAN, readings, strict=True) if was != now]
    assert len(changed) == label.readings == 1
    assert changed[0][1]["ph"] == pytest.approx(1.5 * changed[0][0]["ph"], abs=0.01)
    assert inside(readings)[0] == changed[0][1]


def test_a_flat_line_repeats_what_was_at_its_begin() -> None:
    readings, label = befallen(fault("flat_line"))
    assert label.readings == ALL_OF_IT
    assert len({(r["ph"], r["do_mg_l"], r["water_temp_c"]) for r in inside(readings)}) == 1
    assert len({r["ph"] for r in inside(CLEAN)}) > 3
    assert [r for r in readings if at(r) >= END] == [r for r in CLEAN if at(r) >= END]


def test_a_drift_grows_with_time() -> None:
    readings, label = befallen(fault("drift", 'item = "do_mg_l"\nsize = 0.1'))
    away = [now["do_mg_l"] - was["do_mg_l"] for was, now in zip(inside(CLEAN), inside(readings), strict=True)]
    assert away == sorted(away)
    assert away[-1] == pytest.approx(0.1 * 3.75 * inside(CLEAN)[0]["do_mg_l"], rel=0.15)
    assert (label.size, label.item) == (0.1, "do_mg_l")


def test_a_gap_leaves_nothing_and_uses_up_no_number() -> None:
    readings, label = befallen(fault("gap"))
    assert inside(readings) == []
    assert label.readings == ALL_OF_IT
    assert [r["seq"] for r in readings] == list(range(len(CLEAN) - ALL_OF_IT))


def test_a_skewed_clock_says_another_time() -> None:
    readings, label = befallen(fault("clock_skew", "size = 3600.0"))
    away = [at(was) - at(now) for was, now in zip(CLEAN, readings, strict=True) if was != now]
    assert away == [timedelta(hours=1)] * ALL_OF_IT
    assert label.readings == ALL_OF_IT


def test_local_time_sent_as_utc_is_a_clock_ahead() -> None:
    readings, label = befallen(fault("clock_skew", "size = -28800.0"))
    away = [at(now) - at(was) for was, now in zip(CLEAN, readings, strict=True) if was != now]
    assert away == [timedelta(hours=8)] * ALL_OF_IT
    assert label.size == -28_800


def test_duplicates_are_the_same_reading_again() -> None:
    readings, label = befallen(fault("duplicate"))
    counts = Counter(orjson.dumps(r) for r in readings)
    assert sorted(counts.values()) == [1] * (len(CLEAN) - ALL_OF_IT) + [2] * ALL_OF_IT
    assert label.readings == ALL_OF_IT


def test_reordered_readings_arrive_late_and_out_of_order() -> None:
    readings, _ = befallen(fault("reorder", "size = 3000.0"))
    assert sorted(r["seq"] for r in readings) == [r["seq"] for r in CLEAN] != [r["seq"] for r in readings]


@pytest.mark.parametrize("kind", ["burst", "partition"])
def test_what_was_kept_is_sent_at_once_at_the_end(kind: str) -> None:
    found, run = lines(fault(kind), Feed.WATER)
    where = [number for number, line in enumerate(found) if DEVICE.encode() in line]
    kept = [n for n in where if BEGIN <= at(orjson.loads(found[n])) < END]
    after = next(n for n, line in enumerate(found) if at(orjson.loads(line)) >= END)
    assert len(kept) == ALL_OF_IT
    assert kept[-1] - kept[0] == ALL_OF_IT - 1  # nobody is heard between them
    assert abs(kept[0] - after) <= ALL_OF_IT
    assert [label.readings for label in run.truth() if label.kind is TruthKind.FAULT] == [ALL_OF_IT]


def test_a_reboot_counts_anew() -> None:
    lot = world().district.lot[0].id
    found, run = lines(fault("reboot", "size = 2.0", lot), Feed.PARKING)
    readings = list(of_device(found, lot))
    boots = list(dict.fromkeys(r["boot_id"] for r in readings))
    assert len(boots) == 3
    for boot in boots:
        own = [r for r in readings if r["boot_id"] == boot]
        assert [r["seq"] for r in own] == list(range(len(own)))
    assert [r["entries_total"] for r in readings if r["seq"] == 0][1:] == [0, 0]
    (label,) = [each for each in run.truth() if each.kind is TruthKind.FAULT]
    assert label.readings == 2


def test_garbage_is_no_reading_and_its_number_is_missing() -> None:
    text = fault("garbage", "size = 1.0")
    found, run = lines(text, Feed.WATER)
    usual = len(quiet_day(Feed.WATER))
    assert len(found) == usual
    good = [line for line in found if line.startswith(b'{"feed":"water"') and line.endswith(b'Z"}\n')]
    assert usual - len(good) == ALL_OF_IT
    seqs = [r["seq"] for r in of_device(good, DEVICE)]
    assert len(set(range(len(CLEAN))) - set(seqs)) == ALL_OF_IT
    (label,) = run.truth()
    assert label.readings == ALL_OF_IT


def test_a_broken_instrument_fails_alone() -> None:
    readings, _ = befallen(fault("sensor_fault", 'item = "nh3n_mg_l"\nsize = 9.0'))
    for was, now in zip(inside(CLEAN), inside(readings), strict=True):
        assert 8 * was["nh3n_mg_l"] < now["nh3n_mg_l"] < 10 * was["nh3n_mg_l"]
        assert {**now, "nh3n_mg_l": was["nh3n_mg_l"]} == was


def test_a_reported_fault_is_said_and_values_are_missing() -> None:
    readings, _ = befallen(fault("reported_fault"))
    assert {r.get("quality") for r in inside(readings)} == {"fault"}
    assert not any("nh3n_mg_l" in r for r in inside(readings))


def test_units_mixed_up_are_a_thousand_times_too_large() -> None:
    readings, label = befallen(fault("unit_mixup", 'item = "tp_mg_l"'))
    ratios = {round(now["tp_mg_l"] / was["tp_mg_l"]) for was, now in zip(inside(CLEAN), inside(readings), strict=True)}
    assert ratios == {1_000}
    assert label.size == 1_000


def test_a_runaway_device_sends_as_many_as_it_says_each_with_its_number() -> None:
    device = world().district.site[0].connector_ids()[0]
    text = fault("runaway", "size = 600.0", device).replace("hours = 4.0", "hours = 0.01")
    found, run = lines(text, Feed.EV)
    readings = list(of_device(found, device))
    flood = [r for r in readings if "." in r["observed_at"]]
    (label,) = run.truth()
    assert label.readings == 36 * 600
    assert abs(len(flood) - 36 * 600) <= 36  # those on whole seconds have no fraction
    assert sorted(r["seq"] for r in readings) == list(range(len(readings)))


def test_every_kind_of_fault_leaves_its_mark_on_some_device() -> None:
    as_sent = [orjson.dumps(r) + b"\n" for r in quiet_day(Feed.WATER)]
    for kind in FaultKind:
        short = fault(kind.value).replace("hours = 4.0", "hours = 0.5")
        found, run = lines(short, Feed.WATER)
        (label,) = run.truth()
        assert label.what == kind.value
        assert label.readings, kind
        assert found != as_sent, kind


def test_devices_are_chosen_by_chance_within_a_place_and_the_same_ones_again() -> None:
    text = '[[fault]]\nkind = "gap"\nfeed = "ev"\nwithin = "cbd"\ncount = 4\nat = 10:00:00\nhours = 1.0\n'
    zones = {name: site.zone for site in world().district.site for name in site.connector_ids()}
    first, again, other = ([each.device for each in lines(text, Feed.EV, seed=seed)[1].truth()] for seed in (7, 7, 8))
    assert first == again != other
    assert len(set(first)) == 4
    assert {zones[device] for device in first} == {"cbd"}
