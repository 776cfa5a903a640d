"""The lane's clock behind the readings of a replay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.replay.clock import AFTERWARDS, STEP, LaneClock, covered_until

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


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def sent(hours: float, last: str, *, devices: int = 1, first: int = 0) -> list[tuple[str, datetime]]:
    """Readings of devices that send every so many hours, up to the last one."""
    ends = local(last).astimezone(UTC)
    return [
        (f"d{first + device}", ends - timedelta(hours=hours * back))
        for back in range(5, -1, -1)
        for device in range(devices)
    ]


@pytest.mark.parametrize(
    ("last", "hours", "end"),
    [
        ("2026-05-31T20:00", 4, "2026-06-01T00:00"),
        ("2026-05-31T12:00", 24, "2026-06-01T00:00"),
        ("2026-05-26T00:00", 7 * 24, "2026-06-01T00:00"),
        ("2026-05-30T20:00", 4, "2026-05-31T00:00"),
        ("2026-12-31T20:00", 4, "2027-01-01T00:00"),
        ("2026-02-28T23:59", 1, "2026-03-01T00:00"),
        ("2026-05-31T19:00", 4, None),
        ("2026-05-31T20:00", 0.1, None),
    ],
)
def test_a_recording_covers_a_period_when_nothing_more_was_due_in_it(last: str, hours: float, end: str | None) -> None:
    assert covered_until(sent(hours, last)) == (None if end is None else local(end))


def test_an_outage_does_not_make_a_recording_longer() -> None:
    readings = [("a", local(f"2026-05-31T{hour:02}:00").astimezone(UTC)) for hour in (0, 1, 2, 12, 13)]
    assert covered_until(readings) is None


def test_a_few_devices_that_are_ahead_or_have_left_do_not_decide() -> None:
    ahead = sorted([*sent(4, "2026-05-31T16:00", devices=8), *sent(4, "2026-05-31T20:00", devices=2, first=8)], key=_at)
    assert covered_until(ahead) is None, "eight of ten stations were due at 20:00 once more"
    left = sorted([*sent(4, "2026-05-12T20:00", devices=5), *sent(4, "2026-05-31T20:00", devices=9, first=5)], key=_at)
    assert covered_until(left) == local("2026-06-01T00:00")


def _at(one: tuple[str, datetime]) -> datetime:
    return one[1]


def test_single_readings_cover_nothing() -> None:
    assert covered_until([("a", at(0)), ("a", at(0)), ("b", at(1))]) is None
    assert covered_until([]) is None


def test_a_lane_is_closed_behind_the_month_that_the_recording_covers() -> None:
    clock, month = LaneClock(), local("2026-06-01T00:00")
    clock.before(local("2026-05-31T20:00"))
    clock.end()
    assert clock.closing(month, now=month + STEP) == month + STEP
    assert clock.closing(None, now=month + STEP) == local("2026-05-31T21:00")


def test_a_period_that_is_not_over_is_not_closed_by_a_recording_of_it() -> None:
    clock, month = LaneClock(), local("2026-06-01T00:00")
    clock.before(local("2026-05-31T20:00"))
    clock.end()
    assert clock.closing(month, now=month) == local("2026-05-31T21:00")
