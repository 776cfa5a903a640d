"""One round of records into the database, in one transaction.

1. Lock the progress of its topics; drop records that were handled before a crash.
2. Write what is new; a row that the database refuses is found by halving, the rest is written.
3. Put what was refused into the dead letters and wait until Kafka has them.
4. Add to the progress; commit.

A crash before the commit leaves nothing behind but dead letters that will come again, which are counted by their key.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias

import asyncpg

from schemas.alert import Alert
from schemas.dead_letter import MAX_DETAIL_CHARS, DeadLetter, DeadLetterReason, DeadLetterSource
from schemas.topics import ALERTS, DEAD_LETTERS, INDICATORS
from services.runtime import metrics
from services.runtime.dead_letters import DeadLetterProducer
from services.timescale_sink import verdicts
from services.timescale_sink.errors import DatabaseUnavailable, SchemaMismatch, TooMuchRefused
from services.timescale_sink.poison import PoisonWatch
from services.timescale_sink.progress import Progress, next_offsets, not_yet_handled, tally
from services.timescale_sink.queries import SQL
from services.timescale_sink.rows import Record, Row, Undecodable, decode
from services.timescale_sink.tables import TABLES, ReadingsTable

DeviceKey: TypeAlias = tuple[str, str, str]
"""Feed, lane, device."""

Refusal: TypeAlias = tuple[Record, DeadLetterReason, str, Row | None]
"""A record, why it was refused, the words, and its row as far as it became one."""

Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"

REFUSED: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    OverflowError,
    UnicodeError,
)
"""The row is at fault: SQLSTATE classes 22, 23 and 54; or its value fits no column, and COPY fails on our side."""

OUTAGE: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
)
"""The database is at fault, for a while: refused connections, restarts, a full disk, deadlocks, a standby."""

MISMATCH: Final = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidPasswordError,
)


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
        self.refused += [(bad.record, DeadLetterReason.UNDECODABLE_RECORD, bad.why, None) for bad in undecodable]

    def progress(self, ends: Mapping[tuple[str, int], int]) -> list[Progress]:
        """What this adds to the progress of each partition."""
        return tally(
            ends,
            offered=self.offered,
            stored=self.stored,
            dead_lettered=Counter(record.partition for record, *_ in self.refused),
            ticks=self.ticks,
        )


@dataclass(slots=True)
class Writer:
    """Writes rounds; holds what it needs to know between them."""

    pool: asyncpg.Pool[asyncpg.Record]
    cluster_id: str
    dead_letters: DeadLetterProducer
    device_refresh_seconds: float
    poison: PoisonWatch = field(default_factory=PoisonWatch)
    _noted: dict[DeviceKey, float] = field(default_factory=dict)
    """When a device was last noted as seen."""

    async def write(self, batches: Mapping[str, Sequence[Record]]) -> None:
        """Write the records of each topic.

        Raises:
            DatabaseUnavailable: the database did not take them just now; nothing of the round was written.
            SchemaMismatch: the tables are not those of this version.
            TooMuchRefused: the database refuses most rows of many devices.
        """
        try:
            with metrics.WRITE_SECONDS.time():
                try:
                    outcomes = await self._transaction(batches, isolating=False)
                except REFUSED:
                    outcomes = await self._transaction(batches, isolating=True)
        except OUTAGE as error:
            raise DatabaseUnavailable(f"{type(error).__name__}: {error}") from error
        except MISMATCH as error:
            raise SchemaMismatch(f"{error}; run `python -m services.timescale_sink migrate`") from error
        for topic, outcome in outcomes.items():
            if topic in TABLES:
                self._account(TABLES[topic], outcome)

    def _account(self, table: ReadingsTable, outcome: Outcome) -> None:
        metrics.READINGS_STORED.labels(table.feed).inc(outcome.stored.total())
        metrics.READINGS_REPEATED.labels(table.feed).inc(outcome.offered.total() - outcome.stored.total())
        refused = [
            row.key.device_id
            for _, reason, _, row in outcome.refused
            if row is not None and reason is DeadLetterReason.REFUSED_BY_DATABASE
        ]
        if self.poison.note(outcome.offered.total(), refused):
            raise TooMuchRefused(
                f"the database refuses most rows of {table.name}; see its words in v_dead_letters, repair, start again"
            )

    async def _transaction(self, batches: Mapping[str, Sequence[Record]], *, isolating: bool) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        seen: list[tuple[DeviceKey, tuple[str, str]]] = []
        async with self.pool.acquire() as connection, connection.transaction():
            known = await connection.fetch(SQL["next_offsets"], self.cluster_id, list(batches))
            handled = {(row["topic"], row["partition"]): row["next_offset"] for row in known}
            advanced: list[Progress] = []
            for topic, records in batches.items():
                fresh = not_yet_handled(records, handled)
                if not fresh:
                    continue
                outcome = outcomes[topic] = Outcome()
                await self._take(connection, topic, fresh, outcome, isolating=isolating)
                advanced += outcome.progress(next_offsets(fresh))
                seen += outcome.devices
            noted = await self._note_devices(connection, dict(seen))
            await self._dead_letter([item for outcome in outcomes.values() for item in outcome.refused])
            await self._advance(connection, advanced)
        self._noted |= noted
        return outcomes

    async def _take(
        self, connection: Connection, topic: str, records: Sequence[Record], outcome: Outcome, *, isolating: bool
    ) -> None:
        if topic in TABLES:
            await self._take_readings(connection, TABLES[topic], records, outcome, isolating=isolating)
        elif topic == DEAD_LETTERS:
            await self._take_dead_letters(connection, records, outcome)
        elif topic == INDICATORS:
            await self._take_indicators(connection, records, outcome, isolating=isolating)
        elif topic == ALERTS:
            await self._take_alerts(connection, records, outcome, isolating=isolating)

    async def _take_readings(
        self,
        connection: Connection,
        table: ReadingsTable,
        records: Sequence[Record],
        outcome: Outcome,
        *,
        isolating: bool,
    ) -> None:
        decoded = decode(table, records)
        outcome.ticks = decoded.ticks
        outcome.refuse(decoded.undecodable)
        rows = decoded.rows
        if not rows:
            return
        if isolating:
            rows = await self._halve(connection, table, rows, outcome)
        else:
            outcome.stored += await _copy_and_merge(connection, table, rows)
        outcome.offered.update(row.record.partition for row in rows)
        outcome.devices = _devices(table, rows)

    async def _halve(
        self, connection: Connection, table: ReadingsTable, rows: list[Row], outcome: Outcome
    ) -> list[Row]:
        """Write rows within savepoints; what is refused when alone goes to the dead letters. Returns those taken."""
        try:
            async with connection.transaction():
                await connection.execute(f"DELETE FROM {table.incoming}")  # noqa: S608 - our own name
                outcome.stored += await _copy_and_merge(connection, table, rows)
        except REFUSED as error:
            if len(rows) == 1:
                outcome.refused.append((rows[0].record, DeadLetterReason.REFUSED_BY_DATABASE, str(error), rows[0]))
                return []
            middle = len(rows) // 2
            first = await self._halve(connection, table, rows[:middle], outcome)
            return first + await self._halve(connection, table, rows[middle:], outcome)
        return rows

    async def _note_devices(
        self, connection: Connection, latest: dict[DeviceKey, tuple[str, str]]
    ) -> dict[DeviceKey, float]:
        """Note those that are due; returns when, to be kept once it is committed."""
        now = time.monotonic()
        due = sorted(key for key in latest if now - self._noted.get(key, -1e9) >= self.device_refresh_seconds)
        if due:
            await connection.execute(
                SQL["devices"],
                [feed for feed, _, _ in due],
                [lane for _, lane, _ in due],
                [device for _, _, device in due],
                [latest[key][0] for key in due],
                [latest[key][1] for key in due],
            )
        return dict.fromkeys(due, now)

    async def _take_dead_letters(self, connection: Connection, records: Sequence[Record], outcome: Outcome) -> None:
        rows, bad = verdicts.decode_dead_letters(records)
        outcome.refuse(bad)
        if rows:
            columns = verdicts.DEAD_LETTER_COLUMNS
            places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
            await connection.executemany(
                f"INSERT INTO dead_letters ({', '.join(columns)}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608 - our own names
                rows,
            )
        _rest_stored(records, outcome)

    async def _take_indicators(
        self, connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool
    ) -> None:
        found, bad = verdicts.decode_indicators(records)
        outcome.refuse(bad)
        if isolating:
            for row, record in found:
                await _alone(connection, record, outcome, connection.execute(SQL["indicators"], *([v] for v in row)))
        elif found:
            columns = zip(*(row for row, _ in found), strict=True)
            await connection.execute(SQL["indicators"], *(list(column) for column in columns))
        _rest_stored(records, outcome)

    async def _take_alerts(
        self, connection: Connection, records: Sequence[Record], outcome: Outcome, *, isolating: bool
    ) -> None:
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
        _rest_stored(records, outcome)

    async def _dead_letter(self, refused: Sequence[Refusal]) -> None:
        sent = [
            await self.dead_letters.send(_letter(record, reason, why, row), record.value or b"")
            for record, reason, why, row in refused
        ]
        await asyncio.gather(*sent)

    async def _advance(self, connection: Connection, rows: Sequence[Progress]) -> None:
        if not rows:
            return
        await connection.execute(
            SQL["advance"],
            self.cluster_id,
            [p.topic for p in rows],
            [p.partition for p in rows],
            [p.next_offset for p in rows],
            [p.readings for p in rows],
            [p.stored for p in rows],
            [p.duplicates for p in rows],
            [p.dead_lettered for p in rows],
            [p.ticks for p in rows],
        )


def _devices(table: ReadingsTable, rows: Sequence[Row]) -> list[tuple[DeviceKey, tuple[str, str]]]:
    """Each device once, with its group and boot: device, group and boot are the first fields of every reading."""
    lane_at, feed = table.fields.index("lane"), table.feed.value
    latest = {(feed, row.values[lane_at], row.values[0]): (row.values[1], row.values[2]) for row in rows}
    return list(latest.items())


async def _alone(connection: Connection, record: Record, outcome: Outcome, statement: Awaitable[object]) -> None:
    """Run what one record needs within a savepoint; refused, it goes to the dead letters and the rest goes on."""
    try:
        async with connection.transaction():
            await statement
    except REFUSED as error:
        outcome.refused.append((record, DeadLetterReason.REFUSED_BY_DATABASE, str(error), None))


async def _take_alert(connection: Connection, alert: Alert, record: Record) -> None:
    data = (record.value or b"").decode()
    await connection.execute(
        SQL["alert_event"], alert.event_id, alert.alert_id, alert.revision, alert.event, alert.lane, data
    )
    await connection.execute(SQL["alert"], *verdicts.alert_values(alert))


def _rest_stored(records: Sequence[Record], outcome: Outcome) -> None:
    """Verdicts and dead letters have no duplicates to count: what is not refused is stored."""
    outcome.offered.update(record.partition for record in records)
    outcome.offered.subtract(record.partition for record, *_ in outcome.refused)
    outcome.stored = Counter(outcome.offered)


async def _copy_and_merge(connection: Connection, table: ReadingsTable, rows: Sequence[Row]) -> Counter[int]:
    """Copy rows into the temporary table and take over what is new; returns new rows by partition."""
    await connection.copy_records_to_table(
        table.incoming, records=[row.values for row in rows], columns=table.columns, schema_name="pg_temp"
    )
    return Counter({row[0]: row[1] for row in await connection.fetch(table.merge)})


def _letter(record: Record, reason: DeadLetterReason, why: str, row: Row | None) -> DeadLetter:
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


async def _make_incoming_tables(connection: Connection) -> None:
    for table in TABLES.values():
        await connection.execute(table.make_incoming)


@asynccontextmanager
async def database_pool(url: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    """Connections with the temporary tables that batches are copied into; opened when first used."""
    pool = asyncpg.create_pool(
        url,
        min_size=0,
        max_size=4,
        init=_make_incoming_tables,
        command_timeout=60,
        # A pool resets its connections between uses; ours keep their temporary tables and hold no other state.
        reset=_keep,
    )
    async with pool:
        yield pool


async def _keep(connection: Connection) -> None:
    """Leave the connection as it is."""
