"""What a drill came to: readings, alerts against the truth, who acknowledged, and what real life felt. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from schemas.fields import Feed
from services.district.drill.scoring import MINUTE, RULES, Finding, Scores
from services.read_model.drills import LatencyRow
from simulators.reading import utc_text

SLOWED_TIMES: Final = 2.0
"""Live readings that took so many times as long as before, and `SLOWED_MS` longer, were slowed."""
SLOWED_MS: Final = 250.0


@dataclass(frozen=True, slots=True)
class FeedAccount:
    """One feed's readings: sent = stored + refused + missing; garbage is refused as well."""

    feed: Feed
    devices: int
    sent: int
    repeats: int
    garbage: int
    stored: int
    refused: Mapping[str, int]
    """By reason."""
    garbage_refused: int
    missing: Sequence[str]
    """`device boot seq` of each."""
    judged: int
    judging_failed: int

    @property
    def is_balanced(self) -> bool:
        """Whether everything is accounted for."""
        return not self.missing and self.garbage_refused >= self.garbage

    def to_json(self) -> dict[str, Any]:
        """The object for machines."""
        return {
            "feed": self.feed.value,
            "devices": self.devices,
            "sent": self.sent,
            "repeats": self.repeats,
            "garbage": self.garbage,
            "stored": self.stored,
            "refused": dict(self.refused),
            "missing": list(self.missing),
            "judged": self.judged,
            "judging_failed": self.judging_failed,
        }


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """One alert of the drill's lane, as it stood at the end."""

    alert_id: str
    feed: str
    rule: str
    asset: str
    name_zh: str
    name_en: str
    severity: str
    started_at: datetime
    raised_at: datetime
    ended_at: datetime | None
    withdrawn: bool
    text_zh: str
    text_en: str
    acknowledged_by: str | None
    acknowledged_after: float | None
    """Seconds of real time from when it was known until somebody took it; None: nobody did."""


@dataclass(frozen=True, slots=True)
class Live:
    """What live readings felt: from measurement to the row."""

    before: LatencyRow
    during: LatencyRow

    @property
    def is_slowed(self) -> bool | None:
        """None: there was nothing to compare."""
        if not self.before.n or not self.during.n or self.before.p99_ms is None or self.during.p99_ms is None:
            return None
        return self.during.p99_ms > max(SLOWED_TIMES * self.before.p99_ms, self.before.p99_ms + SLOWED_MS)


@dataclass(frozen=True, slots=True)
class Result:
    """One kind of thing that was so."""

    feed: Feed
    what: str
    rule: str
    times: int
    found: int
    cut: int
    """Had begun before the run or was not over when it ended, and not found."""
    delay_p50: float | None
    """Seconds."""
    delay_most: float | None

    @property
    def recall(self) -> float | None:
        """None: nothing of it was over."""
        return self.found / self.times if self.times else None


@dataclass(frozen=True, slots=True)
class DrillAccount:
    """All of it."""

    scenario: str
    title_zh: str
    title_en: str
    about: str
    lane: str
    seed: int
    is_short: bool
    begin: datetime
    """Lane time."""
    end: datetime
    seconds: float
    """Real time from the first reading until everything was judged and stored."""
    feeds: Sequence[FeedAccount]
    scores: Mapping[Feed, Scores]
    alerts: Sequence[AlertSeen]
    deliveries: int
    """Attempts to hand alerts of the lane to subscribers; each is marked as an exercise."""
    boots_in_live: Sequence[str]
    """Boots of the run with readings in real life, on which official figures would rest: there must be none."""
    live: Live

    @property
    def results(self) -> list[Result]:
        """By feed and kind."""
        return [one for feed, scores in self.scores.items() for one in _results(feed, scores)]

    @property
    def recall(self) -> float | None:
        """Of everything that was so and was over; None: there was nothing."""
        times = sum(one.times for one in self.results)
        return sum(one.found for one in self.results) / times if times else None

    @property
    def false(self) -> int:
        """Alerts about devices and lines that nothing explains."""
        return sum(len(scores.false) for scores in self.scores.values())

    @property
    def right(self) -> int:
        """Those that something explains."""
        return sum(scores.right for scores in self.scores.values())

    @property
    def is_balanced(self) -> bool:
        """Whether every reading is accounted for."""
        return all(each.is_balanced for each in self.feeds)

    @property
    def is_apart(self) -> bool:
        """Whether nothing of it stands in real life."""
        return not self.boots_in_live

    def to_json(self) -> dict[str, Any]:
        """The object for machines."""
        acknowledged = [one.acknowledged_after for one in self.alerts if one.acknowledged_after is not None]
        return {
            "scenario": self.scenario,
            "lane": self.lane,
            "seed": self.seed,
            "short": self.is_short,
            "from": utc_text(self.begin),
            "to": utc_text(self.end),
            "seconds": round(self.seconds, 1),
            "feeds": [each.to_json() for each in self.feeds],
            "results": [
                {
                    "feed": one.feed.value,
                    "what": one.what,
                    "rule": one.rule,
                    "times": one.times,
                    "found": one.found,
                    "cut_off": one.cut,
                    "recall": one.recall,
                    "delay_p50_s": one.delay_p50,
                    "delay_most_s": one.delay_most,
                }
                for one in self.results
            ],
            "recall": self.recall,
            "alerts": len(self.alerts),
            "taken_back": sum(one.withdrawn for one in self.alerts),
            "false_alarms": [
                {"rule": alert.rule, "asset": alert.asset, "started_at": utc_text(alert.started_at)}
                for scores in self.scores.values()
                for alert in scores.false
            ],
            "acknowledged": len(acknowledged),
            "time_to_acknowledge_p50_s": statistics.median(acknowledged) if acknowledged else None,
            "deliveries": self.deliveries,
            "boots_in_live": list(self.boots_in_live),
            "live_slowed": self.live.is_slowed,
            "live_p99_ms": {"before": self.live.before.p99_ms, "during": self.live.during.p99_ms},
            "balanced": self.is_balanced,
        }


def _results(feed: Feed, scores: Scores) -> list[Result]:
    by_what: dict[str, list[Finding]] = {}
    for finding in scores.findings:
        by_what.setdefault(finding.wanted.what, []).append(finding)
    found = []
    for what, findings in sorted(by_what.items()):
        over = [one for one in findings if not one.is_cut]
        delays = [one.delay for one in over if one.delay is not None]
        p50, most = (statistics.median(delays), max(delays)) if delays else (None, None)
        rule, _ = RULES[feed, what]
        found.append(Result(feed, what, rule, len(over), len(delays), len(findings) - len(over), p50, most))
    return found


def minutes(seconds: float | None) -> str:
    """A delay for people."""
    return "–" if seconds is None else f"{seconds / MINUTE:.1f}"
