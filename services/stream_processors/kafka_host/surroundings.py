"""What all parts of one host work on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiokafka import AIOKafkaConsumer

from services.runtime.health import Health
from services.stream_processors.kafka_host.duty import Duty
from services.stream_processors.kafka_host.holdings import Holdings

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Surroundings(Generic[S]):
    """Made once a host."""

    duty: Duty
    holdings: Holdings[S]
    consumer: AIOKafkaConsumer
    """Member of the duty's group."""
    health: Health
    beat: Callable[[], None]
    """Called whenever judging or a take-over has come further."""
