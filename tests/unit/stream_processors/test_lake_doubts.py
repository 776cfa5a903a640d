"""Doubted items of a lake: what jumps at several points at once is pollution; what is left out is said."""

from __future__ import annotations

import random
from typing import Any

from schemas.indicator import Indicator, IndicatorStatus
from tests.unit.stream_processors.water_log import Item, Said, log_of, policy, reading, run, tick

SPILL = {"nh3n_mg_l": 12.0}
"""11.8 mg/L more than four hours before; 2 mg/L an hour are believed."""


def round_of(hour: float, points: dict[str, dict[str, Any]]) -> list[Item]:
    return [reading(60 * hour + n, device=name, **fields) for n, (name, fields) in enumerate(points.items())]


def lake(*rounds: dict[str, dict[str, Any]]) -> list[Item]:
    """Rounds four hours apart."""
    return [item for n, points in enumerate(rounds) for item in round_of(4 * n, points)]


CALM: dict[str, dict[str, Any]] = {"p1": {}, "p2": {}, "p3": {}}


def everywhere(fields: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: fields for name in CALM}  # noqa: C420 - the values are not changed


def last(said: Said, indicator: str = "water.class") -> Indicator:
    return said.of(indicator, "beihu")[-1]


# three stations jump from 0.2 to 12 mg/L in one round: none is believed by itself, together they are pollution
def test_the_first_round_of_a_jump_at_every_point_counts() -> None:
    said = run(log_of([*lake(CALM, CALM, everywhere(SPILL)), tick(60 * 9)]))
    found = last(said)
    assert (found.value, found.status) == (6, IndicatorStatus.NOT_MET)
    means = found.details["means"]
    assert isinstance(means, dict)
    assert means["nh3n_mg_l"] == 12.0
    doubted = found.details["doubted"]
    assert isinstance(doubted, dict)
    assert doubted["counted"] == {"nh3n_mg_l": ["p1", "p2", "p3"]}
    assert doubted["left_out"] == {}
    assert "counted as pollution: Ammonia nitrogen" in found.status_reason
    assert doubted["zh"] == "多个点位同时突变，按污染计入：氨氮"


def test_the_second_such_round_raises_the_lake_s_alert() -> None:
    said = run(log_of([*lake(CALM, CALM, *[everywhere(SPILL)] * 2), tick(60 * 14)]))
    (raised,) = [a for a in said.class_alerts if a.asset == "beihu"]
    assert (str(raised.event), raised.observed_value) == ("raised", 6)
    assert "Ammonia nitrogen 12 mg/L" in raised.text.en


def test_what_jumps_at_one_point_alone_is_left_out_and_that_is_said() -> None:
    said = run(log_of([*lake(CALM, CALM, CALM | {"p2": SPILL}), tick(60 * 9)]))
    found = last(said)
    assert (found.value, found.status) == (3, IndicatorStatus.MET)
    assert found.status_reason == (
        "class III is at or better than the target class III; left out as doubtful: Ammonia nitrogen at p2"
    )
    assert found.details["doubted"] == {
        "left_out": {"nh3n_mg_l": ["p2"]},
        "counted": {},
        "zh": "未计入存疑项目：氨氮（p2）",
        "en": "left out as doubtful: Ammonia nitrogen at p2",
    }


def test_two_of_three_points_are_enough_and_the_policy_may_ask_for_more() -> None:
    log = log_of([*lake(CALM, CALM, CALM | {"p1": SPILL, "p2": SPILL}), tick(60 * 9)])
    two = last(run(log))
    means = two.details["means"]
    assert isinstance(means, dict)
    assert means["nh3n_mg_l"] == (12 + 12 + 0.2) / 3
    assert two.value == 6
    assert last(run(log, policy(quality={"doubted_points_min": 3}))).value == 3


# a value that cannot be is never pollution, at however many points
def test_values_that_cannot_be_stay_out_at_every_point() -> None:
    said = run(log_of([*lake(CALM, CALM, everywhere({"do_mg_l": 30.0})), tick(60 * 9)]))
    found = last(said)
    means = found.details["means"]
    assert isinstance(means, dict)
    assert "do_mg_l" not in means
    doubted = found.details["doubted"]
    assert isinstance(doubted, dict)
    assert doubted["left_out"] == {"do_mg_l": ["p1", "p2", "p3"]}


def test_items_that_no_class_is_made_of_are_not_spoken_of() -> None:
    warm = {"water_temp_c": 20.0}
    jump = {"water_temp_c": 40.0}
    said = run(log_of([*lake(*[everywhere(warm)] * 2, everywhere(warm) | {"p1": jump}), tick(540)]))
    assert "doubted" not in last(said).details


def test_the_day_and_the_month_tell_what_was_left_out() -> None:
    said = run(log_of([*lake(CALM, CALM, CALM | {"p2": SPILL}, CALM), tick(60 * 17)]))
    for indicator in ("water.class_day", "water.class_month"):
        found = last(said, indicator)
        assert found.details["doubted"] == {
            "left_out_rounds": {"nh3n_mg_l": 1},
            "zh": "未计入存疑项目：氨氮（1轮）",
            "en": "left out as doubtful: Ammonia nitrogen in 1 round",
        }
        assert found.status_reason.endswith("; left out as doubtful: Ammonia nitrogen in 1 round")


def test_the_day_counts_what_the_round_counted() -> None:
    said = run(log_of([*lake(CALM, CALM, everywhere(SPILL), CALM), tick(60 * 17)]))
    means = last(said, "water.class_day").details["means"]
    assert isinstance(means, dict)
    assert means["nh3n_mg_l"] == (0.2 * 3 + 12) / 4


def test_an_alert_of_a_class_without_a_doubted_item_says_so() -> None:
    bad = everywhere({"tp_mg_l": 0.15})
    doubtful = bad | {"p2": {"tp_mg_l": 0.15, "nh3n_mg_l": 25.0}}
    said = run(log_of([*lake(CALM, CALM, doubtful, doubtful), tick(60 * 14)]))
    raised = next(a for a in said.class_alerts if a.asset == "p2")
    assert "总磷 0.15 mg/L（超目标限值2.00倍），未计入存疑项目氨氮" in raised.text.zh
    assert "leaving out Ammonia nitrogen as doubtful" in raised.text.en


def test_doubts_do_not_depend_on_the_order_of_arrival_nor_on_crashes() -> None:
    items = lake(CALM, CALM, everywhere(SPILL), CALM | {"p1": SPILL}, CALM)
    end = [tick(60 * 18), tick(60 * 30)]
    log = log_of([*items, *end])
    expected = run(log)
    for seed in range(5):
        shuffled = items.copy()
        random.Random(seed).shuffle(shuffled)
        other = log_of([*shuffled, *end])
        found = run(other, crash_after=[4, 9] if seed % 2 else [])
        assert found.final_indicators() == expected.final_indicators()
        assert found.final_alerts(other) == expected.final_alerts(log)
