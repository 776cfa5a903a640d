"""Ages and policies of a database, as its owner. Repeatable: what is set already is set again."""

from __future__ import annotations

from typing import Final

import asyncpg

from schemas.fields import Feed
from services.timescale_sink.storage import Storage

LEVELS: Final = ("minutes", "hours", "days")
"""Rollups of each feed, each made of the one before it."""
VERDICTS: Final = ("indicators", "indicator_history")
"""Kept for ever, so compressed like readings."""
_MARGIN: Final = {"minutes": "1 minute", "hours": "1 hour", "days": "1 day"}
"""The bucket that is still filling is left to the real-time part of the view."""
_REFRESH: Final = {"minutes": 1, "hours": 15, "days": 60}
"""How often each level is refreshed, in times of `every_minutes`."""


async def write_ages(connection: asyncpg.Connection, storage: Storage) -> None:
    """Write the ages by which `drop_expired_chunks` goes."""
    ages = storage.keep_months.model_dump()
    await connection.execute(
        "INSERT INTO storage_ages (what, months) SELECT * FROM unnest($1::text[], $2::int[])"
        " ON CONFLICT (what) DO UPDATE SET months = excluded.months",
        list(ages),
        list(ages.values()),
    )


async def apply_policies(connection: asyncpg.Connection, storage: Storage) -> None:
    """Compression and refresh, and retention of the rollups, on the community edition; of readings see `retention`.

    Their order is safe for late data: readings are folded into rollups as far back as `refresh.back_days`, which is
    less than they are kept; a compressed chunk still takes late rows.
    """
    keep, compress = storage.keep_months, f"{storage.compress.after_days} days"
    async with connection.transaction():
        for verdicts in VERDICTS:
            await _compression(connection, verdicts, compress)
        for feed in Feed:
            await _compression(connection, f"{feed}_readings", compress)
            for level in LEVELS:
                rollup = f"{feed}_{level}"
                await _refresh(connection, rollup, level, storage)
                await _retention(connection, rollup, getattr(keep, level))


async def _retention(connection: asyncpg.Connection, relation: str, months: int) -> None:
    await connection.execute(
        f"SELECT remove_retention_policy('{relation}', if_exists => TRUE);"
        f"SELECT add_retention_policy('{relation}', drop_after => INTERVAL '{months} months')"
    )


async def _compression(connection: asyncpg.Connection, relation: str, after: str) -> None:
    await connection.execute(
        f"SELECT remove_compression_policy('{relation}', if_exists => TRUE);"
        f"SELECT add_compression_policy('{relation}', compress_after => INTERVAL '{after}')"
    )


async def _refresh(connection: asyncpg.Connection, rollup: str, level: str, storage: Storage) -> None:
    minutes = storage.refresh.every_minutes * _REFRESH[level]
    await connection.execute(
        f"SELECT remove_continuous_aggregate_policy('{rollup}', if_exists => TRUE);"
        f"SELECT add_continuous_aggregate_policy('{rollup}',"
        f" start_offset => INTERVAL '{storage.refresh.back_days} days',"
        f" end_offset => INTERVAL '{_MARGIN[level]}', schedule_interval => INTERVAL '{minutes} minutes')"
    )
