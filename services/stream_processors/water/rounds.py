"""Sums over time at each point of a lake, and means over the points: of a round, a day, a month. Pure.

Sums are whole numbers (billionths of a unit), so that a mean does not depend on the order of arrival and a mean that
lies exactly on a limit is exactly on it. pH is averaged as the concentration of hydrogen ions.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import lcm, log10
from typing import Any, Final, NamedTuple

from services.stream_processors.water.measured import FIELDS, PLACE, Values

_SCALE: Final = 10**9
_ION_SCALE: Final = 10**24
_PH: Final = PLACE["ph"]
_WIDTH: Final = len(FIELDS)


class PointSums(NamedTuple):
    """What one point contributes to a period; never changed, only replaced."""

    samples: int
    sums: tuple[int, ...]
    counts: tuple[int, ...]
    """Sum and number of values of each item."""
    last_us: int
    last_offset: int
    """The newest sample by event time: the point's evidence."""

    def plus(self, values: Values, at_us: int, offset: int) -> PointSums:
        """One more sample counts."""
        sums = [total if v is None else total + round(v * _SCALE) for total, v in zip(self.sums, values, strict=False)]
        counts = [n if v is None else n + 1 for n, v in zip(self.counts, values, strict=False)]
        ph = values[_PH]
        if ph is not None:
            sums[_PH] = self.sums[_PH] + round(10.0**-ph * _ION_SCALE)
        newest = (at_us, offset) if at_us >= self.last_us else (self.last_us, self.last_offset)
        return PointSums(self.samples + 1, tuple(sums), tuple(counts), *newest)

    def merged(self, other: PointSums) -> PointSums:
        """Both periods together."""
        newest = max((self.last_us, self.last_offset), (other.last_us, other.last_offset))
        return PointSums(
            self.samples + other.samples,
            tuple([a + b for a, b in zip(self.sums, other.sums, strict=True)]),
            tuple([a + b for a, b in zip(self.counts, other.counts, strict=True)]),
            *newest,
        )


NOTHING: Final = PointSums(0, (0,) * _WIDTH, (0,) * _WIDTH, -(2**62), 0)

View = dict[str, PointSums]
"""What each point contributes to one period."""


def n_samples(view: View) -> int:
    """Samples that count."""
    return sum(point.samples for point in view.values())


def has_values(view: View, fields: tuple[str, ...]) -> bool:
    """Whether at least one of the items was measured and is not zero."""
    places = [PLACE[name] for name in fields]
    return any(point.sums[place] for point in view.values() for place in places)


def points_with_data(view: View) -> list[str]:
    """Points that contribute at least one value."""
    return sorted(name for name, point in view.items() if any(point.counts))


def mean_over_points(points: Iterable[PointSums]) -> Values:
    """Mean of each item over the points that measured it; pH to nine decimals, the noise of its logarithm removed."""
    known = list(points)
    return tuple([_mean(known, place) for place in range(_WIDTH)])


def _mean(points: list[PointSums], place: int) -> float | None:
    parts = [(point.sums[place], point.counts[place]) for point in points if point.counts[place]]
    if not parts:
        return None
    common = lcm(*[count for _, count in parts])
    total = sum([part * (common // count) for part, count in parts])
    if place == _PH:
        return round(-log10(total / (common * len(parts) * _ION_SCALE)), 9) if total else None
    return total / (common * len(parts) * _SCALE)


def newest_offset(view: View) -> int:
    """The newest reading of the lake, as evidence."""
    newest = max(((point.last_us, name) for name, point in view.items()), default=None)
    return 0 if newest is None else view[newest[1]].last_offset


def dump_sums(point: PointSums) -> list[Any]:
    """JSON-ready form; sums as text where they may exceed 64 bits."""
    return [point.samples, [hex(total) for total in point.sums], list(point.counts), point.last_us, point.last_offset]


def load_sums(dumped: list[Any]) -> PointSums:
    """Sums from their JSON-ready form."""
    samples, sums, counts, last_us, last_offset = dumped
    return PointSums(samples, tuple(int(total, 16) for total in sums), tuple(counts), last_us, last_offset)
