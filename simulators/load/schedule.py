"""When each message of an open loop is due, and what its lateness was. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import ceil, sqrt
from typing import Final


class Shape(StrEnum):
    """How the rate goes over the time of a run."""

    STEADY = "steady"
    """The same all the time."""
    RAMP = "ramp"
    """From nothing to the rate, evenly."""
    BURST = "burst"
    """All that is due in ten seconds comes in the first of them, at ten times the rate."""


BURST_PERIOD: Final = 10.0
"""Seconds from one burst to the next."""
BURST_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """When each message is due, whatever the platform does; their number follows from rate, time and batch."""

    readings_per_second: float
    """Steady: all the time; of a ramp at its end; of bursts on the average."""
    seconds: float
    batch: int
    shape: Shape = Shape.STEADY

    @property
    def messages_per_second(self) -> float:
        """Rate of messages that belongs to the rate of readings."""
        return self.readings_per_second / self.batch

    @property
    def messages(self) -> int:
        """How many there are."""
        steady = self.readings_per_second * self.seconds / self.batch
        return max(1, round(steady / 2)) if self.shape is Shape.RAMP else round(steady)

    def due_by(self, elapsed_seconds: float) -> int:
        """How many messages are due so long after the start."""
        match self.shape:
            case Shape.RAMP:
                due = self.messages * (max(0.0, elapsed_seconds) / self.seconds) ** 2
            case Shape.BURST:
                periods, into = divmod(elapsed_seconds, BURST_PERIOD)
                if into >= BURST_SECONDS:
                    return min(self.messages, ceil((periods + 1) * self._in_a_burst))
                due = (periods + into / BURST_SECONDS) * self._in_a_burst
            case _:
                due = elapsed_seconds * self.messages_per_second
        return min(self.messages, int(due) + 1)

    def due_at(self, message: int) -> float:
        """Seconds after the start."""
        match self.shape:
            case Shape.RAMP:
                return self.seconds * sqrt(message / self.messages)
            case Shape.BURST:
                periods, into = divmod(message / self._in_a_burst, 1.0)
                return periods * BURST_PERIOD + into * BURST_SECONDS
            case _:
                return message / self.messages_per_second

    @property
    def _in_a_burst(self) -> float:
        return self.messages_per_second * BURST_PERIOD


class Stamps:
    """Times of messages as text, `2026-11-24T02:33:44.123456Z`, the second kept between calls."""

    def __init__(self, start: datetime) -> None:
        self._start = start.astimezone(UTC)
        self._second = -1
        self._prefix = b""

    def at(self, offset_seconds: float) -> bytes:
        """Return the time so long after the start."""
        microseconds = self._start.microsecond + round(offset_seconds * 1e6)
        second, rest = divmod(microseconds, 1_000_000)
        if second != self._second:
            whole = self._start.replace(microsecond=0) + timedelta(seconds=second)
            self._second = second
            self._prefix = whole.strftime("%Y-%m-%dT%H:%M:%S.").encode()
        return b"%b%06dZ" % (self._prefix, rest)

    def burst(self, offset_seconds: float, count: int) -> list[bytes]:
        """Return `count` times, a microsecond apart, the last so long after the start: samples taken in a burst."""
        last = self.at(offset_seconds)
        rest = int(last[-7:-1])
        if rest < count - 1:
            return [self.at(offset_seconds - back / 1e6) for back in range(count - 1, -1, -1)]
        head = last[:-7]
        return [b"%b%06dZ" % (head, each) for each in range(rest - count + 1, rest + 1)]


class Lateness:
    """How late messages left, seconds."""

    def __init__(self) -> None:
        self._values = array("f")

    def add(self, values: Iterable[float]) -> None:
        """Note some more."""
        self._values.extend(values)

    def percentile_ms(self, share: float) -> float:
        """Nearest rank, milliseconds; 0 when there is none."""
        ranked = sorted(self._values)
        if not ranked:
            return 0.0
        return round(ranked[min(len(ranked) - 1, int(len(ranked) * share))] * 1000, 3)
