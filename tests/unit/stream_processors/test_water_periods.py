"""Figures of a lake by local day and month, and how much data a verdict needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.indicator import Indicator, IndicatorStatus
from services.stream_processors.engine.periods import DAY_US, local_day, local_month
from tests.unit.stream_processors.water_log import START, Item, Said, log_of, policy, reading, run, tick

MIDNIGHT = START - timedelta(hours=8)
"""Local midnight before START: rounds of 4 h begin at START - 8 h, - 4 h, START, ..."""

FIRST_OF_NOVEMBER = datetime(2026, 10, 31, 16, 0, tzinfo=UTC)


def rounds(tp: list[float | None], device: str = "p1", first: int = 0) -> list[Item]:
    """One sample at the start of each round of the local day; None: no sample."""
    return [
        reading(60 * (4 * (first + n) - 8), device=device, tp_mg_l=value)
        for n, value in enumerate(tp)
        if value is not None
    ]


def last(said: Said, indicator: str) -> Indicator:
    return said.of(indicator, "beihu")[-1]


def test_days_and_months_are_local() -> None:
    at_us = int(START.timestamp() * 1_000_000)
    assert local_day(at_us) == (at_us - DAY_US // 3, at_us + 2 * DAY_US // 3)
    assert local_day(at_us - DAY_US // 3) == local_day(at_us)
    assert local_day(at_us - DAY_US // 3 - 1)[1] == at_us - DAY_US // 3
    first = int(FIRST_OF_NOVEMBER.timestamp() * 1_000_000)
    assert local_month(at_us) == (first, first + 30 * DAY_US)
    assert local_month(first - 1) == (first - 31 * DAY_US, first)
    assert [(local_month(at)[1] - at) // DAY_US for at in (local_month(first + 62 * DAY_US)[0],)] == [31]


# p1 0.04 0.04 0.04 0.04 0.04 0.16   p2 once 0.02   -> mean of p1 0.06, of p2 0.02, of the lake 0.04: class III
def test_the_day_is_the_mean_over_time_then_over_points() -> None:
    items = [*rounds([0.04] * 5 + [0.16]), *rounds([0.02], device="p2", first=0)]
    items.sort(key=lambda item: item[0].partition(b"observed_at")[2])
    day = last(run(log_of([*items, tick(60 * 17)])), "water.class_day")
    assert day.details["means"]["tp_mg_l"] == 0.04  # type: ignore[call-overload, index]
    assert (day.value, day.status, day.n, day.completeness) == (3, IndicatorStatus.MET, 7, 1)
    assert (day.period_start, day.period_end) == (MIDNIGHT, MIDNIGHT + timedelta(days=1))
    assert (day.details["rounds"], day.details["rounds_expected"]) == (6, 6)
    assert day.threshold is not None
    assert day.threshold.source.where == "page 31"
    assert "6 of 6 rounds" in day.status_reason


def test_a_day_that_is_not_met_names_what_exceeded() -> None:
    day = last(run(log_of([*rounds([0.07] * 6), tick(60 * 17)])), "water.class_day")
    assert (day.value, day.status) == (4, IndicatorStatus.NOT_MET)
    details = day.details["class"]
    assert isinstance(details, dict)
    assert details["exceed_vs_target"] == {"tp": 0.4}
    assert details["main_pollutants_zh"] == ["总磷(0.40)"]


# rounds of the day with data: 1, 2, 3 of 6; half is needed
def test_a_day_with_too_few_rounds_cannot_be_judged_and_a_month_can() -> None:
    items = rounds([0.04, 0.04, 0.04])
    said = run(log_of([items[0], tick(-239), items[1], tick(1), items[2], tick(60 * 5)]))
    days = said.of("water.class_day", "beihu")
    assert [(i.status, i.completeness) for i in days[:3]] == [
        (IndicatorStatus.CANNOT_SAY, pytest.approx(1 / 6)),
        (IndicatorStatus.CANNOT_SAY, pytest.approx(2 / 6)),
        (IndicatorStatus.MET, pytest.approx(3 / 6)),
    ]
    assert days[0].value is None
    assert "1 of 6 rounds could be classed" in days[0].status_reason
    month = said.of("water.class_month", "beihu")[0]
    assert (month.status, month.completeness) == (IndicatorStatus.MET, pytest.approx(1 / 180))
    assert (month.period_start, month.period_end) == (FIRST_OF_NOVEMBER, FIRST_OF_NOVEMBER + timedelta(days=30))


def test_a_round_that_cannot_be_classed_does_not_count_for_the_day() -> None:
    nothing: dict[str, Any] = {"ph": None, "do_mg_l": None}
    items = [reading(60 * (4 * n - 8), **(nothing if n < 5 else {})) for n in range(6)]
    day = last(run(log_of([*items, tick(60 * 17)])), "water.class_day")
    assert (day.details["rounds"], day.status, day.n) == (1, IndicatorStatus.CANNOT_SAY, 6)


def test_a_late_sample_corrects_round_day_and_month() -> None:
    items = rounds([0.04] * 6)
    late = reading(60 * -8, device="p2", tp_mg_l=0.5)
    said = run(log_of([*items, tick(60 * 17), late, tick(60 * 18)]))
    for indicator in ("water.class", "water.class_day", "water.class_month"):
        one = [i for i in said.of(indicator, "beihu") if i.period_start in {MIDNIGHT, FIRST_OF_NOVEMBER}]
        assert one[-1].revision == one[-2].revision + 1
        assert (one[-2].value, one[-1].value) == (3, 6)


def test_a_round_as_long_as_a_day_is_not_taken_for_the_day() -> None:
    whole = policy(rounds={"length_seconds": 86_400})
    said = run(log_of([*rounds([0.04] * 6), tick(60 * 17)]), whole)
    assert {(i.id, i.period_start) for i in said.indicators if i.period_end == MIDNIGHT + timedelta(days=1)} == {
        ("water.class", MIDNIGHT),
        ("water.trophic_index", MIDNIGHT),
        ("water.class_day", MIDNIGHT),
        ("water.point_quality", MIDNIGHT),
    }


# p1 and p2 are known; of three points one has data: less than half
def test_a_lake_of_which_too_few_points_measured_cannot_be_judged() -> None:
    points = [reading(0, device=f"p{n}", tp_mg_l=0.15) for n in (1, 2, 3)]
    said = run(log_of([*points, tick(239), reading(240, device="p1", tp_mg_l=0.15), tick(250)]))
    found = last(said, "water.class")
    assert (found.value, found.status, found.details["stations"]) == (None, IndicatorStatus.CANNOT_SAY, 3)
    assert found.status_reason == "1 of the 3 points have data, a share of 50% is needed"
    two = [reading(240, device=f"p{n}", tp_mg_l=0.15) for n in (1, 2)]
    assert last(run(log_of([*points, tick(239), *two, tick(250)])), "water.class").value == 5
    exactly_half = [reading(0, device="p4"), *points, tick(239), *two, tick(250)]
    assert last(run(log_of(exactly_half)), "water.class").value == 5


def test_a_round_without_enough_points_does_not_count_for_the_alert() -> None:
    points = [reading(0, device=f"p{n}", tp_mg_l=0.15) for n in (1, 2, 3)]
    alone = [reading(240 * n, device="p1", tp_mg_l=0.15) for n in (1, 2, 3)]
    said = run(log_of([*points, *alone, tick(900)]))
    assert [a.asset for a in said.class_alerts if a.asset == "beihu"] == []
