"""The processors' own rules on days of the world, in a plain loop: what is quiet stays quiet, what happens is found."""

from __future__ import annotations

from functools import cache

import pytest

from schemas.fields import LIVE, Feed
from simulators.world.library import load_for
from simulators.world.run import Order
from tests.unit.simulators.world.world_run import FIRST, world
from tests.world_judging import Judged, judged_day

pytestmark = pytest.mark.slow


@cache
def judged(scenario: str, feed: Feed) -> Judged:
    """A day from its first second to its last, with a tick a minute."""
    return judged_day(world(), load_for(scenario, world()), Order(7, FIRST, 1, LIVE, feeds=(feed,)), feed)


REAL = {
    "water.class_worse_than_target",
    "parking.lot_full",
    "emergency.response_at_risk",
    "emergency.response_breach",
    "emergency.coverage_low",
    "emergency.call_unassigned",
}
"""What a quiet day has anyhow: a lake of class IV, full car parks, a call far from the two units of a tenth's size."""


@pytest.mark.parametrize("feed", list(Feed))
def test_a_quiet_day_of_three_hundred_devices_brings_no_false_alert(feed: Feed) -> None:
    assert {(each.rule, each.asset) for each in judged("quiet-day", feed).raised if each.rule not in REAL} == set()


def test_what_a_quiet_day_has_anyhow_is_so() -> None:
    parking = judged("quiet-day", Feed.PARKING)
    assert parking.assets("parking.lot_full") >= {each.device for each in parking.truth if each.what == "lot_full"}
    emergency = judged("quiet-day", Feed.EMERGENCY)
    late = {each.device for each in emergency.truth if each.what == "late_response"}
    assert emergency.assets("emergency.response_breach") == late


def test_real_pollution_and_a_broken_instrument_are_told_apart() -> None:
    found = judged("chemical-spill", Feed.WATER)
    assert {"beihu", "xihu"} <= found.assets("water.class_worse_than_target")
    assert found.assets("water.sensor_fault") == {"water-lingjiao-2"}
    assert "lingjiao" not in found.assets("water.class_worse_than_target")


def test_each_site_without_power_is_dark_and_no_other() -> None:
    sites = {site.id for site in world().district.site if site.zone == "cbd"} | {"site-taibei"}
    assert judged("charging-blackout", Feed.EV).assets("ev.site_dark") == sites


def test_broken_instruments_and_silent_stations_are_found() -> None:
    found = judged("sensor-vandalism", Feed.WATER)
    wanted = {"reported_fault", "unit_mixup", "flat_line"}
    broken = {each.device for each in found.truth if each.what in wanted}
    assert len(broken) == 3
    assert broken <= found.assets("water.sensor_fault")
    assert found.assets("water.station_silent") == {each.device for each in found.truth if each.what == "gap"}
    parking = judged("sensor-vandalism", Feed.PARKING)
    for what, rule in (("clock_skew", "device.clock_wrong"), ("flat_line", "parking.counter_stuck")):
        assert parking.assets(rule) == {each.device for each in parking.truth if each.what == what}
