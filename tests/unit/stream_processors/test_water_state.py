"""The state of a lake: totals that are kept equal those of all points, figures stay small, it comes back from bytes."""

from __future__ import annotations

from fractions import Fraction
from math import log10
from pathlib import Path

import orjson
from hypothesis import given
from hypothesis import strategies as st

from services.stream_processors.water.measured import FIELDS, PLACE, Values
from services.stream_processors.water.processor import WaterRules
from services.stream_processors.water.rounds import NAMED_MAX, PointSums, Round, Totals
from tests.unit.stream_processors.water_log import Said, book, log_of, reading, run, tick

RELEASE_2 = Path(__file__).with_name("water_release_2.json")
RECORD_MAX = 64 * 1024
"""Far below what a record may hold."""

values = st.tuples(*[st.sampled_from([None, 0.0, 0.05, 0.1, 7.3, 8.25]) for _ in FIELDS])
samples = st.lists(st.tuples(st.sampled_from(["p1", "p2", "p3"]), values), max_size=24)


def naive_means(points: dict[str, PointSums]) -> Values:
    """Each point's mean first, then the mean over the points that measured: in fractions, from the sums."""
    means: list[float | None] = []
    for place, name in enumerate(FIELDS):
        parts = [Fraction(p.sums[place], p.counts[place]) for p in points.values() if p.counts[place]]
        mean = sum(parts, Fraction(0)) / len(parts) if parts else None
        if mean is None:
            means.append(None)
        elif name == "ph":
            means.append(round(-log10(mean / 10**24), 9) if mean else None)
        else:
            means.append(float(mean / 10**9))
    return tuple(means)


@given(samples, st.data())
def test_kept_totals_equal_those_of_all_points_whenever_they_are_asked_for(
    what: list[tuple[str, Values]], data: st.DataObject
) -> None:
    one = Round()
    for number, (point, measured) in enumerate(what):
        one.add(point, measured, number, number)
        if data.draw(st.booleans()):
            one.totals()
        if data.draw(st.integers(0, 5)) == 0:
            one = one.copy()
    kept, anew = one.totals(), Totals.of(one.points.values())
    assert kept == anew
    assert kept.means() == naive_means(one.points)
    assert kept.samples == len(what)
    assert kept.points_with_data() == sum(any(point.counts) for point in one.points.values())
    tn = PLACE["tn_mg_l"]
    assert kept.has_values((tn,)) == any(measured[tn] for _, measured in what)


@given(samples, samples)
def test_a_copy_of_a_round_stands_still(first: list[tuple[str, Values]], then: list[tuple[str, Values]]) -> None:
    one = Round()
    for number, (point, measured) in enumerate(first):
        one.add(point, measured, number, number)
    copy, expected = one.copy(), Totals.of(one.points.values())
    for number, (point, measured) in enumerate(then):
        one.add(point, measured, number, number)
        one.totals()
    assert copy.totals() == expected


def test_a_lake_of_many_points_names_some_and_says_how_many_it_leaves_out() -> None:
    count = 600
    said: Said = run(log_of([*(reading(n / 60, device=f"p{n:03}") for n in reversed(range(count))), tick(300)]))
    for indicator in ("water.class", "water.class_day", "water.class_month"):
        figure = said.of(indicator, "beihu")[-1]
        assert figure.details["points"] == [f"p{n:03}" for n in range(NAMED_MAX)]
        assert (figure.details["points_left_out"], figure.n) == (count - NAMED_MAX, count)
    assert max(len(raw) for raw in said.raw) < RECORD_MAX


def test_a_state_comes_back_from_its_bytes() -> None:
    rules = WaterRules(book())
    state = rules.load(orjson.loads(RELEASE_2.read_bytes()), "beihu", "live")
    again = rules.unpack(rules.pack(state), rules.state_version, "beihu", "live")
    assert again == state
    assert rules.pack(again) == rules.pack(state)


def test_the_previous_release_s_state_keeps_rounds_days_and_what_was_counted() -> None:
    rules = WaterRules(book())
    state = rules.load(orjson.loads(RELEASE_2.read_bytes()), "beihu", "live")
    assert (set(state.stations), state.lakeside) == ({"p1", "p2"}, 2)
    (one,) = state.rounds.values()
    assert one.totals() == Totals.of(one.points.values())
    assert {kind: (period.classed, set(period.points)) for (kind, _), period in state.periods.items()} == {
        "day": (1, {"p1", "p2"}),
        "month": (1, {"p1", "p2"}),
    }
    assert state.run.episode is not None
    ((day_us, tallies),) = state.tallies.items()
    assert {point: sum(tally.values()) for point, tally in tallies.items()} == {"p1": 6, "p2": 6}
    assert set(state.unsaid) == {(day_us, "p1"), (day_us, "p2")}


def test_a_copy_of_a_state_stands_still() -> None:
    rules = WaterRules(book())
    state = rules.load(orjson.loads(RELEASE_2.read_bytes()), "beihu", "live")
    before, copy = rules.pack(state), rules.copy(state)
    (start_us,) = state.rounds
    state.rounds[start_us].add("p3", (7.0,) + (None,) * 8, start_us, 99)
    state.drop("p1")
    next(iter(state.tallies.values()))["p3"] = {}
    state.unsaid.clear()
    assert rules.pack(copy) == before
    assert (state.lakeside, copy.lakeside) == (1, 2)
