"""From Kafka records to rows. Pure: a record becomes a row, a tick, or a refusal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from schemas.clock import KIND_HEADER, KIND_PLAN, KIND_TICK
from schemas.dead_letter import DeadLetterReason
from schemas.fields import FUTURE_TOLERANCE, QualityCode
from services.runtime.record import Record
from services.timescale_sink.tables import ReadingsTable

_NO_READINGS: Final = ((KIND_HEADER, KIND_TICK), (KIND_HEADER, KIND_PLAN))

Values: TypeAlias = tuple[Any, ...]
"""Values of one row in the order of its columns."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that cannot be stored, and why; with its row as far as it became one."""

    record: Record
    reason: DeadLetterReason
    why: str
    values: Values | None = None


@dataclass(slots=True)
class Rows:
    """Rows to copy, each beside the record that it came from."""

    values: list[Values] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.values)


@dataclass(slots=True)
class Decoded:
    """What a batch of one topic came to."""

    rows: Rows = field(default_factory=Rows)
    refused: list[Refusal] = field(default_factory=list)
    ticks: Counter[int] = field(default_factory=Counter)
    """Ticks and published documents by partition: what is no reading."""


def received_at(record: Record) -> datetime:
    """When Kafka took the record from the bridge: its timestamp."""
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


def decode(table: ReadingsTable, records: Iterable[Record]) -> Decoded:
    """Make rows of one topic's records."""
    found = Decoded()
    add, keep = found.rows.values.append, found.rows.records.append
    validate, values_of, codes_at = table.decode, table.values, table.codes_at
    stamp, arrived = -1, datetime.min.replace(tzinfo=UTC)
    latest = arrived
    for record in records:
        if record.headers and any(kind in record.headers for kind in _NO_READINGS):
            found.ticks[record.partition] += 1
            continue
        try:
            reading = validate(record.value or b"")
        except ValidationError as error:
            found.refused.append(Refusal(record, DeadLetterReason.UNDECODABLE_RECORD, complaint(error)))
            continue
        if record.timestamp != stamp:  # many records share their millisecond
            stamp, arrived = record.timestamp, received_at(record)
            latest = arrived + FUTURE_TOLERANCE
        values = values_of(reading)
        codes = reading.all_doubts()
        if reading.observed_at > latest and QualityCode.FUTURE_TIME not in codes:
            codes = (*codes, QualityCode.FUTURE_TIME)
        if codes is not values[codes_at]:
            values = (*values[:codes_at], codes, *values[codes_at + 1 :])
        values = (*values, arrived, record.partition, record.offset)
        add(values)
        keep(record)
    return found


def complaint(error: ValidationError) -> str:
    """The first three errors in one line."""
    parts = [
        f"{'.'.join(str(p) for p in e['loc']) or 'record'}: {e['msg']}"
        for e in error.errors(include_url=False, include_input=False)[:3]
    ]
    return "; ".join(parts)
