"""Numbered migrations: each in a transaction under one lock, with checksums.

1. Find the edition of TimescaleDB; a number is one file for both, or one file for each.
2. Lock the list of applied migrations, so that two runners never work at once. Each transaction takes the lock anew and
   sees what another runner has done.
3. Compare the checksum of each applied migration with its file: what was applied must not change.
4. Apply the next one, with its record, and commit; go on with 2 until none is missing. The owner's own tables are kept
   from the writer in the transaction that makes them.
5. Write the ages of the storage settings; on the community edition, set the policies that follow from them.
6. Grant the writer, the reader and Grafana what they need: the last two see views only. Commit, so that nobody is shut
   out while the next step takes its time.
7. Take the numbers of chunks that are older than the ledger of readings over, a chunk in a transaction.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from services.timescale_sink.editions import Edition, edition_of
from services.timescale_sink.errors import MigrationRefused
from services.timescale_sink.grants import grant_boards
from services.timescale_sink.ledger_backlog import number_old_chunks
from services.timescale_sink.migration_lock import only_runner
from services.timescale_sink.policies import apply_policies, write_ages
from services.timescale_sink.settings import MigrationSettings
from services.timescale_sink.storage import Storage, load_storage

FOLDER: Final = Path(__file__).parent / "sql" / "migrations"
_PATIENCE: Final = "SET LOCAL lock_timeout = '180s'"
"""Longer than a reader's idle transaction may last: whoever holds a table then does not let go by itself."""
OWNERS_TABLES: Final = ("storage_ages", "schema_migrations", "ledger_backlog")
"""Whoever writes here has migrations passed over, readings dropped before their age, or any table taken for a chunk."""
MADE_MEANWHILE: Final = (asyncpg.UniqueViolationError, asyncpg.DuplicateTableError, asyncpg.DuplicateObjectError)
"""What one says who makes a table that another makes at the same time, by how far that one is: it has a type too."""
_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+(?:\.(apache|community))?\.sql")
_LEDGER: Final = """
CREATE TABLE schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of the folder."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(edition: Edition, folder: Path = FOLDER) -> tuple[Migration, ...]:
    """All migrations of an edition in their order.

    Raises:
        MigrationRefused: a file name is not `NNNN_name.sql` or `NNNN_name.<edition>.sql`, numbers have a gap or
            repeat, or a number has a file for one edition only.
    """
    found: dict[Edition, list[Migration]] = {each: [] for each in Edition}
    for file in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(file.name)
        if match is None:
            raise MigrationRefused(f"{file.name}: a migration is named NNNN_words.sql or NNNN_words.<edition>.sql")
        migration = Migration(int(match[1]), file.name, file.read_text(encoding="utf-8"))
        for each in Edition if match[2] is None else (Edition(match[2]),):
            found[each].append(migration)
    for each, migrations in found.items():
        if [m.number for m in migrations] != list(range(1, len(migrations) + 1)):
            raise MigrationRefused(f"migrations must be numbered 0001, 0002, … without gap or repeat ({each} edition)")
    if len({len(migrations) for migrations in found.values()}) > 1:
        raise MigrationRefused("a migration of one edition needs its twin for the other")
    return tuple(found[edition])


def pending(known: Sequence[Migration], applied: Mapping[int, str]) -> tuple[Migration, ...]:
    """Migrations still to apply.

    Args:
        applied: Checksum by number of what the database has.

    Raises:
        MigrationRefused: an applied migration was changed, or the database is ahead of this version.
    """
    for migration in known:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise MigrationRefused(
                f"{migration.name} was changed after it had been applied; restore the file and add a new migration"
            )
    ahead = set(applied) - {m.number for m in known}
    if ahead:
        raise MigrationRefused(f"the database has migration {max(ahead):04}, this version ends at {len(known):04}")
    return tuple(m for m in known if m.number not in applied)


async def migrate(settings: MigrationSettings) -> tuple[str, ...]:
    """Bring the database up to date; returns the names of what was applied.

    Raises:
        MigrationRefused: see `pending`, or the database refused a statement.
        StorageRefused: the storage settings cannot be used.
    """
    storage = load_storage(settings.storage_file)
    connection = await asyncpg.connect(settings.database_owner_url.get_secret_value())
    try:
        return await bring_up_to_date(connection, storage, settings)
    finally:
        await connection.close()


async def bring_up_to_date(
    connection: asyncpg.Connection, storage: Storage, settings: MigrationSettings
) -> tuple[str, ...]:
    """Apply what is missing over a connection of the owner; returns the names of what was applied.

    Args:
        connection: Outside a transaction.

    Raises:
        MigrationRefused: see `migrate`.
    """
    edition = await edition_of(connection)
    known = read_migrations(edition)
    if await connection.fetchval("SELECT to_regclass('schema_migrations') IS NULL"):
        with suppress(*MADE_MEANWHILE):
            async with connection.transaction():
                await connection.execute(_LEDGER)
                await _keep_to_the_owner(connection, settings)
    done: list[str] = []
    while True:
        async with only_runner(connection):
            rows = await connection.fetch("SELECT number, name, checksum FROM schema_migrations ORDER BY number")
            _refuse_other_edition(edition, [row["name"] for row in rows])
            missing = pending(known, {row["number"]: row["checksum"] for row in rows})
            if not missing:
                await _set_up(connection, edition, storage, settings)
                break
            await _apply(connection, missing[0])
            await _keep_to_the_owner(connection, settings)
        done.append(missing[0].name)
    try:
        await number_old_chunks(connection)
    except asyncpg.PostgresError as error:
        raise MigrationRefused(
            f"ledger of readings: the database says: {error}; what was numbered stays, start again to go on"
        ) from error
    return tuple(done)


async def _set_up(
    connection: asyncpg.Connection, edition: Edition, storage: Storage, settings: MigrationSettings
) -> None:
    try:
        await write_ages(connection, storage)
        if edition is Edition.COMMUNITY:
            await apply_policies(connection, storage)
    except asyncpg.PostgresError as error:
        raise MigrationRefused(f"storage settings: the database says: {error}") from error
    await _grant(connection, settings)
    await grant_boards(connection, settings.grafana_role)


def _refuse_other_edition(edition: Edition, applied: Sequence[str]) -> None:
    other = next(e for e in Edition if e is not edition)
    if any(f".{other}." in name for name in applied):
        raise MigrationRefused(
            f"the tables were made on TimescaleDB's {other} edition and this server runs the {edition} edition:"
            " start it with the edition that it had (timescaledb.license), or load the data into a new database"
            " with `district import`"
        )


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    try:
        await connection.execute(_PATIENCE)
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)",
            migration.number,
            migration.name,
            migration.checksum,
        )
    except asyncpg.LockNotAvailableError as error:
        raise MigrationRefused(
            f"{migration.name}: another session holds a table and does not let go of it ({error}); see who in"
            " pg_stat_activity, end it (pg_terminate_backend, as a superuser) and start again"
        ) from error
    except asyncpg.PostgresError as error:
        raise MigrationRefused(f"{migration.name}: the database says: {error}") from error


async def _keep_to_the_owner(connection: asyncpg.Connection, settings: MigrationSettings) -> None:
    """Let the writer write into none of the owner's tables: default privileges would, from their first moment on."""
    tables = await connection.fetchval(
        "SELECT string_agg(format('public.%I', name), ', ') FROM unnest($1::text[]) AS name"
        " JOIN pg_roles ON rolname = $2 WHERE to_regclass(format('public.%I', name)) IS NOT NULL",
        OWNERS_TABLES,
        settings.writer_role,
    )
    if tables is not None:
        await connection.execute(f"REVOKE INSERT, UPDATE, DELETE ON {tables} FROM {settings.writer_role}")


