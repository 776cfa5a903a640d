"""Put the records of one topic into their tables, within a transaction that the caller holds.

Not `isolating`: whatever the database refuses ends the transaction. `isolating`: what it refuses is found within
savepoints and noted in the outcome, the rest is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Sequence
from typing import Final, TypeAlias

import asyncpg

from schemas.alert import Alert
from schemas.dead_letter import DeadLetterReason
from services.timescale_sink import verdicts
from services.timescale_sink.outcome import Outcome, Refusal, devices_of
from services.timescale_sink.queries import SQL
from services.timescale_sink.rows import Record, Row, decode
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


async def take_readings(
    connection: Connection,
    table: ReadingsTable,
    records: Sequence[Record],
    outcome: Outcome,
    *,
    isolating: bool,
) -> None:
    """Copy the readings and merge what is new; ticks are counted and passed over."""
    decoded = decode(table, records)
    outcome.ticks = decoded.ticks
    outcome.refuse(decoded.undecodable)
    rows = decoded.rows
    if not rows:
        return
    if isolating:
        rows = await _halve(connection, table, rows, outcome)
    else:
        outcome.stored += await _copy_and_merge(connection, table, rows)
    outcome.offered.update(row.record.partition for row in rows)
    outcome.devices = devices_of(table, rows)


async def _halve(connection: Connection, table: ReadingsTable, rows: list[Row], outcome: Outcome) -> list[Row]:
    """Write rows within savepoints; what is refused when alone goes to the dead letters. Returns those taken."""
    try:
        async with connection.transaction():
            await connection.execute(f"DELETE FROM {table.incoming}")  # noqa: S608 - our own name
            outcome.stored += await _copy_and_merge(connection, table, rows)
    except REFUSED as error:
        if len(rows) == 1:
            outcome.refused.append(Refusal(rows[0].record, DeadLetterReason.REFUSED_BY_DATABASE, str(error), rows[0]))
            return []
        middle = len(rows) // 2
        first = await _halve(connection, table, rows[:middle], outcome)
        return first + await _halve(connection, table, rows[middle:], outcome)
    return rows


async def take_dead_letters(connection: Connection, records: Sequence[Record], outcome: Outcome) -> None:
    """Keep refused items with their bytes; a record seen before is known by its place."""
    rows, bad = verdicts.decode_dead_letters(records)
    outcome.refuse(bad)
    if rows:
        columns = verdicts.DEAD_LETTER_COLUMNS
        places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        await connection.executemany(
            f"INSERT INTO dead_letters ({', '.join(columns)}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608 - our own names
            rows,
        )
    outcome.store_the_rest(records)


async def take_indicators(
    connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool
) -> None:
    """Bring indicators to their newest revision."""
    found, bad = verdicts.decode_indicators(records)
    outcome.refuse(bad)
    if isolating:
        for row, record in found:
            await _alone(connection, record, outcome, connection.execute(SQL["indicators"], *([v] for v in row)))
    elif found:
        columns = zip(*(row for row, _ in found), strict=True)
        await connection.execute(SQL["indicators"], *(list(column) for column in columns))
    outcome.store_the_rest(records)


async def take_alerts(connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool) -> None:
    """Keep each event, bring each alert forward, and see to it that one is open for a rule and asset."""
    found, bad = verdicts.decode_alerts(records)
    outcome.refuse(bad)
    for alert, record in found:
        if isolating:
            await _alone(connection, record, outcome, _take_alert(connection, alert, record))
        else:
            await _take_alert(connection, alert, record)
    for key in sorted({(alert.lane, alert.rule, alert.asset) for alert, _ in found}):
        await connection.execute(SQL["supersede_alerts"], *key)
        await connection.execute(SQL["settle_alerts"], *key)
    outcome.store_the_rest(records)


async def _alone(connection: Connection, record: Record, outcome: Outcome, statement: Awaitable[object]) -> None:
    """Run what one record needs within a savepoint; refused, it goes to the dead letters and the rest goes on."""
    try:
        async with connection.transaction():
            await statement
    except REFUSED as error:
        outcome.refused.append(Refusal(record, DeadLetterReason.REFUSED_BY_DATABASE, str(error)))


async def _take_alert(connection: Connection, alert: Alert, record: Record) -> None:
    data = (record.value or b"").decode()
    await connection.execute(
        SQL["alert_event"], alert.event_id, alert.alert_id, alert.revision, alert.event, alert.lane, data
    )
    await connection.execute(SQL["alert"], *verdicts.alert_values(alert))


async def _copy_and_merge(connection: Connection, table: ReadingsTable, rows: Sequence[Row]) -> Counter[int]:
    """Copy rows into the temporary table and take over what is new; returns new rows by partition."""
    await connection.copy_records_to_table(
        table.incoming, records=[row.values for row in rows], columns=table.columns, schema_name="pg_temp"
    )
    return Counter({row[0]: row[1] for row in await connection.fetch(table.merge)})
