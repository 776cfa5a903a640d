"""Publishes a recording over one gateway connection: in event-time order, the lane's clock behind the readings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from schemas.clock import Tick
from schemas.fields import Feed
from schemas.mqtt import ClockTopic
from simulators import wire
from simulators.gateway import Gateway
from simulators.replay.clock import LaneClock
from simulators.replay.numbering import Outgoing

BREATH = 200
"""Readings after which a replay at full speed lets the connection read."""
TICK_SECONDS = 1.0
"""Time between two ticks while a replay at a given speed waits."""

Progress = Callable[[int], None]


class ReplayPublisher:
    """One replay of one feed in one lane.

    Args:
        speed: Times real time; None is as fast as possible.
        on_progress: Called with the number of readings published so far.
    """

    def __init__(
        self, gateway: Gateway, feed: Feed, lane: str, *, speed: float | None, on_progress: Progress | None = None
    ) -> None:
        self._gateway = gateway
        self._lane = lane
        self._clock_topic = str(ClockTopic(feed, lane))
        self._clock = LaneClock()
        self._speed = speed
        self._on_progress = on_progress

    async def publish(self, readings: Sequence[Outgoing]) -> None:
        """Publish all; return when the broker has acknowledged each.

        Raises:
            GatewayRefused: the MQTT broker refuses something.
        """
        if not readings:
            return
        first, begun = readings[0].at, time.monotonic()
        for done, each in enumerate(readings):
            if self._speed is not None:
                await self._wait(each.at, first, begun)
            self._tick(self._clock.before(each.at))
            await self._publish(each)
            if done % BREATH == BREATH - 1:
                self._gateway.flush()
                self._report(done + 1)
                await asyncio.sleep(0)
        self._tick(self._clock.end())
        await self._gateway.drain()
        self._report(len(readings))

    async def again(self, readings: Sequence[Outgoing]) -> None:
        """Publish some once more, the clock left alone.

        Raises:
            GatewayRefused: the MQTT broker refuses something.
        """
        for each in readings:
            await self._publish(each)
        await self._gateway.drain()

    async def _publish(self, each: Outgoing) -> None:
        if self._gateway.room <= 0:
            self._gateway.flush()
            await self._gateway.wait_room()
        self._gateway.publish(wire.publish_head(each.topic, len(each.payload)), wire.publish_body(each.payload))

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

    def _tick(self, at: datetime | None) -> None:
        if at is None:
            return
        payload = Tick(lane=self._lane, at=at).model_dump_json().encode()
        self._gateway.publish(wire.publish_head(self._clock_topic, len(payload)), wire.publish_body(payload))

    def _report(self, done: int) -> None:
        if self._on_progress is not None:
            self._on_progress(done)
