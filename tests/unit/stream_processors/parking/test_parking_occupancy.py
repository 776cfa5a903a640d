"""Full and nearly full: hysteresis, levels, words with value, limit, source and what to do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.alert import AlertEventType, Severity
from schemas.plan.book import PlanBook
from schemas.verdict import Comparator, SourceKind
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.feed_rules import Said
from services.stream_processors.parking.processor import ParkingRules
from tests.unit.stream_processors.in_order import Recorder
from tests.unit.stream_processors.parking.parking_zone import (
    FULL,
    IMPOSSIBLE,
    NOON,
    STUCK,
    episodes,
    every,
    jianghan,
    policy,
    reading,
    rules,
    said,
    with_rule,
)

MINUTE = timedelta(minutes=1)


def only(recorder: Recorder, rule: str = FULL) -> Episode:
    (one,) = episodes(recorder, rule)
    return one


def said_of(rule: str, episode: Episode, event: AlertEventType = AlertEventType.RAISED, asset: str = "a") -> Said:
    return Said(event, rule, asset, "key", "live", episode, ())


def test_a_garage_at_85_percent_is_no_alert() -> None:
    assert episodes(said(every(1, [15] * 30)), FULL) == []
    assert episodes(said(every(1, [6] * 30)), FULL) == []


def test_nearly_full_at_95_percent_exactly_for_two_readings() -> None:
    assert episodes(said(every(1, [5])), FULL) == []
    one = only(said(every(1, [5, 5])))
    assert (one.level, one.peak.level, one.peak.value) == (1, 1, 0.95)
    assert (one.started_us, one.raised_us) == (to_us(NOON), to_us(NOON + MINUTE))


def test_between_the_two_limits_it_neither_ends_nor_begins() -> None:
    # nearly full at 5 free, over below 0.92: at 9 free
    frees = [5, 5, 7, 8, 7, 8, 9, 9]
    one = only(said(every(1, frees)))
    assert (one.ended_us, one.cleared_us) == (to_us(NOON + 6 * MINUTE), to_us(NOON + 7 * MINUTE))
    assert episodes(said(every(1, [7, 8, 7, 8, 7])), FULL) == []


def test_the_last_space_makes_it_full_and_one_car_that_leaves_is_not_room() -> None:
    recorder = said(every(1, [5, 5, 0, 1, 0, 1, 1]))
    one = only(recorder)
    assert (one.level, one.peak.level, one.peak.value) == (2, 2, 0.0)
    stepped = only(said(every(1, [5, 5, 0, 1, 1, 1])))
    assert (stepped.level, stepped.peak.level) == (1, 2)


def test_out_of_service_spaces_are_not_there() -> None:
    assert only(said(every(1, [0, 0], total=100, out=40))).peak.payload == (None, 0, 60, 100)
    assert only(said(every(1, [3, 3], total=100, out=40))).peak.level == 1


def test_readings_too_far_apart_are_not_in_a_row() -> None:
    assert episodes(said(every(31, [0, 0])), FULL) == []
    assert len(episodes(said(every(30, [0, 0])), FULL)) == 1


@pytest.mark.parametrize("by_reading", [True, False])
def test_a_full_lot_that_falls_silent_is_not_full_for_ever(by_reading: bool) -> None:
    readings = every(1, [0, 0])
    more = [reading(NOON + timedelta(hours=5, seconds=20), 50)] if by_reading else []
    one = only(said([*readings, *more], until=NOON + timedelta(hours=9)))
    assert one.ended_us == to_us(NOON + MINUTE + timedelta(hours=2))


def test_severity_is_low_and_rises_when_it_is_full() -> None:
    by = rules()
    nearly, full = only(said(every(1, [5, 5]))), only(said(every(1, [0, 0])))
    assert by.wording(said_of(FULL, nearly)).severity is Severity.BLUE
    assert by.wording(said_of(FULL, full)).severity is Severity.YELLOW


def test_the_words_name_place_value_limit_source_and_what_to_do() -> None:
    nearly = rules().wording(said_of(FULL, only(said(every(1, [4, 4])))))
    assert nearly.place == "车场a"
    threshold = nearly.threshold
    assert (threshold.id, threshold.value, threshold.comparator) == ("parking.nearly_full", 0.95, Comparator.LT)
    assert (threshold.source.kind, threshold.source.id) == (SourceKind.POLICY, "parking-operations")
    assert nearly.zh == (
        "车场a：接近满位（占用率96.0%，100个可用车位剩余4个）。限值：占用率95%起为接近满位"
        "（Jianghan District parking operations desk，parking-operations第1版）。自2026-11-24 12:00（北京时间）起。"
        "最近的停车场：车场b（步行约130米）、车场c（步行约390米）、车场d（步行约6501米）；是否有空位见诱导指标 "
        "parking.guidance。请按诱导信息引导车辆前往有空位的邻近停车场。"
    )
    assert nearly.en == (
        "a (车场a): nearly full (occupancy 96.0%, 4 of 100 usable spaces free). Limit: nearly full from an occupancy "
        "of 95% (Jianghan District parking operations desk, parking-operations version 1). Since 2026-11-24 12:00 "
        "(Beijing time). Nearest lots on foot: b (130 m), c (390 m), d (6501 m); which of them have room, the figure "
        "parking.guidance says. Send drivers to the neighbouring lots with room that the guidance names."
    )


# 0 free at 12:00 and 12:01 (full), then 5 free: nearly full is what it is now, full the worst it was
def test_a_lot_that_stepped_down_says_what_it_is_now_and_what_it_was() -> None:
    lower = only(said(every(1, [0, 0, 5, 5, 5, 5])))
    words = rules().wording(said_of(FULL, lower, AlertEventType.ESCALATED))
    assert words.zh.startswith(
        "车场a：接近满位（占用率95.0%，100个可用车位剩余5个）。最严重时满位（100个可用车位剩余0个）。"
        "限值：剩余0个为满位、占用率95%起为接近满位（"
    )
    assert words.en.startswith(
        "a (车场a): nearly full (occupancy 95.0%, 5 of 100 usable spaces free). "
        "At worst full (0 of 100 usable spaces free). Limit: full at 0 free, nearly full from an occupancy of 95% ("
    )
    assert words.severity is Severity.BLUE


def test_full_is_told_in_free_spaces_against_its_own_limit() -> None:
    full = rules().wording(said_of(FULL, only(said(every(1, [0, 0])))))
    assert (full.threshold.id, full.unit, full.threshold.unit) == ("parking.full", "free spaces", "free spaces")
    assert [limit.id for limit in full.limits] == ["parking.nearly_full"]
    assert "满位（100个可用车位剩余0个" in full.zh
    assert "0 of 100 usable spaces free" in full.en


def test_the_words_of_an_end_a_correction_and_a_withdrawal() -> None:
    one = only(said(every(1, [0, 0, 50, 50])))
    ended = rules().wording(said_of(FULL, one, AlertEventType.RESOLVED))
    assert "车场a：已有空位。2026-11-24 12:00至2026-11-24 12:02（北京时间）：满位" in ended.zh
    assert "has room again. From 2026-11-24 12:00 to 2026-11-24 12:02 (Beijing time): full" in ended.en
    amended = rules().wording(said_of(FULL, one, AlertEventType.AMENDED))
    assert amended.zh.startswith("更正")
    assert amended.en.startswith("Corrected by late data: ")
    withdrawn = rules().wording(said_of(FULL, one, AlertEventType.RETRACTED))
    assert withdrawn.zh.startswith("撤回")
    assert withdrawn.en.startswith("Withdrawn")


def test_the_words_of_impossible_counts_say_which_and_how_many() -> None:
    negative = rules().wording(said_of(IMPOSSIBLE, only(said(every(1, [-2, 7])), IMPOSSIBLE)))
    assert (negative.threshold.id, negative.threshold.value) == ("parking.free_least", 0)
    assert "free_negative" in negative.zh
    assert (
        "-2 free spaces of 100; so far 1 below zero, 0 above the capacity. Limit: 0 free spaces at least" in negative.en
    )
    above = rules().wording(said_of(IMPOSSIBLE, only(said(every(1, [120, 7])), IMPOSSIBLE)))
    assert (above.threshold.id, above.threshold.value, above.threshold.comparator) == (
        "parking.free_most",
        100,
        Comparator.LE,
    )
    assert "120 free spaces of 100" in above.en
    assert "Limit: 100 free spaces at most, the number of spaces" in above.en
    assert above.threshold.source.id == "parking-operations"


def test_the_words_of_a_standing_counter_name_the_limit_that_holds_for_it() -> None:
    inside = rules().wording(said_of(STUCK, only(said(every(10, [40] * 38)), STUCK)))
    assert (inside.threshold.id, inside.threshold.value) == ("parking.still_longest", 21_600)
    assert "40 free spaces of 100 for 6.0 h while there must have been traffic. Limit: 6 h (" in inside.en
    full = rules().wording(said_of(STUCK, only(said(every(30, [0] * 50)), STUCK)))
    assert (full.threshold.id, full.threshold.value) == ("parking.still_longest_at_bound", 86_400)


def test_many_lots_with_one_cause_are_one_alert_of_the_zone() -> None:
    one = only(said(every(1, [0, 0])))
    group = one.__class__(one.started_us, one.raised_us, 1, one.peak._replace(payload=(), value=3.0), one.offsets)
    members = tuple((FULL, name) for name in "abc")
    words = rules().wording(Said(AlertEventType.RAISED, FULL, "key", "key", "live", group, members))
    assert words.unit == "car parks"
    assert "3 car parks" in words.en
    assert "有3个停车场" in words.zh


def test_limits_of_another_version_hold_from_their_first_day() -> None:
    first = policy()
    later = with_rule(first, FULL, raise_after=1)
    head = first.policy.model_copy(update={"version": "2", "valid_from": (NOON + timedelta(days=1)).date()})
    later = later.model_copy(update={"policy": head})
    by = rules().with_book(PlanBook([first, later]))
    tomorrow = NOON + timedelta(days=1)
    found = episodes(said([*every(1, [0, 50]), *every(1, [0, 50], start=tomorrow)], by=by), FULL)
    assert [one.started_us for one in found] == [to_us(tomorrow)]
    assert by.wording(said_of(FULL, found[0])).threshold.source.version == "2"
    assert by.rule_policy(FULL, to_us(NOON)) != by.rule_policy(FULL, to_us(tomorrow))


def test_the_lots_of_the_district_have_names_and_positions() -> None:
    lots = jianghan()
    assert len(lots) == 60
    assert lots["lot-cbd-01"].zone == "cbd"
    assert isinstance(rules(lots=lots), ParkingRules)
