"""Which records count: those that were handed out after their partition was last sought, in the same group."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from services.runtime.consuming import Membership, Positions, log_ends
from services.runtime.errors import TransientError

TOPIC = "readings.ev"


class Seeking:
    """A consumer that seeks."""

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Go there."""


def test_records_count_from_their_partition_s_seek_until_it_is_sought_again_or_forgotten() -> None:
    one, other = TopicPartition(TOPIC, 0), TopicPartition(TOPIC, 1)
    positions = Positions(Seeking())
    positions.seek(one, 5)
    early = positions.epoch
    positions.seek(other, 7)
    assert positions.current({one: "a", other: "b"}, early) == {one: "a"}
    assert positions.current({one: "a", other: "b"}, positions.epoch) == {one: "a", other: "b"}
    positions.seek(one, 5)
    assert positions.current({one: "a"}, early) == {}
    positions.forget(other)
    assert positions.sought == {one}
    positions.clear()
    assert positions.current({one: "a", other: "b"}, positions.epoch) == {}


def test_nothing_that_was_known_before_a_change_of_the_group_counts_after_it() -> None:
    positions, place = Positions(Seeking()), TopicPartition(TOPIC, 0)
    group = Membership(positions)
    assert not group.settled
    group.on_partitions_assigned([place])
    assert group.settled
    positions.seek(place, 5)
    before = group.changes
    group.on_partitions_revoked([place])
    assert not group.settled, "in between nothing is placed"
    assert positions.sought == set()
    group.on_partitions_assigned([place])
    assert group.settled
    assert group.changes > before
    assert positions.sought == set(), "though it is ours again"


class Ends:
    """A broker that is asked for the ends of logs."""

    def __init__(self, answer: Exception | None, seconds: float = 0.0) -> None:
        self._answer, self._seconds = answer, seconds

    async def end_offsets(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        await asyncio.sleep(self._seconds)
        if self._answer is not None:
            raise self._answer
        return dict.fromkeys(places, 7)


async def test_a_broker_that_does_not_say_where_a_log_ends_is_named() -> None:
    places = [TopicPartition(TOPIC, 0)]
    assert await log_ends(Ends(None), places, seconds=5) == {places[0]: 7}
    assert await log_ends(Ends(KafkaConnectionError("away")), [], seconds=5) == {}
    with pytest.raises(TransientError, match="away"):
        await log_ends(Ends(KafkaConnectionError("away")), places, seconds=5)
    with pytest.raises(TransientError, match="no answer in time"):
        await log_ends(Ends(None, seconds=9), places, seconds=0.01)
