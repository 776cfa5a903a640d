"""What goes into the core and what comes out of it: plain data, no Kafka.

What is made for each reading is a msgspec struct: it takes a third of the time of a named tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec
import orjson

from schemas.alert import Alert
from schemas.lane import LanePhase
from schemas.plan.book import Document
from schemas.readings import Reading

_UTC_Z: Final = orjson.OPT_UTC_Z


class Coordinates(msgspec.Struct, frozen=True, gc=False):
    """Where a record stands in the log; evidence cites it."""

    topic: str
    partition: int
    offset: int


class ReadingEvent(msgspec.Struct, frozen=True, gc=False):
    """A reading has arrived."""

    reading: Reading
    coordinates: Coordinates
    raw: bytes = b""
    """Its record, for the dead letters."""
    broker_us: int | None = None
    """When the broker took the record; None where nobody knows."""


class TickEvent(msgspec.Struct, frozen=True, gc=False):
    """The clock of a lane has reached `at_us`."""

    lane: str
    at_us: int
    coordinates: Coordinates
    spare: int = 0
    closes: bool = False
    raw: bytes = b""
    broker_us: int | None = None


class PlanEvent(msgspec.Struct, frozen=True, gc=False):
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
    """Older than the lateness bound: alerts were left as they stood; a ledger has booked it, and a sample its class."""
    KEY_REUSED = "key_reused"
    """Its device has used its number for another reading in that boot: not judged. The sink keeps it as a finding."""
    FUTURE = "future"
    """Dated beyond the clock's tolerance: kept, marked, and judged once the clock has come near."""
    NOT_COUNTED = "not_counted"
    """Its quality does not let it count for alerts and aggregates."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The fate of one reading; for counting only."""

    fate: Fate


class IndicatorOutput(msgspec.Struct, frozen=True, gc=False):
    """An indicator (contract: `schemas.indicator.Indicator`)."""

    key: bytes
    """Record key."""
    body: Callable[[], dict[str, Any] | bytes]
    """JSON-ready data, or JSON, made when it is needed; it depends on nothing that can change."""
    supersedes: tuple[Hashable, ...] | None
    """Outputs with the same value are revisions of one indicator: in a batch only the last need be produced.
    None when there is only one revision."""

    def encode(self) -> bytes:
        """The record's value."""
        body = self.body()
        return body if type(body) is bytes else orjson.dumps(body, option=_UTC_Z)


@dataclass(frozen=True, slots=True)
class AlertOutput:
    """An alert event."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class DocumentRefused:
    """A published document lacks what the rules need: what was in force stays in force."""

    document: str
    """Kind, id and version."""
    reason: str


@dataclass(frozen=True, slots=True)
class DocumentAccepted:
    """A published document counts from here on; earlier refusals of its kind and id are over."""

    document: str
    """Kind, id and version."""


class FailureReason(StrEnum):
    """Why a record was not judged; the same word is the reason of its dead letter."""

    UNDECODABLE_RECORD = "undecodable_record"
    """It is not what the contract says."""
    JUDGING_FAILED = "judging_failed"
    """The rules raised an error; the key stands as it would without the record."""
    FUTURE_TIME = "future_time"
    """It is dated in the future, and too many of its group wait for the clock already."""
    LANE_NOT_OPEN = "lane_not_open"
    """No clock message had opened the lane, and none came in time."""
    TOO_MANY_LANES = "too_many_lanes"
    """Too many lanes were open when its clock message came."""
    WRONG_LANE = "wrong_lane"
    """Live on the topic of other lanes, or another lane on the topic of what is live."""


class JudgingFailed(NamedTuple):
    """Something was not judged and is kept in the dead letters."""

    coordinates: Coordinates | None
    """Of the record; None where a wake, not a record, failed."""
    payload: bytes
    """The record as it came; empty where it is not at hand, the coordinates then tell where it is."""
    detail: str
    """What is wrong and what to do."""
    lane: str
    key: str
    """Empty where the record was not looked into."""
    reason: FailureReason = FailureReason.JUDGING_FAILED


class TickRefused(NamedTuple):
    """A clock message of `live` is far ahead of the broker's own time; it moves nothing."""

    coordinates: Coordinates
    at_us: int
    """What it said."""
    reason: str
    """What is wrong and what to do."""


class LaneChanged(NamedTuple):
    """How far a lane other than `live` is in one partition (contract: `schemas.lane.LaneStatus`).

    An output when it is opened, closed or refused.
    """

    lane: str
    phase: LanePhase
    opened_offset: int
    """Offset of the clock message that opened it."""
    next_offset: int
    """Everything before it has been judged."""
    clock_us: int | None
    judged: int
    """Readings of this opening, whatever became of them."""
    refused: int
    """Readings and wakes of this opening whose judging failed."""
    detail: str = ""


Output = (
    IndicatorOutput
    | AlertOutput
    | Judged
    | DocumentRefused
    | DocumentAccepted
    | JudgingFailed
    | TickRefused
    | LaneChanged
)
"""All that the core can say."""


def has_failed(outputs: Iterable[Output]) -> bool:
    """Whether something was not judged: one look at the types, for nearly always nothing was."""
    return JudgingFailed in map(type, outputs)
