"""The simulated city brain of `district run`: a subscriber like any other, paused while it does not run."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from deploy.local.errors import KeysUnchanged
from deploy.local.key_book import KeyBook
from deploy.local.ports import LOOPBACK
from deploy.local.stack import ServiceSpec, Stack
from schemas.api_key import Role
from schemas.subscription import SigningSecret, Subscription, SubscriptionRegister, SubscriptionState
from services.alert_delivery import book
from services.district.citybrain.received import NAME
from services.district.subscriber_command import new_secret
from services.runtime.errors import PlatformError

SUBSCRIBER: Final = "citybrain-simulator"
TITLE: Final = "Simulated city brain"
PAUSED: Final = "the simulated city brain does not run"


async def bring_up(stack: Stack, *, wanted: bool, api: str, now: datetime) -> str | None:
    """Start it and have events sent to it, or see that it is sent none; what goes wrong does not stop the district.

    Args:
        api: Address of the operations API, which takes its receipts.

    Returns:
        What the operator is told; None: nothing.
    """
    register_file = stack.settings.subscribers_register
    try:
        if not wanted:
            await asyncio.to_thread(pause, register_file)
            return None
        secret = await asyncio.to_thread(signing_secret, register_file)
        key = await asyncio.to_thread(api_key, stack.settings.keys_file, now)
        await stack.start_service(service(stack.settings.state, secret, receipts=None if key is None else (api, key)))
        port = stack.metrics_port(NAME) or 0
        await asyncio.to_thread(subscribe, register_file, port, secret, now)
    except PlatformError as error:
        return f"City brain: it is sent no events: {error}"
    return f"City brain (simulated): http://{LOOPBACK}:{port}/received says what it has; it is subscriber {SUBSCRIBER}"


def signing_secret(register_file: Path) -> SecretStr:
    """The secret of its subscription; a new one when it has none.

    Raises:
        RegisterUnreadable: the register is damaged.
    """
    known = book.subscribers(register_file).read().get(SUBSCRIBER)
    return new_secret() if known is None else known.secrets[0].secret


def api_key(keys_file: Path, now: datetime) -> SecretStr | None:
    """A key for its receipts, another one in each run, so that none lies on the disk; None: the operator revoked it.

    Raises:
        KeysUnreadable: the register is damaged.
    """
    try:
        return SecretStr(KeyBook(keys_file).renew(SUBSCRIBER, TITLE, Role.INTEGRATOR, now))
    except KeysUnchanged:
        return None


def service(state: Path, secret: SecretStr, *, receipts: tuple[str, SecretStr] | None = None) -> ServiceSpec:
    """The reference consumer as a service; it takes events and answers for its health on one port.

    Args:
        receipts: Address of the operations API and its key there; None: it sends none.
    """
    folder = state / NAME
    extra = {"CITYBRAIN_SECRETS": secret.get_secret_value(), "CITYBRAIN_FILE": str(folder / "books.jsonl")}
    if receipts is not None:
        extra |= {"CITYBRAIN_API_URL": receipts[0], "CITYBRAIN_API_KEY": receipts[1].get_secret_value()}
    return ServiceSpec(NAME, (sys.executable, "-m", "simulators.citybrain"), NAME, extra, folder=folder)


def subscribe(register_file: Path, port: int, secret: SecretStr, now: datetime) -> None:
    """Have events sent to it from now on, or again; what the operator has paused or ended stays so.

    Raises:
        RegisterUnreadable: the register is damaged, or cannot be written.
    """
    url = f"http://{LOOPBACK}:{port}/events"

    def step(register: SubscriptionRegister) -> SubscriptionRegister:
        known = register.get(SUBSCRIBER)
        if known is None:
            added = Subscription(
                id=SUBSCRIBER,
                name=TITLE,
                url=url,
                secrets=(SigningSecret(secret=secret, added_at=now),),
                private_networks=(f"{LOOPBACK}/32",),
                added_at=now,
            )
            return _with(register, added)
        resumed = {"state": SubscriptionState.ACTIVE, "state_reason": ""} if known.state_reason == PAUSED else {}
        return _with(register, known.model_copy(update={"url": url, **resumed}))

    book.subscribers(register_file).change(step)


def pause(register_file: Path) -> None:
    """Send it nothing while it does not run; events wait.

    Raises:
        RegisterUnreadable: the register is damaged, or cannot be written.
    """
    subscribers = book.subscribers(register_file)
    known = subscribers.read().get(SUBSCRIBER)
    if known is not None and known.state is SubscriptionState.ACTIVE:
        subscribers.change(lambda register: book.with_state(register, SUBSCRIBER, SubscriptionState.PAUSED, PAUSED))


def _with(register: SubscriptionRegister, subscription: Subscription) -> SubscriptionRegister:
    others = [each for each in register.subscriptions if each.id != SUBSCRIBER]
    together = sorted((*others, subscription), key=lambda each: each.id)
    return SubscriptionRegister(subscriptions=tuple(together))
