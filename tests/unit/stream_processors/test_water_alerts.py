"""The life of `water.class_worse_than_target`: debounce, late data, lanes; the timeline stands above each test."""

from __future__ import annotations

from datetime import timedelta

from schemas.alert import Severity, alert_id
from schemas.verdict import SourceKind
from services.stream_processors.engine.worker import Worker
from tests.unit.stream_processors.water_log import START, TOPIC, Record, judge, log_of, policy, reading, run, tick

BAD = {"tp_mg_l": 0.15}
"""Class V of a lake."""
WORST = {"tp_mg_l": 0.5}


def at_minute(minute: float) -> object:
    return START + timedelta(minutes=minute)


# 0 W   1 ok   2 W   3 W(raised)   4 W   5 ok   6 ok(resolved, ended 5)
def test_consecutive_samples_raise_and_end_it() -> None:
    said = run(
        log_of(
            [
                reading(0, **BAD),
                reading(1),
                reading(2, **BAD),
                reading(3, **BAD),
                reading(4, **BAD),
                reading(5),
                reading(6),
            ]
        )
    )
    assert [str(event) for event in said.events("p1")] == ["raised", "resolved"]
    raised, resolved = said.class_alerts
    assert raised.alert_id == alert_id("water.class_worse_than_target", "p1", "live", "2026-11-24T00:02:00Z")
    assert (raised.revision, resolved.revision) == (0, 1)
    assert (resolved.started_at, resolved.raised_at, resolved.ended_at) == (at_minute(2), at_minute(3), at_minute(5))
    assert raised.evidence is not None
    assert (raised.evidence.topic, raised.evidence.partition, raised.evidence.offsets) == ("readings.water", 0, (2, 3))
    assert raised.threshold.source.kind is SourceKind.PLAN
    assert raised.threshold.source.where == "page 31"
    assert (raised.observed_value, raised.severity) == (5, Severity.YELLOW)


def test_the_text_says_what_where_limit_source_and_what_to_do() -> None:
    raised = run(
        log_of([reading(0, station_name="北湖1号", **BAD), reading(1, station_name="北湖1号", **BAD)])
    ).class_alerts[0]
    for part in ("江汉北湖·北湖1号", "Ⅴ类", "Ⅲ类", "第31页", "总磷 0.15 mg/L", "超目标限值2.00倍", "请到现场"):
        assert part in raised.text.zh
    for part in ("North Lake", "class V", "class III", "page 31", "Total phosphorus 0.15 mg/L", "Check the sample"):
        assert part in raised.text.en


def test_it_is_updated_when_it_gets_worse_and_only_then() -> None:
    said = run(
        log_of([reading(0, **BAD), reading(1, **BAD), reading(2, **WORST), reading(3, **BAD), reading(4, **WORST)])
    )
    assert [(str(a.event), a.severity.value, a.observed_value) for a in said.class_alerts] == [
        ("raised", "III", 5),
        ("escalated", "II", 6),
    ]


# worse than V at 2, then class V twice: stepped down at 4
def test_a_point_that_has_eased_says_what_it_is_now_and_the_worst_it_was() -> None:
    said = run(log_of([reading(0, **WORST), reading(1, **WORST), reading(2, **BAD), reading(3, **BAD)]))
    eased = said.class_alerts[-1]
    assert (str(eased.event), eased.severity, eased.observed_value) == ("escalated", Severity.YELLOW, 6)
    assert (
        "p1：水质为Ⅴ类（中度污染），总磷 0.15 mg/L（超目标限值2.00倍）。最严重时水质为劣Ⅴ类（重度污染）"
        in eased.text.zh
    )
    assert "North Lake (Jianghan), p1: water is class V (moderately polluted), Total phosphorus 0.15" in eased.text.en
    assert "At worst water is worse than class V (heavily polluted), Total phosphorus 0.5 mg/L" in eased.text.en


def test_an_exact_repeat_of_a_sample_counts_once() -> None:
    same_reading = reading(0, **BAD)
    same_moment = reading(0, seq=999, **BAD)
    assert run(log_of([same_reading, same_reading, same_moment])).class_alerts == []


# arrives    W0   W2(raised 0)   ok1 late -> nothing was in a row -> retracted
def test_a_late_sample_can_show_that_there_was_nothing() -> None:
    said = run(log_of([reading(0, **BAD), reading(2, **BAD), reading(1)]))
    assert [str(a.event) for a in said.class_alerts] == ["raised", "retracted"]
    assert said.class_alerts[0].alert_id == said.class_alerts[1].alert_id
    assert "Withdrawn" in said.class_alerts[1].text.en


# arrives    W0  ok2  ok3   W1 late -> an episode 0..2 that nobody had seen
def test_a_late_sample_can_raise_an_alert_that_is_over() -> None:
    said = run(log_of([reading(0, **BAD), reading(2), reading(3), reading(1, **BAD)]))
    assert [(str(a.event), a.revision) for a in said.class_alerts] == [("raised", 0), ("resolved", 1)]
    assert (said.class_alerts[0].ended_at, said.class_alerts[1].ended_at) == (None, at_minute(2))


# arrives    W0 W1(raised) ok3 ok4(ended 3)   ok2 late -> ended 2
def test_a_late_sample_can_move_the_end() -> None:
    said = run(log_of([reading(0, **BAD), reading(1, **BAD), reading(3), reading(4), reading(2)]))
    assert [str(a.event) for a in said.class_alerts] == ["raised", "resolved", "amended"]
    assert said.class_alerts[-1].ended_at == at_minute(2)


