"""The two editions of TimescaleDB: Apache has hypertables; community has columnstore, rollups and policies too."""

from __future__ import annotations

from enum import StrEnum

import asyncpg

from services.timescale_sink.errors import MigrationRefused


class Edition(StrEnum):
    """Which edition a server runs."""

    APACHE = "apache"
    COMMUNITY = "community"


async def edition_of(connection: asyncpg.Connection) -> Edition:
    """Ask a server for its edition.

    Raises:
        MigrationRefused: the database has no TimescaleDB.
    """
    licence = await connection.fetchval("SELECT current_setting('timescaledb.license', TRUE)")
    installed = await connection.fetchval("SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'")
    if not installed or licence is None:
        raise MigrationRefused(
            "the database has no TimescaleDB: add it to shared_preload_libraries, restart the server, and run"
            " CREATE EXTENSION timescaledb as a superuser"
        )
    return Edition.APACHE if licence == "apache" else Edition.COMMUNITY
