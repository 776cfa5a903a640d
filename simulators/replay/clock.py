"""The lane's clock, driven behind the readings: which ticks to send as event time advances. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.fields import EARLIEST

STEP: Final = timedelta(minutes=1)
"""Least advance of event time between two ticks."""

AFTERWARDS: Final = timedelta(hours=1)
"""How far the clock runs on after the last reading, so that what the last readings opened is judged."""


@dataclass(slots=True)
class LaneClock:
    """What the clock has said so far."""

    said: datetime | None = None
    reached: datetime | None = None

    def before(self, at: datetime) -> datetime | None:
        """Return the tick to send before a reading of that time: all readings up to the tick have been sent."""
        tick = self._say(self.reached, STEP) if self.reached is not None and at > self.reached else None
        self.reached = at if self.reached is None else max(self.reached, at)
        return tick

    def passing(self, at: datetime) -> datetime | None:
        """Return the tick to send while the replay waits for its next reading and its time has come to `at`."""
        return self._say(at, timedelta(0))

    def end(self) -> datetime | None:
        """Return the last tick."""
        return self._say(self.reached + AFTERWARDS, timedelta(0)) if self.reached is not None else None

    def _say(self, at: datetime | None, least: timedelta) -> datetime | None:
        if at is None or at < EARLIEST or (self.said is not None and at - self.said <= least):
            return None
        self.said = at
        return at
