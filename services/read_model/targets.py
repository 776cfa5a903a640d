"""The plan's targets, each with the newest figure of each of its subjects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from schemas.fields import DISTRICT_ZONE, LIVE
from schemas.plan.book import PlanBook
from schemas.plan.course import TargetStanding
from schemas.plan.documents import Check, PlanDocument, PlanIndicator
from schemas.plan.in_force import local_midnight_us
from schemas.target_figure import TargetFigure
from schemas.vocabulary import Naming
from services.plan_office.figure import Figure, days_of
from services.plan_office.figure_book import figures_of
from services.plan_office.standing import Stands, stands, stands_measured
from services.plan_office.standing_words import NOTHING_JUDGED
from services.read_model.bounds import text_within, time_within
from services.read_model.connection import Asked
from services.read_model.figures import FigureRow, figures
from services.read_model.plan import local_day, publications
from services.read_model.plan_limits import documents_at
from services.read_model.queries import SQL
from services.read_model.target_figures import target_figures
from services.read_model.typed import typed

_NOTHING_SAID: Final = {
    Check.REPORTED: Naming("由规划部门填报，尚未填报。", "The plan office reports this figure; none has been entered."),
    Check.STREAM: NOTHING_JUDGED,
}


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A target of the plan with the newest figure of one of its subjects."""

    lane: str
    id: str
    subject: str | None
    """None: nothing of it has been judged or reported yet."""
    subject_name: str | None
    name_en: str
    name_zh: str
    feed: str | None
    comparator: str
    target: float
    unit: str
    due: date
    page: str
    checked_by: str
    """stream or reported."""
    plan_id: str
    plan_version: str
    value: float | None
    status: str
    """met, not_met or cannot_say."""
    status_reason: str
    status_reason_zh: str | None
    """In Chinese; None: an older release said it in English alone."""
    period_start: datetime | None
    period_end: datetime | None
    known_at: datetime | None
    n: int | None
    completeness: float | None
    ordinality: int
    """Place in the plan, from 1."""
    holds: str | None
    """cumulative, at_end or every_year; None: the version of the plan does not say."""
    standing: str
    """on_track, behind, met, missed or cannot_say."""
    standing_reason: str
    standing_reason_zh: str
    standing_value: float | None
    """The figure that decides; of a target that adds up the sum so far."""
    standing_on: date | None
    """Its last local day."""
    expected: float | None
    """Where the path is on the day asked for; None: there is none."""
    expected_then: float | None
    """Where the path was on `standing_on`."""
    rate_needed: float | None
    """Change a year, from `standing_on` on, that would still bring it to the target."""
    path: tuple[tuple[date, float], ...]
    """Points of its path, each at the end of a local day, straight between; empty: there is none."""


async def targets(asked: Asked, *, lane: str = LIVE, as_of: datetime | None = None) -> list[TargetRow]:
    """Each target of the plan in force with the newest figure of each of its subjects, in the order of the plan.

    Args:
        as_of: As it was known then: the plan that had been published by then and was in force on that local day, and of
            each figure the last revision said by then (`known_at`). None: as now known, today.

    Raises:
        RequestRefused: the lane or the time is none that the platform knows.
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    moment = None if as_of is None else time_within(as_of, parameter="as_of")
    text_within(lane, parameter="lane")
    found = await publications(asked, as_of=moment)
    day = local_day(moment or found.asked_at)
    wanted = list(targets_in_force(found.book, day))
    ids = tuple(entry.id for _, entry, _ in wanted)
    known = await figures(asked, ids, lane=lane, as_of=moment)
    of_due = await due_figures(asked, [entry for _, entry, _ in wanted], known, lane, moment)
    entered = await target_figures(asked, as_of=moment) if lane == LIVE else []
    by_target: dict[str, list[TargetFigure]] = {}
    for one in entered:
        by_target.setdefault(one.target, []).append(one)
    told = Told(found.book, day, {id_: figures_of(revisions) for id_, revisions in by_target.items()}, of_due)
    return joined(wanted, known, lane, told)


@dataclass(frozen=True, slots=True)
class Told:
    """What decides where targets stand, beside the newest figure."""

    book: PlanBook
    day: date
    """At the end of it is asked."""
    entered: Mapping[str, Sequence[Figure]]
    """What people entered and confirmed, by target."""
    of_due: Mapping[tuple[str, str], FigureRow]
    """The period in which a target was due, by target and subject."""


async def due_figures(
    asked: Asked, wanted: Iterable[PlanIndicator], known: Iterable[FigureRow], lane: str, moment: datetime | None
) -> dict[tuple[str, str], FigureRow]:
    """The period in which a target was due, of each target and subject that has a figure.

    Args:
        known: The newest figures.
        moment: As reported then; None: as now known.
    """
    due = {entry.id: entry.due for entry in wanted}
    subjects = [(one.id, one.subject, _end_of(due[one.id])) for one in known]
    if not subjects:
        return {}
    rows = await asked.rows(SQL["figures_of_due"], lane, *map(list, zip(*subjects, strict=True)), moment)
    return {(one.id, one.subject): one for one in typed(FigureRow, rows)}


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), DISTRICT_ZONE)


_ALONE: Final[tuple[FigureRow | None, ...]] = (None,)
Wanted = tuple[PlanDocument, PlanIndicator, int]
"""A target: its plan, its entry and the entry's place."""


