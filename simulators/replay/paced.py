"""A gateway connection that leaves room for live readings: so many readings a second, so many without a receipt.

Live readings share the bridge, and with it everything behind the bridge, so whoever plays a lane keeps two bounds.
*Pace*: so many readings a second, in even slices, since a burst would stand before live readings in the bridge's queue.
*Window*: so many readings without a receipt of the bridge, so that a bridge or a Kafka that falls behind slows it down.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Final

from schemas.clock import Tick
from schemas.fields import Feed
from schemas.mqtt import ClockTopic
from simulators import wire
from simulators.gateway import Gateway
from simulators.replay.unreceipted import Unreceipted

PACE: Final = 3_000.0
"""Readings a second at full speed: a quarter of what the whole platform takes on two slow cores."""
WINDOW: Final = 6_000
"""Readings without a receipt: two seconds of the pace, since receipts come once a second."""
SLICE: Final = 50
"""Readings between two looks at the pace."""
RECEIPT_PATIENCE_SECONDS: Final = 10.0
"""Readings whose receipts do not come for so long are not waited for: a trickle goes on, and the ledger tells."""
LOOK_SECONDS: Final = 0.02


class PacedGateway:
    """Publishes readings and clock messages of one lane.

    Args:
        unreceipted: Hears the receipts that come by the gateway.
        pace: Readings a second at most.
    """

    def __init__(self, gateway: Gateway, lane: str, unreceipted: Unreceipted, *, pace: float = PACE) -> None:
        self._gateway = gateway
        self._lane = lane
        self._unreceipted = unreceipted
        self._pace = pace
        self._due = 0.0

    async def publish(self, topic: str, payload: bytes, key: tuple[str, int], boot_id: str | None = None) -> None:
        """Publish one reading; its turn has come.

        Args:
            key: Device and number.
            boot_id: None: the one boot of which receipts are heard.

        Raises:
            GatewayRefused: the MQTT broker refuses something.
        """
        await self.publish_other(topic, payload)
        self._unreceipted.sent(*key, boot_id)

    async def publish_other(self, topic: str, payload: bytes) -> None:
        """Publish something that gets no receipt: it is no reading.

        Raises:
            GatewayRefused: the MQTT broker refuses something.
        """
        if self._gateway.room <= 0:
            self._gateway.flush()
            await self._gateway.wait_room()
        self._gateway.publish(wire.publish_head(topic, len(payload)), wire.publish_body(payload))

    def tick(self, feed: Feed, at: datetime, *, closes: bool = False) -> None:
        """Say what time it is in the lane, behind the readings that have left."""
        payload = Tick(lane=self._lane, at=at, closes=closes).model_dump_json().encode()
        topic = str(ClockTopic(feed, self._lane))
        self._gateway.publish(wire.publish_head(topic, len(payload)), wire.publish_body(payload))

    def flush(self) -> None:
        """Let go what was published."""
        self._gateway.flush()

    async def drain(self) -> None:
        """Return when the broker has acknowledged everything.

        Raises:
            GatewayRefused: the MQTT broker refuses something.
        """
        await self._gateway.drain()

    async def turn(self, readings: int) -> None:
        """Return when so many more may leave; time that was lost is not made up for by a burst.

        Raises:
            GatewayRefused: the MQTT broker refuses something.
        """
        self._gateway.flush()
        await self._wait_receipts()
        now = time.monotonic()
        await asyncio.sleep(max(0.0, self._due - now))
        self._due = max(self._due, now) + readings / self._pace

    async def _wait_receipts(self) -> None:
        known, moved_at = self._unreceipted.count, time.monotonic()
        while self._unreceipted.count >= WINDOW:
            self._gateway.raise_failure()
            await asyncio.sleep(LOOK_SECONDS)
            if self._unreceipted.count < known:
                known, moved_at = self._unreceipted.count, time.monotonic()
            elif time.monotonic() - moved_at > RECEIPT_PATIENCE_SECONDS:
                self._unreceipted.write_off()
