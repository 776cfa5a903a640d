"""A month of a lake recomputed from its readings, by code that shares nothing with the rules: every figure is the same.

Three points measure every four hours through November 2026 (local); the log has gaps, late and repeated readings,
marks of the stations, values that cannot be, jumps at one point and at several, and a probe that stands still. The
recomputation reads the readings and the figures of the policy and the standard (TOML), and counts in fractions.
"""

from __future__ import annotations

import random
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import log, log10
from typing import Any, Final

import orjson
import pytest

from schemas.indicator import Indicator
from tests.unit.stream_processors.recorded import Process, Record
from tests.unit.stream_processors.water_log import PLAN, TOPIC, Item, Said, judge, tick

FIRST: Final = datetime(2026, 10, 31, 16, tzinfo=UTC)
"""Local midnight of 1 November."""
LAST: Final = FIRST + timedelta(days=30)
HOUR: Final = timedelta(hours=1)
POINTS: Final = ("p1", "p2", "p3")
ITEMS: Final = ("ph", "do_mg_l", "codmn_mg_l", "nh3n_mg_l", "tp_mg_l")
MEANS: Final = (*ITEMS, "tn_mg_l", "chla_ug_l", "transparency_m", "water_temp_c")
CHECKED: Final = (*MEANS, "conductivity_us_cm", "turbidity_ntu")
IDS: Final = dict(zip(ITEMS, ("ph", "do", "codmn", "nh3n", "tp"), strict=True))

Reading = dict[str, Any]


# ---- the month as it was measured and as it arrived


def month() -> list[Reading]:
    """All readings in the order of event time."""
    dice = random.Random(20_261_101)
    found = []
    for place, point in enumerate(POINTS):
        for n in range(180):
            at = FIRST + n * 4 * HOUR + timedelta(minutes=7 * place)
            foul = 60 <= n < 90
            body: Reading = {
                "feed": "water",
                "device_id": point,
                "group_id": "beihu",
                "boot_id": "b1",
                "seq": n,
                "observed_at": at.isoformat(),
                "water_body": "lake",
                "water_temp_c": round(15 + dice.uniform(-1, 1), 2),
                "ph": round(7.6 + dice.uniform(-0.07, 0.07), 2),
                "do_mg_l": round(8.2 + dice.uniform(-0.6, 0.6), 2),
                "codmn_mg_l": round(3.9 + dice.uniform(-0.8, 0.8), 2),
                "nh3n_mg_l": round(0.3 + dice.uniform(-0.1, 0.1), 3),
                "tp_mg_l": round((0.13 if foul else 0.034) + dice.uniform(-0.01, 0.01), 3),
                "tn_mg_l": round(1.1 + dice.uniform(-0.2, 0.2), 2) if place < 2 else None,
                "chla_ug_l": round(12 + dice.uniform(-4, 4), 1) if place == 0 else None,
                "turbidity_ntu": round(8 + dice.uniform(-2, 2), 1),
            }
            found.append(body)
    by = {(one["device_id"], one["seq"]): one for one in found}
    _break(by)
    kept = [one for key, one in by.items() if key not in _gaps(dice)]
    return sorted(kept, key=lambda one: (one["observed_at"], one["device_id"]))


def _break(by: dict[tuple[str, int], Reading]) -> None:
    for n in (20, 21):
        by["p1", n]["do_mg_l"] = 31.5  # cannot be
    by["p2", 33]["nh3n_mg_l"] = 11.0  # a jump at one point alone
    for point in POINTS[:2]:
        by[point, 45]["nh3n_mg_l"] = 10.5  # and at two at once
        by[point, 45]["tn_mg_l"] = 12.0
    for n in range(100, 110):
        by["p3", n]["ph"] = 7.61  # stands still
    by["p2", 120]["nh3n_mg_l"] = by["p2", 120]["tn_mg_l"] + 0.1  # more ammonia than nitrogen
    for n in (130, 131, 132):
        by["p1", n]["quality"] = "maintenance"
    by["p3", 140]["quality"] = "fault"
    for n in range(150, 154):
        by["p2", n]["codmn_mg_l"] = by["p2", n]["tp_mg_l"] = None
    for n in range(160, 164):
        for point in POINTS:
            by[point, n]["ph"] = by[point, n]["do_mg_l"] = None  # three items: no class


def _gaps(dice: random.Random) -> set[tuple[str, int]]:
    """What never came: single samples, two days of one point, one day of all."""
    gone = {(dice.choice(POINTS), dice.randrange(2, 180)) for _ in range(12)}
    gone |= {("p2", n) for n in range(70, 82)}
    return gone | {(point, n) for point in POINTS for n in range(168, 174)}


