"""Lakes: the mean of each item over the points of a round comes first, then the class."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from math import log10

import pytest

from schemas.indicator import IndicatorStatus
from tests.unit.stream_processors.water_log import START, Item, Said, log_of, policy, reading, run, tick


def told(items: Sequence[Item]) -> Said:
    """What is said of readings within the first hour."""
    return run(log_of([*items, tick(59)]))


# minutes   0     10    20                 240 (rounds of 4 h begin at 00:00, 08:00 … local; START is 08:00 local)
# points    p1 V  p2 III p3 III  -> mean decides


def test_the_mean_over_the_points_is_classed_not_the_worst_point() -> None:
    said = run(
        log_of(
            [
                reading(0, device="p1", tp_mg_l=0.15),
                tick(9),
                reading(10, device="p2", tp_mg_l=0.04),
                tick(19),
                reading(20, device="p3", tp_mg_l=0.05),
                tick(29),
            ]
        )
    )
    assert [i.value for i in said.of("water.point_class")] == [5, 3, 3]
    lake = said.of("water.class", "beihu")
    assert [(i.value, i.revision, i.n) for i in lake] == [(5, 0, 1), (4, 1, 2), (4, 2, 3)]
    assert lake[-1].details["means"]["tp_mg_l"] == 0.08  # type: ignore[call-overload, index]
    assert (lake[-1].status, lake[-1].period_start) == (IndicatorStatus.NOT_MET, START)
    assert lake[-1].threshold is not None
    assert lake[-1].threshold.source.where == "page 31"


@pytest.mark.parametrize("order", list(permutations([0.03, 0.05, 0.07])))
def test_a_mean_exactly_on_a_limit_is_within_it_whatever_the_order(order: tuple[float, ...]) -> None:
    said = told([reading(n, device=f"p{n}", tp_mg_l=tp) for n, tp in enumerate(order)])
    assert said.of("water.class")[-1].value == 3


def test_ph_is_averaged_as_hydrogen_ions() -> None:
    said = told([reading(0, device="p1", ph=6.0), reading(1, device="p2", ph=8.0)])
    means = said.of("water.class")[-1].details["means"]
    assert isinstance(means, dict)
    assert means["ph"] == pytest.approx(-log10((1e-6 + 1e-8) / 2))


def test_one_ph_on_the_limit_stays_on_it() -> None:
    assert told([reading(0, ph=9.0)]).of("water.class")[-1].value == 3


def test_a_point_is_averaged_over_time_before_it_is_averaged_with_others() -> None:
    said = told(
        [
            reading(0, device="p1", tp_mg_l=0.2),
            reading(5, device="p1", tp_mg_l=0.2),
            reading(9, device="p1", tp_mg_l=0.2),
            reading(9, device="p2", tp_mg_l=0.02),
        ]
    )
    means = said.of("water.class")[-1].details["means"]
    assert isinstance(means, dict)
    assert means["tp_mg_l"] == 0.11


def test_only_good_quality_counts_for_the_lake_and_maintenance_is_classed_alone() -> None:
    said = told([reading(0, device="p1", quality="maintenance", tp_mg_l=0.15)])
    (point,) = said.of("water.point_class")
    assert (point.value, point.status) == (5, IndicatorStatus.CANNOT_SAY)
    assert said.of("water.class") == []


def test_a_stopped_station_is_not_classed() -> None:
    (point,) = told([reading(0, quality="stopped")]).of("water.point_class")
    assert (point.value, point.status) == (None, IndicatorStatus.CANNOT_SAY)
    assert "stopped" in point.status_reason


def test_too_few_items_cannot_be_judged() -> None:
    said = told([reading(0, ph=None, do_mg_l=None)])
    for found in (said.of("water.point_class")[0], said.of("water.class")[0]):
        assert (found.value, found.status, found.completeness) == (None, IndicatorStatus.CANNOT_SAY, 0.6)
        assert "3 of the 5" in found.status_reason


def test_a_river_has_points_and_no_lake() -> None:
    said = told([reading(0, water_body="river", tp_mg_l=0.2), reading(300, water_body="river", tp_mg_l=0.2)])
    assert [i.value for i in said.of("water.point_class")] == [3, 3]
    assert said.of("water.class") == []
    assert said.of("water.trophic_index") == []


def test_before_the_plan_was_in_force_nothing_is_judged() -> None:
    in_2020 = -60 * 24 * 365 * 6
    said = told([reading(in_2020 + n, seq=n, tp_mg_l=0.15) for n in range(3)])
    point = said.of("water.point_class")[0]
    assert (point.value, point.status, point.threshold) == (5, IndicatorStatus.CANNOT_SAY, None)
    assert said.class_alerts == []


def test_the_trophic_index_of_point_and_lake_is_shown_and_not_judged() -> None:
    said = told([reading(0, chla_ug_l=10.0, tp_mg_l=0.05, tn_mg_l=1.0, transparency_m=1.0, codmn_mg_l=4.0)])
    for subject in ("p1", "beihu"):
        (index,) = said.of("water.trophic_index", subject)
        assert index.value == pytest.approx(48.018, abs=0.0005)
        assert (index.threshold, index.details["state_zh"]) == (None, "中营养")


# round        0 (V)        240 (V)        480 (III)      720 (III)
# settles         60           300            540            780
# alert                        raised                        resolved
def test_a_lake_is_alerted_after_rounds_that_have_settled() -> None:
    four_hours = 240
    items = []
    for number, tp in enumerate((0.15, 0.15, 0.05, 0.05)):
        start = number * four_hours
        items += [reading(start, device="p1", tp_mg_l=tp), tick(start + 60), tick(start + 61)]
    said = run(log_of(items), policy())
    lake = [alert for alert in said.class_alerts if alert.asset == "beihu"]
    assert [str(alert.event) for alert in lake] == ["raised", "resolved"]
    assert lake[0].place == "江汉北湖 North Lake (Jianghan)"
    assert (lake[1].ended_at, lake[0].evidence and lake[0].evidence.offsets) == (START.replace(hour=8), (0, 3))
