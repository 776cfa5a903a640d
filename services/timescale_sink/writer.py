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
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import Final, TypeAlias

import asyncpg
from aiokafka.errors import KafkaError

from schemas.topics import ALERTS, DEAD_LETTERS, INDICATORS, PLAN
from services.runtime import metrics
from services.runtime.dead_letters import DeadLetterProducer
from services.timescale_sink.errors import (
    DatabaseRefusesUs,
    DatabaseUnavailable,
    KafkaUnavailable,
    SchemaMismatch,
    TooMuchRefused,
)
from services.timescale_sink.intake import intake_row
from services.timescale_sink.outcome import DeviceKey, Outcome, letter_for
from services.timescale_sink.poison import PoisonWatch
from services.timescale_sink.progress import Place, Progress, not_yet_handled
from services.timescale_sink.queries import SQL
from services.timescale_sink.rows import Record, Refusal
from services.timescale_sink.tables import TABLES, ReadingsTable
from services.timescale_sink.takers import (
    REFUSED,
    Connection,
    take_alerts,
    take_dead_letters,
    take_indicators,
    take_plan_versions,
    take_readings,
)

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
)
"""The tables are not those of this version, or not ours to write."""

NO_ENTRY: Final = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
"""The user, its password or the name of the database is wrong."""

_NO_ENDS: Final[Mapping[Place, int]] = MappingProxyType({})

UNPACK_AS_NEEDED: Final = (
    "SELECT set_config(name, '0', FALSE) FROM pg_settings"
    " WHERE name = 'timescaledb.max_tuples_decompressed_per_dml_transaction'"
)

Batches: TypeAlias = Mapping[Place, Sequence[Record]]
"""Records by topic and partition, each in the order of their offsets."""


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

    async def write(self, batches: Batches, ends: Mapping[Place, int] = _NO_ENDS) -> None:
        """Write the records of each partition.

        Args:
            ends: End of each partition as Kafka last said; what lies between is still to come.

        Raises:
            DatabaseUnavailable: the database did not take them just now; nothing of the round was written.
            KafkaUnavailable: Kafka did not take a dead letter just now; nothing of the round was written.
            SchemaMismatch: the tables are not those of this version.
            DatabaseRefusesUs: user, password or database name is wrong.
            TooMuchRefused: the database refuses most rows of many devices.
        """
        with metrics.WRITE_SECONDS.time(), _named_errors():
            try:
                outcomes = await self._transaction(batches, ends, isolating=False)
            except REFUSED:
                outcomes = await self._transaction(batches, ends, isolating=True)
        for topic, outcome in outcomes.items():
            if topic in TABLES:
                self._account(TABLES[topic], outcome)

    async def begin_again(self, ends: Mapping[Place, int]) -> list[Place]:
        """Forget how far we were in partitions that end before that: their topic was made anew, at offset 0.

        Args:
            ends: Offset behind the last record of each partition, as Kafka says.

        Raises:
            DatabaseUnavailable: the database does not answer just now.
            SchemaMismatch: the tables are not those of this version.
            DatabaseRefusesUs: user, password or database name is wrong.
        """
        with _named_errors():
            rows = await self.pool.fetch(
                SQL["begin_again"],
                self.cluster_id,
                [topic for topic, _ in ends],
                [partition for _, partition in ends],
                list(ends.values()),
            )
        return [(row["topic"], row["partition"]) for row in rows]

    def _account(self, table: ReadingsTable, outcome: Outcome) -> None:
        stored, repeated = outcome.stored.total(), outcome.repeated()
        metrics.READINGS_STORED.labels(table.feed).inc(stored)
        metrics.READINGS_REPEATED.labels(table.feed).inc(repeated)
        if self.poison.note(stored + repeated, outcome.refused_devices()):
            raise TooMuchRefused(
                f"the database refuses most rows of {table.name}; see its words in v_dead_letters, repair, start again"
            )

    async def _transaction(self, batches: Batches, ends: Mapping[Place, int], *, isolating: bool) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        async with self.pool.acquire() as connection, connection.transaction():
            fresh = await self._fresh(connection, batches)
            for topic in sorted({topic for topic, _ in fresh}):
                places = {place: records for place, records in fresh.items() if place[0] == topic}
                outcome = outcomes[topic] = Outcome()
                await _take(connection, topic, list(chain.from_iterable(places.values())), outcome, isolating=isolating)
                outcome.advance(places)
            seen = dict(chain.from_iterable(outcome.devices.items() for outcome in outcomes.values()))
            noted = await self._note_devices(connection, seen)
            await self._dead_letter([refusal for outcome in outcomes.values() for refusal in outcome.refused])
            await self._advance(connection, [row for outcome in outcomes.values() for row in outcome.advanced], ends)
            await _note_intake(connection, outcomes)
        self._noted |= noted
        return outcomes

    async def _fresh(self, connection: Connection, batches: Batches) -> dict[Place, Sequence[Record]]:
        """Lock the progress of the partitions; returns what is still to be handled."""
        places = sorted(batches)
        keys = self.cluster_id, [topic for topic, _ in places], [partition for _, partition in places]
        known = await connection.fetch(SQL["next_offsets"], *keys)
        if len(known) < len(places):
            await connection.execute(SQL["open_partitions"], *keys)
            known = await connection.fetch(SQL["next_offsets"], *keys)
        handled = {(row["topic"], row["partition"]): row["next_offset"] for row in known}
        found = {place: not_yet_handled(batches[place], handled[place]) for place in places}
        return {place: records for place, records in found.items() if records}

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

    async def _dead_letter(self, refused: Sequence[Refusal]) -> None:
        sent = [await self.dead_letters.send(letter_for(refusal), refusal.record.value or b"") for refusal in refused]
        await asyncio.gather(*sent)

    async def _advance(self, connection: Connection, rows: Sequence[Progress], ends: Mapping[Place, int]) -> None:
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
            [ends.get((p.topic, p.partition)) for p in rows],
        )


