"""Between two looks readings of different connectors may come in any order; state survives bytes and copies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ev import ConnectorState, ErrorCode, EvReading
from schemas.plan.book import PlanBook
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.feed_rules import Entry
from services.stream_processors.ev.processor import EvRules
from services.stream_processors.ev.state import SiteState
from tests.unit.stream_processors.ev.test_ev_rules import START, policy, reading
from tests.unit.stream_processors.in_order import Recorder, wake_until

SITE = "site-x"


def rules() -> EvRules:
    return EvRules(PlanBook([policy(site_limit_kw={SITE: 100.0})]))


@st.composite
def readings(draw: st.DrawFn) -> list[EvReading]:
    """Up to 40 readings of four connectors within 80 minutes: long enough for silence, a dark site and figures."""
    return [
        reading(
            draw(st.integers(0, 15)) * 300 + draw(st.integers(0, 60)),
            draw(st.sampled_from(["c1", "c2", "c3", "c4"])),
            draw(st.sampled_from(list(ConnectorState))).value,
            seq=seq,
            boot=draw(st.sampled_from(["one", "one", "two"])),
            error_code=draw(st.sampled_from([ErrorCode.NO_ERROR, ErrorCode.GROUND_FAILURE])),
            rated_power_kw=60.0,
            power_kw=draw(st.sampled_from([None, 0.0, 45.0, 90.0])),
            energy_register_kwh=draw(st.sampled_from([None, 5.0, 100.0 + seq])),
            session_id=draw(st.sampled_from([None, "s1", "s2"])),
        )
        for seq in range(draw(st.integers(1, 40)))
    ]


def entries_of(by: EvRules, found: list[EvReading]) -> list[Entry]:
    entries = []
    for offset, one in enumerate(found):
        told = by.entry(one)
        assert told is not None
        entries.append(Entry(to_us(one.observed_at), one.device_id, one.boot_id, one.seq, told[0], offset, told[1]))
    return sorted(entries)


def walk(by: EvRules, state: SiteState, entries: list[Entry], recorder: Recorder) -> SiteState:
    for entry in entries:
        wake_until(by, state, recorder, entry.at_us)
        by.apply(state, entry, recorder)
    return state


@settings(deadline=None, max_examples=100)
@given(readings(), st.integers(0, 40), st.randoms(use_true_random=False))
def test_between_two_looks_readings_of_different_connectors_may_be_applied_in_any_order(
    found: list[EvReading], place: int, random: Any
) -> None:
    by = rules()
    entries = entries_of(by, found)
    # a site with a past: it may be dark, and connectors silent
    before = Recorder()
    start = walk(by, by.new_state(SITE, "live"), entries[:place], before)
    wake_until(by, start, before, to_us(START) + 6_000_000_000)
    rest = [entry._replace(at_us=entry.at_us + 6_000_000_000) for entry in entries]
    waiting = {name: [entry for entry in rest if entry.asset == name] for name in sorted({e.asset for e in rest})}
    mixed: list[Entry] = []
    while waiting:
        name = random.choice(sorted(waiting))
        mixed.append(waiting[name].pop(0))
        if not waiting[name]:
            del waiting[name]
    one, other = by.copy(start), by.copy(start)
    first, second = Recorder(), Recorder()
    for entry in rest:
        by.apply(one, entry, first)
    for entry in mixed:
        by.apply(other, entry, second)
    assert one == other
    assert first.episodes == second.episodes
    assert first.wakes == second.wakes


@settings(deadline=None, max_examples=100)
@given(readings(), st.integers(0, 40))
def test_a_state_is_the_same_after_a_round_trip_through_bytes_and_a_copy_does_not_change(
    found: list[EvReading], place: int
) -> None:
    by, recorder = rules(), Recorder()
    entries = entries_of(by, found)
    state = walk(by, by.new_state(SITE, "live"), entries[:place], recorder)
    copy = by.copy(state)
    before = by.pack(copy)
    loaded = by.unpack(before, by.state_version, SITE, "live")
    assert loaded == state == copy
    later = Recorder()
    later.wakes = dict(recorder.wakes)
    assert walk(by, loaded, entries[place:], later) == walk(by, state, entries[place:], recorder)
    assert by.pack(copy) == before


def test_a_backlog_of_a_connector_says_nothing_when_it_is_judged_in_its_place() -> None:
    """45 minutes without contact, then all readings of that time: played in order there was no silence."""
    by, recorder = rules(), Recorder()
    backlog = [reading(5 * number, "c1", seq=number) for number in range(661)]
    state = walk(by, by.new_state(SITE, "live"), entries_of(by, backlog), recorder)
    wake_until(by, state, recorder, to_us(START + timedelta(seconds=3_330)))
    assert recorder.episodes == {}


def test_looks_at_a_silent_site_are_few() -> None:
    by, recorder = rules(), Recorder()
    forty = [reading(second, f"c{number:02}") for number in range(40) for second in (number, number + 30)]
    state = walk(by, by.new_state(SITE, "live"), entries_of(by, forty), recorder)
    looks: list[int] = []
    while recorder.wakes and min(recorder.wakes.values()) < to_us(START + timedelta(hours=14)):
        looks.append(min(recorder.wakes.values()))
        wake_until(by, state, recorder, looks[-1] + 1)
    # dark after five minutes, silent after ten, figures while a state held lately, then midnight
    assert len(looks) <= 12
    assert {name[0] for name in recorder.episodes} == {"ev.site_dark", "ev.connector_silent"}
