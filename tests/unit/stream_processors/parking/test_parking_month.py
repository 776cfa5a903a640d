"""Figures of a zone's days and month against a reckoning of their own: gaps, impossible counts, late readings."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.fields import Feed, Quality
from schemas.parking import ParkingReading
from schemas.plan.book import PlanBook
from services.stream_processors.engine.timeline_judge import TimelineJudge
from services.stream_processors.parking.processor import ParkingRules
from tests.unit.stream_processors.month import DAY, MONTH, MONTH_END, as_it_arrives, days, final_of, said_of
from tests.unit.stream_processors.parking.parking_zone import policy

HOLD = timedelta(seconds=1_800)
PACE = timedelta(minutes=12)
MINUTE = timedelta(minutes=1)
LOTS = {"p1": 120, "p2": 80, "p3": 40}
BROKEN = 10
"""Spaces out of service of p1 in the second half of the month."""


def readings(dice: random.Random) -> Iterator[ParkingReading]:
    """Each lot every twelve minutes: full at times, hours without a word, impossible counts, counters that restart."""
    for number, (lot, total) in enumerate(LOTS.items()):
        at, seq, boot, cars = MONTH + timedelta(seconds=11 + number), 0, 0, 5
        free = total // 2
        while at < MONTH_END:
            hour = ((at - MONTH) % DAY) / timedelta(hours=1)
            drift = 8 if 7 < hour < 14 else -8
            free = min(total - BROKEN, max(0, free - dice.randrange(-6, 7) - drift))
            cars += dice.randrange(0, 5)
            if dice.random() < 0.001:
                boot, seq, cars = boot + 1, 0, 0
            told = dice.choices([free, -2, total + 3], [500, 1, 1])[0]
            yield ParkingReading(
                feed=Feed.PARKING,
                device_id=lot,
                group_id="zone-x",
                boot_id=f"b{boot}",
                seq=seq,
                observed_at=at,
                quality=dice.choices([Quality.GOOD, Quality.UNCERTAIN], [200, 1])[0],
                total_spaces=total,
                out_of_service_spaces=BROKEN if lot == "p1" and at - MONTH > 15 * DAY else 0,
                free_spaces=told,
                entries_total=None if lot == "p3" else cars,
            )
            seq += 1
            at += timedelta(hours=dice.uniform(0.5, 8)) if dice.random() < 0.004 else PACE


def reckoned(own: list[ParkingReading], start: datetime, end: datetime) -> dict[str, Any]:
    """Sums of one lot over a period, from all readings that there are."""
    found: dict[str, Any] = dict.fromkeys(("covered", "full", "told"), timedelta())
    found |= dict.fromkeys(("occupied", "usable", "parked"), 0.0) | dict.fromkeys(("n", "impossible"), 0)
    counter: ParkingReading | None = None
    for one, after in zip(own, [*own[1:], None], strict=False):
        wrong = not 0 <= one.free_spaces <= one.total_spaces
        valid = not wrong and one.quality is Quality.GOOD
        if start <= one.observed_at < end:
            found["n"] += valid
            found["impossible"] += wrong
        if valid:
            until = one.observed_at + HOLD
            until = until if after is None else min(until, after.observed_at)
            held = max(timedelta(), min(until, end) - max(one.observed_at, start))
            usable = one.total_spaces - one.out_of_service_spaces
            room = min(one.free_spaces, usable)
            found["covered"] += held
            found["usable"] += usable * (held / MINUTE)
            found["occupied"] += (usable - room) * (held / MINUTE)
            found["full"] += held if room == 0 else timedelta()
        if one.entries_total is not None:
            if counter is not None and start <= one.observed_at < end:
                before = counter.entries_total or 0
                same_boot = one.boot_id == counter.boot_id
                found["parked"] += one.entries_total - before if same_boot else one.entries_total
                # What came across midnight cannot be divided: its time counts from midnight on.
                midnight = MONTH + (one.observed_at - MONTH) // DAY * DAY
                found["told"] += one.observed_at - max(counter.observed_at, midnight)
            counter = one
    return found


def test_the_figures_of_each_day_and_of_the_month_are_what_the_readings_come_to() -> None:
    dice = random.Random(7)
    told = list(readings(dice))
    log = as_it_arrives(told, dice, latest=timedelta(minutes=110), every=12 * MINUTE, until=MONTH_END + DAY)
    book = PlanBook([policy()])
    result = said_of(TimelineJudge(ParkingRules(book), book), log)
    final = final_of(result)
    own = {lot: sorted((one for one in told if one.device_id == lot), key=lambda one: one.observed_at) for lot in LOTS}
    near = pytest.approx
    full = impossible = 0
    for start, end in days():
        by_lot = {lot: reckoned(own[lot], start, end) for lot in LOTS}
        by_lot["zone-x"] = {
            name: sum((sums[name] for sums in by_lot.values()), type(by_lot["p1"][name])()) for name in by_lot["p1"]
        }
        for subject, sums in by_lot.items():
            whole = (end - start) * (3 if subject == "zone-x" else 1)
            full += sums["full"] > timedelta()
            impossible += sums["impossible"]
            said = final["parking.occupancy", subject, start, end]
            assert said.value == near(sums["occupied"] / sums["usable"], abs=2e-6), (subject, start)
            assert said.completeness == near(sums["covered"] / whole, abs=2e-4)
            assert said.n == sums["n"]
            assert said.details["impossible_readings"] == sums["impossible"]
            minutes = final["parking.full_minutes", subject, start, end]
            assert minutes.value == near(sums["full"] / MINUTE, abs=0.011)
            assert (minutes.n, minutes.completeness) == (said.n, said.completeness)
            assert "so_far" not in said.details
            assert "so_far" not in minutes.details
            if subject == "p3":
                continue
            turned = final["parking.turnover", subject, start, end]
            spaces = LOTS["p1"] + LOTS["p2"] if subject == "zone-x" else LOTS[subject]
            assert turned.value == near(sums["parked"] / spaces, abs=2e-6)
            assert turned.details == {"vehicles": sums["parked"], "spaces": spaces}
            assert turned.completeness == near(sums["told"] / whole, abs=2e-4)
    assert full > 20
    assert impossible > 20
    running = [one for one in result.indicators if one.known_at is not None and one.known_at < one.period_end]
    periods = [one for one in running if one.id != "parking.guidance"]
    assert periods
    assert all("so_far" in one.details and one.status == "cannot_say" for one in periods)
