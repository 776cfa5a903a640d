"""How a target of the plan is met, and on which path: what its trajectory is reckoned from. Pure."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.plan.errors import Location, fault
from schemas.plan.ranges import Day

_DOCUMENT: Final = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
_Words = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$")]
_Page = Annotated[int, Field(ge=1, le=10_000)]


class Holds(StrEnum):
    """How a target is met."""

    CUMULATIVE = "cumulative"
    """What is done over the whole period adds up to it; it begins at nothing."""
    AT_END = "at_end"
    """A state that must be reached by the due date, and hold then."""
    EVERY_YEAR = "every_year"
    """Each year of the period must keep to it."""


class TargetStanding(StrEnum):
    """Where a target stands on a day."""

    ON_TRACK = "on_track"
    """Not due yet; the newest figure is at or better than the path on its own day."""
    BEHIND = "behind"
    """Not due yet; the newest figure is worse than the path on its own day."""
    MET = "met"
    """It is met, and nothing can undo it; or it was due and met."""
    MISSED = "missed"
    """It was due and is not met, or a year that is over did not keep to it."""
    CANNOT_SAY = "cannot_say"
    """No figure, one too old, or no path to compare it with; the reason says which."""


class Known(BaseModel):
    """A value that the plan itself states for a day: where a path begins, or passes."""

    model_config = _DOCUMENT

    date: Day
    """The value is that of the end of this local day."""
    value: float
    """In the unit of the target."""
    page: _Page
    """Printed page of the plan."""


class Course(BaseModel):
    """How a target is met, with the reason; and its path, a straight line where the plan names no milestones."""

    model_config = _DOCUMENT

    holds: Holds
    reason: _Words
    """Why, from the plan's words."""
    reason_zh: _Words
    base: Known | None = None
    """Where the path begins; null: the plan states no value. A cumulative target begins at nothing without it."""
    milestones: tuple[Known, ...] = ()
    """Values that the plan states for days before the due date; between them the path is straight."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        days = [one.date for one in (*((self.base,) if self.base else ()), *self.milestones)]
        faults: list[tuple[Location, str]] = [
            (("milestones",), f"{later} does not come after {earlier}")
            for earlier, later in pairwise(days)
            if later <= earlier
        ]
        if self.holds is Holds.EVERY_YEAR and days:
            faults.append((("holds",), "a target of every year has no path: neither base nor milestones"))
        if faults:
            raise fault("Course", faults)
        return self
