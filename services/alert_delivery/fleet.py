"""All subscribers, kept to their register while everything runs: who is added begins, who is paused or ended stops."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from schemas.redelivery import RedeliveryRegister, RedeliveryRequest
from schemas.subscription import Subscription, SubscriptionRegister, SubscriptionState
from services.alert_delivery.book import BookFile, with_state
from services.alert_delivery.errors import RegisterUnreadable
from services.alert_delivery.subscriber import Subscriber, Surrounding
from services.runtime.lifecycle import Lifetime

log = structlog.stdlib.get_logger()

PART: Final = "register"
LOOK_SECONDS: Final = 1.0
"""A change of the register takes effect after so long at most."""


class Fleet:
    """One task for each active subscription."""

    def __init__(self, shared: Surrounding, redeliveries: BookFile[RedeliveryRegister]) -> None:
        self._shared = shared
        self._redeliveries = redeliveries
        self._running: dict[str, tuple[Subscriber, asyncio.Task[None]]] = {}
        self._stopping: dict[str, asyncio.Task[None]] = {}
        self._requests: tuple[RedeliveryRequest, ...] = ()

    async def run(self, register: Register) -> None:
        """Follow the register for ever.

        Raises:
            LedgerRefused: nothing can be put on record.
        """
        try:
            while True:
                self._follow(register.look())
                self._redeliver()
                for subscriber, task in list(self._running.values()):
                    subscriber.show()
                    if task.done():
                        del self._running[subscriber.id]
                        task.result()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._stop_all()

    def _follow(self, register: SubscriptionRegister) -> None:
        active = {each.id: each for each in register.subscriptions if each.state is SubscriptionState.ACTIVE}
        for subscription_id in self._running.keys() - active.keys():
            subscriber, task = self._running.pop(subscription_id)
            task.cancel()
            self._stopping[subscription_id] = task
            log.info("a subscriber is not delivered to any more", action="stop_subscriber", subscriber=subscriber.id)
        self._stopping = {each: task for each, task in self._stopping.items() if not task.done()}
        for subscription in active.values():
            self._begin_or_change(subscription)

    def _begin_or_change(self, subscription: Subscription) -> None:
        known = self._running.get(subscription.id)
        if known is not None:
            if known[0].endpoint.subscription != subscription:
                known[0].endpoint.follow(subscription)
            return
        if subscription.id in self._stopping:
            return
        subscriber = Subscriber(subscription, self._shared)
        task = asyncio.create_task(subscriber.run(), name=f"subscriber {subscription.id}")
        self._running[subscription.id] = (subscriber, task)
        log.info("a subscriber is delivered to", action="start_subscriber", subscriber=subscription.id)

    def _redeliver(self) -> None:
        health = self._shared.lifetime.health
        try:
            if self._redeliveries.has_changed():
                self._requests = self._redeliveries.read().requests
        except RegisterUnreadable as error:
            health.trouble("redeliveries", f"{error}; nothing is sent once more until then")
            return
        health.well("redeliveries")
        for request in self._requests:
            known = self._running.get(request.subscriber)
            if known is not None and request.is_open(self._shared.around.now()):
                known[0].redeliver(request)

    async def _stop_all(self) -> None:
        tasks = [task for _, task in self._running.values()] + list(self._stopping.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Register:
    """The register of subscribers as it stands now; one that cannot be read changes nothing but our health."""

    def __init__(self, file: BookFile[SubscriptionRegister], lifetime: Lifetime) -> None:
        self._file = file
        self._lifetime = lifetime
        self._known = file.read()
        self._gone: dict[str, str] = {}
        """Have answered 410 while the register could not be written: why."""

    def look(self) -> SubscriptionRegister:
        """Read it again if it was replaced."""
        if not self._file.has_changed():
            return self._known
        try:
            known = self._file.read()
        except RegisterUnreadable as error:
            self._lifetime.health.trouble(PART, f"{error}; the service goes on by the one it had")
            log.warning(str(error), action="keep_register")
            return self._known
        self._lifetime.health.well(PART)
        log.info("register of subscribers read", action="read_register", subscribers=len(known.subscriptions))
        for subscription_id, why in self._gone.items():
            known = with_state(known, subscription_id, SubscriptionState.ENDED, why)
        self._known = known
        return known

    async def end(self, subscription_id: str, why: str) -> None:
        """End a subscription, in the register if that can be written, else as long as this process runs."""
        log.warning("a subscription is ended", action="end_subscription", subscriber=subscription_id, why=why)
        ended = SubscriptionState.ENDED
        try:
            await asyncio.to_thread(self._file.change, lambda known: with_state(known, subscription_id, ended, why))
        except RegisterUnreadable as error:
            self._gone[subscription_id] = why
            self._known = with_state(self._known, subscription_id, ended, why)
            self._lifetime.health.trouble(PART, f"{error}; `district subscriber end {subscription_id}` for good")
