"""Write a batch of readings of one table: what is new, what came again, what contradicts the one that is stored.

1. Ask the ledger which of their numbers are known.
2. Copy and merge what is new; where that is refused, the next row of the same number is new in its turn.
3. Compare the others with what is stored under their identity: a repeat, or a finding.
4. Note the new numbers in the ledger, within the same transaction.

In an isolating write, what the database refuses in 2 or 3 is found by halving, within savepoints.

The ledger is asked without a lock. Noting finds out whether somebody else was faster; then nothing of it counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import asyncpg

from schemas.dead_letter import DeadLetterReason
from services.timescale_sink.errors import LedgerRaced
from services.timescale_sink.identity import (
    Run,
    Segment,
    by_segment,
    chunks_of,
    columns_of,
    hours_of,
    numbers_of,
    sort_out,
    sort_out_anew,
    spans_of,
)
from services.timescale_sink.queries import SQL
from services.timescale_sink.rows import Values
from services.timescale_sink.tables import ReadingsTable

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"

REFUSED: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    OverflowError,
    UnicodeError,
)
"""The row is at fault: SQLSTATE classes 22, 23 and 54; or its value fits no column, and COPY fails on our side."""

_ADVICE: Final = (
    "the first version stays, both stand in v_reading_conflicts; number readings anew only under a new boot_id"
)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is not stored, by its place in the batch."""

    place: int
    reason: DeadLetterReason
    why: str


@dataclass(slots=True)
class Written:
    """What a batch came to; a row that is neither stored nor refused is a repeat."""

    stored: Counter[int] = field(default_factory=Counter)
    """New rows by partition."""
    refused: list[RefusedRow] = field(default_factory=list)


async def write_readings(
    connection: Connection, table: ReadingsTable, rows: Sequence[Values], *, isolating: bool
) -> Written:
    """Write rows, at least one, within a transaction that the caller holds and of no more chunks than one may have.

    Raises:
        LedgerRaced: another transaction stored one of the same readings meanwhile; roll back and write again.
        asyncpg.PostgresError: what the database says; see `REFUSED` for what is a row's fault.
    """
    segments = by_segment(table, rows)
    numbers = numbers_of(table, rows, segments)
    found = sort_out(table, rows, segments, await _known(connection, table, numbers))
    written = Written()
    kept = []
    while found.fresh:
        there = await _write(connection, table, rows, found.fresh, written, isolating=isolating)
        kept += there
        found = sort_out_anew(table, rows, found.again, set(found.fresh).difference(there))
    if found.again:
        await _compare(connection, table, rows, found.again, written, isolating=isolating)
    if len(kept) < len(rows):
        new = [rows[place] for place in kept]
        numbers = numbers_of(table, new, by_segment(table, new))
    await _note(connection, table, numbers)
    return written


async def _known(
    connection: Connection, table: ReadingsTable, numbers: Sequence[tuple[Segment, Run]]
) -> dict[Segment, list[Run]]:
    """Which of the batch's own numbers are stored."""
    stored: dict[Segment, list[Run]] = {}
    for row in await connection.fetch(SQL["known_numbers"], table.feed.value, *columns_of(numbers)):
        stored.setdefault(numbers[row["place"] - 1][0], []).append((row["first"], row["before"]))
    return stored


async def _write(
    connection: Connection,
    table: ReadingsTable,
    rows: Sequence[Values],
    places: list[int],
    written: Written,
    *,
    isolating: bool,
) -> list[int]:
    """Copy and merge; returns the places of what is there now."""
    if not isolating:
        new = rows if len(places) == len(rows) else [rows[place] for place in places]
        written.stored += await _copy_and_merge(connection, table, new)
        return places

    async def merge(some: list[int]) -> None:
        await _clear(connection, table)
        written.stored += await _copy_and_merge(connection, table, [rows[place] for place in some])

    return await _isolated(connection, places, written, merge)


