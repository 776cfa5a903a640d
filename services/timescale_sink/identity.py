"""Which readings of a batch are new: each is known by lane, device, boot and number, whatever its time. Pure.

Numbers are reckoned in runs and kept in segments of 2^14, so that what a device numbers oddly stays small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Final, NamedTuple, TypeAlias

from services.timescale_sink.rows import Values
from services.timescale_sink.tables import ReadingsTable

SEGMENT_BITS: Final = 14
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
CHUNK: Final = timedelta(days=7)
"""Width of a chunk of readings; see migration 0001."""
CHUNKS_AT_ONCE: Final = 50
"""Most chunks of readings that one transaction writes into: each takes some ten of the locks that the server has."""


class Segment(NamedTuple):
    """Numbers of one boot that stand in one row of the ledger."""

    lane: str
    device_id: str
    boot_id: str
    segment: int


Run: TypeAlias = tuple[int, int]
"""Numbers that follow one another: the first, and the one behind the last."""
Hour: TypeAlias = tuple[datetime, str, str]
"""Hour, lane and device."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """Places in the batch."""

    fresh: list[int]
    """Rows whose number nobody has used."""
    again: list[int]
    """Rows whose number is stored already, or stands earlier in the batch."""


def by_segment(table: ReadingsTable, rows: Sequence[Values]) -> dict[Segment, list[int]]:
    """Places of the rows of each segment, in the order of the batch."""
    identity = itemgetter(*map(table.fields.index, ("lane", "device_id", "boot_id")))
    seq_at = table.fields.index("seq")
    boots: dict[tuple[str, str, str], list[int]] = {}
    for place, key in enumerate(map(identity, rows)):
        if key in boots:
            boots[key].append(place)
        else:
            boots[key] = [place]
    found: dict[Segment, list[int]] = {}
    for boot, places in boots.items():
        segments = [rows[place][seq_at] >> SEGMENT_BITS for place in places]
        if min(segments) == max(segments):  # nearly always
            found[Segment(*boot, segments[0])] = places
            continue
        for segment, place in zip(segments, places, strict=True):
            found.setdefault(Segment(*boot, segment), []).append(place)
    return found


def runs(numbers: Iterable[int]) -> list[Run]:
    """Numbers as runs, ascending; a repeat counts once."""
    ascending = sorted(set(numbers))
    if ascending and ascending[-1] - ascending[0] + 1 == len(ascending):  # nearly always
        return [(ascending[0], ascending[-1] + 1)]
    found: list[Run] = []
    first = before = -1
    for number in ascending:
        if number == before:
            before += 1
            continue
        if before >= 0:
            found.append((first, before))
        first, before = number, number + 1
    if before >= 0:
        found.append((first, before))
    return found


def sort_out(
    table: ReadingsTable,
    rows: Sequence[Values],
    segments: Mapping[Segment, Sequence[int]],
    stored: Mapping[Segment, Sequence[Run]],
) -> Sorted:
    """Tell new rows from those whose number is known; of several in a batch the first is new.

    Args:
        segments: As `by_segment` found them.
        stored: Runs of the batch's own numbers that are stored, by segment.
    """
    seq_at = table.fields.index("seq")
    fresh: list[int] = []
    again: list[int] = []
    for segment, places in segments.items():
        if segment not in stored and len({rows[place][seq_at] for place in places}) == len(places):  # nearly always
            fresh += places
            continue
        used = {number for first, before in stored.get(segment, ()) for number in range(first, before)}
        for place in places:
            number = rows[place][seq_at]
            if number in used:
                again.append(place)
            else:
                used.add(number)
                fresh.append(place)
    return Sorted(sorted(fresh), sorted(again))


def sort_out_anew(table: ReadingsTable, rows: Sequence[Values], again: Sequence[int], refused: Iterable[int]) -> Sorted:
    """After new rows were refused, nobody has used their numbers: the next row of each is new in its turn.

    Args:
        again: Rows that were not new, ascending.
        refused: Those of the new rows that are not stored.
    """
    identity = itemgetter(*map(table.fields.index, ("lane", "device_id", "boot_id", "seq")))
    free = {identity(rows[place]) for place in refused}
    found = Sorted([], [])
    for place in again:
        key = identity(rows[place])
        (found.fresh if key in free else found.again).append(place)
        free.discard(key)
    return found


def numbers_of(
    table: ReadingsTable, rows: Sequence[Values], segments: Mapping[Segment, Sequence[int]]
) -> list[tuple[Segment, Run]]:
    """The rows' numbers as runs."""
    seq_at = table.fields.index("seq")
    return [
        (segment, run) for segment, places in segments.items() for run in runs(rows[place][seq_at] for place in places)
    ]


def columns_of(numbers: Iterable[tuple[Segment, Run]]) -> tuple[list[object], ...]:
    """Arguments of `queries/known_numbers.sql` and `queries/note_numbers.sql`: a list each column."""
    listed = [(*segment, *run) for segment, run in numbers]
    return tuple(map(list, zip(*listed, strict=True))) if listed else tuple([] for _ in range(6))


def chunk_of(observed_at: datetime) -> int:
    """A number for the chunk that holds a time; near its edges the neighbour's."""
    return (observed_at - _EPOCH) // CHUNK


def chunks_of(table: ReadingsTable, rows: Iterable[Values]) -> set[int]:
    """Chunks that rows, at least one, go into."""
    at = table.fields.index("observed_at")
    times = [values[at] for values in rows]
    first, last = chunk_of(min(times)), chunk_of(max(times))
    return {first} if first == last else {chunk_of(time) for time in times}


def spans_of(chunks: Iterable[int]) -> list[tuple[datetime, datetime]]:
    """From when until when chunks reach, neighbours together; the end is exclusive."""
    return [(_EPOCH + first * CHUNK, _EPOCH + before * CHUNK) for first, before in runs(chunks)]


def hours_of(table: ReadingsTable, rows: Iterable[Values]) -> Counter[Hour]:
    """How many rows were measured in each hour, by lane and device."""
    at, lane_at, device_at = map(table.fields.index, ("observed_at", "lane", "device_id"))
    return Counter(
        (values[at].replace(minute=0, second=0, microsecond=0), values[lane_at], values[device_at]) for values in rows
    )
