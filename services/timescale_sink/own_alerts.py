"""Alerts that the sink raises itself, about what it keeps the books of: how they are sent."""

from __future__ import annotations

from typing import Final

from aiokafka import AIOKafkaProducer

from schemas.alert import Alert
from schemas.topics import ALERTS

SOURCE: Final = "/jianghan/timescale_sink"


async def say(producer: AIOKafkaProducer, alert: Alert) -> None:
    """Give an alert to Kafka and wait until it has it.

    Raises:
        KafkaError: it does not take it just now.
    """
    await producer.send_and_wait(
        ALERTS, alert.model_dump_json().encode(), key=alert.kafka_key(), headers=alert.to_headers(SOURCE)
    )
