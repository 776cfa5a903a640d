"""Parts that alerts and indicators share: the threshold with its source, and the evidence."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from schemas.fields import CONTRACT, Count, Figure, Offset


class SourceKind(StrEnum):
    """Where a threshold may come from; nothing else is a source."""

    PLAN = "plan"
    STANDARD = "standard"
    POLICY = "policy"


class Comparator(StrEnum):
    """The observed value meets the threshold when `value comparator threshold` holds."""

    LE = "<="
    LT = "<"
    GE = ">="
    GT = ">"


class ThresholdSource(BaseModel):
    """Who set the threshold: a plan with its page, a standard with its clause, or a policy with its owner."""

    model_config = CONTRACT

    kind: SourceKind
    id: Annotated[str, Field(min_length=1)]
    """Plan id (`jianghan-14fyp`), standard number (`GB 3838-2002`) or policy id."""
    version: Annotated[str, Field(min_length=1)]
    where: Annotated[str, Field(min_length=1)]
    """`page 31`, `table 1` or the policy's owner."""
    valid_from: date
    valid_to: date | None = None


class Threshold(BaseModel):
    """A limit that never travels without its source."""

    model_config = CONTRACT

    id: str
    """Id of the indicator or limit, e.g. `water.class`."""
    value: Figure
    unit: str
    comparator: Comparator
    source: ThresholdSource


class Evidence(BaseModel):
    """Coordinates of the readings that a verdict rests on."""

    model_config = CONTRACT

    topic: str
    partition: Count
    offsets: Annotated[tuple[Offset, ...], Field(max_length=1_000)]
    """Offsets of the readings, ascending; the first 1,000."""

    @model_validator(mode="after")
    def _ascending(self) -> Evidence:
        if list(self.offsets) != sorted(set(self.offsets)):
            raise ValueError("offsets must be ascending and unique")
        return self
