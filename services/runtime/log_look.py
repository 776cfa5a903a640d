"""Whether logs are still those that were read, asked beside the reading. The decision is pure.

A reader that goes back to a record now and then (`log_follower`) fetches anew what it had fetched ahead. Who reads a
lot asks instead where the first record of a time stands: of the log that was read it is the mark itself, or one of the
same moment before it. In a log that was made later every record is later.

    mark      offset 100, time T
    answer    offset 98, time T          the same log
    answer    offset 240, later          the mark was removed by its age; nothing is known
    answer    offset 0, later            another log, or clocks that differ: the record at 100 is read, and tells

Any record serves as a mark, so it is the one with the latest time that was read: with clocks that differ a little, as
those of producers do, the answer is clear nearly always.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from services.runtime.same_log import Anew, Mark

LOOK_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 10.0
_FETCH_MS: Final = 200

OpenReader = Callable[[], AbstractAsyncContextManager[AIOKafkaConsumer]]
"""A consumer in no group, which begins at the earliest record where the one that it is sent to is not there."""


class Told(Enum):
    """What an answer says of a mark."""

    SAME = auto()
    """It is there, and so is all that was read before it was asked for."""
    REMOVED = auto()
    """It is there no more, by its age or by compaction: nothing is known."""
    UNCLEAR = auto()
    """Only the record at its offset tells."""


def told(mark: Mark, found: Mark | None) -> Told:
    """What the place of a mark's time says.

    Args:
        found: The first record of the log that is not before the mark's time; None: there is none.
    """
    if found is None:
        return Told.UNCLEAR
    if found.offset > mark.offset:
        return Told.REMOVED
    return Told.SAME if found.timestamp == mark.timestamp else Told.UNCLEAR


def told_by_record(mark: Mark, found: Mark | None) -> Told | Anew:
    """What the record at a mark's offset says.

    Args:
        found: The first record at the mark's offset or behind it; one before it: the log begins or ends there. None:
            nothing is there.
    """
    if found is None or found.offset > mark.offset:
        return Told.REMOVED
    if found.offset < mark.offset:
        return Anew.EARLIER
    return Told.SAME if found.timestamp == mark.timestamp else Anew.ANOTHER_RECORD


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a trail was asked for."""

    mark: Mark
    successor: Mark
    """Takes the mark's place when that is there: it was read before."""
    batches: int
    """Read before."""


@dataclass(slots=True)
class Trail:
    """What is kept of one log while it is read, to know it again."""

    proof: Mark | None = None
    """A record that was there at the last look, so what was read before that is of its log; None: none is known."""
    end: int | None = None
    """Where the log ended at that look."""
    _latest: Mark | None = field(default=None, init=False)
    """The latest record that was read, not yet proved to be of the same log."""
    _batches: int = field(default=0, init=False)
    _looked: int = field(default=0, init=False)
    """How many batches were read before the last look."""

    def read(self, offset: int, timestamp: int) -> None:
        """A batch was read.

        Args:
            offset: Of its last record.
            timestamp: Kafka's time of that, in milliseconds since 1970.
        """
        self._batches += 1
        latest = self._latest or self.proof
        if latest is None or timestamp >= latest.timestamp:
            self._latest = Mark(offset, timestamp)

    @property
    def has_moved(self) -> bool:
        """Whether anything was read since the last look: if not, nothing of another log was."""
        return self._batches != self._looked

    def asked(self) -> Asked | None:
        """What to ask for; None: nothing was read yet."""
        mark, successor = self.proof or self._latest, self._latest or self.proof
        return None if mark is None or successor is None else Asked(mark, successor, self._batches)

    def answered(self, asked: Asked, *, is_there: bool, end: int) -> None:
        """The mark that was asked for is there, or was removed by its age.

        Args:
            end: Where the log ended then.
        """
        self.end, self._looked = end, asked.batches
        if is_there or asked.successor != asked.mark:
            self.proof = asked.successor
            return
        self.proof = None
        if self._latest == asked.mark:
            self._latest = None


class LogLook:
    """Asks for the trails of one reader's partitions.

    Args:
        consumer: Of the reader; it is asked beside its fetches, and nothing is sought.
        open_reader: Reads the record itself, where the answer is not clear.
        seconds: So long may each answer take.
    """

    def __init__(
        self, consumer: AIOKafkaConsumer, open_reader: OpenReader, *, seconds: float = _ANSWER_SECONDS
    ) -> None:
        self._consumer = consumer
        self._open_reader = open_reader
        self._seconds = seconds

    async def look(self, trails: Mapping[TopicPartition, Trail]) -> dict[TopicPartition, Anew]:
        """Bring the trails up to date; returns the partitions of which another log is there.

        Their trails stay as they are: whoever begins anew begins a trail of its own.

        Raises:
            KafkaError: Kafka does not answer, or not in time; what was found out counts, the rest is asked again.
        """
        asked = {place: one for place, trail in trails.items() if (one := trail.asked()) is not None}
        if not asked:
            return {}
        try:
            async with asyncio.timeout(self._seconds):
                ends = await self._consumer.end_offsets(list(asked))
                times = await self._consumer.offsets_for_times(
                    {place: one.mark.timestamp for place, one in asked.items()}
                )
            anew: dict[TopicPartition, Anew] = {}
            for place, one in asked.items():
                answer = times.get(place)
                found = None if answer is None else Mark(answer.offset, answer.timestamp)
                said = await self._told(place, one.mark, found, ends[place])
                if isinstance(said, Anew):
                    anew[place] = said
                else:
                    trails[place].answered(one, is_there=said is Told.SAME, end=ends[place])
        except TimeoutError as error:
            raise KafkaTimeoutError("no answer in time to whether a log is the same") from error
        return anew

    async def _told(self, place: TopicPartition, mark: Mark, found: Mark | None, end: int) -> Told | Anew:
        if mark.offset >= end:
            return Anew.SHORTER
        said = told(mark, found)
        return told_by_record(mark, await self._record_at(place, mark.offset)) if said is Told.UNCLEAR else said

    async def _record_at(self, place: TopicPartition, offset: int) -> Mark | None:
        """The record at an offset, or the first behind it, or before it where the log no longer reaches so far."""
        async with self._open_reader() as reader, asyncio.timeout(self._seconds):
            reader.assign([place])
            reader.seek(place, offset)
            while True:
                for records in (await reader.getmany(timeout_ms=_FETCH_MS, max_records=1)).values():
                    return Mark(records[0].offset, records[0].timestamp)
                if await reader.position(place) >= (await reader.end_offsets([place]))[place]:
                    return None
