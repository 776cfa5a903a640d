"""What goes to Kafka together: record batches by partition, dead letters, and what to do once all of it is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

from schemas.clock import KIND_HEADER, KIND_TICK
from schemas.dead_letter import DeadLetter
from services.ingest_bridge.judge import Accepted, Policy, Refused, Ticked, judge, quick
from services.ingest_bridge.letters import dead_letter
from services.ingest_bridge.receipts import Safe
from services.ingest_bridge.routes import AnyRoute, ClockRoute, Route, Routes
from services.ingest_bridge.wire import Arrival, user_properties


class Connection(Protocol):
    """Where messages came from."""

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Acknowledge these messages."""


Destination = tuple[str, int]
"""Kafka topic and partition."""

_TICK_HEADERS: Final = [(KIND_HEADER, KIND_TICK)]
_NO_HEADERS: Final[list[tuple[str, bytes]]] = []


class Batch(Protocol):
    """A record batch being filled (aiokafka's BatchBuilder)."""

    def append(
        self, *, timestamp: int, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> object | None:
        """Add a record; None when it no longer fits."""

    def record_count(self) -> int:
        """Records in it."""


class Shipment:
    """Filled message by message, shipped once, then its messages are acknowledged."""

    def __init__(self, new_batch: Callable[[], Batch]) -> None:
        self._new_batch = new_batch
        self._open: dict[Destination, Batch] = {}
        self.batches: dict[Destination, list[Batch]] = {}
        self.letters: list[tuple[DeadLetter, bytes]] = []
        self.safe: list[Safe] = []
        """What may be confirmed to the devices once everything is in Kafka."""
        self.packet_ids: list[int] = []
        """What to acknowledge, in the order of arrival (MQTT 5, 4.6)."""
        self.connection: Connection | None = None
        """Where the packet ids belong."""
        self.messages = 0
        self.bytes = 0
        self.ticks: dict[str, int] = {}
        """Ticks by Kafka topic."""

    def add_record(
        self,
        destination: Destination,
        key: bytes | None,
        value: bytes,
        timestamp_ms: int,
        headers: list[tuple[str, bytes]] = _NO_HEADERS,
    ) -> None:
        """Put a record behind those that came before it in its partition."""
        batch = self._open.get(destination)
        if batch is None or batch.append(timestamp=timestamp_ms, key=key, value=value, headers=headers) is None:
            batch = self._open[destination] = self._new_batch()
            self.batches.setdefault(destination, []).append(batch)
            batch.append(timestamp=timestamp_ms, key=key, value=value, headers=headers)

    def accepted(self) -> dict[str, int]:
        """Readings by Kafka topic."""
        counts = {topic: -ticks for topic, ticks in self.ticks.items()}
        for (topic, _), batches in self.batches.items():
            counts[topic] = counts.get(topic, 0) + sum(batch.record_count() for batch in batches)
        return counts


class Loader:
    """Judges messages and loads a shipment with what became of them."""

    def __init__(self, routes: Routes, policy: Policy) -> None:
        self._routes = routes
        self._policy = policy

    def load(self, shipment: Shipment, arrivals: Sequence[Arrival], now: datetime) -> int:
        """Load messages that arrived together; returns their payload bytes.

        Args:
            now: When they were taken: the records' timestamp.
        """
        timestamp_ms = int(now.timestamp() * 1000)
        latest = now + self._policy.future_tolerance
        get_route, add_record, size = self._routes.get, shipment.add_record, 0
        safe, packet_ids = shipment.safe, shipment.packet_ids
        for arrival in arrivals:
            topic, packet_id, _, payload = arrival
            size += len(payload)
            route = get_route(topic)
            reading = quick(route, payload, latest) if type(route) is Route else None
            if reading is not None and type(route) is Route:
                add_record(route.destination, route.key, payload, timestamp_ms)
                safe.append((route.device_id, reading.boot_id, reading.seq, route.receipt_topic))
            else:
                self._load_judged(shipment, route, arrival, now, timestamp_ms)
            if packet_id:
                packet_ids.append(packet_id)
        shipment.messages += len(arrivals)
        shipment.bytes += size
        return size

    def _load_judged(
        self, shipment: Shipment, route: AnyRoute, arrival: Arrival, now: datetime, timestamp_ms: int
    ) -> None:
        topic, _, block, payload = arrival
        properties = user_properties(block) if block else []
        for verdict in judge(route, payload, properties, now=now, policy=self._policy):
            match verdict, route:
                case Accepted(boot_id, seq, value), Route():
                    shipment.add_record(route.destination, route.key, value, timestamp_ms)
                    shipment.safe.append((route.device_id, boot_id, seq, route.receipt_topic))
                case Ticked(value=value), ClockRoute():
                    for destination in route.destinations:
                        shipment.add_record(destination, None, value, timestamp_ms, _TICK_HEADERS)
                        shipment.ticks[destination[0]] = shipment.ticks.get(destination[0], 0) + 1
                case Refused(claims=claims), _:
                    shipment.letters.append((dead_letter(verdict, topic, route, properties, now), verdict.payload))
                    if isinstance(route, Route) and claims.boot_id is not None:
                        # The sender's own numbers, under the device that the broker vouches for, never another's.
                        shipment.safe += [
                            (route.device_id, claims.boot_id, seq, route.receipt_topic) for seq in claims.seqs
                        ]
