"""Who notices that nothing goes on: the watchdog's thread, and the look at the ends of the logs."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta

from services.runtime.watchdog import Watchdog
from services.stream_processors.kafka_host.standstill import Patience, Standstill

PATIENCE = Patience(
    trouble_after=timedelta(seconds=8), all_at_most=timedelta(seconds=20), one_at_most=timedelta(seconds=120)
)


async def test_a_hanging_event_loop_is_noticed_from_outside_of_it() -> None:
    reasons: list[str] = []
    heard = threading.Event()

    def end(reason: str) -> None:
        reasons.append(reason)
        heard.set()

    async with Watchdog(seconds=1.5, end=end).watching():
        await asyncio.sleep(0.01)
        heard.wait(30)  # the loop hangs here
    assert "the event loop" in reasons[0]


async def test_judging_that_hangs_is_named_while_the_loop_goes_on() -> None:
    reasons: list[str] = []
    watchdog = Watchdog(seconds=1.5, end=reasons.append)
    async with watchdog.watching():
        watchdog.beat("judging of ev")
        deadline = time.monotonic() + 30
        while not reasons and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
            watchdog.beat("judging of tax")
    assert "judging of ev has not gone on" in reasons[0]
    assert "tax" not in reasons[0]


def test_a_consumer_that_stands_still_while_its_log_grows_is_trouble_first_and_then_the_end() -> None:
    """Offsets 100 and 200 for ever, the log goes on.

    seconds   0 ........ 8 .......... 20
              well       trouble      the process ends
    """
    watch = Standstill(PATIENCE)
    stuck = {0: (100, True), 1: (200, True)}
    assert watch.look(stuck, 0) == ({}, None)
    assert watch.look(stuck, 7) == ({}, None)
    assert watch.look(stuck, 10) == ({0: 10, 1: 10}, None)
    assert watch.look(stuck, 21)[1] is not None


def test_one_that_waits_for_its_turn_is_given_longer_than_a_host_in_which_nothing_moves() -> None:
    watch = Standstill(PATIENCE)
    for second in range(100):
        _, end = watch.look({0: (100, True), 1: (second, True)}, second)
        assert end is None
    assert watch.look({0: (100, True), 1: (100, True)}, 121)[1] is not None


def test_trouble_goes_away_when_the_partition_moves_on() -> None:
    watch = Standstill(PATIENCE)
    watch.look({0: (100, True)}, 0)
    assert watch.look({0: (100, True)}, 10)[0] == {0: 10}
    assert watch.look({0: (101, True)}, 11) == ({}, None)


def test_a_log_that_does_not_grow_is_no_trouble_at_all() -> None:
    watch = Standstill(PATIENCE)
    for second in range(0, 1_000, 3):
        assert watch.look({0: (100, False)}, second) == ({}, None)
    assert watch.look({0: (100, True)}, 1_000) == ({}, None)
