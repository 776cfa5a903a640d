"""`district deliveries`: how far each subscriber is, what failed, and the last attempts; from Kafka alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

import typer

from schemas.delivery import DeliveryAttempt, DeliveryOutcome
from schemas.subscription import Subscription
from services.alert_delivery import book
from services.district.delivery_topic import Deliveries, read_deliveries
from services.district.settings import find_access
from services.district.subscriber_command import register_file
from services.district.terminal import add_row, say, say_json, show, table
from services.district.words import UNKNOWN, clock, count, day_and_time, span

TROUBLE: Final = frozenset({DeliveryOutcome.FAILED, DeliveryOutcome.REFUSED, DeliveryOutcome.GIVEN_UP})
SHORT_ID: Final = 8
DETAIL_CHARACTERS: Final = 80


@dataclass(frozen=True, slots=True)
class Row:
    """How one subscriber stands."""

    subscriber: str
    state: str
    waiting: int | None
    """Records that it is not through with; None: it has not begun."""
    outcomes: dict[str, int]
    """Of the attempts that were looked at."""
    delivered_at: str | None
    trouble: str | None
    """What its last attempt has met; None when it went well."""


def deliveries(
    *,
    subscriber: Annotated[str | None, typer.Option(help="Only of this one.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only attempts that failed, or were given up.")] = False,
    last: Annotated[int, typer.Option(min=1, help="At most so many attempts.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show lag and failures of each subscriber, and the last attempts. Works with the database down."""
    file = register_file()
    known = [each for each in book.subscribers(file).read().subscriptions if subscriber in {None, each.id}]
    found = asyncio.run(read_deliveries(find_access().kafka, [each.id for each in known]))
    rows = [row_of(each, found) for each in known]
    attempts = [
        each
        for each in found.attempts
        if subscriber in {None, each.subscriber} and (not failed or each.outcome in TROUBLE)
    ][:last]
    if as_json:
        say_json(
            {"subscribers": list(map(asdict, rows)), "attempts": [each.model_dump(mode="json") for each in attempts]}
        )
        return
    _show_rows(rows)
    _show_attempts(attempts)


def row_of(subscription: Subscription, found: Deliveries) -> Row:
    """How a subscriber stands, from what Kafka says. Pure."""
    own = [each for each in found.attempts if each.subscriber == subscription.id]
    outcomes = {outcome.value: sum(each.outcome is outcome for each in own) for outcome in DeliveryOutcome}
    went_well = next((each for each in own if each.outcome is DeliveryOutcome.DELIVERED), None)
    newest = next((each for each in own if each.outcome is not DeliveryOutcome.WITHHELD), None)
    is_trouble = newest is not None and newest.outcome in TROUBLE
    return Row(
        subscriber=subscription.id,
        state=subscription.state.value,
        waiting=found.waiting.get(subscription.id),
        outcomes={name: number for name, number in outcomes.items() if number},
        delivered_at=None if went_well is None else went_well.at.isoformat(),
        trouble=newest.detail or newest.outcome.value if newest is not None and is_trouble else None,
    )


def _show_rows(rows: Sequence[Row]) -> None:
    if not rows:
        say("there is no subscriber")
        return
    made = table("subscriber", "state", "waiting", *(outcome.value for outcome in DeliveryOutcome), "trouble")
    for row in rows:
        counts = (count(row.outcomes.get(outcome.value, 0)) for outcome in DeliveryOutcome)
        add_row(made, (row.subscriber, row.state, count(row.waiting), *counts, _short(row.trouble)))
    show(None, made)


def _show_attempts(attempts: Sequence[DeliveryAttempt]) -> None:
    if not attempts:
        return
    made = table("at", "subscriber", "event", "asset", "try", "outcome", "HTTP", "waited", "next", "detail")
    for each in attempts:
        event = f"{each.event} {(each.alert_id or each.event_id)[:SHORT_ID]}"
        tried = f"{each.attempt}{' (again)' if each.redelivery else ''}"
        status: Any = UNKNOWN if each.http_status is None else each.http_status
        waited = span(timedelta(seconds=each.waited_seconds))
        following = UNKNOWN if each.next_at is None else clock(each.next_at)
        cells = (day_and_time(each.at), each.subscriber, event, each.asset, tried, each.outcome.value, status, waited)
        add_row(made, (*cells, following, _short(each.detail)))
    show(None, made)


def _short(text: str | None) -> str:
    if not text:
        return UNKNOWN
    return text if len(text) <= DETAIL_CHARACTERS else f"{text[: DETAIL_CHARACTERS - 1]}…"
