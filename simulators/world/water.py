"""Lakes: temperature and oxygen by season and day, what rain washes in, spills and blooms. Pure but for memory.

A lake has two stores: rain water on its way through the drains, and what has arrived and is not yet diluted. Items of
one lake move together, with a little of each point's own; a spill reaches the points one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, pi, sin
from typing import Any, Final

from schemas.fields import Feed
from schemas.water import WaterBody
from simulators.world.dice import dice
from simulators.world.district import Lake, Point
from simulators.world.events import DAY, HOUR, Conditions, Event, EventKind, local_day, local_hour
from simulators.world.places import World
from simulators.world.said import Said
from simulators.world.truth import Truth

_DRAIN_SECONDS: Final = 1.5 * HOUR
"""Rain takes so long through the drains."""
_CLEAR_SECONDS: Final = 40 * HOUR
"""A lake gets rid of what came in."""
_WALK_SECONDS: Final = 20 * HOUR
_ITEMS: Final = ("temperature", "do", "ph", "conductivity", "turbidity", "codmn", "nh3n", "tp", "tn", "chla")
_SPILL_RISE: Final = 1_800.0
_SPILL_FALL: Final = 22 * HOUR


class _Walk:
    """Values that wander around 0 with a spread of 1 and forget within a day; one for each item."""

    __slots__ = ("values",)

    def __init__(self, draw: Any) -> None:
        self.values = {item: draw.gauss(0, 1) for item in _ITEMS}

    def move(self, draw: Any, seconds: float) -> None:
        keep = exp(-seconds / _WALK_SECONDS)
        step = (1 - keep * keep) ** 0.5
        for item, value in self.values.items():
            self.values[item] = keep * value + step * draw.gauss(0, 1)


class _Lake:
    """One lake and its points."""

    def __init__(self, lake: Lake, seed: int, begin: int, step: int, conditions: Conditions) -> None:
        self.lake, self.conditions = lake, conditions
        self.stream = dice(seed, "water", lake.id)
        self.points = [
            _Point(point, dice(seed, "water", point.id), begin, point.interval_seconds or step, number)
            for number, point in enumerate(lake.points)
        ]
        self.walk = _Walk(self.stream)
        self.at = begin
        self.in_drains = 0.0
        self.runoff = 0.0
        """Millimetres of rain whose dirt is in the lake."""
        self.saturation = self.stream.gauss(0, 0.06)
        self.ph = self.stream.gauss(0.1, 0.2)
        self.spills = conditions.of(EventKind.SPILL, lake.id)
        self.blooms = conditions.of(EventKind.BLOOM, lake.id)

    def move(self, until: int) -> None:
        """Bring the stores to a time, minute by minute where it rains."""
        seconds = until - self.at
        if seconds <= 0:
            return
        self.walk.move(self.stream, seconds)
        minutes = max(1, seconds // 60)
        each = seconds / minutes
        for number in range(minutes):
            rain = self.conditions.rain_mm_h(int(self.at + each * number)) * each / HOUR
            if rain or self.in_drains > 1e-6 or self.runoff > 1e-6:
                flow = self.in_drains * (1 - exp(-each / _DRAIN_SECONDS))
                self.in_drains += rain - flow
                self.runoff = self.runoff * exp(-each / _CLEAR_SECONDS) + flow
        self.at = until

    def spilled(self, at: int, number: int) -> dict[str, float]:
        """Milligrams a litre that spills have added at a point."""
        found: dict[str, float] = {}
        for event in self.spills:
            found[event.item] = found.get(event.item, 0.0) + event.size * _plume(event, at, number)
        return found

    def bloom(self, at: int) -> float:
        """Chlorophyll-a of blooms, micrograms a litre."""
        found = 0.0
        for event in self.blooms:
            if event.holds(at):
                found += event.size * sin(pi * (at - event.begin) / (event.end - event.begin)) ** 2
        return found


@dataclass(frozen=True, slots=True)
class _Now:
    """How the water is at a point, before it is measured."""

    hour: float
    walk: dict[str, float]
    runoff: float
    """In parts of 20 mm."""
    spill: dict[str, float]
    bloom: float
    light: float
    chla: float
    temperature: float


class _Point:
    """One measuring point."""

    def __init__(self, point: Point, stream: Any, begin: int, step: int, number: int) -> None:
        self.point, self.stream, self.step, self.number = point, stream, step, number
        self.next_at = begin + stream.randrange(step) // 60 * 60
        self.walk = _Walk(stream)
        self.factor = exp(stream.gauss(0, 0.05))

    def reading(self, lake: _Lake) -> dict[str, Any]:
        """What it measures at `next_at`."""
        now, noise = self._now(lake), self.stream.gauss
        nutrients = self._nutrients(lake, now)
        strange = sum(now.spill.values())
        conductivity = 405 + 22 * now.walk["conductivity"] - 60 * min(3.0, now.runoff) + 45 * strange
        turbidity = 14 * exp(0.28 * now.walk["turbidity"]) * (1 + 1.6 * now.runoff) + 0.1 * now.bloom
        saturation = 468 / (31.6 + now.temperature)
        return {
            "feed": Feed.WATER.value,
            "device_id": self.point.id,
            "group_id": lake.lake.id,
            "water_body": WaterBody.LAKE.value,
            "water_temp_c": round(now.temperature + noise(0, 0.04), 2),
            "ph": round(min(9.6, max(5.5, _ph(lake, now, strange) + noise(0, 0.012))), 2),
            "do_mg_l": round(max(0.2, saturation * _oxygen(lake, now) + noise(0, 0.04)), 2),
            "conductivity_us_cm": round(max(60.0, conductivity), 1),
            "turbidity_ntu": round(turbidity, 1),
            "codmn_mg_l": round(nutrients["codmn"] * (1 + noise(0, 0.006)), 3),
            "nh3n_mg_l": round(nutrients["nh3n"] * (1 + noise(0, 0.008)), 4),
            "tp_mg_l": round(nutrients["tp"] * (1 + noise(0, 0.008)), 5),
            "tn_mg_l": round(nutrients["tn"] * (1 + noise(0, 0.004)), 4),
            "chla_ug_l": round(now.chla * (1 + noise(0, 0.02)), 2),
            "transparency_m": round(min(3.0, max(0.1, 1.3 / (0.7 + 0.02 * now.chla + 0.5 * now.runoff))), 2),
            "algae_cells_l": float(round(now.chla * 380_000, -3)),
        }

    def _now(self, lake: _Lake) -> _Now:
        at = self.next_at
        self.walk.move(self.stream, self.step)
        walk = {item: 0.85 * lake.walk.values[item] + 0.4 * own for item, own in self.walk.values.items()}
        hour, day = local_hour(at), local_day(at).timetuple().tm_yday
        season = sin(2 * pi * (day - 115) / 365)
        runoff, bloom = lake.runoff / 20.0, lake.bloom(at)
        light = max(0.0, sin(pi * (hour - 6) / 13)) if 6 <= hour <= 19 else 0.0
        chla = lake.lake.level.chla_ug_l * (0.75 + 0.45 * season) * exp(0.22 * walk["chla"]) / (1 + 0.3 * runoff)
        temperature = 17.8 + 11.3 * season + 0.8 * cos(2 * pi * (hour - 15.5) / 24)
        return _Now(
            hour=hour,
            walk=walk,
            runoff=runoff,
            spill=lake.spilled(at, self.number),
            bloom=bloom,
            light=light,
            chla=(chla + bloom) * (0.92 + 0.16 * light),
            temperature=temperature + 0.9 * walk["temperature"] - min(1.5, 0.4 * runoff),
        )

    def _nutrients(self, lake: _Lake, now: _Now) -> dict[str, float]:
        """Milligrams a litre: the lake's level, what the rain brought, what was let in."""
        level, walk, runoff, spill = lake.lake.level, now.walk, now.runoff, now.spill
        ammonia = spill.get("nh3n_mg_l", 0.0)
        nh3n = level.nh3n_mg_l * self.factor * exp(0.13 * walk["nh3n"]) * (1 + 0.45 * runoff) + ammonia
        tp = level.tp_mg_l * self.factor * exp(0.08 * walk["tp"]) * (1 + 0.35 * runoff)
        codmn = level.codmn_mg_l * self.factor * exp(0.06 * walk["codmn"]) * (1 + 0.12 * runoff)
        tn = level.tn_mg_l * exp(0.09 * walk["tn"]) * (1 + 0.3 * runoff) + ammonia
        return {
            "nh3n": nh3n,
            "tp": tp + spill.get("tp_mg_l", 0.0) + 0.0005 * now.bloom,
            "codmn": codmn + spill.get("codmn_mg_l", 0.0) + 0.02 * now.bloom,
            "tn": max(tn, nh3n * 1.12),
        }


