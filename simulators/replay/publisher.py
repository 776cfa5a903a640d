"""Publishes a recording over one gateway connection: in event-time order, the lane's clock behind the readings.

Live readings share the bridge, and with it everything behind the bridge, so a replay keeps two bounds. *Pace*: so many
readings a second, in even slices, since a burst would stand before live readings in the bridge's queue. *Window*: so
many readings without a receipt of the bridge, so that a bridge or a Kafka that falls behind slows the replay down.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.clock import Tick
from schemas.fields import EARLIEST, LATEST, Feed
from schemas.mqtt import ClockTopic
from simulators import wire
from simulators.gateway import Gateway
from simulators.replay.clock import LaneClock, covered_until
from simulators.replay.numbering import Outgoing
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
TICK_SECONDS: Final = 1.0
"""Time between two ticks while a replay at a given speed waits."""

Progress = Callable[[int], None]


class ReplayPublisher:
    """One replay of one feed in one lane.

    Args:
        unreceipted: Hears the receipts that come by the gateway.
        speed: Times real time; None is as fast as the pace allows.
        pace: Readings a second at most.
        latest: Readings dated later are refused by the bridge; they move no clock.
        on_progress: Called with the number of readings published so far.
    """

    def __init__(
        self,
        gateway: Gateway,
        feed: Feed,
        lane: str,
        unreceipted: Unreceipted,
        *,
        speed: float | None = None,
        pace: float = PACE,
        latest: datetime = LATEST,
        on_progress: Progress | None = None,
    ) -> None:
        self._gateway = gateway
        self._lane = lane
        self._clock_topic = str(ClockTopic(feed, lane))
        self._clock = LaneClock(latest)
        self._covered: datetime | None = None
        """End of the period that what was published covers."""
        self._unreceipted = unreceipted
        self._speed = speed
        self._pace = pace
        self._due = 0.0
        self._on_progress = on_progress

    async def publish(self, readings: Sequence[Outgoing]) -> None:
        """Open the lane and publish all; return when the broker has acknowledged each.

        Raises:
            GatewayRefused: the MQTT broker refuses something.
        """
        if not readings:
            return
        first, begun = readings[0].at, time.monotonic()
        self._covered = covered_until((each.key[0], each.at) for each in readings)
        self._tick(self._clock.opening(next((each.at for each in readings if each.at >= EARLIEST), EARLIEST)))
        for done, each in enumerate(readings):
            if done % SLICE == 0:
                await self._wait_turn(SLICE)
                self._report(done)
            if self._speed is not None:
                await self._wait(each.at, first, begun)
            self._tick(self._clock.before(each.at))
            await self._publish(each)
        self._tick(self._clock.end())
        await self._gateway.drain()
        self._report(len(readings))

    async def again(self, readings: Sequence[Outgoing]) -> None:
        """Publish some once more, the clock left alone.

        Raises:
            GatewayRefused: the MQTT broker refuses something.
        """
        for done, each in enumerate(readings):
            if done % SLICE == 0:
                await self._wait_turn(SLICE)
            await self._publish(each)
        await self._gateway.drain()

    async def close(self) -> None:
        """Close the lane when its clock has reached the end of what the recording covers.

        Raises:
            GatewayRefused: the MQTT broker refuses it.
        """
        self._tick(self._clock.closing(self._covered, datetime.now(UTC)), closes=True)
        await self._gateway.drain()

    async def _publish(self, each: Outgoing) -> None:
        if self._gateway.room <= 0:
            self._gateway.flush()
            await self._gateway.wait_room()
        self._gateway.publish(wire.publish_head(each.topic, len(each.payload)), wire.publish_body(each.payload))
        self._unreceipted.sent(*each.key)

    async def _wait_turn(self, readings: int) -> None:
        """Return when so many more may leave; time that was lost is not made up for by a burst."""
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

    async def _wait(self, at: datetime, first: datetime, begun: float) -> None:
        speed = self._speed or 1.0
        while True:
            elapsed = time.monotonic() - begun
            left = (at - first).total_seconds() / speed - elapsed
            if left <= 0:
                return
            self._gateway.flush()
            await asyncio.sleep(min(left, TICK_SECONDS))
            if left > TICK_SECONDS:
                passed = timedelta(seconds=(time.monotonic() - begun) * speed)
                self._tick(self._clock.passing(min(first + passed, at)))

    def _tick(self, at: datetime | None, *, closes: bool = False) -> None:
        if at is None:
            return
        payload = Tick(lane=self._lane, at=at, closes=closes).model_dump_json().encode()
        self._gateway.publish(wire.publish_head(self._clock_topic, len(payload)), wire.publish_body(payload))

    def _report(self, done: int) -> None:
        if self._on_progress is not None:
            self._on_progress(done)
