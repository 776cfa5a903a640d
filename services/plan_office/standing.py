"""Where a target stands on a day: the one function that the boards, the one map, the API and reports ask. Pure.

A figure is compared with the path on its own last day, never with that of the day on which somebody looks. A period
counts once it is over. After the due date a state is judged by the period of that date; where there is none, by the
newest one since, and the reason says so: for as long as a plan is in force its states must go on holding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, assert_never

from schemas.plan.book import Target
from schemas.plan.course import Course, Holds, TargetStanding
from schemas.plan.in_force import Versions, local_midnight_us
from schemas.vocabulary import Naming
from services.plan_office import standing_words as words
from services.plan_office.figure import Figure
from services.plan_office.path import Path, keeps_up, meets, path_of, rate_needed, total_of

_DAY: Final = timedelta(days=1)
_LAST_YEAR: Final = 2
"""The plan is monitored each year (page 46): on a day of 2024 the newest figure may be of the end of 2022, no older."""


@dataclass(frozen=True, slots=True)
class Stands:
    """Where a target stands at the end of a day."""

    status: TargetStanding
    reason: Naming
    holds: Holds | None
    """None: the plan's version does not say how the target is met."""
    value: float | None = None
    """The figure that decides; of a target that adds up the sum so far."""
    value_on: date | None = None
    """Its last day."""
    expected: float | None = None
    """Where the path is on the day asked for; None: there is no path."""
    expected_then: float | None = None
    """Where the path was on `value_on`."""
    rate_needed: float | None = None
    """Change a year, from `value_on` on, that would still bring it to the target; None: no figure, or no time left."""
    path: Path | None = None
    """For a chart."""


def stands(versions: Versions[Target], figures: Sequence[Figure], day: date) -> Stands | None:
    """Where one subject of a target stands, by the version of the plan in force on the day.

    Each year of a target of every year is judged by the version that was in force on its own last day.

    Args:
        versions: Of the target, see `PlanBook.targets`.
        figures: Of one subject, in any order; of each period one.
        day: Local day, at the end of which is asked.

    Returns:
        None when no plan in force on the day has the target.
    """
    target = versions.at(local_midnight_us(day))
    if target is None:
        return None
    course = target.indicator.course
    if course is None:
        return Stands(TargetStanding.CANNOT_SAY, words.no_course(target), None)
    known = [one for one in figures if one.end <= day]
    path = path_of(target, course, known)
    asked = _Asked(target, course, path, tuple(known), day)
    match course.holds:
        case Holds.CUMULATIVE:
            return _adds_up(asked)
        case Holds.AT_END:
            return _at_end(asked)
        case Holds.EVERY_YEAR:
            return _every_year(asked, versions)
        case never:
            assert_never(never)


