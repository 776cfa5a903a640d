"""What a chart of a target's way shows: its figures in the order of time, sums of what adds up. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from schemas.plan.book import Target
from schemas.plan.course import Holds
from services.plan_office.figure import Figure
from services.plan_office.path import total_of

Points = tuple[tuple[date, float], ...]
"""Values at the end of local days, in their order."""


def points_of(target: Target, figures: Sequence[Figure]) -> Points:
    """The points of a target's figures; of one that adds up its sums, as far as they go."""
    course = target.indicator.course
    if course is None or course.holds is not Holds.CUMULATIVE:
        return tuple(sorted((one.end, one.value) for one in figures))
    sums: dict[date, float] = {}
    for end in sorted({one.end for one in figures}):
        found = total_of([one for one in figures if one.end <= end], target.counts_from)
        if found is not None:
            sums[found[1]] = found[0]
    return tuple(sorted(sums.items()))
