"""What others leave on topics that all tests share: a topic's first, last or only record is nobody's own."""

from __future__ import annotations

import asyncio
from typing import Final

from aiokafka import AIOKafkaProducer

from deploy.local.stack import Stack
from schemas.fields import Feed
from schemas.topics import ALERT_ACTIONS, ALERTS, DEAD_LETTERS, DELIVERIES, INDICATORS, readings_topic, topic_spec

LITTERED: Final = (
    *(readings_topic(feed, live=live) for feed in Feed for live in (True, False)),
    *(ALERTS, ALERT_ACTIONS, INDICATORS, DELIVERIES, DEAD_LETTERS),
)
"""Topics that many tests write to; not those of which a service keeps the last record of each key as its own."""


async def litter(stack: Stack) -> None:
    """Write a record that is nothing into each partition of each of these topics."""
    known = stack.environment("operator")
    producer = AIOKafkaProducer(
        bootstrap_servers=known["KAFKA_BOOTSTRAP"],
        security_protocol=known["KAFKA_SECURITY_PROTOCOL"],
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=known["KAFKA_USERNAME"],
        sasl_plain_password=known["KAFKA_PASSWORD"],
        acks="all",
    )
    async with producer:
        sent = [
            await producer.send(topic, b"left by another test", key=b"litter", partition=partition)
            for topic in LITTERED
            for partition in range(topic_spec(topic).partitions)
        ]
        await asyncio.gather(*sent)
