"""Looks for numbers of live devices that never came, and says so once they have been missing for too long."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.topics import ALERTS
from services.runtime.database import DATABASE_FAULTS
from services.runtime.lifecycle import Lifetime
from services.timescale_sink.missing_alerts import SOURCE, Missing, alert_of
from services.timescale_sink.queries import SQL
from services.timescale_sink.settings import SinkSettings

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]

ALERTS_A_LOOK: Final = 200
"""More devices than these are told of at the next looks, so that a great loss does not flood the operators."""
RAISED: Final = 1
RESOLVED: Final = 2


async def watch_missing(pool: Pool, producer: AIOKafkaProducer, settings: SinkSettings, lifetime: Lifetime) -> None:
    """Look now and then until the service stops; a server that does not answer is asked again."""
    after = timedelta(seconds=settings.missing_seconds)
    while not lifetime.stopping:
        try:
            await tell_missing(pool, producer, after)
        except (*DATABASE_FAULTS, KafkaError) as error:
            lifetime.log.info(
                "missing numbers not told just now", action="missing", error=type(error).__name__, detail=str(error)
            )
        await lifetime.pause(settings.missing_look_seconds)


async def tell_missing(pool: Pool, producer: AIOKafkaProducer, after: timedelta) -> None:
    """Bring what is known to be missing in line with the ledger, and alerts in line with it.

    An alert that comes again, from another sink or after a restart, has the same id and revision.

    Args:
        after: How long a gap may stand.
    """
    await pool.execute(SQL["missing"])
    for row in await pool.fetch(SQL["missing_untold"], after, ALERTS_A_LOOK):
        missing = Missing(**dict(row))
        alert = alert_of(missing, after)
        await producer.send_and_wait(
            ALERTS, alert.model_dump_json().encode(), key=alert.kafka_key(), headers=alert.to_headers(SOURCE)
        )
        place = missing.feed, missing.lane, missing.device_id, missing.boot_id, missing.noticed_at
        await pool.execute(SQL["missing_told"], *place, RAISED if missing.ended_at is None else RESOLVED)
    await pool.execute(SQL["missing_forgotten"])
