"""Sums over time at each point of a lake, and means over the points: of a round, a day, a month. Pure.

Sums are whole numbers (billionths of a unit), so that a mean does not depend on the order of arrival and a mean that
lies exactly on a limit is exactly on it. pH is averaged as the concentration of hydrogen ions.

The mean over the points is the mean of each point's own mean. Points with equally many values of each item have one
denominator, so what they contribute is kept as one sum (`Totals`): a round of 2,400 points is published from a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from math import lcm, log10
from operator import add, sub
from typing import Final, NamedTuple

import msgspec

from services.stream_processors.water.measured import FIELDS, PLACE, Values

_SCALE: Final = 10**9
_ION_SCALE: Final = 10**24
_SCALING: Final = float(_SCALE)
_ION_SCALING: Final = float(_ION_SCALE)
"""The same as numbers that values are multiplied with: by a whole number each would be made one of these first."""
_PH: Final = PLACE["ph"]
_WIDTH: Final = len(FIELDS)

NAMED_MAX: Final = 100
"""So many points are named in a figure, by id; of more, how many were left out is said."""

Counts = tuple[int, ...]
"""Number of values of each item."""


Arrived = tuple[Values, int, int]
"""What a sample measured, its event time and its offset."""


class PointSums(msgspec.Struct, frozen=True, gc=False):
    """What one point contributes to a period; never changed, only replaced."""

    samples: int
    sums: tuple[int, ...]
    counts: Counts
    """Sum and number of values of each item."""
    last_us: int
    last_offset: int
    """The newest sample by event time: the point's evidence."""

    def plus(self, values: Values, at_us: int, offset: int) -> PointSums:
        """One more sample counts."""
        before, last_us, last_offset = self.sums, self.last_us, self.last_offset
        sums = [total if v is None else total + round(v * _SCALING) for total, v in zip(before, values, strict=False)]
        ph = values[_PH]
        if ph is not None:
            sums[_PH] = before[_PH] + round(10.0**-ph * _ION_SCALING)
        if at_us >= last_us:
            last_us, last_offset = at_us, offset
        counted = [n if v is None else n + 1 for n, v in zip(self.counts, values, strict=False)]
        return PointSums(self.samples + 1, tuple(sums), tuple(counted), last_us, last_offset)

    def plus_all(self, samples: Sequence[Arrived]) -> PointSums:
        """Several more samples count; item by item, six take two thirds of what they take one after the other."""
        sums, counts = list(self.sums), list(self.counts)
        last_us, last_offset = self.last_us, self.last_offset
        columns = zip(*[values[:_WIDTH] for values, _, _ in samples], strict=True)
        for place, column in enumerate(columns):
            measured = [value for value in column if value is not None]
            counts[place] += len(measured)
            if place == _PH:
                sums[place] += sum([round(10.0**-value * _ION_SCALING) for value in measured])
            else:
                sums[place] += sum([round(value * _SCALING) for value in measured])
        for _, at_us, offset in samples:
            if at_us >= last_us:
                last_us, last_offset = at_us, offset
        return PointSums(self.samples + len(samples), tuple(sums), tuple(counts), last_us, last_offset)

    def with_more(self, place: int, total: int, count: int) -> PointSums:
        """More values of one item count, of samples that count already."""
        sums, counts = list(self.sums), list(self.counts)
        sums[place] += total
        counts[place] += count
        return PointSums(self.samples, tuple(sums), tuple(counts), self.last_us, self.last_offset)

    def merged(self, other: PointSums) -> PointSums:
        """Both periods together."""
        newest = max((self.last_us, self.last_offset), (other.last_us, other.last_offset))
        return PointSums(
            self.samples + other.samples,
            tuple(map(add, self.sums, other.sums)),
            tuple(map(add, self.counts, other.counts)),
            *newest,
        )


def whole_of(place: int, value: float) -> int:
    """A value as sums count it."""
    return round(10.0**-value * _ION_SCALING) if place == _PH else round(value * _SCALING)


_NO_VALUES: Final = (0,) * _WIDTH
NOTHING: Final = PointSums(0, _NO_VALUES, _NO_VALUES, -(2**62), 0)

View = dict[str, PointSums]
"""What each point contributes to one period."""


class Doubted(NamedTuple):
    """What was set aside of one item at one point in a round, see `doubted`."""

    total: int
    """Sum of what counts when other points of the lake show the same ..."""
    moved: int
    """... how many values that is ..."""
    others: int
    """... and how many never count."""


NONE_DOUBTED: Final = Doubted(0, 0, 0)

DoubtedItems = dict[tuple[int, str], Doubted]
"""By item (its place) and point."""


class Group(NamedTuple):
    """Points with equally many values of each item."""

    points: int
    sums: tuple[int, ...]


