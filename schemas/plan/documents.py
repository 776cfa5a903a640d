"""The three kinds of documents that thresholds come from. A figure without its source is not a valid document."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.fields import Feed
from schemas.plan.course import Course, Holds, Known
from schemas.plan.errors import Location, fault
from schemas.plan.ranges import LATENESS_SECONDS_MAX, Day, out_of_range
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource

DOCUMENT: Final = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

Word = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$")]
"""Text without control characters: what alerts quote can be stored and shown."""
IndicatorId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$")]
Page = Annotated[int, Field(ge=1, le=10_000)]


class Check(StrEnum):
    """How a plan target is followed."""

    STREAM = "stream"
    REPORTED = "reported"


class PlanHead(BaseModel):
    """Which plan."""

    model_config = DOCUMENT

    id: Word
    version: Word = "1"
    name: Word
    name_zh: Word | None = None
    district: Word | None = None
    start: Day
    end: Day
    valid_to: Day | None = None
    """Last day on which its targets are in force; null until a later plan replaces it."""
    period_start: Day | None = None
    """First day that cumulative targets count from; null: `start`. A version that comes into force later names it."""

    @property
    def counts_from(self) -> Day:
        """First day of the planned period, whenever this version came into force."""
        return self.period_start or self.start

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end < self.start:
            raise ValueError("the plan ends before it starts")
        if self.period_start is not None and self.period_start > self.start:
            raise fault("PlanHead", [(("period_start",), f"{self.period_start} is after start, {self.start}")])
        if self.valid_to is not None and self.valid_to < self.start:
            raise _ends_first(self.valid_to, self.start)
        return self


class PlanIndicator(BaseModel):
    """A quantified target."""

    model_config = DOCUMENT

    id: IndicatorId
    name: Word
    name_zh: Word | None = None
    page: Page | Annotated[tuple[Page, ...], Field(min_length=1)]
    """Printed page or pages of the plan: the source of the figure."""
    op: Comparator
    target: float
    """As far as its unit allows, see `ranges`."""
    unit: Word
    due: Day
    check: Check
    feed: Feed | None = None
    scope: Word | None = None
    course: Course | None = None
    """How it is met and on which path; null in documents from before: where it stands cannot be said then."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (reason := out_of_range(self.target, self.unit)) is not None:
            raise fault("PlanIndicator", [(("target",), reason)])
        return self

    @model_validator(mode="after")
    def _course_leads_there(self) -> Self:
        if self.course is None:
            return self
        known: list[tuple[Location, Known]] = [(("milestones", n), one) for n, one in enumerate(self.course.milestones)]
        if self.course.base is not None:
            known.append((("base",), self.course.base))
        faults: list[tuple[Location, str]] = []
        for place, one in known:
            if one.date >= self.due:
                faults.append((("course", *place, "date"), f"{one.date} is not before the due date, {self.due}"))
            if (reason := out_of_range(one.value, self.unit)) is not None:
                faults.append((("course", *place, "value"), reason))
        if self.course.holds is Holds.CUMULATIVE and self.op in {Comparator.LE, Comparator.LT}:
            faults.append((("course", "holds"), f"what adds up cannot be asked to stay {self.op} a value"))
        if faults:
            raise fault("PlanIndicator", faults)
        return self

    @property
    def where(self) -> str:
        """`page 31` or `pages 28, 41`."""
        if isinstance(self.page, int):
            return f"page {self.page}"
        return f"pages {', '.join(map(str, self.page))}"


class PlanDuty(BaseModel):
    """A duty that the plan names without a figure."""

    model_config = DOCUMENT

    id: IndicatorId
    name: Word
    page: Page | tuple[Page, ...]
    feed: Feed | None = None


