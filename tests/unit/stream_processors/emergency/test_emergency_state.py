"""The state of a district: what is written is read again, and a state of release 2 is brought up."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from schemas.emergency import EmergencyReading, Step
from services.stream_processors.emergency.calls import Outcome
from services.stream_processors.emergency.coverage import Cell
from services.stream_processors.emergency.policy import AT_RISK, BREACH, NOT_DISPATCHED
from services.stream_processors.emergency.processor import LOOK, EmergencyRules
from services.stream_processors.emergency.state import DistrictState
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.feed_rules import Entry
from tests.unit.stream_processors.emergency.emergency_district import HERE, START, book, report, step
from tests.unit.stream_processors.in_order import Recorder

RELEASE_2 = Path(__file__).with_name("release-2-state.json")
"""Written by release 2 at second 500: a call that was reached, one that its unit has left, one that nobody answers."""
CELLS = (Cell("west", *HERE, 400), Cell("east", 114.30, 30.60, 600))
SECOND = 1_000_000


def rules(cells: tuple[Cell, ...] = CELLS) -> EmergencyRules:
    return EmergencyRules(book(), cells)


def apply(chosen: EmergencyRules, state: DistrictState, say: Recorder, *readings: EmergencyReading) -> None:
    for offset, reading in enumerate(readings, start=100):
        asset, payload = chosen.entry(reading) or ("", ())
        at_us = to_us(reading.observed_at)
        entry = Entry(at_us, reading.device_id, reading.boot_id, reading.seq, asset, offset, payload)
        chosen.apply(state, entry, say)


def full_state() -> DistrictState:
    """Open and closed calls, a coverage alert on its way, sightings that wait for the next look."""
    chosen, say = rules(), Recorder()
    state = chosen.new_state("jianghan", "live")
    apply(
        chosen,
        state,
        say,
        report(0, "u1", "available", HERE),
        step(1, Step.CALL_RECEIVED, "open", street="wansong"),
        step(2, Step.DISPATCHED, "reached", unit="u2"),
        step(300, Step.ON_SCENE, "reached", unit="u2", street="beihu"),
    )
    for name, second in (("call/open", 180), ("call/open", 480), (LOOK, 305)):
        chosen.on_wake(state, name, to_us(START + timedelta(seconds=second)), say)
    apply(chosen, state, say, report(306, "u1", "dispatched", HERE))
    assert state.low.recent
    assert state.seen
    assert state.calls["open"].risk
    return state


def test_a_state_is_read_as_it_was_written() -> None:
    chosen, state = rules(), full_state()
    again = chosen.unpack(chosen.pack(state), chosen.state_version, "jianghan", "live")
    tallies = {period: tally.pack() for period, tally in again.tallies.items()}
    assert tallies == {period: tally.pack() for period, tally in state.tallies.items()}
    again.tallies, again.standing, again.advice = state.tallies, state.standing, state.advice
    assert again == state


def test_a_state_of_another_grid_keeps_all_but_its_coverage() -> None:
    state, other = full_state(), rules((Cell("whole", *HERE, 5),))
    again = other.unpack(rules().pack(state), other.state_version, "jianghan", "live")
    assert (again.cover, again.best_cells) == (None, 0)
    assert again.calls == state.calls


def test_bytes_that_are_no_state_are_refused() -> None:
    with pytest.raises(ValueError, match="Expected"):
        rules().unpack(b"\x01", 1, "jianghan", "live")


def test_a_copy_does_not_change_with_its_original() -> None:
    chosen, say, state = rules(), Recorder(), full_state()
    before, kept = chosen.pack(state), state.copy()
    apply(chosen, state, say, step(500, Step.ON_SCENE, "open"), report(501, "u1", "available", HERE))
    chosen.on_wake(state, LOOK, to_us(START) + 505 * SECOND, say)
    assert chosen.pack(kept) == before
    assert chosen.pack(state) != before


def test_what_release_2_has_said_of_an_answered_call_is_not_said_again() -> None:
    """A breach from 600 s to 900 s, at risk from 480 s to 600 s, both said; then the unit is clear."""
    chosen, say, start = rules(), Recorder(), to_us(START)
    arrived = start + 900 * SECOND
    counted = ["response", 900 * SECOND, None]
    call = [start, 1, None, arrived, 2, start + 60 * SECOND, -1, [["u1", False]], False, True, True, False, counted]
    state = chosen.load([{"c": call}, [], [], {}, [], None, [[], None, [], 0], "0x0", None], "jianghan", "live")
    apply(chosen, state, say, step(1_000, Step.AVAILABLE, "c", on_scene_at=START + timedelta(seconds=900)))
    assert not say.episodes
    assert not state.changed


def test_a_state_of_release_2_goes_on() -> None:
    """At second 500: [reached at 300]  [left at 400: counted as unreached]  [open, at risk, nobody sent]."""
    chosen, say = rules(), Recorder()
    dumped = json.loads(RELEASE_2.read_text(encoding="utf-8"))
    state = chosen.load(dumped, "jianghan", "live")
    (tally, _) = state.tallies.values()
    assert (tally.times.n, tally.unreached, tally.with_street) == (1, 1, 1)
    results = {name: call.result() for name, call in state.calls.items()}
    assert {name: result and result.outcome for name, result in results.items()} == {
        "reached": Outcome.RESPONSE,
        "left": Outcome.UNREACHED,
        "open": None,
    }
    # Its wakes had other words; the deadline of the open call is one of them.
    chosen.on_wake(state, "deadline/open", to_us(START) + 600 * SECOND, say)
    assert say.episodes[BREACH, "open", to_us(START) + 600 * SECOND].ended_us is None
    assert say.episodes[AT_RISK, "open", to_us(START) + 480 * SECOND].ended_us == to_us(START) + 600 * SECOND
    apply(chosen, state, say, step(700, Step.ON_SCENE, "open", dispatched_at=START + timedelta(seconds=650)))
    assert say.episodes[BREACH, "open", to_us(START) + 600 * SECOND].ended_us == to_us(START) + 700 * SECOND
    assert say.episodes[NOT_DISPATCHED, "open", to_us(START) + 180 * SECOND].ended_us == to_us(START) + 650 * SECOND
    (tally, _) = state.tallies.values()
    assert (tally.times.n, tally.unreached) == (2, 1)
    # Units are taken over, and looked at from the next report on.
    apply(chosen, state, say, report(701, "u2", "available", (114.30, 30.60)))
    chosen.on_wake(state, LOOK, to_us(START) + 705 * SECOND, say)
    assert state.cover is not None
    assert (state.cover.people, state.cover.units) == (1_000, 2)
