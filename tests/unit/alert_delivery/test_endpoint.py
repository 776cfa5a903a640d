"""One subscriber as it is spoken to, with a connection that answers by a script and waits of hundredths of seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.alert_delivery.addresses import Network, networks
from services.alert_delivery.answers import Answer, RetryPolicy
from services.alert_delivery.breaker import BreakerPolicy, BreakerState
from services.alert_delivery.channel import Post
from services.alert_delivery.endpoint import Endpoint, Surroundings
from tests.unit.alert_delivery.made import subscription

POST = Post("https://brain.example/a", {}, b"{}", 1.0)
BREAKER = BreakerPolicy(failures=2, first=timedelta(seconds=0.05), longest=timedelta(seconds=0.05))


class Script:
    """Stands where connections are; what is said to be answered is answered."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked = 0
        self.at_once = 0
        self.most_at_once = 0
        self.opened: list[Sequence[Network]] = []
        self.closed = 0

    def open(self, named: Sequence[Network], _connections: int) -> Any:
        self.opened.append(named)
        return self

    async def post(self, _post: Post, _now: datetime) -> Answer:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.005)
        self.at_once -= 1
        return self.answers.pop(0) if self.answers else Answer(204)

    async def close(self) -> None:
        self.closed += 1


def endpoint(script: Script, connections: int = 8) -> Endpoint:
    around = Surroundings(now=lambda: datetime.now(UTC), chance=lambda: 1.0, open_channel=script.open)
    return Endpoint(subscription(), around, retry=RetryPolicy(), breaker=BREAKER, connections=connections)


def never(_now: datetime) -> bool:
    return False


async def once(to: Endpoint, is_over: Callable[[datetime], bool] = never) -> Answer | None:
    turn = await to.turn(is_over)
    if turn is None:
        return None
    try:
        return await to.attempt(POST)
    finally:
        to.leave(turn)


async def test_no_more_than_its_connections_at_a_time() -> None:
    script = Script()
    to = endpoint(script, connections=3)
    await asyncio.gather(*(once(to) for _ in range(20)))
    assert (script.asked, script.most_at_once) == (20, 3)


async def test_while_it_is_open_nobody_asks_and_then_one_at_a_time() -> None:
    script = Script()
    to = endpoint(script)
    script.answers = [Answer(500), Answer(None), Answer(503)]
    await once(to)
    await once(to)
    assert to.breaker.state(datetime.now(UTC)) is BreakerState.OPEN
    script.most_at_once = 0
    began = asyncio.get_running_loop().time()
    answers = await asyncio.gather(*(once(to) for _ in range(10)))
    assert asyncio.get_running_loop().time() - began >= 0.1  # two rests: the first probe failed
    assert [answer.status for answer in answers if answer].count(503) == 1
    assert script.asked == 12
    assert to.breaker.state(datetime.now(UTC)) is BreakerState.CLOSED


async def test_a_probe_that_is_cancelled_lets_another_one_try() -> None:
    script = Script()
    to = endpoint(script)
    script.answers = [Answer(500), Answer(500)]
    await once(to)
    await once(to)
    probe = asyncio.create_task(once(to))
    while script.asked < 3:  # noqa: ASYNC110 - the script tells nobody
        await asyncio.sleep(0.001)
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    async with asyncio.timeout(2):
        assert await once(to) == Answer(204)


async def test_a_request_for_rest_is_obeyed_by_all() -> None:
    script = Script()
    to = endpoint(script)
    script.answers = [Answer(429, timedelta(seconds=0.1))]
    await once(to)
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(once(to) for _ in range(5)))
    assert asyncio.get_running_loop().time() - began >= 0.09


async def test_who_waits_for_its_next_attempt_goes_on_when_the_subscriber_is_back() -> None:
    script = Script()
    to = endpoint(script)
    script.answers = [Answer(500), Answer(500)]
    await once(to)
    await once(to)
    pausing = asyncio.create_task(to.pause(timedelta(hours=1)))
    async with asyncio.timeout(2):
        await once(to)
        await pausing


async def test_a_success_of_another_event_does_not_end_the_wait_of_one_that_fails_alone() -> None:
    script = Script()
    to = endpoint(script)
    script.answers = [Answer(500)]
    await once(to)
    pausing = asyncio.create_task(to.pause(timedelta(seconds=0.15)))
    began = asyncio.get_running_loop().time()
    await once(to)
    await pausing
    assert asyncio.get_running_loop().time() - began >= 0.14


async def test_whose_time_is_over_does_not_wait_for_an_open_breaker() -> None:
    script = Script()
    to = endpoint(script)
    script.answers = [Answer(500), Answer(500)]
    await once(to)
    await once(to)
    assert await once(to, lambda _now: True) is None
    assert script.asked == 2


async def test_another_address_means_other_connections_and_another_chance() -> None:
    script = Script()
    to = endpoint(script)
    script.answers = [Answer(500), Answer(500)]
    await once(to)
    await once(to)
    to.follow(subscription(url="https://other.example/", private_networks=("10.0.0.0/8",)))
    assert await once(to) == Answer(204)
    assert script.opened == [(), networks(["10.0.0.0/8"])]
    to.follow(subscription(url="https://other.example/", private_networks=("10.0.0.0/8",), give_up_days=1.0))
    assert len(script.opened) == 2
    await to.close()
    assert script.closed == 2


async def test_a_network_that_is_none_opens_nothing() -> None:
    script = Script()
    to = endpoint(script)
    to.follow(subscription(private_networks=("everywhere",)))
    assert script.opened == [(), ()]
    await to.close()
