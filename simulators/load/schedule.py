"""When each message of an open loop is due, and what its lateness was. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Schedule:
    """A constant rate, whatever the platform does: message k is due at start + k / rate.

    `messages_per_second` and the number of messages follow from the rate of readings and the size of a batch.
    """

    readings_per_second: float
    seconds: float
    batch: int

    @property
    def messages_per_second(self) -> float:
        """Rate of messages."""
        return self.readings_per_second / self.batch

    @property
    def messages(self) -> int:
        """How many there are."""
        return round(self.readings_per_second * self.seconds / self.batch)

    def due_by(self, elapsed_seconds: float) -> int:
        """How many messages are due so long after the start."""
        return min(self.messages, int(elapsed_seconds * self.messages_per_second) + 1)

    def due_at(self, message: int) -> float:
        """Seconds after the start."""
        return message / self.messages_per_second


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
