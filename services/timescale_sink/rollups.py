"""Keep the hours of readings that the views answer from, where the database does not keep them itself (Apache edition).

1. Readings that change mark their hour in their own transaction; a trigger of the database does it, whoever writes.
2. Every `fold_seconds` hours that are over are closed, and marked ones folded anew, the newest first, a few in a
   transaction of its own. It locks nothing that a writer of readings waits for.
3. How many are still to be folded, and since when, is in the metrics and a remark of health.

The views read a marked hour from the readings: what is not folded costs time, never exactness.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import asyncpg

from schemas.fields import Feed
from services.runtime import metrics
from services.runtime.database import DATABASE_FAULTS
from services.runtime.lifecycle import Lifetime
from services.timescale_sink.queries import SQL
from services.timescale_sink.settings import SinkSettings

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]

HOURS_AT_ONCE: Final = 12
"""In a transaction; all of them lie within a week, so that it opens few chunks."""
FOLD_SECONDS: Final = 600.0
"""Longest wait for one such transaction."""
PART: Final = "rollups"


@dataclass(frozen=True, slots=True)
class Stale:
    """Hours of a feed that the views read from the readings until they are folded."""

    feed: str
    hours: int
    oldest: datetime | None
    """Where the oldest one begins; None: there is none."""


async def keep_rollups(pool: Pool, settings: SinkSettings, lifetime: Lifetime) -> None:
    """Fold what is stale, now and every `fold_seconds`, until the service stops; nothing else waits for it.

    A database that does not answer is asked again the next time. Where the database keeps its rollups there is nothing
    to do, and this ends.
    """
    while not lifetime.stopping:
        try:
            if not await pool.fetchval(SQL["keeps_hours"]):
                return
            await _fold_all(pool, lifetime)
            lifetime.health.well(PART)
        except DATABASE_FAULTS as error:
            lifetime.health.trouble(PART, f"hours are not folded, views read them slowly: {error}")
            lifetime.log.warning(
                "hours were not folded, trying again later",
                action="fold",
                error=type(error).__name__,
                detail=str(error),
                seconds=settings.fold_seconds,
            )
        await lifetime.pause(settings.fold_seconds)


async def _fold_all(pool: Pool, lifetime: Lifetime) -> None:
    """Fold until nothing is left to do, resting after each turn for as long as it took."""
    left = set(Feed)
    while left and not lifetime.stopping:
        for feed in sorted(left):
            began = time.monotonic()
            folded = await fold(pool, feed)
            if folded is None:
                left.discard(feed)
            elif folded:
                await lifetime.pause(time.monotonic() - began)
        tell(await stale(pool), lifetime)


async def fold(pool: Pool, feed: Feed) -> int | None:
    """One bounded turn: close hours that are over, or fold some; how many, None when there is nothing to do just now.

    Raises:
        asyncpg.PostgresError, OSError, TimeoutError: the database did not do it; nothing is changed.
    """
    folded: int | None = await pool.fetchval(SQL["fold_hours"], feed.value, HOURS_AT_ONCE, timeout=FOLD_SECONDS)
    return folded


async def stale(pool: Pool) -> list[Stale]:
    """What has still to be folded, a row a feed."""
    return [Stale(**dict(row)) for row in await pool.fetch(SQL["stale_hours"])]


def tell(found: Sequence[Stale], lifetime: Lifetime) -> None:
    """Say it in metrics and health."""
    for each in found:
        metrics.STALE_HOURS.labels(each.feed).set(each.hours)
        metrics.OLDEST_STALE_HOUR.labels(each.feed).set(each.oldest.timestamp() if each.oldest else 0)
    lifetime.health.remark(PART, remark_of(found))


def remark_of(found: Sequence[Stale]) -> str:
    """Words for the operator: what is to be folded, by feed."""
    parts = [
        f"{each.feed} {each.hours}, the oldest {each.oldest.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
        for each in found
        if each.oldest is not None
    ]
    return f"hours to be folded: {'; '.join(parts)}" if parts else "all hours that are over are folded"
