"""One round of records into the database: in one transaction, or in several where one cannot bear it.

1. Lock the progress of its topics; drop records that were handled before a crash.
2. Write what is new; a row that the database refuses is found by halving, the rest is written.
3. Put what was refused into the dead letters and wait until Kafka has them.
4. Add to the progress; commit.

A crash before the commit leaves nothing behind but dead letters that will come again, which are counted by their key.

A round that the database has no room for (locks, memory, a limit of its own), or that goes into too many chunks, is
written in smaller parts. A single record that it has no room for is tried again some times; then it is refused, so that
it does not stop all others for ever.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import Final

import asyncpg
from aiokafka.errors import KafkaError

from schemas.fields import Feed
from services.runtime import metrics
from services.runtime.database import DATABASE_AWAY
from services.runtime.dead_letters import DeadLetterProducer
from services.runtime.same_log import Mark
from services.timescale_sink.errors import (
    DatabaseRefusesUs,
    DatabaseUnavailable,
    KafkaUnavailable,
    SchemaMismatch,
    TooMuchRefused,
    TopicUnwritable,
)
from services.timescale_sink.identity import CHUNKS_AT_ONCE
from services.timescale_sink.intake import Intake, intake_row
from services.timescale_sink.outcome import DeviceKey, Outcome, letter_for
from services.timescale_sink.placing import (
    known_progress,
    refuse_going_back,
    take_anew,
    take_hole,
    take_places,
    went_back,
)
from services.timescale_sink.poison import PoisonWatch, Strikes
from services.timescale_sink.progress import (
    Batches,
    Hole,
    Log,
    LogEnd,
    Place,
    Placement,
    Progress,
    cut,
    not_yet_handled,
)
from services.timescale_sink.queries import SQL
from services.timescale_sink.readings import REFUSED, Connection
from services.timescale_sink.rows import Refusal, Values
from services.timescale_sink.shares import CONNECTIONS
from services.timescale_sink.tables import TABLES, ReadingsTable
from services.timescale_sink.takers import TooWide, give_up, take

OUTAGE: Final = (
    *DATABASE_AWAY,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
)
"""The database is at fault, for a while: refused connections, restarts, a full disk, deadlocks, a standby."""

NO_ROOM: Final = (asyncpg.OutOfMemoryError, asyncpg.ConfigurationLimitExceededError)
"""The transaction is too large for the database: its locks, its memory, a limit that is set. Fewer records may do.

