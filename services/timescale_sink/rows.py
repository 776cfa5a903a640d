"""From Kafka records to rows. Pure: a record becomes a row, a tick, or a complaint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

from pydantic import ValidationError

from schemas.clock import KIND_HEADER, KIND_TICK
from schemas.envelope import ReadingKey
from services.timescale_sink.tables import ReadingsTable

_TICK: Final = (KIND_HEADER, KIND_TICK)


class Record(Protocol):
    """What the sink uses of a Kafka record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """Milliseconds."""
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Row(NamedTuple):
    """One row to copy, with what a dead letter would need."""

    values: tuple[Any, ...]
    record: Record

    @property
    def key(self) -> ReadingKey:
        """Device, boot and sequence number: the first, third and fourth field of every reading."""
        return ReadingKey(self.values[0], self.values[2], self.values[3])


class Undecodable(NamedTuple):
    """A record that is not what the contract says, and why."""

    record: Record
    why: str


@dataclass(slots=True)
class Decoded:
    """What a batch of one topic came to."""

    rows: list[Row] = field(default_factory=list)
    undecodable: list[Undecodable] = field(default_factory=list)
    ticks: Counter[int] = field(default_factory=Counter)
    """Ticks by partition."""


def received_at(record: Record) -> datetime:
    """When the bridge took the reading: the record's timestamp."""
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


def decode(table: ReadingsTable, records: Iterable[Record]) -> Decoded:
    """Make rows of one topic's records."""
    found = Decoded()
    rows, validate, values_of, codes_at = found.rows, table.decode, table.values, table.codes_at
    for record in records:
        if record.headers and _TICK in record.headers:
            found.ticks[record.partition] += 1
            continue
        try:
            reading = validate(record.value or b"")
        except ValidationError as error:
            found.undecodable.append(Undecodable(record, complaint(error)))
            continue
        values = values_of(reading)
        codes = reading.all_doubts()
        if codes != values[codes_at]:
            values = (*values[:codes_at], codes, *values[codes_at + 1 :])
        rows.append(Row((*values, received_at(record), record.partition, record.offset), record))
    return found


def complaint(error: ValidationError) -> str:
    """The first three errors in one line."""
    parts = [
        f"{'.'.join(str(p) for p in e['loc']) or 'record'}: {e['msg']}"
        for e in error.errors(include_url=False, include_input=False)[:3]
    ]
    return "; ".join(parts)
