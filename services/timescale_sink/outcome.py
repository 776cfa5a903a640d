"""What writing the records of one topic came to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias

from schemas.dead_letter import MAX_DETAIL_CHARS, DeadLetter, DeadLetterReason, DeadLetterSource
from services.timescale_sink.progress import Progress, tally
from services.timescale_sink.rows import Record, Row, Undecodable
from services.timescale_sink.tables import TABLES, ReadingsTable

DeviceKey: TypeAlias = tuple[str, str, str]
"""Feed, lane, device."""


class Refusal(NamedTuple):
    """A record that is not written, and why."""

    record: Record
    reason: DeadLetterReason
    why: str
    row: Row | None = None
    """Its row, as far as it became one."""


@dataclass(slots=True)
class Outcome:
    """What writing one topic's records came to."""

    offered: Counter[int] = field(default_factory=Counter)
    """Rows taken or known already, by partition."""
    stored: Counter[int] = field(default_factory=Counter)
    refused: list[Refusal] = field(default_factory=list)
    ticks: Counter[int] = field(default_factory=Counter)
    devices: list[tuple[DeviceKey, tuple[str, str]]] = field(default_factory=list)
    """Devices of the rows, with group and boot."""

    def refuse(self, undecodable: Sequence[Undecodable]) -> None:
        """Add records that are not what the contract says."""
        self.refused += [Refusal(bad.record, DeadLetterReason.UNDECODABLE_RECORD, bad.why) for bad in undecodable]

    def progress(self, ends: Mapping[tuple[str, int], int]) -> list[Progress]:
        """What this adds to the progress of each partition."""
        return tally(
            ends,
            offered=self.offered,
            stored=self.stored,
            dead_lettered=Counter(refusal.record.partition for refusal in self.refused),
            ticks=self.ticks,
        )

    def store_the_rest(self, records: Sequence[Record]) -> None:
        """Verdicts and dead letters have no duplicates to count: what is not refused is stored."""
        self.offered.update(record.partition for record in records)
        self.offered.subtract(refusal.record.partition for refusal in self.refused)
        self.stored = Counter(self.offered)

    def refused_devices(self) -> list[str]:
        """Device of each row that the database refused."""
        return [r.row.key.device_id for r in self.refused if r.row is not None]


def devices_of(table: ReadingsTable, rows: Sequence[Row]) -> list[tuple[DeviceKey, tuple[str, str]]]:
    """Each device once, with its group and boot: device, group and boot are the first fields of every reading."""
    lane_at, feed = table.fields.index("lane"), table.feed.value
    latest = {(feed, row.values[lane_at], row.values[0]): (row.values[1], row.values[2]) for row in rows}
    return list(latest.items())


def letter_for(refusal: Refusal) -> DeadLetter:
    """The dead letter of a refused record."""
    record, reason, why, row = refusal
    key = None if row is None else row.key
    table = TABLES.get(record.topic)
    return DeadLetter(
        source=DeadLetterSource.TIMESCALE_SINK,
        reason=reason,
        detail=why[:MAX_DETAIL_CHARS].replace("\0", "\\u0000"),
        received_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        kafka_topic=record.topic,
        kafka_partition=record.partition,
        kafka_offset=record.offset,
        feed=None if table is None else table.feed,
        lane=None if row is None or table is None else row.values[table.fields.index("lane")],
        group_id=None if row is None else row.values[1],
        device_id=None if key is None else key.device_id,
        boot_id=None if key is None else key.boot_id,
        seq=None if key is None else key.seq,
    )
