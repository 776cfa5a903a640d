"""What goes to Kafka together: record batches by partition, dead letters, and what to do once all of it is there.

Whatever a message is, it becomes records or dead letters: one that our own code fails on is a dead letter as well,
with the error as its reason. Otherwise it would come again, and fail again, for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from schemas.clock import KIND_HEADER, KIND_TICK
from schemas.dead_letter import DeadLetter, DeadLetterReason
from schemas.fields import LIVE
from schemas.readings import Reading
from services.ingest_bridge.admission import Allowance
from services.ingest_bridge.base import said_base
from services.ingest_bridge.claims import Claims
from services.ingest_bridge.judge import Accepted, Policy, Refused, Ticked, Verdict, judge, quick, too_fast
from services.ingest_bridge.letters import dead_letter
from services.ingest_bridge.receipts import Base, Safe
from services.ingest_bridge.routes import AnyRoute, ClockRoute, ClosedRoute, Route, Routes
from services.ingest_bridge.wire import Arrival, user_properties


class Connection(Protocol):
    """Where messages came from."""

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Acknowledge these messages."""


Destination = tuple[str, int]
"""Kafka topic and partition."""

LETTER_BYTES: Final = 2_048
"""What a dead letter that waits costs beside its payload: ten thousand may come out of one array of a few kilobytes."""

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
        self.bases: list[Base] = []
        """What devices said of themselves in these messages."""
        self.packet_ids: list[int] = []
        """What to acknowledge, in the order of arrival (MQTT 5, 4.6)."""
        self.connection: Connection | None = None
        """Where the packet ids belong."""
        self.messages = 0
        self.bytes = 0
        """What it holds in memory, roughly: bytes that were read, and its dead letters."""
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
    """Judges messages and loads a shipment with what became of them.

    Args:
        look_again: Asked before a device is turned away: has the register changed, and do the routes go by it now?
    """

    def __init__(self, routes: Routes, policy: Policy, look_again: Callable[[], bool] = lambda: False) -> None:
        self._routes = routes
        self._policy = policy
        self._look_again = look_again

    def load(self, shipment: Shipment, arrivals: Sequence[Arrival], now: datetime, *, size: int) -> int:
        """Load messages that arrived together; returns by how many bytes the shipment has grown.

        Args:
            now: When they were taken: the records' timestamp.
            size: Bytes that they came in: topics and properties are memory as well as payloads.
        """
        before = shipment.bytes
        shipment.bytes += size
        seconds = now.timestamp()
        timestamp_ms = int(seconds * 1000)
        latest = now + self._policy.future_tolerance
        get_route, add_record = self._routes.get, shipment.add_record
        safe, packet_ids = shipment.safe, shipment.packet_ids
        for arrival in arrivals:
            topic, packet_id, block, payload = arrival
            route = get_route(topic)
            try:
                reading = quick(route, payload, latest) if type(route) is Route else None
            except Exception:  # noqa: BLE001 - `judge` looks at it again, and says what is wrong
                reading = None
            if (
                reading is not None
                and type(route) is Route
                and ((allowance := route.allowance) is None or _may_say(allowance, reading, seconds))
            ):
                destination = route.destination if reading.lane == LIVE else route.aside
                add_record(destination, route.key, payload, timestamp_ms)
                safe.append((route.device_id, reading.boot_id, reading.seq, route.receipt_topic))
                if block:
                    _note_base(shipment, route, user_properties(block), [(reading.boot_id, reading.seq)])
            else:
                self._load_judged(shipment, route, arrival, now, timestamp_ms)
            if packet_id:
                packet_ids.append(packet_id)
        shipment.messages += len(arrivals)
        return shipment.bytes - before

    def _load_judged(
        self, shipment: Shipment, route: AnyRoute, arrival: Arrival, now: datetime, timestamp_ms: int
    ) -> None:
        topic, _, block, payload = arrival
        properties = user_properties(block) if block else []
        if type(route) is ClosedRoute and self._look_again():
            route = self._routes.get(topic)
        verdicts = self._verdicts(route, payload, properties, now)
        if type(route) is Route:
            verdicts = _within_allowance(route, verdicts, now.timestamp())
        numbers: list[tuple[str, int]] = []
        for verdict in verdicts:
            match verdict, route:
                case Accepted(boot_id=boot_id, seq=seq, value=value, lane=lane), Route():
                    destination = route.destination if lane == LIVE else route.aside
                    shipment.add_record(destination, route.key, value, timestamp_ms)
                    shipment.safe.append((route.device_id, boot_id, seq, route.receipt_topic))
                    numbers.append((boot_id, seq))
                case Ticked(value=value), ClockRoute():
                    for destination in route.destinations:
                        shipment.add_record(destination, None, value, timestamp_ms, _TICK_HEADERS)
                        shipment.ticks[destination[0]] = shipment.ticks.get(destination[0], 0) + 1
                case Refused(claims=claims), _:
                    shipment.letters.append((_letter(verdict, topic, route, properties, now), verdict.payload))
                    shipment.bytes += LETTER_BYTES + len(verdict.payload)
                    told = _who_is_told(route)
                    if told is not None and claims.boot_id is not None:
                        # The sender's own numbers, under the device that the broker vouches for, never another's.
                        shipment.safe += [(told[0], claims.boot_id, seq, told[1]) for seq in claims.seqs]
                        numbers += [(claims.boot_id, seq) for seq in claims.seqs]
        if isinstance(route, Route):
            _note_base(shipment, route, properties, numbers)

    def _verdicts(
        self, route: AnyRoute, payload: bytes, properties: Sequence[tuple[str, str]], now: datetime
    ) -> Sequence[Verdict]:
        try:
            return judge(route, payload, properties, now=now, policy=self._policy)
        except Exception as error:  # noqa: BLE001 - no message may end the bridge: it would come again
            detail = f"the bridge failed on it ({error!r}): a fault of the program; report it with this dead letter"
            return [Refused(DeadLetterReason.INVALID, detail, payload, Claims())]


