"""Plays a scenario over one gateway connection: all its feeds in step, the lane's clock between them.

Each reading leaves when its device sends it, so a device whose clock is wrong, or whose line is slow, is heard as it
would be in real life; the lane's clock says when that is. A minute is made when it is due: of what was sent only its
numbers are remembered.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson

from schemas.fields import Feed
from schemas.mqtt import DeviceTopic, Message
from simulators.replay.paced import SLICE, PacedGateway
from simulators.world.places import World
from simulators.world.run import Order, WorldRun, run_id
from simulators.world.scenario import Scenario
from simulators.world.truth import Truth

STEP_SECONDS: Final = 60
LONG_STEP_SECONDS: Final = 600
_LONG: Final = 3 * 86_400
"""Of what lasts longer the clock goes on in longer steps."""
GARBAGE: Final = "unreadable"
"""Group and device in the topic of what is no reading."""
_WAIT_SECONDS: Final = 0.25

Key = tuple[Feed, str, str, int]
"""Feed, device, boot and number of a reading."""


class Cast(NamedTuple):
    """The feeds that play: each in a world of its own size."""

    feed: Feed
    world: World
    order: Order


@dataclass(slots=True)
class Sent:
    """What has left so far."""

    readings: Counter[Feed] = field(default_factory=Counter)
    """Each with a number of its own."""
    repeats: Counter[Feed] = field(default_factory=Counter)
    """Readings that left again, unchanged."""
    garbage: Counter[Feed] = field(default_factory=Counter)
    """Messages that are no reading."""
    keys: set[Key] = field(default_factory=set)

    @property
    def messages(self) -> int:
        """All of them."""
        return sum((self.readings + self.repeats + self.garbage).values())


class _Minute(NamedTuple):
    begin: int
    lines: list[tuple[float, Feed, bytes]]


class Play:
    """One run of a scenario; it may be played once.

    Args:
        cast: The feeds, each with its order: of the same lane, seed, days and window.
    """

    def __init__(self, scenario: Scenario, cast: Sequence[Cast]) -> None:
        self._runs = {one.feed: WorldRun(one.world, scenario, one.order) for one in cast}
        self.boots: Final = sorted({run_id(one.world, scenario, one.order) for one in cast})
        """What the boots of its devices begin with."""
        order = cast[0].order
        self.begin, self.end = order.begin, order.end
        self.step: Final = STEP_SECONDS if order.end - order.begin <= _LONG else LONG_STEP_SECONDS
        self.sent = Sent()

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """The feeds that play."""
        return tuple(self._runs)

    def truth(self, feed: Feed) -> list[Truth]:
        """What was so, for one feed; ask when everything has been played."""
        return self._runs[feed].truth()

    async def perform(
        self,
        stage: PacedGateway,
        *,
        speed: float | None,
        on_time: Callable[[int], None],
    ) -> None:
        """Open the lane of each feed and send everything; return when the broker has acknowledged it.

        Args:
            stage: Publishes in the lane of the orders.
            speed: Times real time; None is as fast as the pace allows.
            on_time: Called with the lane's time, seconds since 1970.

        Raises:
            GatewayRefused: the MQTT broker refuses something.
        """
        begun = time.monotonic()
        self._tick(stage, self.begin - self.step)
        done = 0
        for minute in self._minutes():
            await self._wait(stage, minute.begin, begun, speed)
            self._tick(stage, minute.begin)
            for at, feed, line in minute.lines:
                if done % SLICE == 0:
                    await stage.turn(SLICE)
                    if speed is not None:
                        await self._wait(stage, at, begun, speed)
                done += 1
                await self._send(stage, feed, line.strip())
            on_time(minute.begin + self.step)
        self._tick(stage, self.end)
        await stage.drain()

    async def close(self, stage: PacedGateway, feed: Feed) -> None:
        """Close the lane of a feed.

        Raises:
            GatewayRefused: the MQTT broker refuses it.
        """
        stage.tick(feed, datetime.fromtimestamp(self.end, UTC), closes=True)
        await stage.drain()

    def _minutes(self) -> Iterator[_Minute]:
        parts = {feed: run.parts(self.step) for feed, run in self._runs.items()}
        for begin in range(self.begin, self.end, self.step):
            lines = [(at, feed, line) for feed, some in parts.items() for at, line in next(some).lines[feed]]
            lines.sort(key=lambda each: each[0])
            yield _Minute(begin, lines)

    def _tick(self, stage: PacedGateway, at: int) -> None:
        for feed in self._runs:
            stage.tick(feed, datetime.fromtimestamp(at, UTC))

    async def _wait(self, stage: PacedGateway, at: float, begun: float, speed: float | None) -> None:
        if speed is None:
            return
        while (left := (at - self.begin) / speed - (time.monotonic() - begun)) > 0:
            stage.flush()
            await asyncio.sleep(min(left, _WAIT_SECONDS))

    async def _send(self, stage: PacedGateway, feed: Feed, line: bytes) -> None:
        reading = _reading(line)
        if reading is None:
            self.sent.garbage[feed] += 1
            await stage.publish_other(str(DeviceTopic(feed, GARBAGE, GARBAGE, Message.RELAY)), line)
            return
        device, boot, seq = reading["device_id"], reading["boot_id"], reading["seq"]
        key = (feed, device, boot, seq)
        self.sent.readings[feed] += key not in self.sent.keys
        self.sent.repeats[feed] += key in self.sent.keys
        self.sent.keys.add(key)
        topic = str(DeviceTopic(feed, reading["group_id"], device, Message.RELAY))
        await stage.publish(topic, line, (device, seq), boot)


def _reading(line: bytes) -> dict[str, Any] | None:
    """A line of the world that is a reading; None: what a broken device sends instead of one."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and "seq" in found else None
