"""The policy of the feed emergency and the plan's target in the form in which the rules use them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, Field, field_validator

from schemas.emergency import UnitState
from schemas.fields import Feed, Identifier
from schemas.plan.book import PlanBook
from schemas.plan.documents import DOCUMENT, Word
from schemas.plan.errors import PlanFileError
from schemas.plan.in_force import Version, Versions
from schemas.plan.policy import PolicyDocument
from schemas.plan.ranges import DAY_SECONDS, YEAR_SECONDS
from schemas.verdict import Comparator, Threshold
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

_RESPONSE_MINUTES_MAX: Final = 1_440


Seconds = Annotated[int, Field(ge=1, le=YEAR_SECONDS)]
Speed = Annotated[float, Field(ge=0, le=1_000)]


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
    prior_minutes: Annotated[float, Field(gt=0, le=1_000_000)]
    """The default counts as much as so many minutes of observed driving, in each hour of the day."""
    leg_speed_kmh: Annotated[tuple[Speed, ...], Field(min_length=2, max_length=2)]
    """Legs slower or faster than this are not believed."""
    allowance_seconds: Annotated[int, Field(ge=0, le=DAY_SECONDS)]
    """Call handling and turnout, before the wheels roll."""

    @field_validator("leg_speed_kmh")
    @classmethod
    def _rising(cls, speeds: tuple[float, ...]) -> tuple[float, ...]:
        if speeds[1] <= speeds[0]:
            raise ValueError("the second speed must be above the first")
        return speeds


class CoverageSettings(BaseModel):
    """The population grid and who counts as able to answer."""

    model_config = DOCUMENT

    group: Identifier
    """The district that the grid belongs to; coverage of others is not said."""
    available: tuple[UnitState, ...]
    moved_metres: Annotated[float, Field(ge=0, le=100_000)]
    """A unit that has moved less still covers what it did."""
    fresh_seconds: Seconds
    """A unit of which nothing was heard for so long does not count."""
    pace_seconds: Seconds = 5
    """Coverage is looked at so often at most, on fixed moments of the day (divides a day)."""
    day_known_least: Annotated[float, Field(ge=0, le=1)] = 0.75
    """Of a day of which less is known the mean is not judged."""
    travel: TravelSettings


class EmergencySettings(BaseModel):
    """What the feed needs beside limits and rules."""

    model_config = DOCUMENT

    clock_starts: ClockStart
    unit_types: tuple[Word, ...] = ()
    """Units whose arrival stops the clock; empty: any."""
    n_min: Annotated[int, Field(ge=1, le=1_000_000)]
    """Below so many calls a percentile or share is too uncertain to judge."""
    call_age_seconds: Seconds
    """A call that nobody has reached and nobody closed is given up after so long."""
    call_left_seconds: Seconds = 900
    """It is given up so long after its last unit has left, if no other is sent."""
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
    left_us: int
    figures_us: int
    pace_us: int
    fresh_us: int
    unit_types: frozenset[str]
    group: str
    """The district whose coverage is said."""
    available: frozenset[UnitState]
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
    for name, seconds in (
        ("figures_seconds", settings.figures_seconds),
        ("coverage.pace_seconds", settings.coverage.pace_seconds),
    ):
        if 86_400 % seconds:
            raise PlanFileError(document.policy.id, [(f"settings.{name}", "must divide a day (86400)")])
    for rule in (BREACH, AT_RISK, NOT_DISPATCHED):
        document.rule_policy(rule)
    for duration in (RISK_LIMIT, DISPATCH_LIMIT):
        document.seconds(duration)
    document.figure(SHARE_LIMIT, most=1)
    _check_response(document.threshold(RESPONSE_LIMIT))
    low = document.rule_policy(COVERAGE_LOW)
    least = document.figure(COVERAGE_LIMIT, most=1)
    return InForce(
        document=document,
        settings=settings,
        risk_us=_us(document.threshold(RISK_LIMIT).value),
        dispatch_us=_us(document.threshold(DISPATCH_LIMIT).value),
        age_us=_us(settings.call_age_seconds),
        left_us=_us(settings.call_left_seconds),
        figures_us=_us(settings.figures_seconds),
        pace_us=_us(settings.coverage.pace_seconds),
        fresh_us=_us(settings.coverage.fresh_seconds),
        unit_types=frozenset(settings.unit_types),
        group=settings.coverage.group,
        available=frozenset(settings.coverage.available),
        coverage_least=least,
        coverage_clear=least if low.clear_value is None else low.clear_value,
        coverage_low=Debounce.of(low),
    )


def policies_in_force(book: PlanBook) -> Versions[InForce]:
    """All versions of the policy.

    Raises:
        PlanFileError: a version lacks what the rules need, or a plan's target is not a longest time in minutes.
    """
    for target in book.targets(INDICATOR).all:
        _check_response(target.content.threshold)
    return Versions(
        Version(in_force(version.content), version.from_us, version.until_us)
        for version in book.policies(Feed.EMERGENCY).all
    )


def _check_response(limit: Threshold) -> None:
    """Refuse a response time that calls cannot be held to."""
    if limit.unit != "min" or limit.comparator is not Comparator.LE or not 0 < limit.value <= _RESPONSE_MINUTES_MAX:
        raise PlanFileError(
            limit.source.id, [(limit.id, "must be more than 0 and at most 1440 (a day) in the unit 'min' with op '<='")]
        )


def _us(seconds: float) -> int:
    return round(seconds * MICROSECONDS)
