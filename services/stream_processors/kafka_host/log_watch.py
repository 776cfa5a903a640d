"""Notices that a log was made anew, or has lost its end, while it is judged; it is then judged from its beginning.

A topic that was deleted and made again has the same name and offsets from 0. Whatever of it lies before the place where
the former log was read would be passed over: live, when it outgrows that place between two fetches, as well as at the
next take-over. So every few seconds each partition's log is asked for a record that was judged; see `log_look`. The
state holds such a record from before the last look, in the transaction of the offset it belongs to.

What of the new log was judged before that was seen is judged twice: repeats are known by their identity.
"""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

import structlog
from aiokafka.errors import IllegalStateError, KafkaError

from services.runtime import metrics
from services.runtime.log_faults import LogFaults
from services.runtime.log_look import LOOK_SECONDS, LogLook, Trail
from services.runtime.same_log import Anew
from services.stream_processors.kafka_host.holdings import Holding
from services.stream_processors.kafka_host.loss_watch import LossWatch
from services.stream_processors.kafka_host.polling import Poller
from services.stream_processors.kafka_host.starting_point import left_unjudged
from services.stream_processors.kafka_host.surroundings import Surroundings

S = TypeVar("S")
log = structlog.stdlib.get_logger()


class LogWatch(Generic[S]):
    """Watches the logs of all partitions that are ours."""

    def __init__(self, around: Surroundings[S], look: LogLook, *, poller: Poller, losses: LossWatch[S]) -> None:
        duty = around.duty
        self._holdings = around.holdings
        self._consumer = around.consumer
        self._look = look
        self._poller = poller
        self._losses = losses
        self.faults = LogFaults(
            f"log.{duty.name}",
            around.health,
            lambda topic: metrics.PROCESSOR_LOG_FAULTS.labels(duty.name, topic).inc(),
        )

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.faults.look()
            holdings = {holding.place: holding for holding in self._holdings.all()}
            trails = {place: holding.trail for place, holding in holdings.items() if holding.trail.has_moved}
            try:
                found = await self._look.look(trails)
                for place, why in found.items():
                    await self._at_rest(holdings[place], trails[place], why)
            except KafkaError as error:
                log.info("the logs were not looked at", action="look_failed", error=repr(error))

    async def _at_rest(self, holding: Holding[S], trail: Trail, why: Anew) -> None:
        """Begin anew while nothing is judged, unless somebody has, or the partition has gone, meanwhile."""
        self._holdings.leave([holding.partition])
        async with self._holdings.lock:
            if self._holdings.get(holding.partition) is holding:
                holding.leaving = False
                if holding.trail is trail:
                    await self.begin_anew(holding, why)

    async def begin_anew(self, holding: Holding[S], why: Anew) -> None:
        """Judge a partition from the beginning of the log that is there; only while nothing else is judged.

        Raises:
            KafkaError: Kafka does not say where the log begins; nothing has changed.
        """
        first: int = (await self._consumer.beginning_offsets([holding.place]))[holding.place]
        try:
            since = self._poller.seek(holding.place, first)
        except IllegalStateError:  # it was taken away meanwhile: whoever takes it over sees the same
            return
        holding.since = since
        loss = left_unjudged(holding.worker.next_offset, holding.trail.end)
        holding.worker.next_offset = holding.stored_offset = first
        holding.handed_on = -1
        holding.sought = None
        holding.trail = Trail()
        self.faults.made_anew(holding.place, why)
        if loss is not None:
            self._losses.add(holding, loss)
