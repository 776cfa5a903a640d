"""Put the records of one topic into their tables, within a transaction that the caller holds.

Not `isolating`: whatever the database refuses ends the transaction. `isolating`: what it refuses is found within
savepoints and noted in the outcome, the rest is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

import asyncpg

from schemas.alert import Alert
from schemas.dead_letter import DeadLetterReason
from services.timescale_sink import plan_records, verdicts
from services.timescale_sink.intake import intake_of
from services.timescale_sink.outcome import Outcome, devices_of
from services.timescale_sink.queries import SQL
from services.timescale_sink.rows import Record, Refusal, Rows, decode
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

_INSERT_DEAD_LETTER: Final = (
    f"INSERT INTO dead_letters ({', '.join(verdicts.DEAD_LETTER_COLUMNS)})"  # noqa: S608 - our own names
    f" VALUES ({', '.join(f'${n}' for n in range(1, len(verdicts.DEAD_LETTER_COLUMNS) + 1))}) ON CONFLICT DO NOTHING"
)


async def take_readings(
    connection: Connection, table: ReadingsTable, records: Sequence[Record], outcome: Outcome, *, isolating: bool
) -> None:
    """Copy the readings and merge what is new; ticks are counted and passed over."""
    decoded = decode(table, records)
    outcome.ticks, outcome.refused = decoded.ticks, decoded.refused
    if not decoded.rows:
        return
    if isolating:
        await _halve(connection, table, decoded.rows, outcome)
    else:
        outcome.stored = await _copy_and_merge(connection, table, decoded.rows)
    outcome.devices = devices_of(table, decoded.rows)
    outcome.intake = intake_of(table, decoded.rows, datetime.now(UTC))


async def _halve(connection: Connection, table: ReadingsTable, rows: Rows, outcome: Outcome) -> None:
    """Write rows within savepoints; what is refused when alone goes to the dead letters."""
    try:
        async with connection.transaction():
            await connection.execute(f"DELETE FROM {table.incoming}")  # noqa: S608 - our own name
            stored = await _copy_and_merge(connection, table, rows)
    except REFUSED as error:
        if len(rows) == 1:
            outcome.refused.append(
                Refusal(rows.records[0], DeadLetterReason.REFUSED_BY_DATABASE, str(error), rows.values[0])
            )
            return
        for half in rows.halves():
            await _halve(connection, table, half, outcome)
    else:
        outcome.stored += stored


async def take_dead_letters(
    connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool
) -> None:
    """Keep refused items with their bytes; one whose own words are refused too, with its place and the reason alone.

    A dead letter never becomes another dead letter. A record seen before is known by its place.
    """
    rows = verdicts.decode_dead_letters(records)
    if isolating:
        for row, record in zip(rows, records, strict=True):
            why = await _refused(connection, connection.execute(_INSERT_DEAD_LETTER, *row))
            if why is not None:
                await connection.execute(_INSERT_DEAD_LETTER, *verdicts.unread_dead_letter(record, why))
    else:
        await connection.executemany(_INSERT_DEAD_LETTER, rows)
    outcome.store_the_rest(records)


async def take_indicators(
    connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool
) -> None:
    """Bring indicators to their newest revision, and keep every revision of those over a period."""
    found = verdicts.decode_indicators(records)
    outcome.refused += found.bad
    for query, rows in (("indicators", found.latest), ("indicator_history", found.history)):
        if isolating:
            for row, record in rows:
                await _alone(connection, record, outcome, connection.execute(SQL[query], *([v] for v in row)))
        elif rows:
            columns = zip(*(row for row, _ in rows), strict=True)
            await connection.execute(SQL[query], *(list(column) for column in columns))
    outcome.store_the_rest(records)


async def take_plan_versions(
    connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool
) -> None:
    """Keep each publication of a plan, standard or policy."""
    rows, bad = plan_records.decode_publications(records)
    outcome.refused += bad
    for row, record in rows:
        statement = connection.execute(SQL["plan_version"], *row)
        if isolating:
            await _alone(connection, record, outcome, statement)
        else:
            await statement
    outcome.store_the_rest(records)


async def take_alerts(connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool) -> None:
    """Keep each event, bring each alert forward, and see to it that one is open for a rule and asset."""
    found, bad = verdicts.decode_alerts(records)
    outcome.refused += bad
    for alert, record in found:
        if isolating:
            await _alone(connection, record, outcome, _take_alert(connection, alert, record))
        else:
            await _take_alert(connection, alert, record)
    for key in sorted({(alert.lane, alert.rule, alert.asset) for alert, _ in found}):
        await connection.execute(SQL["supersede_alerts"], *key)
        await connection.execute(SQL["settle_alerts"], *key)
    outcome.store_the_rest(records)


async def _refused(connection: Connection, statement: Awaitable[object]) -> str | None:
    """Run a statement within a savepoint; the database's words when it refuses."""
    try:
        async with connection.transaction():
            await statement
    except REFUSED as error:
        return str(error)
    return None


async def _alone(connection: Connection, record: Record, outcome: Outcome, statement: Awaitable[object]) -> None:
    """Run what one record needs; refused, it goes to the dead letters and the rest goes on."""
    why = await _refused(connection, statement)
    if why is not None:
        outcome.refused.append(Refusal(record, DeadLetterReason.REFUSED_BY_DATABASE, why))


async def _take_alert(connection: Connection, alert: Alert, record: Record) -> None:
    data = (record.value or b"").decode()
    await connection.execute(
        SQL["alert_event"], alert.event_id, alert.alert_id, alert.revision, alert.event, alert.lane, data
    )
    await connection.execute(SQL["alert"], *verdicts.alert_values(alert))


async def _copy_and_merge(connection: Connection, table: ReadingsTable, rows: Rows) -> Counter[int]:
    """Copy rows into the temporary table and take over what is new; returns new rows by partition."""
    await connection.copy_records_to_table(
        table.incoming, records=rows.values, columns=table.columns, schema_name="pg_temp"
    )
    return Counter({row[0]: row[1] for row in await connection.fetch(table.merge)})
