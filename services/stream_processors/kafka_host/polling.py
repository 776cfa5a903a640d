"""Fetch ahead of the work by one batch, and tell what was fetched before a partition's last seek.

Each batch carries the epoch in which it was handed out, and each seek begins a new epoch; see `Positions`.

A round of fetching, judging and producing costs the same for one reading as for a hundred. So a reading that comes
alone is handed on at once, and what comes behind it is gathered for a moment: meanwhile the partitions are paused, so
that one fetch brings all of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.runtime.consuming import Positions

_POLL_MS: Final = 1_000
_BATCHES_WAITING: Final = 1
_WORTH_A_ROUND: Final = 20
"""Records for which a round's own cost no longer matters much."""
_LONGER_AT_REST: Final = 3
"""At rest more is gathered, at most so many times as long as under load."""


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll brought."""

    epoch: int
    batches: Mapping[TopicPartition, list[Any]]

    @property
    def records(self) -> int:
        """Of all partitions."""
        return sum(map(len, self.batches.values()))


def gathering(records: int, passed: float, *, shortest: float, full: int, more: bool) -> float:
    """For how long to gather after a batch, in seconds: until some twenty records are there, within bounds. Pure.

    Args:
        records: Of the batch.
        passed: Seconds in which they came.
        shortest: Seconds; at rest three times as much is the longest.
        full: So many records show that there is more already: nothing is waited for.
        more: Kafka has more already: a fetch is bounded in bytes, and a backlog must not wait between two.
    """
    if more or records >= full:
        return 0.0
    return min(max(shortest, _WORTH_A_ROUND * passed / max(records, 1)), _LONGER_AT_REST * shortest)


class Poller:
    """Polls one consumer, and alone pauses and resumes its partitions.

    Args:
        positions: Of the same consumer; of the assignment, those that are sought are read.
        gather_seconds: Under load a batch that is not full is followed by so long a pause, at rest by a longer one.
    """

    def __init__(
        self, consumer: AIOKafkaConsumer, positions: Positions, *, records_max: int, gather_seconds: float
    ) -> None:
        self._consumer = consumer
        self._positions = positions
        self._records_max = records_max
        self._gather_seconds = gather_seconds
        self.inbox: asyncio.Queue[Polled] = asyncio.Queue(_BATCHES_WAITING)

    def hold(self, places: Iterable[TopicPartition]) -> None:
        """These are the assignment; each stands still until it is sought.

        Raises:
            IllegalStateError: one is not assigned.
        """
        self._positions.clear()
        self._consumer.pause(*places)

    def seek(self, place: TopicPartition, offset: int) -> int:
        """Read a partition from an offset on; returns the epoch that begins with it.

        Raises:
            IllegalStateError: the partition is not assigned.
        """
        epoch = self._positions.seek(place, offset)
        self._consumer.resume(place)
        return epoch

    async def run(self) -> None:
        """Poll for ever.

        A slow judge is waited for without polling: the limit between two polls is set out of reach, since whether
        judging goes on is the watchdog's question.
        """
        last = time.monotonic()
        while True:
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=self._records_max)
            if not batches:
                continue
            polled, now = Polled(self._positions.epoch, batches), time.monotonic()
            full, more = self._records_max // 2, self._is_behind(batches)
            pause = gathering(polled.records, now - last, shortest=self._gather_seconds, full=full, more=more)
            last = now
            if not pause:
                await self.inbox.put(polled)
                continue
            self._pause()
            await self.inbox.put(polled)
            await asyncio.sleep(now + pause - time.monotonic())
            self._resume()

    def _is_behind(self, batches: Mapping[TopicPartition, list[Any]]) -> bool:
        """Whether some log went on behind what was fetched of it, as its last answer said."""
        ours = self._consumer.assignment()
        ends = {place: self._consumer.highwater(place) for place in batches if place in ours}
        return any(end is not None and batches[place][-1].offset + 1 < end for place, end in ends.items())

    def _pause(self) -> None:
        self._consumer.pause(*self._positions.sought & self._consumer.assignment())

    def _resume(self) -> None:
        """Only what has been sought: what a rebalance gave meanwhile still waits for its state."""
        self._consumer.resume(*self._positions.sought & self._consumer.assignment())
