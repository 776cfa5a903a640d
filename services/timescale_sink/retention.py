"""Drop chunks of readings and dead letters past their age.

A policy of the community edition would go by the time of the readings alone and drop history as soon as it was
imported or replayed; ours spares what was taken in lately, on both editions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from services.runtime.lifecycle import Lifetime
from services.timescale_sink.queries import SQL
from services.timescale_sink.settings import SinkSettings

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]


async def keep_to_ages(pool: Pool, settings: SinkSettings, lifetime: Lifetime) -> None:
    """Drop what is too old, now and every `retention_seconds`, until the service stops.

    A database that does not answer is asked again the next time; nothing else waits for this.
    """
    while not lifetime.stopping:
        try:
            dropped = await drop_expired(pool)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            lifetime.log.warning(
                "chunks past their age were not dropped, trying again later",
                action="retention",
                error=type(error).__name__,
                detail=str(error),
                seconds=settings.retention_seconds,
            )
        else:
            for relation, chunk in dropped:
                lifetime.log.info("dropped a chunk past its age", action="retention", relation=relation, chunk=chunk)
        await lifetime.pause(settings.retention_seconds)


async def drop_expired(pool: Pool) -> list[tuple[str, str]]:
    """Table and chunk of what was dropped."""
    rows = await pool.fetch(SQL["drop_expired"])
    return [(row["relation"], row["chunk"]) for row in rows]
