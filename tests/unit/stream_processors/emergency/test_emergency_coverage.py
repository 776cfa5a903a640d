"""Coverage at looks: units that fall silent and come back, any order between looks, counts against brute force."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.district import Post
from schemas.emergency import EmergencyReading, Step
from schemas.indicator import IndicatorStatus
from services.stream_processors.emergency.coverage import Cell, Counts, Grid
from services.stream_processors.emergency.policy import COVERAGE_LOW
from services.stream_processors.emergency.processor import LOOK, EmergencyRules
from services.stream_processors.emergency.state import DistrictState
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.feed_rules import Entry
from tests.unit.stream_processors.emergency.emergency_district import (
    HERE,
    START,
    at,
    book,
    judge,
    judged,
    of,
    report,
    step,
)
from tests.unit.stream_processors.in_order import Recorder
from tests.unit.stream_processors.recorded import Result

WEST, EAST = (114.20, 30.60), (114.30, 30.60)
CELLS = (Cell("west", *WEST, 400), Cell("east", *EAST, 600))
POSTS = (
    Post(id="post-west", name="West", name_zh="西站", longitude=WEST[0], latitude=WEST[1], ambulances=1),
    Post(id="post-east", name="East", name_zh="东站", longitude=EAST[0], latitude=EAST[1], ambulances=1),
)
MINUTE = timedelta(minutes=1)
DAY = 24 * 3_600
TO_MIDNIGHT = 14 * 3_600


def coverage(result: Result, name: str = "emergency.coverage") -> list[tuple[float, dict[str, Any]]]:
    """Minutes since the start, and the figure of that minute."""
    return [
        ((start - START) / MINUTE, figure)
        for (_, found, _, start, *_), figure in sorted(result.figures().items())
        if found == name
    ]


def shares(result: Result) -> list[tuple[float, float | None]]:
    return [(minute, figure["value"]) for minute, figure in coverage(result)]


def test_units_that_fall_silent_leave_coverage_and_nothing_can_be_said() -> None:
    """Both report at 10:00 ── [15 min] ── nothing until midnight."""
    result = judged(
        report(0, "a", "available", WEST),
        report(0, "b", "available", EAST),
        *(at(minute * 60) for minute in range(1, TO_MIDNIGHT // 60 + 5)),
        chosen=judge(CELLS),
    )
    assert shares(result) == [(0, 1.0), (15, None)]
    silent = coverage(result)[-1][1]
    assert (silent["status"], silent["completeness"]) == (IndicatorStatus.CANNOT_SAY, 0.0)
    assert silent["details"]["uncovered"] == ["east", "west"]
    ((_, day),) = coverage(result, "emergency.coverage_day")
    assert day["status"] is IndicatorStatus.CANNOT_SAY
    assert "known for 1.0% of the day" in day["status_reason"]
    assert abs(day["completeness"] * 24 * 60 - 15) < 0.2
    assert day["value"] == 1.0


def test_a_day_without_any_report_has_no_coverage() -> None:
    result = judged(report(0, "a", "available", WEST), at(TO_MIDNIGHT + 60), at(TO_MIDNIGHT + DAY), chosen=judge(CELLS))
    assert [figure["value"] for _, figure in coverage(result, "emergency.coverage_day")] == [0.4]
    result = judged(
        report(0, "a", "available", WEST),
        report(TO_MIDNIGHT - 10, "a", "available", WEST),
        at(TO_MIDNIGHT + DAY + 60),
        chosen=judge(CELLS),
    )
    first, second = (figure for _, figure in coverage(result, "emergency.coverage_day"))
    assert (first["value"], second["value"]) == (0.4, 0.4)
    assert second["status"] is IndicatorStatus.CANNOT_SAY


def test_a_unit_that_was_silent_counts_again_when_it_reports_the_same() -> None:
    """Unit a: one report ── silent for 26 minutes ── the same again. Unit b reports every minute."""
    others = [report(60 * minute, "b", "available", EAST) for minute in range(1, 40)]
    own = [report(0, "a", "available", WEST), report(1_560, "a", "available", WEST)]
    everything = sorted([*others, *own], key=lambda one: one.observed_at)
    result = judged(*everything, at(40 * 60), chosen=judge(CELLS))
    assert shares(result) == [(0, 0.4), (1, 1.0), (15, 0.6), (26, 1.0)]


def test_coverage_that_stays_low_is_said_without_another_report() -> None:
    result = judged(
        report(0, "a", "available", WEST),
        report(0, "b", "available", EAST),
        report(100, "b", "dispatched", EAST),
        at(155),
        at(170),
        chosen=judge(CELLS, POSTS),
    )
    (alert,) = [alert for alert in result.alerts if alert.rule == COVERAGE_LOW]
    assert (alert.started_at - START, alert.raised_at - START) == (timedelta(seconds=100), timedelta(seconds=160))
    assert alert.observed_value == 0.4
    assert "moving a to post-east brings back 200 people" in alert.text.en
    (_, well), (_, low) = coverage(result)
    assert "best_move" not in well["details"], "nothing has to be brought back"
    assert low["details"]["best_move"] == {"unit": "a", "post": "post-east", "people": 200}


def test_a_change_between_two_looks_that_is_undone_is_not_seen() -> None:
    steady = [report(0, "a", "available", WEST), report(0, "b", "available", EAST)]
    flicker = [report(101, "b", "dispatched", EAST), report(102, "b", "available", EAST)]
    assert shares(judged(*steady, *flicker, at(400), chosen=judge(CELLS))) == [(0, 1.0)]


def test_nothing_is_looked_at_while_nothing_can_change() -> None:
    rules, say = EmergencyRules(book(), CELLS, POSTS), Recorder()
    state = rules.new_state("jianghan", "live")
    _apply(rules, state, say, [report(1, "a", "available", WEST), report(2, "b", "available", EAST)])
    start = to_us(START)
    assert say.wakes[LOOK] == start + 5_000_000
    rules.on_wake(state, LOOK, say.wakes.pop(LOOK), say)
    assert say.wakes[LOOK] == start + 901_000_001, "the very moment at which the first grows stale"
    rules.on_wake(state, LOOK, say.wakes.pop(LOOK), say)
    assert say.wakes[LOOK] == start + 902_000_001
    rules.on_wake(state, LOOK, say.wakes.pop(LOOK), say)
    assert LOOK not in say.wakes


def _apply(rules: EmergencyRules, state: DistrictState, say: Recorder, readings: list[EmergencyReading]) -> None:
    for reading in readings:
        asset, payload = rules.entry(reading) or ("", ())
        at_us = to_us(reading.observed_at)
        rules.apply(state, Entry(at_us, reading.device_id, reading.boot_id, reading.seq, asset, 0, payload), say)


TWO_CELLS = EmergencyRules(book(), CELLS, POSTS)
PLACES = [WEST, EAST, HERE, (114.25, 30.60)]
STATES = ["available", "dispatched", "out_of_service"]
REPORTS = st.builds(
    report,
    st.integers(0, 59),
    st.sampled_from(["u1", "u2", "u3"]),
    st.sampled_from(STATES),
    st.sampled_from(PLACES),
)
STEPS = st.builds(
    lambda second, name, call, unit, place: step(
        second, name, call, unit=unit, street="wansong", longitude=place[0], latitude=place[1]
    ),
    st.integers(0, 59),
    st.sampled_from([Step.RESPONDING, Step.ON_SCENE, Step.AVAILABLE]),
    st.sampled_from(["c1", "c2", "c3"]),
    st.sampled_from(["u1", "u2", "u3", None]),
    st.sampled_from(PLACES),
)


@settings(deadline=None)
@given(st.lists(st.one_of(REPORTS, STEPS), max_size=25), st.randoms(use_true_random=False))
def test_readings_of_different_calls_and_units_commute(found: list[EmergencyReading], dice: random.Random) -> None:
    """Any order that keeps the order of each asset, up to the next look at the end of the minute."""
    rules = TWO_CELLS
    in_order = sorted(
        {(one.observed_at, one.device_id, one.seq): one for one in found}.values(),
        key=lambda one: (one.observed_at, one.device_id, one.seq),
    )
    queues: dict[str, list[EmergencyReading]] = {}
    for one in in_order:
        queues.setdefault(one.incident_id or one.unit_id or "", []).append(one)
    shuffled = [name for name, queue in queues.items() for _ in queue]
    dice.shuffle(shuffled)
    ends = []
    for order in (in_order, [queues[name].pop(0) for name in shuffled]):
        state, say = rules.new_state("jianghan", "live"), Recorder()
        _apply(rules, state, say, order)
        wakes = dict(say.wakes)
        for second in (60, 120, 180):
            rules.on_wake(state, LOOK, to_us(START + timedelta(seconds=second)), say)
        ends.append((wakes, say.episodes, say.figures, say.wakes, _compared(state)))
    assert ends[0] == ends[1]


def _compared(state: DistrictState) -> dict[str, Any]:
    names = ("calls", "changed", "units", "legs", "cover", "low", "best_cells", "look_us", "figures_us", "midnight_us")
    tallies = {period: tally.pack() for period, tally in state.tallies.items()}
    return {name: getattr(state, name) for name in names} | {"tallies": tallies}


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2**20 - 1)), max_size=60))
def test_counts_of_units_on_cells_equal_plain_counting(changes: list[tuple[bool, int]]) -> None:
    counts, plain = Counts(), [0] * 20
    standing: list[int] = []
    for add, cells in changes:
        if add or not standing:
            counts, sign = counts.plus(cells), 1
            standing.append(cells)
        else:
            cells = standing.pop()  # noqa: PLW2901 - only what stands can go
            counts, sign = counts.minus(cells), -1
        for index in range(20):
            plain[index] += sign * (cells >> index & 1)
        assert [sum((plane >> i & 1) << k for k, plane in enumerate(counts.planes)) for i in range(20)] == plain
        assert counts.covered == sum(1 << index for index, often in enumerate(plain) if often)


def scattered(dice: random.Random, count: int) -> tuple[Cell, ...]:
    """Cells at any places: a census by blocks has no rows."""
    return tuple(
        Cell(f"c{index}", 114.2 + dice.random() / 10, 30.56 + dice.random() / 10, dice.randrange(1, 500))
        for index in range(count)
    )


SCATTERED = scattered(random.Random(3), 60)
RULES = EmergencyRules(book(), SCATTERED, POSTS)


@pytest.mark.parametrize("seed", range(10))
def test_kept_up_coverage_equals_coverage_counted_anew(seed: int) -> None:
    """After each look: what stands, kept up unit by unit, is what a restored state counts from its units alone."""
    dice = random.Random(seed)
    cells, rules, grid, say = SCATTERED, RULES, Grid(SCATTERED), Recorder()
    state = rules.new_state("jianghan", "live")
    second = 0
    for _ in range(40):
        second += dice.choice([5, 60, 1_000])
        readings = [
            report(
                second - dice.random(),
                f"u{dice.randrange(6)}",
                dice.choice(STATES[:2]),
                (114.2 + dice.random() / 10, 30.56 + dice.random() / 10),
            )
            for _ in range(dice.randrange(4))
        ]
        _apply(rules, state, say, readings)
        look_us = to_us(START + timedelta(seconds=second))
        anew = rules.unpack(rules.pack(state), 1, "jianghan", "live")
        for one in (state, anew):
            rules.on_wake(one, LOOK, look_us, say)
        assert anew.standing == state.standing
        assert (anew.cover, anew.low, anew.look_us) == (state.cover, state.low, state.look_us)
        standing = state.standing
        assert standing is not None
        reached = [
            grid.within(*unit.counted, standing.reach)
            for unit in state.units.values()
            if unit.counted is not None and unit.state == "available" and unit.at_us >= look_us - 900_000_000
        ]
        assert standing.covering == len(reached)
        assert standing.cells == sum(1 << i for i in range(len(cells)) if any(one >> i & 1 for one in reached))


def test_a_silent_unit_is_forgotten_after_a_day() -> None:
    rules, say = EmergencyRules(book(), CELLS), Recorder()
    state = rules.new_state("jianghan", "live")
    _apply(rules, state, say, [report(0, "a", "available", WEST)])
    for second in (5, 1_000):
        rules.on_wake(state, LOOK, to_us(START + timedelta(seconds=second)), say)
    rules.forget(state, to_us(START) + DAY * 1_000_000)
    assert set(state.units) == {"a"}
    rules.forget(state, to_us(START) + DAY * 1_000_000 + 1)
    assert not state.units


def test_coverage_of_a_district_without_a_grid_keeps_nothing() -> None:
    rules, say = EmergencyRules(book(), CELLS), Recorder()
    state = rules.new_state("elsewhere", "live")
    _apply(rules, state, say, [report(0, "a", "available", WEST)])
    assert not state.seen
    assert of(judged(report(0, "a", "available", WEST), at(400)), COVERAGE_LOW) == []
