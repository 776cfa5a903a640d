"""How far the sink has come in each partition, and the counts that go with it; what is gone before it came. Pure.

The database's own progress says where reading goes on, whatever Kafka's committed offset says: a copy of the database
that was put back gets all that Kafka still has.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from operator import attrgetter
from typing import TypeAlias

from schemas.topics import topic_spec
from services.runtime.record import Record
from services.runtime.same_log import Mark

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
    last_timestamp: int | None = None
    """Kafka's time of the last record, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the database knows of a partition."""

    next_offset: int
    end_offset: int | None
    """Where the log ended when it was last read."""
    last_timestamp: int | None
    """Kafka's time of the last record handled, in milliseconds; None where there is none, or it was not noted yet."""
    proof: Mark | None = None
    """By what the log is known again; None: nothing was noted, so the last record handled has to do."""


@dataclass(frozen=True, slots=True)
class Log:
    """What Kafka has of a partition."""

    first_offset: int
    end_offset: int
    first_at: datetime | None = None
    """Time of its first record; None: it is empty."""


@dataclass(frozen=True, slots=True)
class LogEnd:
    """What is known of a partition's log beside the records that are written."""

    end: int | None = None
    """Where it ends as Kafka last said; what lies between is still to come. None: it did not say."""
    proof: Mark | None = None
    """A record that was there at the last look; None: there was none yet."""


class Why(StrEnum):
    """How records went before they were stored."""

    REMOVED = "removed"
    """Kafka removed the beginning of the log."""
    MADE_ANEW = "made_anew"
    """The topic was made anew, or lost its end; what was left of the former one is gone."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Records `first_offset` to `before_offset - 1` were gone before they were stored."""

    first_offset: int
    before_offset: int
    why: Why
    since_timestamp: int | None
    """Time of the last record handled before them, in milliseconds."""
    until: datetime | None
    """Time of the first record that is there behind them."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where reading goes on in a partition."""

    next_offset: int
    gaps: tuple[Gap, ...] = ()
    proof: Mark | None = None
    """A record that is there if this is still the same log; None: it cannot be told."""
    anew: bool = False
    """This is another log of the same name."""


def placement(topic: str, known: Known | None, log: Log) -> Placement:
    """Where to go on. A log that ends before what was read of it is another one; what a log lacks in front is a gap.

    Args:
        known: None: nothing was read of it yet, or the database was emptied.
    """
    if known is not None and known.next_offset > log.end_offset:
        return begun_again(topic, known, log)
    next_offset = 0 if known is None else known.next_offset
    timestamp = None if known is None else known.last_timestamp
    if next_offset < log.first_offset:
        return Placement(log.first_offset, _removed(topic, next_offset, log, timestamp))
    return Placement(next_offset, proof=None if known is None else _proof(known))


def _proof(known: Known) -> Mark | None:
    if known.proof is not None or known.last_timestamp is None:
        return known.proof
    return Mark(known.next_offset - 1, known.last_timestamp)


def begun_again(topic: str, known: Known, log: Log) -> Placement:
    """A topic that was made anew, or lost its end, is read from its beginning; what was left of the former is a gap.

    What lies before its beginning was never ours only in a log that began after our last record. In one that lost its
    end it was stored long ago, and was removed by its age.
    """
    gaps = _removed(topic, 0, log, None) if _began_later(known, log) else ()
    if known.end_offset is not None and known.end_offset > known.next_offset:
        left = Gap(known.next_offset, known.end_offset, Why.MADE_ANEW, known.last_timestamp, log.first_at)
        gaps = (left, *gaps)
    return Placement(log.first_offset, gaps, anew=True)


def _began_later(known: Known, log: Log) -> bool:
    """Proof that this is another log: its first record came after the last that was handled."""
    if log.first_at is None or known.last_timestamp is None:
        return False
    return log.first_at > datetime.fromtimestamp(known.last_timestamp / 1000, UTC)


