"""Ten minutes exactly, a breach without a message, calls that no unit reached, coverage and the best move."""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import combinations
from operator import or_

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.district import Post
from schemas.emergency import Step
from schemas.indicator import IndicatorStatus
from schemas.plan.errors import PlanFileError
from services.stream_processors.emergency.__main__ import GRID, grid_text
from services.stream_processors.emergency.coverage import (
    Cell,
    Grid,
    best_move,
    cells_of,
    metres_between,
)
from services.stream_processors.emergency.policy import AT_RISK, BREACH, COVERAGE_LOW, NOT_DISPATCHED
from services.stream_processors.emergency.tally import times_of
from tests.unit.stream_processors.emergency.emergency_district import HERE, START, at, judge, judged, of, report, step


@pytest.mark.parametrize(("second", "events"), [(600.0, []), (600.000001, ["raised", "resolved"])])
def test_exactly_ten_minutes_is_within(second: float, events: list[str]) -> None:
    result = judged(step(0, Step.CALL_RECEIVED), step(60, Step.DISPATCHED), step(second, Step.ON_SCENE), at(900))
    assert of(result, BREACH) == events


def test_a_breach_comes_at_the_deadline_even_when_no_message_does() -> None:
    result = judged(step(0, Step.CALL_RECEIVED), at(601), at(900))
    assert of(result, BREACH) == ["raised"]
    alert = next(a for a in result.alerts if a.rule == BREACH)
    assert alert.started_at == START + timedelta(minutes=10)
    assert alert.threshold.source.where == "pages 28, 41"
    assert "第28、41页" in alert.text.zh


def test_a_call_at_risk_is_said_before_the_deadline_and_ends_with_the_breach() -> None:
    result = judged(step(0, Step.CALL_RECEIVED), step(30, Step.DISPATCHED), at(481), at(601))
    assert of(result, AT_RISK) == ["raised", "resolved"]
    assert of(result, NOT_DISPATCHED) == []
    assert judged(step(0, Step.CALL_RECEIVED), at(181)).events() == [f"{NOT_DISPATCHED} call-1 raised"]


def test_a_late_arrival_report_takes_a_breach_back() -> None:
    arrival = step(550, Step.ON_SCENE)
    result = judged(step(0, Step.CALL_RECEIVED), at(601), arrival, at(700))
    assert of(result, BREACH) == ["raised", "retracted"]
    # what a later step tells of an earlier arrival counts the same
    told = step(900, Step.AT_PATIENT, on_scene_at=START + timedelta(seconds=550), unit="u2")
    assert of(judged(step(0, Step.CALL_RECEIVED), at(601), told, at(1_000)), BREACH) == ["raised", "retracted"]


def test_a_call_that_no_unit_reached_is_counted_apart() -> None:
    result = judged(
        step(0, Step.CALL_RECEIVED),
        step(60, Step.DISPATCHED),
        step(700, Step.AVAILABLE),
        step(0, Step.CALL_RECEIVED, "call-2", unit="x"),
        step(300, Step.ON_SCENE, "call-2", unit="u2"),
        at(2_000),
    )
    figure = next(f for (_, name, *_), f in result.figures().items() if name == "emergency.response")
    assert (figure["details"]["unreached"], figure["n"], figure["details"]["over"]) == (1, 1, 0)
    assert figure["status"] is IndicatorStatus.CANNOT_SAY
    assert "n too small" in figure["status_reason"]
    breach = [a for a in result.alerts if a.rule == BREACH][-1]
    assert (breach.asset, breach.ended_at) == ("call-1", START + timedelta(seconds=700))


def test_an_arrival_before_the_call_is_doubtful_and_no_response_time() -> None:
    wrong = step(30, Step.ON_SCENE, call_received_at=START + timedelta(seconds=60))
    result = judged(wrong, at(1_000))
    figure = next(f for (_, name, *_), f in result.figures().items() if name == "emergency.response")
    assert (figure["details"]["doubtful"], figure["n"]) == (1, 0)


def test_days_and_months_are_local() -> None:
    before, after = (START.replace(hour=15, minute=59, second=59), START.replace(hour=16, minute=0, second=0))
    rows = [
        step((at_ - START).total_seconds() + 60, Step.ON_SCENE, f"call-{n}", call_received_at=at_, unit=f"u{n}")
        for n, at_ in enumerate((before, after))
    ]
    result = judged(*rows, at(86_400))
    days = {
        start
        for (_, name, _, start, end, _) in result.figures()
        if name == "emergency.response" and end - start == timedelta(days=1)
    }
    assert days == {datetime(2026, 11, 23, 16, tzinfo=UTC), datetime(2026, 11, 24, 16, tzinfo=UTC)}


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=50), st.sampled_from([1, 50, 90, 99, 100]))
def test_the_percentile_is_the_smallest_value_with_enough_at_or_below_it(times: list[int], percent: int) -> None:
    found = times_of(Counter(times).items()).percentile(percent)
    assert found in times
    assert found is not None
    assert sum(t <= found for t in times) * 100 >= percent * len(times)
    assert sum(t < found for t in times) * 100 < percent * len(times)


# -- coverage ----------------------------------------------------------------------------------------------------------

ROADS: dict[int, dict[int, int]] = {}
for row in range(5):
    for column in range(5):
        node = 5 * row + column
        for other, seconds in ((node + 1, 60 + 7 * row), (node + 5, 90 + 11 * column)):
            if (other == node + 1 and column == 4) or other > 24 or node == 12:
                continue
            ROADS.setdefault(node, {})[other] = seconds
            ROADS.setdefault(other, {})[node] = seconds


