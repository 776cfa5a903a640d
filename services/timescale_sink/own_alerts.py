"""Alerts that the sink raises itself, about what it keeps the books of: when it looks, and how they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.alert import Alert
from schemas.topics import ALERTS
from services.runtime.database import DATABASE_FAULTS
from services.runtime.lifecycle import Lifetime
from services.timescale_sink.telling import BEING_RAISED, RAISED, RESOLVED

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]

SOURCE: Final = "/jianghan/timescale_sink"
ALERTS_A_LOOK: Final = 200
"""More than these are told at the next looks, so that a great loss does not flood the operators."""
REST: Final = 20
"""A look that takes long is followed by so many times its length without one."""


async def say(producer: AIOKafkaProducer, alert: Alert) -> None:
    """Give an alert to Kafka and wait until it has it.

    Raises:
        KafkaError: it does not take it just now.
    """
    await producer.send_and_wait(
        ALERTS, alert.model_dump_json().encode(), key=alert.kafka_key(), headers=alert.to_headers(SOURCE)
    )


async def look_now_and_then(what: str, look: Callable[[], Awaitable[None]], seconds: float, lifetime: Lifetime) -> None:
    """Look until the service stops; a server that does not answer is asked again, and health says so.

    Args:
        what: Is looked for.
        look: Once.
        seconds: Between two looks.
        lifetime: Of the service.
    """
    loop = asyncio.get_running_loop()
    while not lifetime.stopping:
        begun = loop.time()
        try:
            await look()
        except (*DATABASE_FAULTS, KafkaError) as error:
            lifetime.health.trouble(what, f"not looked for just now: {type(error).__name__} {error}".strip())
        else:
            lifetime.health.well(what)
        await lifetime.pause(max(seconds, REST * (loop.time() - begun)))


async def tell(
    pool: Pool,
    producer: AIOKafkaProducer,
    alerts: Callable[[], Iterable[Alert]],
    *,
    told: str,
    place: tuple[Any, ...],
    is_over: bool,
    lifetime: Lifetime,
) -> None:
    """Say what has to be said of one row of the books.

    That an alert is about to be raised is put down before it is: whatever is interrupted then, it is raised again, with
    the same id and revision, and is resolved in the end.

    Args:
        alerts: What has to be said; a `ValueError` says that the row's ids are none that an alert can be about.
        told: The statement that puts down how far it is, behind what the row is known by.
        place: What the row is known by.
        is_over: It is resolved with that.
    """
    try:
        said = list(alerts())
    except ValueError as error:  # ids that no alert can be about hold up no other
        lifetime.log.warning(
            "no alert can be made of a row of the books", action="own_alert", place=place, detail=str(error)
        )
        await pool.execute(told, *place, RESOLVED)
        return
    await pool.execute(told, *place, BEING_RAISED)
    for alert in said:
        await say(producer, alert)
    await pool.execute(told, *place, RESOLVED if is_over else RAISED)