def stands_measured(
    versions: Versions[Target], figures: Sequence[Figure], day: date, silent: Naming | None
) -> Stands | None:
    """Where one subject of a target stands that telemetry answers for; see `stands`.

    Args:
        silent: Why no figure decides, where none does; None: nothing of the target has been judged at all.
    """
    found = stands(versions, figures, day)
    return found if found is None or figures else replace(found, reason=silent or words.NOTHING_JUDGED)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, and what is known."""

    target: Target
    course: Course
    path: Path | None
    figures: tuple[Figure, ...]
    """Of periods that are over."""
    day: date

    @property
    def due(self) -> date:
        return self.target.indicator.due

    @property
    def is_due(self) -> bool:
        return self.day >= self.due

    @property
    def expected(self) -> float | None:
        return None if self.path is None else self.path.at(self.day)

    def newest(self) -> Figure | None:
        """The newest figure of the planned period, and of the time since."""
        inside = [one for one in self.figures if one.end >= self.target.counts_from]
        return max(inside, key=lambda one: (one.end, one.start, one.revision), default=None)

    def too_old(self, on: date) -> bool:
        """Whether a figure of this day says nothing about the day asked for any more."""
        return on < date(min(self.day, self.due).year - _LAST_YEAR, 12, 31)

    def says(
        self, status: TargetStanding, reason: Naming, value: float | None = None, value_on: date | None = None
    ) -> Stands:
        """The answer with all that goes with a figure."""
        left = value is None or value_on is None or self.course.holds is Holds.EVERY_YEAR
        return Stands(
            status,
            reason,
            self.course.holds,
            value,
            value_on,
            self.expected,
            None if self.path is None or value_on is None else self.path.at(value_on),
            None if left else rate_needed(value or 0.0, value_on or self.due, self.target.indicator.target, self.due),
            self.path,
        )


def _adds_up(asked: _Asked) -> Stands:
    entry, begin = asked.target.indicator, asked.target.counts_from
    found = total_of([one for one in asked.figures if one.end <= asked.due and one.unsaid is None], begin)
    if found is None:
        return asked.says(TargetStanding.CANNOT_SAY, words.no_sum(begin))
    total, until = found
    if meets(total, entry.op, entry.target):
        return asked.says(TargetStanding.MET, words.sum_reached(asked.target, total, begin, until), total, until)
    if until >= asked.due:
        return asked.says(TargetStanding.MISSED, words.sum_missed(asked.target, total, begin, until), total, until)
    if asked.is_due or asked.too_old(until):
        return asked.says(TargetStanding.CANNOT_SAY, words.sum_ends(asked.target, total, begin, until), total, until)
    return _on_path(asked, total, until)


def _at_end(asked: _Asked) -> Stands:
    of_due = [one for one in asked.figures if one.start <= asked.due <= one.end]
    newest = asked.newest()
    if of_due:
        newest = max(of_due, key=lambda one: (one.start, one.end, one.revision))  # the shortest
    if newest is None:
        return asked.says(TargetStanding.CANNOT_SAY, words.no_figure())
    if newest.unsaid is not None:
        return asked.says(TargetStanding.CANNOT_SAY, newest.unsaid, newest.value, newest.end)
    return _state(asked, newest, of_due=bool(of_due))


def _state(asked: _Asked, newest: Figure, *, of_due: bool) -> Stands:
    reached = _met(newest, asked.target)
    if asked.is_due and newest.end >= asked.due:
        status = TargetStanding.MET if reached else TargetStanding.MISSED
        since = None if of_due else asked.due
        return asked.says(status, words.at_due(asked.target, newest, since=since), newest.value, newest.end)
    if asked.is_due or asked.too_old(newest.end):
        reason = words.not_of_due(asked.target, newest) if asked.is_due else words.too_old(newest)
        return asked.says(TargetStanding.CANNOT_SAY, reason, newest.value, newest.end)
    if asked.path is None:
        status = TargetStanding.ON_TRACK if reached else TargetStanding.CANNOT_SAY
        reason = words.there_without_path(asked.target, newest) if reached else words.no_path(asked.target, newest)
        return asked.says(status, reason, newest.value, newest.end)
    return _on_path(asked, newest.value, newest.end)


def _on_path(asked: _Asked, value: float, on: date) -> Stands:
    if asked.path is None:  # callers have one
        raise ValueError("a figure is compared with a path")
    then = asked.path.at(on)
    kept = keeps_up(value, asked.target.indicator.op, then)
    reason = words.on_path(
        asked.target, value, on, then, kept=kept, straight=not asked.course.milestones,
        rate=rate_needed(value, on, asked.target.indicator.target, asked.due),
    )  # fmt: skip
    return asked.says(TargetStanding.ON_TRACK if kept else TargetStanding.BEHIND, reason, value, on)


def _every_year(asked: _Asked, versions: Versions[Target]) -> Stands:
    first, last = asked.target.counts_from.year, asked.due.year
    kept: list[int] = []
    failed: list[tuple[int, Figure, Target]] = []
    missing: list[int] = []
    newest: Figure | None = None
    for year in range(first, last + 1):
        ends = min(date(year, 12, 31), asked.due)
        if ends > asked.day:
            break
        found = [one for one in asked.figures if (one.start, one.end, one.unsaid) == (date(year, 1, 1), ends, None)]
        then = versions.at(local_midnight_us(ends)) or asked.target
        if not found:
            missing.append(year)
            continue
        newest = max(found, key=lambda one: one.revision)
        if _met(newest, then):
            kept.append(year)
        else:
            failed.append((year, newest, then))
    if failed:
        year, figure, then = failed[0]
        return asked.says(TargetStanding.MISSED, words.year_missed(then, year, figure), figure.value, figure.end)
    if newest is None:
        return asked.says(TargetStanding.CANNOT_SAY, words.no_year(first))
    shown = newest.value, newest.end
    if asked.is_due:
        if missing:
            return asked.says(TargetStanding.CANNOT_SAY, words.years_missing(missing), *shown)
        return asked.says(TargetStanding.MET, words.every_year_kept(asked.target, kept), *shown)
    if asked.too_old(newest.end) or any(year < newest.end.year for year in missing):
        return asked.says(TargetStanding.CANNOT_SAY, words.years_missing(missing), *shown)
    return asked.says(TargetStanding.ON_TRACK, words.years_kept_so_far(asked.target, kept), *shown)


def _met(figure: Figure, target: Target) -> bool:
    """Whether a period met a target: what its own judge said, else the value."""
    if figure.met is not None:
        return figure.met
    return meets(figure.value, target.indicator.op, target.indicator.target)
