"""Two courses of one history: under the documents in force, and under these with an alternative. Pure.

Both see the same readings and the same ticks in the same order, each through a worker of its own, in a lane
`whatif:<name>`: what differs in the end differs for the documents' sake alone.

Of an alert the last revision is kept until the end: there are as many as people would have heard of. Figures are many,
and are compared and forgotten as soon as no reading can change them any more, so memory does not grow with the span.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from schemas.alert import Alert, AlertEventType
from schemas.clock import KIND_HEADER, KIND_TICK, Tick
from schemas.plan.book import Document
from schemas.topics import readings_topic
from services.stream_processors.engine.event_time import from_us, to_us
from services.stream_processors.engine.events import AlertOutput, IndicatorOutput, JudgingFailed, Output
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.worker import Undecodable, Worker

TICK: Final = timedelta(minutes=1)
"""The lane's clock moves in such steps. Wakes are called at their own times whatever the step."""
_FAILURES_NAMED: Final = 5
_LEAST_KEPT: Final = timedelta(hours=1)

FigureName = tuple[str, ...]
"""Indicator, subject, begin and end of its period, and the sample where it is about one."""


class Course(StrEnum):
    """Under which documents."""

    IN_FORCE = "in_force"
    ALTERNATIVE = "alternative"


class LaneRecord(NamedTuple):
    """A record as the worker takes it."""

    offset: int
    timestamp: int
    """Broker time in ms: when the reading had come."""
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """What is compared, and what is only read for its sake."""

    read_from: datetime
    """The first reading may be so old."""
    since: datetime
    until: datetime
    """Exclusive."""

    def holds(self, begin: datetime, end: datetime) -> bool:
        """Whether a period belongs to what is compared: it lies in it at least in part; one moment lies in it."""
        return begin < self.until and (end > self.since or (begin == end and begin >= self.since))


@dataclass(slots=True)
class _Side:
    """What one course came to."""

    worker: Worker[Any]
    alerts: dict[str, Alert] = field(default_factory=dict)
    figures: dict[FigureName, dict[str, Any]] = field(default_factory=dict)
    failed: int = 0
    failures: list[str] = field(default_factory=list)


