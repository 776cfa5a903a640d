"""Judge batch by batch, deliver what was said, and only then let the state be stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import structlog
from aiokafka import TopicPartition

from services.runtime.same_log import Anew
from services.stream_processors.engine.events import (
    DocumentAccepted,
    DocumentRefused,
    LaneChanged,
    Output,
    TickRefused,
)
from services.stream_processors.engine.worker import Undecodable
from services.stream_processors.errors import TooManyFailuresError
from services.stream_processors.kafka_host.burial import Burial
from services.stream_processors.kafka_host.holdings import Holding
from services.stream_processors.kafka_host.lane_reports import LaneReports
from services.stream_processors.kafka_host.log_watch import LogWatch
from services.stream_processors.kafka_host.loss_watch import LossWatch
from services.stream_processors.kafka_host.losses import Loss
from services.stream_processors.kafka_host.outbox import Outbox
from services.stream_processors.kafka_host.polling import Polled, Poller
from services.stream_processors.kafka_host.storing import Storing
from services.stream_processors.kafka_host.surroundings import Surroundings

S = TypeVar("S")
log = structlog.stdlib.get_logger()

_STRETCH: Final = 50
"""Records judged before heartbeats and rebalances get their turn."""
_WAIT_SECONDS: Final = 1.0
_CLOCK_TROUBLE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Effects(Generic[S]):
    """Where what judging says goes."""

    outbox: Outbox
    burial: Burial
    lanes: LaneReports[S]
    losses: LossWatch[S]
    storing: Storing[S]
    logs: LogWatch[S]


class Judging(Generic[S]):
    """Takes batches from the poller."""

    def __init__(self, around: Surroundings[S], poller: Poller, effects: Effects[S]) -> None:
        self._duty = around.duty
        self._holdings = around.holdings
        self._poller = poller
        self._consumer = around.consumer
        self._effects = effects
        self._health = around.health
        self._beat = around.beat
        self._clock_refused_at: float | None = None
        self.stopped: str | None = None
        """Why this host judges no more, though it lives."""
        self.busy_seconds = 0.0
        """Time spent judging since somebody set this to 0."""

    async def run(self) -> None:
        """Judge for ever; a batch that is not delivered in full leaves no state behind.

        Raises:
            OutputRefusedError: Kafka did not take an output.
        """
        while True:
            self._beat()
            try:
                async with asyncio.timeout(_WAIT_SECONDS):
                    polled = await self._poller.inbox.get()
            except TimeoutError:
                continue
            begun = time.monotonic()
            async with self._holdings.lock:
                try:
                    await self._judge(polled)
                except TooManyFailuresError as error:
                    self._holdings.broken = True
                    self.stopped = str(error)
                except BaseException:
                    self._holdings.broken = True
                    raise
            self.busy_seconds += time.monotonic() - begun
            if self.stopped is not None:
                await self._stand_still(self.stopped)

    async def _stand_still(self, why: str) -> None:
        """Judging itself is at fault: a restart would come to the same records, again and again."""
        log.error(why, action="judging_stopped")
        what = f"{self._duty.topic} is judged no more: {why}; repair the rules or the documents, then restart"
        self._health.trouble(f"judging.{self._duty.name}", what)
        while True:
            self._beat()
            await asyncio.sleep(_WAIT_SECONDS)

    async def _judge(self, polled: Polled) -> None:
        said: list[Output] = []
        refused: list[Undecodable] = []
        changed: list[tuple[Holding[S], LaneChanged]] = []
        for place, records in polled.batches.items():
            holding = self._holdings.get(place.partition)
            if holding is None or polled.epoch < holding.since or not await self._follows(holding, records[0].offset):
                continue
            outputs, bad = await self._step_through(holding, records)
            said += outputs
            refused += bad
            changed += [(holding, output) for output in outputs if isinstance(output, LaneChanged)]
        await self._effects.outbox.deliver(said)
        await self._effects.burial.bury(refused, said)
        self._tell(said)
        self._beat()
        if changed:
            await self._report(changed)

    async def _step_through(self, holding: Holding[S], records: list[Any]) -> tuple[list[Output], list[Undecodable]]:
        said: list[Output] = []
        refused: list[Undecodable] = []
        for start in range(0, len(records), _STRETCH):
            if holding.leaving:
                break
            stretch = records[start : start + _STRETCH]
            outputs, bad = holding.worker.judge(stretch)
            holding.trail.read(stretch[-1].offset, stretch[-1].timestamp)
            said += outputs
            refused += bad
            self._beat()
            await asyncio.sleep(0)
        return said, refused

    async def _follows(self, holding: Holding[S], offset: int) -> bool:
        """Whether a batch joins what was judged before.

        One that begins further on is sought for once more; what is missing then as well is missing in the log. One that
        begins before is of a log that was made anew, or has lost its end.
        """
        expected = holding.worker.next_offset
        if offset == expected:
            return True
        if offset < expected:  # the client was sent to `expected`, and the log does not reach so far
            await self._effects.logs.begin_anew(holding, Anew.EARLIER)
            return False
        place: TopicPartition = holding.place
        first = (await self._consumer.beginning_offsets([place]))[place]
        if first <= expected and holding.sought != expected:
            holding.sought = expected
            holding.since = self._poller.seek(place, expected)
            return False
        why = (
            "the log no longer has them: retention was faster than judging" if first > expected else "the log has a gap"
        )
        self._effects.losses.add(holding, Loss(expected, offset, why))
        return True

    async def _report(self, changed: Iterable[tuple[Holding[S], LaneChanged]]) -> None:
        """Say where a lane stands only when that is in the state: whoever waits for it may then rely on it."""
        found = list(changed)
        holdings = list({holding.partition: holding for holding, _ in found}.values())
        self._effects.storing.collect(holdings)
        await self._effects.storing.write(holdings)
        await self._effects.lanes.publish(found)

    def _tell(self, said: Iterable[Output]) -> None:
        for output in said:
            match output:
                case DocumentRefused(document, reason):
                    log.error("a published document is not usable", action="plan_refused", document=document)
                    what = f"{document} is not in force for {self._duty.feed}: {reason}; publish a corrected version"
                    self._health.trouble(self._document_part(document), what)
                case DocumentAccepted(document):
                    self._health.well(self._document_part(document))
                case TickRefused(_, _, reason):
                    self._clock_refused_at = time.monotonic()
                    self._health.trouble(f"clock.{self._duty.name}", reason)
                case _:
                    pass
        refused_at = self._clock_refused_at
        if refused_at is not None and time.monotonic() - refused_at > _CLOCK_TROUBLE_SECONDS:
            self._clock_refused_at = None
            self._health.well(f"clock.{self._duty.name}")

    def _document_part(self, document: str) -> str:
        """Kind and id: a good version makes up for a refused one."""
        return f"plan.{self._duty.name}.{document.rsplit('/', 1)[0]}"
