"""The register while everything runs: one that cannot be read or written changes nothing but our health."""

from __future__ import annotations

from pathlib import Path

import structlog

from schemas.subscription import SubscriptionRegister, SubscriptionState
from services.alert_delivery import book
from services.alert_delivery.fleet import Register
from services.runtime.lifecycle import Lifetime
from tests.unit.alert_delivery.made import subscription


def begun(tmp_path: Path) -> tuple[Register, Lifetime, Path]:
    file = tmp_path / "subscribers.json"
    book.subscribers(file).change(lambda _: SubscriptionRegister(subscriptions=(subscription("a"),)))
    lifetime = Lifetime(structlog.stdlib.get_logger())
    return Register(book.subscribers(file), lifetime), lifetime, file


def state(register: Register) -> SubscriptionState | None:
    found = register.look().get("a")
    return None if found is None else found.state


def test_a_damaged_register_is_passed_over_until_it_is_put_back(tmp_path: Path) -> None:
    register, lifetime, file = begun(tmp_path)
    good = file.read_text()
    file.write_text("{")
    assert state(register) is SubscriptionState.ACTIVE
    assert "goes on by the one it had" in str(lifetime.health.report()[1])
    file.write_text(good.replace('"active"', '"paused"'))
    assert state(register) is SubscriptionState.PAUSED
    assert lifetime.health.report()[1]["trouble"] == {}


async def test_a_subscription_is_ended_in_the_file(tmp_path: Path) -> None:
    register, _, file = begun(tmp_path)
    await register.end("a", "answered 410 Gone")
    assert state(register) is SubscriptionState.ENDED
    kept = book.subscribers(file).read().get("a")
    assert kept is not None
    assert (kept.state, kept.state_reason) == (SubscriptionState.ENDED, "answered 410 Gone")


async def test_where_the_file_cannot_be_written_it_is_ended_all_the_same_and_health_says_so(tmp_path: Path) -> None:
    register, lifetime, file = begun(tmp_path)
    good = file.read_text()
    part = file.with_name(f".{file.name}.part")
    part.mkdir()
    await register.end("a", "answered 410 Gone")
    assert state(register) is SubscriptionState.ENDED
    assert "district subscriber end a" in str(lifetime.health.report()[1])
    file.write_text(good + "\n")
    assert state(register) is SubscriptionState.ENDED
