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
from aiokafka.errors import KafkaError

from services.runtime.errors import TransientError
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


@dataclass(slots=True)
class Trail:
    """What is kept of one log while it is read, to know it again."""

    proof: Mark | None = None
    """A record that was there at the last look, so what was read before that is of its log; None: none is known."""
    end: int | None = None
    """Where the log ended at that look."""
    _latest: Mark | None = field(default=None, init=False)
    """The latest record that was read, not yet proved to be of the same log."""

    def read(self, offset: int, timestamp: int) -> None:
        """A record was read; the last one of each batch will do.

        Args:
            timestamp: Kafka's time, in milliseconds since 1970.
        """
        latest = self._latest or self.proof
        if latest is None or timestamp >= latest.timestamp:
            self._latest = Mark(offset, timestamp)

    def asked(self) -> tuple[Mark | None, Mark | None]:
        """The mark to ask for, and the one that takes its place when it is there."""
        return self.proof or self._latest, self._latest or self.proof

    def answered(self, mark: Mark, successor: Mark | None, *, is_there: bool, end: int) -> None:
        """The mark that was asked for is there, or was removed by its age.

        Args:
            successor: As `asked` gave it.
            end: Where the log ended then.
        """
        self.end = end
        if is_there or successor != mark:
            self.proof = successor
            return
        self.proof = None
        if self._latest == mark:
            self._latest = None


class LogLook:
    """Asks for the trails of one reader's partitions.

    Args:
        consumer: Of the reader; it is asked beside its fetches, and nothing is sought.
        open_reader: Reads the record itself, where the answer is not clear.
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
            TransientError: Kafka does not answer; what was found out counts, the rest is asked again.
        """
        asked = {place: (mark, latest) for place, trail in trails.items() for mark, latest in [trail.asked()] if mark}
        if not asked:
            return {}
        try:
            async with asyncio.timeout(self._seconds):
                ends = await self._consumer.end_offsets(asked)
                times = await self._consumer.offsets_for_times(
                    {place: mark.timestamp for place, (mark, _) in asked.items()}
                )
            anew: dict[TopicPartition, Anew] = {}
            for place, (mark, latest) in asked.items():
                answer = times.get(place)
                found = None if answer is None else Mark(answer.offset, answer.timestamp)
                said = await self._told(place, mark, found, ends[place])
                if isinstance(said, Anew):
                    anew[place] = said
                else:
                    trails[place].answered(mark, latest, is_there=said is Told.SAME, end=ends[place])
        except (KafkaError, TimeoutError) as error:
            raise TransientError(
                f"Kafka does not say whether a log is the same: {repr(error) if str(error) else 'no answer in time'}"
            ) from error
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
