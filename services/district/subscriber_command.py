"""`district subscriber`: who receives alert events by webhook; takes effect within two seconds, without a restart."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import SecretStr, ValidationError

from schemas.alert import Severity
from schemas.fields import Feed
from schemas.subscription import (
    Filter,
    Rendering,
    SigningSecret,
    Subscription,
    SubscriptionRegister,
    SubscriptionState,
)
from services.alert_delivery import book
from services.alert_delivery.addresses import fault_of_url, networks
from services.alert_delivery.signing import is_in_use, rotated
from services.district.errors import ServerSilent, SubscriberUnchanged
from services.district.settings import find_access
from services.district.terminal import add_row, say, say_json, show, table
from services.district.words import UNKNOWN, day_and_time

SECRET_BYTES: Final = 32
KEEP_HOURS: Final = 24.0

subscriber: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The register of subscribers: add, list, pause, resume, end, rotate.",
)
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Id = Annotated[str, typer.Argument(metavar="SUBSCRIBER", show_default=False, help="Its id: letters, digits, . _ -")]


def new_secret() -> SecretStr:
    """Make a signing secret as Standard Webhooks has it."""
    return SecretStr("whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())


class Subscribers:
    """The register of a district, and every change that an operator may make to it."""

    def __init__(self, file: Path) -> None:
        self._file = book.subscribers(file)

    def register(self) -> SubscriptionRegister:
        """Read it.

        Raises:
            RegisterUnreadable: it is damaged.
        """
        return self._file.read()

    def add(self, subscription: Subscription) -> None:
        """Take one in.

        Raises:
            SubscriberUnchanged: its id is taken, its URL cannot be used, or there are too many.
        """
        try:
            fault = fault_of_url(subscription.url, networks(subscription.private_networks))
        except ValueError as error:
            raise SubscriberUnchanged(f"--allow-network: {error}; give it as in 10.1.2.0/24") from error
        if fault is not None:
            hint = "; --allow-network CIDR names one, if it is meant" if "subscription" in fault else ""
            raise SubscriberUnchanged(f"the URL of {subscription.id} cannot be used: {fault}{hint}")

        def step(register: SubscriptionRegister) -> SubscriptionRegister:
            if register.get(subscription.id) is not None:
                raise SubscriberUnchanged(
                    f"{subscription.id} is there already, or was once; `district subscriber resume` goes on with it, "
                    "or choose another id"
                )
            together = sorted((*register.subscriptions, subscription), key=lambda each: each.id)
            try:
                return SubscriptionRegister(subscriptions=tuple(together))
            except ValidationError as error:
                raise SubscriberUnchanged(_first(error)) from error

        self._file.change(step)

    def set_state(self, subscription_id: str, state: SubscriptionState, reason: str) -> None:
        """Pause, resume or end one.

        Raises:
            SubscriberUnchanged: there is no such subscriber.
        """
        self._change(subscription_id, lambda each: each.model_copy(update={"state": state, "state_reason": reason}))

    def rotate(self, subscription_id: str, secret: SecretStr, now: datetime, keep: timedelta) -> None:
        """Sign with another secret from now on, and with the old one for a while longer.

        Raises:
            SubscriberUnchanged: there is no such subscriber.
        """

        def step(each: Subscription) -> Subscription:
            return each.model_copy(update={"secrets": rotated(each.secrets, secret, now, keep)})

        self._change(subscription_id, step)

    def _change(self, subscription_id: str, step: Callable[[Subscription], Subscription]) -> None:
        def change(register: SubscriptionRegister) -> SubscriptionRegister:
            if register.get(subscription_id) is None:
                known = ", ".join(each.id for each in register.subscriptions) or "none yet"
                raise SubscriberUnchanged(f"there is no subscriber {subscription_id} (there are: {known})")
            return SubscriptionRegister(
                subscriptions=tuple(
                    step(each) if each.id == subscription_id else each for each in register.subscriptions
                )
            )

        self._file.change(change)


def register_file() -> Path:
    """Find the register of the district that runs here, or that the environment names.

    Raises:
        ServerSilent: nothing names it.
    """
    file = find_access().subscribers_file
    if file is None:
        raise ServerSilent("set SUBSCRIBERS_FILE to the file of the register, or start the district.")
    return file


@subscriber.command("add")
def add_subscriber(
    subscriber_id: _Id,
    url: Annotated[str, typer.Argument(metavar="URL", show_default=False, help="Where events are posted to.")],
    *,
    name: Annotated[str, typer.Option(metavar="TEXT", help="For people.")] = "",
    rendering: Annotated[Rendering, typer.Option(help="Form of the body.")] = Rendering.CLOUDEVENTS,
    feed: Annotated[list[Feed] | None, typer.Option(help="Only of these feeds; may be repeated, as all below.")] = None,
    severity: Annotated[list[Severity] | None, typer.Option(help="Only of these levels.")] = None,
    zone: Annotated[list[str] | None, typer.Option(help="Only in these zones.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Only of these rules; `water.*` for a beginning.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="Only these: raised, resolved, acknowledged …")] = None,
    no_exercises: Annotated[bool, typer.Option("--no-exercises", help="Nothing of drills.")] = False,
    allow_network: Annotated[
        list[str] | None, typer.Option(metavar="CIDR", help="A network that is not public and that it may be in.")
    ] = None,
    timeout_seconds: Annotated[float, typer.Option(min=0.1, max=60, help="For its whole answer.")] = 10.0,
    give_up_days: Annotated[float, typer.Option(help="So long is one event tried.")] = 3.0,
    as_json: _Json = False,
) -> None:
    """Register a subscriber and print its signing secret, once. Events from now on are sent to it."""
    secret, now = new_secret(), datetime.now(UTC)
    try:
        subscription = Subscription(
            id=subscriber_id,
            name=name,
            url=url,
            rendering=rendering,
            filter=Filter(
                feeds=tuple(feed or ()),
                severities=tuple(severity or ()),
                zones=tuple(zone or ()),
                rules=tuple(rule or ()),
                events=tuple(event or ()),
                exercises=not no_exercises,
            ),
            secrets=(SigningSecret(secret=secret, added_at=now),),
            private_networks=tuple(allow_network or ()),
            timeout_seconds=timeout_seconds,
            give_up_days=give_up_days,
            added_at=now,
        )
    except ValidationError as error:
        raise SubscriberUnchanged(_first(error)) from error
    Subscribers(register_file()).add(subscription)
    _tell(subscriber_id, secret, f"subscriber {subscriber_id}: events from now on go to {url}", as_json=as_json)


@subscriber.command("list")
def list_subscribers(*, as_json: _Json = False) -> None:
    """Print the register, without secrets."""
    known, now = Subscribers(register_file()).register().subscriptions, datetime.now(UTC)
    if as_json:
        say_json([_shown(each, now) for each in known])
        return
    if not known:
        say("there is no subscriber")
        return
    found = table("subscriber", "state", "URL", "form", "filter", "secrets", "since")
    for each in known:
        state = each.state.value + (f": {each.state_reason}" if each.state_reason else "")
        in_use = sum(is_in_use(secret, now) for secret in each.secrets)
        cells = (each.id, state, each.url, each.rendering.value, _filter_words(each.filter), in_use)
        add_row(found, (*cells, day_and_time(each.added_at)))
    show(None, found)


@subscriber.command("pause")
def pause_subscriber(
    subscriber_id: _Id, *, reason: Annotated[str, typer.Option(metavar="TEXT", help="For the others.")] = ""
) -> None:
    """Send nothing for a while; events wait in Kafka (90 days at most)."""
    Subscribers(register_file()).set_state(subscriber_id, SubscriptionState.PAUSED, reason)
    say(f"subscriber {subscriber_id} is paused: its events wait")


@subscriber.command("resume")
def resume_subscriber(subscriber_id: _Id) -> None:
    """Go on where it was paused or ended."""
    Subscribers(register_file()).set_state(subscriber_id, SubscriptionState.ACTIVE, "")
    say(f"subscriber {subscriber_id} goes on where it was")


@subscriber.command("end")
def end_subscriber(
    subscriber_id: _Id, *, reason: Annotated[str, typer.Option(metavar="TEXT", help="For the others.")] = ""
) -> None:
    """Send nothing any more."""
    Subscribers(register_file()).set_state(subscriber_id, SubscriptionState.ENDED, reason or "by the operator")
    say(f"subscriber {subscriber_id} is ended: nothing is sent any more")


@subscriber.command("rotate")
def rotate_secret(
    subscriber_id: _Id,
    *,
    keep_hours: Annotated[float, typer.Option(min=0, help="So long the old secret signs as well.")] = KEEP_HOURS,
    as_json: _Json = False,
) -> None:
    """Make another signing secret and print it, once; the old one signs as well for a while."""
    secret, keep = new_secret(), timedelta(hours=keep_hours)
    Subscribers(register_file()).rotate(subscriber_id, secret, datetime.now(UTC), keep)
    _tell(subscriber_id, secret, f"subscriber {subscriber_id} has another secret", as_json=as_json)


def _tell(subscriber_id: str, secret: SecretStr, what: str, *, as_json: bool) -> None:
    if as_json:
        say_json({"subscriber": subscriber_id, "secret": secret.get_secret_value()})
        return
    say(what)
    say(f"  signing secret, shown once  {secret.get_secret_value()}")


def _shown(each: Subscription, now: datetime) -> dict[str, object]:
    shown = each.model_dump(mode="json", exclude={"secrets"})
    return shown | {"secrets": sum(is_in_use(secret, now) for secret in each.secrets)}


def _filter_words(wanted: Filter) -> str:
    parts = {
        "feed": wanted.feeds,
        "severity": wanted.severities,
        "zone": wanted.zones,
        "rule": wanted.rules,
        "event": wanted.events,
    }
    said = [f"{name} {'|'.join(map(str, values))}" for name, values in parts.items() if values]
    return ", ".join([*said, *(() if wanted.exercises else ("no exercises",))]) or UNKNOWN


def _first(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
