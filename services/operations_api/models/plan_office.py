"""Figures that people enter for the plan's targets."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, Field

from schemas.fields import Count, Figure, Identifier, Text
from schemas.plan.ranges import Day
from schemas.target_figure import FigureId, Note, SourceDocument, TargetFigure
from services.operations_api.models.shared import ANSWER, QUESTION


def _read_day(value: object) -> object:
    """A day as JSON gives it; by the time that a body is validated here it is no longer JSON."""
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value) if len(value) == len("2024-03-15") else value
    except ValueError as error:
        raise ValueError("a date is written 2024-03-15") from error


RequestDay = Annotated[Day, BeforeValidator(_read_day)]


class FigureRequest(BaseModel):
    """A figure to be entered, or a correction of one."""

    model_config = QUESTION

    target: Annotated[str, Field(min_length=1, max_length=100)]
    """Id of the target."""
    period_start: RequestDay
    period_end: RequestDay
    """Last local day (+08:00) of the period; the same day for a figure that is of a moment."""
    value: Figure
    unit: Annotated[str, Field(max_length=100)]
    """Unit of the target; another one is refused."""
    recorded_on: RequestDay
    """Day on which the source recorded it."""
    source: SourceDocument
    note: Note = ""
    correction: bool = False
    """Whether it takes the place of what was entered for the period."""


class FigureRow(BaseModel):
    """One revision of one figure."""

    model_config = ANSWER

    figure_id: FigureId
    target: str
    period_start: date
    period_end: date
    revision: Count
    corrects: FigureId | None
    value: float
    unit: str
    recorded_on: date
    source: SourceDocument
    note: str
    plan_id: str
    plan_version: str
    entered_by: Identifier
    entered_by_name: Text
    entered_at: datetime
    confirmed_by: Identifier | None
    """Null: it does not count yet."""
    confirmed_by_name: Text | None
    confirmed_at: datetime | None

    @classmethod
    def of(cls, figure: TargetFigure) -> Self:
        """The row of a record."""
        return cls(**{name: getattr(figure, name) for name in cls.model_fields})


class FigureRows(BaseModel):
    """Figures by target, period and revision."""

    model_config = ANSWER

    items: tuple[FigureRow, ...]