async def _grant(connection: asyncpg.Connection, settings: MigrationSettings) -> None:
    writer, reader = settings.writer_role, settings.reader_role
    for role in (writer, reader):
        if not await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", role):
            raise MigrationRefused(f"there is no role {role}; create it or set SINK_WRITER_ROLE and SINK_READER_ROLE")
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    for role, what, missing in (
        (
            writer,
            f"TEMPORARY ON DATABASE {database}",
            "NOT has_database_privilege($1, current_database(), 'TEMPORARY')",
        ),
        (writer, "USAGE ON SCHEMA public", "NOT has_schema_privilege($1, 'public', 'USAGE')"),
        (reader, "USAGE ON SCHEMA public", "NOT has_schema_privilege($1, 'public', 'USAGE')"),
    ):
        if await connection.fetchval(f"SELECT {missing}", role):
            await connection.execute(f"GRANT {what} TO {role}")
    views = await connection.fetchval(
        "SELECT string_agg(quote_ident(viewname), ', ') FROM pg_views"
        " WHERE schemaname = 'public' AND starts_with(viewname, 'v_')"
    )
    await connection.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {writer};"
        f"REVOKE INSERT, UPDATE, DELETE ON {', '.join(OWNERS_TABLES)} FROM {writer};"
        f"GRANT EXECUTE ON FUNCTION drop_expired_chunks(integer) TO {writer};"
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {reader};"
        f"GRANT SELECT ON {views} TO {reader};"
    )
