"""Events of alerts in any order, and the rows that they must end in."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.alert import Alert, AlertEventType, AlertText, Severity, alert_id
from schemas.fields import Feed
from schemas.topics import ALERTS
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource
from services.timescale_sink.outcome import Outcome
from services.timescale_sink.takers import take_alerts

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
RULE = "water.class_worse_than_target"
E = AlertEventType


@dataclass
class Record:
    value: bytes | None
    topic: str = ALERTS
    partition: int = 0
    offset: int = 0
    timestamp: int = 1_772_352_000_123
    headers: Sequence[tuple[str, bytes]] = ()


def alert(
    asset: str, name: str, revision: int, event: AlertEventType, *, began: int, ended: int | None = None
) -> Alert:
    """One event; `began` and `ended` in hours, `name` tells alerts of one asset apart."""
    source = ThresholdSource(kind=SourceKind.PLAN, id="p", version="1", where="page 31", valid_from=NOW.date())
    started = NOW + timedelta(hours=began)
    return Alert(
        alert_id=alert_id(RULE, asset, "live", name), revision=revision, event=event, rule=RULE, feed=Feed.WATER,
        lane="live", asset=asset, place=f"北湖 {revision}", severity=Severity.YELLOW, started_at=started,
        raised_at=started, ended_at=None if ended is None else NOW + timedelta(hours=ended), observed_value=4.0,
        observed_unit="class",
        threshold=Threshold(id="water.class", value=3, unit="class", comparator=Comparator.LE, source=source),
        evidence=None, text=AlertText(zh="劣于目标", en="worse than target"),
    )  # fmt: skip


def history(asset: str, chance: random.Random) -> list[Alert]:
    """Events of four alerts of one rule and asset: they overlap, move, end, open again, are retracted."""
    found = []
    for name in "abcd":
        for revision in range(chance.randint(1, 4)):
            event = E.RAISED if revision == 0 else chance.choice((E.UPDATED, E.AMENDED, E.RESOLVED, E.RETRACTED))
            began = chance.randint(0, 3)  # two that began at once are told apart by their ids
            ended = began + 1 if event is E.RESOLVED else None
            found.append(alert(asset, name, revision, event, began=began, ended=ended))
    return found


def expected(events: list[Alert]) -> dict[str, tuple[Any, ...]]:
    """What the table must hold: each alert's highest revision, each open one naming the next open one."""
    latest: dict[str, Alert] = {}
    for one in sorted(events, key=lambda each: each.revision):
        latest[one.alert_id] = one
    still_open = sorted(
        (each for each in latest.values() if each.ended_at is None and each.event is not E.RETRACTED),
        key=lambda each: (each.asset, each.started_at, each.alert_id),
    )
    after = {a.alert_id: b.alert_id for a, b in itertools.pairwise(still_open) if a.asset == b.asset}
    return {
        key: (one.revision, one.event, one.started_at, one.ended_at, one.place, after.get(key))
        for key, one in latest.items()
    }


async def stored(connection: Any, assets: list[str]) -> dict[str, tuple[Any, ...]]:
    rows = await connection.fetch(
        "SELECT alert_id, revision, event, started_at, ended_at, place, superseded_by FROM alerts"
        " WHERE asset = ANY($1)",
        assets,
    )
    return {row[0]: tuple(row)[1:] for row in rows}


def records(events: list[Alert]) -> list[Record]:
    return [Record(one.model_dump_json().encode(), offset=n) for n, one in enumerate(events)]


async def any_order_ends_the_same(writer: Any, seeds: int) -> None:
    """Write histories in shuffled batches with repeats; see that the rows are those of the events as a set."""
    for seed in range(seeds):
        chance = random.Random(seed)
        assets = [f"lake-{uuid.uuid4().hex[:8]}" for _ in range(2)]
        events = [one for asset in assets for one in history(asset, chance)]
        told = events + chance.choices(events, k=chance.randint(0, 8))
        chance.shuffle(told)
        while told:  # in batches as they come
            taken, told = told[: (size := chance.randint(1, 6))], told[size:]
            await take_alerts(writer, records(taken), Outcome(), isolating=chance.random() < 0.3)
        assert await stored(writer, assets) == expected(events), f"seed {seed}"
        kept = await writer.fetch("SELECT event_id, data FROM alert_events WHERE data ->> 'asset' = ANY($1)", assets)
        assert {row[0]: json.loads(row[1]) for row in kept} == {
            one.event_id: json.loads(one.model_dump_json()) for one in events
        }, f"seed {seed}"
