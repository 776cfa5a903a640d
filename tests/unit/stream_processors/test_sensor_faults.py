"""Faults told apart from pollution, stations that fall silent, algae: the timeline stands above each test."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.alert import Alert, Severity
from schemas.indicator import IndicatorStatus
from schemas.verdict import SourceKind
from tests.unit.stream_processors.water_log import START, Item, Said, log_of, policy, reading, run, tick

POLLUTED = {"do_mg_l": 3.5, "nh3n_mg_l": 1.4, "codmn_mg_l": 12.0}
"""Several items moved: class V."""


def at_hour(hour: float) -> object:
    return START + timedelta(hours=hour)


def hourly(samples: list[dict[str, Any]], **fields: Any) -> list[Item]:
    return [reading(60 * hour, **{**fields, **sample}) for hour, sample in enumerate(samples)]


def spans(alerts: list[Alert]) -> list[tuple[str, object, object]]:
    return [(str(alert.event), alert.started_at, alert.ended_at) for alert in alerts]


# hour   0 ok   1 ok   2 pH 3   3 pH 3 (fault raised)   4 ok   5 ok (over)
def test_a_broken_probe_is_a_fault_and_not_pollution() -> None:
    said = run(log_of([*hourly([{}, {}, {"ph": 3.0}, {"ph": 3.0}, {}, {}]), tick(60 * 9)]))
    assert spans(said.rule("sensor_fault")) == [
        ("raised", at_hour(2), None),
        ("resolved", at_hour(2), at_hour(4)),
    ]
    assert said.class_alerts == []
    assert [i.value for i in said.of("water.point_class")] == [3, 3, 6, 6, 3, 3]
    assert {i.value for i in said.of("water.class")} == {3}
    raised = said.rule("sensor_fault")[0]
    assert (raised.asset, raised.severity, raised.observed_value, raised.observed_unit) == (
        "p1",
        Severity.BLUE,
        pytest.approx(4.5, abs=0.1),
        "1",
    )
    assert (raised.threshold.id, raised.threshold.source.kind, raised.threshold.source.id) == (
        "water.step.ph",
        SourceKind.POLICY,
        "water-operations",
    )
    for part in ("江汉北湖·p1", "疑似仪器故障", "pH值单项突变", "water-operations", "请检查并校准仪器"):
        assert part in raised.text.zh
    for part in ("North Lake", "instrument fault suspected", "pH alone jumped", "water operations desk", "Inspect"):
        assert part in raised.text.en


# hour   0 ok   1 ok   2 polluted   3 polluted (class raised)   4 ok   5 ok (over)
def test_pollution_moves_several_items_and_is_no_fault() -> None:
    said = run(log_of(hourly([{}, {}, POLLUTED, POLLUTED | {"do_mg_l": 3.6}, {}, {}])))
    assert said.rule("sensor_fault") == []
    assert spans(said.class_alerts) == [("raised", at_hour(2), None), ("resolved", at_hour(2), at_hour(4))]


def test_what_cannot_be_is_more_severe_than_what_is_doubtful() -> None:
    said = run(log_of(hourly([{}, {"do_mg_l": 25.1}, {"do_mg_l": 25.2}])))
    (raised,) = said.rule("sensor_fault")
    assert (raised.severity, raised.observed_value, raised.threshold.value) == (Severity.YELLOW, 25.1, 25)
    assert raised.observed_unit == "mg/L"


def test_one_doubtful_sample_is_debounced() -> None:
    said = run(log_of(hourly([{}, {"ph": 3.0}, {}, {"ph": 3.0}, {}])))
    assert said.rule("sensor_fault") == []


# hour  0 polluted  1 polluted (raised)  2, 3 oxygen out of range, the rest good: doubt ends nothing   4, 5 good (over)
def test_a_doubtful_sample_does_not_end_an_alert() -> None:
    doubtful = {"do_mg_l": 30.0}
    said = run(log_of(hourly([POLLUTED, POLLUTED | {"do_mg_l": 3.6}, doubtful, doubtful, {}, {}])))
    assert spans(said.class_alerts) == [("raised", at_hour(0), None), ("resolved", at_hour(0), at_hour(4))]


# a probe that stands still from hour 0 on: the sixth reading is suspect, with the seventh the fault is raised
def test_a_stuck_probe_raises_a_fault_and_its_item_no_longer_counts() -> None:
    stuck = [{"do_mg_l": 1.0}] * 8
    said = run(log_of([*hourly(stuck), tick(60 * 13)]))
    (raised,) = said.rule("sensor_fault")
    assert (raised.started_at, raised.raised_at, raised.observed_value) == (at_hour(5), at_hour(6), 6)
    assert "stood still for 6 readings" in raised.text.en
    assert "溶解氧连续6次读数完全相同" in raised.text.zh
    rounds = {i.period_start: i for i in said.of("water.class")}
    assert [i.value for i in rounds.values()] == [6, 6]
    means = [i.details["means"] for i in rounds.values()]
    assert [isinstance(mean, dict) and mean.get("do_mg_l") for mean in means] == [1.0, 1.0]
    assert [i.n for i in rounds.values()] == [4, 4]


def test_contradicting_nitrogen_names_both_items() -> None:
    said = run(log_of(hourly([{"nh3n_mg_l": 1.3, "tn_mg_l": 1.0}, {"nh3n_mg_l": 1.4, "tn_mg_l": 1.0}])))
    (raised,) = said.rule("sensor_fault")
    assert "Ammonia nitrogen, Total nitrogen contradict each other" in raised.text.en
    assert raised.threshold.id == "water.cross.nh3n_tn"
    assert said.class_alerts == []


def test_a_station_that_reports_its_own_fault_raises_one_and_maintenance_does_not() -> None:
    said = run(log_of(hourly([{"quality": "fault"}, {"quality": "no_contact"}])))
    (raised,) = said.rule("sensor_fault")
    assert "the station itself reports 'fault'" in raised.text.en
    assert raised.threshold.id == "water.reported_fault"
    assert run(log_of(hourly([{"quality": "maintenance"}] * 3))).alerts == []


# good at 0, 1; late data puts a good sample between the two doubtful ones
def test_a_late_sample_can_take_a_fault_back() -> None:
    items = hourly([{}, {"ph": 3.0}, {}, {"ph": 3.0}])
    said = run(log_of([items[0], items[1], items[3], items[2]]))
    assert [str(a.event) for a in said.rule("sensor_fault")] == ["raised", "retracted"]
    assert "Withdrawn" in said.rule("sensor_fault")[-1].text.en


# ---- silence: interval 4 h, late after 6 h, missing after 12 h, given up after 7 days


FOUR_HOURLY = policy(quality={"interval_seconds": 14_400})


# last reading 0     late 6 h     missing 12 h     back at 13 h
def test_a_silent_station_is_late_then_missing_then_back() -> None:
    said = run(log_of([reading(0), tick(360), tick(361), tick(721), tick(779), reading(780)]), FOUR_HOURLY)
    alerts = said.rule("station_silent")
    assert [(str(a.event), a.severity.value, a.observed_value) for a in alerts] == [
        ("raised", "IV", 1.5),
        ("escalated", "III", 3),
        ("resolved", "III", 3),
    ]
    assert {a.started_at for a in alerts} == {at_hour(6)}
    assert alerts[-1].ended_at == at_hour(13)
    assert (alerts[0].threshold.value, alerts[1].threshold.value) == (1.5, 3)
    for part in ("数据迟到", "2026-11-24 08:00", "1.5个采样周期（每周期4小时）", "请检查站点供电"):
        assert part in alerts[0].text.zh
    for part in ("data are missing", "3 sampling intervals of 4 h", "Check power"):
        assert part in alerts[1].text.en
    assert "it reports again. From 2026-11-24 14:00 to 2026-11-24 21:00" in alerts[2].text.en


@pytest.mark.parametrize("clock", [[], [tick(1)], [tick(0), tick(400)]])
def test_a_gap_is_found_whether_or_not_the_clock_ran_through_it(clock: list[Item]) -> None:
    said = run(log_of([reading(0), *clock, reading(361), tick(401)]), FOUR_HOURLY)
    alerts = said.rule("station_silent")
    assert (str(alerts[-1].event), alerts[-1].started_at, alerts[-1].ended_at) == (
        "resolved",
        at_hour(6),
        at_hour(361 / 60),
    )


def test_a_reading_exactly_at_the_limit_is_not_late() -> None:
    assert run(log_of([reading(0), reading(360), tick(361)]), FOUR_HOURLY).rule("station_silent") == []
    assert run(log_of([reading(0), tick(360)]), FOUR_HOURLY).rule("station_silent") == []


def test_any_reading_shows_that_the_station_is_there() -> None:
    said = run(log_of([reading(0), reading(300, quality="maintenance"), tick(659)]), FOUR_HOURLY)
    assert said.rule("station_silent") == []


def test_a_late_reading_takes_the_silence_back() -> None:
    said = run(log_of([reading(0), tick(400), reading(300), tick(401)]), FOUR_HOURLY)
    assert [str(a.event) for a in said.rule("station_silent")] == ["raised", "retracted"]


# p1    0 ── 55    (14 hours of silence: late, then missing)      sends 540 samples at once
# p2    0 ── 55  60  90  120 ...                                  900
def test_what_a_station_kept_through_its_silence_is_a_handful_of_events() -> None:
    ticks = [tick(minute + 1) for minute in range(0, 900, 30)]
    neighbour = [reading(minute, device="p2") for minute in range(0, 900, 30)]
    log = [one for pair in zip(neighbour, ticks, strict=True) for one in pair]
    kept = [reading(60 + 840 * n / 540) for n in range(540)]
    said = run(log_of([*(reading(minute) for minute in range(0, 60, 5)), *log, *kept, tick(901), tick(904)]))
    assert 1 <= len(said.alerts) <= 5
    last = {alert.alert_id: str(alert.event) for alert in said.alerts}
    assert set(last.values()) <= {"retracted", "resolved"}


# polluted at 0, 1 h (class raised); never heard again: 7 days later everything about the station has ended
def test_a_station_that_was_taken_away_does_not_alert_for_ever() -> None:
    weeks = [tick(60 * hour) for hour in (2, 10, 24, 72, 168, 170, 200, 720)]
    said = run(log_of([*hourly([POLLUTED, POLLUTED | {"do_mg_l": 3.6}]), *weeks]), FOUR_HOURLY)
    gone = START + timedelta(days=7, hours=1)
    silent, classes = said.rule("station_silent"), [a for a in said.class_alerts if a.asset == "p1"]
    assert [str(a.event) for a in silent] == ["raised", "escalated", "resolved"]
    assert (silent[-1].ended_at, classes[-1].ended_at) == (gone, gone)
    assert "counts as taken away; the alert ends" in classes[-1].text.en
    assert "视为已撤，告警结束" in classes[-1].text.zh
    assert "back at the target" not in classes[-1].text.en


# ---- algae


# hour 0 pH 7.6, DO 8.0   1 pH 8.3, DO 13 (131 % of 30 °C is 9.95)   2 the same   3 and 4 back
def test_algae_are_information_and_no_fault() -> None:
    day = [
        {"ph": 7.6, "do_mg_l": 8.0},
        {"ph": 8.3, "do_mg_l": 13.0},
        {"ph": 8.4, "do_mg_l": 13.2},
        {"ph": 8.0, "do_mg_l": 9.0},
        {"ph": 7.9, "do_mg_l": 8.0},
    ]
    said = run(log_of(hourly(day, water_temp_c=30.0)))
    assert spans(said.rule("algal_signal")) == [("raised", at_hour(1), None), ("resolved", at_hour(1), at_hour(3))]
    raised = said.rule("algal_signal")[0]
    assert (raised.severity, raised.observed_unit, raised.threshold.value) == (Severity.BLUE, "%", 130)
    assert [limit.id for limit in raised.limits] == ["water.algal.ph_rise"]
    assert "非仪器故障" in raised.text.zh
    assert said.rule("sensor_fault") == []


# ---- what is published about the quality of data


def test_the_quality_of_a_station_s_day_is_a_figure() -> None:
    said = run(log_of([*hourly([{}, {}, {"ph": 3.0}, {}]), tick(60 * 16 + 1)]))
    figure = said.of("water.point_quality", "p1")[-1]
    assert (figure.period_start, figure.period_end) == (at_hour(-8), at_hour(16))
    assert (figure.n, figure.value, figure.status) == (4, 0.95, IndicatorStatus.CANNOT_SAY)
    codes = figure.details["codes"]
    assert isinstance(codes, dict)
    assert codes["ph"] == {"1": 3, "3": 1}
    assert "turbidity_ntu" not in codes
    assert figure.completeness == pytest.approx(4 / 24)
    assert "1 of 20 values are in doubt" in figure.status_reason


def told(said: Said) -> list[tuple[str, str]]:
    return [(a.rule, str(a.event)) for a in said.alerts]


def test_the_limits_are_policy() -> None:
    items = hourly([{}, {"ph": 3.0}, {"ph": 3.0}])
    assert told(run(log_of(items))) == [("water.sensor_fault", "raised")]
    lax = policy(limits={"water.step.ph": 10})
    assert told(run(log_of(items), lax)) == [("water.class_worse_than_target", "raised")]
