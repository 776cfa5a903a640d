"""The report that the plan asks for: where each target stands on a day, on what that rests, what was revised. Pure.

What goes in was asked for as it was known at a moment; nothing in a report says when it was made, so that the same data
and day give the same report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from schemas.plan.book import PlanBook
from schemas.plan.course import TargetStanding
from schemas.plan.documents import Check, PlanDocument, PlanIndicator
from schemas.plan.in_force import local_midnight_us
from schemas.target_figure import TargetFigure
from schemas.vocabulary import Naming
from services.plan_office.chapters import chapter_of, first_page
from services.plan_office.figure import Figure
from services.plan_office.figure_book import figures_of
from services.plan_office.report_period import ReportPeriod, Span
from services.plan_office.standing import Stands, stands, stands_measured
from services.plan_office.trajectory import Points, points_of


@dataclass(frozen=True, slots=True)
class Days:
    """Days of the period that telemetry judged."""

    met: int = 0
    not_met: int = 0
    cannot_say: int = 0


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """An alert that cites a target and began in the period."""

    alert_id: str
    rule: str
    place: str
    severity: str
    """I (worst) to IV."""
    started_at: datetime
    ended_at: datetime | None
    text: Naming
    stored_at: datetime
    """When this revision of it became known."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A figure that was revised since the last report."""

    subject: Naming | None
    start: date
    end: date
    was: float | None
    now: float | None
    at: datetime
    by: str | None
    """Who corrected it and who confirmed; None: late data of telemetry."""
    why: str = ""
    """Note and source document of a correction."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What telemetry says of one subject of a target."""

    subject: str
    name: Naming
    decides: tuple[Figure, ...]
    silent: Naming
    """Why nothing can be said when no figure decides."""
    completeness: float | None
    """Share of the data of the newest period that was there, 0 to 1."""
    known_at: datetime | None
    days: Days = Days()
    series: Points = ()
    """Last day and value of the periods before, for a chart."""
    revised: tuple[Revision, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What was known at a moment, as far as a report needs it."""

    book: PlanBook
    targets: Sequence[tuple[PlanDocument, PlanIndicator, int]]
    """In force on the day of the report, with their place in the plan."""
    entered: Sequence[TargetFigure]
    """Every revision, confirmed if it was by then."""
    measured: Mapping[str, Sequence[Measured]]
    """By target."""
    alerts: Mapping[str, Sequence[AlertSeen]]
    """By target."""
    published_at: datetime | None = None
    """When the newest of the plans in force was published; None: they came with the release."""


@dataclass(frozen=True, slots=True)
class SubjectReported:
    """One subject of a target; a target that people answer for has one without a name."""

    id: str | None
    name: Naming | None
    stands: Stands
    completeness: float | None
    days: Days
    series: Points
    """For a chart."""


@dataclass(frozen=True, slots=True)
class TargetReported:
    """A target with all that a report says of it."""

    entry: PlanIndicator
    plan_id: str
    plan_version: str
    chapter: Naming
    subjects: tuple[SubjectReported, ...]
    figures: tuple[TargetFigure, ...]
    """What people entered and what counts: of each period that is over the newest revision that was confirmed."""
    waiting: tuple[TargetFigure, ...]
    """Entered, not confirmed: it does not count."""
    alerts: tuple[AlertSeen, ...]
    revisions: tuple[Revision, ...]
    """Since the last report, the newest one in front."""

    @property
    def status(self) -> TargetStanding:
        """Of all its subjects together: what one of them fails is not kept, and what one is silent about is not met."""
        return next(one for one in _WORST_FIRST if any(each.stands.status is one for each in self.subjects))


_WORST_FIRST: Final = (
    TargetStanding.MISSED,
    TargetStanding.BEHIND,
    TargetStanding.CANNOT_SAY,
    TargetStanding.ON_TRACK,
    TargetStanding.MET,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which report."""

    day: date
    period: ReportPeriod
    span: Span
    begins: date
    """First day of the planned period."""
    since: datetime | None = None
    """Revisions that became known after it are listed: the moment of the last report; None: there is none."""


@dataclass(frozen=True, slots=True)
class Report:
    """Where the plan stands at the end of a day."""

    asked: Asked
    known_at: datetime | None
    """The newest moment at which anything in it became known: as known then, it is the same. None: nothing is known."""
    plans: tuple[tuple[str, str, Naming], ...]
    """Id, version and name of the plans in force."""
    targets: tuple[TargetReported, ...]
    """In the order of the plan's pages, by chapter."""

    def chapters(self) -> list[tuple[Naming, list[TargetReported]]]:
        """Targets by chapter."""
        found: dict[Naming, list[TargetReported]] = {}
        for one in self.targets:
            found.setdefault(one.chapter, []).append(one)
        return list(found.items())


def report(asked: Asked, known: Known) -> Report:
    """Where each target in force on the day stands, on what that rests, what was revised since the last report."""
    by_target: dict[str, list[TargetFigure]] = {}
    for figure in known.entered:
        if figure.period_end <= asked.day:
            by_target.setdefault(figure.target, []).append(figure)
    made = [
        (first_page(entry), place, _target(asked, known, document, entry, by_target.get(entry.id, [])))
        for document, entry, place in known.targets
    ]
    pages: dict[Naming, int] = {}
    for page, _, one in made:
        pages[one.chapter] = min(page, pages.get(one.chapter, page))
    made.sort(key=lambda each: (pages[each[2].chapter], each[2].chapter, each[0], each[1]))
    plans = {document.plan.id: document.plan for document, _, _ in known.targets}
    return Report(
        asked,
        _known_at(known, (one for _, _, one in made)),
        tuple((head.id, head.version, Naming(head.name_zh or head.name, head.name)) for head in plans.values()),
        tuple(one for _, _, one in made),
    )


def _target(
    asked: Asked, known: Known, document: PlanDocument, entry: PlanIndicator, entered: Sequence[TargetFigure]
) -> TargetReported:
    reported = entry.check is Check.REPORTED
    measured = () if reported else known.measured.get(entry.id, ())
    subjects = [_entered(asked, known, entry, entered)] if reported else _measured(asked, known, entry, measured)
    counts = {one.figure_id for one in entered} & {one.source for one in figures_of(entered)}
    newest = {one.place: one.revision for one in entered}  # revisions come in their order
    waiting = [one for one in entered if not one.is_confirmed and newest[one.place] == one.revision]
    revised = [*_corrections(asked, entered), *(each for one in measured for each in one.revised)]
    return TargetReported(
        entry=entry,
        plan_id=document.plan.id,
        plan_version=document.plan.version,
        chapter=chapter_of(entry.id),
        subjects=tuple(subjects),
        figures=tuple(one for one in entered if reported and one.figure_id in counts),
        waiting=tuple(waiting),
        alerts=tuple(known.alerts.get(entry.id, ())),
        revisions=tuple(sorted(revised, key=lambda one: (one.at, one.end, one.subject or ()), reverse=True)),
    )


def _entered(asked: Asked, known: Known, entry: PlanIndicator, entered: Sequence[TargetFigure]) -> SubjectReported:
    figures, versions = figures_of(entered), known.book.targets(entry.id)
    found = _in_force(stands(versions, figures, asked.day), entry, asked)
    target = versions.at(local_midnight_us(asked.day))
    points = () if target is None else points_of(target, figures)
    return SubjectReported(None, None, found, None, Days(), points)


def _measured(asked: Asked, known: Known, entry: PlanIndicator, measured: Sequence[Measured]) -> list[SubjectReported]:
    versions = known.book.targets(entry.id)
    if not measured:
        found = stands_measured(versions, (), asked.day, None)
        return [SubjectReported(None, None, _in_force(found, entry, asked), None, Days(), ())]
    return [
        SubjectReported(
            one.subject,
            one.name,
            _in_force(stands_measured(versions, one.decides, asked.day, one.silent), entry, asked),
            one.completeness,
            one.days,
            one.series,
        )
        for one in measured
    ]


def _in_force(found: Stands | None, entry: PlanIndicator, asked: Asked) -> Stands:
    if found is None:
        raise ValueError(f"{entry.id} is a target of no plan in force on {asked.day}")
    return found


def _corrections(asked: Asked, entered: Iterable[TargetFigure]) -> list[Revision]:
    confirmed = {(one.place, one.revision): one for one in entered if one.is_confirmed}
    made: list[Revision] = []
    for (place, number), one in confirmed.items():
        if one.confirmed_at is None or asked.since is None or one.confirmed_at <= asked.since or not number:
            continue
        before = max((n for other, n in confirmed if other == place and n < number), default=None)
        if before is None:
            continue
        by = f"{one.entered_by_name} / {one.confirmed_by_name}"
        source = " ".join(part for part in (one.source.title, one.source.number) if part)
        why = "; ".join(part for part in (one.note, source) if part)
        was = confirmed[place, before].value
        made.append(Revision(None, one.period_start, one.period_end, was, one.value, one.confirmed_at, by, why))
    return made


def _known_at(known: Known, targets: Iterable[TargetReported]) -> datetime | None:
    ids = {one.entry.id: one for one in targets}
    moments = [known.published_at]
    moments += [one.confirmed_at for each in ids.values() for one in each.figures]
    moments += [one.entered_at for each in ids.values() for one in each.waiting]
    moments += [one.known_at for name in ids for one in known.measured.get(name, ())]
    moments += [one.stored_at for each in ids.values() for one in each.alerts]
    moments += [one.at for each in ids.values() for one in each.revisions]
    return max((one for one in moments if one is not None), default=None)
