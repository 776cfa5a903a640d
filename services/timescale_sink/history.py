"""Years of history from files straight into the tables: in parallel parts, each resumable, nothing twice.

A file has one reading a line, as a device sends it (JSON). It is cut into parts at line ends; each part is read in
batches, and a batch's rows and how far the part has come are one transaction. What is refused is kept beside the file
with its reason.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson
from pydantic import ValidationError

from schemas.fields import FUTURE_TOLERANCE, Feed
from schemas.topics import readings_topic
from services.timescale_sink.editions import Edition, edition_of
from services.timescale_sink.errors import ImportRefused, LedgerRaced
from services.timescale_sink.identity import CHUNK, CHUNKS_AT_ONCE, chunk_of
from services.timescale_sink.policies import LEVELS
from services.timescale_sink.queries import SQL
from services.timescale_sink.readings import write_readings
from services.timescale_sink.rows import complaint
from services.timescale_sink.tables import TABLES, ReadingsTable
from services.timescale_sink.writer import UNPACK_AS_NEEDED

PART_BYTES: Final = 16 * 2**20
BATCH_LINES: Final = 5_000
NO_PARTITION: Final = -1
"""Place in Kafka of what never was there; the offset is the byte in its file."""
_EDGE_BYTES: Final = 2**20
_LONGEST_LINE: Final = 2**20
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Part:
    """A range of bytes of one file, from the beginning of a line to the end of one."""

    path: Path
    source: str
    feed: Feed
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the lines of a part, over all its runs."""

    lines: int
    stored: int
    duplicates: int
    refused: int


