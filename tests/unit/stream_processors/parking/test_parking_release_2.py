"""A zone as the previous release left it is read, and goes on to the same alerts and figures."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import orjson
from msgspec.structs import astuple

from schemas.parking import ParkingReading
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.feed_rules import Entry
from tests.unit.stream_processors.in_order import Recorder, wake_until
from tests.unit.stream_processors.parking.parking_zone import ZONE, local_midnight, reading, rules

SAVED = Path(__file__).with_name("release_2_zone.json")
"""The state that release 2 wrote at 22:00 on 30 November of the zone below, and what it said until 01:00."""
START = local_midnight(29) + timedelta(hours=20)
SAVED_AT = local_midnight(30) + timedelta(hours=22)
END = local_midnight(1, 12) + timedelta(hours=1)
MINUTE = timedelta(minutes=1)
QUARTER = 15 * MINUTE


def zone(begin: datetime, end: datetime) -> list[ParkingReading]:
    """Lot a fills and empties, b tells what cannot be and changes its boots, x stands still, d falls silent."""
    found = []
    number = (begin - START) // QUARTER
    at = START + number * QUARTER
    while at < end:
        a = [40, 41, 40, 3, 0, 0, 0, 12][number % 8] if number % 30 < 20 else 0
        found.append(reading(at, a, device="a", entries=5 * number, seq=number))
        boot, counted = ("boot-1", "boot-2")[number % 40 >= 30], 3 * number if number % 50 < 40 else number
        b = [50, -3, 130, 50][number % 4]
        found.append(reading(at + MINUTE, b, device="b", entries=counted, boot=boot, seq=number, out=10))
        found.append(reading(at + 2 * MINUTE, 33, device="x", seq=number))
        if at < SAVED_AT - 40 * MINUTE:
            found.append(reading(at + 3 * MINUTE, 60 + number % 3, device="d", seq=number))
        at += QUARTER
        number += 1
    return found


def _known_then(details: dict[str, object]) -> dict[str, object]:
    """Without what release 2 did not say: that a day runs."""
    return {name: value for name, value in details.items() if name != "so_far"}


def test_a_zone_of_release_2_goes_on_to_the_same_alerts_and_figures() -> None:
    saved = orjson.loads(SAVED.read_bytes())
    by, recorder = rules(), Recorder()
    state = by.load(saved["state"], ZONE, "live")
    recorder.wakes = saved["wakes"]
    entries = []
    for offset, one in enumerate(zone(SAVED_AT, END), saved["offset"]):
        told = by.entry(one)
        assert told is not None
        entries.append(Entry(to_us(one.observed_at), one.device_id, one.boot_id, one.seq, told[0], offset, told[1]))
    for entry in sorted(entries):
        wake_until(by, state, recorder, entry.at_us)
        by.apply(state, entry, recorder)
    wake_until(by, state, recorder, to_us(END))

    figures = {
        name: [*astuple(one)[:5], one.status.value, one.n, one.completeness, _known_then(one.details)]
        for name, one in recorder.figures.items()
        if one.id != "parking.guidance"
    }
    expected = {tuple(one[:4]): [*one[:6], *one[7:]] for one in saved["figures"]}
    assert figures == expected
    assert len(expected) > 30
    episodes = [
        [rule, lot, e.started_us, e.raised_us, e.level, e.ended_us, e.cleared_us, list(e.offsets)]
        for (rule, lot, _), e in sorted(recorder.episodes.items())
    ]
    assert episodes == saved["episodes"]
