"""Beside a consumer's loops: says when one stands still though records wait in Kafka."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer

from services.runtime.consuming import log_ends
from services.runtime.errors import TransientError
from services.runtime.lifecycle import Lifetime
from services.runtime.standstill import Assigned, Place, Standing

ANSWER_SECONDS: Final = 5.0


async def watch_progress(
    consumer: AIOKafkaConsumer, standings: Mapping[str, Standing], lifetime: Lifetime, *, limit_seconds: float
) -> None:
    """Compare what is done of each topic with what Kafka has, until the service stops.

    While the group is divided nothing is ours for a moment: that is neither progress nor the end of it, so what was
    said stands.

    Args:
        standings: By topic, as the loops keep them.
    """
    health = lifetime.health
    assigned = Assigned(time.monotonic())
    while not lifetime.stopping:
        try:
            ends: dict[Place, int] = dict(
                await log_ends(consumer, consumer.assignment(), seconds=ANSWER_SECONDS),
            )
        except TransientError as error:
            health.trouble("kafka", str(error))
        else:
            health.well("kafka")
            counted = standings if assigned.counts(ends, time.monotonic(), limit_seconds) else {}
            for topic, standing in counted.items():
                own = {place: end for place, end in ends.items() if place[0] == topic}
                said = standing.standing_still(own, time.monotonic(), limit_seconds)
                if said is None:
                    health.well(f"progress {topic}")
                else:
                    health.trouble(f"progress {topic}", said)
        await lifetime.pause(limit_seconds / 4)
