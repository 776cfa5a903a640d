"""One subscriber as it is spoken to: its breaker, its connections, and how many events go at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from schemas.subscription import Subscription
from services.alert_delivery.addresses import Network, networks
from services.alert_delivery.answers import Answer, RetryPolicy, Verdict, judge
from services.alert_delivery.breaker import (
    CLOSED,
    Breaker,
    BreakerPolicy,
    BreakerState,
    after_answer,
    after_failure,
    after_request_for_rest,
)
from services.alert_delivery.channel import Channel, Post

log = structlog.stdlib.get_logger()

_LOOK: Final = timedelta(seconds=30)
"""Those who wait look so often whether their time is over."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Clock, chance, and how connections are made."""

    now: Callable[[], datetime]
    chance: Callable[[], float]
    """From 0 to 1."""
    open_channel: Callable[[Sequence[Network], int], Channel] = Channel


@dataclass(frozen=True, slots=True)
class Turn:
    """Leave to make one attempt."""

    is_probe: bool
    """It is the one that finds out whether the subscriber is back."""


class Endpoint:
    """Attempts of one subscriber; those of its redeliveries go through the same one."""

    def __init__(
        self,
        subscription: Subscription,
        around: Surroundings,
        *,
        retry: RetryPolicy,
        breaker: BreakerPolicy,
        connections: int,
    ) -> None:
        self.subscription = subscription
        self.retry = retry
        self.breaker: Breaker = CLOSED
        self._around = around
        self._policy = breaker
        self._connections = connections
        self._places = asyncio.Semaphore(connections)
        self._is_probing = False
        self._changed = asyncio.Event()
        self._channel = self._open()
        self._retired: set[asyncio.Task[None]] = set()

    def follow(self, subscription: Subscription) -> None:
        """Go by a changed subscription; another address or other networks mean other connections."""
        before, self.subscription = self.subscription, subscription
        if (before.url, before.private_networks) != (subscription.url, subscription.private_networks):
            closing = asyncio.create_task(self._channel.close(), name=f"close {subscription.id}")
            self._retired.add(closing)
            closing.add_done_callback(self._retired.discard)
            self._channel, self.breaker = self._open(), CLOSED
            self._tell()

    async def turn(self, is_over: Callable[[datetime], bool]) -> Turn | None:
        """Wait until an attempt may be made; whoever gets a turn gives it back with `leave`.

        Args:
            is_over: Says whether waiting has come to its end.

        Returns:
            None when it has.
        """
        while True:
            if not await self._admitted(is_over):
                return None
            await self._places.acquire()
            if self._admits(self._around.now()):
                turn = Turn(self.breaker.open_until is not None)
                self._is_probing = self._is_probing or turn.is_probe
                return turn
            self._places.release()

    def leave(self, turn: Turn) -> None:
        """Give a turn back."""
        self._places.release()
        if turn.is_probe:
            self._is_probing = False
            self._tell()

    async def attempt(self, post: Post) -> Answer:
        """Send once, and see what it says of the subscriber."""
        answer = await self._channel.post(post, self._around.now())
        now, before = self._around.now(), self.breaker
        if judge(answer.status) is not Verdict.AGAIN:
            self.breaker = after_answer(before, now)
        elif answer.status is not None and answer.asked is not None:
            asked = min(answer.asked, self.retry.asked_longest)
            self.breaker = after_request_for_rest(before, now, asked)
        else:
            self.breaker = after_failure(before, self._policy, now, self._around.chance())
        if before.open_until is not None and self.breaker.open_until is None:
            self._tell()
        return answer

    async def pause(self, wait: timedelta) -> None:
        """Wait before the next attempt of an event; a subscriber that comes back ends it."""
        until = self._around.now() + wait
        while (now := self._around.now()) < until:
            was_open = self.breaker.open_until is not None
            await self._until_changed(until - now)
            if was_open and self.breaker.open_until is None:
                return

    async def close(self) -> None:
        """End every connection."""
        await self._channel.close()
        await asyncio.gather(*self._retired)

    def _open(self) -> Channel:
        try:
            named = networks(self.subscription.private_networks)
        except ValueError as error:  # whoever wrote the register by hand
            log.warning(
                "a network of a subscriber is none, so that it may be in no private one",
                action="pass_over_networks",
                subscriber=self.subscription.id,
                error=str(error),
            )
            named = ()
        return self._around.open_channel(named, self._connections)

    def _admits(self, now: datetime) -> bool:
        match self.breaker.state(now):
            case BreakerState.CLOSED:
                return True
            case BreakerState.HALF_OPEN:
                return not self._is_probing
            case BreakerState.OPEN:
                return False

    async def _admitted(self, is_over: Callable[[datetime], bool]) -> bool:
        while not self._admits(now := self._around.now()):
            if is_over(now):
                return False
            until = self.breaker.until()
            await self._until_changed(_LOOK if until is None or until <= now else min(_LOOK, until - now))
        return True

    async def _until_changed(self, wait: timedelta) -> None:
        try:
            async with asyncio.timeout(max(wait.total_seconds(), 0.001)):
                await self._changed.wait()
        except TimeoutError:
            return

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
