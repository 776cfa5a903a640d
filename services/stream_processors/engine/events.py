"""What goes into the core and what comes out of it: plain data, no Kafka."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from schemas.alert import Alert
from schemas.plan.book import Document
from schemas.readings import Reading

_UTC_Z: Final = orjson.OPT_UTC_Z


class Coordinates(NamedTuple):
    """Where a record stands in the log; evidence cites it."""

    topic: str
    partition: int
    offset: int


class ReadingEvent(NamedTuple):
    """A reading has arrived."""

    reading: Reading
    coordinates: Coordinates


class TickEvent(NamedTuple):
    """The clock of a lane has reached `at_us`."""

    lane: str
    at_us: int
    coordinates: Coordinates


class PlanEvent(NamedTuple):
    """A version of a plan, standard or policy has been published."""

    document: Document
    coordinates: Coordinates


Event = ReadingEvent | TickEvent | PlanEvent
"""All that the core can be told."""


class Fate(StrEnum):
    """What became of a reading in the engine; the same word is the metric label."""

    IN_ORDER = "in_order"
    """The newest of its asset: judged on the fast path."""
    LATE = "late"
    """Inside the lateness bound: inserted at its place, the record was corrected."""
    REPEATED = "repeated"
    """Known already, or an exact repeat of a known sample."""
    TOO_LATE = "too_late"
    """Older than the lateness bound: its own class was published, alerts were left as they stood."""
    FUTURE = "future"
    """Dated beyond the clock's tolerance: kept, marked, and judged once the clock has come near."""
    NOT_COUNTED = "not_counted"
    """Its quality does not let it count for alerts and aggregates."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The fate of one reading; for counting only."""

    fate: Fate


class IndicatorOutput(NamedTuple):
    """An indicator (contract: `schemas.indicator.Indicator`)."""

    key: bytes
    """Record key."""
    body: Callable[[], dict[str, Any]]
    """JSON-ready data, made when it is needed; it depends on nothing that can change."""
    supersedes: tuple[Hashable, ...] | None
    """Outputs with the same value are revisions of one indicator: in a batch only the last need be produced.
    None when there is only one revision."""

    def encode(self) -> bytes:
        """The record's value."""
        return orjson.dumps(self.body(), option=_UTC_Z)


@dataclass(frozen=True, slots=True)
class AlertOutput:
    """An alert event."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class DocumentRefused:
    """A published document lacks what the rules need: the former version stays in force."""

    document: str
    """Kind, id and version."""
    reason: str


Output = IndicatorOutput | AlertOutput | Judged | DocumentRefused
"""All that the core can say."""
