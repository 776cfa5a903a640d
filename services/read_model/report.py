"""What a report of the plan rests on, asked for as it was known at a moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from schemas.fields import LIVE
from schemas.plan.documents import Check, PlanDocument, PlanIndicator
from schemas.vocabulary import Naming
from services.plan_office.figure import days_of
from services.plan_office.report import AlertSeen, Days, Known, Measured, Report, Revision, report
from services.plan_office.report import Asked as Wanted
from services.plan_office.report_period import ReportPeriod, Span, end_of, known_then, last_day_before, span_of
from services.read_model.bounds import time_within
from services.read_model.connection import Asked
from services.read_model.errors import TimeRefused
from services.read_model.figures import FigureRow, figures
from services.read_model.plan import Publications, publications
from services.read_model.queries import SQL
from services.read_model.target_figures import target_figures
from services.read_model.targets import due_figures, measured_of, reason_of, targets_in_force
from services.read_model.typed import typed

_DAY: Final = timedelta(days=1)
_MONTH: Final = timedelta(days=20)


@dataclass(frozen=True, slots=True)
class Last:
    """A report before this one, with which it is compared."""

    day: date
    known_at: datetime | None = None
    """None: as long after its day as the report is after its own."""


@dataclass(frozen=True, slots=True)
class Reports:
    """A report, and the one before it."""

    report: Report
    last: Report | None
    last_known_at: datetime | None
    """By when `last` was known."""


async def reports(
    asked: Asked, day: date, period: ReportPeriod, *, known_at: datetime | None = None, last: Last | None = None
) -> Reports:
    """The report of a day and the one before it.

    Args:
        known_at: As it was known then; None: as now known.
        last: The report before; None: the yearly report before it, where the plan had begun by then.

    Raises:
        TimeRefused: no plan was in force on the day, or a moment is none that the platform knows.
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    found = await publications(asked, as_of=known_at)
    moment = found.asked_at if known_at is None else time_within(known_at, parameter="known_at")
    wanted = list(targets_in_force(found.book, day))
    if not wanted:
        raise TimeRefused(f"no plan was in force on {day}", parameter="as_of")
    begins = min(document.plan.counts_from for document, _, _ in wanted)
    which = Wanted(day, period, span_of(period, day, begins), begins)
    known = await _known(asked, which, found, wanted, begins, moment=moment)
    first = report(which, known)
    before = last or _last(day, begins)
    if before is None:
        return Reports(first, None, None)
    since = before.known_at or known_then(day, before.day, first.known_at or moment)
    revised = await _revised(asked, wanted, Span(begins, before.day), since, moment)
    measured = {
        name: [replace(one, revised=_of(one, revised.get((name, one.subject), ()))) for one in subjects]
        for name, subjects in known.measured.items()
    }
    made = report(replace(which, since=since), replace(known, measured=measured))
    return Reports(made, await _report(asked, before.day, since), since)


def _of(one: Measured, revised: Iterable[Revision]) -> tuple[Revision, ...]:
    return tuple(replace(each, subject=one.name) for each in revised)


def _last(day: date, begins: date) -> Last | None:
    found = last_day_before(day, begins)
    return None if found is None else Last(found)


async def _report(asked: Asked, day: date, known_at: datetime) -> Report | None:
    found = await publications(asked, as_of=known_at)
    wanted = list(targets_in_force(found.book, day))
    if not wanted:
        return None
    begins = min(document.plan.counts_from for document, _, _ in wanted)
    which = Wanted(day, ReportPeriod.YEAR, span_of(ReportPeriod.YEAR, day, begins), begins)
    return report(which, await _known(asked, which, found, wanted, begins, moment=known_at))


