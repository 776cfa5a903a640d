"""A device of which readings are refused as too fast: an alert while that lasts; at its end all of them are counted."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import structlog
from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from schemas.dead_letter import DeadLetter, DeadLetterReason, DeadLetterSource
from schemas.fields import Feed
from services.runtime.dead_letters import dead_letter_producer
from services.timescale_sink.flood_alerts import RULE
from services.timescale_sink.flood_watch import tell_floods
from tests.kafka_reading import kafka_of

STILL = timedelta(days=1)
AT_ONCE = timedelta(0)


class _Lifetime:
    log = structlog.get_logger()


LIFETIME: Any = _Lifetime()


async def refuse(stack: Stack, device: str, numbers: range, reason: DeadLetterReason) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=60)
    async with dead_letter_producer(kafka_of(stack), "test-floods") as letters:
        for seq in numbers:
            letter = DeadLetter(
                source=DeadLetterSource.INGEST_BRIDGE,
                reason=reason,
                detail="test",
                received_at=begin + timedelta(milliseconds=seq),
                mqtt_topic=f"jianghan/ev/site-1/{device}/reading",
                feed=Feed.EV,
                lane="live",
                group_id="site-1",
                device_id=device,
                boot_id="b1",
                seq=seq,
            )
            await (await letters.send(letter, b"{}"))


async def test_a_device_that_sends_too_fast_is_an_alert_until_it_does_not(sink: Stack) -> None:
    device = f"ev-{uuid.uuid4().hex[:8]}"
    owner = await asyncpg.connect(sink.environment("operator")["DATABASE_OWNER_URL"])
    pool = await asyncpg.create_pool(sink.environment("sink")["DATABASE_URL"], min_size=1, max_size=1)

    async def stored(wanted: int) -> None:
        query = "SELECT count(*) FROM v_dead_letters WHERE device_id = $1"
        for _ in range(400):
            if await owner.fetchval(query, device) == wanted:
                return
            await asyncio.sleep(0.1)
        pytest.fail(f"waited in vain for {wanted} dead letters")

    async def alerts(wanted: list[tuple[Any, ...]]) -> None:
        query = (
            "SELECT observed_value, ended_at IS NULL FROM v_alerts WHERE asset = $1 AND rule = $2 ORDER BY started_at"
        )
        found: list[tuple[Any, ...]] = []
        for _ in range(400):
            found = [tuple(row) for row in await owner.fetch(query, device, RULE)]
            if found == wanted:
                return
            await asyncio.sleep(0.1)
        pytest.fail(f"waited for {wanted}, found {found}")

    async with AIOKafkaProducer(**kafka_of(sink).client_options("test-floods")) as producer:
        try:
            await refuse(sink, device, range(5), DeadLetterReason.INVALID)
            await refuse(sink, device, range(5, 25), DeadLetterReason.TOO_FAST)
            await stored(25)
            await tell_floods(pool, producer, STILL, LIFETIME)
            await tell_floods(pool, producer, STILL, LIFETIME)
            await alerts([(20, True)])
            await refuse(sink, device, range(25, 65), DeadLetterReason.TOO_FAST)
            await stored(65)
            await tell_floods(pool, producer, STILL, LIFETIME)
            await tell_floods(pool, producer, AT_ONCE, LIFETIME)
            await alerts([(60, False)])
            await refuse(sink, device, range(65, 66), DeadLetterReason.TOO_FAST)
            await stored(66)
            for _ in range(2):
                await tell_floods(pool, producer, STILL, LIFETIME)
            await alerts([(60, False), (1, True)])
            said = "SELECT count(*) FROM alert_events JOIN v_alerts USING (alert_id) WHERE asset = $1"
            assert await owner.fetchval(said, device) == 3, "each thing is said once"
        finally:
            await owner.execute("UPDATE device_floods SET ended_at = last_at, told = 3 WHERE device_id = $1", device)
            await owner.close()
            await pool.close()
