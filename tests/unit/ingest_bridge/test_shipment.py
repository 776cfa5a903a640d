"""What a burst of messages loads: batches in order, dead letters, acknowledgements, what becomes safe."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter, DeadLetterReason
from services.ingest_bridge import shipment as shipment_module
from services.ingest_bridge.judge import Policy, Refused
from services.ingest_bridge.kafka_writer import partition_of, partitions_of
from services.ingest_bridge.receipt_store import SavedLedger, saved
from services.ingest_bridge.receipts import BootLedger
from services.ingest_bridge.routes import Route, Routes
from services.ingest_bridge.settings import BridgeSettings, MqttSettings
from services.ingest_bridge.shipment import LETTER_BYTES, Loader, Shipment
from tests.unit.ingest_bridge.registered import admission

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
POLICY = Policy(max_payload_bytes=1024 * 1024, max_elements=10_000, future_tolerance=timedelta(minutes=5))
EV = "readings.ev"
ASIDE = "readings.ev.lanes"
RECEIPT = b"jianghan/ev/site-1/ev-1/receipt"
SIZE = 1_000
"""Bytes that a burst came in."""


class ListBatch:
    """A batch that holds three records."""

    def __init__(self) -> None:
        self.records: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]] = []

    def append(
        self, *, timestamp: int, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> object | None:
        if len(self.records) == 3:
            return None
        self.records.append((timestamp, key, value, headers))
        return self

    def record_count(self) -> int:
        return len(self.records)


def loaded(*arrivals: tuple[bytes, int, bytes, bytes]) -> Shipment:
    shipment = Shipment(ListBatch)
    Loader(Routes(lambda _key, _n: 2, lambda _topic: 3, admission()), POLICY).load(shipment, arrivals, NOW, size=SIZE)
    return shipment


def reading(seq: int, device: str = "ev-1", **changed: Any) -> bytes:
    body = {
        "feed": "ev",
        "device_id": device,
        "group_id": "site-1",
        "boot_id": "b1",
        "seq": seq,
        "observed_at": "2026-07-01T11:59:59Z",
        "context": "status",
        "status": "idle",
        **changed,
    }
    return json.dumps(body).encode()


def topic(device: str = "ev-1", message: str = "reading") -> bytes:
    return f"jianghan/ev/site-1/{device}/{message}".encode()


def values(shipment: Shipment, partition: int, kafka_topic: str = EV) -> list[bytes | None]:
    batches = shipment.batches[kafka_topic, partition]
    return [record[2] for batch in batches if isinstance(batch, ListBatch) for record in batch.records]


def test_order_is_kept_across_batches_objects_and_arrays() -> None:
    array = b"[" + reading(1) + b"," + reading(2) + b"]"
    shipment = loaded((topic(), 9, b"", reading(0)), (topic(), 3, b"", array), (topic(), 0, b"", reading(3)))
    assert [json.loads(value or b"")["seq"] for value in values(shipment, 2)] == [0, 1, 2, 3]
    assert len(shipment.batches[EV, 2]) == 2
    assert shipment.packet_ids == [9, 3]
    assert shipment.accepted() == {EV: 4}
    assert shipment.safe == [("ev-1", "b1", seq, RECEIPT) for seq in range(4)]
    assert shipment.messages == 3


def test_what_is_not_live_travels_apart_and_its_clock_with_it() -> None:
    """Readings of both kinds in one array; the tick stands behind its lane's readings and in no partition of live."""
    array = b"[" + reading(1, lane="replay:a") + b"," + reading(2) + b"]"
    tick = b'{"lane":"replay:a","at":"2026-01-01T00:00:00Z","closes":true}'
    shipment = loaded(
        (topic(message="relay"), 1, b"", reading(0, lane="replay:a")),
        (topic(message="relay"), 2, b"", array),
        (b"jianghan/ev/clock/replay:a", 4, b"", tick),
        (topic(message="relay"), 5, b"", reading(3, lane="exercise:b")),
    )
    assert [json.loads(value or b"")["seq"] for value in values(shipment, 2)] == [2]
    found = [json.loads(value or b"") for value in values(shipment, 2, ASIDE)]
    assert [each.get("seq", "tick") for each in found] == [0, 1, "tick", 3]
    assert found[2]["closes"] is True
    assert len(values(shipment, 0, ASIDE)) == len(values(shipment, 1, ASIDE)) == 1
    assert {place for place in shipment.batches if place[0] == EV} == {(EV, 2)}
    assert shipment.accepted() == {EV: 1, ASIDE: 3}
    assert shipment.safe == [("ev-1", "b1", seq, RECEIPT) for seq in range(4)]


def property_block(**named: str) -> bytes:
    def text(value: str) -> bytes:
        return len(value).to_bytes(2, "big") + value.encode()

    return b"".join(b"\x26" + text(name) + text(value) for name, value in named.items())


def test_a_base_is_believed_for_the_boot_and_device_of_its_message_only() -> None:
    array = b"[" + reading(7) + b"," + reading(8) + b"]"
    two_boots = b"[" + reading(7) + b"," + reading(8, boot_id="b2") + b"]"
    bases = [
        loaded((topic(), 1, property_block(base=base), payload)).bases
        for base, payload in (
            ("5", reading(5)),
            ("5", reading(9)),
            ("7", array),
            ("4", reading(5, status="asleep")),
            ("6", reading(5)),
            ("8", array),
            ("7", two_boots),
            ("-1", reading(5)),
            ("nine", reading(9)),
            ("5", b"\xff"),
        )
    ]
    believed = [("ev-1", "b1", 5, RECEIPT), ("ev-1", "b1", 5, RECEIPT), ("ev-1", "b1", 7, RECEIPT)]
    assert bases == [*([each] for each in believed), [("ev-1", "b1", 4, RECEIPT)], *([] for _ in range(6))]


