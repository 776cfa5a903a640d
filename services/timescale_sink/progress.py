"""How far the sink has come in each partition, and the counts that go with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.timescale_sink.rows import Record


@dataclass(frozen=True, slots=True)
class Progress:
    """What one batch adds to one partition."""

    topic: str
    partition: int
    next_offset: int
    readings: int = 0
    stored: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    ticks: int = 0


def not_yet_handled(records: Iterable[Record], handled: Mapping[tuple[str, int], int]) -> list[Record]:
    """Records at or beyond their partition's next offset; the others were handled before a crash.

    Args:
        handled: Next offset by topic and partition, as the database has it.
    """
    return [r for r in records if r.offset >= handled.get((r.topic, r.partition), 0)]


def next_offsets(records: Iterable[Record]) -> dict[tuple[str, int], int]:
    """The offset behind the last record of each partition."""
    ends: dict[tuple[str, int], int] = {}
    for record in records:
        place = (record.topic, record.partition)
        ends[place] = max(ends.get(place, 0), record.offset + 1)
    return ends


def tally(
    ends: Mapping[tuple[str, int], int],
    *,
    offered: Mapping[int, int],
    stored: Mapping[int, int],
    dead_lettered: Mapping[int, int],
    ticks: Mapping[int, int],
) -> list[Progress]:
    """Progress of each partition of one topic; the counts are by partition.

    Args:
        offered: Rows that the database took or knew already; those it did not take as new are duplicates.
    """
    found = []
    for (topic, partition), end in ends.items():
        known, new = offered.get(partition, 0), stored.get(partition, 0)
        refused = dead_lettered.get(partition, 0)
        found.append(
            Progress(topic, partition, end, known + refused, new, known - new, refused, ticks.get(partition, 0))
        )
    return found
