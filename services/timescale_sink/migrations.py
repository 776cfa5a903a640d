"""Numbered migrations: under one lock, each in a transaction, with checksums.

1. Take the advisory lock, so that two runners never work at once.
2. Find the edition of TimescaleDB; a number is one file for both, or one file for each.
3. Compare the checksum of each applied migration with its file: what was applied must not change.
4. Apply the others in their order, each with its record in one transaction.
5. Write the ages of the storage settings; on the community edition, set the policies that follow from them.
6. Grant the writer and the reader what they need: the reader sees views only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from services.timescale_sink.editions import Edition, edition_of
from services.timescale_sink.errors import MigrationRefused
from services.timescale_sink.policies import apply_policies, write_ages
from services.timescale_sink.settings import MigrationSettings
from services.timescale_sink.storage import Storage, load_storage

FOLDER: Final = Path(__file__).parent / "sql" / "migrations"
_LOCK: Final = 0x4A48_5F53_494E_4B
_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+(?:\.(apache|community))?\.sql")
_LEDGER: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
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

    Raises:
        MigrationRefused: see `migrate`.
    """
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    edition = await edition_of(connection)
    known = read_migrations(edition)
    await connection.execute(_LEDGER)
    rows = await connection.fetch("SELECT number, name, checksum FROM schema_migrations ORDER BY number")
    _refuse_other_edition(edition, [row["name"] for row in rows])
    missing = pending(known, {row["number"]: row["checksum"] for row in rows})
    for migration in missing:
        await _apply(connection, migration)
    try:
        await write_ages(connection, storage)
        if edition is Edition.COMMUNITY:
            await apply_policies(connection, storage)
    except asyncpg.PostgresError as error:
        raise MigrationRefused(f"storage settings: the database says: {error}") from error
    await _grant(connection, settings)
    await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    return tuple(m.name for m in missing)


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
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.checksum,
            )
    except asyncpg.PostgresError as error:
        raise MigrationRefused(f"{migration.name}: the database says: {error}") from error


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
        f"REVOKE INSERT, UPDATE, DELETE ON storage_ages, schema_migrations FROM {writer};"
        f"GRANT EXECUTE ON FUNCTION drop_expired_chunks() TO {writer};"
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {reader};"
        f"GRANT SELECT ON {views} TO {reader};"
    )
