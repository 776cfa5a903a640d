"""`district deliveries` on 80 columns: a line each, what matters whole, what was said back beside its attempt."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console, RenderableType

from schemas.alert_action import ActionKind, Actor, AlertAction, AlertSummary, action_id_of, receipt_id
from schemas.delivery import DeliveryAttempt, DeliveryOutcome
from services.district.deliveries_command import attempt_lines, receipts_of, row_of, subscriber_lines
from services.district.delivery_topic import Deliveries, said_back
from tests.unit.alert_delivery.made import START, alert, subscription

LONG = "HTTP 503: the city brain is being maintained until noon, come again later; nothing is lost meanwhile"


def attempt(number: int, outcome: DeliveryOutcome, **more: Any) -> DeliveryAttempt:
    told = alert(f"lot-{number}")
    fields: dict[str, Any] = {
        "event_id": told.event_id,
        "alert_id": told.alert_id,
        "event": "acknowledged",
        "feed": told.feed,
        "asset": "lot-with-a-rather-long-name",
        "lane": told.lane,
        "subscriber": "citybrain-simulator",
        "attempt": 12,
        "outcome": outcome,
        "http_status": 503,
        "at": START + timedelta(seconds=number),
        "seconds": 0.1,
        "waited_seconds": 86_399.0,
        "partition": 0,
        "offset": number,
        "topic": "alerts",
    }
    return DeliveryAttempt.model_validate(fields | more)


def said(kind: ActionKind, number: int, by: str = "citybrain-simulator", **more: Any) -> AlertAction:
    told = alert(f"lot-{number}")
    ids = receipt_id(by, told.event_id) if kind is ActionKind.RECEIVE else action_id_of(by, str(number))
    fields: dict[str, Any] = {
        "action_id": ids,
        "kind": kind,
        "at": START + timedelta(minutes=number),
        "actor": Actor.CONSUMER,
        "by": by,
        "lane": told.lane,
        "asset": told.asset,
        "alert": AlertSummary.of(told),
        "seen": 0 if kind is ActionKind.ACKNOWLEDGE else None,
    }
    return AlertAction.model_validate(fields | more)


def lines(shown: RenderableType, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(shown)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_each_subscriber_and_each_attempt_is_one_line(width: int) -> None:
    every = [attempt(n, outcome, detail=LONG) for n, outcome in enumerate(DeliveryOutcome)]
    row = row_of(subscription("citybrain-simulator"), Deliveries(every[1:], {"citybrain-simulator": 123_456}))
    found = lines(subscriber_lines([row, row]), width)
    assert len(found) == 1 + 2 + 2
    assert found[1].split() == ["citybrain-simulator", "active", "123,456", "0", "0", "0"]
    assert found[3].startswith("! citybrain-simulator: 1 failed, 1 refused, 1 withheld, 1 given up; last: HTTP")
    found = lines(attempt_lines(every, {}), width)
    assert len(found) == 1 + 1 + len(every) + len(every)
    assert all(len(line) <= width for line in found)
    for line, each in zip(found[2:], every, strict=False):
        assert each.outcome.value.replace("_", " ") in line
        assert "503" in line
        assert "23:59:59" in line
        assert "cityb" in line
        assert "acknowledged" in line, "what happened is whole"
    assert all("try 12: HTTP 503" in line for line in found[2 + len(every) :])


def test_a_subscriber_that_is_well_again_says_what_it_has_met_without_an_alarm() -> None:
    attempts = [
        attempt(number, outcome, subscriber="brain") for number, outcome in enumerate(list(DeliveryOutcome)[:2])
    ]
    head, line, met = lines(subscriber_lines([row_of(subscription(), Deliveries(attempts, {}))]), 80)
    assert head.split() == ["subscriber", "state", "waiting", "delivered", "receipts", "taken"]
    assert line.split() == ["brain", "active", "–", "1", "0", "0"]
    assert met == "  brain: 1 failed"


def test_what_was_said_back_stands_beside_its_subscriber_and_its_attempt() -> None:
    actions = [
        said(ActionKind.RECEIVE, 1),
        said(ActionKind.RECEIVE, 1, at=START + timedelta(minutes=9)),
        said(ActionKind.ACKNOWLEDGE, 1),
        said(ActionKind.RECEIVE, 2, by="somebody-else"),
        said(ActionKind.ACKNOWLEDGE, 3, actor=Actor.PERSON),
    ]
    returned = said_back(reversed(actions))
    assert [(each.kind, each.by) for each in returned] == [
        (ActionKind.ACKNOWLEDGE, "citybrain-simulator"),
        (ActionKind.RECEIVE, "citybrain-simulator"),
        (ActionKind.RECEIVE, "somebody-else"),
    ]
    attempts = [attempt(number, DeliveryOutcome.DELIVERED, http_status=200) for number in (1, 2)]
    row = row_of(subscription("citybrain-simulator"), Deliveries(attempts, {}, tuple(returned)))
    assert (row.receipts, row.taken, row.receipt_at) == (1, 1, (START + timedelta(minutes=1)).isoformat())
    confirmed, other = lines(attempt_lines(attempts, receipts_of(returned)), 80)[2:]
    assert "delivered 200 ✓" in confirmed
    assert "✓" not in other
