"""Drop chunks of readings and dead letters past their age.

A policy of the community edition would go by the time of the readings alone and drop history as soon as it was
imported or replayed; ours spares what was taken in lately, on both editions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import asyncpg

from services.runtime.database import DATABASE_FAULTS
from services.runtime.lifecycle import Lifetime
from services.timescale_sink.queries import SQL
from services.timescale_sink.settings import SinkSettings

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]

CHUNKS_AT_ONCE: Final = 1
"""In a transaction: rows of devices that live are locked until it ends, and each chunk takes some twenty locks."""
DROP_SECONDS: Final = 600.0
"""Longest wait for one such transaction."""


async def keep_to_ages(pool: Pool, settings: SinkSettings, lifetime: Lifetime) -> None:
    """Drop what is too old, now and every `retention_seconds`, until the service stops.

    A database that does not answer, or a chunk that is held, is asked again the next time; nothing else waits for this.
    """
    while not lifetime.stopping:
        try:
            async for relation, chunk in drop_expired(pool):
                lifetime.log.info("dropped a chunk past its age", action="retention", relation=relation, chunk=chunk)
        except DATABASE_FAULTS as error:
            lifetime.log.warning(
                "chunks past their age were not dropped, trying again later",
                action="retention",
                error=type(error).__name__,
                detail=str(error),
                seconds=settings.retention_seconds,
            )
        await lifetime.pause(settings.retention_seconds)


async def drop_expired(pool: Pool) -> AsyncIterator[tuple[str, str]]:
    """Table and chunk of what was dropped, each as soon as it is gone, until none is left.

    Raises:
        asyncpg.LockNotAvailableError: somebody holds a chunk and does not let go of it for some seconds.
    """
    while rows := await pool.fetch(SQL["drop_expired"], CHUNKS_AT_ONCE, timeout=DROP_SECONDS):
        for row in rows:
            yield row["relation"], row["chunk"]