class Courses:
    """Feed it readings in the order in which they came, then ask for the end.

    Args:
        judge: Of one feed, under the documents that ship with the platform.
        published: What was published, in its order; what the feed cannot use is passed over as its processor does.
        alternative: Published last in the other course.
    """

    def __init__(
        self, judge: Judge[Any], published: Sequence[Document], alternative: Document, *, lane: str, span: Span
    ) -> None:
        self._lane, self._span, self._topic = lane, span, readings_topic(judge.feed, live=False)
        self.passed_over: list[str] = []
        for document in published:
            judge = self._under(judge, document)
        other = judge.with_document(alternative)
        self._lateness = max(judge.lateness, other.lateness)
        self._sides = {
            course: _Side(Worker(ruling, self._topic, 0, live=False))
            for course, ruling in ((Course.IN_FORCE, judge), (Course.ALTERNATIVE, other))
        }
        self._offset = 0
        self._clock = span.read_from
        self.readings = 0
        self.compared: Counter[str] = Counter()
        """Figures of which nothing can change any more, by indicator."""
        self.partly_read: Counter[str] = Counter()
        """Figures of periods that began before what was read: nothing is said of them."""
        self._tick(span.read_from)

    def _under(self, judge: Judge[Any], document: Document) -> Judge[Any]:
        try:
            return judge.with_document(document)
        except Exception as error:  # noqa: BLE001 - a processor passes over what it cannot use, whatever it is
            self.passed_over.append(str(error))
            return judge

    def take(self, arrived_us: int, raw: bytes) -> Iterator[dict[str, Any]]:
        """One reading, and the ticks before it; gives the figures that differ and are final by then.

        Args:
            arrived_us: When it came; never before the one before.
            raw: Its JSON, in the lane of the what-if.

        Raises:
            TooManyFailuresError: nothing can be judged any more.
        """
        yield from self._until(from_us(arrived_us))
        self.readings += 1
        self._judge(raw, arrived_us)

    def end(self, at: datetime) -> Iterator[dict[str, Any]]:
        """The last tick closes the lane; gives all that is left: figures that differ, then the alerts of both."""
        yield from self._until(at)
        self._tick(at, closes=True)
        yield from self._figures(None)
        for course, side in self._sides.items():
            for alert in side.alerts.values():
                if self._is_shown(alert):
                    yield {"kind": "alert", "course": course.value, "alert": alert.model_dump(mode="json")}

    def summary(self) -> dict[str, Any]:
        """How much was judged."""
        return {
            "kind": "end",
            "readings": self.readings,
            "figures": dict(self.compared),
            "partly_read": dict(self.partly_read),
            "failed": {course.value: side.failed for course, side in self._sides.items()},
            "failures": [text for side in self._sides.values() for text in side.failures],
            "passed_over": self.passed_over,
        }

    def _until(self, at: datetime) -> Iterator[dict[str, Any]]:
        if not self.readings and at > self._clock:  # nobody was heard of: no timer and no window waits
            self._tick(at - (at - self._clock) % TICK)
        while self._clock + TICK <= at:
            self._tick(self._clock + TICK)
            if self._clock.minute == 0:
                yield from self._figures(self._clock)

    def _tick(self, at: datetime, *, closes: bool = False) -> None:
        self._clock = at
        tick = Tick(lane=self._lane, at=at, closes=closes).model_dump_json().encode()
        self._judge(tick, to_us(at), ((KIND_HEADER, KIND_TICK),))

    def _judge(self, value: bytes, at_us: int, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
        record = LaneRecord(self._offset, at_us // 1_000, value, headers)
        self._offset += 1
        for side in self._sides.values():
            said, refused = side.worker.judge([record])
            for output in said:
                self._hear(side, output)
            for one in refused:
                _count(side, one)

    def _hear(self, side: _Side, output: Output) -> None:
        match output:
            case AlertOutput(alert):
                side.alerts[alert.alert_id] = alert
                if not self._is_shown(alert) and alert.ended_at is not None:
                    del side.alerts[alert.alert_id]
            case IndicatorOutput():
                self._hear_figure(side, orjson.loads(output.encode()))
            case JudgingFailed():
                _count(side, output)
            case _:
                pass

    def _hear_figure(self, side: _Side, figure: dict[str, Any]) -> None:
        begin, end = _times(figure)
        if not self._span.holds(begin, end):
            return
        sample = figure.get("sample") or {}
        parts = (figure["id"], figure["subject"], figure["period_start"], figure["period_end"])
        side.figures[(*parts, *(str(value) for value in sample.values()))] = figure

    def _is_shown(self, alert: Alert) -> bool:
        """Whether it lasted into what is compared, and was not taken back."""
        if alert.event is AlertEventType.RETRACTED:
            return False
        return alert.started_at < self._span.until and (alert.ended_at is None or alert.ended_at >= self._span.since)

    def _figures(self, clock: datetime | None) -> Iterator[dict[str, Any]]:
        """Compare and forget the figures that are final at a time; None: all of them."""
        ours, theirs = (self._sides[course].figures for course in Course)
        for name in sorted({**ours, **theirs}):
            one, other = ours.get(name), theirs.get(name)
            begin, end = _times(one or other or {})
            if clock is not None and end + max(end - begin, _LEAST_KEPT) + 2 * self._lateness >= clock:
                continue
            ours.pop(name, None)
            theirs.pop(name, None)
            if begin < self._span.read_from:
                self.partly_read[name[0]] += 1
                continue
            self.compared[name[0]] += 1
            if _content(one) != _content(other):
                yield {"kind": "figure", Course.IN_FORCE.value: one, Course.ALTERNATIVE.value: other}


def _times(figure: dict[str, Any]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(figure["period_start"]), datetime.fromisoformat(figure["period_end"])


def _content(figure: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a figure says, whenever and how often it was said."""
    if figure is None:
        return None
    return {key: value for key, value in figure.items() if key not in {"revision", "known_at", "evidence"}}


def _count(side: _Side, failed: JudgingFailed | Undecodable) -> None:
    side.failed += 1
    if len(side.failures) < _FAILURES_NAMED:
        side.failures.append(failed.detail)
