"""Figures of a district's days and month against a reckoning of their own: calls nobody reached, silent units."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil
from typing import Any, NamedTuple

import pytest

from schemas.emergency import EmergencyReading, Step, UnitState
from schemas.fields import Feed
from services.stream_processors.emergency.coverage import Cell
from tests.unit.stream_processors.emergency.emergency_district import judge
from tests.unit.stream_processors.month import DAY, MONTH, MONTH_END, as_it_arrives, days, final_of, said_of

WEST, EAST = (114.20, 30.60), (114.45, 30.60)
CELLS = (Cell("west", *WEST, 700), Cell("east", *EAST, 300))
FRESH = timedelta(seconds=900)
TEN = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
POSTS = {"u1": WEST, "u2": EAST, "u3": WEST}


class Call(NamedTuple):
    """A call, and when it was answered, or over without."""

    began: datetime
    arrived: datetime | None
    over: datetime | None
    """None: given up with its greatest age."""
    street: str


def calls(dice: random.Random) -> list[Call]:
    found = []
    for _ in range(22 * 30):
        began = MONTH + timedelta(seconds=dice.randrange(30 * 86_400))
        street = dice.choice(["beihu", "wansong", "minquan"])
        fate = dice.random()
        if fate < 0.92:
            found.append(Call(began, began + timedelta(seconds=round(dice.gammavariate(9, 45))), None, street))
        elif fate < 0.97:
            found.append(Call(began, None, began + timedelta(seconds=dice.randrange(60, 4_000)), street))
        else:
            found.append(Call(began, None, None, street))
    return found


class Teller:
    """Readings with numbers that count up."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def __call__(self, device: str, at: datetime, **fields: Any) -> EmergencyReading:
        seq = self._next.get(device, 0)
        self._next[device] = seq + 1
        return EmergencyReading(
            feed=Feed.EMERGENCY,
            device_id=device,
            group_id="jianghan",
            boot_id="b",
            seq=seq,
            observed_at=at,
            **fields,
        )


def steps(known: list[Call], tell: Teller) -> Iterator[EmergencyReading]:
    for number, call in enumerate(known):
        name = f"call-{number}"
        head: dict[str, Any] = {"incident_id": name, "street": call.street, "call_received_at": call.began}
        yield tell("dispatch", call.began, step=Step.CALL_RECEIVED, **head)
        if call.arrived is not None:
            second = call.arrived + 4 * MINUTE
            for unit, scene in ((f"a{number}", call.arrived), (f"b{number}", second)):
                yield tell(unit, scene, step=Step.ON_SCENE, unit_id=unit, on_scene_at=scene, **head)
        elif call.over is not None:
            yield tell("dispatch", call.over, step=Step.AVAILABLE, **head)


def reports(dice: random.Random, tell: Teller) -> Iterator[EmergencyReading]:
    """Three units that report every fourteen minutes, on full fives of seconds; hours without a word."""
    for unit, place in POSTS.items():
        at = MONTH + timedelta(minutes=1)
        while at < MONTH_END:
            state = dice.choices(["available", "on_scene"], [5, 1])[0]
            yield tell(unit, at, unit_id=unit, unit_state=UnitState(state), longitude=place[0], latitude=place[1])
            silent = dice.random() < 0.01
            at += timedelta(seconds=5 * dice.randrange(720, 7_200)) if silent else timedelta(minutes=14)


def covered(told: list[EmergencyReading], start: datetime, end: datetime) -> tuple[float | None, float | None, float]:
    """Mean and least share of people in reach over a day, and how much of it is known."""
    spans: dict[str, list[tuple[datetime, datetime, bool]]] = {}
    moments = {start, end}
    for unit in POSTS:
        own = sorted((one for one in told if one.unit_id == unit), key=lambda one: one.observed_at)
        for one, after in zip(own, [*own[1:], None], strict=False):
            until = one.observed_at + FRESH
            until = until if after is None else min(until, after.observed_at)
            spans.setdefault(unit, []).append((one.observed_at, until, one.unit_state == "available"))
            moments |= {moment for moment in (one.observed_at, until) if start < moment < end}
    known, people, least = timedelta(), 0.0, None
    ordered = sorted(moments)
    spans = {unit: [s for s in own if s[1] > start and s[0] < end] for unit, own in spans.items()}
    for moment, after in pairwise(ordered):
        here = {
            unit: available for unit, own in spans.items() for since, until, available in own if since <= moment < until
        }
        if not here:
            continue
        reached = {POSTS[unit] for unit, available in here.items() if available}
        share = (0.7 if WEST in reached else 0) + (0.3 if EAST in reached else 0)
        known += after - moment
        people += share * ((after - moment) / MINUTE)
        least = share if least is None else min(least, share)
    return (people / (known / MINUTE) if known else None), least, known / (end - start)


