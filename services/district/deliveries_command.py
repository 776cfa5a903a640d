"""`district deliveries`: how far each subscriber is, what failed, the last attempts, and what was said back of them.

From Kafka alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from schemas.alert_action import ActionKind, AlertAction, receipt_id
from schemas.delivery import DeliveryAttempt, DeliveryOutcome
from schemas.subscription import Subscription
from services.alert_delivery import book
from services.district.delivery_topic import Deliveries, read_deliveries
from services.district.settings import find_access
from services.district.subscriber_command import register_file
from services.district.terminal import HEADER_STYLE, cell, one_line, say, say_json, show
from services.district.words import clock, count, day_and_time, span
from services.runtime.printable import printable

TROUBLE: Final = frozenset({DeliveryOutcome.FAILED, DeliveryOutcome.REFUSED, DeliveryOutcome.GIVEN_UP})
SHORT_ID: Final = 8


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
    receipts: int = 0
    """Events that it says it has in its own books, of the newest that were looked at."""
    taken: int = 0
    """Alerts that its own desk has acknowledged."""
    receipt_at: str | None = None
    """When it said so last."""


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
    received = receipts_of(found.returned)
    if as_json:
        said = [each.model_dump(mode="json") | {"receipt_at": _receipt_at(each, received)} for each in attempts]
        say_json({"subscribers": list(map(asdict, rows)), "attempts": said})
        return
    if not rows:
        say("there is no subscriber")
    else:
        show(None, subscriber_lines(rows))
    if attempts:
        show(None, attempt_lines(attempts, received))


def receipts_of(returned: Iterable[AlertAction]) -> dict[str, datetime]:
    """When each receipt was given, by its id. Pure."""
    return {action.action_id: action.at for action in returned if action.kind is ActionKind.RECEIVE}


def _receipt_at(attempt: DeliveryAttempt, received: Mapping[str, datetime]) -> datetime | None:
    return received.get(receipt_id(attempt.subscriber, attempt.event_id))


def row_of(subscription: Subscription, found: Deliveries) -> Row:
    """How a subscriber stands, from what Kafka says. Pure."""
    own = [each for each in found.attempts if each.subscriber == subscription.id]
    outcomes = {outcome.value: sum(each.outcome is outcome for each in own) for outcome in DeliveryOutcome}
    went_well = next((each for each in own if each.outcome is DeliveryOutcome.DELIVERED), None)
    newest = next((each for each in own if each.outcome is not DeliveryOutcome.WITHHELD), None)
    said = [each for each in found.returned if each.by == subscription.id]
    receipts = [each for each in said if each.kind is ActionKind.RECEIVE]
    is_trouble = newest is not None and newest.outcome in TROUBLE
    return Row(
        subscriber=subscription.id,
        state=subscription.state.value,
        waiting=found.waiting.get(subscription.id),
        outcomes={name: number for name, number in outcomes.items() if number},
        delivered_at=None if went_well is None else went_well.at.isoformat(),
        trouble=newest.detail or newest.outcome.value if newest is not None and is_trouble else None,
        receipts=len(receipts),
        taken=len(said) - len(receipts),
        receipt_at=receipts[-1].at.isoformat() if receipts else None,
    )


def subscriber_lines(rows: Sequence[Row]) -> RenderableType:
    """A line for each subscriber, and one for each that has met anything else than success. Pure."""
    made = one_line(("left", 1), ("left", 0), *(("right", 0) for _ in range(4)))
    heads = ("subscriber", "state", "waiting", "delivered", "receipts", "taken")
    made.add_row(*(Text(head, style=HEADER_STYLE) for head in heads))
    for row in rows:
        counts = (row.waiting, row.outcomes.get(DeliveryOutcome.DELIVERED.value, 0), row.receipts, row.taken)
        made.add_row(cell(row.subscriber), cell(row.state), *(cell(count(each)) for each in counts))
    return Group(made, *(_line(line) for row in rows if (line := _met(row))))


def attempt_lines(attempts: Sequence[DeliveryAttempt], received: Mapping[str, datetime]) -> RenderableType:
    """A line for each attempt, and below them one for each that says something. Pure."""
    made = one_line(("left", 0), ("left", 4), ("left", 5), ("left", 3), ("left", 0), ("right", 0), gap=1)
    heads = ("at", "subscriber", "event", "asset", "outcome ✓ receipt", "waited")
    made.add_row(*(Text(head, style=HEADER_STYLE) for head in heads))
    for each in attempts:
        outcome = _outcome(each) + (" ✓" if _receipt_at(each, received) else "")
        event = f"{each.event} {(each.alert_id or each.event_id)[:SHORT_ID]}"
        made.add_row(
            *map(cell, (_at(each.at), each.subscriber, event, each.asset, outcome, _seconds(each.waited_seconds)))
        )
    return Group(Text(""), made, *(_line(_told(each)) for each in attempts if each.detail))


def _met(row: Row) -> str:
    """What has become of events that were not delivered at once, and what the last one has met; empty: nothing."""
    others = [each for each in DeliveryOutcome if each is not DeliveryOutcome.DELIVERED and each.value in row.outcomes]
    counts = ", ".join(f"{count(row.outcomes[each.value])} {_words(each)}" for each in others)
    if not counts:
        return ""
    return f"! {row.subscriber}: {counts}; last: {row.trouble}" if row.trouble else f"  {row.subscriber}: {counts}"


def _told(attempt: DeliveryAttempt) -> str:
    again = "" if attempt.next_at is None else f"; again at {clock(attempt.next_at)}"
    return f"! {_at(attempt.at)} {attempt.subscriber}, try {attempt.attempt}: {attempt.detail}{again}"


def _outcome(attempt: DeliveryAttempt) -> str:
    status = "" if attempt.http_status is None else f" {attempt.http_status}"
    return f"{_words(attempt.outcome)}{status}{' (again)' if attempt.redelivery else ''}"


def _words(outcome: DeliveryOutcome) -> str:
    return outcome.value.replace("_", " ")


def _at(at: datetime) -> str:
    return f"{day_and_time(at)[5:10]} {clock(at)}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else span(timedelta(seconds=seconds))


def _line(text: str) -> Text:
    return Text(printable(text), no_wrap=True, overflow="ellipsis")
