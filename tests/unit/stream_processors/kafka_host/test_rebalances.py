"""Partitions come and go under a backlog: every reading is judged, and what is said is what a plain loop says.

log     |---- backlog ------------------------------------|  ticks …
fetcher   stale batch  stale batch      (from the committed offset, before the seek)
host          seek ^   judged from here on
"""

from __future__ import annotations

import asyncio
import random

import pytest

from schemas.topics import ALERTS, INDICATORS
from services.stream_processors.kafka_host.losses import HOST_KEYS
from tests.unit.stream_processors.kafka_host.district import PARTITIONS, District, RunningHost

ALL = list(range(PARTITIONS))


def caught_up(district: District, *hosts: RunningHost) -> bool:
    """Whether the backlog is judged, and a tick behind it: only that tells of lots that have fallen silent."""
    found: dict[int, int] = {}
    for running in hosts:
        for partition, offset in running.offsets().items():
            found[partition] = max(found.get(partition, 0), offset)
    return len(found) == PARTITIONS and all(offset > district.backlog for offset in found.values())


@pytest.mark.parametrize("seed", range(3))
async def test_one_host_that_is_rebalanced_under_a_backlog_judges_every_reading(seed: int) -> None:
    dice = random.Random(seed)
    district = District(1_200, read_seconds=lambda: dice.random() * 0.03)
    async with district.host() as one:
        one.consumer.callback_seconds = lambda: dice.random() * 0.03
        await asyncio.sleep(0)
        await one.consumer.give(ALL)
        for _ in range(5):
            await asyncio.sleep(0.02 + dice.random() * 0.1)
            await one.rebalance(ALL if dice.random() < 0.5 else dice.sample(ALL, dice.randint(1, PARTITIONS)))
        await one.rebalance(ALL)
        await district.until(lambda: caught_up(district, one) or one.running.done())
        await one.stop()
        ends = one.offsets()
    assert district.unjudged() == []
    expected = district.said_by_a_plain_loop(ends)
    assert len(expected[INDICATORS]) > 100
    assert expected[ALERTS]
    assert district.said() == expected


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("zombie", [False, True], ids=["told together", "one is told late"])
async def test_two_hosts_that_move_partitions_judge_every_reading(seed: int, *, zombie: bool) -> None:
    dice = random.Random(seed)
    district = District(1_200, read_seconds=lambda: dice.random() * 0.03)
    async with district.host() as one, district.host() as two:
        hosts = [one, two]
        for running in hosts:
            running.consumer.callback_seconds = lambda: dice.random() * 0.03
        await asyncio.sleep(0)

        async def move() -> None:
            mine = [partition for partition in ALL if dice.random() < 0.5]
            parts = [mine, [partition for partition in ALL if partition not in mine]]
            if zombie:
                late = dice.randrange(2)
                await hosts[1 - late].rebalance(parts[1 - late])
                await asyncio.sleep(dice.random() * 0.1)  # the other has not heard of it, and judges on
                await hosts[late].rebalance(parts[late])
            else:
                await asyncio.gather(*(running.consumer.revoke() for running in hosts))
                await asyncio.gather(*(running.consumer.give(part) for running, part in zip(hosts, parts, strict=True)))

        for _ in range(5):
            await move()
            await asyncio.sleep(0.02 + dice.random() * 0.1)
        await move()
        await district.until(lambda: caught_up(district, one, two) or one.running.done() or two.running.done())
        await one.stop()
        await two.stop()
    assert district.unjudged() == []


async def test_a_partition_that_comes_back_goes_on_without_reading_its_state() -> None:
    district = District(600)
    async with district.host() as one:
        await asyncio.sleep(0)
        await one.consumer.give(ALL)
        await district.until(lambda: len(one.offsets()) == PARTITIONS)
        reads = district.state.reads
        for _ in range(3):
            await asyncio.sleep(0.05)
            await one.rebalance(ALL)
        await district.until(lambda: caught_up(district, one))
        assert district.state.reads == reads
    assert district.unjudged() == []


async def test_a_state_that_the_old_owner_writes_during_the_take_over_is_not_thrown_away() -> None:
    district = District(1_000)
    async with district.host() as old:
        await asyncio.sleep(0)
        await old.consumer.give([0])
        await district.until(lambda: old.offsets().get(0, 0) >= 1_000)
        async with district.host() as new:
            await asyncio.sleep(0)
            district.add(0, 500)
            taking = asyncio.create_task(new.consumer.give([0]))
            await district.until(lambda: old.offsets().get(0, 1_500) >= 1_500)
            await taking
            await district.until(lambda: new.offsets().get(0, 0) >= 1_500)
            judged = new.host.holdings.get(0)
            assert judged is not None
            assert judged.worker.next_offset >= 1_500
            await district.until(lambda: 0 not in old.offsets())  # it was fenced at its next write, and lives
            assert not old.running.done()
    assert set(district.state.records[0]) - HOST_KEYS
