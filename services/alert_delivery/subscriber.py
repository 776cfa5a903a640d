"""One subscriber: its events, the requests to send some once more, and what its answers say of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from schemas.redelivery import RedeliveryRequest
from schemas.subscription import Subscription
from services.alert_delivery.breaker import BreakerState
from services.alert_delivery.delivering import Courier, Ended, Errand
from services.alert_delivery.endpoint import Endpoint, Surroundings
from services.alert_delivery.errors import LedgerRefused
from services.alert_delivery.events import Event, Shelf, is_renderable
from services.alert_delivery.groups import group_of
from services.alert_delivery.intake import TOPICS, Intake
from services.alert_delivery.ledger import Ledger
from services.alert_delivery.passing import Passing, passing
from services.alert_delivery.placing import Bounds, KafkaAccess
from services.alert_delivery.settings import DeliverySettings
from services.alert_life.renderings.cloudevents import event_id
from services.alert_life.silences import Silences
from services.runtime import metrics
from services.runtime.kafka import partitions_of
from services.runtime.lifecycle import Lifetime
from services.runtime.log_faults import LogFaults
from services.runtime.offsets import committed_of

log = structlog.stdlib.get_logger()

AGAIN_SECONDS: Final = 5.0
"""Pause before a subscriber is begun anew after a fault of ours."""


class SubscriberGone(Exception):
    """The subscriber has answered 410 Gone."""


@dataclass(frozen=True, slots=True)
class Surrounding:
    """What all subscribers share."""

    kafka: KafkaAccess
    ledger: Ledger
    shelf: Shelf
    silences: Silences
    zones: Mapping[str, str]
    settings: DeliverySettings
    around: Surroundings
    lifetime: Lifetime
    end: Callable[[str, str], Awaitable[None]]
    """Ends a subscription in the register: its id, and why."""


class _Carrier(Courier):
    """Decides about each event of a subscription, and carries those that are passed on."""

    def __init__(self, endpoint: Endpoint, shared: Surrounding, request: RedeliveryRequest | None) -> None:
        super().__init__(endpoint, shared.ledger, shared.shelf.form, shared.around)
        self._endpoint = endpoint
        self._shared = shared
        self._request = request
        self._tried: Mapping[str, int] = {}

    async def prepare(self) -> None:
        """Find out how often what is sent once more was tried before."""
        if self._request is not None:
            self._tried = await self._shared.ledger.attempts(self._request.subscriber, self._request.begin)

    def wants(self, event: Event) -> bool:
        """Whether there is anything to do about an event."""
        if self._request is not None and self._request.event_ids and event_id(event) not in self._request.event_ids:
            return False
        subscription = self._endpoint.subscription
        return (
            is_renderable(event, subscription.rendering)
            and passing(event, subscription.filter, self._zone(event), None) is Passing.SEND
        )

    async def carry(self, errand: Errand) -> None:
        """Return when nothing is to be done about it any more.

        Raises:
            SubscriberGone: the subscriber wants nothing any more.
        """
        event, zone = errand.arrival.event, self._zone(errand.arrival.event)
        if self._request is not None:  # it was asked for by name: no silence covers it
            errand = errand.after(self._tried.get(event_id(event), 0))
        else:
            silence = self._shared.silences.of(event.lane, event.asset, zone, self._shared.around.now())
            if passing(event, self._endpoint.subscription.filter, zone, silence) is Passing.SILENCED and silence:
                await self.withhold(errand, f"{silence.scope} {silence.asset} is silenced until {silence.until}")
                return
        if await self.deliver(errand) is Ended.GONE:
            raise SubscriberGone

    def _zone(self, event: Event) -> str | None:
        return self._shared.zones.get(event.asset)


class Subscriber:
    """Runs from when its subscription becomes active until it is paused or ended."""

    def __init__(self, subscription: Subscription, shared: Surrounding) -> None:
        self.id = subscription.id
        self._shared = shared
        self._settings = shared.settings
        self.endpoint = Endpoint(
            subscription,
            shared.around,
            retry=shared.settings.retry(),
            breaker=shared.settings.breaker(),
            connections=shared.settings.connections,
        )
        self._faults = LogFaults(
            f"{self._part}: its log",
            shared.lifetime.health,
            lambda topic: metrics.DELIVERY_LOG_FAULTS.labels(self.id, topic).inc(),
        )
        self._intakes: dict[str | None, Intake] = {}
        self._redelivering: dict[str, asyncio.Task[None]] = {}
        self._gone = asyncio.Event()

    async def run(self) -> None:
        """Deliver until cancelled, or until the subscriber wants nothing any more.

        Raises:
            LedgerRefused: nothing can be put on record.
        """
        delivering = asyncio.create_task(self._keep(None), name=f"deliver to {self.id}")
        gone = asyncio.create_task(self._gone.wait(), name=f"{self.id} is gone")
        try:
            await asyncio.wait({delivering, gone}, return_when=asyncio.FIRST_COMPLETED)
            if delivering.done() and not self._gone.is_set():
                delivering.result()
        finally:
            tasks = [delivering, gone, *self._redelivering.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.endpoint.close()
            self._shared.lifetime.health.well(self._part)
            self._faults.end()
        if self._gone.is_set():
            await self._shared.end(self.id, f"answered 410 Gone at {self._shared.around.now():%Y-%m-%d %H:%M:%S} UTC")

    def redeliver(self, request: RedeliveryRequest) -> None:
        """Work on a request, once."""
        if request.id not in self._redelivering:
            task = asyncio.create_task(self._keep(request), name=f"redeliver {request.id} to {self.id}")
            self._redelivering[request.id] = task

    def show(self) -> None:
        """Bring the figures, and what health says, up to date."""
        self._faults.look()
        metrics.DELIVERY_IN_HAND.labels(self.id).set(sum(each.in_hand for each in self._intakes.values()))
        state = self.endpoint.breaker.state(self._shared.around.now())
        metrics.DELIVERY_BREAKER.labels(self.id).set(0 if state is BreakerState.CLOSED else 1)

    @property
    def _part(self) -> str:
        return f"subscriber {self.id}"

    async def _keep(self, request: RedeliveryRequest | None) -> None:
        """Begin anew after a fault of ours or of Kafka; other subscribers do not notice."""
        health = self._shared.lifetime.health
        while True:
            try:
                await self._deliver(request)
            except SubscriberGone:
                self._gone.set()
                return
            except LedgerRefused:
                raise
            except Exception as error:
                log.exception("delivering to a subscriber begins anew", action="begin_anew", subscriber=self.id)
                health.trouble(self._part, f"{type(error).__name__}: {error}; nothing is lost, it begins anew")
                await asyncio.sleep(AGAIN_SECONDS)
                health.well(self._part)
            else:
                return

    async def _deliver(self, request: RedeliveryRequest | None) -> None:
        carrier = _Carrier(self.endpoint, self._shared, request)
        await carrier.prepare()
        if request is None:
            await self._say_if_place_is_gone()
        request_id = None if request is None else request.id
        intake = Intake(
            self._shared.kafka,
            self._shared.shelf,
            self._bounds(request),
            carrier=carrier,
            faults=self._faults,
            capacity=self._settings.in_hand,
            asked_at=None if request is None else request.requested_at,
        )
        self._intakes[request_id] = intake
        try:
            await intake.run()
        finally:
            del self._intakes[request_id]
        if request is not None:
            log.info("a redelivery is done", action="redelivered", subscriber=self.id, request=request_id)

    async def _say_if_place_is_gone(self) -> None:
        """A group without any place is that of a new subscriber, unless the ledger knows it."""
        bounds = self._bounds(None)
        if await committed_of(self._shared.kafka.admin, bounds.group):
            return
        if await self._shared.ledger.attempts(self.id, bounds.begin):
            for partition in partitions_of(*TOPICS):
                self._faults.say(partition, bounds.lost)

    def _bounds(self, request: RedeliveryRequest | None) -> Bounds:
        if request is None:
            return Bounds(group_of(self.id), self.endpoint.subscription.added_at)
        return Bounds(group_of(self.id, request.id), request.begin, request.end)
