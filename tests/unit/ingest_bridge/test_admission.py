"""Who may speak for what, by the register, and how much: each refusal with its reason, and what devices are told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.dead_letter import DeadLetterReason
from schemas.device_register import DeviceIdentity
from schemas.fields import Feed
from services.ingest_bridge.admission import KEPT_SECONDS, Allowance, Limits
from services.ingest_bridge.errors import RegisterUnreadableError
from services.ingest_bridge.judge import Policy
from services.ingest_bridge.register_file import RegisterFile
from services.ingest_bridge.routes import Routes
from services.ingest_bridge.settings import AdmissionSettings
from services.ingest_bridge.shipment import Loader, Shipment
from services.runtime.errors import SettingsError
from tests.unit.ingest_bridge.registered import EV_1, LIMITS, admission, register
from tests.unit.ingest_bridge.test_shipment import ListBatch

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
POLICY = Policy(max_payload_bytes=1024 * 1024, max_elements=10_000, future_tolerance=timedelta(minutes=5))
AMBULANCE = DeviceIdentity("amb-1", Feed.EMERGENCY, "jianghan")
TAX = {
    "building_id": "building-1", "receipt_id": "r-1", "entry": "payment", "tax_kind": "other",
    "tax_period": "2026-06", "amount_cny": "100000000.00",
}  # fmt: skip
EV = {"context": "status", "status": "idle"}


def reading(device: str, feed: str, group: str, seq: int = 0, **changed: Any) -> bytes:
    head = {"feed": feed, "device_id": device, "group_id": group, "boot_id": "b1", "seq": seq}
    body = TAX if feed == "tax" else EV
    return json.dumps({**head, "observed_at": "2026-07-01T11:59:59Z", **body, **changed}).encode()


class Taken:
    """What a bridge that goes by an admission made of some messages."""

    def __init__(self, loader: Loader, *messages: tuple[str, bytes], now: datetime = NOW) -> None:
        shipment = Shipment(ListBatch)
        loader.load(
            shipment, [(topic.encode(), n, b"", payload) for n, (topic, payload) in enumerate(messages, 1)], now, size=0
        )
        self.accepted = sum(shipment.accepted().values())
        self.letters = [letter for letter, _ in shipment.letters]
        self.payloads = [payload for _, payload in shipment.letters]
        self.safe = [(device, seq) for device, _, seq, _ in shipment.safe]
        self.acknowledged = shipment.packet_ids


def limits(
    readings_per_second: float, *, at_once: float = 1e6, of_a_moment: float = 1e6, payload_bytes: int = 100_000
) -> Limits:
    return Limits(readings_per_second, at_once, of_a_moment, payload_bytes)


def loader(*identities: DeviceIdentity, limits: Limits = LIMITS) -> Loader:
    return Loader(Routes(lambda _key, _n: 0, lambda _topic: 1, admission(*identities, limits=limits)), POLICY)


def test_an_ambulance_speaks_for_no_tax_office() -> None:
    payload = reading("amb-1", "tax", "jianghan")
    taken = Taken(loader(AMBULANCE), ("jianghan/tax/jianghan/amb-1/reading", payload))
    (letter,) = taken.letters
    assert (letter.reason, letter.device_id, letter.seq) == (DeadLetterReason.NOT_REGISTERED, "amb-1", 0)
    assert "amb-1 is registered for emergency/jianghan and speaks for tax/jianghan" in letter.detail
    assert taken.payloads == [payload]
    assert (taken.accepted, taken.acknowledged) == (0, [1])
    assert taken.safe == [("amb-1", 0)]


@pytest.mark.parametrize(("group", "device"), [("site-2", "ev-1"), ("site-1", "ev-2")])
def test_a_device_speaks_for_its_own_group_and_a_stranger_for_none(group: str, device: str) -> None:
    topic = f"jianghan/ev/{group}/{device}/reading"
    taken = Taken(loader(EV_1), (topic, reading(device, "ev", group)), (topic, b"\xff not even JSON"))
    assert {letter.reason for letter in taken.letters} == {DeadLetterReason.NOT_REGISTERED}
    assert all(device in letter.detail for letter in taken.letters)
    assert (taken.accepted, len(taken.letters), taken.acknowledged) == (0, 2, [1, 2])
    assert taken.safe == ([("ev-1", 0)] if device == "ev-1" else [])


def test_each_reading_of_an_array_that_may_not_come_in_has_its_letter() -> None:
    array = b"[" + b",".join(reading("ev-2", "ev", "site-1", seq) for seq in range(3)) + b"]"
    taken = Taken(loader(EV_1), ("jianghan/ev/site-1/ev-2/reading", array))
    assert [(letter.seq, letter.element, letter.boot_id) for letter in taken.letters] == [
        (0, 0, "b1"),
        (1, 1, "b1"),
        (2, 2, "b1"),
    ]


def test_lanes_other_than_live_are_the_operators() -> None:
    drill, own = reading("ev-1", "ev", "site-1", lane="exercise:x"), "jianghan/ev/site-1/ev-1/reading"
    mixed = (
        b"[" + reading("ev-1", "ev", "site-1", 1) + b"," + reading("ev-1", "ev", "site-1", 2, lane="replay:y") + b"]"
    )
    taken = Taken(loader(EV_1), (own, drill), (own, mixed), ("jianghan/ev/site-1/ev-1/relay", drill))
    assert [(letter.reason, letter.lane) for letter in taken.letters] == [
        (DeadLetterReason.LANE_NOT_ALLOWED, "exercise:x"),
        (DeadLetterReason.LANE_NOT_ALLOWED, "replay:y"),
    ]
    assert "device ev-1" in taken.letters[0].detail
    assert taken.accepted == 2
    assert taken.safe == [("ev-1", 0), ("ev-1", 1), ("ev-1", 2), ("ev-1", 0)]


def test_the_operator_relays_for_anybody() -> None:
    taken = Taken(
        loader(EV_1),
        ("jianghan/ev/elsewhere/nobody/relay", reading("nobody", "ev", "elsewhere")),
        ("jianghan/ev/elsewhere/nobody/relay", reading("somebody", "ev", "elsewhere")),
    )
    assert taken.accepted == 1
    assert [letter.reason for letter in taken.letters] == [DeadLetterReason.CONTRADICTS_TOPIC]


def test_who_is_added_or_revoked_is_heard_or_not_from_the_next_message_on() -> None:
    allowed = admission(EV_1)
    routes = Routes(lambda _key, _n: 0, lambda _topic: 1, allowed)
    changed: list[bool] = []

    def look_again() -> bool:
        if not changed:
            return False
        changed.clear()
        routes.forget()
        return True

    bridge = Loader(routes, POLICY, look_again)
    topic, payload = "jianghan/ev/site-1/ev-2/reading", reading("ev-2", "ev", "site-1")
    assert Taken(bridge, (topic, payload)).accepted == 0
    allowed.change(register(EV_1, DeviceIdentity("ev-2", Feed.EV, "site-1")))
    changed.append(True)
    assert Taken(bridge, (topic, payload), (topic, payload)).accepted == 2
    allowed.change(register(EV_1, DeviceIdentity("ev-2", Feed.EV, "site-1")).without_device("ev-2", NOW))
    routes.forget()
    after = Taken(bridge, (topic, payload))
    assert "ev-2 was revoked at 2026-07-01T12:00:00+00:00" in after.letters[0].detail
    assert after.safe == []


def test_a_device_that_says_too_much_is_kept_apart_reading_by_reading_and_told_so() -> None:
    bridge = loader(EV_1, limits=limits(2, at_once=5))
    topic = "jianghan/ev/site-1/ev-1/reading"
    flood = [(topic, reading("ev-1", "ev", "site-1", seq)) for seq in range(8)]
    taken = Taken(bridge, *flood)
    assert (taken.accepted, [letter.seq for letter in taken.letters]) == (5, [5, 6, 7])
    assert {letter.reason for letter in taken.letters} == {DeadLetterReason.TOO_FAST}
    assert "device ev-1 sends more than 2 readings a second" in taken.letters[0].detail
    assert [seq for _, seq in taken.safe] == list(range(8))
    later = NOW + timedelta(seconds=1)
    array = b"[" + b",".join(reading("ev-1", "ev", "site-1", seq) for seq in (8, 9)) + b"]"
    assert Taken(bridge, (topic, array), now=later).accepted == 2
    refused = Taken(bridge, (topic, array), now=later)
    assert [(letter.seq, letter.element) for letter in refused.letters] == [(8, 0), (9, 1)]
    relayed = Taken(bridge, *((topic.replace("reading", "relay"), payload) for _, payload in flood), now=later)
    assert relayed.accepted == 8


def test_a_device_s_message_has_a_bound_of_its_own() -> None:
    bridge = loader(EV_1, limits=limits(2, at_once=5, payload_bytes=20_000))
    large = b" " * 20_000 + reading("ev-1", "ev", "site-1")
    own = Taken(bridge, ("jianghan/ev/site-1/ev-1/reading", large), ("jianghan/ev/site-1/ev-1/reading", b"[" + large))
    assert [letter.reason for letter in own.letters] == [DeadLetterReason.TOO_LARGE] * 2
    assert "at most 20,000 are taken" in own.letters[0].detail
    assert Taken(bridge, ("jianghan/ev/site-1/ev-1/relay", large)).accepted == 1


def test_an_allowance_fills_up_to_its_burst() -> None:
    allowance = Allowance(limits(8, at_once=16))
    assert allowance.take(16, 100.0)
    assert not allowance.take(1, 100.0)
    assert allowance.take(4, 100.5)
    assert not allowance.take(1, 100.5)
    assert not allowance.take(17, 10_000.0)
    assert allowance.take(16, 10_000.0)


def test_a_clock_that_is_set_back_shuts_nobody_out() -> None:
    allowance = Allowance(limits(8, at_once=16))
    assert allowance.take(16, 10_000.0)
    assert allowance.take(16, 100.0)
    assert not allowance.take(1, 100.0)
    assert allowance.take(8, 101.0)


def test_of_one_moment_a_device_may_tell_so_much_however_late_it_is() -> None:
    allowance = Allowance(limits(8, of_a_moment=16))
    assert [allowance.take_dated(100.0, 101.0) for _ in range(18)] == [True] * 16 + [False] * 2
    assert [allowance.take_dated(100.5, 101.5) for _ in range(5)] == [True] * 4 + [False]
    jitter = [allowance.take_dated(at, 101.5) for at in (100.5 - KEPT_SECONDS + 1, 99.0, 100.4)]
    assert not any(jitter), "a little older than the newest is of the same moment"


def test_what_a_device_kept_while_it_was_away_is_bound_by_its_arrival_alone() -> None:
    """One reading a second for a day, sent at once, with what it reads now between them."""
    allowance = Allowance(limits(2, at_once=200_000, of_a_moment=10))
    now = 1_000_000.0
    kept = [now - 86_400 + second for second in range(86_400)]
    assert all(allowance.take(1, now) and allowance.take_dated(at, now) for at in kept)
    mixed = [at for old, new in zip(kept, range(30), strict=False) for at in (old, now + new)]
    assert all(allowance.take_dated(at, now) for at in mixed)


def test_a_clock_that_was_ahead_shuts_nobody_out() -> None:
    allowance = Allowance(limits(8, of_a_moment=16))
    assert allowance.take_dated(1e9, 100.0)
    assert all(allowance.take_dated(100.0, 100.0) for _ in range(100)), "their arrival bounds them"


def test_entries_of_one_day_may_come_over_that_day_and_not_at_once() -> None:
    allowance = Allowance(limits(2, of_a_moment=10))
    assert all(allowance.take_dated(100.0, 1_000.0 + second / 2) for second in range(1_000))
    assert [allowance.take_dated(100.0, 1_500.0) for _ in range(20)].count(True) <= 12
    assert allowance.take_dated(100.0, 1_501.0)
    assert allowance.take_dated(100.0, 400.0) or allowance.take_dated(100.0, 402.0), "a clock that is set back"


def test_a_device_that_runs_away_is_stopped_long_before_what_one_that_was_away_may_send() -> None:
    """600 a second are refused once 10,000 more than 200 a second have come: after 25 seconds."""
    bridge, topic = loader(EV_1), "jianghan/ev/site-1/ev-1/reading"
    accepted, refused = 0, 0
    for second in range(60):
        at = NOW + timedelta(seconds=second)
        said = [
            reading("ev-1", "ev", "site-1", second * 600 + n, observed_at=at.isoformat().replace("+00:00", "Z"))
            for n in range(600)
        ]
        taken = Taken(bridge, *((topic, each) for each in said), now=at)
        accepted, refused = accepted + taken.accepted, refused + len(taken.letters)
        assert taken.accepted == 600 or second >= 24
        assert {letter.reason for letter in taken.letters} <= {DeadLetterReason.TOO_FAST}
    assert accepted == pytest.approx(10_000 + 59 * 200, abs=1)
    assert accepted + refused == 36_000


def test_an_array_keeps_what_is_within_the_bound_of_its_moment() -> None:
    bridge, topic = loader(EV_1, limits=limits(2, of_a_moment=3)), "jianghan/ev/site-1/ev-1/reading"
    array = b"[" + b",".join(reading("ev-1", "ev", "site-1", seq) for seq in range(5)) + b"]"
    taken = Taken(bridge, (topic, array))
    assert (taken.accepted, [(letter.seq, letter.element) for letter in taken.letters]) == (3, [(3, 3), (4, 4)])
    assert [seq for _, seq in taken.safe] == list(range(5))


def test_the_register_is_read_again_when_it_was_replaced_and_a_broken_one_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "register.json"
    file = RegisterFile(path)
    with pytest.raises(RegisterUnreadableError, match=r"register\.json"):
        file.read()
    path.write_text(register(EV_1).model_dump_json())
    assert file.has_changed()
    assert list(file.read().active()) == ["ev-1"]
    assert not file.has_changed()
    path.write_text('{"version": 1, "devices"')
    assert file.has_changed()
    with pytest.raises(RegisterUnreadableError, match="backup"):
        file.read()
    assert not file.has_changed()
    path.unlink()
    assert file.has_changed()
    with pytest.raises(RegisterUnreadableError):
        file.read()
    assert not file.has_changed()  # said once, not with every message
    path.write_text(register(EV_1).model_dump_json())
    assert file.has_changed()


def test_a_bridge_without_a_register_says_which_variable_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEVICE_REGISTER", raising=False)
    with pytest.raises(SettingsError, match=": DEVICE_REGISTER: "):
        AdmissionSettings.load()
    monkeypatch.setenv("DEVICE_REGISTER", "/r.json")
    monkeypatch.setenv("BRIDGE_DEVICE_READINGS_PER_SECOND", "7")
    assert AdmissionSettings.load().limits().readings_per_second == 7
