"""Order for each key, many keys at a time, and a failure that is not swallowed."""

from __future__ import annotations

import asyncio

import pytest

from services.alert_delivery.chains import Chains


async def test_each_key_is_in_order_and_one_that_waits_delays_no_other() -> None:
    done: list[tuple[str, int]] = []
    gate, others_done = asyncio.Event(), asyncio.Event()

    async def work(item: tuple[str, int]) -> None:
        if item == ("a", 0):
            await gate.wait()
        done.append(item)
        if len(done) == 6:
            others_done.set()

    chains: Chains[tuple[str, int]] = Chains(work, 100)
    for number in range(3):
        for key in "abc":
            chains.put(key, (key, number))
    await others_done.wait()
    await asyncio.sleep(0)
    assert [item for item in done if item[0] == "b"] == [("b", 0), ("b", 1), ("b", 2)]
    assert not [item for item in done if item[0] == "a"]
    assert chains.in_hand == 3
    gate.set()
    await chains.drained()
    assert [item for item in done if item[0] == "a"] == [("a", 0), ("a", 1), ("a", 2)]


async def test_room_is_given_only_when_there_is_some() -> None:
    gate = asyncio.Event()

    async def work(_item: int) -> None:
        await gate.wait()

    chains: Chains[int] = Chains(work, 2)
    assert await chains.room() == 2
    chains.put("a", 1)
    chains.put("b", 2)
    waiting = asyncio.create_task(chains.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.set()
    assert await waiting >= 1
    await chains.cancel()


async def test_what_the_work_raises_is_raised_to_whoever_hands_over() -> None:
    async def work(_item: int) -> None:
        raise RuntimeError("broken")

    chains: Chains[int] = Chains(work, 1)
    chains.put("a", 1)
    with pytest.raises(RuntimeError, match="broken"):
        await chains.room()
    with pytest.raises(RuntimeError, match="broken"):
        await chains.drained()
    await chains.cancel()


async def test_cancelling_lets_go_of_everything() -> None:
    async def work(_item: int) -> None:
        await asyncio.get_running_loop().create_future()

    chains: Chains[int] = Chains(work, 10)
    for number in range(5):
        chains.put(str(number % 2), number)
    await chains.cancel()
    assert chains.in_hand == 0
    assert await chains.room() == 10
