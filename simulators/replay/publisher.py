"""Publishes a recording over one gateway connection: in event-time order, the lane's clock behind the readings.

How fast is the matter of `paced`: live readings come first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.fields import EARLIEST, LATEST, Feed
from simulators.gateway import Gateway
from simulators.replay.clock import LaneClock, covered_until
from simulators.replay.numbering import Outgoing
from simulators.replay.paced import PACE, SLICE, PacedGateway
from simulators.replay.unreceipted import Unreceipted

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
        self._gateway = PacedGateway(gateway, lane, unreceipted, pace=pace)
        self._feed = feed
        self._clock = LaneClock(latest)
        self._covered: datetime | None = None
        """End of the period that what was published covers."""
        self._speed = speed
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
                await self._gateway.turn(SLICE)
                self._report(done)
            if self._speed is not None:
                await self._wait(each.at, first, begun)
            self._tick(self._clock.before(each.at))
            await self._gateway.publish(each.topic, each.payload, each.key)
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
                await self._gateway.turn(SLICE)
            await self._gateway.publish(each.topic, each.payload, each.key)
        await self._gateway.drain()

    async def close(self) -> None:
        """Close the lane when its clock has reached the end of what the recording covers.

        Raises:
            GatewayRefused: the MQTT broker refuses it.
        """
        self._tick(self._clock.closing(self._covered, datetime.now(UTC)), closes=True)
        await self._gateway.drain()

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
        if at is not None:
            self._gateway.tick(self._feed, at, closes=closes)

    def _report(self, done: int) -> None:
        if self._on_progress is not None:
            self._on_progress(done)
