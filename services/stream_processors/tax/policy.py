"""The policy of the feed tax and the plan's target in the form in which the rules use them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, Field, field_validator

from schemas.fields import Feed, Identifier
from schemas.plan.book import PlanBook
from schemas.plan.documents import DOCUMENT
from schemas.plan.errors import PlanFileError
from schemas.plan.in_force import Version, Versions
from schemas.plan.policy import PolicyDocument
from schemas.plan.ranges import DAY_SECONDS, Share
from schemas.verdict import Comparator, Threshold
from services.stream_processors.engine.counting import Debounce
from services.stream_processors.engine.event_time import MICROSECONDS
from services.stream_processors.tax.pace import Method

INDICATOR: Final = "tax.hundred_million_buildings"
FELL_BELOW: Final = "tax.building_fell_below"
PACE_BEHIND: Final = "tax.pace_behind"
WRONG_SIGN: Final = "tax.wrong_sign"
RECEIPT_REPEATED: Final = "tax.receipt_repeated"
AMOUNT_IMPLAUSIBLE: Final = "tax.amount_implausible"

BUILDING_LIMIT: Final = "tax.building_year"
SIGN_LIMIT: Final = "tax.wrong_signs"
REPEAT_LIMIT: Final = "tax.receipt_repeats"
AMOUNT_LIMIT: Final = "tax.amount_times"

FEN: Final = 100
"""Fen of a yuan."""


def yuan(fen: int) -> float:
    """Yuan of fen."""
    return fen / FEN


_SHARES_TOLERANCE: Final = 0.005
"""Of twelve shares that are written to three digits."""


class YearBy(StrEnum):
    """Which year an entry belongs to."""

    RECEIVED = "received"
    """The local year in which it was entered: tax received in a year."""
    TAX_PERIOD = "tax_period"
    """The year of the month that the tax belongs to."""


class PaceSettings(BaseModel):
    """How the year's end is foretold (see `pace`)."""

    model_config = DOCUMENT

    confidence: Annotated[float, Field(gt=0.5, le=0.9999)]
    from_month: Annotated[int, Field(ge=1, le=12)]
    """An alert that the year is behind is raised from the close of this month on."""
    month_shares: Annotated[tuple[Share, ...], Field(min_length=12, max_length=12)]
    """Share of a year's tax that comes in each month, until the district's own past years tell; together a whole."""
    spread_min: Annotated[float, Field(ge=0.001, le=2)]
    """Least spread of a building's months about their expected share."""
    common_share: Share
    """How much of the uncertainty is the same for all buildings (the economy)."""
    years_of_past: Annotated[int, Field(ge=0, le=10)]

    @field_validator("month_shares")
    @classmethod
    def _whole(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        if abs(sum(shares) - 1) > _SHARES_TOLERANCE:
            raise ValueError(f"the twelve shares must add up to 1, not to {sum(shares):g}")
        return shares


class TaxSettings(BaseModel):
    """What the feed needs beside limits and rules."""

    model_config = DOCUMENT

    year_by: YearBy
    pace_seconds: Annotated[int, Field(ge=1, le=DAY_SECONDS)]
    """Figures of a running year follow an entry at most so late (divides a day)."""
    nearest: Annotated[int, Field(ge=0, le=100)]
    """So many buildings below the limit are named, the nearest first."""
    receipt_days: Annotated[int, Field(ge=1, le=3_660)]
    """A repeated receipt number is recognised for so long."""
    closing_days: Annotated[int, Field(ge=0, le=365)]
    """Entries for a year are expected for so long after its end (matters with year_by = tax_period)."""
    offices: Annotated[tuple[Identifier, ...], Field(max_length=10_000)] = ()
    """Offices that are expected to report every month; any other is from its first entry on."""
    reported_least: Share = 0.9
    """Of a year, or of its months so far, of which less was reported (by office and month) nothing is said."""
    amount_days: Annotated[int, Field(ge=2, le=366)] = 7
    """An amount is compared when its building has paid that kind of tax on so many days, this year or the last."""
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
    implausible: Debounce | None
    """None: the policy does not ask for it, as those of releases that did not know the rule."""
    amount_times: float
    pace_us: int
    method: Method


def in_force(document: PolicyDocument) -> InForce:
    """Compile one version.

    Raises:
        PlanFileError: a limit, a rule or a setting is missing or cannot be used.
    """
    settings = document.settings_as(TaxSettings)
    if DAY_SECONDS % settings.pace_seconds:
        raise PlanFileError(document.policy.id, [("settings.pace_seconds", "must divide a day (86400)")])
    document.figure(BUILDING_LIMIT, least=1 / FEN, most=1e15)
    limit = document.threshold(BUILDING_LIMIT)
    for rule in (FELL_BELOW, PACE_BEHIND, WRONG_SIGN, RECEIPT_REPEATED):
        document.rule_policy(rule)
    for other in (SIGN_LIMIT, REPEAT_LIMIT):
        document.threshold(other)
    asks_amounts = any(rule.id == AMOUNT_IMPLAUSIBLE for rule in document.rule)
    if asks_amounts:
        document.figure(AMOUNT_LIMIT, least=2, most=1e6)
    pace = settings.pace
    return InForce(
        document=document,
        settings=settings,
        limit_fen=round(limit.value * FEN),
        limit=limit,
        wrong_sign=Debounce.of(document.rule_policy(WRONG_SIGN)),
        repeated=Debounce.of(document.rule_policy(RECEIPT_REPEATED)),
        pace_behind=Debounce.of(document.rule_policy(PACE_BEHIND)),
        implausible=Debounce.of(document.rule_policy(AMOUNT_IMPLAUSIBLE)) if asks_amounts else None,
        amount_times=document.threshold(AMOUNT_LIMIT).value if asks_amounts else 0.0,
        pace_us=settings.pace_seconds * MICROSECONDS,
        method=Method(pace.confidence, pace.month_shares, pace.spread_min, pace.common_share),
    )


def policies_in_force(book: PlanBook) -> Versions[InForce]:
    """All versions of the policy.

    Raises:
        PlanFileError: a version lacks what the rules need, or a plan's target is not so many buildings at least.
    """
    for target in book.targets(INDICATOR).all:
        threshold = target.content.threshold
        if threshold.comparator not in (Comparator.GE, Comparator.GT):
            raise PlanFileError(threshold.source.id, [(INDICATOR, "must be a number of buildings with op '>='")])
    return Versions(
        Version(in_force(version.content), version.from_us, version.until_us) for version in book.policies(Feed.TAX).all
    )