def _letter(
    refused: Refused, topic: bytes, route: AnyRoute, properties: Sequence[tuple[str, str]], now: datetime
) -> DeadLetter:
    try:
        return dead_letter(refused, topic, route, properties, now)
    except ValueError as error:
        # What the sender claims cannot be written down: the letter goes without it.
        plain = replace(refused, claims=Claims(), detail=f"{refused.detail} ({error!r})")
        return dead_letter(plain, topic, route, (), now)


def _note_base(
    shipment: Shipment, route: Route, properties: Sequence[tuple[str, str]], numbers: Sequence[tuple[str, int]]
) -> None:
    found = said_base(properties, numbers)
    if found is not None:
        shipment.bases.append((route.device_id, *found, route.receipt_topic))


def _may_say(allowance: Allowance, reading: Reading, now: float) -> bool:
    return allowance.take(1, now) and allowance.take_dated(reading.observed_at.timestamp(), now)


def _within_allowance(route: Route, verdicts: Sequence[Verdict], now: float) -> Sequence[Verdict]:
    """Refuse the good readings of a message that are more than the device may still send.

    All of them where too many arrive at once; those above the bound where too many are of one moment.
    """
    good = sum(type(each) is Accepted for each in verdicts)
    allowance = route.allowance
    if allowance is None or not good:
        return verdicts
    may_arrive, is_array = allowance.take(good, now), len(verdicts) > 1
    return [
        too_fast(route.device_id, allowance.readings_per_second, each, index if is_array else None)
        if isinstance(each, Accepted) and not (may_arrive and allowance.take_dated(each.observed_at.timestamp(), now))
        else each
        for index, each in enumerate(verdicts)
    ]


def _who_is_told(route: AnyRoute) -> tuple[str, bytes] | None:
    """Device and receipt topic for what was refused; None where nobody is known."""
    match route:
        case Route(device_id=device_id, receipt_topic=receipt_topic):
            return device_id, receipt_topic
        case ClosedRoute(topic=topic, barred=barred, receipt_topic=receipt_topic) if barred.is_known:
            return topic.device_id, receipt_topic
        case _:
            return None
