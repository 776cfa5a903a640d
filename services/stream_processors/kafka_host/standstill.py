"""Notices a consumer that stands still while its log grows. The question is pure, the asking is beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Generic, TypeVar

from aiokafka import TopicPartition

from services.runtime.consuming import log_ends
from services.runtime.errors import TransientError
from services.runtime.standstill import Stillness
from services.stream_processors.errors import StandstillError
from services.stream_processors.kafka_host.judging import Judging
from services.stream_processors.kafka_host.surroundings import Surroundings
from services.stream_processors.kafka_host.takeover import TakeOver

S = TypeVar("S")

_ANSWER_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what may stand still."""

    look_every: timedelta = timedelta(seconds=3)
    trouble_after: timedelta = timedelta(seconds=8)
    """Then health says so."""
    all_at_most: timedelta = timedelta(seconds=20)
    """Then the process ends, when no partition has moved."""
    one_at_most: timedelta = timedelta(seconds=120)
    """The same, while others have: under a backlog each has to wait for its turn."""


class Standstill:
    """Which partitions are in trouble since they have not moved though their logs go on, and when it is enough."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._stillness: Stillness[int] = Stillness()

    def has_moved(self, partition: int, token: Hashable) -> bool:
        """Whether the partition is elsewhere than at the last look."""
        return self._stillness.has_moved(partition, token)

    def look(self, standing: Mapping[int, tuple[Hashable, bool]], now: float) -> tuple[dict[int, float], str | None]:
        """Where all partitions stand now.

        Args:
            standing: How far each assigned partition is, in any words, and whether there is more to judge.
            now: Monotonic seconds.

        Returns:
            Seconds for which each troubled partition has stood still; and why the process is to end, if it is.
        """
        still = self._stillness.look(standing, now)
        patience, longest = self._patience, max(still.values(), default=0.0)
        all_seconds = patience.all_at_most.total_seconds()
        if longest > patience.one_at_most.total_seconds():
            return still, f"a partition has not moved for {longest:.0f} s"
        if longest > all_seconds and now - self._stillness.moved_at > all_seconds:
            return still, f"nothing has been judged for {longest:.0f} s"
        limit = patience.trouble_after.total_seconds()
        return {partition: seconds for partition, seconds in still.items() if seconds > limit}, None


class StandstillWatch(Generic[S]):
    """Asks Kafka for the ends of the logs, beside the fetcher: a dead one would say for ever that it has seen all.

    Only for partitions that have not moved since the last look.
    """

    def __init__(self, around: Surroundings[S], takeover: TakeOver[S], judging: Judging[S], patience: Patience) -> None:
        self._duty = around.duty
        self._holdings = around.holdings
        self._consumer = around.consumer
        self._takeover = takeover
        self._judging = judging
        self._health = around.health
        self._patience = patience
        self._standstill = Standstill(patience)

    async def run(self) -> None:
        """Look for ever.

        Raises:
            StandstillError: the process is to start again.
        """
        part = f"standstill.{self._duty.name}"
        while True:
            await asyncio.sleep(self._patience.look_every.total_seconds())
            if self._judging.stopped is not None:
                continue
            standing = await self._standing()
            if standing is None:
                continue
            troubled, end = self._standstill.look(standing, time.monotonic())
            if end is not None:
                raise StandstillError(
                    f"{self._duty.topic}: {end} though the log goes on (partitions {sorted(troubled)}); the process "
                    "ends, its supervisor starts it again"
                )
            if troubled:
                words = ", ".join(f"{partition} for {seconds:.0f} s" for partition, seconds in sorted(troubled.items()))
                self._health.trouble(part, f"{self._duty.topic} stands still though the log goes on: partition {words}")
            else:
                self._health.well(part)

    async def _standing(self) -> dict[int, tuple[Hashable, bool]] | None:
        """How far each assigned partition is; None when Kafka does not say how long the log of one that stands is.

        One whose state is lost has a health of its own, and its looks would pass for progress of all.
        """
        part = f"kafka.{self._duty.name}"
        places = [place for place in sorted(self._consumer.assignment()) if not self._takeover.is_lost(place.partition)]
        asked = [place for place in places if not self._standstill.has_moved(place.partition, self._token(place))]
        try:
            ends = await log_ends(self._consumer, asked, seconds=_ANSWER_SECONDS)
        except TransientError as error:
            self._health.trouble(part, str(error))
            return None
        self._health.well(part)
        found: dict[int, tuple[Hashable, bool]] = {}
        for place in places:
            token = self._token(place)
            is_at_end = isinstance(token, int) and place in ends and ends[place] <= token
            found[place.partition] = token, not is_at_end
        return found

    def _token(self, place: TopicPartition) -> Hashable:
        """How far it is: its next offset, or how far its take-over is."""
        holding = self._holdings.get(place.partition)
        return ("taken over", self._takeover.steps) if holding is None else holding.worker.next_offset
