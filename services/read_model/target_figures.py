"""Figures that people entered for targets without telemetry: every revision, as the table has it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from schemas.target_figure import SourceDocument, TargetFigure
from services.read_model.bounds import text_within, time_within
from services.read_model.connection import Asked
from services.read_model.queries import SQL

_LATER: Final = ("confirmed_by", "confirmed_by_name", "confirmed_at")


async def target_figures(
    asked: Asked, *, target: str | None = None, as_of: datetime | None = None
) -> list[TargetFigure]:
    """Every revision, by target, period and number.

    Args:
        target: Of this one; None: of all.
        as_of: As it was known then: what had been entered by then, confirmed if it was by then. None: now.

    Raises:
        RequestRefused: the target or the time is none that the platform knows.
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    moment = None if as_of is None else time_within(as_of, parameter="as_of")
    wanted = None if target is None else text_within(target, parameter="target")
    found = [figure_of(row) for row in await asked.rows(SQL["target_figures"], wanted, moment)]
    return found if moment is None else [_known_by(one, moment) for one in found]


def figure_of(row: Any) -> TargetFigure:
    """A revision from its row."""
    source = SourceDocument(
        title=row["source_title"], number=row["source_number"], page=row["source_page"], sha256=row["source_sha256"]
    )
    fields = {name: row[name] for name in TargetFigure.model_fields if name not in {"source", "target"}}
    return TargetFigure(**fields, target=row["target_id"], source=source)


def _known_by(figure: TargetFigure, moment: datetime) -> TargetFigure:
    if figure.confirmed_at is None or figure.confirmed_at <= moment:
        return figure
    return figure.model_copy(update=dict.fromkeys(_LATER))
