"""When a zone is looked at: at each pace while it is heard of, then when an alert grows too old, and at midnight."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.feed_rules import Entry
from services.stream_processors.parking.guidance import CONSIDERED_MAX, LotNow, Spreading, distribute
from services.stream_processors.parking.processor import ParkingRules
from services.stream_processors.parking.state import ZoneState
from services.stream_processors.parking.walking import WalkingDistances
from tests.unit.stream_processors.in_order import Recorder, wake_until
from tests.unit.stream_processors.parking.parking_zone import (
    FULL,
    IMPOSSIBLE,
    NOON,
    ZONE,
    episodes,
    every,
    figure,
    local_midnight,
    lot,
    reading,
    rules,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def heard(readings: list[object]) -> tuple[ParkingRules, ZoneState, Recorder]:
    by, recorder = rules(), Recorder()
    state = by.new_state(ZONE, "live")
    for offset, one in enumerate(readings):
        told = by.entry(one)  # type: ignore[arg-type]
        assert told is not None
        at_us = to_us(one.observed_at)  # type: ignore[attr-defined]
        entry = Entry(at_us, one.device_id, one.boot_id, one.seq, told[0], offset, told[1])  # type: ignore[attr-defined]
        wake_until(by, state, recorder, at_us)
        by.apply(state, entry, recorder)
    return by, state, recorder


def rounds(by: ParkingRules, state: ZoneState, recorder: Recorder, until: datetime) -> list[int]:
    """When the zone is looked at from here on."""
    found: list[int] = []
    while recorder.wakes and min(recorder.wakes.values()) < to_us(until):
        found.append(min(recorder.wakes.values()))
        wake_until(by, state, recorder, found[-1] + 1)
    return found


def test_a_zone_that_has_fallen_silent_is_looked_at_once_more_for_its_month_and_then_at_midnight() -> None:
    # 12:40 to 12:49, the last count holds until 13:19: the month of 13:00 does not have all of it, that of 14:00 does
    by, state, recorder = heard(every(1, [50] * 10, start=NOON + 40 * MINUTE))
    rounds(by, state, recorder, NOON + 2 * HOUR + MINUTE)
    month = figure(recorder, "parking.occupancy", "a", local_midnight(1), local_midnight(1, 12))
    assert month.completeness == round(39 * MINUTE / (NOON + 2 * HOUR - local_midnight(1)), 4)
    quiet = rounds(by, state, recorder, NOON + timedelta(days=3))
    assert quiet == [to_us(local_midnight(day)) for day in (25, 26, 27)]


def test_an_alert_that_nothing_confirms_ends_at_its_greatest_age_without_a_round_at_each_pace() -> None:
    # full for five minutes, impossible at the end: two hours and a day later nothing confirms that any more
    by, state, recorder = heard([*every(1, [0, 0, 0, 0, 0]), reading(NOON, -5, device="b", seq=1)])
    found = rounds(by, state, recorder, NOON + timedelta(days=3))
    quiet = [at_us for at_us in found if at_us > to_us(NOON + HOUR)]
    ends = [NOON + 2 * HOUR + 4 * MINUTE, NOON + timedelta(days=1)]
    assert {to_us(at) for at in ends} <= set(quiet)
    quarters = 23 * 4  # figures go on while an alert is open
    assert len(quiet) <= quarters + 6
    (full,) = episodes(recorder, FULL)
    (impossible,) = episodes(recorder, IMPOSSIBLE)
    assert full.ended_us == to_us(ends[0])
    assert impossible.ended_us == to_us(ends[1])


def test_a_reading_at_midnight_leaves_the_day_before_whole() -> None:
    midnight = local_midnight(25)
    by, state, recorder = heard(every(30, [50] * 49, start=local_midnight(24)))
    rounds(by, state, recorder, midnight + MINUTE)
    day = figure(recorder, "parking.occupancy", "a", local_midnight(24), midnight)
    assert (day.value, day.completeness, day.n) == (0.5, 1.0, 48)
    month = figure(recorder, "parking.occupancy", "a", local_midnight(1), local_midnight(1, 12))
    assert month.n == 48


def test_only_the_nearest_lots_with_room_are_considered() -> None:
    """The cost of one full lot does not grow with the number of lots around it."""
    street = {one.id: one for one in (lot(f"l{number:03}", 10 * number) for number in range(60))}
    lots = [LotNow("l000", drivers=100), *(LotNow(name, room=3) for name in sorted(street)[1:])]
    spreading = Spreading(walk_max_metres=1_000, spread_metres=400, share_max=0.5)
    placed = distribute(lots, WalkingDistances(street, 1.0), spreading)
    assert [offer.to for offer in placed] == sorted(street)[1 : CONSIDERED_MAX + 1]
    assert sum(offer.drivers for offer in placed) == 3 * CONSIDERED_MAX
    anywhere = distribute(lots, WalkingDistances({}, 1.0), spreading)
    assert len(anywhere) == CONSIDERED_MAX
