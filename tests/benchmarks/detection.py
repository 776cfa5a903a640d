"""How well the platform detects: days of the world through the processors' own rules, scored against their truth.

    make bench ARGS="detection"                       every scenario at a tenth of the size, as a table
    make bench ARGS="detection --scenario storm-flood --seed 3"
    make bench ARGS="detection --write docs/simulators.md"     the tables in the docs, between their marks

A thing that was so is found when an alert of its rule about its asset began while it lasted, or within the grace that
the rule needs, even where what a device sent later took it back (it was silent, and no data are missing). An alert
about a device, a line or a clock that nothing explains is a false one. Of water that is worse than its target only the
lakes with a spill are asked for: lakes that were of class IV before are no detection, and no false alarm. Emergency is
run at full size: a tenth of it has two ambulances.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from schemas.alert import Alert
from schemas.fields import LIVE, Feed
from simulators.world.files import load_world
from simulators.world.library import load_for
from simulators.world.places import World
from simulators.world.run import Order, devices_within
from simulators.world.truth import Truth, TruthKind
from tests.world_judging import Judged, judged_day

DAYS = {"algal-bloom": 8, "year-end-tax": 12}
FIRST = {"year-end-tax": date(2026, 12, 20)}
A_DAY = date(2026, 7, 8)
FEEDS = {
    "quiet-day": tuple(Feed),
    "storm-flood": (Feed.WATER, Feed.EMERGENCY, Feed.PARKING),
    "algal-bloom": (Feed.WATER,),
    "chemical-spill": (Feed.WATER,),
    "fashion-week": (Feed.PARKING,),
    "charging-blackout": (Feed.EV,),
    "ambulance-shortage": (Feed.EMERGENCY,),
    "sensor-vandalism": (Feed.WATER, Feed.PARKING, Feed.EV),
    "year-end-tax": (Feed.TAX,),
    "network-partition": (Feed.WATER, Feed.PARKING, Feed.EV),
}
"""Feeds that a scenario is about. A runaway device is turned away by the bridge, before any rule."""
MINUTE = 60.0
EARLY = 5 * MINUTE
RULES = {
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
ABOUT_DEVICES = frozenset(
    {
        "device.clock_wrong", "ev.connector_fault", "ev.connector_silent", "ev.meter_implausible", "ev.site_dark",
        "ev.status_mismatch", "parking.count_impossible", "parking.counter_stuck", "parking.lot_silent",
        "tax.amount_implausible", "tax.receipt_repeated", "tax.wrong_sign", "water.sensor_fault", "water.station_silent",
    }
)  # fmt: skip
"""Rules of which every alert has to have its cause in the truth."""
STATES = frozenset({"parking.lot_full", "emergency.coverage_low"})
"""Rules whose alert begins before a thing is at its worst: nearly full before full."""
LEAST = 2 * MINUTE
"""What lasts less is nothing to find."""
AFTER = 60 * MINUTE
"""So long after a thing was over an alert may still be about it: a window that has to fill, a clock that is set."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has to be found."""

    what: str
    rule: str
    assets: frozenset[str]
    """An alert about any of them finds it."""
    begin: float
    until: float

    def fits(self, alert: Alert, ended: datetime | None) -> bool:
        """Whether an alert of its rule is about it: it began with it, or, of a state that grows, it lasted then."""
        if alert.rule != self.rule or alert.asset not in self.assets or alert.started_at.timestamp() > self.until:
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
        found |= {Wanted(each.what, rule, assets, each.begin, each.end + grace) for assets in about}
    return sorted(found, key=lambda each: (each.begin, each.what, sorted(each.assets)))


@dataclass(slots=True)
class Score:
    """Of one kind of thing."""

    wanted: int = 0
    delays: list[float] = field(default_factory=list)
    """Seconds from its begin to the first alert, of those that were found."""


@dataclass(slots=True)
class Scores:
    """Of one feed in one scenario."""

    of: dict[str, Score]
    right: int
    """Alerts about devices, lines and clocks that have their cause in the truth."""
    false: list[Alert]
    withdrawn: int
    judged: Judged


