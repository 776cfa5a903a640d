"""A zone of made-up car parks for the tests of the feed parking: readings, rules, what they said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schemas.district import Lot, district_of
from schemas.fields import Feed, Quality
from schemas.parking import ParkingReading
from schemas.plan.book import PlanBook
from schemas.plan.policy import PolicyDocument
from schemas.plan.toml import parse_document
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.parking.processor import ParkingRules
from tests.unit.stream_processors.in_order import Recorder, play

ROOT = Path(__file__).resolve().parents[4]
POLICY_FILE = ROOT / "deploy/plan/policies/parking.toml"
DISTRICT_FILE = ROOT / "deploy/district/jianghan.toml"

NOON = datetime(2026, 11, 24, 4, tzinfo=UTC)
"""12:00 local time."""
ZONE = "key"
"""The key under which `in_order.play` makes its state."""
FULL, IMPOSSIBLE, STUCK, SILENT = (
    "parking.lot_full",
    "parking.count_impossible",
    "parking.counter_stuck",
    "parking.lot_silent",
)


def policy(**settings: Any) -> PolicyDocument:
    """The policy that ships; settings may be changed."""
    document = parse_document(POLICY_FILE.read_text(encoding="utf-8"), PolicyDocument, file="parking.toml")
    return document.model_copy(update={"settings": {**document.settings, **settings}})


def with_rule(document: PolicyDocument, rule: str, **changes: Any) -> PolicyDocument:
    """The policy with one rule changed."""
    rules = [known.model_copy(update=changes) if known.id == rule else known for known in document.rule]
    return document.model_copy(update={"rule": tuple(rules)})


def lot(name: str, east_metres: float) -> Lot:
    """A car park of the zone, so far east of the first one."""
    return Lot(
        id=name, name_zh=f"车场{name}", zone=ZONE, spaces=100, longitude=114.0 + east_metres / 95_700, latitude=30.6
    )


LOTS = {one.id: one for one in (lot("a", 0), lot("b", 100), lot("c", 300), lot("d", 5_000))}


def rules(document: PolicyDocument | None = None, lots: dict[str, Lot] | None = None) -> ParkingRules:
    return ParkingRules(PlanBook([document or policy()]), LOTS if lots is None else lots)


def jianghan() -> dict[str, Lot]:
    return {one.id: one for one in district_of(DISTRICT_FILE.read_text(encoding="utf-8"), file="jianghan.toml").lot}


def reading(
    at: datetime,
    free: int,
    *,
    device: str = "a",
    total: int = 100,
    out: int = 0,
    entries: int | None = None,
    boot: str = "boot-1",
    seq: int | None = None,
    quality: Quality = Quality.GOOD,
    group: str = ZONE,
) -> ParkingReading:
    return ParkingReading(
        feed=Feed.PARKING,
        device_id=device,
        group_id=group,
        boot_id=boot,
        seq=int(at.timestamp()) if seq is None else seq,
        observed_at=at,
        quality=quality,
        total_spaces=total,
        free_spaces=free,
        out_of_service_spaces=out,
        entries_total=entries,
    )


def every(minutes: float, frees: Iterable[int], start: datetime = NOON, **fields: Any) -> list[ParkingReading]:
    """One reading after the other, so many minutes apart."""
    return [reading(start + timedelta(minutes=minutes * i), free, **fields) for i, free in enumerate(frees)]


def said(readings: Iterable[ParkingReading], until: datetime | None = None, by: ParkingRules | None = None) -> Recorder:
    """What the rules say of the readings in plain order, the clock going on to `until` (a minute after the last)."""
    known = list(readings)
    end = until or max(one.observed_at for one in known) + timedelta(minutes=1)
    return play(by or rules(), known, to_us(end))


def episodes(recorder: Recorder, rule: str, asset: str | None = None) -> list[Episode]:
    found = [
        (start_us, name, one)
        for (said_rule, name, start_us), one in recorder.episodes.items()
        if said_rule == rule and asset in (None, name)
    ]
    return [one for _, _, one in sorted(found, key=lambda item: item[:2])]


def figure(recorder: Recorder, figure_id: str, subject: str, start: datetime, end: datetime) -> Figure:
    return recorder.figures[figure_id, subject, to_us(start), to_us(end)]


def local_midnight(day: int, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, tzinfo=UTC) - timedelta(hours=8)
