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


# rounds of the day with data: 1 of 1, 2 of 2, 3 of 3 by then, 3 of 6 when it ends at 16 h; half is needed
def test_a_day_that_is_not_over_says_how_it_stands_and_is_never_met() -> None:
    items = rounds([0.04, 0.04, 0.04])
    said = run(log_of([items[0], tick(-239), items[1], tick(1), items[2], tick(60 * 5), tick(60 * 16 + 1)]))
    days = said.of("water.class_day", "beihu")
    assert [(i.status, i.completeness) for i in days] == [
        (IndicatorStatus.CANNOT_SAY, pytest.approx(1 / 6)),
        (IndicatorStatus.CANNOT_SAY, pytest.approx(2 / 6)),
        (IndicatorStatus.CANNOT_SAY, pytest.approx(3 / 6)),
        (IndicatorStatus.MET, pytest.approx(3 / 6)),
    ]
    assert [i.details.get("so_far") for i in days] == [{"status": "met", "value": 3}] * 3 + [None]
    assert [i.value for i in days] == [3] * 4
    assert days[2].status_reason == (
        "the period is not over; so far: the mean is class III, at or better than the target class III; 3 of 3 rounds"
    )


# rounds of a minute that count 65 s after their start: the last round of the day closes 5 s after midnight
def test_a_day_is_over_when_its_last_round_has_counted() -> None:
    local = policy("water-local.toml", data={"day_rounds_share_min": 0.001})
    midnight = 60 * 16
    items = [reading(midnight - 3 + n, seq=n, tp_mg_l=0.04) for n in range(3)]
    said = run(log_of([*items, tick(midnight + 4 / 60), tick(midnight + 6 / 60)]), local)
    *_, before, closed = [i for i in said.of("water.class_day", "beihu") if i.period_start == MIDNIGHT]
    assert (before.details["rounds"], "so_far" in before.details) == (2, True)
    assert (closed.details["rounds"], "so_far" in closed.details) == (3, False)
    assert closed.status is IndicatorStatus.MET


# one sample of November, and then nothing: on 1 December the month is over with 1 of 180 rounds
def test_a_closed_month_below_its_data_rule_cannot_be_judged() -> None:
    days = 24 * 60
    said = run(log_of([*rounds([0.04]), tick(0), tick(60 * 10), tick(3 * days), tick(6 * days), tick(8 * days)]))
    first, *_, closed = said.of("water.class_month", "beihu")
    assert (first.status, first.completeness) == (IndicatorStatus.CANNOT_SAY, pytest.approx(1 / 180))
    assert (closed.status, closed.value, closed.n) == (IndicatorStatus.CANNOT_SAY, None, 1)
    assert "so_far" in first.details
    assert "so_far" not in closed.details
    assert closed.status_reason == "1 of 180 rounds could be classed, a share of 50% and at least one are needed"
    assert (closed.period_start, closed.period_end) == (FIRST_OF_NOVEMBER, FIRST_OF_NOVEMBER + timedelta(days=30))
    rules = closed.details["data_rules"]
    assert isinstance(rules, dict)
    assert rules["rounds"] == {
        "found": 1,
        "needed": 90,
        "source": "policy, unverified; at least one value: 环办〔2011〕22号, month",
    }
    assert rules["items"] == {
        "found": 5,
        "needed": 4,
        "source": "practice of the publisher of the national automatic stations, 2020-2021, measured on its data",
    }


# a daily station: 30 samples of November are all that it can give, 20 are two thirds, 14 less than half
@pytest.mark.parametrize(("count", "status"), [(30, "met"), (20, "met"), (15, "met"), (14, "cannot_say")])
def test_a_month_is_measured_by_the_station_s_own_interval(count: int, status: str) -> None:
    hours = (FIRST_OF_NOVEMBER - START) / timedelta(hours=1)
    items = [reading(60 * (hours + 24 * n + 9), seq=n) for n in range(30)]
    kept = [item for n, item in enumerate(items) if n % 30 < count // 2 or n >= 30 - (count - count // 2)]
    assert len(kept) == count
    gone = policy("water.toml")
    body = gone.model_dump(by_alias=True)
    for entry in body["rule"]:
        entry["max_age_seconds"] = 40 * 86_400 if entry["id"] == "water.station_silent" else entry["max_age_seconds"]
    said = run(log_of([*kept, tick(60 * (hours + 24 * 30 + 1))]), type(gone).model_validate(body))
    month = [i for i in said.of("water.class_month", "beihu") if i.period_start == FIRST_OF_NOVEMBER][-1]
    assert (month.status.value, month.details["rounds"], month.details["rounds_expected"]) == (status, count, 30)
    assert month.completeness == pytest.approx(count / 30)


def test_a_round_that_cannot_be_classed_does_not_count_for_the_day() -> None:
    nothing: dict[str, Any] = {"ph": None, "do_mg_l": None}
    items = [reading(60 * (4 * n - 8), **(nothing if n < 5 else {})) for n in range(6)]
    day = last(run(log_of([*items, tick(60 * 17)])), "water.class_day")
    assert (day.details["rounds"], day.status, day.n) == (1, IndicatorStatus.CANNOT_SAY, 6)


def test_a_late_sample_corrects_round_day_and_month() -> None:
    items = rounds([0.04] * 6)
    late = reading(60 * -8, device="p2", tp_mg_l=0.5)
    lenient = policy(data={"month_rounds_share_min": 0.0})
    said = run(log_of([*items, tick(60 * 17), late, tick(60 * 18)]), lenient)
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
