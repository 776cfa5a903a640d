"""The log as CloudEvents, for integrators: each listener reads Kafka by itself, so it goes on exactly where it was.

What is there twice in the log (an event that was said again after a crash) comes twice, with the same CloudEvents `id`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from services.alert_life.renderings.sse import HEARTBEAT
from services.operations_api.access import Principal
from services.operations_api.cursors import read_coordinates
from services.operations_api.errors import NotNow, TooMany
from services.operations_api.event_reading import EventReading, Gap
from services.operations_api.server_sent import HEARTBEAT_SECONDS, LOOK_SECONDS, RETRY, EventStream
from services.runtime import metrics

log = structlog.stdlib.get_logger()

STREAM: Final = "events"
BEGIN: Final = "begin"
START_SECONDS: Final = 5.0
BATCH: Final = 500


class EventLog:
    """Opens streams of the log.

    Args:
        consumer: Makes a consumer of no group that takes no partitions by itself.
        counts: Whether whoever listens may still listen.
    """

    def __init__(
        self, consumer: Callable[[], AIOKafkaConsumer], *, most: int, counts: Callable[[Principal], bool]
    ) -> None:
        self._consumer = consumer
        self._most = most
        self._counts = counts
        self._open: set[AIOKafkaConsumer] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._closed = asyncio.Event()

    async def listen(self, asker: Principal, last_id: str | None) -> EventStream:
        """The stream of one listener: from now on, from behind an id, or from the oldest event that is kept.

        Raises:
            NotUsable: the id is none that this stream gave.
            NotNow: Kafka does not answer.
            TooMany: there are as many listeners as there may be.
        """
        wanted = None if last_id in (None, BEGIN) else read_coordinates(last_id or "")
        if len(self._open) >= self._most or self._closed.is_set():
            raise TooMany(f"{self._most} streams of events are open already.", headers={"Retry-After": "30"})
        consumer = self._consumer()
        reading = EventReading(consumer)
        self._open.add(consumer)
        metrics.API_LISTENERS.labels(STREAM).set(len(self._open))
        try:
            async with asyncio.timeout(START_SECONDS):
                await consumer.start()
                gaps = await reading.begin(wanted, from_begin=last_id == BEGIN)
        except (KafkaError, TimeoutError, OSError):
            self._leave(consumer)
            raise NotNow("Kafka does not answer, and it keeps the events.", headers={"Retry-After": "5"}) from None
        except BaseException:
            self._leave(consumer)
            raise
        flow = self._flow(consumer, asker, reading, gaps)
        return EventStream(flow, release=lambda: self._leave(consumer))

    async def close(self) -> None:
        """Let every listener go: the service stops."""
        self._closed.set()
        for consumer in tuple(self._open):
            self._leave(consumer)
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def _flow(
        self, consumer: AIOKafkaConsumer, asker: Principal, reading: EventReading, gaps: list[Gap]
    ) -> AsyncIterator[bytes]:
        try:
            place = reading.position
            yield RETRY + _id(place) + b"".join(gap.frame(place).encode() for gap in gaps)
            quiet = HEARTBEAT_SECONDS  # the first pause tells by which records the logs are known again
            while self._counts(asker) and not self._closed.is_set():
                frames = await reading.poll(timeout_ms=int(LOOK_SECONDS * 1000), max_records=BATCH)
                if frames:
                    quiet = 0.0
                    for frame in frames:
                        yield frame
                else:
                    quiet += LOOK_SECONDS
                    if quiet >= HEARTBEAT_SECONDS:
                        quiet = 0.0
                        yield HEARTBEAT + _id(reading.position)
        except KafkaError as error:
            log.warning("a stream of events ends; its client comes back", action="end_stream", error=str(error))
        finally:
            self._leave(consumer)

    def _leave(self, consumer: AIOKafkaConsumer) -> None:
        """Close a consumer in a task of its own: whoever leaves is often being cancelled."""
        if consumer not in self._open:
            return
        self._open.discard(consumer)
        metrics.API_LISTENERS.labels(STREAM).set(len(self._open))
        task = asyncio.create_task(self._stop(consumer), name="close a consumer")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    @staticmethod
    async def _stop(consumer: AIOKafkaConsumer) -> None:
        try:
            await consumer.stop()
        except (KafkaError, OSError) as error:
            log.debug("a consumer did not close cleanly", action="close", error=str(error))


def _id(position: str) -> bytes:
    """An id without data is no event, and the client keeps it: one that leaves now comes back to here."""
    return f"id: {position}\n\n".encode()
