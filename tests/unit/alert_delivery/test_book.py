"""The files that say what to deliver, as two writers and a reader meet them."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from schemas.redelivery import RedeliveryRegister, RedeliveryRequest
from schemas.subscription import SigningSecret, SubscriptionRegister, SubscriptionState
from services.alert_delivery import book
from services.alert_delivery.errors import RegisterUnreadable
from tests.unit.alert_delivery.made import SECRET, START, seconds, subscription


def added(*ids: str) -> SubscriptionRegister:
    return SubscriptionRegister(subscriptions=tuple(subscription(each) for each in ids))


def test_secrets_are_kept_in_full_and_for_the_owner_alone(tmp_path: Path) -> None:
    file = book.subscribers(tmp_path / "own" / "subscribers.json")
    assert file.read() == SubscriptionRegister()
    file.change(lambda _: added("brain"))
    assert SECRET in file.file.read_text()
    assert file.read() == added("brain")
    assert stat.S_IMODE(file.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.file.parent.stat().st_mode) == 0o700


def test_a_reader_notices_each_change_and_nothing_else(tmp_path: Path) -> None:
    writer, reader = (book.subscribers(tmp_path / "subscribers.json") for _ in range(2))
    assert reader.has_changed()
    reader.read()
    assert not reader.has_changed()
    writer.change(lambda _: added("a"))
    assert reader.has_changed()
    assert reader.read() == added("a")
    assert not reader.has_changed()
    reader.file.unlink()
    assert reader.has_changed()


def test_writers_side_by_side_lose_nothing(tmp_path: Path) -> None:
    def add(number: int) -> None:
        def step(register: SubscriptionRegister) -> SubscriptionRegister:
            return SubscriptionRegister(subscriptions=(*register.subscriptions, subscription(f"s{number}")))

        book.subscribers(tmp_path / "subscribers.json").change(step)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    known = book.subscribers(tmp_path / "subscribers.json").read()
    assert {each.id for each in known.subscriptions} == {f"s{number}" for number in range(40)}


@pytest.mark.parametrize("text", ["", "{", '{"version": 2}', '{"subscriptions": [{"id": "x"}]}'])
def test_a_damaged_register_is_no_empty_one_and_is_not_overwritten(tmp_path: Path, text: str) -> None:
    file = tmp_path / "subscribers.json"
    file.write_text(text)
    with pytest.raises(RegisterUnreadable, match="put it back"):
        book.subscribers(file).read()
    with pytest.raises(RegisterUnreadable):
        book.subscribers(file).change(lambda register: register)
    assert file.read_text() == text


def test_a_register_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RegisterUnreadable, match="file"):
        book.subscribers(tmp_path / "file" / "subscribers.json").change(lambda register: register)


def test_a_subscription_that_is_ended_keeps_everything_else() -> None:
    ended = book.with_state(added("a", "b"), "a", SubscriptionState.ENDED, "answered 410 Gone")
    found = ended.get("a")
    assert found is not None
    assert (found.state, found.state_reason) == (SubscriptionState.ENDED, "answered 410 Gone")
    assert ended.get("b") == subscription("b")
    assert book.with_state(ended, "nobody", SubscriptionState.ENDED, "") == ended


def test_requests_stand_beside_the_register(tmp_path: Path) -> None:
    file = book.redeliveries(tmp_path / "subscribers.json")
    request = RedeliveryRequest(id="r", subscriber="a", begin=START, end=seconds(5), requested_at=seconds(9))
    file.change(lambda _: RedeliveryRegister(requests=(request,)))
    assert file.file == tmp_path / "redeliveries.json"
    assert file.read().requests == (request,)
    assert request.is_open(seconds(10))
    assert not request.is_open(seconds(9 + 3 * 86_400))


def test_times_with_fractions_come_back_as_they_were(tmp_path: Path) -> None:
    file = book.subscribers(tmp_path / "subscribers.json")
    odd = SigningSecret(secret=SecretStr(SECRET), added_at=seconds(0.123456), until=seconds(7.5))
    file.change(lambda _: SubscriptionRegister(subscriptions=(subscription("a", secrets=(odd,)),)))
    assert file.read().subscriptions[0].secrets == (odd,)
