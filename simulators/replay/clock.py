"""The lane's clock, driven behind the readings: which ticks to send as event time advances. Pure.

A recording ends with its last reading, not with the period that it covers: a May of four-hourly samples ends on the
31st at 20:00. So when the lane is closed the clock runs on to the end of the local month, or day, if no further reading
was to be expected before that; else the period stays unfinished, and says how it stands so far.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from schemas.fields import DISTRICT_ZONE, EARLIEST, LATEST

STEP: Final = timedelta(minutes=1)
"""Least advance of event time between two ticks; the lane is opened so long before its first reading."""

AFTERWARDS: Final = timedelta(hours=1)
"""How far the clock runs on after the last reading, so that what the last readings opened is judged."""


_GAPS: Final = 3
"""So many of a device's last gaps say how often it sends: the least of them, as an outage makes one longer."""
_DAY: Final = timedelta(days=1)
_MOST: Final = 0.9
"""So large a share of the devices that still sent at its end must have sent all that a period asks for."""


def covered_until(readings: Iterable[tuple[Hashable, datetime]]) -> datetime | None:
    """The end of the local month, or day, that a recording covers; None: it breaks off in the middle of a day.

    A device covers a period when its next reading was not due before the end of it.

    Args:
        readings: Device and event time, in the order of that.
    """
    last: dict[Hashable, tuple[datetime, ...]] = {}
    newest: datetime | None = None
    for device, at in readings:
        known = last.get(device, ())
        if not EARLIEST <= at <= LATEST:
            continue  # the bridge refuses it
        if not known or at > known[-1]:
            last[device] = (*known, at)[-_GAPS - 1 :]
        newest = at if newest is None else max(newest, at)
    if newest is None:
        return None
    gaps = {device: _gap(times) for device, times in last.items() if len(times) > 1}
    due = [last[device][-1] + gap for device, gap in gaps.items() if newest - last[device][-1] < max(_DAY, gap)]
    day = newest.astimezone(DISTRICT_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    month = (day.replace(day=1) + 31 * _DAY).replace(day=1)
    for end in (month, day + _DAY):
        if due and sum(at >= end for at in due) >= _MOST * len(due):
            return end.astimezone(UTC)
    return None


def _gap(times: tuple[datetime, ...]) -> timedelta:
    return min(later - before for before, later in pairwise(times))


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

    def closing(self, covered: datetime | None, now: datetime) -> datetime:
        """Return the time at which the lane is closed: behind the end of what the recording covers, if that is over.

        Args:
            covered: See `covered_until`.
        """
        said = self.said or EARLIEST
        return said if covered is None or covered + STEP > now else max(said, covered + STEP)

    def _say(self, at: datetime | None, least: timedelta) -> datetime | None:
        if at is None or at < EARLIEST:
            return None
        if self.said is not None and (at <= self.said or at - self.said < least):
            return None
        self.said = at
        return at