def scored(judged: Judged, feed: Feed, world: World) -> Scores:
    """What was found of what was so, and what was said that was not so."""
    standing = [alert for alert in judged.raised if alert.alert_id not in judged.withdrawn]
    ended = judged.ended
    scores: dict[str, Score] = {}
    for each in wanted_of(judged.truth, feed, world):
        score = scores.setdefault(each.what, Score())
        score.wanted += 1
        raised = [alert.raised_at.timestamp() for alert in judged.raised if each.fits(alert, ended.get(alert.alert_id))]
        if raised:
            score.delays.append(max(0.0, min(raised) - each.begin))
    about = [alert for alert in standing if alert.rule in ABOUT_DEVICES]
    false = [alert for alert in about if not _is_so(alert, judged, world)]
    return Scores(scores, len(about) - len(false), false, len(judged.withdrawn), judged)


def _is_so(alert: Alert, judged: Judged, world: World) -> bool:
    """Whether something was so at the asset of an alert, or at a part of it, when the alert began."""
    began, inside = alert.started_at.timestamp(), {alert.asset}
    for site in world.district.site:
        connectors = set(site.connector_ids())
        if alert.asset == site.id or alert.asset in connectors:
            inside |= {site.id, site.zone, *(connectors if alert.asset == site.id else ())}
    inside |= {building.office_id for building in world.district.building if building.id == alert.asset}
    return any(each.device in inside and each.begin - EARLY <= began <= each.end + AFTER for each in judged.truth)


def days_of(name: str, seed: int, scale: float) -> Iterator[tuple[Feed, Scores]]:
    """A scenario's days, feed by feed."""
    for feed in FEEDS[name]:
        world = load_world(max(scale, 1.0) if feed is Feed.EMERGENCY else scale)
        scenario = load_for(name, world)
        order = Order(seed, FIRST.get(name, A_DAY), DAYS.get(name, 1), LIVE, feeds=(feed,))
        yield feed, scored(judged_day(world, scenario, order, feed), feed, world)


def tables(names: list[str], seed: int, scale: float, progress: Console) -> tuple[list[list[str]], list[list[str]]]:
    """Rows of the two tables: what was so and how it was found; what was said of devices, by scenario."""
    found: list[list[str]] = []
    said: list[list[str]] = []
    for name in names:
        for feed, scores in days_of(name, seed, scale):
            progress.print(f"{name} {feed}: {scores.judged.readings} readings of {scores.judged.devices} devices")
            for what, score in sorted(scores.of.items()):
                rule, _ = RULES[feed, what]
                n = len(score.delays)
                delays = (
                    "–"
                    if not n
                    else f"{statistics.median(score.delays) / MINUTE:.1f}, {max(score.delays) / MINUTE:.1f}"
                )
                found.append([name, what, f"`{rule}`", str(score.wanted), str(n), f"{n / score.wanted:.2f}", delays])
            alerts = scores.right + len(scores.false)
            precision = f"{scores.right / alerts:.2f}" if alerts else "–"
            which = sorted({f"`{alert.rule}`" for alert in scores.false})
            row = [name, feed, str(scores.judged.devices), str(alerts), str(len(scores.false)), precision]
            said.append([*row, str(scores.withdrawn), ", ".join(which) or "–"])
    return found, said


FOUND = ["scenario", "what was so", "rule", "times", "found", "recall", "delay p50, most (min)"]
SAID = ["scenario", "feed", "devices", "alerts about devices", "false", "precision", "taken back", "which were false"]
BEGIN, END = "<!-- detection: begin -->", "<!-- detection: end -->"


def markdown(heads: list[str], rows: list[list[str]]) -> str:
    """A table of the docs."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main(arguments: list[str]) -> int:
    """Run the days and print the tables."""
    parser = argparse.ArgumentParser(prog="detection", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=sorted(FEEDS))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--write", type=Path, help="the page that gets the tables, between its marks")
    options = parser.parse_args(arguments)
    console = Console(width=170)
    found, said = tables(options.scenario or list(FEEDS), options.seed, options.scale, console)
    for heads, rows in ((FOUND, found), (SAID, said)):
        table = Table(*heads)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    if options.write is not None:
        text = options.write.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        after = rest.split(END)[1]
        made = f"{markdown(FOUND, found)}\n\n{markdown(SAID, said)}"
        options.write.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