Statements that are too complex are `REFUSED`: the rows are found within savepoints. A full disk is no row's fault.
"""

TOO_SLOW: Final = (TimeoutError, asyncpg.QueryCanceledError)
"""The transaction took too long; fewer records may do, and none is refused for it."""

MISMATCH: Final = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InsufficientPrivilegeError,
)
"""The tables are not those of this version, or not ours to write."""

NO_ENTRY: Final = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
"""The user, its password or the name of the database is wrong."""

_NO_PLACES: Final[Mapping[Place, int]] = MappingProxyType({})
_NO_LOGS: Final[Mapping[Place, LogEnd]] = MappingProxyType({})
_ALL: Final = 2**31

UNPACK_AS_NEEDED: Final = (
    "SELECT set_config(name, '0', FALSE) FROM pg_settings"
    " WHERE name = 'timescaledb.max_tuples_decompressed_per_dml_transaction'"
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
    _most: int = _ALL
    """Records of one transaction: fewer after one that the database had no room for, more again after one that went."""
    _strikes: Strikes = field(default_factory=Strikes)

    async def write(
        self, batches: Batches, since: Mapping[Place, int] = _NO_PLACES, logs: Mapping[Place, LogEnd] = _NO_LOGS
    ) -> None:
        """Write the records of each partition.

        Args:
            since: Offset from which each partition was read on; the database must know everything before it.
            logs: What is known of the log of each.

        Raises:
            DatabaseUnavailable: the database did not take them just now; the first of them may be written.
            KafkaUnavailable: Kafka did not take a dead letter just now; the same.
            LedgerRaced: another writer was faster; the same.
            ProgressWentBack: the database knows less than `since`; nothing of the round was written.
            SchemaMismatch: the tables are not those of this version.
            DatabaseRefusesUs: user, password or database name is wrong.
            TopicUnwritable: the database has another fault, damaged pages of a table for one.
            TooMuchRefused: the database refuses most rows of many devices; they are in the dead letters.
        """
        left: Batches = batches
        with metrics.WRITE_SECONDS.time(), _named_errors():
            while left:
                part, others = cut(left, self._most)
                if await self._write_part(part, since, logs):
                    left = others

    async def _write_part(self, part: Batches, since: Mapping[Place, int], logs: Mapping[Place, LogEnd]) -> bool:
        """Write some records in one transaction; false when they must be fewer."""
        size = sum(map(len, part.values()))
        try:
            outcomes = await self._in_one(part, since, logs)
        except (TooWide, *NO_ROOM) as error:
            self._most = max(1, size // 2)
            if size > 1:
                return False
            ((place, (record,)),) = part.items()
            if not self._strikes.note((*place, record.offset)):
                raise
            outcomes = await self._transaction(part, since, logs, refusing=str(error))
        except TOO_SLOW:
            self._most = max(1, size // 2)
            raise
        self._most = min(_ALL, self._most * 2)
        for topic, outcome in outcomes.items():
            if topic in TABLES:
                self._account(TABLES[topic], outcome)
        return True

    async def _in_one(
        self, part: Batches, since: Mapping[Place, int], logs: Mapping[Place, LogEnd]
    ) -> dict[str, Outcome]:
        try:
            return await self._transaction(part, since, logs)
        except REFUSED:
            return await self._transaction(part, since, logs, isolating=True)

    async def place(self, logs: Mapping[Place, Log]) -> dict[Place, Placement]:
        """Where to go on in each partition; what Kafka no longer has is noted as a gap.

        Args:
            logs: What Kafka has of them.

        Raises:
            DatabaseUnavailable: the database does not answer just now.
            TopicUnwritable: it has another fault.
            SchemaMismatch: the tables are not those of this version.
            DatabaseRefusesUs: user, password or database name is wrong.
        """
        with _named_errors():
            return await take_places(self.pool, self.cluster_id, logs)

    async def begin_again(self, place: Place, log: Log, *, next_offset: int, proof: Mark) -> Placement:
        """Forget how far we were in a partition: it proved to be another log of the same name. Raises as `place`.

        Args:
            next_offset: Where reading was to go on.
            proof: A record of what was read that is not there any more.
        """
        with _named_errors():
            return await take_anew(self.pool, self.cluster_id, place, log, next_offset=next_offset, proof=proof)

    async def pass_over(self, place: Place, log: Log, hole: Hole) -> Placement:
        """Go on behind records that are gone from the middle of a log, and note them. Raises as `place`."""
        with _named_errors():
            return await take_hole(self.pool, self.cluster_id, place, log, hole)

    async def went_back(self, reached: Mapping[Place, int]) -> list[Place]:
        """Partitions of which the database knows less than was written. Raises as `place`."""
        with _named_errors():
            return await went_back(self.pool, self.cluster_id, reached)

    def _account(self, table: ReadingsTable, outcome: Outcome) -> None:
        stored, repeated = outcome.stored.total(), outcome.repeated()
        metrics.READINGS_STORED.labels(table.feed).inc(stored)
        metrics.READINGS_REPEATED.labels(table.feed).inc(repeated)
        if self.poison.note(stored + repeated, outcome.refused_devices()):
            raise TooMuchRefused(
                f"the database refuses most rows of {table.name}; see its words in v_dead_letters, repair, start again"
            )

    async def _transaction(
        self,
        batches: Batches,
        since: Mapping[Place, int],
        logs: Mapping[Place, LogEnd],
        *,
        isolating: bool = False,
        refusing: str | None = None,
    ) -> dict[str, Outcome]:
        """Write everything, or refuse everything for the reason given."""
        outcomes: dict[str, Outcome] = {}
        room = CHUNKS_AT_ONCE
        async with self.pool.acquire() as connection, connection.transaction():
            known = await known_progress(connection, self.cluster_id, batches)
            refuse_going_back(known, since)
            found = {place: not_yet_handled(records, known[place].next_offset) for place, records in batches.items()}
            fresh = {place: records for place, records in found.items() if records}
            for topic in sorted({topic for topic, _ in fresh}):
                places = {place: records for place, records in fresh.items() if place[0] == topic}
                records = list(chain.from_iterable(places.values()))
                outcome = outcomes[topic] = Outcome(room=room)
                if refusing is not None:
                    await give_up(connection, topic, records, outcome, refusing)
                else:
                    await take(connection, topic, records, outcome, isolating=isolating)
                outcome.advance(places)
                room -= outcome.chunks
            seen = dict(chain.from_iterable(outcome.devices.items() for outcome in outcomes.values()))
            noted = await self._note_devices(connection, seen)
            await self._dead_letter([refusal for outcome in outcomes.values() for refusal in outcome.refused])
            await self._advance(connection, [row for outcome in outcomes.values() for row in outcome.advanced], logs)
            await _note_intake(connection, outcomes)
        self._noted |= noted
        return outcomes

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

    async def _advance(self, connection: Connection, rows: Sequence[Progress], logs: Mapping[Place, LogEnd]) -> None:
        if not rows:
            return
        ends = [logs.get((p.topic, p.partition), LogEnd()) for p in rows]
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
            [one.end for one in ends],
            [p.last_timestamp for p in rows],
            [None if one.proof is None else one.proof.offset for one in ends],
            [None if one.proof is None else one.proof.timestamp for one in ends],
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
    except asyncpg.PostgresError as error:
        raise TopicUnwritable(f"the database has a fault, {error.sqlstate} {error}; see its log") from error


async def _note_intake(connection: Connection, outcomes: Mapping[str, Outcome]) -> None:
    rows = intake_rows(outcomes)
    if rows:
        await connection.execute(SQL["intake"], *(list(column) for column in zip(*rows, strict=True)))


def intake_rows(outcomes: Mapping[str, Outcome]) -> list[Values]:
    """One row for `queries/intake.sql` for each feed that took readings in, whichever of its topics they came by."""
    taken: dict[Feed, tuple[Intake, list[Progress]]] = {}
    for topic, outcome in outcomes.items():
        if topic in TABLES and any(progress.readings for progress in outcome.advanced):
            feed = TABLES[topic].feed
            intake, advanced = taken.get(feed, (Intake(), []))
            taken[feed] = (intake + outcome.intake, [*advanced, *outcome.advanced])
    return [intake_row(feed, intake, advanced) for feed, (intake, advanced) in taken.items()]


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
        max_size=CONNECTIONS,
        init=_prepare,
        command_timeout=60,
        # A pool resets its connections between uses; ours keep their temporary tables and hold no other state.
        reset=_keep,
    )
    async with pool:
        yield pool


async def _keep(connection: Connection) -> None:
    """Leave the connection as it is."""