def _oxygen(lake: _Lake, now: _Now) -> float:
    """Share of saturation: light and algae make it, what was let in eats it."""
    eaten = now.spill.get("codmn_mg_l", 0.0) / 25 + now.spill.get("nh3n_mg_l", 0.0) / 30
    share = 0.92 + lake.saturation + 0.08 * now.walk["do"] + 0.1 * min(3.0, now.bloom / 60)
    share += (0.035 + 0.12 * min(3.0, now.chla / 60)) * cos(2 * pi * (now.hour - 16.5) / 24)
    return share * (1 - 0.35 * now.runoff / (now.runoff + 2.5)) / (1 + eaten)


def _ph(lake: _Lake, now: _Now, strange: float) -> float:
    green = 0.5 * min(2.0, now.chla / 60) * now.light
    return 7.75 + lake.ph + 0.12 * now.walk["ph"] + green - 0.12 * min(2.0, now.runoff) - 0.08 * min(6.0, strange)


def _plume(event: Event, at: int, number: int) -> float:
    """How much of a spill is at a point: it comes later and weaker to each further one, and fades after its end."""
    begin = event.begin + 1_200 * (number % 3)
    if at < begin:
        return 0.0
    strength = 1.0 / (1.0 + 0.35 * (number % 3))
    level = 1.0 - exp(-(min(at, event.end + 1_200 * (number % 3)) - begin) / _SPILL_RISE)
    return strength * level * exp(-max(0.0, at - event.end) / _SPILL_FALL)


class WaterModel:
    """All lakes of a world from a time on; it should begin some days before anybody looks, for the rain of those days.

    Args:
        step: Seconds between two readings of a point whose register says nothing else; at least 60.
    """

    def __init__(self, world: World, conditions: Conditions, seed: int, begin: int, step: int) -> None:
        self.truth: list[Truth] = []
        self._lakes = [_Lake(lake, seed, begin, step, conditions) for lake in world.district.lake]

    def advance(self, until: int) -> list[Said]:
        """What was said since the last time, up to and without `until`."""
        said: list[Said] = []
        for lake in self._lakes:
            due = sorted([(point.next_at, point.number) for point in lake.points if point.next_at < until])
            while due:
                at, number = due[0]
                point = lake.points[number]
                lake.move(at)
                said.append((at, point.point.id, point.reading(lake)))
                point.next_at += point.step
                due = sorted([(each.next_at, each.number) for each in lake.points if each.next_at < until])
        return said


LOOK_BACK: Final = 5 * DAY
"""Rain that fell before this is forgotten."""