async def _isolated(
    connection: Connection, places: list[int], written: Written, attempt: Callable[[list[int]], Awaitable[None]]
) -> list[int]:
    """Attempt it within savepoints; returns the places of what went through. What is refused is found by halving."""
    try:
        async with connection.transaction():
            await attempt(places)
    except REFUSED as error:
        if len(places) == 1:
            written.refused.append(RefusedRow(places[0], DeadLetterReason.REFUSED_BY_DATABASE, str(error)))
            return []
        half = len(places) // 2
        kept = await _isolated(connection, places[:half], written, attempt)
        return kept + await _isolated(connection, places[half:], written, attempt)
    return places


async def _copy_and_merge(connection: Connection, table: ReadingsTable, rows: Sequence[Values]) -> Counter[int]:
    """Copy rows into the temporary table and take over what is new; returns new rows by partition."""
    await _copy(connection, table, rows)
    return Counter({row[0]: row[1] for row in await connection.fetch(table.merge)})


async def _clear(connection: Connection, table: ReadingsTable) -> None:
    """Empty the temporary table for another use in the same transaction; the commit empties it as well."""
    await connection.execute(f"DELETE FROM {table.incoming}")  # noqa: S608 - our own name


async def _copy(connection: Connection, table: ReadingsTable, rows: Sequence[Values]) -> None:
    await connection.copy_records_to_table(table.incoming, records=rows, columns=table.columns, schema_name="pg_temp")


async def _compare(
    connection: Connection,
    table: ReadingsTable,
    rows: Sequence[Values],
    places: list[int],
    written: Written,
    *,
    isolating: bool,
) -> None:
    """Tell repeats from findings; what cannot even be compared is refused when isolating."""

    async def compare(some: list[int]) -> None:
        written.refused += await _findings(connection, table, rows, some)

    if isolating:
        await _isolated(connection, places, written, compare)
    else:
        await compare(places)


async def _findings(
    connection: Connection, table: ReadingsTable, rows: Sequence[Values], places: list[int]
) -> list[RefusedRow]:
    """Count repeats and return the others; rows are known by their place in Kafka, or in their file."""
    again = {(rows[place][-2], rows[place][-1]): place for place in places}
    repeated = []
    found = []
    await _clear(connection, table)
    await _copy(connection, table, [rows[place] for place in places])
    for since, until in spans_of(chunks_of(table, (rows[place] for place in places))):
        for row in await connection.fetch(table.compare(since, until)):
            place = again[row["kafka_partition"], row["kafka_offset"]]
            if row["same"] and row["at_its_time"]:
                repeated.append(rows[place])
            else:
                why = _contradiction(table, rows[place], at_its_time=row["at_its_time"])
                found.append(RefusedRow(place, DeadLetterReason.KEY_REUSED, why))
    hours = hours_of(table, repeated)
    if hours:
        columns = (list(column) for column in zip(*hours, strict=True))
        await connection.execute(SQL["repeats"], table.feed.value, *columns, list(hours.values()))
    return found


def _contradiction(table: ReadingsTable, values: Values, *, at_its_time: bool) -> str:
    known = dict(zip(table.columns, values, strict=True))
    other = f"of {known['observed_at'].isoformat()} with other values" if at_its_time else "with another time"
    return (
        f"{table.feed} device {known['device_id']}, boot {known['boot_id']}: its reading number {known['seq']}"
        f" is stored {other}; {_ADVICE}"
    )


async def _note(connection: Connection, table: ReadingsTable, numbers: Sequence[tuple[Segment, Run]]) -> None:
    if not numbers:
        return
    done = await connection.execute(SQL["note_numbers"], table.feed.value, *columns_of(numbers))
    if done != f"INSERT 0 {len({segment for segment, _ in numbers})}":
        raise LedgerRaced(f"{table.name}: another writer stores readings of the same devices; writing this batch again")
