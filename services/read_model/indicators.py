"""Figures of periods, as now known or as reported at a moment; newest period first, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from schemas.fields import LIVE, Feed
from services.read_model.bounds import limit_within, text_within, time_within
from services.read_model.connection import Asked, Row
from services.read_model.paging import Key, Page, page_of, question_of, read_cursor
from services.read_model.queries import SQL
from services.read_model.typed import typed


class PeriodLength(StrEnum):
    """Length of the period."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """One figure of one subject and period."""

    id: str
    subject: str
    subject_name: str | None
    lane: str
    feed: str
    period_start: datetime
    period_end: datetime
    value: float | None
    unit: str
    status: str
    """met, not_met or cannot_say."""
    status_reason: str
    status_reason_zh: str | None
    """In Chinese; None: an older release said it in English alone."""
    n: int
    completeness: float
    revision: int
    threshold: dict[str, Any] | None
    """`schemas.verdict.Threshold` as JSON, with its source."""
    source_id: str | None
    source_version: str | None
    known_at: datetime | None
    """The lane's clock when this revision was said; None: an older release said it."""
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class IndicatorFilter:
    """Which figures; an empty or None part lets all pass."""

    lane: str = LIVE
    feed: Feed | None = None
    id: str | None = None
    subject: str | None = None
    length: PeriodLength | None = None


ALL_LIVE: Final = IndicatorFilter()


_SPANS: Final = (timedelta(days=8), timedelta(days=100), None)
"""Figures are looked for in the newest ones first: a page costs no more for the years before it."""


async def indicators(
    asked: Asked,
    which: IndicatorFilter = ALL_LIVE,
    *,
    as_of: datetime | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[IndicatorRow]:
    """Figures, the newest period in front; the classes of single samples are not among them.

    Args:
        as_of: As reported at this moment: of each figure the last revision that the processors had said by then, by
            their lane's clock (`known_at`); figures whose revisions do not say when are left out. None: as now known.
        limit: 1 to 1,000.
        cursor: `next_cursor` of the page before, with the same filter and `as_of`.

    Raises:
        RequestRefused: a bound, a text or the cursor is wrong.
        DatabaseSilent: the database does not answer.
        QueryRefused: it refuses.
    """
    question = question_of("indicators", which, as_of)
    key: tuple[Any, ...] = (None, None, None, None)
    if cursor is not None:
        key = read_cursor(cursor, question, datetime, str, str, datetime)
    limit_within(limit)
    wanted = (
        text_within(which.lane, parameter="lane"),
        which.feed,
        text_within(which.id, parameter="id"),
        text_within(which.subject, parameter="subject"),
        which.length,
        *key,
        limit + 1,
    )
    statement, moment = "indicators", tuple[datetime, ...]()
    if as_of is not None:
        statement, moment = "indicators_as_of", (time_within(as_of, parameter="as_of"),)
    rows: list[Row] = []
    for span in _SPANS:
        rows = await asked.rows(SQL[statement], *wanted, span, *moment)
        if len(rows) > limit:
            break
    return page_of(typed(IndicatorRow, rows), limit, question=question, key=_key)


def _key(row: IndicatorRow) -> Key:
    return row.period_start, row.id, row.subject, row.period_end
