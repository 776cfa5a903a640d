"""A recorded log of one partition run through the core in a plain loop, and what stands at its end. For any feed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from schemas.alert import Alert, AlertEventType
from schemas.clock import KIND_HEADER, KIND_PLAN, KIND_TICK, Tick
from schemas.envelope import Envelope
from schemas.indicator import Indicator
from schemas.plan.book import Document, dump_document
from services.stream_processors.engine.events import AlertOutput, Fate, IndicatorOutput, Judged, Output
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.snapshot import decode_snapshot, encode_snapshot
from services.stream_processors.engine.worker import Undecodable, Worker

Item = tuple[bytes, list[tuple[str, bytes]]]
"""Value and headers of a record."""


@dataclass(frozen=True)
class Record:
    """A record as the worker reads it."""

    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


def item(reading: Envelope) -> Item:
    return reading.model_dump_json().encode(), []


def tick(at: datetime, lane: str = "live") -> Item:
    return Tick(lane=lane, at=at).model_dump_json().encode(), [(KIND_HEADER, KIND_TICK)]


def publication(document: Document) -> Item:
    return orjson.dumps(dump_document(document)), [(KIND_HEADER, KIND_PLAN)]


def log_of(items: Iterable[Item]) -> list[Record]:
    return [Record(offset, value, headers) for offset, (value, headers) in enumerate(items)]


@dataclass
class Result:
    """What came out of a run."""

    alerts: list[Alert] = field(default_factory=list)
    indicators: list[Indicator] = field(default_factory=list)
    fates: dict[Fate, int] = field(default_factory=dict)
    refused: list[Undecodable] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)

    def take(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            self.outputs.append(output)
            if isinstance(output, AlertOutput):
                self.alerts.append(output.alert)
            elif isinstance(output, IndicatorOutput):
                self.indicators.append(Indicator.model_validate_json(output.encode()))
            elif isinstance(output, Judged):
                self.fates[output.fate] = self.fates.get(output.fate, 0) + 1

    def events(self) -> list[str]:
        """Rule, asset and event in the order in which they were said."""
        return [f"{alert.rule} {alert.asset} {alert.event}" for alert in self.alerts]

    def standing(self) -> dict[str, dict[str, Any]]:
        """Each alert as it stands, but for what depends on the order of arrival; retracted ones do not stand."""
        last: dict[str, Alert] = {}
        for alert in self.alerts:
            known = last.get(alert.alert_id)
            if known is None or alert.revision >= known.revision:
                last[alert.alert_id] = alert
        hidden = {"revision", "event", "evidence", "text"}
        return {
            alert_id: alert.model_dump(exclude=hidden)
            for alert_id, alert in last.items()
            if alert.event is not AlertEventType.RETRACTED
        }

    def figures(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Each indicator as now known, but for its revision; withdrawn ones are left out."""
        last: dict[tuple[Any, ...], Indicator] = {}
        for one in self.indicators:
            sample = None if one.sample is None else one.sample.key
            name = (one.lane, one.id, one.subject, one.period_start, one.period_end, sample)
            if name not in last or one.revision >= last[name].revision:
                last[name] = one
        return {
            name: one.model_dump(exclude={"revision", "known_at", "evidence"})
            for name, one in last.items()
            if not one.status_reason.startswith("withdrawn")
        }


def run(
    judge: Judge[Any],
    records: Sequence[Record],
    *,
    crashes: Iterable[int] = (),
    batch: int = 1,
    topic: str = "readings",
    snapshots: Callable[[bytes], None] | None = None,
) -> Result:
    """Judge a log.

    Args:
        crashes: After so many records the worker is lost and another goes on from a snapshot taken a little earlier.
    """
    result = Result()
    worker: Worker[Any] = Worker(judge, topic, 0)
    falls = sorted(set(crashes))
    saved: bytes | None = None
    place = 0
    while place < len(records):
        said, refused = worker.judge(records[place : place + batch])
        result.take(said)
        result.refused += refused
        place += batch
        if falls and place >= falls[0]:
            falls.pop(0)
            start = None if saved is None else decode_snapshot(judge, saved)
            worker = Worker(judge, topic, 0, start)
            place = worker.next_offset
        elif place % 7 == 0:
            saved = encode_snapshot(judge, worker.snapshot())
            if snapshots is not None:
                snapshots(saved)
    return result
