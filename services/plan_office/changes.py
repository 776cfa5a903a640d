"""What changed between two reports, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from schemas.plan.course import TargetStanding
from schemas.plan.documents import Check, PlanIndicator
from schemas.target_figure import TargetFigure
from schemas.vocabulary import Naming
from services.plan_office.report import Report, SubjectReported, TargetReported
from services.plan_office.standing_words import amount, period_words


class Why(StrEnum):
    """Why a target is another in the later report."""

    NEW_TARGET = "new_target"
    DROPPED = "dropped"
    """The plan in force no longer has it."""
    NEW_VERSION = "new_version"
    """A version of the plan states another goal, due date or way to meet it."""
    CORRECTION = "correction"
    """A figure of a period that was known before was corrected by people."""
    LATE_FIGURE = "late_figure"
    """A figure of a period before the earlier report's day was confirmed after it."""
    NEW_FIGURE = "new_figure"
    """A period has ended since."""
    LATE_DATA = "late_data"
    """Telemetry revised the same period."""
    TIME = "time"
    """The same figures, judged on another day."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A subject of a target in one of the reports."""

    status: TargetStanding
    value: float | None
    value_on: date | None
    entry: PlanIndicator
    plan: str
    """Id and version of the plan."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, with what is to be said of it."""

    why: Why
    said: Naming


@dataclass(frozen=True, slots=True)
class Change:
    """A subject of a target that is another in the later report."""

    target: str
    name: Naming
    subject: Naming | None
    before: Seen | None
    after: Seen | None
    reasons: tuple[Reason, ...]


def changes(before: Report, after: Report) -> tuple[Change, ...]:
    """Targets whose value, standing, goal or evidence is another, in the order of the later report, dropped ones last.

    Alerts and judged days are of a report's own period and are not compared.
    """
    earlier = {one.entry.id: one for one in before.targets}
    later = {one.entry.id: one for one in after.targets}
    found: list[Change] = []
    for name, target in later.items():
        found += _of_target(earlier.get(name), target, before.asked.day, after.asked.day)
        found += _gone(earlier.get(name), target)
    found += [
        _change(one, each, None, [Reason(Why.DROPPED, Naming("现行规划不再包含", "no longer in the plan"))])
        for name, one in earlier.items()
        if name not in later
        for each in one.subjects
    ]
    return tuple(found)


def _of_target(before: TargetReported | None, after: TargetReported, then: date, day: date) -> Iterable[Change]:
    known = {} if before is None else {each.id: each for each in before.subjects}
    for subject in after.subjects:
        # What nobody had judged yet had no subjects.
        old = known.get(subject.id) or (known.get(None) if subject.id is not None else None)
        if before is None or old is None:
            reason = Reason(Why.NEW_TARGET, Naming("规划或对象为新增", "new in the plan, or a new subject"))
            yield _change(after, None, subject, [reason])
            continue
        reasons = [*_version(before, after), *_figures(before, after, then), *_telemetry(before, old, after, subject)]
        if not reasons and _seen(before, old).status is not _seen(after, subject).status:
            reasons = [
                Reason(Why.TIME, Naming(f"数据未变，判定日由{then}变为{day}", f"the same figures, judged on {day}"))
            ]
        if reasons:
            yield _change(after, old, subject, reasons, before)


def _gone(before: TargetReported | None, after: TargetReported) -> Iterable[Change]:
    """Subjects that the later report no longer has."""
    if before is None:
        return
    left = {each.id for each in after.subjects}
    for old in before.subjects:
        if old.id is not None and old.id not in left:
            yield _change(before, old, None, [Reason(Why.DROPPED, Naming("不再有该对象的数据", "no longer told of"))])


def _version(before: TargetReported, after: TargetReported) -> Iterable[Reason]:
    if before.entry == after.entry:
        return
    plan = f"{after.plan_id} {after.plan_version}"
    yield Reason(Why.NEW_VERSION, Naming(f"规划版本{plan}改变了该目标", f"version {plan} of the plan states it anew"))


def _figures(before: TargetReported, after: TargetReported, then: date) -> Iterable[Reason]:
    known: Mapping[tuple[date, date], TargetFigure] = {
        (one.period_start, one.period_end): one for one in before.figures
    }
    for one in after.figures:
        old = known.get((one.period_start, one.period_end))
        period, value = period_words(one.period_start, one.period_end), amount(one.value, one.unit)
        if old is None:
            late = one.period_end <= then
            why = Why.LATE_FIGURE if late else Why.NEW_FIGURE
            said = Naming(
                f"{period.zh}数据{'补报' if late else '已报'}：{value.zh}",
                f"{'late' if late else 'new'} figure of {period.en}: {value.en}",
            )
            yield Reason(why, said)
        elif old.figure_id != one.figure_id:
            yield Reason(Why.CORRECTION, _corrected(old, one, period))


def _corrected(old: TargetFigure, new: TargetFigure, period: Naming) -> Naming:
    was, now = amount(old.value, old.unit), amount(new.value, new.unit)
    note = f" ({new.note})" if new.note else ""
    return Naming(
        f"{period.zh}数据更正：{was.zh} → {now.zh}，{new.entered_by_name}填报，{new.confirmed_by_name}确认{note}",
        f"figure of {period.en} corrected: {was.en} → {now.en}, entered by {new.entered_by_name}, "
        f"confirmed by {new.confirmed_by_name}{note}",
    )


def _telemetry(
    before: TargetReported, old: SubjectReported, after: TargetReported, new: SubjectReported
) -> Iterable[Reason]:
    if after.entry.check is not Check.STREAM or _told(old) == _told(new):
        return
    if old.stands.value_on == new.stands.value_on and before.entry == after.entry and old.stands.value is not None:
        yield Reason(Why.LATE_DATA, Naming("同一时段因后到数据修订", "late data revised the same period"))
    elif old.stands.value_on != new.stands.value_on:
        until = new.stands.value_on
        yield Reason(Why.NEW_FIGURE, Naming(f"新时段，截至{until or '—'}", f"a newer period, to {until or '–'}"))


def _told(one: SubjectReported) -> tuple[TargetStanding, float | None, date | None]:
    return one.stands.status, one.stands.value, one.stands.value_on


def _change(
    target: TargetReported,
    old: SubjectReported | None,
    new: SubjectReported | None,
    reasons: Iterable[Reason],
    before: TargetReported | None = None,
) -> Change:
    name = Naming(target.entry.name_zh or target.entry.name, target.entry.name)
    shown = new or old
    return Change(
        target.entry.id,
        name,
        None if shown is None else shown.name,
        None if old is None else _seen(before or target, old),
        None if new is None else _seen(target, new),
        tuple(reasons),
    )


def _seen(target: TargetReported, one: SubjectReported) -> Seen:
    found = one.stands
    return Seen(found.status, found.value, found.value_on, target.entry, f"{target.plan_id} {target.plan_version}")
