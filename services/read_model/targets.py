"""The plan's targets, each with the newest figure of each of its subjects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from schemas.fields import LIVE
from schemas.plan.book import PlanBook
from schemas.plan.documents import Check, PlanDocument, PlanIndicator
from schemas.plan.in_force import local_midnight_us
from schemas.vocabulary import Naming
from services.read_model.bounds import text_within, time_within
from services.read_model.connection import Asked
from services.read_model.figures import FigureRow, figures
from services.read_model.plan import local_day, publications
from services.read_model.plan_limits import documents_at

_NOTHING_SAID: Final = {
    Check.REPORTED: Naming("由规划部门填报，尚未填报。", "The plan office reports this figure; none has been entered."),
    Check.STREAM: Naming("该指标尚无任何时段得出结论。", "No period of this indicator has been judged yet."),
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
    wanted = list(targets_in_force(found.book, local_day(moment or found.asked_at)))
    ids = tuple(entry.id for _, entry, _ in wanted)
    return joined(wanted, await figures(asked, ids, lane=lane, as_of=moment), lane)


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


def joined(wanted: Iterable[Wanted], known: Iterable[FigureRow], lane: str) -> list[TargetRow]:
    """Targets with their figures; a target without any stands alone and says why."""
    by_id: dict[str, list[FigureRow]] = {}
    for figure in known:
        by_id.setdefault(figure.id, []).append(figure)
    return [
        _row(document, entry, place, lane, figure)
        for document, entry, place in wanted
        for figure in by_id.get(entry.id, _ALONE)
    ]


def _row(document: PlanDocument, entry: PlanIndicator, place: int, lane: str, figure: FigureRow | None) -> TargetRow:
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
    }
    if figure is None:
        return TargetRow(
            **stated,
            subject=None,
            subject_name=None,
            value=None,
            status="cannot_say",
            status_reason=_NOTHING_SAID[entry.check].en,
            status_reason_zh=_NOTHING_SAID[entry.check].zh,
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
