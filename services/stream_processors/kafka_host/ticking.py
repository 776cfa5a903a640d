"""Once a second the clock of real life, and published documents, go into each partition that is ours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.clock import KIND_HEADER, KIND_PLAN, KIND_TICK, Tick
from schemas.fields import LIVE
from schemas.plan.book import identity_of
from services.stream_processors.kafka_host.holdings import Holding
from services.stream_processors.kafka_host.judging import Judging
from services.stream_processors.kafka_host.plan_reader import PlanReader
from services.stream_processors.kafka_host.surroundings import Surroundings

S = TypeVar("S")
log = structlog.stdlib.get_logger()

SPARE: Final = 20_000
"""Readings that a key may judge again at a tick while there is nothing else to do."""
_IDLE_SHARE: Final = 0.5
"""Of the last second, spent waiting."""
_CAUGHT_UP: Final = 500
"""Records behind the end of the log, at most."""
_LANES_SECONDS: Final = 30
"""Beside open lanes the clock of real life only tells how long one has been silent."""


class Ticking(Generic[S]):
    """Writes one host's ticks."""

    def __init__(
        self, around: Surroundings[S], producer: AIOKafkaProducer, plan: PlanReader, judging: Judging[S]
    ) -> None:
        self._duty = around.duty
        self._holdings = around.holdings
        self._consumer = around.consumer
        self._producer = producer
        self._plan = plan
        self._judging = judging

    async def run(self) -> None:
        """Tick for ever, at the full second."""
        while True:
            await asyncio.sleep(1 - time.time() % 1)
            now = datetime.now(UTC)
            is_idle, self._judging.busy_seconds = self._judging.busy_seconds < 1 - _IDLE_SHARE, 0.0
            holdings = self._holdings.all()
            await self._hand_on_documents(holdings)
            if self._duty.live:
                await self._write(((holding, self._spare(holding) if is_idle else 0) for holding in holdings), now)
            elif now.second % _LANES_SECONDS == 0:
                await self._write(((holding, 0) for holding in holdings if _has_lanes(holding)), now)

    def _spare(self, holding: Holding[S]) -> int:
        end = self._consumer.highwater(holding.place)
        if end is None or end - holding.worker.next_offset > _CAUGHT_UP:
            return 0
        return SPARE if holding.worker.late_work() else 0

    async def _write(self, ticks: Iterable[tuple[Holding[S], int]], now: datetime) -> None:
        """All at once: the producer makes one request of them."""
        headers = [(KIND_HEADER, KIND_TICK)]
        try:
            await asyncio.gather(
                *[
                    await self._producer.send(
                        holding.place.topic,
                        value=Tick(lane=LIVE, at=now, spare=spare).model_dump_json(exclude_defaults=True).encode(),
                        headers=headers,
                        partition=holding.partition,
                    )
                    for holding, spare in ticks
                ]
            )
        except KafkaError as error:
            log.warning("a tick was not taken", action="tick_lost", error=repr(error))

    async def _hand_on_documents(self, holdings: Iterable[Holding[S]]) -> None:
        """Each published document goes into each partition that is ours: from there on it is part of the log.

        Written twice (by a former owner, before a restart) it does no harm: the second one changes nothing.
        """
        if not self._plan.is_complete:
            return
        published = list(self._plan.published.values())
        raw = {identity_of(document): value for document, value in published}
        for holding in holdings:
            if holding.worker.next_offset <= holding.handed_on:
                continue
            for document in holding.worker.lacking(document for document, _ in published):
                try:
                    sent = await self._producer.send_and_wait(
                        holding.place.topic,
                        value=raw[identity_of(document)],
                        headers=[(KIND_HEADER, KIND_PLAN)],
                        partition=holding.partition,
                    )
                except KafkaError as error:
                    log.warning("a document was not handed on, trying again", action="plan_lost", error=repr(error))
                    return
                holding.handed_on = sent.offset


def _has_lanes(holding: Holding[S]) -> bool:
    return bool(holding.worker.lane_statuses()) or holding.worker.waits()
