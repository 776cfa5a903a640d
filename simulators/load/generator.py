"""The open loop: sends what is due, whatever the platform does; what is late counts as late.

1. Each message is due at a fixed time and carries it as `observed_at`: no coordinated omission.
2. A device's sequence numbers have no gaps; a message is numbered when it is sent the first time.
3. Unacknowledged messages are sent again after a reconnect; with receipts, whatever has no receipt yet, too.
4. Latency to the acknowledgement counts from the due time; with receipts it is not measured.
5. In a lane other than live it opens the lane, drives its clock and closes it at the end.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import orjson
from pydantic import ValidationError

from schemas.clock import Tick
from schemas.fields import LIVE, Feed
from schemas.mqtt import DEVICE_PROPERTY_BASE, ClockTopic, Message
from schemas.receipt import Receipt
from simulators import wire
from simulators.endpoint import Endpoint
from simulators.gateway import Gateway
from simulators.load.schedule import Lateness, Schedule, Shape, Stamps
from simulators.load.templates import VARIANTS, LoadDevice, groups_of, load_device
from simulators.outbox import Kept, Outbox, OutboxPolicy

TICK_SECONDS: Final = 0.002
BURST: Final = 512
CLOCK_SECONDS: Final = 1.0
RECEIPT_CHECK_SECONDS: Final = 0.25
PROGRESS_SECONDS: Final = 1.0
LEAVE_SECONDS: Final = 5.0
"""Longest wait for the broker to take the message that closes the lane."""
_HELD: Final = OutboxPolicy(capacity=1_000_000, window=300, patience_seconds=6.0)

Packet = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What the operator asked for."""

    rate: float
    """Readings a second."""
    seconds: float
    devices: int
    batch: int
    feeds: tuple[Feed, ...]
    lane: str
    boot_id: str
    receipts: bool
    troubled: bool
    """Car parks send counts that cannot be, so that alerts are raised and resolved all the time."""
    connections: int
    window: int
    """Messages in flight on all connections, at most."""
    drain_seconds: float
    """How long to wait for the last acknowledgement, and receipt, after the end."""
    shape: Shape = Shape.STEADY


@dataclass(frozen=True, slots=True)
class _Told:
    """What the last word on the progress was about."""

    elapsed: float = 0.0
    sent: int = 0
    acknowledged: int = 0


def _packet(kept: Kept[Packet]) -> Packet:
    """The packet of an item, with the device's base where there is one to say."""
    return kept.item if kept.base is None else wire.with_user_property(*kept.item, DEVICE_PROPERTY_BASE, str(kept.base))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    elapsed_seconds: float
    sent: int
    """Readings, since the start."""
    rate: float
    """Readings a second since the last time."""
    acknowledged_p99_ms: float | None
    """Of what was acknowledged since the last time; None: nothing was."""
    late_ms: float
    """By how much the last message left after its time."""