def as_it_arrived(readings: list[Reading]) -> list[Item]:
    """Some late by up to 40 hours, some twice; a tick every two hours."""
    dice = random.Random(11)
    arrivals: list[tuple[datetime, int, Item]] = []
    for number, one in enumerate(readings):
        at = datetime.fromisoformat(one["observed_at"])
        late = timedelta(hours=dice.uniform(1, 40)) if dice.random() < 0.15 else timedelta(seconds=20)
        item: Item = (orjson.dumps(one), [])
        arrivals.append((at + late, number, item))
        if dice.random() < 0.1:
            arrivals.append((at + late + timedelta(hours=dice.uniform(0, 30)), number, item))
    for n in range(0, 34 * 24, 2):
        moment = FIRST + n * HOUR
        arrivals.append((moment, -1, tick((moment - START).total_seconds() / 60)))
    return [item for _, _, item in sorted(arrivals, key=lambda one: one[:2])]


START: Final = datetime(2026, 11, 24, tzinfo=UTC)


@cache
def platform() -> dict[tuple[str, str, datetime], Indicator]:
    """The figures as last said, by id, subject and start."""
    said = Said()
    process = Process(judge(), TOPIC)
    records = [Record(n, *item) for n, item in enumerate(as_it_arrived(month()))]
    said.take(process.worker.judge(records)[0])
    return {(one.id, one.subject, one.period_start): one for one in said.indicators if one.sample is None}


# ---- the same from the readings alone

POLICY: Final = tomllib.loads((PLAN / "policies" / "water.toml").read_text(encoding="utf-8"))
LIMITS: Final = {one["id"]: one["value"] for one in POLICY["limit"]}
STANDARD: Final = tomllib.loads((PLAN / "standards" / "gb3838-2002.toml").read_text(encoding="utf-8"))
TABLE: Final = {one["field"]: one for one in STANDARD["item"] if one.get("field") in ITEMS}


def exact(value: float) -> Fraction:
    return Fraction(Decimal(repr(value)))


@dataclass
class Station:
    """What the checks of one point go by."""

    trusted: dict[str, tuple[float, datetime]] = field(default_factory=dict)
    last: Reading = field(default_factory=dict)
    same: Counter[str] = field(default_factory=Counter)

    def codes(self, one: Reading, at: datetime) -> tuple[dict[str, int], set[str]]:
        """The code of each item, and which were doubted for their movement alone."""
        values = {name: one.get(name) for name in CHECKED}
        here = {name: value for name, value in values.items() if value is not None}
        kinds: dict[str, set[str]] = defaultdict(set)
        for name, value in here.items():
            low, high = LIMITS.get(f"water.range.{name}.low"), LIMITS.get(f"water.range.{name}.high")
            if (low is not None and value < low) or (high is not None and value > high):
                kinds[name].add("range")
        for name in self.jumps(here, at):
            kinds[name].add("step")
        for name in self.standing(values):
            kinds[name].add("flat")
        if here.get("nh3n_mg_l", 0) > here.get("tn_mg_l", 1e9) * LIMITS["water.cross.nh3n_tn"] + 1e-9:
            kinds["nh3n_mg_l"].add("cross")
            kinds["tn_mg_l"].add("cross")
        unchecked = {"chla_ug_l", "transparency_m"}
        codes = {name: 9 if name not in here else 2 if name in unchecked else 1 for name in CHECKED}
        codes |= {name: 4 if "range" in why else 3 for name, why in kinds.items()}
        self.last = values
        self.trusted |= {name: (value, at) for name, value in here.items() if codes[name] < 3}
        return codes, {name for name, why in kinds.items() if why <= {"step", "cross"}}

    def jumps(self, here: Reading, at: datetime) -> list[str]:
        """What moved too far, unless something else moved with it."""
        found, moved = [], 0
        for name in here.keys() & self.trusted.keys():
            was, since = self.trusted[name]
            allowed = LIMITS.get(f"water.step.{name}", 1e9) * max(1.0, (at - since) / HOUR)
            change = abs(here[name] - was)
            moved += change >= allowed * POLICY["settings"]["quality"]["together_share"] - 1e-9
            if change > allowed + 1e-9:
                found.append(name)
        return found if moved < 2 else []

    def standing(self, values: Reading) -> list[str]:
        """What has shown the same value too often in a row."""
        for name in POLICY["settings"]["quality"]["flat_items"]:
            alike = self.last and values[name] == self.last[name]
            self.same[name] = 0 if values[name] is None else self.same[name] + 1 if alike else 1
        return [name for name, times in self.same.items() if times >= LIMITS["water.flat_line"]]


