"""The part of the operators' policy that only the feed water has. Pure data; every figure is the policy owner's."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import BaseModel, Field, model_validator

from schemas.fields import Identifier, Quality
from schemas.plan.documents import DOCUMENT, Word
from schemas.plan.ranges import DAY_SECONDS, YEAR_SECONDS, Share, WholeSeconds
from services.stream_processors.water.measured import CHECKED_FIELDS

Figure = Annotated[float, Field(ge=-1e9, le=1e9)]

UNVERIFIED: Final = "policy, unverified"
"""Source of a data rule for which no standard was found."""


class ClassPolicy(BaseModel):
    """How a sample is classed where the standard leaves it open."""

    model_config = DOCUMENT

    items_min: Annotated[int, Field(ge=1, le=5)]
    """So many of the five automatic items must be there, or nothing can be said."""
    items_source: Word = UNVERIFIED
    saturation_alternative: bool
    """Whether 90 % oxygen saturation stands for 7.5 mg/L in class I."""


class RoundPolicy(BaseModel):
    """Sampling rounds of a lake."""

    model_config = DOCUMENT

    length_seconds: Annotated[int, Field(ge=1, le=DAY_SECONDS)]
    settle_seconds: Annotated[int, Field(ge=0, le=YEAR_SECONDS)]
    """A round counts for the lake's alert so long after its start, with what had been measured by then."""
    say_seconds: Annotated[int, Field(ge=1, le=DAY_SECONDS)]
    """A round that has changed is published at the next multiple of this."""

    @model_validator(mode="after")
    def _divides_a_day(self) -> Self:
        if DAY_SECONDS % self.length_seconds:
            raise ValueError("length_seconds must divide a day (86400)")
        return self


class DataPolicy(BaseModel):
    """How much data a verdict on a lake needs; below it nothing can be said. Each figure with its source."""

    model_config = DOCUMENT

    points_share_min: Share
    """Share of the lake's points that must have measured in a round."""
    points_source: Word = UNVERIFIED
    day_rounds_share_min: Share
    """Share of a day's rounds that could be classed, of those that the stations' own intervals give."""
    day_rounds_source: Word = UNVERIFIED
    month_rounds_share_min: Share
    month_rounds_source: Word = UNVERIFIED


class RhythmPolicy(BaseModel):
    """The interval of a station that neither the register nor `quality.interval_seconds` names is learned."""

    model_config = DOCUMENT

    unknown_seconds: WholeSeconds = DAY_SECONDS
    """A station whose rhythm is not known yet is expected to report within this."""
    shortest_seconds: WholeSeconds = 300
    """Shorter gaps count as this long."""


class Instrument(BaseModel):
    """The measuring range of one item at one station, narrower than what is physically possible."""

    model_config = DOCUMENT

    device: Identifier
    item: Word
    """A field of the reading, e.g. `ph`."""
    low: Figure
    high: Figure

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.item not in CHECKED_FIELDS:
            raise ValueError(f"{self.item} is not a field that is checked")
        if self.high <= self.low:
            raise ValueError("high must be above low")
        return self


class QualityPolicy(BaseModel):
    """How readings are checked; the limits themselves are `[[limit]]` entries (domain: engineering defaults)."""

    model_config = DOCUMENT

    interval_seconds: WholeSeconds | None = None
    """Every station measures so often; None: each in its own rhythm."""
    doubted_points_min: Annotated[int, Field(ge=2, le=1_000)] = 2
    """An item that moved too far at so many points of a lake in one round counts: pollution, not an instrument."""
    flat_items: tuple[Word, ...]
    """Fields whose value alone may not stand still; a sample that repeats as a whole is doubted whatever it holds."""
    together_share: Share
    """A step beyond its limit is believed when another item moved at least by this share of its own limit."""
    reported: tuple[Quality, ...]
    """Marks of the station that say it has a fault."""
    instrument: tuple[Instrument, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        strangers = sorted(set(self.flat_items) - set(CHECKED_FIELDS))
        if strangers:
            raise ValueError(f"flat_items names unknown fields: {', '.join(strangers)}")
        if Quality.GOOD in self.reported:
            raise ValueError("'good' is not a fault")
        return self


class LakeName(BaseModel):
    """A lake as people know it."""

    model_config = DOCUMENT

    id: Identifier
    name: Word
    name_zh: Word


class WaterSettings(BaseModel):
    """`[settings]` of the policy of the feed water."""

    model_config = DOCUMENT

    class_: Annotated[ClassPolicy, Field(alias="class")]
    rounds: RoundPolicy
    data: DataPolicy
    quality: QualityPolicy
    rhythm: RhythmPolicy = RhythmPolicy()
    lake: tuple[LakeName, ...] = ()
