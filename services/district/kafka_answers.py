"""Asking Kafka as the operator: a bound on the wait, and what to look at when there is no answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka.errors import KafkaError

from services.district.errors import ServerSilent
from services.runtime.settings import KafkaSettings

ANSWER_SECONDS: Final = 10.0


@asynccontextmanager
async def answering(settings: KafkaSettings | None) -> AsyncIterator[KafkaSettings]:
    """Let a block ask Kafka.

    Raises:
        ServerSilent: none is named, or it does not answer in time, or refuses.
    """
    if settings is None:
        raise ServerSilent("no Kafka is named; set KAFKA_BOOTSTRAP.")
    look = "`district status` shows its state, `district logs kafka` why; then try again."
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            yield settings
    except TimeoutError:
        raise ServerSilent(f"Kafka at {settings.bootstrap}: no answer in time; {look}") from None
    except (KafkaError, OSError) as error:
        raise ServerSilent(f"Kafka at {settings.bootstrap} ({error}); {look}") from error
