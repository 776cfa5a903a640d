"""Response times of a period: exact, cheap to change, bounded in what is told of streets."""

from __future__ import annotations

import json
from datetime import timedelta
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from schemas.emergency import EmergencyReading, Step
from services.stream_processors.emergency.calls import Outcome, Result
from services.stream_processors.emergency.tally import STREETS_KEPT, Tally, unpack_tally
from tests.unit.stream_processors.emergency.emergency_district import START, at, judged, step

MINUTE_US = 60_000_000
TIMES = st.integers(0, 20 * MINUTE_US)
CALLS = st.lists(st.tuples(TIMES, st.sampled_from(["", "wansong", "beihu"])), min_size=1, max_size=60)


def answered(us: int, street: str) -> Result:
    return Result(Outcome.RESPONSE, us, street or None)


@given(CALLS, st.data())
def test_a_tally_equals_the_sorted_list_of_its_calls(calls: list[tuple[int, str]], data: st.DataObject) -> None:
    tally = Tally()
    for us, street in calls:
        tally = tally.plus(answered(us, street), 1)
    gone = data.draw(st.integers(0, len(calls) - 1))
    for us, street in calls[:gone]:
        tally = tally.plus(answered(us, street), -1)
    tally = unpack_tally(tally.pack())
    rest = sorted(us for us, _ in calls[gone:])
    limit = data.draw(st.one_of(TIMES, st.sampled_from(rest)))
    assert tally.times.n == len(rest)
    assert tally.times.within(limit) == sum(us <= limit for us in rest)
    for percent in (1, 50, 90, 100):
        assert tally.times.percentile(percent) == rest[max(0, ceil(len(rest) * percent / 100) - 1)]
    for street in ("wansong", "beihu"):
        own = [us for us, name in calls[gone:] if name == street]
        times = tally.streets.get(street)
        assert (0 if times is None else times.n) == len(own)


@given(st.permutations(range(40)))
def test_the_streets_kept_do_not_depend_on_the_order_of_the_calls(order: list[int]) -> None:
    kept = Tally()
    for number in range(STREETS_KEPT):
        kept = kept.plus(answered(number, f"m{number:05d}"), 1)
    for number in order:
        kept = kept.plus(answered(number, f"{'a' if number % 2 else 'z'}{number:03d}"), 1)
    assert len(kept.streets) == STREETS_KEPT
    assert {name[0] for name in kept.streets} == {"a", "m"}
    assert kept.with_street == STREETS_KEPT + 40
    # A call of a street that was left out is taken back without harm.
    assert kept.plus(answered(0, "z000"), -1).with_street == STREETS_KEPT + 39


def test_a_figure_names_the_streets_with_most_calls_and_says_how_many_it_leaves_out() -> None:
    """150 streets with one call each, one with three."""
    calls = [(f"street {number:03d} " + "x" * 180, 1) for number in range(150)] + [("main street", 3)]
    readings: list[EmergencyReading] = []
    for street, often in calls:
        for _ in range(often):
            number = len(readings)
            received = START + timedelta(seconds=number)
            readings.append(step(number + 60, Step.ON_SCENE, f"c{number}", street=street, call_received_at=received))
    result = judged(*readings, at(4_000))
    figure = next(f for (_, name, *_), f in sorted(result.figures().items()) if name == "emergency.response")
    details = figure["details"]
    assert len(details["by_street"]) == 100
    assert details["by_street"]["main street"] == {"n": 3, "within": 3, "p90_minutes": 1.0}
    assert (details["streets_left_out"], details["calls_left_out"]) == (51, 51)
    assert len(json.dumps(details)) < 100_000


def test_a_figure_that_names_all_streets_leaves_none_out() -> None:
    result = judged(step(0, Step.CALL_RECEIVED, street="wansong"), step(60, Step.ON_SCENE), at(700))
    figure = next(f for (_, name, *_), f in sorted(result.figures().items()) if name == "emergency.response")
    assert set(figure["details"]["by_street"]) == {"wansong"}
    assert "streets_left_out" not in figure["details"]
