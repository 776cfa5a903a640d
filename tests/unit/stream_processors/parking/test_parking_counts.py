"""Counts that can be and counts that cannot: exactly at the ends, below, above; each impossible one is in a finding."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fields import Quality
from schemas.plan.book import PlanBook
from schemas.plan.errors import PlanFileError
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.parking.counts import FULL as LEVEL_FULL
from services.stream_processors.parking.counts import NEARLY_FULL, ROOM, Spaces, fullness, impossible, spaces
from services.stream_processors.parking.findings import n_impossible
from services.stream_processors.parking.processor import ParkingRules
from tests.unit.stream_processors.parking.parking_zone import (
    FULL,
    IMPOSSIBLE,
    NOON,
    STUCK,
    episodes,
    every,
    policy,
    reading,
    rules,
    said,
    with_rule,
)

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("free", "why"),
    [(-1, "free_negative"), (0, None), (99, None), (100, None), (101, "free_above_capacity")],
)
def test_none_and_all_free_can_be_one_less_and_one_more_cannot(free: int, why: str | None) -> None:
    assert impossible(free, 100) == why


@pytest.mark.parametrize(
    ("free", "total", "out", "known"),
    [
        (25, 100, 0, Spaces(25, 100)),
        (25, 100, 50, Spaces(25, 50)),
        (80, 100, 50, Spaces(50, 50)),
        (0, 0, 0, None),
        (10, 100, 100, None),
        (10, 100, 120, None),
    ],
)
def test_occupancy_is_of_the_spaces_in_service(free: int, total: int, out: int, known: Spaces | None) -> None:
    assert spaces(free, total, out) == known


@pytest.mark.parametrize(
    ("room", "usable", "level"),
    [
        (6, 100, ROOM),
        (5, 100, NEARLY_FULL),  # exactly 0.95
        (1, 20, NEARLY_FULL),  # exactly 0.95
        (15, 100, ROOM),  # 0.85 is a rule for the kerb
        (1, 100, NEARLY_FULL),
        (0, 100, LEVEL_FULL),
    ],
)
def test_exactly_on_a_limit_is_beyond_it(room: int, usable: int, level: int) -> None:
    assert fullness(Spaces(room, usable), 0.95, 0) == level


def test_consecutive_impossible_counts_are_one_finding_that_counts_them() -> None:
    #        ok  -1  -3  -2 105  ok  -1  ok
    frees = [10, -1, -3, -2, 105, 10, -1, 10]
    found = episodes(said(every(1, frees)), IMPOSSIBLE)
    assert [(one.started_us, one.ended_us) for one in found] == [
        (to_us(NOON + MINUTE), to_us(NOON + 5 * MINUTE)),
        (to_us(NOON + 6 * MINUTE), to_us(NOON + 7 * MINUTE)),
    ]
    first, second = found
    assert first.peak.payload == (None, "free_above_capacity", 105, 100, 3, 1)
    assert first.peak.value == 105
    assert second.peak.payload == (None, "free_negative", -1, 100, 1, 0)


def test_a_finding_that_lasts_is_said_again_with_its_count_at_the_pace_of_the_figures() -> None:
    recorder = said(every(1, [-1] * 40), until=NOON + timedelta(minutes=46))
    (one,) = episodes(recorder, IMPOSSIBLE)
    assert (n_impossible(one), one.ended_us) == (40, None)
    # Corrections are told apart from progress by the time of the peak: it is the last reading that is counted.
    assert one.peak.at_us == to_us(NOON + 39 * MINUTE)


def test_an_impossible_count_is_never_an_occupancy() -> None:
    recorder = said(every(1, [50, -1, -5, -1, 101, 5_000, -1, 50]), until=NOON + timedelta(hours=1))
    assert episodes(recorder, FULL) == []
    assert len(episodes(recorder, IMPOSSIBLE)) == 1
    assert [one for one in recorder.figures.values() if one.id == "parking.guidance"] == []


def test_the_possible_counts_between_them_are_judged_alone() -> None:
    (one,) = episodes(said(every(1, [-1, -5, 0, -1, 0, -1])), FULL)
    assert (one.started_us, one.raised_us, one.offsets) == (to_us(NOON + 2 * MINUTE), to_us(NOON + 4 * MINUTE), (2, 4))


def test_no_finding_and_no_occupancy_when_no_space_is_usable() -> None:
    recorder = said(every(30, [0] * 100, total=50, out=50))
    assert recorder.episodes == {}
    assert all(one.value is None for one in recorder.figures.values() if one.id == "parking.occupancy")


def test_of_doubtful_quality_it_is_no_occupancy_but_still_impossible() -> None:
    doubtful = [
        *every(1, [0, 0, 0], quality=Quality.FAULT),
        reading(NOON + 5 * MINUTE, -1, quality=Quality.UNCERTAIN),
    ]
    recorder = said(doubtful)
    assert episodes(recorder, FULL) == []
    assert [n_impossible(one) for one in episodes(recorder, IMPOSSIBLE)] == [1]


def test_a_finding_ends_when_nothing_confirms_it_for_its_greatest_age() -> None:
    last = NOON + MINUTE
    by_wake = said(every(1, [10, -1]), until=last + timedelta(days=2))
    by_reading = said([*every(1, [10, -1]), reading(last + timedelta(days=1, minutes=7), 10)])
    for recorder in (by_wake, by_reading):
        (one,) = episodes(recorder, IMPOSSIBLE)
        assert one.ended_us == to_us(last + timedelta(days=1))
        assert n_impossible(one) == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-3, 103), min_size=1, max_size=60))
def test_every_impossible_reading_is_in_exactly_one_finding(frees: list[int]) -> None:
    end = NOON + timedelta(minutes=len(frees) + 20)
    found = episodes(said(every(1, frees), until=end), IMPOSSIBLE)
    assert sum(n_impossible(one) for one in found) == sum(free < 0 or free > 100 for free in frees)
    assert sum(one.peak.payload[4] for one in found) == sum(free < 0 for free in frees)


def test_a_policy_that_would_pass_over_single_ones_does_not_load() -> None:
    lax = with_rule(policy(), IMPOSSIBLE, raise_after=2)
    with pytest.raises(PlanFileError, match="every count that cannot be is part of a finding"):
        ParkingRules(PlanBook([lax]))


def test_without_a_policy_in_force_nothing_is_judged() -> None:
    old = [one.model_copy(update={"observed_at": one.observed_at.replace(year=2009)}) for one in every(1, [-1, 0, 0])]
    recorder = said(old)
    assert (recorder.episodes, recorder.figures) == ({}, {})


# Counters that stand still -----------------------------------------------------------------------------------------


def test_a_counter_that_stands_still_in_busy_hours_is_found_and_ends_when_it_moves() -> None:
    # 12:00 to 18:00 local is six hours, all of them busy.
    still = every(10, [40] * 37)
    recorder = said([*still, reading(NOON + timedelta(minutes=372), 41)])
    (one,) = episodes(recorder, STUCK)
    assert (one.started_us, one.ended_us) == (to_us(NOON), to_us(NOON + timedelta(minutes=372)))
    assert one.peak.value == 6 * 3_600


def test_one_reading_short_of_six_hours_is_not_yet_stuck() -> None:
    still = every(10, [40] * 36)
    assert episodes(said(still, until=NOON + timedelta(hours=7)), STUCK) == []


def test_at_night_it_takes_others_that_moved() -> None:
    midnight = NOON + timedelta(hours=11)  # 23:00 to 06:00 local: no busy hour
    still = every(10, [40] * 43, start=midnight)
    assert episodes(said(still), STUCK) == []

    def moving(device: str) -> list[object]:
        return list(every(10, range(43), start=midnight + MINUTE, device=device))

    two = [*still, *moving("b"), *moving("c")]
    assert episodes(said(two), STUCK, "a") == []  # type: ignore[arg-type]
    (one,) = episodes(said([*two, *moving("d")]), STUCK, "a")  # type: ignore[list-item]
    assert one.started_us == to_us(midnight)


def test_a_full_lot_may_stand_still_for_a_day() -> None:
    hours = every(30, [0] * 48)
    assert episodes(said(hours), STUCK) == []
    (one,) = episodes(said(every(30, [0] * 50)), STUCK)
    assert one.started_us == to_us(NOON)


def test_readings_too_far_apart_are_not_one_time_of_standing_still() -> None:
    assert episodes(said(every(61, [40] * 12)), STUCK) == []
    assert len(episodes(said(every(60, [40] * 12)), STUCK)) == 1


def test_rules_take_other_documents() -> None:
    stricter = with_rule(policy(), FULL, raise_after=1)
    one_full = every(1, [0])
    assert episodes(said(one_full), FULL) == []
    assert len(episodes(said(one_full, by=rules().with_book(PlanBook([stricter]))), FULL)) == 1
