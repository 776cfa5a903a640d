"""Any order of arrival, any delay inside the bound, repeats and crashes end in the same alerts and figures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alert import AlertEventType
from schemas.parking import ParkingReading
from schemas.plan.book import PlanBook
from schemas.plan.policy import PolicyDocument
from services.stream_processors.engine.counting import frozen
from services.stream_processors.engine.event_time import MICROSECONDS, to_us
from services.stream_processors.engine.feed_rules import Entry
from services.stream_processors.engine.timeline_judge import TimelineJudge
from services.stream_processors.parking.processor import ParkingRules
from services.stream_processors.parking.state import ZoneState
from tests.unit.stream_processors.in_order import Recorder
from tests.unit.stream_processors.parking.parking_zone import (
    FULL,
    IMPOSSIBLE,
    LOTS,
    SILENT,
    STUCK,
    ZONE,
    every,
    local_midnight,
    policy,
    reading,
    said,
    with_rule,
)
from tests.unit.stream_processors.recorded import Item, item, log_of, run, tick

START = local_midnight(30) - timedelta(minutes=45)
"""So that a local day, and a round of figures, end in between."""
CLOSE = 7_000
"""Seconds after the start: everything has happened, and nothing has left the lateness bound of two hours."""


def hasty() -> PolicyDocument:
    """The policy with times so short that all rules have something to say within 90 minutes."""
    document = policy(hold_seconds=600)
    stuck = {**document.settings["stuck"], "busy_from_hour": 0, "busy_to_hour": 24, "busy_seconds": 1_500}
    guidance = {**document.settings["guidance"], "fresh_seconds": 500, "under_way_seconds": 240}
    short = {"parking.still_longest": 1_200, "parking.still_longest_at_bound": 2_400, "parking.silence": 900}
    limits = [
        known.model_copy(update={"value": short[known.id]}) if known.id in short else known for known in document.limit
    ]
    document = document.model_copy(
        update={
            "limit": tuple(limits),
            "settings": {
                **document.settings,
                "stuck": stuck,
                "guidance": guidance,
                "pace_seconds": 120,
                "figures_seconds": 600,
            },
        }
    )
    document = with_rule(document, FULL, max_age_seconds=1_300)
    document = with_rule(document, IMPOSSIBLE, max_age_seconds=1_000)
    document = with_rule(document, STUCK, max_age_seconds=1_100)
    return with_rule(document, SILENT, max_age_seconds=2_000, group_min=None)


def hasty_rules() -> ParkingRules:
    return ParkingRules(PlanBook([hasty()]), LOTS)


def judge() -> TimelineJudge[Any]:
    return TimelineJudge(hasty_rules(), PlanBook([hasty()]))


@st.composite
def readings(draw: st.DrawFn) -> list[ParkingReading]:
    """Up to 40 readings of four lots within 90 minutes, bunched so that many are close together."""
    found = []
    for seq in range(draw(st.integers(1, 40))):
        second = draw(st.integers(0, 15)) * 330 + draw(st.integers(0, 90))
        free = draw(st.sampled_from([0, 0, 0, 2, 5, 30, 30, 100, -1, 101]))
        lot = draw(st.sampled_from(["a", "a", "b", "c", "x"]))
        counted = draw(st.sampled_from([None, second]))
        boot = draw(st.sampled_from(["one", "one", "two"]))
        at = START + timedelta(seconds=second)
        found.append(reading(at, free, device=lot, seq=seq, entries=counted, boot=boot, total=100))
    return found


def at(second: float) -> Item:
    return tick(START + timedelta(seconds=second))


def ordered(found: list[ParkingReading]) -> list[ParkingReading]:
    return sorted(found, key=lambda one: (one.observed_at, one.device_id, one.boot_id, one.seq))


@settings(deadline=None, max_examples=100)
@given(readings(), st.data())
def test_any_order_any_delay_and_any_crash_end_in_the_same(found: list[ParkingReading], data: st.DataObject) -> None:
    plain = run(judge(), log_of([*[item(one) for one in ordered(found)], at(CLOSE)]))
    arrivals = [*found, *data.draw(st.lists(st.sampled_from(found), max_size=5))]
    delayed = sorted(
        (to_us(one.observed_at) + data.draw(st.integers(0, 1_900)) * MICROSECONDS, number, item(one))
        for number, one in enumerate(arrivals)
    )
    log: list[Item] = []
    clock = 0
    for arrived_us, _, one in delayed:
        passed = (arrived_us - to_us(START)) // MICROSECONDS
        if passed > clock and data.draw(st.booleans()):
            clock = passed
            log.append(at(clock))
        log.append(one)
    log.append(at(CLOSE))
    crashes = data.draw(st.lists(st.integers(1, len(log)), max_size=2))
    whole = run(judge(), log_of(log))
    broken = run(judge(), log_of(log), crashes=crashes)

    assert whole.standing() == plain.standing()
    assert whole.figures() == plain.figures()
    assert broken.standing() == whole.standing()
    assert broken.figures() == whole.figures()


@settings(deadline=None, max_examples=100)
@given(readings())
def test_the_engine_agrees_with_the_rules_played_in_order(found: list[ParkingReading]) -> None:
    told = said(found, until=START + timedelta(seconds=CLOSE), by=hasty_rules())
    result = run(judge(), log_of([*[item(one) for one in ordered(found)], at(CLOSE)]))
    alerts = {(a["rule"], a["asset"], to_us(a["started_at"])): a["ended_at"] for a in result.standing().values()}
    ends = {name: None if one.ended_us is None else one.ended_us for name, one in told.episodes.items()}
    assert {name: None if end is None else to_us(end) for name, end in alerts.items()} == ends
    figures = {(i["id"], i["subject"], to_us(i["period_start"]), to_us(i["period_end"])): i for i in _last(result)}
    assert {name: one["value"] for name, one in figures.items()} == {
        name: one.value for name, one in told.figures.items()
    }


def _last(result: Any) -> list[dict[str, Any]]:
    return list(result.figures().values())


def entries_of(rules: ParkingRules, found: list[ParkingReading]) -> list[Entry]:
    entries = []
    for offset, one in enumerate(found):
        told = rules.entry(one)
        assert told is not None
        asset, payload = told
        entries.append(Entry(to_us(one.observed_at), one.device_id, one.boot_id, one.seq, asset, offset, payload))
    return sorted(entries)


@settings(deadline=None, max_examples=100)
@given(readings(), st.randoms(use_true_random=False))
def test_between_two_wakes_readings_of_different_lots_may_be_applied_in_any_order(
    found: list[ParkingReading], random: Any
) -> None:
    rules = hasty_rules()
    entries = entries_of(rules, found)
    # any interleaving of the lots that leaves each lot's own order as it is
    waiting = {lot: [entry for entry in entries if entry.asset == lot] for lot in sorted({e.asset for e in entries})}
    mixed: list[Entry] = []
    while waiting:
        lot = random.choice(sorted(waiting))
        mixed.append(waiting[lot].pop(0))
        if not waiting[lot]:
            del waiting[lot]
    one, other = (rules.new_state(ZONE, "live") for _ in range(2))
    first, second = Recorder(), Recorder()
    for entry in entries:
        rules.apply(one, entry, first)
    for entry in mixed:
        rules.apply(other, entry, second)
    assert one == other
    assert first.episodes == second.episodes
    assert first.wakes == second.wakes


def walk(rules: ParkingRules, state: ZoneState, entries: list[Entry], recorder: Recorder) -> ZoneState:
    for entry in entries:
        while recorder.wakes.get("pace", 2**62) < entry.at_us:
            at_us = recorder.wakes.pop("pace")
            rules.on_wake(state, "pace", at_us, recorder)
        rules.apply(state, entry, recorder)
    return state


@settings(deadline=None, max_examples=100)
@given(readings(), st.integers(0, 40))
def test_a_state_is_the_same_after_a_round_trip_through_bytes_and_a_copy_does_not_change(
    found: list[ParkingReading], place: int
) -> None:
    rules = hasty_rules()
    entries = entries_of(rules, found)
    recorder = Recorder()
    state = walk(rules, rules.new_state(ZONE, "live"), entries[:place], recorder)
    copy = rules.copy(state)
    before = rules.pack(copy)
    loaded = rules.unpack(before, rules.state_version, ZONE, "live")
    assert loaded == state == copy
    later = Recorder()
    later.wakes = dict(recorder.wakes)
    restored = walk(
        rules, loaded, [entry._replace(payload=frozen(_json(entry.payload))) for entry in entries[place:]], later
    )
    assert walk(rules, state, entries[place:], recorder) == restored
    assert rules.pack(copy) == before


def _json(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value))


def test_an_empty_zone_is_as_good_as_new() -> None:
    rules = hasty_rules()
    state = rules.new_state(ZONE, "live")
    assert rules.forget(state, 0)
    walk(rules, state, entries_of(rules, every(1, [5])), Recorder())
    assert not rules.forget(state, 2**62)


def test_a_late_reading_takes_back_a_full_lot_and_its_guidance() -> None:
    full = every(1, [0, 0, 0, 0], start=START)
    others = every(1, [50, 50, 50, 50], start=START + timedelta(seconds=1), device="b")
    late = reading(START + timedelta(seconds=30), 60, seq=7)
    log = [*[item(one) for one in [*full, *others]], at(200), item(late), at(CLOSE)]
    result = run(judge(), log_of(log))
    (first, *_, last) = [alert for alert in result.alerts if alert.rule == FULL]
    assert (first.event, first.started_at) == (AlertEventType.RAISED, START)
    standing = [alert for alert in result.standing().values() if alert["rule"] == FULL]
    assert [alert["started_at"] for alert in standing] == [START + timedelta(minutes=1)]
    assert last.asset == "a"
    starts = {(one["period_start"] - START) for one in _last(result) if one["id"] == "parking.guidance"}
    assert timedelta(minutes=1) in starts
    withdrawn = [one for one in result.indicators if one.status_reason.startswith("withdrawn")]
    assert withdrawn == []


@pytest.mark.parametrize("seconds", [900, 901])
def test_exactly_the_longest_time_is_not_yet_silence(seconds: int) -> None:
    two = [reading(START, 50), reading(START + timedelta(seconds=seconds), 50)]
    recorder = said(two, by=hasty_rules())
    assert len([name for name in recorder.episodes if name[0] == SILENT]) == (seconds > 900)