class PlanDocument(BaseModel):
    """A development plan."""

    model_config = DOCUMENT

    plan: PlanHead
    indicator: tuple[PlanIndicator, ...]
    duty: tuple[PlanDuty, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        ids = [target.id for target in self.indicator] + [duty.id for duty in self.duty]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"ids are used twice: {', '.join(twice)}")
        return self

    @model_validator(mode="after")
    def _due_in_time(self) -> Self:
        start, end = self.plan.start, self.plan.end
        outside: list[tuple[Location, str]] = [
            (("indicator", n, "due"), f"{entry.due} is outside the plan, {start} to {end}")
            for n, entry in enumerate(self.indicator)
            if not start <= entry.due <= end
        ]
        if outside:
            raise fault("PlanDocument", outside)
        return self

    def threshold(self, indicator_id: str) -> Threshold | None:
        """The target with its source, or None when the plan has no such indicator."""
        for entry in self.indicator:
            if entry.id == indicator_id:
                source = ThresholdSource(
                    kind=SourceKind.PLAN,
                    id=self.plan.id,
                    version=self.plan.version,
                    where=entry.where,
                    valid_from=self.plan.start,
                    valid_to=self.plan.valid_to,
                )
                return Threshold(id=entry.id, value=entry.target, unit=entry.unit, comparator=entry.op, source=source)
        return None


FiveLimits = Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=5, max_length=5)]
"""Classes I to V; an exceedance is a multiple of its limit, so none is zero."""


class StandardHead(BaseModel):
    """Which standard."""

    model_config = DOCUMENT

    id: Word
    version: Word
    name: Word
    name_zh: Word
    valid_from: Day
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise _ends_first(self.valid_to, self.valid_from)
        return self


class StandardItem(BaseModel):
    """One item of a table of class limits."""

    model_config = DOCUMENT

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name: Word
    name_zh: Word
    unit: Word
    source: Word
    """Table and item: where in the standard the limits stand."""
    field: Word | None = None
    comparator: Comparator = Comparator.LE
    limits: FiveLimits | None = None
    lake_limits: FiveLimits | None = None
    range: Annotated[tuple[float, ...], Field(min_length=2, max_length=2)] | None = None
    """The same closed range for all classes."""
    class_1_saturation_percent: Annotated[float, Field(gt=0, le=200)] | None = None
    automatic: bool = False
    judged: bool = True
    multiple: bool = True
    first: bool = False
    note: Word | None = None

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.judged and self.limits is None and self.range is None:
            raise ValueError("a judged item needs limits or a range")
        for limits in (self.limits, self.lake_limits):
            steps = pairwise(limits or ())
            falling = self.comparator in (Comparator.GE, Comparator.GT)
            if any((b > a) if falling else (b < a) for a, b in steps):
                raise ValueError("limits must become laxer from class I to class V")
        if self.range is not None and self.range[1] <= self.range[0]:
            raise ValueError("the range ends before it begins")
        return self

    @model_validator(mode="after")
    def _possible(self) -> Self:
        faults: list[tuple[Location, str]] = [
            ((name, n), reason)
            for name, limits in (("limits", self.limits), ("lake_limits", self.lake_limits), ("range", self.range))
            for n, value in enumerate(limits or ())
            if (reason := out_of_range(value, self.unit)) is not None
        ]
        if faults:
            raise fault("StandardItem", faults)
        return self


class StandardDocument(BaseModel):
    """A standard of class limits."""

    model_config = DOCUMENT

    standard: StandardHead
    item: tuple[StandardItem, ...]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        ids = [item.id for item in self.item]
        if len(set(ids)) != len(ids):
            raise ValueError("an item is given twice")
        return self


class PolicyHead(BaseModel):
    """Which policy, and who answers for it."""

    model_config = DOCUMENT

    id: Word
    version: Word
    name: Word
    owner: Word
    valid_from: Day
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise _ends_first(self.valid_to, self.valid_from)
        return self


class WindowPolicy(BaseModel):
    """How much of the past can still be corrected."""

    model_config = DOCUMENT

    lateness_seconds: Annotated[int, Field(ge=1, le=LATENESS_SECONDS_MAX)]
    samples_max: Annotated[int, Field(ge=16, le=100_000)]

    @property
    def lateness(self) -> timedelta:
        """The lateness bound."""
        return timedelta(seconds=self.lateness_seconds)


def _ends_first(last: Day, first: Day) -> ValidationError:
    return fault("Head", [(("valid_to",), f"{last} is before the first day in force, {first}")])
