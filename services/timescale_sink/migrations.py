"""Numbered migrations: under one lock, each in a transaction, with checksums.

1. Take the advisory lock, so that two runners never work at once.
2. Compare the checksum of each applied migration with its file: what was applied must not change.
3. Apply the others in their order, each with its record in one transaction.
4. Grant the writer and the reader what they need.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from services.timescale_sink.errors import MigrationRefused
from services.timescale_sink.settings import MigrationSettings

FOLDER: Final = Path(__file__).parent / "sql" / "migrations"
_LOCK: Final = 0x4A48_5F53_494E_4B
_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
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


def read_migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """All migrations in their order.

    Raises:
        MigrationRefused: a file name is not `NNNN_name.sql`, or numbers have a gap or repeat.
    """
    found = []
    for file in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(file.name)
        if match is None:
            raise MigrationRefused(f"{file.name}: a migration is named NNNN_words.sql")
        found.append(Migration(int(match[1]), file.name, file.read_text(encoding="utf-8")))
    if [m.number for m in found] != list(range(1, len(found) + 1)):
        raise MigrationRefused("migrations must be numbered 0001, 0002, … without gap or repeat")
    return tuple(found)


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
    """
    known = read_migrations()
    connection = await asyncpg.connect(settings.database_owner_url.get_secret_value())
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute(_LEDGER)
        applied = {r["number"]: r["checksum"] for r in await connection.fetch("SELECT * FROM schema_migrations")}
        missing = pending(known, applied)
        for migration in missing:
            await _apply(connection, migration)
        await _grant(connection, settings)
    finally:
        await connection.close()
    return tuple(m.name for m in missing)


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
    await connection.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {writer};"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader};"
    )
