"""What was in force at a moment of event time: policy, standard and target in the form that judging needs. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Any, Final

from schemas.fields import Feed
from schemas.plan.book import PlanBook
from schemas.plan.documents import StandardDocument
from schemas.plan.errors import PlanFileError
from schemas.plan.in_force import Versions
from schemas.plan.policy import PolicyDocument, RulePolicy
from schemas.water import WaterBody
from services.stream_processors.engine.counting import Debounce
from services.stream_processors.engine.event_time import MICROSECONDS
from services.stream_processors.water.measured import CHECKED_FIELDS, PLACE
from services.stream_processors.water.places import NONE_REGISTERED, Intervals
from services.stream_processors.water.quality import CROSS_NH3N_TN, FLAT_LINE, Check, QualityLimits
from services.stream_processors.water.rhythm import Rhythm
from services.stream_processors.water.settings import WaterSettings
from services.stream_processors.water.standard import LimitTable, limit_table
from services.stream_processors.water.target import INDICATOR, Target, water_target

STANDARD: Final = "GB 3838-2002"

CLASS_WORSE: Final = "water.class_worse_than_target"
SENSOR_FAULT: Final = "water.sensor_fault"
STATION_SILENT: Final = "water.station_silent"
ALGAL_SIGNAL: Final = "water.algal_signal"
RULES: Final = (CLASS_WORSE, SENSOR_FAULT, STATION_SILENT, ALGAL_SIGNAL)

GAP_LATE: Final = "water.gap.late"
GAP_MISSING: Final = "water.gap.missing"
REPORTED_FAULT: Final = "water.reported_fault"
ALGAL_SATURATION: Final = "water.algal.do_saturation"
ALGAL_PH_RISE: Final = "water.algal.ph_rise"


@dataclass(frozen=True, slots=True, eq=False)
class Regime:
    """One policy, one version of the standard, and the target if there is one; equal to itself only."""

    policy: PolicyDocument
    settings: WaterSettings
    tables: MappingProxyType[str, LimitTable]
    """By water body."""
    target: Target | None
    rules: MappingProxyType[str, RulePolicy]
    debounce: MappingProxyType[str, Debounce]
    quality: QualityLimits
    reported: frozenset[str]
    """Marks of the station that say it has a fault."""
    names: MappingProxyType[str, tuple[str, str]]
    """Lakes by id: Chinese and English name."""
    round_us: int
    settle_us: int
    say_us: int
    registered: Intervals
    """Sampling intervals of the register."""
    fixed_us: int
    """The interval of every other station, when the policy names one; else 0: each has its own."""
    unknown_us: int
    """Interval of a station whose rhythm is not known."""
    shortest_us: int
    late: int
    missing: int
    """After so many thousandths of its interval a station is late, missing ..."""
    _gone_us: int
    """... and after so long it has been taken away, whatever its interval, but not before it was missing twice over."""

    def interval_us(self, device: str, rhythm: Rhythm) -> int:
        """How often a station measures: by the register, by the policy, or as it has shown."""
        return self.registered.get(device) or self.fixed_us or rhythm.interval_us or self.unknown_us

    def late_us(self, device: str, rhythm: Rhythm) -> int:
        """After how long without a reading a station is late."""
        registered = self.registered
        interval_us = (registered and registered.get(device)) or self.fixed_us or rhythm.interval_us or self.unknown_us
        return interval_us * self.late // 1_000

    def limits_us(self, interval_us: int) -> tuple[int, int, int]:
        """After how long a station with this interval is late, missing, taken away."""
        late_us, missing_us = interval_us * self.late // 1_000, interval_us * self.missing // 1_000
        return late_us, missing_us, max(self._gone_us, 2 * missing_us)


class Regimes:
    """All that was and will be in force.

    Args:
        registered: Sampling intervals of the register, by device.

    Raises:
        PlanFileError: a document lacks what the rules need.
    """

    def __init__(self, book: PlanBook, registered: Intervals = NONE_REGISTERED) -> None:
        policies, standards, targets = book.policies(Feed.WATER), book.standards(STANDARD), book.targets(INDICATOR)
        self._edges = sorted({*_edges(policies), *_edges(standards), *_edges(targets)})
        self._regimes: list[Regime | None] = [None]
        for at_us in self._edges:
            policy, standard, target = policies.at(at_us), standards.at(at_us), targets.at(at_us)
            if policy is None or standard is None:
                self._regimes.append(None)
            else:
                aim = None if target is None else water_target(target)
                self._regimes.append(_regime(policy, standard, aim, registered))
        self.all = [regime for regime in self._regimes if regime is not None]
        if not self.all:
            raise PlanFileError("plan", [("water", f"there is no policy of the feed water or no standard {STANDARD}")])
        if not targets.all:
            raise PlanFileError("plan", [(INDICATOR, f"there is no indicator '{INDICATOR}'; the feed water needs it")])

    def at(self, at_us: int) -> Regime | None:
        """What was in force; None when there was no policy or no standard."""
        return self._regimes[bisect_right(self._edges, at_us)]

    def near(self, at_us: int) -> Regime:
        """What was in force, or else the first that ever was: for words about what has been said already."""
        return self.at(at_us) or self.all[0]


def _edges(versions: Versions[Any]) -> set[int]:
    """Times at which another version comes into force."""
    starts = {version.from_us for version in versions.all}
    return starts | {version.until_us for version in versions.all if version.until_us is not None}


def _regime(policy: PolicyDocument, standard: StandardDocument, target: Target | None, registered: Intervals) -> Regime:
    settings = policy.settings_as(WaterSettings)
    if settings.rounds.settle_seconds > policy.window.lateness_seconds:
        raise policy.refusal(("settings.rounds.settle_seconds", "must not exceed window.lateness_seconds"))
    rules = {rule: policy.rule_policy(rule) for rule in RULES}
    fixed = settings.quality.interval_seconds or 0
    late, missing = (policy.threshold(limit).value for limit in (GAP_LATE, GAP_MISSING))
    gone_seconds = rules[STATION_SILENT].max_age_seconds or 0
    if not 0 < late < missing < gone_seconds / (fixed or settings.rhythm.unknown_seconds):
        fault = f"{GAP_LATE} < {GAP_MISSING} < max_age_seconds must hold, in time"
        raise policy.refusal((f"rule {STATION_SILENT}", fault))
    policy.threshold(REPORTED_FAULT)
    return Regime(
        policy=policy,
        settings=settings,
        tables=MappingProxyType({body.value: limit_table(standard, body) for body in WaterBody}),
        target=target,
        rules=MappingProxyType(rules),
        debounce=MappingProxyType({rule: Debounce.of(entry) for rule, entry in rules.items()}),
        quality=_quality_limits(policy, settings),
        reported=frozenset(mark.value for mark in settings.quality.reported),
        names=MappingProxyType({lake.id: (lake.name_zh, lake.name) for lake in settings.lake}),
        round_us=settings.rounds.length_seconds * MICROSECONDS,
        settle_us=settings.rounds.settle_seconds * MICROSECONDS,
        say_us=settings.rounds.say_seconds * MICROSECONDS,
        registered=registered,
        fixed_us=fixed * MICROSECONDS,
        unknown_us=settings.rhythm.unknown_seconds * MICROSECONDS,
        shortest_us=settings.rhythm.shortest_seconds * MICROSECONDS,
        late=round(late * 1_000),
        missing=round(missing * 1_000),
        _gone_us=round(gone_seconds * MICROSECONDS),
    )


def _quality_limits(policy: PolicyDocument, settings: WaterSettings) -> QualityLimits:
    given = {entry.id: entry.value for entry in policy.limit}
    chosen = settings.quality
    checks = [
        Check(
            place,
            given.get(f"water.range.{name}.low", -inf),
            given.get(f"water.range.{name}.high", inf),
            given.get(f"water.step.{name}", inf),
        )
        for place, name in enumerate(CHECKED_FIELDS)
    ]
    own: dict[str, list[Check]] = {}
    for instrument in chosen.instrument:
        place = PLACE[instrument.item]
        mine = own.setdefault(instrument.device, checks.copy())
        mine[place] = mine[place]._replace(low=instrument.low, high=instrument.high)
    for name in CHECKED_FIELDS:
        _check_range(policy, name, given)
    flat_places = tuple(PLACE[name] for name in chosen.flat_items)
    checked = {check.place for check in _needed(checks)} | {PLACE["nh3n_mg_l"], PLACE["tn_mg_l"], *flat_places}
    return QualityLimits(
        checks=_needed(checks),
        device_checks=MappingProxyType({device: _needed(mine) for device, mine in own.items()}),
        flat_places=flat_places,
        flat=round(policy.figure(FLAT_LINE, least=2, most=1_000_000)),
        nh3n_share=policy.figure(CROSS_NH3N_TN, above=0, most=1_000),
        together_share=chosen.together_share,
        saturation_percent=policy.figure(ALGAL_SATURATION, above=0, most=10_000),
        ph_rise=policy.figure(ALGAL_PH_RISE, most=14),
        checked=frozenset(checked),
    )


def _check_range(policy: PolicyDocument, name: str, given: dict[str, float]) -> None:
    """Refuse a range or a step of an item that no value could meet."""
    low, high = f"water.range.{name}.low", f"water.range.{name}.high"
    if given.get(low, -inf) >= given.get(high, inf):
        raise policy.refusal((high, f"must be above {low}"))
    step = f"water.step.{name}"
    if given.get(step, inf) <= 0:
        raise policy.refusal((step, "must be more than 0"))


def _needed(checks: list[Check]) -> tuple[Check, ...]:
    return tuple(check for check in checks if check[1:] != (-inf, inf, inf))
