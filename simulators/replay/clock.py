"""The lane's clock, driven behind the readings: which ticks to send as event time advances. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.fields import EARLIEST, LATEST

STEP: Final = timedelta(minutes=1)
"""Least advance of event time between two ticks; the lane is opened so long before its first reading."""

AFTERWARDS: Final = timedelta(hours=1)
"""How far the clock runs on after the last reading, so that what the last readings opened is judged."""


@dataclass(slots=True)
class LaneClock:
    """What the clock has said so far.

    A time outside the bounds is a reading that the bridge refuses: it moves no clock.
    """

    latest: datetime = LATEST
    """Readings beyond are refused."""
    said: datetime | None = None
    reached: datetime | None = None

    def opening(self, first: datetime) -> datetime:
        """Return the tick that opens the lane: before the first reading, so that none finds it closed."""
        self.said = max(first - STEP, EARLIEST) if EARLIEST <= first <= self.latest else EARLIEST
        return self.said

    def before(self, at: datetime) -> datetime | None:
        """Return the tick to send before a reading of that time: all readings up to the tick have been sent."""
        if not EARLIEST <= at <= self.latest:
            return None
        tick = self._say(self.reached, STEP) if self.reached is not None and at > self.reached else None
        self.reached = at if self.reached is None else max(self.reached, at)
        return tick

    def passing(self, at: datetime) -> datetime | None:
        """Return the tick to send while the replay waits for its next reading and its time has come to `at`."""
        return self._say(min(at, self.latest), timedelta(0))

    def end(self) -> datetime | None:
        """Return the last tick."""
        if self.reached is None:
            return None
        return self._say(min(self.reached, LATEST - AFTERWARDS) + AFTERWARDS, timedelta(0))

    def _say(self, at: datetime | None, least: timedelta) -> datetime | None:
        if at is None or at < EARLIEST:
            return None
        if self.said is not None and (at <= self.said or at - self.said < least):
            return None
        self.said = at
        return at
