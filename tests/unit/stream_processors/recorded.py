"""A recorded log of one partition run through the core in a plain loop, and what stands at its end. For any feed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from schemas.alert import Alert, AlertEventType
from schemas.clock import KIND_HEADER, KIND_PLAN, KIND_TICK, Tick
from schemas.envelope import Envelope
from schemas.fields import LIVE
from schemas.indicator import Indicator
from schemas.plan.book import Document, dump_document
from services.stream_processors.engine.changelog import restored
from services.stream_processors.engine.events import AlertOutput, Fate, IndicatorOutput, Judged, Output
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.worker import Undecodable, Worker

HAN: Final = re.compile(r"[\u3400-\u9fff]")

Item = tuple[bytes, list[tuple[str, bytes]]]
"""Value and headers of a record."""


@dataclass(frozen=True)
class Record:
    """A record as the worker reads it."""

    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int | None = None
    """The broker's own time, ms; None: nobody knows."""


def item(reading: Envelope) -> Item:
    return reading.model_dump_json().encode(), []


def tick(at: datetime, lane: str = "live", spare: int = 1_000_000, *, closes: bool = False) -> Item:
    """A tick of an owner that has time to spare, unless told otherwise."""
    value = Tick(lane=lane, at=at, closes=closes, spare=spare).model_dump_json().encode()
    return value, [(KIND_HEADER, KIND_TICK)]


def publication(document: Document) -> Item:
    return orjson.dumps(dump_document(document)), [(KIND_HEADER, KIND_PLAN)]


def log_of(items: Iterable[Item]) -> list[Record]:
    return [Record(offset, value, headers) for offset, (value, headers) in enumerate(items)]


def see_that_it_follows(told: dict[str, datetime], alert: Alert) -> None:
    """See that a revision has the time of the one before, where that was said in the same run.

    Args:
        told: Event times of what was said, by event id.
    """
    before = told.get(f"{alert.alert_id}-{alert.revision - 1}")
    if before is not None or alert.revision == 0:
        assert alert.previous_at == before
    told[alert.event_id] = alert.event_time


def see_that_it_speaks_both(one: Indicator) -> None:
    """See that the reason of a figure is said in both languages, whatever rule said it."""
    zh = one.status_reason_zh or ""
    assert one.status_reason, one
    assert HAN.search(zh), one
    assert "None" not in zh, one


@dataclass
class Result:
    """What came out of a run."""

    alerts: list[Alert] = field(default_factory=list)
    indicators: list[Indicator] = field(default_factory=list)
    fates: dict[Fate, int] = field(default_factory=dict)
    refused: list[Undecodable] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    told: dict[str, datetime] = field(default_factory=dict)
    """Event times of alert events, by id."""

    def take(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            self.outputs.append(output)
            if isinstance(output, AlertOutput):
                see_that_it_follows(self.told, output.alert)
                self.alerts.append(output.alert)
            elif isinstance(output, IndicatorOutput):
                one = Indicator.model_validate_json(output.encode())
                see_that_it_speaks_both(one)
                self.indicators.append(one)
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
        hidden = {"revision", "event", "evidence", "text", "previous_at"}
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


class Process:
    """A worker, and the compacted topic in which its state is kept. It can be killed at any moment."""

    def __init__(self, judge: Judge[Any], topic: str = "readings", *, live: bool = True) -> None:
        self.judge, self.topic, self.live = judge, topic, live
        self.kept: dict[bytes, bytes] = {}
        """The last value of each record key."""
        self.worker: Worker[Any] = Worker(judge, topic, 0, live=live)

    def store(self) -> int:
        """Write what has changed, all of it or nothing; returns its bytes."""
        written = self.worker.changes()
        for key, value in written:
            self.kept.pop(key, None)
            if value is not None:
                self.kept[key] = value
        return sum(len(key) + len(value or b"") for key, value in written)

    def kill(self) -> None:
        """Lose the worker in the middle of a transaction; another one goes on from what is kept."""
        self.worker.changes()
        start = restored(self.judge, self.kept, self.topic, 0)
        self.worker = Worker(self.judge, self.topic, 0, start, live=self.live)


def run(
    judge: Judge[Any],
    records: Sequence[Record],
    *,
    crashes: Iterable[int] = (),
    batch: int = 1,
    topic: str = "readings",
    stored: Callable[[int], None] | None = None,
) -> Result:
    """Judge a log.

    Lanes other than `live` go to a worker of their own, as they travel on a topic of their own.

    Args:
        crashes: After so many records the workers are lost and others go on from a state stored a little earlier.
        stored: Told the bytes of each storing of the state.
    """
    result = Result()
    lanes = [lane_of(record) for record in records]
    processes = [Process(judge, topic)]
    if any(lane not in {None, LIVE} for lane in lanes):
        processes.append(Process(judge, topic, live=False))
    falls = sorted(set(crashes))
    place = 0
    while place < len(records):
        for process in processes:
            theirs = [
                record
                for record, lane in zip(records[place : place + batch], lanes[place : place + batch], strict=True)
                if lane is None or process.live is (lane == LIVE) or (record.headers and not process.live)
            ]
            said, refused = process.worker.judge(theirs)
            result.take(said)
            result.refused += refused
        place += batch
        if falls and place >= falls[0]:
            falls.pop(0)
            for process in processes:
                process.kill()
            place = min(process.worker.next_offset for process in processes)
        elif place % 7 == 0:
            sizes = [process.store() for process in processes]
            if stored is not None:
                stored(sum(sizes))
    return result


def lane_of(record: Record) -> str | None:
    """The lane of a reading or tick; None for what concerns all lanes."""
    try:
        body = orjson.loads(record.value or b"")
        return None if "kind" in body else str(body.get("lane", LIVE))
    except (orjson.JSONDecodeError, TypeError, AttributeError):
        return LIVE
