"""Looks for numbers of live devices that never came, and says so once they have been missing for too long."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.runtime.database import DATABASE_FAULTS
from services.runtime.lifecycle import Lifetime
from services.timescale_sink.missing_alerts import RAISED, Missing, alerts_of
from services.timescale_sink.own_alerts import say
from services.timescale_sink.queries import SQL
from services.timescale_sink.settings import SinkSettings

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]

ALERTS_A_LOOK: Final = 200
"""More devices than these are told of at the next looks, so that a great loss does not flood the operators."""
BEING_RAISED: Final = 1
RESOLVED: Final = 3
REST: Final = 20
"""A look that takes long is followed by so many times its length without one."""
STATEMENT_SECONDS: Final = 300.0


async def watch_missing(pool: Pool, producer: AIOKafkaProducer, settings: SinkSettings, lifetime: Lifetime) -> None:
    """Look now and then until the service stops; a server that does not answer is asked again, and health says so."""
    after, loop = timedelta(seconds=settings.missing_seconds), asyncio.get_running_loop()
    while not lifetime.stopping:
        begun = loop.time()
        try:
            await tell_missing(pool, producer, after, lifetime)
        except (*DATABASE_FAULTS, KafkaError) as error:
            lifetime.health.trouble(
                "missing numbers", f"not looked for just now: {type(error).__name__} {error}".strip()
            )
        else:
            lifetime.health.well("missing numbers")
        await lifetime.pause(max(settings.missing_look_seconds, REST * (loop.time() - begun)))


async def tell_missing(pool: Pool, producer: AIOKafkaProducer, after: timedelta, lifetime: Lifetime) -> None:
    """Bring what is known to be missing in line with the ledger, and alerts in line with it.

    That an alert is about to be raised is put down before it is: whatever is interrupted then, it is raised again, with
    the same id and revision, and is resolved in the end.

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
        place = missing.feed, missing.lane, missing.device_id, missing.boot_id, missing.noticed_at
        try:
            alerts = list(alerts_of(missing, after))
        except ValueError as error:  # ids that no alert can be about hold up no other
            lifetime.log.warning(
                "no alert can be made of missing numbers",
                action="missing", device_id=missing.device_id, boot_id=missing.boot_id, detail=str(error),
            )  # fmt: skip
            await pool.execute(SQL["missing_told"], *place, RESOLVED)
            continue
        await pool.execute(SQL["missing_told"], *place, BEING_RAISED)
        for alert in alerts:
            await say(producer, alert)
        await pool.execute(SQL["missing_told"], *place, RAISED if missing.ended_at is None else RESOLVED)
