"""Whether a log is the one that was read, by where its first record of a time stands."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError

from services.runtime.log_look import Asked, LogLook, Told, Trail, told, told_by_record
from services.runtime.same_log import Anew, Mark
from tests.unit.stream_processors.kafka_host.fake_kafka import FakeConsumer, FakeReader, Log

PLACE = TopicPartition("readings.parking", 0)
MARK = Mark(100, 5_000)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Mark(100, 5_000), Told.SAME),
        (Mark(98, 5_000), Told.SAME),
        (Mark(240, 9_000), Told.REMOVED),
        (Mark(240, 5_000), Told.REMOVED),
        (Mark(0, 9_000), Told.UNCLEAR),
        (Mark(100, 5_001), Told.UNCLEAR),
        (None, Told.UNCLEAR),
    ],
)
def test_the_place_of_a_time_tells_of_a_mark(found: Mark | None, says: Told) -> None:
    assert told(MARK, found) is says


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Mark(100, 5_000), Told.SAME),
        (Mark(100, 5_001), Anew.ANOTHER_RECORD),
        (Mark(100, 4_999), Anew.ANOTHER_RECORD),
        (Mark(0, 9_000), Anew.EARLIER),
        (Mark(101, 5_000), Told.REMOVED),
        (None, Told.REMOVED),
    ],
)
def test_the_record_at_its_offset_tells_the_rest(found: Mark | None, says: Told | Anew) -> None:
    assert told_by_record(MARK, found) is says


def asked(trail: Trail) -> Asked:
    found = trail.asked()
    assert found is not None
    return found


def test_a_trail_goes_on_to_what_was_read_before_it_was_asked_for() -> None:
    trail = Trail(Mark(10, 1_000))
    trail.read(20, 2_000)
    first = asked(trail)
    assert first.mark == Mark(10, 1_000)
    trail.read(30, 3_000)  # of whatever log is there by now
    trail.answered(first, is_there=True, end=31)
    assert (trail.proof, trail.end) == (Mark(20, 2_000), 31)
    assert (asked(trail).mark, asked(trail).successor) == (Mark(20, 2_000), Mark(30, 3_000))


def test_a_log_of_which_nothing_was_read_since_need_not_be_looked_at() -> None:
    trail = Trail(Mark(10, 1_000))
    assert not trail.has_moved
    trail.read(20, 2_000)
    first = asked(trail)
    trail.read(30, 1_500)
    trail.answered(first, is_there=True, end=31)
    assert trail.has_moved, "what came after the question was not asked for"
    trail.answered(asked(trail), is_there=True, end=31)
    assert not trail.has_moved


def test_a_record_of_a_clock_that_is_behind_is_no_mark() -> None:
    trail = Trail(Mark(10, 1_000))
    trail.read(11, 999)
    assert (asked(trail).mark, asked(trail).successor) == (Mark(10, 1_000), Mark(10, 1_000))


def test_a_mark_that_was_removed_gives_way_to_a_later_one_or_to_none() -> None:
    trail = Trail(Mark(10, 1_000))
    trail.answered(asked(trail), is_there=False, end=50)
    assert trail.asked() is None
    trail = Trail()
    trail.read(5, 7_000)
    trail.answered(asked(trail), is_there=False, end=50)
    trail.read(60, 6_000)
    assert asked(trail).mark == Mark(60, 6_000), "a time far ahead is not kept for ever"


def looked(log: Log, trail: Trail, reads: list[int] | None = None) -> Any:
    async def look() -> Any:
        def reader() -> Any:
            if reads is not None:
                reads.append(1)
            return nullcontext(FakeReader(log))

        consumer = FakeConsumer(log, {})
        try:
            return await LogLook(consumer, reader).look({PLACE: trail})
        finally:
            await consumer.close()

    return asyncio.run(look())


def log_of(*times: int) -> Log:
    log = Log(PLACE.topic, 1)

    async def fill() -> None:
        log.append(0, [(b"", [])] * len(times), times)

    asyncio.run(fill())
    return log


def test_clocks_that_differ_need_a_look_at_the_record_and_no_more() -> None:
    """The second record is later than the third: the first at or after the third's time is the second."""
    reads: list[int] = []
    assert looked(log_of(1_000, 3_000, 2_000), Trail(Mark(2, 2_000)), reads) == {}
    assert reads == [1]


@pytest.mark.parametrize(
    ("times", "why"),
    [
        ((9_000, 9_001, 9_002, 9_003), Anew.ANOTHER_RECORD),
        ((9_000, 9_001), Anew.SHORTER),
        ((100, 200, 300, 400), Anew.ANOTHER_RECORD),
    ],
    ids=["later", "shorter", "with the times of other clocks"],
)
def test_another_log_is_seen(times: tuple[int, ...], why: Anew) -> None:
    trail = Trail(Mark(2, 3_000))
    assert looked(log_of(*times), trail) == {PLACE: why}
    assert trail.proof == Mark(2, 3_000)


def test_the_same_log_is_seen_without_reading() -> None:
    reads: list[int] = []
    trail = Trail(Mark(1, 2_000))
    assert looked(log_of(1_000, 2_000, 3_000), trail, reads) == {}
    assert (reads, trail.end) == ([], 3)


def test_kafka_that_does_not_answer_is_said() -> None:
    class Mute:
        async def end_offsets(self, _: Any) -> Any:
            raise KafkaConnectionError("away")

    look = LogLook(Mute(), nullcontext)  # type: ignore[arg-type]
    with pytest.raises(KafkaConnectionError):
        asyncio.run(look.look({PLACE: Trail(Mark(1, 1))}))


def test_kafka_that_is_too_slow_is_said() -> None:
    class Slow:
        async def end_offsets(self, _: Any) -> Any:
            await asyncio.sleep(60)

    look = LogLook(Slow(), nullcontext, seconds=0.01)  # type: ignore[arg-type]
    with pytest.raises(KafkaTimeoutError, match="whether a log is the same"):
        asyncio.run(look.look({PLACE: Trail(Mark(1, 1))}))
