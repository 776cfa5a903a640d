"""Looks for devices of which readings are refused as too fast, and says so."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import asyncpg
from aiokafka import AIOKafkaProducer

from services.runtime.lifecycle import Lifetime
from services.timescale_sink.flood_alerts import Flood, alerts_of
from services.timescale_sink.own_alerts import ALERTS_A_LOOK, look_now_and_then, tell
from services.timescale_sink.queries import SQL
from services.timescale_sink.settings import SinkSettings

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]

STATEMENT_SECONDS: Final = 300.0


async def watch_floods(pool: Pool, producer: AIOKafkaProducer, settings: SinkSettings, lifetime: Lifetime) -> None:
    """Look now and then until the service stops."""
    quiet = timedelta(seconds=settings.flood_quiet_seconds)
    look = partial(tell_floods, pool, producer, quiet, lifetime)
    await look_now_and_then("devices that send too fast", look, settings.flood_look_seconds, lifetime)


async def tell_floods(pool: Pool, producer: AIOKafkaProducer, quiet: timedelta, lifetime: Lifetime) -> None:
    """Bring what is known of such devices in line with the dead letters, and alerts in line with it.

    Args:
        quiet: So long nothing of a device is refused before it is over.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(SQL["floods_lock"])
        for statement, arguments in (("floods_go_on", ()), ("floods_over", (quiet,)), ("floods_new", ())):
            await connection.execute(SQL[statement], *arguments, timeout=STATEMENT_SECONDS)
    for row in await pool.fetch(SQL["floods_untold"], ALERTS_A_LOOK):
        flood = Flood(**dict(row))
        await tell(
            pool,
            producer,
            partial(alerts_of, flood),
            told=SQL["floods_told"],
            place=flood.place,
            is_over=flood.ended_at is not None,
            lifetime=lifetime,
        )
