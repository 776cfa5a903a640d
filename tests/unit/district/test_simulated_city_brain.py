"""The simulated city brain as a subscriber: added once, found again on another port, paused while it does not run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.local.key_book import KeyBook
from schemas.api_key import Role
from schemas.subscription import SubscriptionState
from services.alert_delivery import book
from services.alert_delivery.errors import RegisterUnreadable
from services.district.citybrain.received import events_received
from services.district.citybrain.simulated import PAUSED, SUBSCRIBER, api_key, pause, service, signing_secret, subscribe
from services.district.subscriber_command import Subscribers
from services.operations_api.keys import holder_of

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def register(tmp_path: Path) -> Path:
    return tmp_path / "subscribers" / "subscribers.json"


def test_it_keeps_its_secret_and_its_place_over_runs(register: Path) -> None:
    secret = signing_secret(register)
    subscribe(register, 1234, secret, NOW)
    assert signing_secret(register) == secret
    subscribe(register, 4321, signing_secret(register), NOW + timedelta(days=1))
    (known,) = book.subscribers(register).read().subscriptions
    assert (known.id, known.url, known.added_at) == (SUBSCRIBER, "http://127.0.0.1:4321/events", NOW)
    assert known.private_networks == ("127.0.0.1/32",)


def test_it_is_sent_nothing_while_it_does_not_run(register: Path) -> None:
    pause(register)
    assert not register.exists(), "there is nobody to pause"
    subscribe(register, 1234, signing_secret(register), NOW)
    pause(register)
    known = book.subscribers(register).read().get(SUBSCRIBER)
    assert known is not None
    assert (known.state, known.state_reason) == (SubscriptionState.PAUSED, PAUSED)
    subscribe(register, 1234, signing_secret(register), NOW)
    known = book.subscribers(register).read().get(SUBSCRIBER)
    assert known is not None
    assert (known.state, known.state_reason) == (SubscriptionState.ACTIVE, "")


@pytest.mark.parametrize("state", [SubscriptionState.PAUSED, SubscriptionState.ENDED])
def test_what_the_operator_has_paused_or_ended_stays_so(register: Path, state: SubscriptionState) -> None:
    subscribe(register, 1234, signing_secret(register), NOW)
    Subscribers(register).set_state(SUBSCRIBER, state, "not now")
    pause(register)
    subscribe(register, 4321, signing_secret(register), NOW)
    known = book.subscribers(register).read().get(SUBSCRIBER)
    assert known is not None
    assert (known.state, known.state_reason, known.url) == (state, "not now", "http://127.0.0.1:4321/events")


def test_a_damaged_register_is_said(register: Path) -> None:
    register.parent.mkdir()
    register.write_text("{")
    with pytest.raises(RegisterUnreadable):
        signing_secret(register)


def test_the_service_keeps_its_books_in_a_folder_of_its_own(register: Path, tmp_path: Path) -> None:
    spec = service(tmp_path, signing_secret(register))
    assert spec.folder == tmp_path / "citybrain"
    assert Path(spec.extra["CITYBRAIN_FILE"]).parent == spec.folder


def test_it_has_another_key_in_each_run_unless_the_operator_revoked_it(register: Path, tmp_path: Path) -> None:
    book = KeyBook(tmp_path / "keys" / "api-keys.json")
    first, second = api_key(book.file, NOW), api_key(book.file, NOW + timedelta(days=1))
    assert first is not None
    assert second is not None
    holders = [holder_of(each.get_secret_value(), book.register(), NOW) for each in (first, second)]
    assert holders[0] is None, "the key of the former run counts no more"
    assert holders[1] is not None
    assert (holders[1].id, holders[1].role) == (SUBSCRIBER, Role.INTEGRATOR)
    extra = service(tmp_path, signing_secret(register), receipts=("http://127.0.0.1:8600", second)).extra
    assert (extra["CITYBRAIN_API_URL"], extra["CITYBRAIN_API_KEY"]) == (
        "http://127.0.0.1:8600",
        second.get_secret_value(),
    )
    book.revoke(SUBSCRIBER, NOW)
    assert api_key(book.file, NOW) is None
    assert "CITYBRAIN_API_KEY" not in service(tmp_path, signing_secret(register)).extra


async def test_nothing_is_said_of_what_does_not_run() -> None:
    assert await events_received(None) is None
