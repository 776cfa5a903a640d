"""What a host does less often at rest: fetching, writing states, committing; and that nothing waits too long for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable

import pytest
from aiokafka import TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.consuming import Positions
from services.stream_processors.kafka_host.polling import Poller, gathering
from services.stream_processors.kafka_host.storing import is_worth_committing, is_worth_writing
from tests.unit.stream_processors.kafka_host.district import DUTY
from tests.unit.stream_processors.kafka_host.fake_kafka import FakeConsumer, Log

SHORTEST = 0.1
FULL = 500
GATHER_SECONDS = 0.2


def paused_after(records: int, passed: float) -> float:
    return gathering(records, passed, shortest=SHORTEST, full=FULL, more=False)


@pytest.mark.parametrize(
    ("records", "passed", "seconds"),
    [
        (1, 1.0, 0.3),  # at rest: some readings a second
        (8, 0.3, 0.3),  # 27 a second
        (10, 0.1, 0.2),  # 100 a second: twenty of them
        (20, 0.1, 0.1),  # 200 a second
        (120, 0.1, 0.1),  # 1,200 a second
        (500, 0.1, 0.0),  # a backlog
    ],
)
def test_twenty_records_are_gathered_within_a_tenth_and_three_tenths_of_a_second(
    records: int, passed: float, seconds: float
) -> None:
    assert paused_after(records, passed) == pytest.approx(seconds)


@given(st.integers(1, FULL - 1), st.floats(0, 10_000, allow_nan=False))
def test_no_alert_waits_longer_than_three_tenths_of_a_second_to_be_fetched(records: int, passed: float) -> None:
    assert SHORTEST <= paused_after(records, passed) <= 0.3 + 1e-9


def test_without_a_pause_nothing_is_gathered() -> None:
    assert gathering(1, 1.0, shortest=0.0, full=FULL, more=False) == 0.0


@pytest.mark.parametrize(
    ("moved", "passed", "has_own", "is_due"),
    [
        (0, 1e6, False, False),
        (1, 29.0, False, False),
        (1, 30.0, False, True),
        (999, 29.0, False, False),
        (1_000, 0.0, False, True),
        (0, 9.0, True, False),
        (0, 10.0, True, True),
    ],
)
def test_a_state_is_written_when_much_has_changed_or_after_a_while(
    moved: int, passed: float, *, has_own: bool, is_due: bool
) -> None:
    assert is_worth_writing(moved, passed, has_own=has_own) is is_due


@pytest.mark.parametrize(
    ("moved", "passed", "is_due"),
    [(0, 1e6, False), (6, 2.9, False), (6, 3.0, True), (199, 1.0, False), (200, 1.0, True)],
)
def test_the_lag_is_shown_within_three_seconds(moved: int, passed: float, *, is_due: bool) -> None:
    assert is_worth_committing(moved, passed) is is_due


class Polling(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no type information
    """A poller over three partitions of a log in which the test writes; what the group gives stands still at first."""

    def __init__(self) -> None:
        self.log = Log(DUTY.topic, 3)
        self.consumer = FakeConsumer(self.log, {})
        self.consumer.subscribe([DUTY.topic], self)
        self.poller = Poller(self.consumer, Positions(self.consumer), records_max=1_000, gather_seconds=GATHER_SECONDS)
        self.fetches = 0
        fetch = self.consumer.fetcher._client._fetch

        async def counted(request: object) -> object:
            self.fetches += 1
            return await fetch(request)

        self.consumer.fetcher._client._fetch = counted

    async def on_partitions_revoked(self, _: Iterable[TopicPartition]) -> None:
        """Nothing is left to do."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self.poller.hold(assigned)

    def seek(self, *partitions: int) -> None:
        for partition in partitions:
            self.poller.seek(self.log.places[partition], self.log.end(partition))

    def write(self, *partitions: int) -> None:
        for partition in partitions:
            self.log.append(partition, [(b"{}", [])])

    async def next(self) -> dict[int, int]:
        """How many records of each partition the next batch has."""
        polled = await asyncio.wait_for(self.poller.inbox.get(), 5)
        return {place.partition: len(records) for place, records in polled.batches.items()}


@pytest.fixture
async def polling() -> AsyncIterator[Polling]:
    made = Polling()
    running = asyncio.create_task(made.poller.run())
    await asyncio.sleep(0)
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await made.consumer.close()


async def test_a_backlog_that_one_fetch_does_not_bring_is_read_on_without_a_pause(polling: Polling) -> None:
    await polling.consumer.give([0, 1, 2])
    polling.seek(0, 1, 2)
    ten: list[tuple[bytes, list[tuple[str, bytes]]]] = [(b"x" * 100_000, []) for _ in range(10)]
    for _ in range(5):  # some ten of them fit a fetch of a partition
        polling.log.append(0, ten)
    taken, batches = 0, 0
    while taken < 50:
        taken, batches = taken + (await polling.next())[0], batches + 1
        place = polling.log.places[0]
        paused = polling.consumer._subscription.subscription.assignment.state_value(place).paused
        assert paused is (taken == 50)
    assert batches > 1


async def test_a_lone_reading_is_handed_on_at_once_and_what_follows_in_one_batch_by_one_fetch(polling: Polling) -> None:
    await polling.consumer.give([0, 1, 2])
    polling.seek(0, 1, 2)
    polling.write(0)
    began = time.monotonic()
    assert await polling.next() == {0: 1}
    assert time.monotonic() - began < GATHER_SECONDS
    fetched = polling.fetches
    for _ in range(3):
        polling.write(0, 1, 2)
        await asyncio.sleep(0.01)
    assert await polling.next() == {0: 3, 1: 3, 2: 3}
    assert polling.fetches == fetched + 1
    assert time.monotonic() - began >= GATHER_SECONDS


async def test_a_partition_that_is_given_while_others_gather_still_waits_for_its_state(polling: Polling) -> None:
    await polling.consumer.give([0])
    polling.seek(0)
    polling.write(0)
    assert await polling.next() == {0: 1}
    await polling.consumer.revoke()
    await polling.consumer.give([0, 1])
    polling.write(0, 1)
    await asyncio.sleep(4 * GATHER_SECONDS)
    assert polling.poller.inbox.empty()
    polling.seek(0, 1)
    polling.write(1)
    assert await polling.next() == {1: 1}


async def test_what_was_given_up_while_it_gathered_does_not_end_the_polling(polling: Polling) -> None:
    await polling.consumer.give([0, 1])
    polling.seek(0, 1)
    polling.write(0)
    assert await polling.next() == {0: 1}
    await polling.consumer.revoke()
    polling.consumer.callback_seconds = lambda: 2 * GATHER_SECONDS  # it ends before we are told of the new assignment
    await polling.consumer.give([2])
    polling.seek(2)
    polling.write(2)
    assert await polling.next() == {2: 1}
