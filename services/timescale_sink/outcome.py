"""What writing the records of one topic came to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from schemas.dead_letter import MAX_DETAIL_CHARS, DeadLetter, DeadLetterReason, DeadLetterSource
from services.runtime.record import Record
from services.timescale_sink.identity import CHUNKS_AT_ONCE
from services.timescale_sink.intake import Intake
from services.timescale_sink.progress import Place, Progress, tally
from services.timescale_sink.rows import Refusal, Rows, received_at
from services.timescale_sink.tables import TABLES, ReadingsTable

DeviceKey: TypeAlias = tuple[str, str, str]
"""Feed, lane, device."""


@dataclass(slots=True)
class Outcome:
    """What writing one topic's records came to."""

    stored: Counter[int] = field(default_factory=Counter)
    """New rows by partition."""
    refused: list[Refusal] = field(default_factory=list)
    ticks: Counter[int] = field(default_factory=Counter)
    """Ticks by partition."""
    devices: dict[DeviceKey, tuple[str, str]] = field(default_factory=dict)
    """Devices of the rows, with group and boot."""
    intake: Intake = field(default_factory=Intake)
    """How long the live readings were on their way."""
    advanced: list[Progress] = field(default_factory=list)
    """What this adds to the progress of each partition; see `advance`."""
    room: int = CHUNKS_AT_ONCE
    """Chunks of readings that its transaction may still write into."""
    chunks: int = 0
    """Chunks of readings that it writes into."""

    def advance(self, places: Mapping[Place, Sequence[Record]]) -> None:
        """Reckon the progress once everything is written.

        Args:
            places: The records that were written, all of one topic.
        """
        dead_lettered = Counter(refusal.record.partition for refusal in self.refused)
        self.advanced = [
            tally(
                place,
                records,
                stored=self.stored[place[1]],
                dead_lettered=dead_lettered[place[1]],
                ticks=self.ticks[place[1]],
            )
            for place, records in places.items()
        ]

    def store_the_rest(self, records: Sequence[Record]) -> None:
        """Verdicts and dead letters have no duplicates to count: what is not refused is stored."""
        self.stored = Counter(record.partition for record in records)
        self.stored.subtract(refusal.record.partition for refusal in self.refused)

    def repeated(self) -> int:
        """Readings that were in the database already."""
        return sum(progress.duplicates for progress in self.advanced)

    def refused_devices(self) -> list[str]:
        """Device of each row that the database refused."""
        return [
            str(refusal.values[0])
            for refusal in self.refused
            if refusal.values is not None and refusal.reason is DeadLetterReason.REFUSED_BY_DATABASE
        ]


def devices_of(table: ReadingsTable, rows: Rows) -> dict[DeviceKey, tuple[str, str]]:
    """Each device once, with its group and boot: device, group and boot are the first fields of every reading."""
    lane_at, feed = table.fields.index("lane"), table.feed.value
    latest = {(values[lane_at], values[0]): values for values in rows.values}
    return {(feed, lane, device): (values[1], values[2]) for (lane, device), values in latest.items()}


def letter_for(refusal: Refusal) -> DeadLetter:
    """The dead letter of a refused record: where it lies, and whose reading it is as far as that is known."""
    record, table = refusal.record, TABLES.get(refusal.record.topic)
    known = {}
    if table is not None and refusal.values is not None:
        known = dict(zip(table.columns, refusal.values, strict=True))
    return DeadLetter(
        source=DeadLetterSource.TIMESCALE_SINK,
        reason=refusal.reason,
        detail=refusal.why[:MAX_DETAIL_CHARS].replace("\0", "\\u0000"),
        received_at=received_at(record),
        kafka_topic=record.topic,
        kafka_partition=record.partition,
        kafka_offset=record.offset,
        feed=None if table is None else table.feed,
        lane=known.get("lane"),
        group_id=known.get("group_id"),
        device_id=known.get("device_id"),
        boot_id=known.get("boot_id"),
        seq=known.get("seq"),
    )