def ranked(times: list[float], percent: int) -> float | None:
    return sorted(times)[max(1, ceil(len(times) * percent / 100)) - 1] if times else None


def test_the_figures_of_each_day_and_of_the_month_are_what_the_readings_come_to() -> None:
    dice, tell = random.Random(5), Teller()
    known = calls(dice)
    units = list(reports(dice, tell))
    told = [*steps(sorted(known), tell), *units]
    latest = timedelta(minutes=170)
    log = as_it_arrives(told, dice, latest=latest, every=15 * MINUTE, until=MONTH_END + DAY)
    result = said_of(judge(CELLS), log)
    final = final_of(result)
    near = pytest.approx
    statuses = set()
    for start, end in days():
        own = [call for call in known if start <= call.began < end]
        times = [(call.arrived - call.began) / MINUTE for call in own if call.arrived is not None]
        ages = [
            ((call.over or call.began + timedelta(hours=6)) - call.began) / MINUTE for call in own if not call.arrived
        ]
        within = sum(time <= 10 for time in times)
        beyond = sum(age > 10 for age in ages)
        everyone = ranked([*times, *ages], 90)
        assert everyone is not None
        said = final["emergency.response", "jianghan", start, end]
        assert said.value == said.details["p90_minutes"] == near(ranked(times, 90), abs=2e-6), start
        assert said.details["p50_minutes"] == near(ranked(times, 50), abs=2e-6)
        assert said.details["p90_all_minutes"] == near(everyone, abs=2e-6)
        assert (said.n, said.details["calls"]) == (len(times), len(own))
        assert (said.details["unreached"], said.details["open"], said.details["doubtful"]) == (len(ages), 0, 0)
        assert (said.details["within"], said.details["over"]) == (within, len(times) - within)
        assert "so_far" not in said.details
        expected = "cannot_say" if len(times) < 20 else "met" if max(said.value, everyone) <= 10 else "not_met"
        assert said.status == expected
        statuses.add(expected)
        for street in ("beihu", "wansong", "minquan"):
            there = [(call.arrived - call.began) / MINUTE for call in own if call.arrived and call.street == street]
            if there:
                shown = said.details["by_street"][street]
                assert shown["n"] == len(there)
                assert shown["within"] == sum(time <= 10 for time in there)
                assert shown["p90_minutes"] == near(ranked(there, 90), abs=2e-6)
        share = final["emergency.response_share", "jianghan", start, end]
        assert share.value == near(within / len(times), abs=2e-6)
        assert share.details["share_of_all"] == near(within / (len(times) + beyond), abs=2e-6)
        unreached = final["emergency.calls_unreached", "jianghan", start, end]
        assert unreached.value == len(ages)
        if end - start == DAY:
            mean, least, part = covered(units, start, end)
            day = final["emergency.coverage_day", "jianghan", start, end]
            assert day.value == near(mean, abs=2e-6), start
            assert day.details["least"] == near(least, abs=2e-6)
            assert day.completeness == near(part, abs=2e-6)
            assert day.status == (
                "cannot_say" if part < 0.75 else "met" if mean is not None and mean >= 0.9 else "not_met"
            )
    assert {"not_met"} <= statuses
    running = [
        one
        for one in result.indicators
        if one.known_at is not None and one.known_at < one.period_end and one.id != "emergency.coverage"
    ]
    assert running
    assert all(one.status == "cannot_say" and "so_far" in one.details for one in running)
