"""The log as CloudEvents, for integrators: each listener reads Kafka by itself, so it goes on exactly where it was.

The id of an event is where both topics stand behind it. What is there twice in the log (an event that was said again
after a crash) comes twice, with the same CloudEvents `id`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.alert import Alert, header_map
from schemas.alert_action import AlertAction
from schemas.fields import LIVE
from schemas.topics import ALERTS
from services.alert_life.renderings.sse import HEARTBEAT, Frame, of_event
from services.operations_api.access import Principal
from services.operations_api.cursors import Partition, read_coordinates, write_coordinates
from services.operations_api.errors import NotNow, NotUsable, TooMany
from services.operations_api.log_reader import partitions_of_alerts
from services.operations_api.server_sent import HEARTBEAT_SECONDS, LOOK_SECONDS, RETRY, EventStream
from services.runtime import metrics

log = structlog.stdlib.get_logger()

STREAM: Final = "events"
BEGIN: Final = "begin"
START_SECONDS: Final = 5.0
BATCH: Final = 500
_PASSED: Final = (LIVE, "exercise:")
"""Beginnings of lanes whose events are passed on: real life, and exercises, which are marked."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Records that a listener asked for and that are not kept any more."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int

    def frame(self, position: str) -> Frame:
        """The event `gap`."""
        said = {
            "topic": self.topic,
            "partition": self.partition,
            "first_offset": self.first_offset,
            "last_offset": self.last_offset,
        }
        return Frame(orjson.dumps(said).decode(), "gap", position)


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
        self._open.add(consumer)
        metrics.API_LISTENERS.labels(STREAM).set(len(self._open))
        try:
            async with asyncio.timeout(START_SECONDS):
                await consumer.start()
                positions, gaps = await _placed(consumer, wanted, from_begin=last_id == BEGIN)
        except (KafkaError, TimeoutError, OSError):
            self._leave(consumer)
            raise NotNow("Kafka does not answer, and it keeps the events.", headers={"Retry-After": "5"}) from None
        except BaseException:
            self._leave(consumer)
            raise
        flow = self._flow(consumer, asker, positions, gaps)
        return EventStream(flow, release=lambda: self._leave(consumer))

    async def close(self) -> None:
        """Let every listener go: the service stops."""
        self._closed.set()
        for consumer in tuple(self._open):
            self._leave(consumer)
        await asyncio.gather(*self._leaving, return_exceptions=True)

    async def _flow(
        self, consumer: AIOKafkaConsumer, asker: Principal, positions: dict[Partition, int], gaps: list[Gap]
    ) -> AsyncIterator[bytes]:
        try:
            place = write_coordinates(positions)
            # An id without data is no event, and the client keeps it: one that leaves now comes back to here.
            yield RETRY + f"id: {place}\n\n".encode() + b"".join(gap.frame(place).encode() for gap in gaps)
            quiet = 0.0
            while self._counts(asker) and not self._closed.is_set():
                batches = await consumer.getmany(timeout_ms=int(LOOK_SECONDS * 1000), max_records=BATCH)
                frames = [frame for records in batches.values() for frame in _frames(records, positions)]
                if frames:
                    quiet = 0.0
                    for frame in frames:
                        yield frame
                else:
                    quiet += LOOK_SECONDS
                    if quiet >= HEARTBEAT_SECONDS:
                        quiet = 0.0
                        yield HEARTBEAT
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


async def _placed(
    consumer: AIOKafkaConsumer, wanted: dict[Partition, int] | None, *, from_begin: bool
) -> tuple[dict[Partition, int], list[Gap]]:
    partitions = partitions_of_alerts()
    consumer.assign(partitions)
    begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    if wanted is not None and set(wanted) != {(each.topic, each.partition) for each in partitions}:
        raise NotUsable("`Last-Event-ID` does not name every partition of both topics: leave it out to begin now.")
    positions: dict[Partition, int] = {}
    gaps: list[Gap] = []
    for each in partitions:
        place = begins[each] if from_begin else ends[each]
        if wanted is not None:
            place = wanted[each.topic, each.partition]
            if not begins[each] <= place <= ends[each]:
                # Older than what is kept; or beyond the end, which another log has.
                gaps.append(Gap(each.topic, each.partition, place, max(place, begins[each]) - 1))
                place = begins[each]
        consumer.seek(each, place)
        positions[each.topic, each.partition] = place
    return positions, gaps


def _frames(records: list[ConsumerRecord[Any, Any]], positions: dict[Partition, int]) -> list[bytes]:
    found: list[bytes] = []
    for record in records:
        positions[record.topic, record.partition] = record.offset + 1
        model = Alert if record.topic == ALERTS else AlertAction
        try:
            event = model.model_validate_json(record.value or b"")
        except ValidationError:
            metrics.API_RECORDS_UNUSABLE.labels(record.topic).inc()
            continue
        if event.lane.startswith(_PASSED):
            source = header_map(record.headers).get("ce_source")
            found.append(of_event(event, write_coordinates(positions), source).encode())
    return found