def travel_seconds(origin: int) -> dict[int, int]:
    """Shortest ways on the small road graph."""
    found: dict[int, int] = {}
    heap = [(0, origin)]
    while heap:
        took, node = heapq.heappop(heap)
        if node not in found:
            found[node] = took
            for other, seconds in ROADS.get(node, {}).items():
                heapq.heappush(heap, (took + seconds, other))
    return found


PEOPLE = [(7 * node + 3) % 23 + 1 for node in range(25)]
ROAD_GRID = Grid([Cell(f"n{node}", 114.2 + node / 1_000, 30.6, PEOPLE[node]) for node in range(25)])


def reach(origin: int, budget: int = 200) -> int:
    return sum(1 << node for node, took in travel_seconds(origin).items() if took <= budget)


@given(
    st.lists(st.integers(0, 24), min_size=1, max_size=4, unique=True),
    st.sets(st.integers(0, 24), min_size=1, max_size=6),
)
def test_coverage_and_the_best_move_equal_brute_force_on_a_road_graph(units: list[int], places: set[int]) -> None:
    def covered(nodes: tuple[int, ...]) -> int:
        reached = {node for origin in nodes for node, took in travel_seconds(origin).items() if took <= 200}
        return sum(PEOPLE[node] for node in reached)

    reached = {f"u{index}": reach(origin) for index, origin in enumerate(units)}
    assert ROAD_GRID.people(reduce(or_, reached.values())) == covered(tuple(units))
    gains = {
        (index, place): covered((*units[:index], *units[index + 1 :], place)) - covered(tuple(units))
        for index in range(len(units))
        for place in places
    }
    best = best_move(ROAD_GRID, reached, {f"p{place}": reach(place) for place in places})
    most = max(gains.values())
    assert (best.people if best else 0) == max(0, most)
    if best is not None:
        assert gains[int(best.unit[1:]), int(best.to[1:])] == most


def square(side: int) -> tuple[Cell, ...]:
    return tuple(
        Cell(f"c{x}-{y}", HERE[0] + x * 0.01, HERE[1] + y * 0.01, 100) for x in range(side) for y in range(side)
    )


def test_a_circle_holds_the_cells_that_are_near_enough() -> None:
    cells = square(6)
    grid = Grid(cells)
    inside = grid.within(*HERE, 2_500)
    for index, cell in enumerate(cells):
        metres = metres_between(HERE, (cell.longitude, cell.latitude))
        if abs(metres - 2_500) > 60:
            assert bool(inside >> index & 1) == (metres < 2_500)


def test_lost_cover_is_said_with_its_cells_and_the_move_that_restores_most() -> None:
    cells = (Cell("west", 114.20, 30.60, 400), Cell("east", 114.30, 30.60, 600))
    posts = (
        Post(id="post-west", name="West", name_zh="西站", longitude=114.20, latitude=30.60, ambulances=1),
        Post(id="post-east", name="East", name_zh="东站", longitude=114.30, latitude=30.60, ambulances=1),
    )
    chosen = judge(cells, posts)
    west, east = (114.20, 30.60), (114.30, 30.60)
    result = judged(
        report(0, "a", "available", west),
        report(1, "b", "available", west),
        report(2, "c", "available", east),
        report(100, "c", "dispatched", east),
        report(170, "b", "out_of_service", west),
        report(171, "b", "available", west),
        at(200),
        chosen=chosen,
    )
    (alert,) = [a for a in result.alerts if a.rule == COVERAGE_LOW]
    assert alert.observed_value == 0.4
    assert "east" in alert.text.en
    assert "moving a to post-east brings back 600 people" in alert.text.en
    assert "东站" in alert.text.zh
    coverage = [f for (_, name, *_), f in sorted(result.figures().items()) if name == "emergency.coverage"]
    assert coverage[0]["value"] == 1.0
    assert coverage[-1]["details"]["uncovered"] == ["east"]


def test_units_teach_how_fast_they_get_along() -> None:
    """A fast way to a call at ten o'clock: from the next look on a unit reaches a cell that was too far before."""
    far = (HERE[0] + 0.03, HERE[1])
    edge = Cell("edge", HERE[0] + 0.0275, HERE[1], 100)
    legs = [step(10, Step.RESPONDING), step(130, Step.ON_SCENE, longitude=far[0], latitude=far[1])]
    home = [report(0, "u1", "available", HERE), report(300, "u1", "available", HERE)]
    for driven, share in (([], 0.0), (legs, 1.0)):
        result = judged(*sorted([*home, *driven], key=lambda one: one.observed_at), at(400), chosen=judge((edge,)))
        coverage = [f for (_, name, *_), f in sorted(result.figures().items()) if name == "emergency.coverage"]
        assert coverage[-1]["value"] == share


def test_the_population_grid_is_what_its_generator_makes() -> None:
    text = GRID.read_text(encoding="utf-8")
    assert text == grid_text()
    cells = cells_of(text, file="grid")
    assert sum(cell.population for cell in cells) == 647_932
    assert len({cell.id for cell in cells}) == len(cells)
    assert all(a.id != b.id for a, b in combinations(cells[:50], 2))


@pytest.mark.parametrize(("text", "reason"), [("a,1,2\n", "line 1"), ("a,x,2,3\n", "line 1"), ("a,1,2,-3\n", "fewer")])
def test_a_grid_that_cannot_be_read_names_the_line(text: str, reason: str) -> None:
    with pytest.raises(PlanFileError, match=reason):
        cells_of(text, file="grid")
