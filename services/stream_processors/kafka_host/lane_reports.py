"""Says on the topic `lanes` how far the judging of each open lane is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.lane import LanePhase, LaneStatus
from schemas.topics import LANES
from services.stream_processors.engine.event_time import from_us
from services.stream_processors.engine.events import LaneChanged
from services.stream_processors.errors import OutputRefusedError
from services.stream_processors.kafka_host.holdings import Holding
from services.stream_processors.kafka_host.surroundings import Surroundings

S = TypeVar("S")

_SECONDS: Final = 1.0


class LaneReports(Generic[S]):
    """The lanes of one host; a host that judges real life has none."""

    def __init__(self, around: Surroundings[S], client: AIOKafkaProducer) -> None:
        self._duty = around.duty
        self._holdings = around.holdings
        self._client = client
        self._said: dict[tuple[int, str], LaneChanged] = {}

    async def run(self) -> None:
        """Once a second say of each open lane that has moved how far it is."""
        while True:
            await asyncio.sleep(_SECONDS)
            async with self._holdings.lock:
                statuses = [
                    (holding, status) for holding in self._holdings.all() for status in holding.worker.lane_statuses()
                ]
            await self.publish(
                (holding, status)
                for holding, status in statuses
                if self._said.get((holding.partition, status.lane)) != status
            )

    async def publish(self, changed: Iterable[tuple[Holding[S], LaneChanged]]) -> None:
        """Say where these stand and wait until Kafka has it.

        Raises:
            OutputRefusedError: Kafka did not take it.
        """
        try:
            await asyncio.gather(
                *[await self._send(holding.partition, status) for holding, status in changed],
            )
        except KafkaError as error:
            raise OutputRefusedError(f"Kafka did not take the status of a lane: {error!r}") from error

    async def _send(self, partition: int, status: LaneChanged) -> asyncio.Future[object]:
        if status.phase is LanePhase.OPEN:
            self._said[partition, status.lane] = status
        else:
            self._said.pop((partition, status.lane), None)
        record = LaneStatus(
            feed=self._duty.feed,
            lane=status.lane,
            partition=partition,
            phase=status.phase,
            opened_offset=status.opened_offset,
            next_offset=status.next_offset,
            clock=None if status.clock_us is None else from_us(status.clock_us),
            judged=status.judged,
            refused=status.refused,
            at=datetime.now(UTC),
            detail=status.detail,
        )
        sent: asyncio.Future[object] = await self._client.send(
            LANES, record.model_dump_json().encode(), key=record.kafka_key()
        )
        return sent
