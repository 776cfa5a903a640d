"""The path of a target: from its base value through the plan's milestones to its due date, straight between. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from schemas.plan.book import Target
from schemas.plan.course import Course, Holds
from schemas.verdict import Comparator
from services.plan_office.figure import Figure

YEAR_DAYS: Final = 365.25
"""A rate a year counts in mean years."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Path:
    """Points that the path passes, each at the end of its local day; the last one is the target on its due date."""

    points: tuple[tuple[date, float], ...]

    def at(self, day: date) -> float:
        """The value on a day; before the first point the first, after the last the last."""
        first, *_ = self.points
        if day <= first[0]:
            return first[1]
        for (left, low), (right, high) in pairwise(self.points):
            if day <= right:
                return low + (high - low) * ((day - left).days / (right - left).days)
        return self.points[-1][1]


def path_of(target: Target, course: Course, figures: Sequence[Figure]) -> Path | None:
    """The path of a target; None when the plan states no base and no figure of the time before it gives one.

    A target of every year has a level path. One that adds up begins at nothing on the eve of the period. A state begins
    where the plan says; else at the newest figure of the time before the period.
    """
    due = (target.indicator.due, target.indicator.target)
    if course.holds is Holds.EVERY_YEAR:
        return Path((due,))
    stated = tuple((one.date, one.value) for one in course.milestones)
    base = base_of(target, course, figures)
    if base is None:
        return Path((*stated, due)) if stated else None
    return Path((base, *(point for point in stated if point[0] > base[0]), due))


def base_of(target: Target, course: Course, figures: Sequence[Figure]) -> tuple[date, float] | None:
    """Day and value at which the path begins."""
    if course.base is not None:
        return course.base.date, course.base.value
    eve = target.counts_from - _DAY
    if course.holds is Holds.CUMULATIVE:
        return eve, 0.0
    before = [one for one in figures if one.end <= eve]
    if not before:
        return None
    newest = max(before, key=lambda one: (one.end, one.revision))
    return newest.end, newest.value


def keeps_up(value: float, comparator: Comparator, expected: float) -> bool:
    """Whether a value is on the path or on its better side; a strict target's path is no stricter."""
    return value >= expected if comparator in {Comparator.GE, Comparator.GT} else value <= expected


def meets(value: float, comparator: Comparator, limit: float) -> bool:
    """Whether `value comparator limit` holds."""
    match comparator:
        case Comparator.GE:
            return value >= limit
        case Comparator.GT:
            return value > limit
        case Comparator.LE:
            return value <= limit
        case Comparator.LT:
            return value < limit


def rate_needed(value: float, on: date, target: float, due: date) -> float | None:
    """Change a year that would still bring a value to the target by its due date; None when no time is left.

    Zero or of the other sign: it is there already.
    """
    left = (due - on).days
    return None if left <= 0 else (target - value) * YEAR_DAYS / left


def total_of(figures: Sequence[Figure], begin: date) -> tuple[float, date] | None:
    """Sum of what was done from a day on, as far as periods follow one another without a gap or an overlap.

    Added up as decimals: 5.4 and 5.4 are 10.8, which a sum of doubles may miss.

    Several ways to the same day: the one of fewest figures, a sum that the office states itself before one of parts.

    Returns:
        The sum and the last day that it covers; None when no period begins on the day.
    """
    reached: dict[date, tuple[int, Decimal]] = {begin: (0, Decimal())}
    for one in sorted(figures, key=lambda each: (each.start, each.end)):
        if one.start in reached:
            parts, sum_so_far = reached[one.start]
            known = reached.get(one.end + _DAY)
            if known is None or parts + 1 < known[0]:
                reached[one.end + _DAY] = (parts + 1, sum_so_far + Decimal(repr(one.value)))
    last = max(reached)
    return None if last == begin else (float(reached[last][1]), last - _DAY)