# bound 48 h: at 49 h the windows are folded; W at 1 min comes too late
def test_beyond_the_bound_the_record_stands_and_the_sample_is_still_classed() -> None:
    hours = 60
    said = run(log_of([reading(0, **BAD), tick(0), tick(53 * hours), reading(1, **BAD)]))
    assert said.class_alerts == []
    assert [i.value for i in said.of("water.point_class")] == [5, 5]


# W0 is folded, its place in the count is kept: W at 50 h raises from 0
def test_the_count_goes_on_across_the_fold() -> None:
    hours = 60
    said = run(log_of([reading(0, **BAD), tick(0), tick(53 * hours), reading(52 * hours, **BAD), tick(53 * hours + 1)]))
    assert [(str(a.event), a.started_at) for a in said.class_alerts if a.asset == "p1"] == [("raised", at_minute(0))]


# rounds of 4 h, both points class V: each point raises with its second sample (4 h), the lake an hour later (settled)
#   points   raised 4:00, 4:01 ── then stand under the lake's ── said again when the lake's is over
#   p3       first bad at 8 h and 12 h: while the lake's stands, not said at all
def test_a_point_s_alert_is_grouped_under_its_lake_s() -> None:
    rounds = [reading(240 * n + m, device=f"p{m}", seq=n, **BAD) for n in range(2) for m in (1, 2)]
    rounds += [reading(240 * n + m, device=f"p{m}", seq=n, **BAD) for n in (2, 3) for m in (1, 2, 3)]
    said = run(log_of([*rounds[:4], tick(301), *rounds[4:], tick(60 * 13 + 1)]))
    lake = [a for a in said.class_alerts if a.asset == "beihu"]
    first = lake[0]
    assert (str(first.event), first.started_at, first.raised_at) == ("raised", START, at_minute(300))
    rule = "water.class_worse_than_target"
    assert lake[0].members == ((rule, "p1"), (rule, "p2"))
    assert lake[-1].members == ((rule, "p1"), (rule, "p2"), (rule, "p3"))
    assert "本告警代表湖内3个点位的同类告警" in lake[-1].text.zh
    assert "the same alert of 3 points of the lake" in lake[-1].text.en
    for point in ("p1", "p2"):
        raised, under = [a for a in said.class_alerts if a.asset == point]
        assert (str(raised.event), raised.suppression) == ("raised", None)
        assert str(under.event) == "updated"
        assert under.suppression is not None
        assert under.suppression.by == f"{rule}/beihu"
    assert said.events("p3") == []


# the lake is good again at 16 h and 20 h, p1 is not: what stood under the lake's alert is said by itself again
def test_a_point_that_is_still_bad_when_its_lake_is_good_is_said_again() -> None:
    bad = [reading(240 * n + m, device=f"p{m}", seq=n, **BAD) for n in range(3) for m in (1, 2, 3)]
    fair = {"p1": {"tp_mg_l": 0.06}, "p2": {"tp_mg_l": 0.01}, "p3": {"tp_mg_l": 0.01}}
    good = [reading(240 * n + m, device=f"p{m}", seq=n, **fair[f"p{m}"]) for n in range(3, 7) for m in (1, 2, 3)]
    said = run(log_of([*bad, tick(60 * 9 + 1), *good, tick(60 * 26)]))
    assert said.events("beihu")[-1] == "resolved"
    last = [a for a in said.class_alerts if a.asset == "p1"][-1]
    assert (last.ended_at, last.suppression) == (None, None)


def test_lanes_do_not_see_each_other() -> None:
    said = run(
        log_of(
            [
                reading(0, **BAD),
                reading(1, lane="replay:x", **BAD),
                reading(2, lane="replay:x", **BAD),
                tick(60 * 24 * 5, lane="replay:x"),
                reading(3, **BAD),
            ]
        )
    )
    assert [(a.lane, str(a.event)) for a in said.class_alerts] == [("replay:x", "raised"), ("live", "raised")]


def test_samples_that_cannot_be_judged_neither_raise_nor_end() -> None:
    nothing = {"ph": None, "do_mg_l": None}
    said = run(log_of([reading(0, **BAD), reading(1, **nothing), reading(2, **BAD), reading(3, **nothing), reading(4)]))
    assert [str(a.event) for a in said.class_alerts] == ["raised"]
    assert said.class_alerts[0].started_at == at_minute(0)


def test_the_debounce_is_policy() -> None:
    log = log_of([reading(minute, **BAD) for minute in range(3)] + [reading(3)])
    one = policy(rule={"raise_after": 1, "clear_after": 1})
    three = policy(rule={"raise_after": 3, "clear_after": 2})
    assert [str(e) for e in run(log, one).events("p1")] == ["raised", "resolved"]
    assert [str(e) for e in run(log, three).events("p1")] == ["raised"]


def test_what_is_not_a_reading_is_refused_with_its_coordinates_and_the_rest_goes_on() -> None:
    worker = Worker(judge(), TOPIC, 3)
    records = [Record(0, b"\xff{"), Record(1, None), Record(2, *reading(0))]
    outputs, refused = worker.judge(records)
    assert [item.coordinates.offset for item in refused] == [0, 1]
    assert len(outputs) > 0
    assert worker.next_offset == 3