def parts_of(path: Path, feed: Feed, part_bytes: int = PART_BYTES) -> list[Part]:
    """Cut a file at line ends.

    Raises:
        ImportRefused: it cannot be read, is packed, or is empty.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_EDGE_BYTES)
            file.seek(max(0, size - _EDGE_BYTES))
            tail = file.read(_EDGE_BYTES)
            if head[:2] == b"\x1f\x8b" or head[:4] == b"\x28\xb5\x2f\xfd":
                raise ImportRefused(f"{path}: is packed; unpack it first, its parts are read side by side")
            if not head.strip():
                raise ImportRefused(f"{path}: has no lines")
            source = hashlib.sha256(b"%d|" % size + head + tail).hexdigest()
            cuts = [0]
            while cuts[-1] + part_bytes < size:
                file.seek(cuts[-1] + part_bytes)
                file.readline()
                cuts.append(file.tell())
    except OSError as error:
        raise ImportRefused(f"{path}: {error.strerror}") from error
    ends = [*cuts[1:], size]
    return [Part(path, source, feed, start, end) for start, end in zip(cuts, ends, strict=True) if start < end]


def take_part(url: str, part: Part, now: datetime) -> Counts:
    """Take one part over, from where it was left; for a process of its own.

    Args:
        now: The platform's clock: what is dated beyond it is no history, and refused.

    Raises:
        ImportRefused: the database refuses what is none of a line's fault.
        OSError, asyncpg.PostgresError: the database went away; the next run goes on.
    """
    return asyncio.run(_take(url, part, now + FUTURE_TOLERANCE))


async def _take(url: str, part: Part, latest: datetime) -> Counts:
    table = TABLES[readings_topic(part.feed)]
    connection = await asyncpg.connect(url, command_timeout=300)
    try:
        await connection.execute(table.make_incoming)
        await connection.execute(UNPACK_AS_NEEDED)
        place = (part.source, part.start)
        await connection.execute(SQL["import_begin"], *place, part.end, part.path.name, part.feed.value)
        (row,) = await connection.fetch(SQL["import_progress"], *place)
        at = int(row["next_at"])
        for batch in _batches(part, at, latest):
            row = await _write_until_done(connection, table, part, batch)
        return Counts(row["lines"], row["stored"], row["duplicates"], row["refused"])
    finally:
        await connection.close()


@dataclass(slots=True)
class _Batch:
    rows: list[tuple[Any, ...]]
    """Readings; the last value of each is the byte at which its line begins."""
    lines: list[bytes]
    """Line of each row."""
    refused: list[bytes]
    next_at: int
    earliest: datetime | None = None
    latest: datetime | None = None


def _batches(part: Part, at: int, latest: datetime) -> Iterator[_Batch]:
    table = TABLES[readings_topic(part.feed)]
    seen = table.fields.index("observed_at")
    with part.path.open("rb") as file:
        file.seek(at)
        while at < part.end:
            batch = _Batch([], [], [], at)
            chunks: set[int] = set()
            for _ in range(BATCH_LINES):
                line = file.readline(_LONGEST_LINE)
                if not line or at >= part.end:
                    break
                if _read(table, line, at, batch, latest):
                    chunks.add(chunk_of(batch.rows[-1][seen]))
                at += len(line)
                if len(chunks) == CHUNKS_AT_ONCE:
                    break
            batch.next_at = at
            times = [row[seen] for row in batch.rows]
            if times:
                batch.earliest, batch.latest = min(times), max(times)
            yield batch


def _read(table: ReadingsTable, line: bytes, at: int, batch: _Batch, latest: datetime) -> bool:
    """Take a line up; true when it is a reading."""
    text = (line if at else line.removeprefix(_BYTE_ORDER_MARK)).strip()
    if not text:
        return False
    why: str
    try:
        reading = table.decode(text)
        values = list(table.values(reading))
        values[table.codes_at] = reading.all_doubts()
        nul = any(isinstance(value, str) and "\0" in value for value in values)
        if not nul and reading.observed_at <= latest:
            batch.rows.append((*values, reading.observed_at, NO_PARTITION, at))
            batch.lines.append(text)
            return True
        why = (
            "a text contains the character U+0000, which PostgreSQL cannot store"
            if nul
            else f"observed_at is {reading.observed_at.isoformat()}, in the future: history is what has been measured; "
            "correct the time, or leave the line out"
        )
    except ValidationError as error:
        why = complaint(error)
    batch.refused.append(_refused_line(at, why, text))
    return False


def _refused_line(at: int, why: str, text: bytes) -> bytes:
    return orjson.dumps({"byte": at, "reason": why, "line": text.decode(errors="replace")}) + b"\n"


async def _write_until_done(connection: Any, table: ReadingsTable, part: Part, batch: _Batch) -> Any:
    """Write a batch; when another part was faster with one of the same readings, again."""
    while True:
        try:
            return await _write(connection, table, part, batch)
        except LedgerRaced:
            continue


async def _write(connection: Any, table: ReadingsTable, part: Part, batch: _Batch) -> Any:
    async with connection.transaction():
        stored, refused = 0, list(batch.refused)
        if batch.rows:
            written = await write_readings(connection, table, batch.rows, isolating=False)
            stored = written.stored.total()
            refused += [
                _refused_line(batch.rows[each.place][-1], each.why, batch.lines[each.place]) for each in written.refused
            ]
        lines = len(batch.rows) + len(batch.refused)
        if refused:
            _keep(refused_file(part), refused)
        return await connection.fetchrow(
            SQL["import_advance"],
            part.source,
            part.start,
            batch.next_at,
            lines,
            stored,
            lines - stored - len(refused),
            len(refused),
            batch.earliest,
            batch.latest,
        )


def refused_file(part: Part) -> Path:
    """Where refused lines are kept, with byte and reason; one that is refused again stands there again."""
    return part.path.with_name(f"{part.path.name}.refused-{part.start}.jsonl")


def _keep(path: Path, lines: list[bytes]) -> None:
    with path.open("ab") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What became of the rollups of imported days."""

    spans: list[tuple[datetime, datetime]]
    """Local days that were folded in, neighbours together; the end is exclusive."""
    left: list[datetime]
    """Beginnings of local days whose rollups were left as they are, because they know more readings than are there."""


