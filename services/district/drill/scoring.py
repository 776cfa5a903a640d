"""How well a scenario was detected: what was so, against the alerts that were said. Pure.

A thing that was so is found when an alert of its rule about its asset began while it lasted, or within the grace that
the rule needs, even where what a device sent later took it back (it was silent, and no data are missing). An alert
about a device, a line or a clock that nothing explains is a false one. Of water that is worse than its target only the
lakes with a spill are asked for: lakes that were of class IV before are no detection, and no false alarm. What still
lasts when the run ends, or may still be found by then, is neither found nor missed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from schemas.fields import Feed
from simulators.world.places import World
from simulators.world.run import devices_within
from simulators.world.truth import Truth, TruthKind

MINUTE: Final = 60.0
EARLY: Final = 5 * MINUTE
RULES: Final = {
    (Feed.WATER, "spike"): ("water.sensor_fault", 60 * MINUTE),
    (Feed.WATER, "drift"): ("water.sensor_fault", 60 * MINUTE),
    (Feed.WATER, "flat_line"): ("water.sensor_fault", 60 * MINUTE),
    (Feed.WATER, "sensor_fault"): ("water.sensor_fault", 60 * MINUTE),
    (Feed.WATER, "unit_mixup"): ("water.sensor_fault", 60 * MINUTE),
    (Feed.WATER, "reported_fault"): ("water.sensor_fault", 60 * MINUTE),
    (Feed.WATER, "gap"): ("water.station_silent", 60 * MINUTE),
    (Feed.WATER, "partition"): ("water.station_silent", 60 * MINUTE),
    (Feed.WATER, "spill"): ("water.class_worse_than_target", 6 * 60 * MINUTE),
    (Feed.WATER, "bloom"): ("water.algal_signal", 60 * MINUTE),
    (Feed.PARKING, "flat_line"): ("parking.counter_stuck", 60 * MINUTE),
    (Feed.PARKING, "gap"): ("parking.lot_silent", 60 * MINUTE),
    (Feed.PARKING, "partition"): ("parking.lot_silent", 60 * MINUTE),
    (Feed.PARKING, "clock_skew"): ("device.clock_wrong", 60 * MINUTE),
    (Feed.PARKING, "lot_full"): ("parking.lot_full", 30 * MINUTE),
    (Feed.EV, "gap"): ("ev.connector_silent", 15 * MINUTE),
    (Feed.EV, "blackout"): ("ev.site_dark", 15 * MINUTE),
    (Feed.EV, "partition"): ("ev.site_dark", 15 * MINUTE),
    (Feed.EV, "connector_fault"): ("ev.connector_fault", 15 * MINUTE),
    (Feed.EV, "connector_silent"): ("ev.connector_silent", 15 * MINUTE),
    (Feed.EMERGENCY, "late_response"): ("emergency.response_breach", 15 * MINUTE),
    (Feed.EMERGENCY, "shortage"): ("emergency.coverage_low", 30 * MINUTE),
    (Feed.TAX, "spike"): ("tax.amount_implausible", 60 * MINUTE),
}
"""Rule that has to find what was so, and how long after its end an alert may still begin."""
ABOUT_DEVICES: Final = frozenset(
    {
        "device.clock_wrong", "ev.connector_fault", "ev.connector_silent", "ev.meter_implausible", "ev.site_dark",
        "ev.status_mismatch", "parking.count_impossible", "parking.counter_stuck", "parking.lot_silent",
        "tax.amount_implausible", "tax.receipt_repeated", "tax.wrong_sign", "water.sensor_fault",
        "water.station_silent",
    }
)  # fmt: skip
"""Rules of which every alert has to have its cause in the truth."""
STATES: Final = frozenset({"parking.lot_full", "emergency.coverage_low"})
"""Rules whose alert begins before a thing is at its worst: nearly full before full."""
LEAST: Final = 2 * MINUTE
"""What lasts less is nothing to find."""
AFTER: Final = 60 * MINUTE
"""So long after a thing was over an alert may still be about it: a window that has to fill, a clock that is set."""


LIVE_ONLY: Final = frozenset({"device.clock_wrong"})
"""Rules about when a reading arrived: in a lane that is played in minutes that says nothing."""


class Said(Protocol):
    """An alert that was raised."""

    @property
    def alert_id(self) -> str: ...  # noqa: D102
    @property
    def rule(self) -> str: ...  # noqa: D102
    @property
    def asset(self) -> str: ...  # noqa: D102
    @property
    def started_at(self) -> datetime: ...  # noqa: D102
    @property
    def raised_at(self) -> datetime: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Heard:
    """What one feed's rules said of a run."""

    raised: tuple[Said, ...]
    """In the order in which they were."""
    withdrawn: Collection[str]
    """Ids of those that late data took back."""
    ended: Mapping[str, datetime]
    """When they were over, by id."""
    begin: float
    """Begin of the run, seconds since 1970."""
    end: float
    """Its end."""
    members: Mapping[str, Collection[tuple[str, str]]] = field(default_factory=dict)
    """Rules and assets of the alerts that one stands for, by id: silences with one cause are one alert."""
    is_live: bool = True
    """Whether readings came at the time of which they tell."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has to be found."""

    what: str
    rule: str
    assets: frozenset[str]
    """An alert about any of them finds it."""
    begin: float
    until: float
    """Its end and the grace that its rule needs."""
    grace: float

    def fits(self, alert: Said, ended: datetime | None, members: Collection[tuple[str, str]] = ()) -> bool:
        """Whether an alert of its rule is about it: it began with it, or, of a state that grows, it lasted then.

        Args:
            members: Rules and assets of the alerts that it stands for.
        """
        about = {(alert.rule, alert.asset), *members}
        is_own = any(rule == self.rule and asset in self.assets for rule, asset in about)
        if not is_own or alert.started_at.timestamp() > self.until:
            return False
        if self.rule in STATES:
            return ended is None or ended.timestamp() >= self.begin
        return alert.started_at.timestamp() >= self.begin - EARLY