Sums = dict[str, dict[str, list[Fraction]]]
"""By point and item: the values that count (of pH the concentration of hydrogen ions)."""


def start_of(at: datetime, length: timedelta) -> datetime:
    return at - (at - FIRST) % length


Rounds = dict[datetime, dict[str, Any]]
Days = dict[tuple[str, datetime], dict[str, Any]]


@cache
def recomputed() -> tuple[Rounds, Days]:
    """Rounds by start, and the checks by point and day."""
    stations = {point: Station() for point in POINTS}
    rounds: Rounds = {}
    days: Days = {}
    for one in month():
        at, point = datetime.fromisoformat(one["observed_at"]), one["device_id"]
        if one.get("quality", "good") != "good":
            continue
        codes, moved = stations[point].codes(one, at)
        day = days.setdefault((point, start_of(at, 24 * HOUR)), {"n": 0, "codes": defaultdict(Counter)})
        day["n"] += 1
        for name, code in codes.items():
            day["codes"][name][str(code)] += 1
        found = rounds.setdefault(start_of(at, 4 * HOUR), {"n": 0, "points": {}, "doubted": defaultdict(dict)})
        found["n"] += 1
        values = found["points"].setdefault(point, defaultdict(list))
        for name in [name for name in MEANS if one.get(name) is not None]:
            amount = Fraction(10 ** -one[name]) if name == "ph" else exact(one[name])
            if codes[name] < 3:
                values[name].append(amount)
            else:
                found["doubted"][name][point] = amount if name in moved else None
    for found in rounds.values():
        found["left"] = _settle(found)
    return rounds, days


def _settle(found: dict[str, Any]) -> dict[str, list[str]]:
    """Count what was doubted at two points or more; who is left out, by item."""
    left = {}
    for name, points in found["doubted"].items():
        moved = [point for point, amount in points.items() if amount is not None]
        counting = moved if len(moved) >= POLICY["settings"]["quality"]["doubted_points_min"] else []
        for point in counting:
            found["points"][point][name].append(points[point])
        if set(points) - set(counting):
            left[name] = sorted(set(points) - set(counting))
    return left


def verdict(points: Sums) -> dict[str, Any]:
    """Means over the points of each point's mean; the class of the lake."""
    means: dict[str, float] = {}
    for name in MEANS:
        of = [sum(v[name], Fraction()) / len(v[name]) for v in points.values() if v.get(name)]
        if of:
            mean = sum(of, Fraction()) / len(of)
            means[name] = round(-log10(float(mean)), 9) if name == "ph" else float(mean)
    ranks = {name: rank_of(name, means[name]) for name in ITEMS if name in means}
    enough = 2 * sum(any(v.values()) for v in points.values()) >= len(POINTS)
    rank = max(ranks.values()) if len(ranks) >= POLICY["settings"]["class"]["items_min"] and enough else None
    return {"means": means, "ranks": ranks, "rank": rank}


def rank_of(name: str, value: float) -> int:
    item = TABLE[name]
    if "range" in item:
        low, high = item["range"]
        return 1 if low <= value <= high else 6
    limits = item.get("lake_limits", item.get("limits"))
    met = [limit for limit in limits if (value >= limit if name == "do_mg_l" else value <= limit)]
    return 1 + len(limits) - len(met)


def exceeded(means: dict[str, float], place: int) -> dict[str, float]:
    found = {}
    for name in ("codmn_mg_l", "nh3n_mg_l", "tp_mg_l"):
        limit = TABLE[name].get("lake_limits", TABLE[name]["limits"])[place]
        if name in means and means[name] > limit:
            found[IDS[name]] = round((means[name] - limit) / limit, 4)
    return found


def same_class(details: dict[str, Any], expected: dict[str, Any]) -> None:
    assert details["means"] == pytest.approx(expected["means"], rel=1e-9)
    found = details["class"]
    assert found["items"] == {IDS[name]: rank for name, rank in expected["ranks"].items()}
    assert found["n_items"] == len(expected["ranks"])
    rank = expected["rank"]
    if rank is not None:
        worst = [IDS[name] for name, of in expected["ranks"].items() if of == rank and rank > 1]
        assert sorted(found["deciding"]) == sorted(worst)
        assert found["exceed_vs_class3"] == pytest.approx(exceeded(expected["means"], 2))
        assert found["exceed_vs_target"] == pytest.approx(exceeded(expected["means"], 2))


def judged(rank: int | None) -> str:
    return "cannot_say" if rank is None else "met" if rank <= 3 else "not_met"


