"""One partition's worker: raw records in, outputs out. No broker: a test runs a recorded log through it in a loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import orjson
from pydantic import ValidationError

from schemas.clock import KIND_HEADER, Tick
from schemas.plan.book import Document, load_document
from schemas.plan.policy import PolicyDocument
from services.stream_processors.engine.core import PartitionState, step
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.events import Coordinates, Event, Output, PlanEvent, ReadingEvent, TickEvent
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.snapshot import Snapshot

S = TypeVar("S")

_MAX_DETAIL_CHARS = 300


class LogRecord(Protocol):
    """What the worker needs of a consumer record."""

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


class Worker(Generic[S]):
    """Judges one partition from its last snapshot on.

    Records before `next_offset` are skipped: they are in the state already.
    """

    def __init__(self, judge: Judge[S], topic: str, partition: int, start: Snapshot[S] | None = None) -> None:
        self._judge = judge
        self._topic = topic
        self._partition = partition
        self._state: PartitionState[S] = PartitionState() if start is None else start.state
        self.next_offset = 0 if start is None else start.next_offset
        """Everything before it is in the state."""

    def judge(self, records: Sequence[LogRecord]) -> tuple[list[Output], list[Undecodable]]:
        """Step through records of this partition in the order of their offsets."""
        outputs: list[Output] = []
        refused: list[Undecodable] = []
        for record in records:
            if record.offset < self.next_offset:
                continue
            event = self._event(record)
            if isinstance(event, Undecodable):
                refused.append(event)
            else:
                self._state, said = step(self._judge, self._state, event)
                outputs += said
            self.next_offset = record.offset + 1
        return outputs, refused

    def lacks(self, document: Document) -> bool:
        """Whether a published document concerns this feed and is not in force here yet."""
        if isinstance(document, PolicyDocument) and document.feed is not self._judge.feed:
            return False
        return document not in self._state.documents

    def snapshot(self) -> Snapshot[S]:
        """State and offset as they stand; shares the state, so encode it before judging on."""
        return Snapshot(self.next_offset, self._state)

    def _event(self, record: LogRecord) -> Event | Undecodable:
        raw = record.value or b""
        coordinates = Coordinates(self._topic, self._partition, record.offset)
        try:
            if record.headers:
                match dict(record.headers).get(KIND_HEADER):
                    case b"tick":
                        tick = Tick.model_validate_json(raw)
                        return TickEvent(tick.lane, to_us(tick.at), coordinates)
                    case b"plan":
                        return PlanEvent(load_document(orjson.loads(raw)), coordinates)
            return ReadingEvent(self._judge.decode(raw), coordinates)
        except (orjson.JSONDecodeError, KeyError) as error:
            return Undecodable(coordinates, raw, f"not a published document: {error!r}"[:_MAX_DETAIL_CHARS])
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'record'}: {e['msg']}"
                for e in error.errors(include_input=False, include_url=False)
            )
            return Undecodable(coordinates, raw, faults[:_MAX_DETAIL_CHARS])