@dataclass(slots=True)
class Totals:
    """What all points contribute to one period."""

    samples: int = 0
    groups: dict[Counts, Group] = field(default_factory=dict)

    @classmethod
    def of(cls, points: Iterable[PointSums]) -> Totals:
        """The totals of these points."""
        alike: dict[Counts, list[tuple[int, ...]]] = {}
        samples = 0
        for point in points:
            samples += point.samples
            alike.setdefault(point.counts, []).append(point.sums)
        return cls(
            samples,
            {counts: Group(len(sums), tuple(map(sum, zip(*sums, strict=True)))) for counts, sums in alike.items()},
        )

    def replace(self, before: PointSums | None, after: PointSums) -> None:
        """A point contributes something else than before."""
        groups = self.groups
        self.samples += after.samples
        if before is not None:
            self.samples -= before.samples
            points, sums = groups[before.counts]
            if points == 1:
                del groups[before.counts]
            else:
                groups[before.counts] = Group(points - 1, tuple(map(sub, sums, before.sums)))
        known = groups.get(after.counts)
        if known is None:
            groups[after.counts] = Group(1, after.sums)
        else:
            groups[after.counts] = Group(known.points + 1, tuple(map(add, known.sums, after.sums)))

    def copy(self) -> Totals:
        """Totals that do not change with these."""
        return Totals(self.samples, self.groups.copy())

    def points_with_data(self) -> int:
        """Points that contribute at least one value."""
        return sum([group.points for counts, group in self.groups.items() if any(counts)])

    def has_values(self, places: tuple[int, ...]) -> bool:
        """Whether at least one of the items was measured and is not zero."""
        for group in self.groups.values():
            sums = group.sums
            for place in places:
                if sums[place]:
                    return True
        return False

    def means(self) -> Values:
        """Mean of each item over the points that measured it; pH to nine decimals, its logarithm's noise removed."""
        if len(self.groups) != 1:
            return tuple([self._mean(place) for place in range(_WIDTH)])
        ((counts, (points, sums)),) = self.groups.items()
        scale = points * _SCALE
        means = [total / (n * scale) if n else None for total, n in zip(sums, counts, strict=True)]
        means[_PH] = self._mean(_PH)
        return tuple(means)

    def _mean(self, place: int) -> float | None:
        parts = [(group, counts[place]) for counts, group in self.groups.items() if counts[place]]
        if not parts:
            return None
        common = lcm(*[count for _, count in parts])
        total = sum([group.sums[place] * (common // count) for group, count in parts])
        points = sum([group.points for group, _ in parts])
        if place == _PH:
            return round(-log10(total / (common * points * _ION_SCALE)), 9) if total else None
        return total / (common * points * _SCALE)


@dataclass(slots=True)
class Round:
    """One round of a lake while it is open. Samples are added up when somebody asks what they come to, not before."""

    marks: int = 0
    """What has been asked for and said, see `state`."""
    doubted: DoubtedItems = field(default_factory=dict)
    """What the checks of the points have set aside."""
    _points: View = field(default_factory=dict)
    _named: tuple[str, ...] = ()
    _totals: Totals = field(default_factory=Totals)
    _behind: dict[str, PointSums | None] = field(default_factory=dict)
    """What the totals still hold of points that have been added to."""
    _new: dict[str, list[Arrived]] = field(default_factory=dict)
    """Samples by point that have not been added to its sums."""

    @classmethod
    def of(cls, marks: int, points: View, doubted: DoubtedItems | None = None) -> Round:
        """A round with these points."""
        return cls(marks, doubted or {}, points, named_of(points), Totals.of(points.values()))

    @property
    def points(self) -> View:
        """What each point contributes."""
        self._add_up()
        return self._points

    @property
    def named(self) -> tuple[str, ...]:
        """The points that a figure names."""
        self._add_up()
        return self._named

    def add(self, point: str, values: Values, at_us: int, offset: int) -> None:
        """A sample counts; nothing but sums, so the order does not matter."""
        self._new.setdefault(point, []).append((values, at_us, offset))

    def _add_up(self) -> None:
        if not self._new:
            return
        points, behind = self._points, self._behind
        for point, samples in self._new.items():
            before = points.get(point)
            if point not in behind:
                behind[point] = before
            if before is None:
                before = NOTHING
                if len(self._named) < NAMED_MAX or point < self._named[-1]:
                    self._named = named_of((*self._named, point))
            points[point] = before.plus(*samples[0]) if len(samples) == 1 else before.plus_all(samples)
        self._new.clear()

    def totals(self) -> Totals:
        """What all points contribute so far."""
        behind, points = self._behind, self.points
        if 2 * len(behind) >= len(points):
            self._totals = Totals.of(points.values())
        else:
            for point, before in behind.items():
                self._totals.replace(before, points[point])
        behind.clear()
        return self._totals

    def copy(self) -> Round:
        """A round that does not change with this one."""
        return Round(
            self.marks,
            self.doubted.copy(),
            self.points.copy(),
            self.named,
            self._totals.copy(),
            self._behind.copy(),
        )


def named_of(points: Iterable[str]) -> tuple[str, ...]:
    """The points that a figure names."""
    return tuple(nsmallest(NAMED_MAX, points))


def newest_offset(view: View) -> int:
    """The newest reading of the lake, as evidence."""
    newest = max(((point.last_us, name) for name, point in view.items()), default=None)
    return 0 if newest is None else view[newest[1]].last_offset
