"""The calls of a period: response times and streets, exact, cheap to copy and to change. Pure; values never change.

Times are kept as counts in buckets of a minute, so that one call more copies one bucket and not the month.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Final

import msgspec

from services.stream_processors.emergency.calls import Outcome, Result

STREETS_KEPT: Final = 1_000
"""Of more streets those that come first by name are kept: the choice may not depend on the order of the calls."""

_MINUTE_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Times:
    """Response times in microseconds, each as often as it occurred."""

    n: int = 0
    by_minute: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    """Whole minutes: time: how often."""

    def plus(self, us: int, times: int) -> Times:
        """With a time more, or less (-1)."""
        minute = us // _MINUTE_US
        bucket = {**self.by_minute.get(minute, {})}
        left = bucket.get(us, 0) + times
        if left:
            bucket[us] = left
        else:
            bucket.pop(us, None)
        minutes = {**self.by_minute, minute: bucket}
        if not bucket:
            del minutes[minute]
        return Times(self.n + times, minutes)

    def within(self, limit_us: int) -> int:
        """How many are at or below a limit."""
        whole = limit_us // _MINUTE_US
        below = sum([sum(bucket.values()) for minute, bucket in self.by_minute.items() if minute < whole])
        return below + sum([often for us, often in self.by_minute.get(whole, {}).items() if us <= limit_us])

    def percentile(self, percent: int, *, beyond: int = 0) -> int | None:
        """By nearest rank: the smallest time with at least so many percent of all at or below it; None of none.

        Args:
            beyond: So many more took longer than any that is known; None when one of these is the one asked for.
        """
        wanted = max(1, ceil((self.n + beyond) * percent / 100))
        for minute in sorted(self.by_minute):
            bucket = self.by_minute[minute]
            inside = sum(bucket.values())
            if inside >= wanted:
                return _ranked(bucket, wanted)
            wanted -= inside
        return None

    def joined(self, others: Iterable[Times]) -> Times:
        """All of them together; what is the same in none of the others is shared."""
        found, n = dict(self.by_minute), self.n
        for other in others:
            n += other.n
            for minute, bucket in other.by_minute.items():
                known = found.get(minute)
                if known is None:
                    found[minute] = bucket
                else:
                    found[minute] = {us: known.get(us, 0) + bucket.get(us, 0) for us in (*known, *bucket)}
        return Times(n, found)

    def flat(self) -> list[int]:
        """Time, how often, time, how often ..."""
        return [each for bucket in self.by_minute.values() for pair in sorted(bucket.items()) for each in pair]


def _ranked(bucket: Mapping[int, int], wanted: int) -> int:
    for us, often in sorted(bucket.items()):
        wanted -= often
        if wanted <= 0:
            return us
    raise ValueError(f"a bucket holds {wanted} times fewer than it should")


def times_of(pairs: Iterable[tuple[int, int]]) -> Times:
    """Times from (time, how often)."""
    by_minute: dict[int, dict[int, int]] = {}
    n = 0
    for us, often in pairs:
        bucket = by_minute.setdefault(us // _MINUTE_US, {})
        bucket[us] = bucket.get(us, 0) + often
        n += often
    return Times(n, by_minute)


NO_TIMES: Final = Times()


@dataclass(slots=True)
class Tally:
    """The calls of a period."""

    times: Times = NO_TIMES
    """Of all answered calls."""
    streets: Mapping[str, Times] = field(default_factory=dict)
    with_street: int = 0
    """Answered calls of which a street is known, whether it is kept or not."""
    unreached: int = 0
    doubtful: int = 0
    ages: Times = NO_TIMES
    """How old calls that no unit reached were when they were over; of those counted by version 1 that is not known."""
    _packed: bytes | None = None

    def plus(self, result: Result, sign: int) -> Tally:
        """The tally with a call more, or less."""
        if result.outcome is Outcome.UNREACHED:
            ages = self.ages.plus(result.response_us, sign)
            return replace(self, unreached=self.unreached + sign, ages=ages, _packed=None)
        if result.outcome is Outcome.DOUBTFUL:
            return replace(self, doubtful=self.doubtful + sign, _packed=None)
        times = self.times.plus(result.response_us, sign)
        if not result.street:
            return replace(self, times=times, _packed=None)
        streets = self._streets(result.street, result.response_us, sign)
        return replace(self, times=times, streets=streets, with_street=self.with_street + sign, _packed=None)

    def _streets(self, street: str, us: int, sign: int) -> Mapping[str, Times]:
        known = self.streets.get(street)
        if known is None and sign < 0:
            return self.streets
        streets = {**self.streets, street: (known or NO_TIMES).plus(us, sign)}
        if len(streets) > STREETS_KEPT:
            del streets[max(streets)]
        return streets

    def pack(self) -> bytes:
        """As bytes; made once."""
        if self._packed is None:
            streets = {street: times.flat() for street, times in self.streets.items()}
            parts = (self.times.flat(), streets, self.with_street, self.unreached, self.doubtful, self.ages.flat())
            self._packed = msgspec.msgpack.encode(parts)
        return self._packed


_DECODER: Final = msgspec.msgpack.Decoder(tuple[list[int], dict[str, list[int]], int, int, int, list[int]])
_DECODER_1: Final = msgspec.msgpack.Decoder(tuple[list[int], dict[str, list[int]], int, int, int])


def unpack_tally(raw: bytes) -> Tally:
    """A tally from its bytes.

    Raises:
        msgspec.DecodeError: they are not one.
    """
    times, streets, with_street, unreached, doubtful, ages = _DECODER.decode(raw)
    return Tally(_unflat(times), _by_street(streets), with_street, unreached, doubtful, _unflat(ages))


def unpack_tally_1(raw: bytes) -> Tally:
    """A tally from the bytes of version 1, which did not keep the ages of calls that no unit reached.

    Raises:
        msgspec.DecodeError: they are not one.
    """
    times, streets, with_street, unreached, doubtful = _DECODER_1.decode(raw)
    return Tally(_unflat(times), _by_street(streets), with_street, unreached, doubtful)


def _by_street(streets: dict[str, list[int]]) -> dict[str, Times]:
    return {street: _unflat(flat) for street, flat in streets.items()}


def _unflat(flat: list[int]) -> Times:
    return times_of(zip(flat[::2], flat[1::2], strict=True))
