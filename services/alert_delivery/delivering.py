"""One event to one subscriber: attempt after attempt until it is delivered, refused or given up.

1. Wait for a turn: the breaker is closed, and not too many are under way.
2. Send; each attempt is in the ledger before anything else follows from it.
3. Delivered, or refused: finished. Else wait and try again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog

from schemas.delivery import DeliveryAttempt, DeliveryOutcome
from services.alert_delivery.answers import Answer, Verdict, is_given_up, judge, wait_before_next
from services.alert_delivery.channel import Post
from services.alert_delivery.endpoint import Endpoint, Surroundings, Turn
from services.alert_delivery.events import Arrival, Renderer, alert_of, feed_of
from services.alert_delivery.ledger import Ledger
from services.alert_delivery.progress import Progress
from services.alert_delivery.signing import signature_headers
from services.alert_life.renderings.cloudevents import event_id
from services.runtime import metrics

log = structlog.stdlib.get_logger()

_OUTCOMES: Final = {
    Verdict.DELIVERED: DeliveryOutcome.DELIVERED,
    Verdict.AGAIN: DeliveryOutcome.FAILED,
    Verdict.REFUSED: DeliveryOutcome.REFUSED,
    Verdict.GONE: DeliveryOutcome.REFUSED,
}
LONGEST: Final = timedelta(days=1)


class Ended(StrEnum):
    """How delivering one event has come to its end."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    GONE = "gone"
    """The subscriber has answered 410: nothing more is sent, and this event is not finished."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One event that is to be delivered."""

    arrival: Arrival
    progress: Progress
    """Of its partition."""
    tried: int
    """How often it was tried before."""
    asked_at: datetime | None = None
    """When an operator asked for it once more; None: it is the first time."""

    def after(self, attempts: int) -> Errand:
        """The same after so many attempts that only the ledger knows of."""
        return replace(self, tried=max(self.tried, attempts))


class Courier:
    """Carries events to one subscriber."""

    def __init__(self, endpoint: Endpoint, ledger: Ledger, render: Renderer, around: Surroundings) -> None:
        self._endpoint = endpoint
        self._ledger = ledger
        self._render = render
        self._around = around
        self._under_way = 0
        self._is_leaving = False
        self._settled = asyncio.Event()

    async def let_go(self, seconds: float) -> None:
        """Begin no attempt any more, and wait so long for those that are under way."""
        self._is_leaving = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._under_way:
                    self._settled.clear()
                    await self._settled.wait()

    def go_on(self) -> None:
        """Begin attempts again."""
        self._is_leaving = False

    async def deliver(self, errand: Errand) -> Ended:
        """Return when nothing is to be done about the event any more."""
        tried, failing_since = errand.tried, None
        retry = self._endpoint.retry
        began_at = errand.asked_at or errand.arrival.recorded_at

        def is_over(now: datetime) -> bool:
            since = [at for at in (failing_since, self._endpoint.breaker.failing_since) if at is not None]
            return is_given_up(began_at, min(since, default=None), now, self._give_up_after)

        while True:
            if (fault := self._fault_of(errand.arrival)) is not None:
                now = self._around.now()
                await self._record(errand, tried + 1, DeliveryOutcome.REFUSED, now, Answer(None, detail=fault))
                return Ended.REFUSED
            turn = await self._endpoint.turn(is_over)
            if turn is None:
                answer = Answer(None, detail="not tried any more: everything sent to this subscriber fails for long")
                await self._record(errand, tried + 1, DeliveryOutcome.GIVEN_UP, self._around.now(), answer)
                return Ended.GIVEN_UP
            if self._is_leaving:
                self._endpoint.leave(turn)
                await asyncio.get_running_loop().create_future()  # whoever leaves cancels it
            tried += 1
            async with self._attempt_under_way():
                sent_at, answer = await self._send(errand.arrival, turn)
                now, verdict = self._around.now(), judge(answer.status)
                errand.progress.tried(errand.arrival.place.offset, tried)
                failing_since = failing_since or now
                outcome, wait = _OUTCOMES[verdict], None
                if verdict is Verdict.AGAIN and is_over(now):
                    outcome = DeliveryOutcome.GIVEN_UP
                elif verdict is Verdict.AGAIN:
                    wait = wait_before_next(retry, tried - errand.tried, self._around.chance(), answer.asked)
                await self._record(errand, tried, outcome, sent_at, answer, took=now - sent_at, wait=wait)
            if wait is None:
                return Ended.GIVEN_UP if verdict is Verdict.AGAIN else Ended(verdict.value)
            await self._endpoint.pause(wait)

    async def _send(self, arrival: Arrival, turn: Turn) -> tuple[datetime, Answer]:
        try:
            sent_at = self._around.now()
            return sent_at, await self._endpoint.attempt(self._post(arrival, sent_at))
        finally:
            self._endpoint.leave(turn)

    @asynccontextmanager
    async def _attempt_under_way(self) -> AsyncIterator[None]:
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._settled.set()

    async def withhold(self, errand: Errand, why: str) -> None:
        """Put on record that an event is not sent."""
        answer = Answer(None, detail=why)
        await self._record(errand, errand.tried + 1, DeliveryOutcome.WITHHELD, self._around.now(), answer)

    def _fault_of(self, arrival: Arrival) -> str | None:
        """Why an event cannot be put into the subscriber's form, None when it can; the next is not held up."""
        rendering = self._endpoint.subscription.rendering
        try:
            self._render(arrival, rendering)
        except Exception as error:
            log.exception("an event cannot be rendered and is left out", action="pass_over", rendering=rendering)
            return f"this event cannot be sent as {rendering}: {type(error).__name__}"
        return None

    @property
    def _give_up_after(self) -> timedelta:
        return timedelta(days=self._endpoint.subscription.give_up_days)

    def _post(self, arrival: Arrival, now: datetime) -> Post:
        subscription = self._endpoint.subscription
        headers, body = self._render(arrival, subscription.rendering)
        signature = signature_headers(event_id(arrival.event), body, subscription.secrets, now)
        return Post(subscription.url, {**headers, **signature}, body, subscription.timeout_seconds)

    async def _record(
        self,
        errand: Errand,
        attempt: int,
        outcome: DeliveryOutcome,
        sent_at: datetime,
        answer: Answer,
        *,
        took: timedelta = timedelta(),
        wait: timedelta | None = None,
    ) -> None:
        arrival, event = errand.arrival, errand.arrival.event
        took = min(max(took, timedelta()), LONGEST)
        waited = max(sent_at - arrival.recorded_at, timedelta())
        record = DeliveryAttempt(
            event_id=event_id(event),
            alert_id=alert_of(event),
            event=str(event.event),
            feed=feed_of(event),
            asset=event.asset,
            lane=event.lane,
            subscriber=self._endpoint.subscription.id,
            attempt=attempt,
            redelivery=errand.asked_at is not None,
            outcome=outcome,
            http_status=answer.status,
            at=sent_at,
            seconds=took.total_seconds(),
            waited_seconds=waited.total_seconds(),
            next_at=None if wait is None else sent_at + took + wait,
            partition=arrival.place.partition,
            offset=arrival.place.offset,
            topic=arrival.place.topic,
            detail=answer.detail,
        )
        await self._ledger.record(record)
        if outcome is DeliveryOutcome.DELIVERED and errand.asked_at is None:
            metrics.DELIVERY_SECONDS.observe(waited.total_seconds() + took.total_seconds())
