"""A figure that people enter for a target that no sensor measures; topic `target-figures`.

A record is the whole state of one revision: once as it was entered, once more as it was confirmed by somebody else. A
correction is the next revision; nothing is overwritten, and a replay of the topic repeats the table.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from schemas.fields import CONTRACT, Count, Figure, Identifier, Text, UtcTime
from schemas.plan.documents import IndicatorId
from schemas.plan.ranges import Day

FigureId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""Id of one revision."""
Note = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$")]


class SourceDocument(BaseModel):
    """The document that a figure is taken from."""

    model_config = CONTRACT

    title: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1F\x7F-\x9F]+$")]
    number: Text = ""
    """Its number, as 江统〔2024〕12号; empty: it has none."""
    page: Annotated[int, Field(ge=1, le=10_000)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Of the document's file; null: there was no file."""


class TargetFigure(BaseModel):
    """One revision of one figure."""

    model_config = CONTRACT

    figure_id: FigureId
    target: IndicatorId
    """Id of the plan's target."""
    period_start: Day
    """First local day of the period."""
    period_end: Day
    """Last local day; the same day for a figure that is of a moment."""
    revision: Count
    """0 as first entered; each correction is one more."""
    corrects: FigureId | None = None
    """The revision that this one takes the place of."""
    value: Figure
    unit: Annotated[str, Field(min_length=1, max_length=100)]
    """Unit of the target, in the version of the plan in force at the period."""
    recorded_on: Day
    """Day on which the source recorded it."""
    source: SourceDocument
    note: Note = ""
    plan_id: str
    plan_version: str
    """Version of the plan that was in force at the end of the period, by which it was taken."""
    entered_by: Identifier
    entered_by_name: Text
    entered_at: UtcTime
    confirmed_by: Identifier | None = None
    """Somebody else than who entered it; null: it does not count yet."""
    confirmed_by_name: Text | None = None
    confirmed_at: UtcTime | None = None
    """From then on it is known."""

    @model_validator(mode="after")
    def _true(self) -> Self:
        if self.period_end < self.period_start:
            raise ValueError("the period ends before it begins")
        if (self.revision == 0) != (self.corrects is None):
            raise ValueError("the first revision corrects nothing, and every other one names what it corrects")
        if (self.confirmed_by is None) != (self.confirmed_at is None):
            raise ValueError("who confirmed it and when go together")
        if self.confirmed_by == self.entered_by:
            raise ValueError("who entered a figure does not confirm it")
        if self.confirmed_at is not None and self.confirmed_at < self.entered_at:
            raise ValueError("it was confirmed before it was entered")
        return self

    @property
    def place(self) -> tuple[str, date, date]:
        """Target and period: what revisions are of."""
        return self.target, self.period_start, self.period_end

    @property
    def is_confirmed(self) -> bool:
        """Whether it counts."""
        return self.confirmed_by is not None

    def kafka_key(self) -> bytes:
        """Record key: target, revision's id and what was done. Each stays when the topic is compacted."""
        return f"{self.target}/{self.figure_id}/{'confirmed' if self.is_confirmed else 'entered'}".encode()


def figure_id(place: tuple[str, date, date], entered_by: str, key: str) -> str:
    """Id of a revision: the same request gives the same id, however often it is made.

    Args:
        place: Target and period.
        key: Tells requests of one person apart: an idempotency key, or what was entered in whose place.
    """
    target, start, end = place
    parts = ("target-figure", target, start.isoformat(), end.isoformat(), entered_by, key)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
