"""One listener's way through the log: what it has heard, what it cannot hear any more, and its frames.

The id of a frame is where both topics stand behind it, with a record by which each log is known again: a listener that
comes back after a topic was made anew hears all of the new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from pydantic import ValidationError

from schemas.alert import Alert, header_map
from schemas.alert_action import AlertAction
from schemas.fields import LIVE
from schemas.topics import ALERT_ACTIONS, ALERTS
from services.alert_life.renderings.sse import Frame, of_event
from services.operations_api.cursors import Coordinate, Partition, write_coordinates
from services.operations_api.errors import NotUsable
from services.runtime import metrics
from services.runtime.kafka import partitions_of
from services.runtime.log_follower import LogFollower

_PASSED = (LIVE, "exercise:")
"""Beginnings of lanes whose events are passed on: real life, and exercises, which are marked."""


class Why(StrEnum):
    """Why a listener cannot go on exactly where it was."""

    REMOVED = "removed"
    """The records are older than what is kept."""
    MADE_ANEW = "made_anew"
    """The topic was made anew or has lost its end, and is heard from its beginning: what of it comes twice is known by
    its id, and what the former one had behind the place is gone."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Records `first_offset` to `last_offset`, and how many more nobody knows, do not come."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int
    """Before the first where it is not known how far the former log went."""
    why: Why

    def frame(self, position: str) -> Frame:
        """The event `gap`."""
        said = {
            "topic": self.topic,
            "partition": self.partition,
            "first_offset": self.first_offset,
            "last_offset": self.last_offset,
            "why": self.why.value,
        }
        return Frame(orjson.dumps(said).decode(), "gap", position)


class EventReading:
    """Reads both topics for one listener.

    Args:
        consumer: Of no group, with no partitions yet.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._follower = LogFollower(consumer)
        self._places: dict[Partition, Coordinate] = {}

    @property
    def position(self) -> str:
        """The id of what was heard last."""
        return write_coordinates(self._places)

    async def begin(self, wanted: Mapping[Partition, Coordinate] | None, *, from_begin: bool) -> list[Gap]:
        """Take the partitions, and go on where a listener was, at the oldest event, or now; what does not come.

        Raises:
            NotUsable: the listener's place is not one in every partition.
            KafkaError: Kafka does not answer.
        """
        partitions = partitions_of(ALERTS, ALERT_ACTIONS)
        if wanted is not None and set(wanted) != {(each.topic, each.partition) for each in partitions}:
            raise NotUsable("`Last-Event-ID` does not name every partition of both topics: leave it out to begin now.")
        self._consumer.assign(partitions)
        begins = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        gaps: list[Gap] = []
        for each in partitions:
            begin = begins[each]
            place = Coordinate(begin if from_begin else ends[each])
            if wanted is not None:
                place = wanted[each.topic, each.partition]
                gap = _gap(each, place.next, begin, ends[each])
                if gap is not None:
                    gaps.append(gap)
                    place = Coordinate(begin)
            self._follower.begin(each, place.next, proof=place.proof, first=begin)
            self._places[each.topic, each.partition] = place
        return gaps

    async def poll(self, *, timeout_ms: int, max_records: int) -> list[bytes]:
        """Frames of what is there, or comes within the time.

        Raises:
            KafkaError: as the client does.
        """
        found = await self._follower.poll(timeout_ms=timeout_ms, max_records=max_records)
        frames: list[bytes] = []
        for each in found.anew:
            expected = self._places[each.topic, each.partition].next
            self._places[each.topic, each.partition] = Coordinate(0)
            gap = Gap(each.topic, each.partition, expected, expected - 1, Why.MADE_ANEW)
            frames.append(gap.frame(self.position).encode())
        for place, records in found.batches.items():
            frames += self._frames(place, records)
        for place in self._consumer.assignment():
            self._places[place.topic, place.partition] = Coordinate(
                self._follower.next(place), self._follower.proof(place)
            )
        return frames

    def _frames(self, place: TopicPartition, records: Sequence[ConsumerRecord[Any, Any]]) -> list[bytes]:
        proof = self._places[place.topic, place.partition].proof
        model = Alert if place.topic == ALERTS else AlertAction
        found: list[bytes] = []
        for record in records:
            self._places[place.topic, place.partition] = Coordinate(record.offset + 1, proof)
            try:
                event = model.model_validate_json(record.value or b"")
            except ValidationError:
                metrics.API_RECORDS_UNUSABLE.labels(record.topic).inc()
                continue
            if event.lane.startswith(_PASSED):
                source = header_map(record.headers).get("ce_source")
                found.append(of_event(event, self.position, source).encode())
        return found


def _gap(partition: TopicPartition, place: int, begin: int, end: int) -> Gap | None:
    """What a listener misses that was at `place`; None when that lies in the log."""
    if place < begin:
        return Gap(partition.topic, partition.partition, place, begin - 1, Why.REMOVED)
    if place > end:
        return Gap(partition.topic, partition.partition, place, place - 1, Why.MADE_ANEW)
    return None
