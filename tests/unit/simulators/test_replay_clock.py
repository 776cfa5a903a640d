"""The lane's clock behind the readings of a replay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from simulators.replay.clock import AFTERWARDS, LaneClock

NOON = datetime(2020, 5, 8, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


# readings   0     0     2     2.2   9
# ticks before            0     2     -, a minute has not passed; at the end 9 and an hour
def test_a_tick_follows_the_readings_that_it_closes() -> None:
    clock = LaneClock()
    assert [clock.before(at(minute)) for minute in (0, 0, 2, 2.2, 9)] == [None, None, at(0), at(2), None]
    assert clock.end() == at(9) + AFTERWARDS
    assert clock.end() is None


def test_nothing_is_said_before_the_year_2000_or_without_readings() -> None:
    assert LaneClock().end() is None
    clock = LaneClock()
    clock.before(datetime(14, 1, 1, tzinfo=UTC))
    assert clock.before(datetime(14, 1, 2, tzinfo=UTC)) is None


def test_time_goes_on_while_a_replay_waits() -> None:
    clock = LaneClock()
    clock.before(at(0))
    assert clock.passing(at(1)) == at(1)
    assert clock.passing(at(1)) is None
    assert clock.before(at(10)) is None
    assert clock.before(at(20)) == at(10)


@given(minutes=st.lists(st.integers(0, 500), max_size=60))
def test_no_tick_is_later_than_a_reading_that_is_still_to_come(minutes: list[int]) -> None:
    clock = LaneClock()
    ordered = sorted(minutes)
    said: list[datetime] = []
    for minute in ordered:
        tick = clock.before(at(minute))
        if tick is not None:
            assert tick < at(minute)
            said.append(tick)
    assert said == sorted(set(said))