@contextmanager
def _named_errors() -> Iterator[None]:
    """Say whose fault an error is, in words that the caller can act on."""
    try:
        yield
    except KafkaError as error:
        raise KafkaUnavailable(f"{type(error).__name__}: {error}") from error
    except OUTAGE as error:
        raise DatabaseUnavailable(f"{type(error).__name__}: {error}") from error
    except MISMATCH as error:
        raise SchemaMismatch(f"{error}; run `python -m services.timescale_sink migrate`") from error
    except NO_ENTRY as error:
        raise DatabaseRefusesUs(f"{error}; correct DATABASE_URL") from error


async def _take(
    connection: Connection, topic: str, records: Sequence[Record], outcome: Outcome, *, isolating: bool
) -> None:
    if topic in TABLES:
        await take_readings(connection, TABLES[topic], records, outcome, isolating=isolating)
    elif topic == DEAD_LETTERS:
        await take_dead_letters(connection, records, outcome, isolating=isolating)
    elif topic == INDICATORS:
        await take_indicators(connection, records, outcome, isolating=isolating)
    elif topic == ALERTS:
        await take_alerts(connection, records, outcome, isolating=isolating)
    elif topic == PLAN:
        await take_plan_versions(connection, records, outcome, isolating=isolating)


async def _note_intake(connection: Connection, outcomes: Mapping[str, Outcome]) -> None:
    rows = [
        intake_row(TABLES[topic].feed, outcome.intake, outcome.advanced)
        for topic, outcome in outcomes.items()
        if topic in TABLES and any(progress.readings for progress in outcome.advanced)
    ]
    if rows:
        await connection.execute(SQL["intake"], *(list(column) for column in zip(*rows, strict=True)))


async def _prepare(connection: Connection) -> None:
    await _make_incoming_tables(connection)
    # A late row goes into a compressed chunk by unpacking its segment; the guard against too many is for hand-written
    # updates, and one round has at most `batch_records` rows. Only the community edition knows the setting.
    await connection.execute(UNPACK_AS_NEEDED)


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
        init=_prepare,
        command_timeout=60,
        # A pool resets its connections between uses; ours keep their temporary tables and hold no other state.
        reset=_keep,
    )
    async with pool:
        yield pool


async def _keep(connection: Connection) -> None:
    """Leave the connection as it is."""