def begun_again_as_proved(topic: str, known: Known, log: Log, *, next_offset: int, proof: Mark) -> Placement:
    """Begin again, unless somebody else has gone on or begun again since the proof was asked for.

    What was left of the former log reaches to where the log was last known to end, which may be of the new one
    already: a gap may be said larger than it is, and is never left out.

    Args:
        known: What the database knows now.
        next_offset: Where reading was to go on.
        proof: A record of what was read that is not there any more.
    """
    if known.next_offset != next_offset or _proof(known) not in (proof, None):
        return Placement(known.next_offset)
    return begun_again(topic, known, log)


class Onward(StrEnum):
    """What a fetched batch is, by where it begins."""

    GOES_ON = "goes_on"
    """It begins where the last one ended, or behind a hole that is compaction's."""
    READ_AGAIN = "read_again"
    """It does not belong there: place the partition again and seek."""
    GONE = "gone"
    """Kafka was asked for what lies before it and has it no more."""


def onward(topic: str, expected: int, offset: int, log: Log, *, sought: bool) -> Onward:
    """What to do with a batch that begins at `offset`.

    A batch behind a hole proves nothing: the client may have gone on elsewhere. It counts only as the answer to a seek.

    Args:
        expected: Where reading goes on.
        sought: Whether the client was told to go to `expected`, and has given nothing since.
    """
    if offset == expected:
        return Onward.GOES_ON
    if offset < expected or not sought or log.first_offset > expected:
        return Onward.READ_AGAIN
    return Onward.GOES_ON if _compacted(topic) else Onward.GONE


@dataclass(frozen=True, slots=True)
class Hole:
    """Records `first_offset` to `before_offset - 1` are not there, though the log begins before them."""

    first_offset: int
    before_offset: int
    until: datetime
    """Time of the record at `before_offset`."""


def passed_over(known: Known, hole: Hole) -> Placement:
    """Go on behind a hole and name it, unless somebody else has gone on meanwhile.

    Args:
        known: What the database knows now.
    """
    if known.next_offset != hole.first_offset:
        return Placement(known.next_offset)
    gap = Gap(hole.first_offset, hole.before_offset, Why.REMOVED, known.last_timestamp, hole.until)
    return Placement(hole.before_offset, (gap,))


def before_a_hole(topic: str, records: Sequence[Record]) -> Sequence[Record]:
    """Records up to the first hole; of a compacted topic all. What lies behind a hole is read again, see `onward`.

    Args:
        records: Of one partition, at least one, in the order of their offsets.
    """
    if _compacted(topic) or records[-1].offset - records[0].offset == len(records) - 1:
        return records
    first = records[0].offset
    return records[: bisect_left(range(len(records)), 1, key=lambda n: records[n].offset - first > n)]


def _compacted(topic: str) -> bool:
    """It keeps the last record of each key: holes in its offsets are ordinary."""
    return topic_spec(topic).retention is None


def _removed(topic: str, next_offset: int, log: Log, timestamp: int | None) -> tuple[Gap, ...]:
    """What a log lacks at its beginning; of a compacted topic nothing is said, it keeps the last of each key."""
    if next_offset >= log.first_offset or _compacted(topic):
        return ()
    return (Gap(next_offset, log.first_offset, Why.REMOVED, timestamp, log.first_at),)


Batches: TypeAlias = Mapping[Place, Sequence[Record]]
"""Records by topic and partition, each in the order of their offsets."""


def cut(batches: Batches, most: int) -> tuple[dict[Place, Sequence[Record]], dict[Place, Sequence[Record]]]:
    """The first so many records, and the others: of each partition those in front come first.

    Args:
        most: At least 1.
    """
    first: dict[Place, Sequence[Record]] = {}
    others: dict[Place, Sequence[Record]] = {}
    for place, records in batches.items():
        if records[:most]:
            first[place] = records[:most]
        if records[most:]:
            others[place] = records[most:]
        most = max(0, most - len(records))
    return first, others


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
    last = records[-1]
    return Progress(
        *place, last.offset + 1, readings, stored, duplicates, dead_lettered, ticks, last_timestamp=last.timestamp
    )
