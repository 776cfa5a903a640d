"""Whether a figure may be entered, corrected or confirmed, and why not. Pure.

A figure is taken by the version of the plan that is in force on the last day of its period; one of the time before the
plan, which a path may begin at, by the first version.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from schemas.plan.book import PlanBook, Target
from schemas.plan.course import Holds
from schemas.plan.documents import Check
from schemas.plan.in_force import local_midnight_us
from schemas.plan.ranges import out_of_range
from schemas.target_figure import SourceDocument, TargetFigure, figure_id
from schemas.vocabulary import VOCABULARY, Naming
from services.plan_office.figure_book import FigureBook, Place


class Why(StrEnum):
    """Why a figure is refused."""

    UNKNOWN_TARGET = "unknown_target"
    MEASURED = "measured"
    """Telemetry answers for the target."""
    WRONG_UNIT = "wrong_unit"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    WRONG_PERIOD = "wrong_period"
    WRONG_DATE = "wrong_date"
    """The day of record lies before the period's end or ahead."""
    NO_SOURCE = "no_source"
    WRONG_SOURCE = "wrong_source"
    DUPLICATE = "duplicate"
    NOTHING_TO_CORRECT = "nothing_to_correct"
    NOT_THERE = "not_there"
    """There is no such revision to confirm."""
    SUPERSEDED = "superseded"
    """A correction stands in its place."""
    SAME_PERSON = "same_person"
    """Who entered it wants to confirm it."""
    CONFIRMED = "confirmed"
    """It is confirmed already."""


class FigureRefused(ValueError):
    """A figure that is not taken: what is wrong, with which part of it."""

    def __init__(self, why: Why, part: str, said: Naming) -> None:
        super().__init__(said.en)
        self.why = why
        self.part = part
        """`target`, `value`, `unit`, `period`, `recorded_on`, `source_title` …: the column of a sheet."""
        self.said = said


@dataclass(frozen=True, slots=True)
class Person:
    """Who enters or confirms."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to enter."""

    target: str
    value: float
    unit: str
    start: date
    end: date
    recorded_on: date
    source: SourceDocument
    note: str = ""
    corrects: bool = False
    """Whether it is meant to take the place of what is there."""

    @property
    def place(self) -> Place:
        """Target and period."""
        return self.target, self.start, self.end


def entered(
    draft: Draft, plans: PlanBook, book: FigureBook, person: Person, *, at: datetime, today: date, key: str
) -> TargetFigure:
    """The record of a figure that may be entered; of a request that was made before, the record as it stands now.

    Args:
        at: The moment of entering.
        today: The local day of it.
        key: See `schemas.target_figure.figure_id`.

    Raises:
        FigureRefused: it may not.
    """
    ours = figure_id(draft.place, person.id, key)
    if (there := book.get(ours)) is not None:
        return there
    target = target_for(draft.target, draft.end, plans)
    _check_value(draft, target)
    _check_period(draft, target, today)
    newest = book.newest(draft.place)
    _check_place(draft, newest)
    revision = 0 if newest is None else newest.revision + 1
    return TargetFigure(
        figure_id=ours,
        target=draft.target,
        period_start=draft.start,
        period_end=draft.end,
        revision=revision,
        corrects=None if newest is None else newest.figure_id,
        value=draft.value,
        unit=target.indicator.unit,
        recorded_on=draft.recorded_on,
        source=draft.source,
        note=draft.note,
        plan_id=target.threshold.source.id,
        plan_version=target.threshold.source.version,
        entered_by=person.id,
        entered_by_name=person.name,
        entered_at=at,
    )


def confirmed(figure: str, book: FigureBook, person: Person, *, at: datetime) -> TargetFigure:
    """The record of a revision that somebody else confirms.

    Raises:
        FigureRefused: there is none, another stands in its place, it is confirmed, or it is the person's own.
    """
    found = book.get(figure)
    if found is None:
        raise FigureRefused(
            Why.NOT_THERE, "figure", Naming(f"没有编号为 {figure} 的填报。", f"No figure {figure} was entered.")
        )
    newest = book.newest(found.place)
    if newest is not None and newest.figure_id != found.figure_id:
        raise FigureRefused(
            Why.SUPERSEDED,
            "figure",
            Naming(
                f"该填报已由第 {newest.revision} 次修订取代。",
                f"Revision {newest.revision} stands in its place: confirm {newest.figure_id}.",
            ),
        )
    if found.is_confirmed:
        who = found.confirmed_by_name or found.confirmed_by
        raise FigureRefused(
            Why.CONFIRMED, "figure", Naming(f"该填报已由 {who} 复核。", f"{who} has confirmed it already.")
        )
    if found.entered_by == person.id:
        raise FigureRefused(
            Why.SAME_PERSON,
            "figure",
            Naming(
                f"填报人 {person.name} 不能复核自己的填报，须由他人复核。",
                f"{person.name} entered it: somebody else has to confirm it.",
            ),
        )
    word = {"confirmed_by": person.id, "confirmed_by_name": person.name, "confirmed_at": max(at, found.entered_at)}
    return TargetFigure.model_validate(found.model_dump() | word)


