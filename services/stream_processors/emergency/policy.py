"""The policy of the feed emergency and the plan's target in the form in which the rules use them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, Field

from schemas.emergency import UnitState
from schemas.fields import Feed, Identifier
from schemas.plan.book import PlanBook
from schemas.plan.documents import DOCUMENT
from schemas.plan.errors import PlanFileError
from schemas.plan.in_force import Version, Versions
from schemas.plan.policy import PolicyDocument
from schemas.verdict import Threshold
from services.stream_processors.engine.counting import Debounce
from services.stream_processors.engine.event_time import MICROSECONDS

INDICATOR: Final = "emergency.response"
BREACH: Final = "emergency.response_breach"
AT_RISK: Final = "emergency.response_at_risk"
NOT_DISPATCHED: Final = "emergency.not_dispatched"
COVERAGE_LOW: Final = "emergency.coverage_low"

RESPONSE_LIMIT: Final = "emergency.response_longest"
RISK_LIMIT: Final = "emergency.risk_after"
DISPATCH_LIMIT: Final = "emergency.dispatch_longest"
SHARE_LIMIT: Final = "emergency.share_within"
COVERAGE_LIMIT: Final = "emergency.coverage"

Seconds = Annotated[int, Field(ge=1)]


class ClockStart(StrEnum):
    """From which step the response time runs."""

    CALL_RECEIVED = "call_received"
    CALL_ENTERED = "call_entered"


class TravelSettings(BaseModel):
    """How long a unit needs to a place: straight line times detour, by a speed that its own legs teach."""

    model_config = DOCUMENT

    detour_factor: Annotated[float, Field(ge=1, le=5)]
    speed_kmh: Annotated[float, Field(gt=0, le=150)]
    """Until legs have been observed."""
    prior_minutes: Annotated[float, Field(gt=0)]
    """The default counts as much as so many minutes of observed driving, in each hour of the day."""
    leg_speed_kmh: Annotated[tuple[float, ...], Field(min_length=2, max_length=2)]
    """Legs slower or faster than this are not believed."""
    allowance_seconds: Annotated[int, Field(ge=0)]
    """Call handling and turnout, before the wheels roll."""


class CoverageSettings(BaseModel):
    """The population grid and who counts as able to answer."""

    model_config = DOCUMENT

    group: Identifier
    """The district that the grid belongs to; coverage of others is not said."""
    available: tuple[UnitState, ...]
    moved_metres: Annotated[float, Field(ge=0)]
    """A unit that has moved less still covers what it did."""
    fresh_seconds: Seconds
    """A unit of which nothing was heard for so long does not count."""
    travel: TravelSettings


class EmergencySettings(BaseModel):
    """What the feed needs beside limits and rules."""

    model_config = DOCUMENT

    clock_starts: ClockStart
    unit_types: tuple[str, ...] = ()
    """Units whose arrival stops the clock; empty: any."""
    n_min: Annotated[int, Field(ge=1)]
    """Below so many calls a percentile or share is too uncertain to judge."""
    call_age_seconds: Seconds
    """A call that was not closed ends after so long."""
    figures_seconds: Seconds
    """Figures of the running day and month are said so often (divides a day)."""
    coverage: CoverageSettings


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """One version of the policy, times in microseconds."""

    document: PolicyDocument
    settings: EmergencySettings
    risk_us: int
    dispatch_us: int
    age_us: int
    figures_us: int
    unit_types: frozenset[str]
    coverage_least: float
    coverage_clear: float
    coverage_low: Debounce

    def threshold(self, limit_id: str) -> Threshold:
        """A limit with its source."""
        return self.document.threshold(limit_id)

    def counts(self, unit_type: str | None) -> bool:
        """Whether the arrival of such a unit stops the clock."""
        return not self.unit_types or unit_type in self.unit_types


def in_force(document: PolicyDocument) -> InForce:
    """Compile one version.

    Raises:
        PlanFileError: a limit, a rule or a setting is missing or cannot be used.
    """
    settings = document.settings_as(EmergencySettings)
    if 86_400 % settings.figures_seconds:
        raise PlanFileError(document.policy.id, [("settings.figures_seconds", "must divide a day (86400)")])
    for rule in (BREACH, AT_RISK, NOT_DISPATCHED):
        document.rule_policy(rule)
    document.threshold(SHARE_LIMIT)
    document.threshold(RESPONSE_LIMIT)
    low = document.rule_policy(COVERAGE_LOW)
    least = document.threshold(COVERAGE_LIMIT).value
    return InForce(
        document=document,
        settings=settings,
        risk_us=_us(document.threshold(RISK_LIMIT).value),
        dispatch_us=_us(document.threshold(DISPATCH_LIMIT).value),
        age_us=_us(settings.call_age_seconds),
        figures_us=_us(settings.figures_seconds),
        unit_types=frozenset(settings.unit_types),
        coverage_least=least,
        coverage_clear=least if low.clear_value is None else low.clear_value,
        coverage_low=Debounce.of(low),
    )


def policies_in_force(book: PlanBook) -> Versions[InForce]:
    """All versions of the policy.

    Raises:
        PlanFileError: a version lacks what the rules need.
    """
    return Versions(
        Version(in_force(version.content), version.from_us, version.until_us)
        for version in book.policies(Feed.EMERGENCY).all
    )


def _us(seconds: float) -> int:
    return round(seconds * MICROSECONDS)
