"""What counts as found, and as a false alarm, when days of the world are scored against their truth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.fields import LIVE, Feed
from services.district.drill.scoring import Heard, Scores, wanted_of
from services.district.drill.scoring import scored as scored_of
from simulators.world.library import load_for
from simulators.world.run import Order
from tests.unit.simulators.world.world_run import FIRST, world
from tests.world_judging import Judged, judged_day

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def spill() -> Judged:
    order = Order(7, FIRST, 1, LIVE, feeds=(Feed.WATER,))
    return judged_day(world(), load_for("chemical-spill", world()), order, Feed.WATER)


def scored(judged: Judged) -> Scores:
    order = Order(7, FIRST, 1, LIVE)
    heard = Heard(judged.raised, judged.withdrawn, judged.ended, order.begin, order.end + 7 * 86_400, judged.members)
    return scored_of(heard, judged.truth, Feed.WATER, world())


def test_what_was_so_is_found_and_nothing_else_is_said(spill: Judged) -> None:
    scores = scored(spill)
    assert {what: (score.wanted, len(score.delays)) for what, score in scores.of.items()} == {
        "sensor_fault": (1, 1),
        "spill": (2, 2),
    }
    assert (scores.right, scores.false) == (1, ())
    assert all(0 < delay < 3_600 for score in scores.of.values() for delay in score.delays)


def test_an_alert_that_nothing_explains_is_a_false_one(spill: Judged) -> None:
    scores = scored(replace(spill, truth=()))
    assert (scores.of, scores.right) == ({}, 0)
    assert [(alert.rule, alert.asset) for alert in scores.false] == [("water.sensor_fault", "water-lingjiao-2")]


def test_what_was_not_said_is_not_found_and_a_word_before_is_none(spill: Judged) -> None:
    silent = scored(replace(spill, raised=()))
    assert {what: (score.wanted, score.delays) for what, score in silent.of.items()} == {
        "sensor_fault": (1, []),
        "spill": (2, []),
    }
    later = tuple(replace(each, begin=each.begin + 86_400, end=each.end + 86_400) for each in spill.truth)
    assert not any(score.delays for score in scored(replace(spill, truth=later)).of.values())


def test_a_place_without_power_is_asked_for_site_by_site_and_once() -> None:
    order = Order(7, FIRST, 1, LIVE, feeds=(Feed.EV,))
    found = judged_day(world(), load_for("charging-blackout", world()), replace(order, feeds=(Feed.EV,)), Feed.EV)
    dark = [each for each in wanted_of(found.truth, Feed.EV, world()) if each.what == "blackout"]
    sites = {site.id for site in world().district.site if site.zone == "cbd"} | {"site-taibei"}
    assert sorted(asset for each in dark for asset in each.assets) == sorted(sites)