def test_dead_letters_count_as_bytes_in_flight() -> None:
    """An array of a few kilobytes becomes a thousand dead letters, which are megabytes."""
    assert loaded((topic(), 1, b"", reading(0))).bytes == SIZE
    bomb = loaded((topic(), 1, b"", b"[" + b",".join([b"{}"] * 1_000) + b"]"))
    assert len(bomb.letters) == 1_000
    assert bomb.bytes == SIZE + 1_000 * (LETTER_BYTES + 2)


@pytest.mark.parametrize("broken", ["judge", "quick"])
def test_a_message_that_our_own_code_fails_on_is_a_dead_letter_and_the_rest_goes_on(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(f"services.ingest_bridge.shipment.{broken}", fail)
    shipment = loaded((topic(), 1, b"", reading(0)), (topic(), 2, b"", b"["))
    assert shipment.packet_ids == [1, 2]
    if broken == "judge":
        ((letter, payload),) = shipment.letters
        assert (letter.reason, payload, letter.device_id) == (DeadLetterReason.INVALID, b"[", "ev-1")
        assert "RecursionError" in (letter.detail or "")
        assert len(values(shipment, 2)) == 1
    else:
        assert [letter.reason for letter, _ in shipment.letters] == [DeadLetterReason.NOT_JSON]
        assert len(values(shipment, 2)) == 1


def test_claims_that_cannot_be_written_down_are_left_out_of_the_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = shipment_module.dead_letter

    def refuse_claims(refused: Refused, *rest: Any) -> DeadLetter:
        if refused.claims.seqs:
            raise ValueError("no such number")
        return whole(refused, *rest)

    monkeypatch.setattr(shipment_module, "dead_letter", refuse_claims)
    ((letter, payload),) = loaded((topic(), 1, b"", reading(3, status="asleep"))).letters
    assert (letter.reason, letter.seq, letter.device_id) == (DeadLetterReason.INVALID, None, "ev-1")
    assert "no such number" in (letter.detail or "")
    assert payload == reading(3, status="asleep")


def test_a_group_is_in_the_partition_that_the_table_of_each_topic_says() -> None:
    route = Routes(partition_of, partitions_of, admission()).get(topic())
    assert isinstance(route, Route)
    assert route.destination == (EV, partition_of(b"site-1", 6))
    assert route.aside == (ASIDE, partition_of(b"site-1", 3))


def test_records_carry_the_time_taken_the_group_and_for_ticks_the_kind() -> None:
    shipment = loaded(
        (topic(message="relay"), 1, b"", reading(0, lane="replay:a")),
        (b"jianghan/ev/clock/replay:a", 2, b"", b'{"lane":"replay:a","at":"2026-01-01T00:00:00Z"}'),
    )
    (batch,) = shipment.batches[ASIDE, 2]
    assert isinstance(batch, ListBatch)
    now_ms = int(NOW.timestamp() * 1000)
    assert [(at, key, headers) for at, key, _, headers in batch.records] == [
        (now_ms, b"site-1", []),
        (now_ms, None, [("kind", b"tick")]),
    ]


def test_a_refusal_is_safe_for_the_device_of_its_topic_only() -> None:
    shipment = loaded((topic("ev-1"), 1, b"", reading(5, device="ev-2")), (b"jianghan/x", 2, b"", reading(6)))
    assert [letter.reason for letter, _ in shipment.letters] == [
        DeadLetterReason.CONTRADICTS_TOPIC,
        DeadLetterReason.WRONG_TOPIC,
    ]
    assert shipment.safe == [("ev-1", "b1", 5, RECEIPT)]
    assert shipment.packet_ids == [1, 2]


def test_all_numbers_of_a_broken_array_are_safe_with_its_letter() -> None:
    shipment = loaded((topic(), 1, b"", b"[" + reading(0) + b"," + reading(1) + b","))
    assert len(shipment.letters) == 1
    assert [seq for _, _, seq, _ in shipment.safe] == [0, 1]


@given(st.binary(min_size=1, max_size=64), st.integers(1, 12))
def test_partitions_are_those_of_every_other_producer(key: bytes, partitions: int) -> None:
    everywhere = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, everywhere, everywhere)


def test_a_saved_ledger_holds_all_that_is_safe() -> None:
    ledger = BootLedger("ev-1", "b1", RECEIPT, upto=4, ranges=[(7, 9)], touched_at=NOW.timestamp())
    assert SavedLedger.model_validate_json(saved(ledger)).runs == ((0, 4), (7, 9))
    empty = BootLedger("ev-1", "b1", RECEIPT, touched_at=NOW.timestamp())
    assert SavedLedger.model_validate_json(saved(empty)).runs == ()


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_CLIENT_ID", "bridge-2")
    monkeypatch.setenv("BRIDGE_FUTURE_SECONDS", "60")
    monkeypatch.setenv("MQTT_URL", "mqtt://bridge:s%40cret@127.0.0.1:1884")
    settings, endpoint = BridgeSettings.load(), MqttSettings.load().endpoint()
    assert (settings.client_id, settings.policy().future_tolerance) == ("bridge-2", timedelta(minutes=1))
    assert (endpoint.username, endpoint.password, endpoint.port) == ("bridge", "s@cret", 1884)
    assert "s%40cret" not in repr(MqttSettings.load())
