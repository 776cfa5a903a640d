"""Says what was gone from Kafka before it was stored: in health and as an alert, until an operator has taken note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.runtime.database import DATABASE_FAULTS
from services.runtime.lifecycle import Lifetime
from services.timescale_sink.gap_alerts import OpenGap, alerts_of, health_of
from services.timescale_sink.own_alerts import say
from services.timescale_sink.queries import SQL

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]

LOOK_SECONDS: Final = 5.0
RAISED: Final = 1
RESOLVED: Final = 2


async def watch_gaps(pool: Pool, producer: AIOKafkaProducer, cluster_id: str, lifetime: Lifetime) -> None:
    """Look now and every few seconds, until the service stops; a server that does not answer is asked again."""
    while not lifetime.stopping:
        try:
            await tell_gaps(pool, producer, cluster_id, lifetime)
        except (*DATABASE_FAULTS, KafkaError) as error:
            lifetime.log.info("gaps not told just now", action="gap", error=type(error).__name__, detail=str(error))
        await lifetime.pause(LOOK_SECONDS)


async def tell_gaps(pool: Pool, producer: AIOKafkaProducer, cluster_id: str, lifetime: Lifetime) -> None:
    """Bring health and alerts in line with the gaps in the database; an alert that comes again has the same id."""
    gaps = [OpenGap(**dict(row)) for row in await pool.fetch(SQL["open_gaps"], cluster_id)]
    said = health_of(gaps)
    if said is None:
        lifetime.health.well("gaps")
    else:
        lifetime.health.trouble("gaps", said)
    unsaid = None
    for gap in gaps:
        try:
            alerts = list(alerts_of(gap, cluster_id))
        except ValueError as error:  # one that no alert can be made of holds up no other
            unsaid = f"no alert can be made of the gap in {gap.topic} {gap.partition} at {gap.first_offset}: {error}"
            continue
        for alert in alerts:
            await say(producer, alert)
        told = RAISED if gap.acknowledged_at is None else RESOLVED
        if told > gap.told:
            place = cluster_id, gap.topic, gap.partition, gap.noticed_at, gap.first_offset
            await pool.execute(SQL["gap_told"], *place, told)
    if unsaid is None:
        lifetime.health.well("gap alerts")
    else:
        lifetime.health.trouble("gap alerts", unsaid)
