"""What is told to Kafka of what is done."""

from __future__ import annotations

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.runtime.lifecycle import Lifetime
from services.runtime.offsets import Offsets

A, B, GONE = (TopicPartition("readings.ev", n) for n in range(3))


class FakeConsumer:
    """What offsets are told; fails while `broken`."""

    def __init__(self) -> None:
        self.broken = False
        self.told: list[dict[TopicPartition, int]] = []

    def assignment(self) -> set[TopicPartition]:
        return {A, B}

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        if self.broken:
            raise KafkaError
        self.told.append(dict(offsets))


async def test_offsets_of_all_loops_go_in_one_request_and_none_is_forgotten_or_taken_back() -> None:
    consumer = FakeConsumer()
    offsets = Offsets(consumer, Lifetime(structlog.get_logger()))
    offsets.done(A, 5)
    offsets.done(B, 7)
    offsets.done(GONE, 9)
    await offsets.commit()
    await offsets.commit()
    assert consumer.told == [{A: 5, B: 7}], "what went to another member is not ours to say"

    consumer.broken = True
    offsets.done(A, 6)
    offsets.done(B, 8)
    await offsets.commit()
    offsets.done(A, 10)
    consumer.broken = False
    await offsets.commit()
    assert consumer.told[1:] == [{A: 10, B: 8}]
