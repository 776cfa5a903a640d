"""One partition's worker: raw records in, outputs out. No broker: a test runs a recorded log through it in a loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import orjson
from pydantic import ValidationError

from schemas.clock import KIND_HEADER, Tick
from schemas.fields import LIVE
from schemas.plan.book import Document, load_document
from services.stream_processors.engine.changelog import Changelog, Restored
from services.stream_processors.engine.core import step
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.events import (
    Coordinates,
    Event,
    FailureReason,
    JudgingFailed,
    LaneChanged,
    Output,
    PlanEvent,
    ReadingEvent,
    TickEvent,
    has_failed,
)
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.opening import end_waiting_of_a_former_log, standing
from services.stream_processors.engine.partition import Partition, detail_of
from services.stream_processors.engine.state_records import StateRecord
from services.stream_processors.errors import TooManyFailuresError

S = TypeVar("S")

FAILURES_IN_A_ROW_MAX: Final = 50
"""So many records in a row that cannot be judged: the fault is ours, not theirs."""

_MAX_DETAIL_CHARS: Final = 300
_US_OF_MS: Final = 1_000


class LogRecord(Protocol):
    """What the worker needs of a consumer record; it may also have a `timestamp`, the broker's own time in ms."""

    @property
    def offset(self) -> int: ...  # noqa: D102 - Kafka's own words
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A record that is not what the contract says; it goes to the dead letters."""

    coordinates: Coordinates
    payload: bytes
    detail: str
    reason: FailureReason = FailureReason.UNDECODABLE_RECORD


class Worker(Generic[S]):
    """Judges one partition from its last stored state on.

    Records before `next_offset` are skipped: they are in the state already.

    Args:
        live: Whether the topic is that of `live`, or that of all other lanes.
    """

    def __init__(
        self, judge: Judge[S], topic: str, partition: int, start: Restored[S] | None = None, *, live: bool = True
    ) -> None:
        self._judge = judge
        self._state: Partition[S] = Partition(topic, partition) if start is None else start.state
        self._state.live = live
        self._changelog = Changelog() if start is None else start.changelog
        self._failures = 0
        self.next_offset = 0 if start is None else start.next_offset
        """Everything before it is in the state."""

    def judge(self, records: Sequence[LogRecord]) -> tuple[list[Output], list[Undecodable]]:
        """Step through records of this partition in the order of their offsets.

        Raises:
            TooManyFailuresError: nothing can be judged any more. What this call has judged before is not given, so the
                state must not be stored.
        """
        outputs: list[Output] = []
        refused: list[Undecodable] = []
        if self._state.waiting:
            end_waiting_of_a_former_log(self._state, self.next_offset, outputs)
        for record in records:
            if record.offset < self.next_offset:
                continue
            said = self._step(record)
            if isinstance(said, Undecodable):
                refused.append(said)
            else:
                outputs += said
            self.next_offset = record.offset + 1
        return outputs, refused

    def _step(self, record: LogRecord) -> list[Output] | Undecodable:
        event = self._event(record)
        if isinstance(event, Undecodable):
            self._count_failure(event.detail)
            return event
        try:
            _, said = step(self._judge, self._state, event)
        except Exception as error:  # noqa: BLE001 - one record never stops the others
            self._count_failure(detail_of(error))
            return Undecodable(event.coordinates, record.value or b"", detail_of(error), FailureReason.JUDGING_FAILED)
        if has_failed(said):
            for one in reversed(said):
                if type(one) is JudgingFailed and one.reason is FailureReason.JUDGING_FAILED:
                    self._count_failure(one.detail)
                    return said
        if type(event) is ReadingEvent:
            self._failures = 0
        return said

    def _count_failure(self, detail: str) -> None:
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW_MAX:
            where = f"{self._state.topic}-{self._state.number}"
            raise TooManyFailuresError(
                f"{self._failures} records of {where} in a row cannot be judged, the last before offset "
                f"{self.next_offset + 1}: {detail}; feed {self._judge.feed} stops and nothing is lost: correct what "
                "is wrong or go back to the release before, then start it again"
            )

    def lacking(self, published: Iterable[Document]) -> list[Document]:
        """What to publish here, in this order, until all that is published counts here in its order.

        What has been written into the log and was not judged yet is still lacking: wait for it before asking again.

        Args:
            published: Each document once, in the order in which it was published last.
        """
        return self._state.documents.lacking(published, self._judge.feed)

    def changes(self) -> list[StateRecord]:
        """What must be written, in one transaction, for the state as it is; the partition's own record last."""
        return self._changelog.changes(self._state.judge or self._judge, self._state, self.next_offset)

    def lane_statuses(self) -> list[LaneChanged]:
        """How far each open lane other than `live` is."""
        return [standing(name, lane, self.next_offset) for name, lane in self._state.lanes.items() if name != LIVE]

    def waits(self) -> bool:
        """Whether readings wait for their lane to be opened: a clock message of `live` ends that in time."""
        return bool(self._state.waiting)

    def late_work(self) -> int:
        """Readings that would be applied once more if `spare` were granted now."""
        judge = self._state.judge or self._judge
        return sum(
            judge.late_work(lane.keys[key])
            for lane in self._state.lanes.values()
            if lane.clock_us is not None
            for key in lane.waiting_for(lane.clock_us)
        )

    def _event(self, record: LogRecord) -> Event | Undecodable:
        raw = record.value or b""
        coordinates = Coordinates(self._state.topic, self._state.number, record.offset)
        broker_ms: int | None = getattr(record, "timestamp", None)
        broker_us = broker_ms * _US_OF_MS if broker_ms is not None and broker_ms > 0 else None
        try:
            if record.headers:
                match dict(record.headers).get(KIND_HEADER):
                    case b"tick":
                        tick = Tick.model_validate_json(raw)
                        return TickEvent(
                            tick.lane, to_us(tick.at), coordinates, tick.spare, tick.closes, raw, broker_us
                        )
                    case b"plan":
                        return PlanEvent(load_document(orjson.loads(raw)), coordinates)
            return ReadingEvent(self._judge.decode(raw), coordinates, raw, broker_us)
        except ValidationError as error:
            return Undecodable(coordinates, raw, _faults(error)[:_MAX_DETAIL_CHARS])
        except Exception as error:  # noqa: BLE001 - whatever stands in a record, the next ones are judged
            return Undecodable(coordinates, raw, f"not what the contract says: {error!r}"[:_MAX_DETAIL_CHARS])


def _faults(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'record'}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False)
    )