def test_every_round_is_the_same() -> None:
    rounds, _ = recomputed()
    said = {start: one for (name, _, start), one in platform().items() if name == "water.class"}
    assert said.keys() == rounds.keys()
    for start, found in rounds.items():
        expected, one = verdict(found["points"]), said[start]
        assert (one.value, one.status, one.n) == (expected["rank"], judged(expected["rank"]), found["n"])
        assert one.period_end == start + 4 * HOUR
        assert one.completeness == len(expected["ranks"]) / 5
        details: dict[str, Any] = one.details
        assert (details["points"], details["stations"]) == (sorted(found["points"]), 3)
        same_class(details, expected)
        left = {name: points for name, points in found["left"].items() if name in ITEMS}
        assert details.get("doubted", {}).get("left_out", {}) == left


def test_every_trophic_index_is_the_same() -> None:
    rounds, _ = recomputed()
    formula = {
        "chla_ug_l": (1.0, 2.5, 1.086),
        "tp_mg_l": (0.7056, 9.436, 1.624),
        "tn_mg_l": (0.6724, 5.453, 1.694),
        "transparency_m": (0.6889, 5.118, -1.94),
        "codmn_mg_l": (0.6889, 0.109, 2.661),
    }
    for start, found in rounds.items():
        means = verdict(found["points"])["means"]
        terms = [(w, 10 * (a + b * log(means[name]))) for name, (w, a, b) in formula.items() if name in means]
        one = platform().get(("water.trophic_index", "beihu", start))
        if not terms:
            assert one is None
            continue
        assert one is not None
        index = sum(weight * value for weight, value in terms) / sum(weight for weight, _ in terms)
        assert one.value == pytest.approx(index, abs=1e-6)
        assert (one.n, one.completeness) == (found["n"], len(terms) / 5)


@pytest.mark.parametrize(("indicator", "days"), [("water.class_day", 1), ("water.class_month", 30)])
def test_every_day_and_the_month_are_the_same(indicator: str, days: int) -> None:
    rounds, _ = recomputed()
    length = timedelta(days=days)
    said = {start: one for (name, _, start), one in platform().items() if name == indicator}
    starts = {start_of(start, length) for start in rounds}
    assert said.keys() == starts
    for period in starts:
        inside = [found for start, found in rounds.items() if period <= start < period + length]
        points: Sums = defaultdict(lambda: defaultdict(list))
        for found in inside:
            for point, values in found["points"].items():
                for name in values:
                    points[point][name] += values[name]
                points[point]["seen"] = points[point]["seen"]
        classed = sum(verdict(found["points"])["rank"] is not None for found in inside)
        expected, all_rounds = verdict(points), days * 6
        if 2 * classed < all_rounds or classed == 0:
            expected["rank"] = None
        one = said[period]
        assert (one.value, one.status.value) == (expected["rank"], judged(expected["rank"])), (period, one)
        assert (one.n, one.period_end) == (sum(found["n"] for found in inside), period + length)
        assert one.completeness == pytest.approx(classed / all_rounds)
        details: dict[str, Any] = one.details
        assert (details["rounds"], details["rounds_expected"]) == (classed, all_rounds)
        assert (details["points"], details["stations"]) == (sorted(points), 3)
        assert "so_far" not in details
        same_class(details, expected)
        left = Counter(name for found in inside for name in found["left"] if name in ITEMS)
        assert details.get("doubted", {}).get("left_out_rounds", {}) == dict(left)


def test_the_checks_of_every_point_and_day_are_the_same() -> None:
    _, days = recomputed()
    said = {
        (subject, start): one for (name, subject, start), one in platform().items() if name == "water.point_quality"
    }
    assert said.keys() == days.keys()
    for key, found in days.items():
        one = said[key]
        codes = {name: dict(counts) for name, counts in found["codes"].items() if set(counts) != {"9"}}
        measured = sum(n for counts in codes.values() for code, n in counts.items() if code != "9")
        doubted = sum(n for counts in codes.values() for code, n in counts.items() if code in {"3", "4"})
        assert one.details["codes"] == codes
        assert one.value == pytest.approx((measured - doubted) / measured, abs=1e-6)
        assert (one.n, one.status.value) == (found["n"], "cannot_say")
        assert one.status_reason.startswith(f"{doubted} of {measured} values are in doubt")


def test_the_month_has_what_it_is_to_have() -> None:
    rounds, _ = recomputed()
    ranks = Counter(verdict(found["points"])["rank"] for found in rounds.values())
    assert set(ranks) >= {None, 3, 5}
    assert sum(len(found["left"]) for found in rounds.values()) >= 10
    (whole,) = [one for (name, _, _), one in platform().items() if name == "water.class_month"]
    assert whole.details["rounds"] == 180 - 6 - ranks[None]
