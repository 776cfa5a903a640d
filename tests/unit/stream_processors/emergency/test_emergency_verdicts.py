"""Verdicts that were wrong once: the second unit that never came, the long call, calls nobody reached, silent units."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.emergency import EmergencyReading, Step
from schemas.indicator import Indicator, IndicatorStatus
from services.stream_processors.emergency.coverage import Cell
from tests.unit.stream_processors.emergency.emergency_district import HERE, START, at, judge, judged, of, report, step
from tests.unit.stream_processors.recorded import Item, Result

HOUR = 3_600.0
BREACH = "emergency.response_breach"
MIDNIGHT = 14 * HOUR
"""Seconds from START to local midnight."""
CELLS = (Cell("near", *HERE, 1_000),)


def last(result: Result, name: str, days: int = 1) -> Indicator:
    return [f for f in result.indicators if f.id == name and f.period_end - f.period_start == timedelta(days=days)][-1]


def call(number: int, begin: float, *steps: tuple[float, Step], **fields: Any) -> list[EmergencyReading]:
    """A call that begins so many seconds after START, and what follows so long after it."""
    received = START + timedelta(seconds=begin)
    name = f"call-{number}"
    unit = f"u{number}"
    return [
        step(begin, Step.CALL_RECEIVED, name, call_received_at=received, **fields),
        *(step(begin + second, what, name, unit=unit, call_received_at=received, **fields) for second, what in steps),
    ]


def closed(number: int, begin: float, after: float) -> list[EmergencyReading]:
    """A call that the dispatch centre closes without anybody having come."""
    received = START + timedelta(seconds=begin)
    end = {"call": f"call-{number}", "unit": None, "call_received_at": received}
    return [*call(number, begin), step(begin + after, Step.AVAILABLE, **end)]


def in_order(*readings: EmergencyReading, ticks: tuple[float, ...]) -> list[EmergencyReading | Item]:
    """Readings by time, with ticks between them."""
    found = [*((one.observed_at, one) for one in readings), *((START + timedelta(seconds=n), at(n)) for n in ticks)]
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def test_a_breach_is_known_at_ten_minutes_though_the_first_unit_was_taken_off_and_the_second_never_came() -> None:
    log = [
        step(0, Step.CALL_RECEIVED),
        step(60, Step.DISPATCHED, unit="a"),
        step(500, Step.AVAILABLE, unit="a", dispatched_at=START + timedelta(seconds=60)),
        at(599),
    ]
    assert of(judged(*log), BREACH) == []
    result = judged(*log, at(601))
    (alert,) = [one for one in result.alerts if one.rule == BREACH]
    assert alert.raised_at == START + timedelta(seconds=600)
    result = judged(*log, at(601), step(620, Step.DISPATCHED, unit="b"), at(700), at(2 * HOUR), at(7 * HOUR))
    assert of(result, BREACH) == ["raised", "resolved"], "given up with its age"
    arrives = step(2 * HOUR, Step.ON_SCENE, unit="b")
    result = judged(*log, at(601), step(620, Step.DISPATCHED, unit="b"), arrives, at(2 * HOUR + 10), at(MIDNIGHT + 10))
    assert last(result, "emergency.response").value == 120
    assert last(result, "emergency.response").details["calls"] == 1


@pytest.mark.parametrize(("scene", "over"), [(300, 0), (900, 1)])
@pytest.mark.parametrize("lasts", [7 * HOUR, 11 * HOUR, 13 * HOUR])
def test_a_call_that_lasts_longer_than_its_greatest_age_is_one_call_with_its_first_arrival(
    scene: float, over: int, lasts: float
) -> None:
    known = {"dispatched_at": START + timedelta(seconds=60), "on_scene_at": START + timedelta(seconds=scene)}
    result = judged(
        step(0, Step.CALL_RECEIVED),
        step(60, Step.DISPATCHED),
        step(scene, Step.ON_SCENE, dispatched_at=known["dispatched_at"]),
        at(scene + 1),
        at(6 * HOUR + 10),
        step(lasts - 60, Step.ON_SCENE, unit="u2", dispatched_at=START + timedelta(seconds=lasts - 900)),
        step(lasts, Step.AVAILABLE, **known),
        step(lasts, Step.AVAILABLE, unit=None),
        at(lasts + 400),
        at(24 * HOUR),
    )
    day = last(result, "emergency.response")
    assert (day.n, day.details["calls"], day.details["over"], day.details["unreached"]) == (1, 1, over, 0)
    assert day.value == scene / 60
    assert of(result, BREACH) == ["raised", "resolved"] * over


def test_an_arrival_told_after_the_call_was_given_up_is_its_first_and_takes_the_breach_back() -> None:
    result = judged(
        step(0, Step.CALL_RECEIVED),
        at(601),
        step(1_740, Step.ON_SCENE, unit="late"),
        at(1_800),
        step(1_850, Step.TRANSPORTING, unit="first", on_scene_at=START + timedelta(seconds=270)),
        at(1_900),
        at(MIDNIGHT + 10),
    )
    assert of(result, BREACH) == ["raised", "resolved", "retracted"] or of(result, BREACH)[-1] == "retracted"
    day = last(result, "emergency.response")
    assert (day.value, day.details["calls"]) == (4.5, 1)


def test_the_ninetieth_percentile_is_shown_with_and_without_calls_that_no_unit_reached() -> None:
    reached = [call(n, n * 200.0, (60, Step.DISPATCHED), (240 + n, Step.ON_SCENE)) for n in range(20)]
    given_up = [closed(n, n * 200.0, 3_000.0) for n in range(20, 24)]
    cancelled = [closed(30, 5_500.0, 90.0)]
    log = in_order(*(one for each in [*reached, *given_up, *cancelled] for one in each), ticks=(9_000, 86_400))
    result = judged(*log)
    day = last(result, "emergency.response")
    times = sorted((240 + n) / 60 for n in range(20))
    everyone = sorted([*times, *[50.0] * 4, 1.5])
    assert day.value == day.details["p90_minutes"] == pytest.approx(times[17], abs=1e-6)
    assert day.details["p90_all_minutes"] == everyone[22] == 50
    assert (day.details["unreached"], day.details["open"]) == (5, 0)
    assert day.status is IndicatorStatus.NOT_MET, "the four that nobody answered are no reason to have met it"
    assert "with the calls that no unit reached: 50 min" in day.status_reason
    share = last(result, "emergency.response_share")
    assert share.value == 1
    assert share.details["share_of_all"] == pytest.approx(20 / 24, abs=1e-6), (
        "the one closed after 90 s is not held late"
    )
    assert share.status is IndicatorStatus.NOT_MET


def test_a_day_that_runs_says_how_it_stands_and_open_calls_are_as_old_as_they_are() -> None:
    reached = [call(n, n * 200.0, (60, Step.DISPATCHED), (240, Step.ON_SCENE)) for n in range(20)]
    open_calls = [call(n, 4_160.0 + n) for n in range(40, 43)]
    log = in_order(*(one for each in [*reached, *open_calls] for one in each), ticks=(4_300, 4_600, 5_100))
    running = last(judged(*log), "emergency.response")
    assert running.details["so_far"] == {"status": "met", "value": 4}
    assert running.status is IndicatorStatus.CANNOT_SAY
    assert running.status_reason.startswith("the period is not over; so far: nine of ten calls answered within 4 min")
    assert running.details["open"] == 3
    assert running.details["p90_all_minutes"] <= 15
    over = last(judged(*log, at(MIDNIGHT + 10)), "emergency.response")
    assert "so_far" not in over.details
    assert (over.details["open"], over.details["unreached"]) == (0, 3)
    assert over.details["p90_all_minutes"] == 360
    assert last(judged(*log, at(MIDNIGHT + 10)), "emergency.response", 30).details["so_far"]


def test_a_quiet_month_is_closed_though_no_call_came_at_its_end() -> None:
    reached = [call(n, n * 200.0, (240, Step.ON_SCENE)) for n in range(20)]
    log = in_order(*(one for each in reached for one in each), ticks=(9_000,))
    days = [at(MIDNIGHT + n * 86_400 + 10) for n in range(8)]
    month = last(judged(*log, *days), "emergency.response", 30)
    assert "so_far" not in month.details
    assert month.status is IndicatorStatus.MET


def test_units_that_fall_silent_leave_coverage_when_they_grow_stale_and_the_day_cannot_be_judged() -> None:
    ticks = [at(n * 300.0) for n in range(1, 170)]
    result = judged(report(0, "u1", "available", HERE), at(1), *ticks, chosen=judge(CELLS))
    minutes = [one for one in result.indicators if one.id == "emergency.coverage"]
    assert [(one.period_start - START).total_seconds() for one in minutes] == [0, 900]
    assert [one.status for one in minutes] == [IndicatorStatus.MET, IndicatorStatus.CANNOT_SAY]
    day = last(result, "emergency.coverage_day")
    assert day.completeness == pytest.approx(900 / 86_400, abs=1e-6), "fifteen minutes and not a second more"
    assert day.status is IndicatorStatus.CANNOT_SAY


def test_a_stale_unit_that_reports_again_counts_again_at_once() -> None:
    far = (HERE[0] + 0.2, HERE[1])
    cells = (*CELLS, Cell("far", *far, 500))
    log: list[EmergencyReading | Item] = [report(0, "u0", "available", HERE)]
    for minute in range(40):
        log += [report(60.0 * minute + 1, "u1", "available", far), at(60.0 * minute + 30)]
        if minute == 26:
            log.append(report(60.0 * minute + 40, "u0", "available", HERE))
    result = judged(*log, chosen=judge(cells))
    known = [
        ((one.period_start - START).total_seconds() / 60, round((one.value or 0) * 1_500))
        for one in result.indicators
        if one.id == "emergency.coverage"
    ]
    assert known == [(0, 1_500), (15, 500), (26, 1_500)]
