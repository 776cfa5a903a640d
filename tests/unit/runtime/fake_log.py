"""Partitions as aiokafka gives them: whoever asks for what is not there is sent to the earliest record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndTimestamp


def records_of(place: TopicPartition, count: int, *, begun_at: int, values: Iterable[bytes] = ()) -> list[Any]:
    """A log from its beginning, a record each millisecond.

    Args:
        begun_at: Time of the first, in milliseconds.
    """
    given = iter(values)
    return [
        SimpleNamespace(
            topic=place.topic,
            partition=place.partition,
            offset=offset,
            timestamp=begun_at + offset,
            key=None,
            headers=[],
            value=next(given, b""),
        )
        for offset in range(count)
    ]


@dataclass
class FakeLog:
    """A consumer of partitions that a test changes under it."""

    logs: dict[TopicPartition, list[Any]] = field(default_factory=dict)
    """Records by partition, in their order; what is removed in front is gone by its age."""
    sought: list[int] = field(default_factory=list)
    ends: dict[TopicPartition, int] = field(default_factory=dict)
    """Ends of logs whose last records are gone."""
    _positions: dict[TopicPartition, int] = field(default_factory=dict)

    def assign(self, places: Iterable[TopicPartition]) -> None:
        for place in places:
            self.logs.setdefault(place, [])
            self._positions[place] = 0

    def assignment(self) -> set[TopicPartition]:
        return set(self._positions)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.sought.append(offset)
        self._positions[place] = offset

    async def position(self, place: TopicPartition) -> int:
        return self._positions[place]

    async def beginning_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: self._begin(place) for place in places}

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: self._end(place) for place in places}

    async def offsets_for_times(
        self, times: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        found: dict[TopicPartition, OffsetAndTimestamp | None] = {}
        for place, at in times.items():
            first = next((each for each in self.logs[place] if each.timestamp >= at), None)
            found[place] = None if first is None else OffsetAndTimestamp(first.offset, first.timestamp)
        return found

    async def getmany(self, timeout_ms: int, max_records: int | None = None) -> dict[TopicPartition, list[Any]]:  # noqa: ARG002
        batches = {}
        for place, records in self.logs.items():
            at = self._positions.setdefault(place, 0)
            if not self._begin(place) <= at <= self._end(place):
                at = self._positions[place] = self._begin(place)
            batch = [each for each in records if each.offset >= at][:max_records]
            if batch:
                self._positions[place] = batch[-1].offset + 1
                batches[place] = batch
        return batches

    def _begin(self, place: TopicPartition) -> int:
        return self.logs[place][0].offset if self.logs[place] else self._end(place)

    def _end(self, place: TopicPartition) -> int:
        return self.logs[place][-1].offset + 1 if self.logs[place] else self.ends.get(place, 0)