def target_for(target: str, end: date, plans: PlanBook) -> Target:
    """The target by which a figure of a period is taken.

    Raises:
        FigureRefused: the plan has none of this id, or telemetry answers for it.
    """
    versions = plans.targets(target)
    if not versions.all:
        raise FigureRefused(
            Why.UNKNOWN_TARGET, "target", Naming(f"规划中没有指标 {target}。", f"The plan has no target {target}.")
        )
    found = versions.at(local_midnight_us(end)) or min(versions.all, key=lambda one: one.from_us).content
    if found.indicator.check is Check.STREAM:
        name = found.indicator
        raise FigureRefused(
            Why.MEASURED,
            "target",
            Naming(
                f"“{name.name_zh or name.name}”由实时监测得出，不能填报。",
                f"“{name.name}” is measured: telemetry answers for it, nobody enters it.",
            ),
        )
    return found


def same_unit(told: str, unit: str) -> bool:
    """Whether people mean a target's unit: its code or one of its words (`%`, `km`, `公里`); of a count, nothing."""
    word = unit.partition(" (")[0]
    named = VOCABULARY["unit"].get(word, Naming(word, word))
    return told.strip().casefold() in {word.casefold(), named.zh.casefold(), named.en.casefold()}


def _check_value(draft: Draft, target: Target) -> None:
    unit = target.indicator.unit
    if not same_unit(draft.unit, unit):
        word = unit.partition(" (")[0]
        named = VOCABULARY["unit"].get(word, Naming(word, word))
        raise FigureRefused(
            Why.WRONG_UNIT,
            "unit",
            Naming(
                f"计量单位“{draft.unit}”与规划的“{named.zh or word}”不符。",
                f"The unit is {word}, not {draft.unit or 'empty'}: convert the value.",
            ),
        )
    if (reason := out_of_range(draft.value, unit)) is not None:
        raise FigureRefused(Why.OUT_OF_RANGE, "value", Naming(f"数值 {draft.value:g} 超出可能范围。", f"{reason}."))


def _check_period(draft: Draft, target: Target, today: date) -> None:
    said = _wrong_period(draft, target, today)
    if said is not None:
        raise FigureRefused(Why.WRONG_PERIOD, "period", said)
    if not draft.end <= draft.recorded_on <= today:
        raise FigureRefused(
            Why.WRONG_DATE,
            "recorded_on",
            Naming(
                f"数据日期 {draft.recorded_on} 须在时段结束（{draft.end}）之后且不晚于今日（{today}）。",
                f"The day of record, {draft.recorded_on}, is to lie between the period's end, {draft.end}, "
                f"and today, {today}.",
            ),
        )


def _wrong_period(draft: Draft, target: Target, today: date) -> Naming | None:
    begin, due, course = target.counts_from, target.indicator.due, target.indicator.course
    if draft.end < draft.start:
        return Naming("时段的结束早于开始。", "The period ends before it begins.")
    if draft.end > today:
        return Naming(
            f"时段到 {draft.end} 才结束，今日为 {today}。", f"The period ends on {draft.end}; today is {today}."
        )
    match None if course is None else course.holds:
        case Holds.CUMULATIVE if draft.start < begin or draft.end > due:
            return Naming(
                f"累计指标只计 {begin} 至 {due}，填报时段为 {draft.start} 至 {draft.end}。",
                f"What adds up counts from {begin} to {due}; the period is {draft.start} to {draft.end}.",
            )
        case Holds.EVERY_YEAR if not _is_whole_year(draft, begin, due):
            return Naming(
                f"逐年指标须按 {begin.year} 至 {due.year} 年的整年填报，填报时段为 {draft.start} 至 {draft.end}。",
                f"It is asked of each whole year from {begin.year} to {due.year}; "
                f"the period is {draft.start} to {draft.end}.",
            )
        case Holds.AT_END if draft.start < begin <= draft.end or draft.end - draft.start > _LONGEST:
            return Naming(
                f"状态指标的时段不得超过一年，也不得跨越 {begin}，填报时段为 {draft.start} 至 {draft.end}。",
                f"A state is told of a day or of at most a year, and not across {begin}; "
                f"the period is {draft.start} to {draft.end}.",
            )
        case _:
            return None


_LONGEST: Final = timedelta(days=366)


def _is_whole_year(draft: Draft, begin: date, due: date) -> bool:
    year = draft.end.year
    whole = draft.start == date(year, 1, 1) and draft.end == min(date(year, 12, 31), due)
    return whole and begin.year <= year <= due.year


def _check_place(draft: Draft, newest: TargetFigure | None) -> None:
    if newest is None and draft.corrects:
        raise FigureRefused(
            Why.NOTHING_TO_CORRECT,
            "period",
            Naming(
                f"{draft.start} 至 {draft.end} 尚无填报，无可更正。",
                f"Nothing was entered for {draft.start} to {draft.end}: there is nothing to correct.",
            ),
        )
    if newest is not None and not draft.corrects:
        raise FigureRefused(
            Why.DUPLICATE,
            "period",
            Naming(
                f"{draft.start} 至 {draft.end} 已填报（{newest.value:g}，修订 {newest.revision}），更改请按更正填报。",
                f"{draft.start} to {draft.end} has a figure ({newest.value:g}, revision {newest.revision}): "
                "enter a correction to change it.",
            ),
        )
