"""When the state is written: after every thousand records, but not more often than every second; at rest now and then.

A transaction costs Kafka some four requests, whatever is in it; what is not written yet is what a killed process's
successor judges again, in less time than it takes to start.

What is to be written is taken while nothing is judged and everything judged is delivered; Kafka is waited for beside
the judging. The committed offset only shows the lag: where to go on is in the state.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final, Generic, TypeVar

import structlog
from aiokafka import TopicPartition

from services.runtime import metrics
from services.runtime.offsets import commit
from services.stream_processors.errors import FencedError
from services.stream_processors.kafka_host.holdings import Holding
from services.stream_processors.kafka_host.log_trail import encode_trail
from services.stream_processors.kafka_host.losses import LOG_KEY
from services.stream_processors.kafka_host.surroundings import Surroundings

S = TypeVar("S")
log = structlog.stdlib.get_logger()

_LOOK_SECONDS: Final = 0.5
_REST_SECONDS: Final = 30.0
"""A state that has changed is not left unwritten for longer, however little has changed ..."""
_OWN_SECONDS: Final = 10.0
"""... nor what the host itself has to say in it."""
_MANY: Final = 1_000
"""Records since the last write that make it worth the while sooner."""
_COMMIT_RECORDS: Final = 200
_COMMIT_SECONDS: Final = 3.0
"""The lag is shown anew at most so late, and sooner after so many records."""
_SHARE: Final = 20
"""Taking what has changed takes at most one twentieth of the time: after a slow one the next comes later."""
_TURN_SECONDS: Final = 0.02
"""So long, and one partition more, may a batch wait for it."""


def is_worth_writing(moved: int, passed: float, *, has_own: bool) -> bool:
    """Whether the state of a partition is to be written. Pure.

    Args:
        moved: Records judged since it was.
        passed: Seconds since it was.
        has_own: Whether the host itself has something to say in it.
    """
    return moved >= _MANY or (moved > 0 and passed >= _REST_SECONDS) or (has_own and passed >= _OWN_SECONDS)


def is_worth_committing(moved: int, passed: float) -> bool:
    """Whether the lag is to be shown anew: records judged, and seconds, since it was. Pure."""
    return moved >= _COMMIT_RECORDS or (moved > 0 and passed >= _COMMIT_SECONDS)


class Storing(Generic[S]):
    """Writes the states of one host.

    Args:
        seconds: Time between two writes under load.
        bytes_max: The topic refuses larger values.
        fenced: Told when a partition turns out to be another process's.
    """

    def __init__(
        self,
        around: Surroundings[S],
        *,
        seconds: float,
        bytes_max: int,
        fenced: Callable[[Holding[S]], None],
    ) -> None:
        self._duty = around.duty
        self._holdings = around.holdings
        self._consumer = around.consumer
        self._health = around.health
        self._seconds = seconds
        self._bytes_max = bytes_max
        self._fenced = fenced
        self._committed: dict[TopicPartition, int] = {}
        self._committed_at = 0.0

    async def run(self) -> None:
        """Write what is due, for ever."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self._commit_when_due()
            if not any(map(self._is_due, self._holdings.all())):
                continue
            async with self._holdings.lock:
                chosen = self._collect_due()
            await self.write(chosen)

    def collect(self, holdings: Iterable[Holding[S]]) -> None:
        """Take what has changed; only while nothing is judged and everything is delivered."""
        if self._holdings.broken:
            return
        for holding in holdings:
            for record in holding.worker.changes():
                holding.pending[record.key] = record.value
            trail = encode_trail(holding.trail)
            if trail != holding.stored_trail:
                holding.pending[LOG_KEY] = holding.stored_trail = trail
            holding.collected_offset = holding.worker.next_offset

    async def write(self, holdings: Iterable[Holding[S]]) -> None:
        """Write what was taken and wait until Kafka has it.

        Raises:
            OutputRefusedError: Kafka did not take it.
        """
        if self._holdings.broken:
            return
        changed = [holding for holding in holdings if holding.pending and self._fits(holding)]
        await asyncio.gather(*map(self._write, changed))

    def _is_due(self, holding: Holding[S]) -> bool:
        passed = time.monotonic() - holding.stored_at
        if passed < max(self._seconds, holding.pause):
            return False
        moved = holding.worker.next_offset - (holding.stored_offset or 0)
        return is_worth_writing(moved, passed, has_own=bool(holding.pending))

    def _collect_due(self) -> list[Holding[S]]:
        """The most overdue first, as many as a turn has time for."""
        started = time.monotonic()
        chosen: list[Holding[S]] = []
        due = sorted(filter(self._is_due, self._holdings.all()), key=lambda holding: holding.stored_at)
        for holding in due:
            begun = time.monotonic()
            if begun - started > _TURN_SECONDS:
                break
            self.collect([holding])
            holding.stored_at = begun
            holding.pause = (time.monotonic() - begun) * _SHARE * len(due)
            chosen.append(holding)
        return chosen

    async def _write(self, holding: Holding[S]) -> bool:
        records, offset = dict(holding.pending), holding.collected_offset
        holding.pending.clear()
        try:
            await holding.writer.write(records)
        except FencedError:
            self._fenced(holding)
            return False
        holding.stored_offset = offset
        metrics.STATE_BYTES.labels(self._duty.name, holding.partition).inc(
            sum(len(value) for value in records.values() if value is not None)
        )
        return True

    def _fits(self, holding: Holding[S]) -> bool:
        part = f"state.{self._duty.name}.{holding.partition}"
        largest = max((value for value in holding.pending.values() if value is not None), key=len, default=b"")
        if len(largest) <= self._bytes_max:
            self._health.well(part)
            return True
        (key,) = (key for key, value in holding.pending.items() if value is largest)
        self._health.trouble(
            part,
            f"the state {key.decode(errors='replace')} of partition {holding.partition} takes {len(largest)} bytes, a "
            f"record may have {self._bytes_max}: nothing is lost, but a restart judges again from the last state; "
            "lower samples_max or lateness_seconds of the policy",
        )
        return False

    async def _commit_when_due(self) -> None:
        passed = time.monotonic() - self._committed_at
        if passed < self._seconds:
            return
        offsets = {holding.place: holding.worker.next_offset for holding in self._holdings.all()}
        moved = sum(abs(offset - self._committed.get(place, 0)) for place, offset in offsets.items())
        if is_worth_committing(moved, passed):
            await self._commit(offsets)

    async def _commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Show how far judging is. It is not from where it goes on: that is in the state."""
        self._committed_at = time.monotonic()
        why = await commit(self._consumer, offsets)
        if why is None:
            self._committed = offsets
        else:
            log.info("the commit was refused, the state tells how far it is", action="commit_refused", error=why)
