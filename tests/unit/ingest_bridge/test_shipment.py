"""What a burst of messages loads: batches in order, dead letters, acknowledgements, what becomes safe."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetterReason
from services.ingest_bridge.judge import Policy
from services.ingest_bridge.kafka_writer import partition_of
from services.ingest_bridge.receipt_store import SavedLedger, saved
from services.ingest_bridge.receipts import BootLedger
from services.ingest_bridge.routes import Routes
from services.ingest_bridge.settings import BridgeSettings, MqttSettings
from services.ingest_bridge.shipment import Loader, Shipment

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
POLICY = Policy(max_payload_bytes=1024 * 1024, max_elements=10_000, future_tolerance=timedelta(minutes=5))
EV = "readings.ev"
RECEIPT = b"jianghan/ev/site-1/ev-1/receipt"


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
    Loader(Routes(lambda _key, _n: 2, lambda _topic: 3), POLICY).load(shipment, arrivals, NOW)
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


def topic(device: str = "ev-1") -> bytes:
    return f"jianghan/ev/site-1/{device}/reading".encode()


def values(shipment: Shipment, partition: int) -> list[bytes | None]:
    batches = shipment.batches[EV, partition]
    return [record[2] for batch in batches if isinstance(batch, ListBatch) for record in batch.records]


def test_order_is_kept_across_batches_objects_arrays_and_ticks() -> None:
    array = b"[" + reading(1) + b"," + reading(2) + b"]"
    tick = b'{"lane":"replay:a","at":"2026-01-01T00:00:00Z"}'
    shipment = loaded(
        (topic(), 9, b"", reading(0)),
        (topic(), 3, b"", array),
        (b"jianghan/ev/clock/replay:a", 4, b"", tick),
        (topic(), 0, b"", reading(3)),
    )
    found = [json.loads(value or b"") for value in values(shipment, 2)]
    assert [each.get("seq", "tick") for each in found] == [0, 1, 2, "tick", 3]
    assert len(shipment.batches[EV, 2]) == 2
    assert len(values(shipment, 0)) == len(values(shipment, 1)) == 1
    assert shipment.packet_ids == [9, 3, 4]
    assert shipment.accepted() == {EV: 4}
    assert shipment.safe == [("ev-1", "b1", seq, RECEIPT) for seq in range(4)]
    assert shipment.messages == 4


def test_records_carry_the_time_taken_the_group_and_for_ticks_the_kind() -> None:
    shipment = loaded(
        (topic(), 1, b"", reading(0)),
        (b"jianghan/ev/clock/replay:a", 2, b"", b'{"lane":"replay:a","at":"2026-01-01T00:00:00Z"}'),
    )
    (batch,) = shipment.batches[EV, 2]
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