def targets_in_force(book: PlanBook, day: date) -> Iterator[Wanted]:
    """Targets of the plans in force on a day; of one that several plans state, the later plan's."""
    for document in documents_at(book, day):
        if not isinstance(document, PlanDocument):
            continue
        for place, entry in enumerate(document.indicator, 1):
            stated = book.targets(entry.id).at(local_midnight_us(day))
            if stated is not None and stated.indicator is entry:
                yield document, entry, place


def joined(wanted: Iterable[Wanted], known: Iterable[FigureRow], lane: str, told: Told) -> list[TargetRow]:
    """Targets with their figures; a target without any stands alone and says why."""
    by_id: dict[str, list[FigureRow]] = {}
    for figure in known:
        by_id.setdefault(figure.id, []).append(figure)
    return [
        _row(one, lane, figure, standing_of(one[1], figure, told))
        for one in wanted
        for figure in (_ALONE if one[1].check is Check.REPORTED else by_id.get(one[1].id, _ALONE))
    ]


def standing_of(entry: PlanIndicator, figure: FigureRow | None, told: Told) -> Stands:
    """Where one subject of a target stands: of a target that people report by what they entered, else by telemetry."""
    if entry.check is Check.REPORTED:
        found = stands(told.book.targets(entry.id), told.entered.get(entry.id, ()), told.day)
    else:
        decides = () if figure is None else measured_of(told.of_due.get((figure.id, figure.subject)), figure)
        silent = None if figure is None else reason_of(figure)
        found = stands_measured(told.book.targets(entry.id), decides, told.day, silent)
    if found is None:
        raise ValueError(f"{entry.id} is a target of no plan in force on {told.day}")
    return found


def measured_of(*rows: FigureRow | None) -> tuple[Figure, ...]:
    """What decides of figures of telemetry: those that have a value."""
    return tuple(one for row in rows if row is not None and (one := _measured(row)) is not None)


def _measured(row: FigureRow) -> Figure | None:
    if row.value is None:
        return None
    unsaid = reason_of(row) if row.status == "cannot_say" else None
    first, last = days_of(row.period_start, row.period_end)
    return Figure(row.value, first, last, met=row.status == "met" if unsaid is None else None, unsaid=unsaid)


def reason_of(row: FigureRow) -> Naming:
    """What the judge of a period said."""
    return Naming(row.status_reason_zh or row.status_reason, row.status_reason)


_STATUS: Final = {TargetStanding.MET: "met", TargetStanding.MISSED: "not_met"}
"""What a standing says in the words of a period's verdict; before the due date nothing can be said."""


def _row(wanted: Wanted, lane: str, figure: FigureRow | None, at: Stands) -> TargetRow:
    document, entry, place = wanted
    stated: dict[str, Any] = {
        "lane": lane,
        "id": entry.id,
        "name_en": entry.name,
        "name_zh": entry.name_zh or entry.name,
        "feed": entry.feed,
        "comparator": entry.op,
        "target": entry.target,
        "unit": entry.unit,
        "due": entry.due,
        "page": entry.where,
        "checked_by": entry.check,
        "plan_id": document.plan.id,
        "plan_version": document.plan.version,
        "ordinality": place,
        "holds": at.holds,
        "standing": at.status.value,
        "standing_reason": at.reason.en,
        "standing_reason_zh": at.reason.zh,
        "standing_value": at.value,
        "standing_on": at.value_on,
        "expected": at.expected,
        "expected_then": at.expected_then,
        "rate_needed": at.rate_needed,
        "path": () if at.path is None else at.path.points,
    }
    if figure is None:
        reported = entry.check is Check.REPORTED
        reason = at.reason if reported else _NOTHING_SAID[entry.check]
        return TargetRow(
            **stated,
            subject=None,
            subject_name=None,
            value=at.value if reported else None,
            status=_STATUS.get(at.status, "cannot_say"),
            status_reason=reason.en,
            status_reason_zh=reason.zh,
            period_start=None,
            period_end=None,
            known_at=None,
            n=None,
            completeness=None,
        )
    return TargetRow(
        **stated,
        subject=figure.subject,
        subject_name=figure.subject_name or figure.subject,
        value=figure.value,
        status=figure.status,
        status_reason=figure.status_reason,
        status_reason_zh=figure.status_reason_zh,
        period_start=figure.period_start,
        period_end=figure.period_end,
        known_at=figure.known_at,
        n=figure.n,
        completeness=figure.completeness,
    )
