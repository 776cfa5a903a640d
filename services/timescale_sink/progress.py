"""How far the sink has come in each partition, and the counts that go with it. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeAlias

from services.timescale_sink.rows import Record

Place: TypeAlias = tuple[str, int]
"""Topic and partition."""

_offset = attrgetter("offset")


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


def not_yet_handled(records: Sequence[Record], next_offset: int) -> Sequence[Record]:
    """Records at or beyond the next offset; the others were handled before a crash.

    Args:
        records: Of one partition, in the order of their offsets.
        next_offset: As the database has it.
    """
    if not records or records[0].offset >= next_offset:
        return records
    return records[bisect_left(records, next_offset, key=_offset) :]


def tally(place: Place, records: Sequence[Record], *, stored: int, dead_lettered: int, ticks: int) -> Progress:
    """Progress of one partition; a reading that is neither new nor refused was known already.

    Args:
        records: What was written, at least one, in the order of their offsets.
    """
    readings = len(records) - ticks
    duplicates = readings - stored - dead_lettered
    return Progress(*place, records[-1].offset + 1, readings, stored, duplicates, dead_lettered, ticks)
