"""`district redeliver`: send a range of events to a subscriber once more; the service does it, by a request."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic import ValidationError

from schemas.redelivery import MAX_REQUESTS, RedeliveryRegister, RedeliveryRequest
from services.alert_delivery import book
from services.district.errors import SubscriberUnchanged
from services.district.subscriber_command import Subscribers, register_file
from services.district.terminal import say, say_json


def redeliver(
    subscriber: Annotated[str, typer.Argument(metavar="SUBSCRIBER", show_default=False, help="To whom.")],
    *,
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="2026-07-01T08:00:00+08:00, or with Z.")],
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Until then; else until now.")] = None,
    event_id: Annotated[list[str] | None, typer.Option(help="Only this event; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send the events that came to Kafka in a range once more, those that its filter lets pass, silenced ones as well.

    Attempts count on; the subscriber recognises what it has by its id.
    """
    file, now = register_file(), datetime.now(UTC)
    if Subscribers(file).register().get(subscriber) is None:
        raise SubscriberUnchanged(f"there is no subscriber {subscriber}")
    try:
        request = RedeliveryRequest(
            id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
            subscriber=subscriber,
            begin=_moment(begin),
            end=now if end is None else _moment(end),
            event_ids=tuple(event_id or ()),
            requested_at=now,
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise SubscriberUnchanged(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    def step(register: RedeliveryRegister) -> RedeliveryRegister:
        kept = [each for each in register.requests if each.is_open(now)]
        if len(kept) >= MAX_REQUESTS:
            raise SubscriberUnchanged(f"{MAX_REQUESTS} redeliveries are open; try again when some of them are over")
        return RedeliveryRegister(requests=(*kept, request))

    book.redeliveries(file).change(step)
    if as_json:
        say_json(request.model_dump(mode="json"))
    else:
        say(f"redelivery {request.id}: `district deliveries --subscriber {subscriber}` shows how it goes")


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise SubscriberUnchanged(f"{text} is no time; write 2026-07-01T08:00:00+08:00") from error
    if at.tzinfo is None:
        raise SubscriberUnchanged(f"{text} says no offset; write {text}+08:00 for local time, or {text}Z")
    return at.astimezone(UTC)
