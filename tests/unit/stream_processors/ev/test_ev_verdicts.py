"""Verdicts that were wrong once: a port's first month, a broken port that falls silent, a meter in the wrong unit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.ev import EvReading
from schemas.fields import Quality
from schemas.indicator import IndicatorStatus
from tests.unit.stream_processors.ev.test_ev_rules import START, at, judge, judged, reading, steady, unhurried
from tests.unit.stream_processors.recorded import Item, Process, Result, item, log_of, tick

HEARD_FIRST = datetime(2025, 1, 31, 15, tzinfo=UTC)
"""23:00 of 31 January, local time."""
YEAR_END = datetime(2025, 12, 31, 16, tzinfo=UTC)
MONTH = datetime(2026, 10, 31, 16, tzinfo=UTC)
STEP = timedelta(hours=1)


def judged_at_length(items: Iterator[Item]) -> Result:
    process, result = Process(judge(unhurried(3_600))), Result()
    records = log_of(items)
    for first in range(0, len(records), 5_000):
        result.take(process.worker.judge(records[first : first + 5_000])[0])
    return result


def every_hour(moment: datetime, until: datetime, connectors: dict[str, Any]) -> Iterator[Item]:
    """Connectors, what each says and until when; a state holds for an hour."""
    number = 0
    while moment < until:
        for name, (status, end) in connectors.items():
            if moment < end:
                seconds = (moment - START).total_seconds()
                yield item(reading(seconds, name, status, seq=number))
        yield tick(moment + timedelta(seconds=1))
        number += 1
        moment += STEP
    yield tick(until + STEP)


def test_a_port_heard_of_from_the_last_hour_of_january_on_is_not_known_for_the_whole_year() -> None:
    result = judged_at_length(every_hour(HEARD_FIRST, YEAR_END, {"c1": ("idle", YEAR_END)}))
    year = [one for one in result.indicators if one.id == "ev.uptime_12_months"][-1]
    unknown = 31 * 1_440 - 60
    assert year.details["unknown_minutes"] == unknown
    assert year.completeness == pytest.approx(1 - unknown / 525_600, abs=1e-6)
    assert year.value == pytest.approx(100 * (1 - unknown / 525_600), abs=1e-6)
    assert year.status is IndicatorStatus.CANNOT_SAY


def test_a_broken_port_that_falls_silent_keeps_its_outage_in_the_month() -> None:
    end = MONTH + timedelta(days=30)
    ports = {"a": ("idle", end), "b": ("fault", MONTH + timedelta(days=5))}
    result = judged_at_length(every_hour(MONTH, end, ports))
    month = [
        one
        for one in result.indicators
        if one.id == "ev.uptime" and one.period_end - one.period_start > 9 * timedelta(days=1)
    ]
    said = [one for one in month if (one.period_start, one.period_end) == (MONTH, end)][-1]
    assert said.details["ports"] == 2
    assert said.details["outage_minutes"] == 5 * 1_440
    assert said.details["unknown_minutes"] == 25 * 1_440
    assert said.value == 50
    assert said.status is IndicatorStatus.NOT_MET, "at most 91.7 % even had it been up all the time it was silent"


def metered(second: float, kwh: float, **fields: Any) -> EvReading:
    return reading(second, status="charging", rated_power_kw=60.0, energy_register_kwh=kwh, **fields)


def test_watt_hours_sent_as_kilowatt_hours_are_implausible_and_are_no_energy() -> None:
    result = judged(metered(0, 0), metered(600, 8.5), metered(1_200, 12_108.5), metered(1_800, 12_117), at(1_900))
    (alert,) = [one for one in result.alerts if one.rule == "ev.meter_implausible"]
    assert alert.started_at == START + timedelta(seconds=1_200)
    assert "12100 kWh in 10.0 min" in alert.text.en
    assert "60 kW" in alert.text.en
    energy = [one for one in result.indicators if one.id == "ev.energy"][-1]
    assert energy.value == 17
    assert energy.details["left_out_kwh"] == 12_100
    assert energy.details["left_out_readings"] == 1


@pytest.mark.parametrize(("kwh", "minutes", "can_be"), [(13.0, 10, True), (13.1, 10, False), (1.0, 0.1, True)])
def test_energy_is_held_against_rating_and_time(kwh: float, minutes: float, can_be: bool) -> None:
    """60 kW, 1.2 times of it over ten minutes are 12 kWh, and 1 kWh may be told at once."""
    result = judged(metered(0, 100), metered(60 * minutes, 100 + kwh), at(1_900))
    energy = [one for one in result.indicators if one.id == "ev.energy"][-1]
    assert energy.value == pytest.approx(kwh if can_be else 0)
    assert ("left_out_kwh" in energy.details) is not can_be
    assert any(one.rule == "ev.meter_implausible" for one in result.alerts) is not can_be


def test_a_meter_that_was_not_told_for_a_while_may_have_counted_all_that_time() -> None:
    quiet = [reading(second, status="charging", rated_power_kw=60.0) for second in (600, 1_200, 1_800)]
    result = judged(metered(0, 100), *quiet, metered(2_400, 140), at(2_500), at(3_700))
    energy = [one for one in result.indicators if one.id == "ev.energy"][-1]
    assert energy.value == 40


def test_sessions_of_which_the_sender_is_not_certain_count_and_make_no_time_known() -> None:
    begin = reading(0, status="charging", quality=Quality.UNCERTAIN, session_id="s-1", session_energy_kwh=0.0)
    end = reading(7_200, status="idle", quality=Quality.UNCERTAIN, session_id="s-1", session_energy_kwh=9.3, seq=1)
    other = reading(
        10_000, status="charging", quality=Quality.UNCERTAIN, session_id="s-2", session_energy_kwh=0.0, seq=2
    )
    result = judged(begin, end, other, at(90_000))
    said = [one for one in result.indicators if one.id == "ev.energy" and one.period_end < START + timedelta(days=1)]
    energy = said[-1]
    assert energy.value == 9.3
    assert energy.details["sessions"] == 1
    assert energy.completeness == 0
    assert energy.details["uncertain_readings"] == 3
    assert energy.details["uncertain_minutes"] == 15
    assert energy.status is IndicatorStatus.CANNOT_SAY
    assert "only 0% of the time is known" in energy.status_reason
    assert result.alerts == [], "nobody knows when such a charger should have spoken"


def test_a_fault_of_which_the_sender_is_not_certain_raises_no_alert() -> None:
    assert judged(*steady("c1", 0, 331, "fault", quality=Quality.UNCERTAIN)).alerts == []


def test_a_day_that_runs_says_how_it_stands() -> None:
    broken = steady("c1", 0, 3_600, "fault")
    result = judged(*broken, *steady("c1", 3_600, 7_200), at(7_300), at(9_000))
    day = [one for one in result.indicators if one.id == "ev.uptime"][-1]
    assert day.details["so_far"] == {"status": "not_met", "value": day.value}
    assert day.status is IndicatorStatus.CANNOT_SAY
    assert day.status_reason.startswith("the period is not over; so far: at most ")
