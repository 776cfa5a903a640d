"""The policy of the feed tax and the plan's target in the form in which the rules use them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, Field

from schemas.fields import Feed
from schemas.plan.book import PlanBook
from schemas.plan.documents import DOCUMENT
from schemas.plan.errors import PlanFileError
from schemas.plan.in_force import Version, Versions
from schemas.plan.policy import PolicyDocument
from schemas.verdict import Threshold
from services.stream_processors.engine.counting import Debounce
from services.stream_processors.engine.event_time import MICROSECONDS
from services.stream_processors.tax.pace import Method

INDICATOR: Final = "tax.hundred_million_buildings"
FELL_BELOW: Final = "tax.building_fell_below"
PACE_BEHIND: Final = "tax.pace_behind"
WRONG_SIGN: Final = "tax.wrong_sign"
RECEIPT_REPEATED: Final = "tax.receipt_repeated"

BUILDING_LIMIT: Final = "tax.building_year"
SIGN_LIMIT: Final = "tax.wrong_signs"
REPEAT_LIMIT: Final = "tax.receipt_repeats"

FEN: Final = 100
"""Fen of a yuan."""


class YearBy(StrEnum):
    """Which year an entry belongs to."""

    RECEIVED = "received"
    """The local year in which it was entered: tax received in a year."""
    TAX_PERIOD = "tax_period"
    """The year of the month that the tax belongs to."""


class PaceSettings(BaseModel):
    """How the year's end is foretold (see `pace`)."""

    model_config = DOCUMENT

    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    from_month: Annotated[int, Field(ge=1, le=12)]
    """An alert that the year is behind is raised from the close of this month on."""
    month_shares: Annotated[tuple[float, ...], Field(min_length=12, max_length=12)]
    """Share of a year's tax that comes in each month, until the district's own past years tell."""
    spread_min: Annotated[float, Field(gt=0, le=2)]
    """Least spread of a building's months about their expected share."""
    common_share: Annotated[float, Field(ge=0, le=1)]
    """How much of the uncertainty is the same for all buildings (the economy)."""
    years_of_past: Annotated[int, Field(ge=0, le=10)]


class TaxSettings(BaseModel):
    """What the feed needs beside limits and rules."""

    model_config = DOCUMENT

    year_by: YearBy
    pace_seconds: Annotated[int, Field(ge=1, le=86_400)]
    """Figures of a running year follow an entry at most so late (divides a day)."""
    nearest: Annotated[int, Field(ge=0, le=100)]
    """So many buildings below the limit are named, the nearest first."""
    receipt_days: Annotated[int, Field(ge=1)]
    """A repeated receipt number is recognised for so long."""
    closing_days: Annotated[int, Field(ge=0, le=365)]
    """Entries for a year are expected for so long after its end (matters with year_by = tax_period)."""
    pace: PaceSettings


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """One version of the policy."""

    document: PolicyDocument
    settings: TaxSettings
    limit_fen: int
    limit: Threshold
    wrong_sign: Debounce
    repeated: Debounce
    pace_behind: Debounce
    pace_us: int
    method: Method


def in_force(document: PolicyDocument) -> InForce:
    """Compile one version.

    Raises:
        PlanFileError: a limit, a rule or a setting is missing or cannot be used.
    """
    settings = document.settings_as(TaxSettings)
    if 86_400 % settings.pace_seconds:
        raise PlanFileError(document.policy.id, [("settings.pace_seconds", "must divide a day (86400)")])
    limit = document.threshold(BUILDING_LIMIT)
    for rule in (FELL_BELOW, PACE_BEHIND, WRONG_SIGN, RECEIPT_REPEATED):
        document.rule_policy(rule)
    for other in (SIGN_LIMIT, REPEAT_LIMIT):
        document.threshold(other)
    pace = settings.pace
    return InForce(
        document=document,
        settings=settings,
        limit_fen=round(limit.value * FEN),
        limit=limit,
        wrong_sign=Debounce.of(document.rule_policy(WRONG_SIGN)),
        repeated=Debounce.of(document.rule_policy(RECEIPT_REPEATED)),
        pace_behind=Debounce.of(document.rule_policy(PACE_BEHIND)),
        pace_us=settings.pace_seconds * MICROSECONDS,
        method=Method(pace.confidence, pace.month_shares, pace.spread_min, pace.common_share),
    )


def policies_in_force(book: PlanBook) -> Versions[InForce]:
    """All versions of the policy.

    Raises:
        PlanFileError: a version lacks what the rules need.
    """
    return Versions(
        Version(in_force(version.content), version.from_us, version.until_us) for version in book.policies(Feed.TAX).all
    )
