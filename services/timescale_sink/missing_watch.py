"""Looks for numbers of live devices that never came, and says so once they have been missing for too long."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import asyncpg
from aiokafka import AIOKafkaProducer

from services.runtime.lifecycle import Lifetime
from services.timescale_sink.missing_alerts import Missing, alerts_of
from services.timescale_sink.own_alerts import ALERTS_A_LOOK, look_now_and_then, tell
from services.timescale_sink.queries import SQL
from services.timescale_sink.settings import SinkSettings

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]

STATEMENT_SECONDS: Final = 300.0


async def watch_missing(pool: Pool, producer: AIOKafkaProducer, settings: SinkSettings, lifetime: Lifetime) -> None:
    """Look now and then until the service stops."""
    look = partial(tell_missing, pool, producer, timedelta(seconds=settings.missing_seconds), lifetime)
    await look_now_and_then("missing numbers", look, settings.missing_look_seconds, lifetime)


async def tell_missing(pool: Pool, producer: AIOKafkaProducer, after: timedelta, lifetime: Lifetime) -> None:
    """Bring what is known to be missing in line with the ledger, and alerts in line with it.

    Args:
        after: How long a gap may stand.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(SQL["missing_lock"])
        await connection.execute(SQL["missing_closed"], timeout=STATEMENT_SECONDS)
        await connection.execute(SQL["missing_new"], timeout=STATEMENT_SECONDS)
        await connection.execute(SQL["missing_forgotten"])
    for row in await pool.fetch(SQL["missing_untold"], after, ALERTS_A_LOOK):
        missing = Missing(**dict(row))
        await tell(
            pool,
            producer,
            partial(alerts_of, missing, after),
            told=SQL["missing_told"],
            place=(missing.feed, missing.lane, missing.device_id, missing.boot_id, missing.noticed_at),
            is_over=missing.ended_at is not None,
            lifetime=lifetime,
        )