class LoadRun:
    """One run.

    Args:
        on_progress: Called about once a second while sending.
    """

    def __init__(
        self, plan: LoadPlan, endpoint: Endpoint, *, on_progress: Callable[[Progress], None] | None = None
    ) -> None:
        self._plan = plan
        self._on_progress = on_progress
        self._due: list[dict[int, float]] = [{} for _ in range(plan.connections)]
        self._acknowledged_after = array("f")
        self._begun = 0.0
        self._waited = 0.0
        self._cpu_seconds = 0.0
        self._schedule = Schedule(plan.rate, plan.seconds, plan.batch, plan.shape)
        self._devices = [
            load_device(
                plan.feeds[number % len(plan.feeds)],
                number // len(plan.feeds),
                boot_id=plan.boot_id,
                lane=plan.lane,
                batch=plan.batch,
                groups=groups_of(plan.devices),
                troubled=plan.troubled,
            )
            for number in range(plan.devices)
        ]
        self._next_seq = [0] * plan.devices
        self._outboxes: list[Outbox[Packet]] = [Outbox(plan.boot_id, _HELD) for _ in self._devices]
        self._by_receipt_topic = {
            str(replace(device.topic, message=Message.RECEIPT)).encode(): index
            for index, device in enumerate(self._devices)
        }
        self._gateways = [self._gateway(endpoint, number) for number in range(plan.connections)]
        self._lateness = Lateness()
        self._sent = 0
        self._stopped = False

    def _gateway(self, endpoint: Endpoint, number: int) -> Gateway:
        own = range(number, self._plan.devices, self._plan.connections)
        topics = list(self._by_receipt_topic)
        return Gateway(
            endpoint,
            f"{self._plan.boot_id}-{number}",
            window=self._plan.window // self._plan.connections,
            filters=[topics[index].decode() for index in own] if self._plan.receipts else (),
            on_message=self._on_receipt if self._plan.receipts else None,
            on_connected=(lambda: self._start_over(own)) if self._plan.receipts else None,
            on_acknowledged=None if self._plan.receipts else partial(self._on_acknowledged, self._due[number]),
        )

    def _on_acknowledged(self, due: dict[int, float], packet_ids: Sequence[int]) -> None:
        now = time.monotonic() - self._begun
        self._acknowledged_after.extend(
            now - due_at for packet_id in packet_ids if (due_at := due.pop(packet_id, None)) is not None
        )

    @property
    def acknowledged_seconds(self) -> Sequence[float]:
        """From the due time of each message to its acknowledgement; empty with receipts."""
        return self._acknowledged_after

    def _on_receipt(self, topic: bytes, payload: bytes) -> None:
        index = self._by_receipt_topic.get(topic)
        if index is None:
            return
        try:
            receipt = Receipt.model_validate_json(payload)
        except ValidationError:
            return
        self._outboxes[index].receipt(receipt.boot_id, receipt.seq, time.monotonic())

    def _start_over(self, own: Sequence[int]) -> None:
        """A new connection: all that has no receipt is sent again by the outboxes, not by the gateway."""
        if not own:
            return
        gateway = self._gateways[own[0] % self._plan.connections]
        gateway.forget_in_flight()
        for index in own:
            self._outboxes[index].connected(time.monotonic())

    def numbered(self) -> list[dict[str, Any]]:
        """Each device with its boot and the number that its next reading gets: all lower ones are sent or kept."""
        return [self._key(device, seq) for device, seq in zip(self._devices, self._next_seq, strict=True)]

    def stop(self) -> None:
        """Number nothing more: `run` waits for what was sent, closes the lane and returns the figures."""
        self._stopped = True

    async def run(self) -> dict[str, Any]:
        """Send everything; return the figures.

        Raises:
            GatewayUnreachable: no MQTT broker answers.
            GatewayRefused: the MQTT broker refuses us or what we publish.
        """
        async with AsyncExitStack() as stack:
            for gateway in self._gateways:
                await stack.enter_async_context(gateway)
            for gateway in self._gateways:
                await gateway.wait_connected()
            await self._open_lane()
            begun = self._begun = time.monotonic()
            clock = asyncio.create_task(self._drive_clock(), name="load-clock")
            try:
                cpu = time.process_time()
                await self._send_all(begun)
                sent_after = time.monotonic() - begun
                self._cpu_seconds = time.process_time() - cpu
                complete = await self._settle()
            finally:
                clock.cancel()
            await self._close_lane()
            return self._report(sent_after, complete)

    async def _send_all(self, begun: float) -> None:
        schedule, stamps = self._schedule, Stamps(datetime.now(UTC))
        total, message = schedule.messages, 0
        told = _Told()
        while message < total and not self._stopped:
            elapsed = time.monotonic() - begun
            if self._on_progress is not None and elapsed - told.elapsed >= PROGRESS_SECONDS:
                late = max(0.0, elapsed - schedule.due_at(message))
                told = self._tell(self._on_progress, told, elapsed, late)
            due = schedule.due_by(elapsed)
            stop = min(due, message + BURST)
            if message < stop:
                if not self._plan.receipts:
                    await self._wait_room()
                self._send(range(message, stop), stamps)
                left = time.monotonic() - begun
                self._lateness.add([left - schedule.due_at(each) for each in range(message, stop)])
                message = stop
            if self._plan.receipts:
                self._send_again()
            pause = 0.0 if message < due else max(schedule.due_at(message) - (time.monotonic() - begun), TICK_SECONDS)
            await asyncio.sleep(pause)

    def _tell(self, tell: Callable[[Progress], None], told: _Told, elapsed: float, late: float) -> _Told:
        recent = sorted(self._acknowledged_after[told.acknowledged :])
        tell(
            Progress(
                elapsed_seconds=elapsed,
                sent=self._sent,
                rate=(self._sent - told.sent) / (elapsed - told.elapsed),
                acknowledged_p99_ms=recent[int(len(recent) * 0.99)] * 1000 if recent else None,
                late_ms=late * 1000,
            )
        )
        return _Told(elapsed, self._sent, len(self._acknowledged_after))

    async def _wait_room(self) -> None:
        """Wait until the broker has taken enough; this is the platform's lateness, not the generator's."""
        begun = time.monotonic()
        for gateway in self._gateways:
            await gateway.wait_room(min(BURST, self._plan.window // self._plan.connections))
        self._waited += time.monotonic() - begun

    def _send(self, messages: range, stamps: Stamps) -> None:
        batch, devices, count = self._plan.batch, self._devices, len(self._devices)
        for message in messages:
            turn, index = divmod(message, count)
            template = devices[index].templates[turn % VARIANTS]
            seq = self._next_seq[index]
            self._next_seq[index] = seq + batch
            body = template.fill(seq, stamps.burst(self._schedule.due_at(message), batch))
            if self._plan.receipts:
                outbox = self._outboxes[index]
                outbox.add((template.head, body), time.monotonic(), batch)
            else:
                number = index % len(self._gateways)
                packet_id = self._gateways[number].publish(template.head, body)
                self._due[number][packet_id] = self._schedule.due_at(message)
        self._sent += len(messages) * batch
        if self._plan.receipts:
            self._send_again()
        for gateway in self._gateways:
            gateway.flush()

    def _send_again(self) -> None:
        """Send what the outboxes want sent: new messages, and after a reconnect or a stuck receipt old ones."""
        now = time.monotonic()
        for index, outbox in enumerate(self._outboxes):
            if not outbox:
                continue
            gateway = self._gateways[index % len(self._gateways)]
            if gateway.room <= 0:
                continue
            for kept in outbox.due(now, gateway.room):
                gateway.publish(*_packet(kept))
        for gateway in self._gateways:
            gateway.flush()

    async def _settle(self) -> bool:
        """Wait until everything is acknowledged, and with receipts, safe; false when the time is over."""
        deadline = time.monotonic() + self._plan.drain_seconds
        while time.monotonic() < deadline:
            for gateway in self._gateways:
                gateway.raise_failure()
            if self._plan.receipts:
                self._send_again()
            if not any(self._outboxes) and not any(gateway.in_flight for gateway in self._gateways):
                return True
            await asyncio.sleep(RECEIPT_CHECK_SECONDS if self._plan.receipts else TICK_SECONDS)
        return False

    async def _open_lane(self) -> None:
        """Open the lane of each feed before its first reading; `live` is always open."""
        self._tick(datetime.now(UTC) - timedelta(seconds=CLOCK_SECONDS))
        await self._gateways[0].drain()

    async def _close_lane(self) -> None:
        """Close it: the broker has all readings by now, or has not had them for as long as we were to wait."""
        self._tick(datetime.now(UTC), closes=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gateways[0].drain(), LEAVE_SECONDS)

    async def _drive_clock(self) -> None:
        """Time of the lane, behind the readings; the lane `live` has a clock of its own."""
        while True:
            await asyncio.sleep(CLOCK_SECONDS)
            self._tick(datetime.now(UTC) - timedelta(seconds=CLOCK_SECONDS))

    def _tick(self, at: datetime, *, closes: bool = False) -> None:
        gateway, lane = self._gateways[0], self._plan.lane
        if lane == LIVE:
            return
        payload = Tick(lane=lane, at=at, closes=closes).model_dump_json().encode()
        for feed in self._plan.feeds:
            if gateway.room > 0 or closes:
                topic = str(ClockTopic(feed, lane))
                gateway.publish(wire.publish_head(topic, len(payload)), wire.publish_body(payload))
        gateway.flush()

    def _report(self, sent_after: float, complete: bool) -> dict[str, Any]:
        counts = [gateway.counts for gateway in self._gateways]
        return {
            "sent": self._sent,
            "messages": self._sent // self._plan.batch,
            "acked": sum(each.acknowledged for each in counts),
            "resent": sum(each.resent for each in counts) + sum(each.repeated for each in self._outboxes),
            "connections": sum(each.connections for each in counts),
            "unfinished": 0
            if complete
            else sum(len(outbox) for outbox in self._outboxes) + sum(g.in_flight for g in self._gateways),
            "late_p50_ms": self._lateness.percentile_ms(0.5),
            "late_p99_ms": self._lateness.percentile_ms(0.99),
            "seconds": round(sent_after, 3),
            "waited_seconds": round(self._waited, 3),
            "cpu_share": round(self._cpu_seconds / sent_after, 3) if sent_after > 0 else 0.0,
            "lane": self._plan.lane,
            "keys": self.numbered(),
        }

    def _key(self, device: LoadDevice, next_seq: int) -> dict[str, Any]:
        return {
            "feed": device.topic.feed,
            "device_id": device.topic.device_id,
            "boot_id": self._plan.boot_id,
            "next_seq": next_seq,
        }


def report_text(report: dict[str, Any]) -> str:
    """Write the figures for people."""
    return (
        f"{report['sent']:,} readings in {report['messages']:,} messages within {report['seconds']:.1f} s; "
        f"acknowledged {report['acked']:,}, sent again {report['resent']:,}, connections {report['connections']}; "
        f"late p50 {report['late_p50_ms']:.1f} ms, p99 {report['late_p99_ms']:.1f} ms; lane {report['lane']}"
    )


def report_json(report: dict[str, Any]) -> str:
    """Write the figures for machines, one line."""
    return orjson.dumps(report).decode()