def wanted_of(truth: Iterable[Truth], feed: Feed, world: World) -> list[Wanted]:
    """What a feed's rules have to find: one for each device, and one for each site without power or line."""
    district = world.district
    sites = {connector: site.id for site in district.site for connector in site.connector_ids()}
    of_lake = {lake.id: frozenset({lake.id, *(point.id for point in lake.points)}) for lake in district.lake}
    devices = {each.device_id for each in district.devices() if each.feed is feed}
    found: set[Wanted] = set()
    for each in truth:
        rule, grace = RULES.get((feed, each.what), ("", 0.0))
        if not rule or each.end - each.begin < LEAST:
            continue
        if feed is Feed.EV and each.what in {"blackout", "partition"}:
            inside = devices_within(world, each.device) if each.what == "blackout" else {each.device}
            about = [frozenset({site}) for site in {sites[connector] for connector in inside & sites.keys()}]
        elif feed is Feed.TAX:
            about = [frozenset(building.id for building in district.building if building.office_id == each.device)]
        elif each.what in {"spill", "bloom"}:
            about = [of_lake[each.device]]
        elif each.what == "shortage":
            about = [frozenset({district.district.id})]
        else:
            is_asked = each.kind is TruthKind.EVENT or each.device in devices
            about = [frozenset({each.device})] if is_asked else []
        found |= {Wanted(each.what, rule, assets, each.begin, each.end + grace, grace) for assets in about}
    return sorted(found, key=lambda each: (each.begin, each.what, sorted(each.assets)))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was so, and the alert that found it."""

    wanted: Wanted
    found: Said | None
    delay: float | None
    """Seconds from its begin to the first alert; None: not found."""
    is_cut: bool = False
    """It had begun before the run, or was not over when that ended: not found, it is not missed either."""


@dataclass(slots=True)
class Score:
    """Of one kind of thing."""

    wanted: int = 0
    delays: list[float] = field(default_factory=list)
    """Seconds from its begin to the first alert, of those that were found."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one feed in one scenario."""

    findings: tuple[Finding, ...]
    right: int
    """Alerts about devices, lines and clocks that have their cause in the truth."""
    false: tuple[Said, ...]
    withdrawn: int

    @property
    def of(self) -> dict[str, Score]:
        """By kind of thing, without what is cut off."""
        scores: dict[str, Score] = {}
        for each in self.findings:
            if each.is_cut:
                continue
            score = scores.setdefault(each.wanted.what, Score())
            score.wanted += 1
            if each.delay is not None:
                score.delays.append(each.delay)
        return scores


def scored(heard: Heard, truth: Collection[Truth], feed: Feed, world: World) -> Scores:
    """What was found of what was so, and what was said that was not so."""
    wanted = [each for each in wanted_of(truth, feed, world) if heard.is_live or each.rule not in LIVE_ONLY]
    findings = tuple(_finding(each, heard) for each in wanted)
    standing = [alert for alert in heard.raised if alert.alert_id not in heard.withdrawn]
    about = [alert for alert in standing if alert.rule in ABOUT_DEVICES]
    false = tuple(alert for alert in about if not _is_so(alert, truth, world))
    return Scores(findings, len(about) - len(false), false, len(heard.withdrawn))


def _finding(wanted: Wanted, heard: Heard) -> Finding:
    fitting = [
        alert
        for alert in heard.raised
        if wanted.fits(alert, heard.ended.get(alert.alert_id), heard.members.get(alert.alert_id, ()))
    ]
    if not fitting:
        return Finding(wanted, None, None, is_cut=wanted.begin < heard.begin or wanted.until > heard.end)
    first = min(fitting, key=lambda alert: alert.raised_at)
    return Finding(wanted, first, max(0.0, first.raised_at.timestamp() - wanted.begin))


def _is_so(alert: Said, truth: Iterable[Truth], world: World) -> bool:
    """Whether something was so at the asset of an alert, or at a part of it, when the alert began."""
    began, inside = alert.started_at.timestamp(), {alert.asset}
    for site in world.district.site:
        connectors = set(site.connector_ids())
        if alert.asset == site.id or alert.asset in connectors:
            inside |= {site.id, site.zone, *(connectors if alert.asset == site.id else ())}
    inside |= {building.office_id for building in world.district.building if building.id == alert.asset}
    return any(each.device in inside and each.begin - EARLY <= began <= each.end + AFTER for each in truth)
