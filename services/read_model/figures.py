"""The newest figure of every subject of some indicators: what targets, the map's layers and assets are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schemas.fields import LIVE
from services.read_model.bounds import text_within, texts_within, time_within
from services.read_model.connection import Asked
from services.read_model.queries import SQL
from services.read_model.typed import typed


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure."""

    id: str
    subject: str
    subject_name: str | None
    value: float | None
    unit: str
    status: str
    status_reason: str
    status_reason_zh: str | None
    """In Chinese; None: an older release said it in English alone."""
    period_start: datetime
    period_end: datetime
    known_at: datetime | None
    n: int
    completeness: float
    threshold: dict[str, Any] | None
    details: dict[str, Any]
    sample_quality: str | None
    """Of the figure of a single sample; None for periods."""


async def figures(
    asked: Asked,
    ids: Sequence[str],
    *,
    lane: str = LIVE,
    as_of: datetime | None = None,
    until: datetime | None = None,
) -> list[FigureRow]:
    """The newest figure over a period, of every subject, by id and subject.

    Args:
        as_of: As reported then: the newest period of which something had been said by then, in the last revision said
            by then (`known_at`). None: as now known.
        until: Of periods that had begun before this time alone; None: before `as_of`, without which it says nothing.

    Raises:
        RequestRefused: a part of the question is wrong.
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    wanted = text_within(lane, parameter="lane"), texts_within(tuple(ids), parameter="ids") or []
    if as_of is None:
        rows = await asked.rows(SQL["figures"], *wanted, False, None)
    else:
        moment = time_within(as_of, parameter="as_of")
        begun = moment if until is None else time_within(until, parameter="until")
        rows = await asked.rows(SQL["figures_as_of"], *wanted, begun, moment)
    return typed(FigureRow, rows)


async def sample_figures(
    asked: Asked, indicator: str, *, lane: str = LIVE, as_of: datetime | None = None
) -> list[FigureRow]:
    """The figure of the newest sample of every subject.

    Args:
        as_of: Of the newest sample whose figure was stored by then and not changed by late data since; of samples only
            the last revision is kept. None: as now known.

    Raises:
        RequestRefused: a part of the question is wrong.
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    moment = None if as_of is None else time_within(as_of, parameter="as_of")
    wanted = text_within(lane, parameter="lane"), texts_within((indicator,), parameter="indicator")
    return typed(FigureRow, await asked.rows(SQL["figures"], *wanted, True, moment))
