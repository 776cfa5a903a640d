"""One event to one subscriber: what stands in the ledger, and when it is finished."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.delivery import DeliveryAttempt, DeliveryOutcome
from schemas.subscription import Rendering
from services.alert_delivery.answers import Answer, RetryPolicy
from services.alert_delivery.breaker import BreakerPolicy
from services.alert_delivery.delivering import Courier, Ended, Errand
from services.alert_delivery.endpoint import Endpoint, Surroundings
from services.alert_delivery.events import Arrival, Place
from services.alert_delivery.progress import Progress
from tests.unit.alert_delivery.made import SECRET, alert, subscription
from tests.unit.alert_delivery.test_endpoint import Script

QUICK = RetryPolicy(first=timedelta(seconds=0.001), longest=timedelta(seconds=0.002))
DELIVERED, FAILED, REFUSED = DeliveryOutcome.DELIVERED, DeliveryOutcome.FAILED, DeliveryOutcome.REFUSED
GIVEN_UP, WITHHELD = DeliveryOutcome.GIVEN_UP, DeliveryOutcome.WITHHELD


class Written:
    """Stands where the ledger is."""

    def __init__(self) -> None:
        self.attempts: list[DeliveryAttempt] = []

    async def record(self, attempt: DeliveryAttempt) -> None:
        self.attempts.append(attempt)

    @property
    def story(self) -> list[tuple[int, DeliveryOutcome]]:
        return [(each.attempt, each.outcome) for each in self.attempts]


def render(arrival: Arrival, _rendering: Rendering) -> tuple[Mapping[str, str], bytes]:
    if arrival.event.asset == "unspeakable":
        raise KeyError("no word for it")
    return {"content-type": "text/plain"}, b"body"


class Round:
    """A courier with a script of answers."""

    def __init__(self, *answers: Answer, failures: int = 5, **more: Any) -> None:
        self.script, self.ledger = Script(), Written()
        self.script.answers = list(answers)
        around = Surroundings(lambda: datetime.now(UTC), lambda: 0.5, self.script.open)
        breaker = BreakerPolicy(failures, timedelta(seconds=0.001), timedelta(seconds=0.002))
        self.endpoint = Endpoint(subscription(**more), around, retry=QUICK, breaker=breaker, connections=2)
        self.courier = Courier(self.endpoint, self.ledger, render, around)  # type: ignore[arg-type]

    def errand(self, asset: str = "lot-1", *, age: timedelta = timedelta(), tried: int = 0) -> Errand:
        progress = Progress(7)
        progress.begin(7)
        recorded_at = datetime.now(UTC) - age
        return Errand(Arrival(Place("alerts", 0, 7), alert(asset), None, recorded_at), progress, tried)


async def test_each_attempt_is_on_record_with_its_number_its_reason_and_when_it_is_tried_again() -> None:
    made = Round(Answer(500, detail="HTTP 500: oh"), Answer(None, detail="no answer"), Answer(204))
    assert await made.courier.deliver(made.errand()) is Ended.DELIVERED
    assert made.ledger.story == [(1, FAILED), (2, FAILED), (3, DELIVERED)]
    first, second, third = made.ledger.attempts
    assert (first.http_status, first.detail) == (500, "HTTP 500: oh")
    assert first.next_at is not None
    assert first.next_at >= first.at
    assert (second.http_status, third.next_at, third.detail) == (None, None, "")
    assert (third.topic, third.partition, third.offset, third.subscriber) == ("alerts", 0, 7, "brain")


async def test_attempts_count_on_from_before_a_restart() -> None:
    made = Round(Answer(500), Answer(204))
    errand = made.errand(tried=4)
    assert await made.courier.deliver(errand) is Ended.DELIVERED
    assert made.ledger.story == [(5, FAILED), (6, DELIVERED)]
    assert errand.after(9).tried == 9
    assert errand.after(2).tried == 4


@pytest.mark.parametrize(("status", "ended"), [(400, Ended.REFUSED), (302, Ended.REFUSED), (410, Ended.GONE)])
async def test_an_answer_that_will_not_change_is_final(status: int, ended: Ended) -> None:
    made = Round(Answer(status))
    assert await made.courier.deliver(made.errand()) is ended
    assert made.ledger.story == [(1, REFUSED)]


async def test_an_event_without_a_form_is_refused_and_nothing_is_sent() -> None:
    made = Round()
    assert await made.courier.deliver(made.errand("unspeakable")) is Ended.REFUSED
    assert made.ledger.story == [(1, REFUSED)]
    assert "cannot be sent as cloudevents: KeyError" in made.ledger.attempts[0].detail
    assert made.script.asked == 0


async def test_an_old_event_is_given_up_once_it_has_failed_for_its_time() -> None:
    """Its time is a hundredth of a second here, so is the grace."""
    made = Round(*[Answer(500)] * 500, failures=10_000, give_up_days=0.01 / 86_400)
    assert await made.courier.deliver(made.errand(age=timedelta(days=1))) is Ended.GIVEN_UP
    *before, last = made.ledger.story
    assert [outcome for _, outcome in before] == [FAILED] * len(before)
    assert before
    assert last == (len(before) + 1, GIVEN_UP)


async def test_what_waits_behind_a_dead_subscriber_is_given_up_without_being_sent() -> None:
    made = Round(*[Answer(None)] * 500, failures=1, give_up_days=0.02 / 86_400)
    assert await made.courier.deliver(made.errand()) is Ended.GIVEN_UP
    made.endpoint.breaker = made.endpoint.breaker.__class__(
        failures=9,
        failing_since=datetime.now(UTC) - timedelta(days=2),
        open_until=datetime.now(UTC) + timedelta(days=2),
    )
    asked = made.script.asked
    assert await made.courier.deliver(made.errand("lot-2", age=timedelta(days=1), tried=3)) is Ended.GIVEN_UP
    assert made.script.asked == asked
    assert made.ledger.story[-1] == (4, GIVEN_UP)
    assert "not tried any more" in made.ledger.attempts[-1].detail


async def test_what_is_withheld_is_on_record() -> None:
    made = Round()
    await made.courier.withhold(made.errand(), "asset lot-1 is silenced")
    assert made.ledger.story == [(1, WITHHELD)]
    assert made.script.asked == 0


async def test_letting_go_waits_for_what_is_under_way_and_begins_nothing() -> None:
    made = Round()
    first = asyncio.create_task(made.courier.deliver(made.errand("lot-1")))
    while made.script.asked == 0:  # noqa: ASYNC110 - the script tells nobody
        await asyncio.sleep(0)
    await made.courier.let_go(5.0)
    assert made.ledger.story == [(1, DELIVERED)]
    later = asyncio.create_task(made.courier.deliver(made.errand("lot-2")))
    await asyncio.sleep(0.02)
    assert not later.done()
    later.cancel()
    await asyncio.gather(first, later, return_exceptions=True)
    made.courier.go_on()
    assert await made.courier.deliver(made.errand("lot-3")) is Ended.DELIVERED
    assert made.script.asked == 2


async def test_a_secret_that_is_none_is_our_fault_and_no_refusal() -> None:
    """It ends this subscriber's round, which begins anew and says so; the event is not passed over."""
    made = Round()
    broken = (
        subscription().secrets[0].model_copy(update={"secret": type(subscription().secrets[0].secret)(SECRET[:-1])})
    )
    made.endpoint.follow(subscription().model_copy(update={"secrets": (broken,)}))
    with pytest.raises(ValueError, match="base64"):
        await made.courier.deliver(made.errand())
    assert made.ledger.story == []
