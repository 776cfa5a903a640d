"""What others leave on topics that all tests share: a topic's first, last or only record is nobody's own."""

from __future__ import annotations

import asyncio
from typing import Final

from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from schemas.fields import Feed
from schemas.topics import ALERT_ACTIONS, ALERTS, DEAD_LETTERS, DELIVERIES, INDICATORS, readings_topic
from services.runtime.kafka import partitions_of
from tests.kafka_reading import kafka_of

LITTERED: Final = (
    *(readings_topic(feed, live=live) for feed in Feed for live in (True, False)),
    *(ALERTS, ALERT_ACTIONS, INDICATORS, DELIVERIES, DEAD_LETTERS),
)
"""Topics that many tests write to; not those of which a service keeps the last record of each key as its own."""
NOTHING: Final = (b"left by another test", None, b"null", b"[]", b'{"lane": 5}')
"""Records that are nothing: text, none at all, JSON of other shapes."""


async def litter(stack: Stack) -> None:
    """Write records that are nothing into each partition of each of these topics."""
    async with AIOKafkaProducer(**kafka_of(stack).client_options("litter"), acks="all") as producer:
        sent = [
            await producer.send(place.topic, value, key=b"litter", partition=place.partition)
            for place in partitions_of(*LITTERED)
            for value in NOTHING
        ]
        await asyncio.gather(*sent)
