"""Indicators: values that answer for the plan, and the class of each sample."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field, JsonValue

from schemas.envelope import ReadingKey
from schemas.fields import CONTRACT, Count, Feed, Figure, Identifier, Lane, Offset, Quality, ReckonedTime, Text
from schemas.verdict import Evidence, Threshold


class IndicatorStatus(StrEnum):
    """`cannot_say` is an answer: incomplete or doubtful data is never a pass."""

    MET = "met"
    NOT_MET = "not_met"
    CANNOT_SAY = "cannot_say"


class SampleRef(BaseModel):
    """The one reading that a per-sample indicator is about."""

    model_config = CONTRACT

    device_id: Identifier
    boot_id: Identifier
    seq: Offset
    quality: Quality

    @property
    def key(self) -> ReadingKey:
        """The reading's identity."""
        return ReadingKey(self.device_id, self.boot_id, self.seq)


class Indicator(BaseModel):
    """One value for one subject and one period of event time.

    The identity is (lane, id, subject, period_start, sample); the record with the highest `revision` is the
    value as now known.
    """

    model_config = CONTRACT

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]*$")]
    """E.g. `water.class`, `water.point_class`, `water.trophic_index`."""
    feed: Feed
    lane: Lane
    subject: Identifier
    """What the value is about: a lake, a point, the district."""
    subject_name: Text | None = None
    period_start: ReckonedTime
    period_end: ReckonedTime
    """Exclusive; equal to the start for a single sample."""
    value: Figure | None
    """Null when nothing can be said."""
    unit: str
    status: IndicatorStatus
    status_reason: str
    """One sentence for people: why met, not met, or why nothing can be said."""
    status_reason_zh: str | None = None
    """The same sentence in Chinese; null in records of releases that said it in English alone."""
    n: Count
    """How many readings it rests on."""
    completeness: Annotated[float, Field(ge=0, le=1)]
    """Share of the data that the rule asks for that was there."""
    threshold: Threshold | None
    """The target it was judged against, with source; null when it is shown but not judged."""
    revision: Count = 0
    """Counts up when late data changed the value."""
    known_at: ReckonedTime | None = None
    """The lane's clock when this revision was said: tells what was reported on a day from what is known now."""
    sample: SampleRef | None = None
    """Set on per-sample indicators."""
    details: dict[str, JsonValue] = {}
    """What the rule adds, e.g. deciding items and exceedance multiples."""
    evidence: Evidence | None = None

    def kafka_key(self) -> bytes:
        """Record key: indicator and subject."""
        return f"{self.id}/{self.subject}".encode()