async def roll_up(owner: asyncpg.Connection, feed: Feed, earliest: datetime, latest: datetime) -> RolledUp:
    """Fold imported readings into the rollups, whatever their age.

    Where readings were dropped for their age, what was kept of them stays: computed anew from what was imported it
    would lose the rest. The community edition leaves such a day as it is, the Apache edition its hours, device by
    device; all else the Apache edition marks while it is written, and the sink folds it.

    Args:
        owner: Outside a transaction.
    """
    apache = await edition_of(owner) is Edition.APACHE
    if apache:
        await _fold_dropped(owner, feed, earliest, latest)
    rolled = f"v_{feed}_days" if apache else f"{feed}_days"
    days = []
    for since, until in windows(earliest, latest):
        days += await owner.fetch(_IMPORTED_DAYS.format(feed=feed, rolled=rolled), since, until)
    found = RolledUp(
        neighbours(row["day"] for row in days if not row["thin"]), [row["day"] for row in days if row["thin"]]
    )
    if apache:
        return found
    for since, until in wider(found.spans, found.left):
        for level in LEVELS:
            await owner.execute(
                f"CALL refresh_continuous_aggregate('{feed}_{level}',"
                f" TIMESTAMPTZ '{since.isoformat()}', TIMESTAMPTZ '{until.isoformat()}')"
            )
    return found


async def _fold_dropped(owner: asyncpg.Connection, feed: Feed, earliest: datetime, latest: datetime) -> None:
    """Fold hours whose readings retention once dropped; the views do not read these from the readings meanwhile."""
    async with owner.transaction():
        await owner.execute("SELECT FROM rollup_progress WHERE feed = $1 FOR UPDATE", feed.value)
        await owner.execute(
            "SELECT fold_marked(feed, since, until, $4) FROM rollup_dropped"
            " WHERE feed = $1 AND until > $2 AND since <= $3",
            *(feed.value, earliest, latest, CHUNK // timedelta(hours=1)),
        )


_DAY: Final = timedelta(days=1)
_LOCAL: Final = timedelta(hours=8)
_INSTANT: Final = timedelta(microseconds=1)
_IMPORTED_DAYS: Final = """
WITH raw AS (
    SELECT lane, device_id, time_bucket('1 day', observed_at, "offset" => INTERVAL '-8 hours') AS day, count(*) AS n
    FROM {feed}_readings
    WHERE observed_at >= time_bucket('1 day', $1::timestamptz, "offset" => INTERVAL '-8 hours')
        AND observed_at < time_bucket('1 day', $2::timestamptz, "offset" => INTERVAL '-8 hours') + INTERVAL '1 day'
    GROUP BY 1, 2, 3
),
thin AS (
    SELECT DISTINCT d.bucket AS day
    FROM {rolled} AS d
    LEFT JOIN raw AS r ON r.lane = d.lane AND r.device_id = d.device_id AND r.day = d.bucket
    WHERE d.bucket >= time_bucket('1 day', $1::timestamptz, "offset" => INTERVAL '-8 hours') AND d.bucket <= $2
        AND d.n > coalesce(r.n, 0)
)
SELECT days.day, thin.day IS NOT NULL AS thin
FROM (SELECT DISTINCT day FROM raw) AS days LEFT JOIN thin USING (day)
ORDER BY days.day"""


def windows(earliest: datetime, latest: datetime) -> list[tuple[datetime, datetime]]:
    """Spans of whole local days that cover two times, each of a bounded number of chunks; both ends belong."""
    since = datetime.combine((earliest + _LOCAL).date(), datetime.min.time(), UTC) - _LOCAL
    found = []
    while since <= latest:
        until = since + (CHUNKS_AT_ONCE - 1) * CHUNK
        found.append((since, min(until - _INSTANT, latest)))
        since = until
    return found


def wider(spans: Iterable[tuple[datetime, datetime]], left: Iterable[datetime]) -> list[tuple[datetime, datetime]]:
    """Spans with the day before and after, but for days that are to be left.

    TimescaleDB up to 2.23 reckons windows as if days began at midnight UTC: it refuses that of a single local day, and
    passes over the first hours of a day whose neighbour before it is left. Later versions do neither.
    """
    closed = set(left)
    return [
        (since if since - _DAY in closed else since - _DAY, until if until in closed else until + _DAY)
        for since, until in spans
    ]


def neighbours(days: Iterable[datetime]) -> list[tuple[datetime, datetime]]:
    """Spans of days that follow one another, from ascending beginnings of days."""
    spans: list[tuple[datetime, datetime]] = []
    for day in days:
        if spans and spans[-1][1] == day:
            spans[-1] = (spans[-1][0], day + _DAY)
        else:
            spans.append((day, day + _DAY))
    return spans