async def _known(
    asked: Asked,
    which: Wanted,
    found: Publications,
    wanted: Sequence[tuple[PlanDocument, PlanIndicator, int]],
    begins: date,
    *,
    moment: datetime,
) -> Known:
    entries = [entry for _, entry, _ in wanted]
    ids = [entry.id for entry in entries if entry.check is Check.STREAM]
    until = end_of(which.day)
    newest = await figures(asked, ids, as_of=moment, until=until) if ids else []
    of_due = await due_figures(asked, entries, newest, LIVE, moment)
    span = Span(begins, which.day)
    periods = typed(
        _PeriodRow, await asked.rows(SQL["report_periods"], LIVE, ids, span.begins_at, span.ends_at, moment)
    )
    alerts = await asked.rows(SQL["report_alerts"], ids, which.span.begins_at, which.span.ends_at, moment)
    by_target: dict[str, list[AlertSeen]] = {}
    for row in typed(_AlertRow, alerts):
        by_target.setdefault(row.target_id, []).append(row.seen())
    plans = {(document.plan.id, document.plan.version) for document, _, _ in wanted}
    published = [one.published_at for one in found.rows if (one.document_id, one.version) in plans]
    subjects = [one.subject for one in newest]
    names = {
        row["asset_id"]: Naming(row["name_zh"], row["name_en"])
        for row in await asked.rows(SQL["report_subjects"], subjects)
    }
    return Known(
        found.book,
        wanted,
        await target_figures(asked, as_of=moment),
        measured_by_target(newest, of_due, periods, which.span, names),
        by_target,
        max((one for one in published if one.year > 1970), default=None),
    )


@dataclass(frozen=True, slots=True)
class _PeriodRow:
    """One period of telemetry."""

    target_id: str
    subject: str
    period_start: datetime
    period_end: datetime
    value: float | None
    status: str
    completeness: float
    known_at: datetime


@dataclass(frozen=True, slots=True)
class _AlertRow:
    target_id: str
    alert_id: str
    rule: str
    place: str
    severity: str
    started_at: datetime
    ended_at: datetime | None
    text_zh: str
    text_en: str
    stored_at: datetime

    def seen(self) -> AlertSeen:
        text = Naming(self.text_zh, self.text_en)
        times = self.started_at, self.ended_at
        return AlertSeen(self.alert_id, self.rule, self.place, self.severity, *times, text, self.stored_at)


def measured_by_target(
    newest: Iterable[FigureRow],
    of_due: Mapping[tuple[str, str], FigureRow],
    periods: Iterable[_PeriodRow],
    span: Span,
    names: Mapping[str, Naming],
) -> dict[str, list[Measured]]:
    """What telemetry says of each subject of each target. Pure.

    Args:
        names: Of the assets that are subjects.
    """
    by_subject: dict[tuple[str, str], list[_PeriodRow]] = {}
    for row in periods:
        by_subject.setdefault((row.target_id, row.subject), []).append(row)
    made: dict[str, list[Measured]] = {}
    for figure in newest:
        rows = by_subject.get((figure.id, figure.subject), [])
        due = of_due.get((figure.id, figure.subject))
        moments = [one.known_at for one in (figure, due, *rows) if one is not None and one.known_at is not None]
        made.setdefault(figure.id, []).append(
            Measured(
                figure.subject,
                names.get(figure.subject) or _same(figure.subject_name or figure.subject),
                measured_of(due, figure),
                reason_of(figure),
                figure.completeness,
                max(moments, default=None),
                _days(rows, span),
                _series(rows),
            )
        )
    return made


def _same(text: str) -> Naming:
    """What is the same in both languages."""
    return Naming(text, text)


def _days(rows: Iterable[_PeriodRow], span: Span) -> Days:
    counted = Counter(
        row.status for row in rows if row.period_end - row.period_start == _DAY and row.period_start >= span.begins_at
    )
    return Days(counted["met"], counted["not_met"], counted["cannot_say"])


def _series(rows: Sequence[_PeriodRow]) -> tuple[tuple[date, float], ...]:
    """Of months and years where there are any, else of days."""
    long = [row for row in rows if row.period_end - row.period_start > _MONTH]
    return tuple(
        sorted(
            (days_of(row.period_start, row.period_end)[1], row.value) for row in long or rows if row.value is not None
        )
    )


@dataclass(frozen=True, slots=True)
class _RevisedRow:
    target_id: str
    subject: str
    period_start: datetime
    period_end: datetime
    was: float | None
    now: float | None
    at: datetime


async def _revised(
    asked: Asked,
    wanted: Iterable[tuple[PlanDocument, PlanIndicator, int]],
    span: Span,
    since: datetime,
    moment: datetime,
) -> dict[tuple[str, str], list[Revision]]:
    ids = [entry.id for _, entry, _ in wanted if entry.check is Check.STREAM]
    rows = await asked.rows(SQL["report_revised"], LIVE, ids, span.begins_at, span.ends_at, since, moment)
    made: dict[tuple[str, str], list[Revision]] = {}
    for row in typed(_RevisedRow, rows):
        days = days_of(row.period_start, row.period_end)
        one = Revision(None, *days, row.was, row.now, row.at, None)
        made.setdefault((row.target_id, row.subject), []).append(one)
    return made
