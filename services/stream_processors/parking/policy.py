"""The parking policy in the form in which the rules use it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Final, Self

from pydantic import BaseModel, Field, model_validator

from schemas.fields import Feed
from schemas.plan.book import PlanBook
from schemas.plan.documents import DOCUMENT
from schemas.plan.errors import PlanFileError
from schemas.plan.in_force import Version, Versions
from schemas.plan.policy import PolicyDocument, RulePolicy
from schemas.plan.ranges import DAY_SECONDS, YEAR_SECONDS, Share
from schemas.verdict import Threshold
from services.stream_processors.engine.counting import Debounce
from services.stream_processors.engine.event_time import MICROSECONDS
from services.stream_processors.parking.guidance import Spreading

LOT_FULL: Final = "parking.lot_full"
COUNT_IMPOSSIBLE: Final = "parking.count_impossible"
COUNTER_STUCK: Final = "parking.counter_stuck"
LOT_SILENT: Final = "parking.lot_silent"

NEARLY_FULL_LIMIT: Final = "parking.nearly_full"
FULL_LIMIT: Final = "parking.full"
LEAST_LIMIT: Final = "parking.free_least"
STILL_LIMIT: Final = "parking.still_longest"
STILL_AT_BOUND_LIMIT: Final = "parking.still_longest_at_bound"
SILENCE_LIMIT: Final = "parking.silence"

Seconds = Annotated[int, Field(ge=1, le=YEAR_SECONDS)]
SecondsOfDay = Annotated[int, Field(ge=1, le=DAY_SECONDS)]
Hour = Annotated[int, Field(ge=0, le=24)]


class StuckSettings(BaseModel):
    """What shows that there must have been traffic while a count stood still."""

    model_config = DOCUMENT

    busy_from_hour: Hour
    """Local time."""
    busy_to_hour: Hour
    busy_seconds: Seconds
    """So much of the time lay in busy hours ..."""
    others_changed: Annotated[int, Field(ge=1, le=100_000)]
    """... or so many other lots of the zone have changed since."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.busy_to_hour <= self.busy_from_hour:
            raise ValueError("busy_to_hour must be later than busy_from_hour")
        return self


class GuidanceSettings(BaseModel):
    """How drivers are sent to other lots (see `guidance`)."""

    model_config = DOCUMENT

    fresh_seconds: SecondsOfDay
    walk_max_metres: Annotated[int, Field(ge=1, le=100_000)]
    detour_factor: Annotated[float, Field(ge=1, le=5)]
    spread_metres: Annotated[int, Field(ge=0, le=100_000)]
    share_max: Annotated[float, Field(gt=0, le=1)]
    reserve_share: Annotated[float, Field(ge=0, lt=1)]
    arrivals_per_space_hour: Annotated[float, Field(ge=0, le=1_000)]
    under_way_seconds: SecondsOfDay
    drivers_min: Annotated[int, Field(ge=1, le=1_000)]


class ParkingSettings(BaseModel):
    """What the feed needs beside limits and rules."""

    model_config = DOCUMENT

    hold_seconds: Seconds
    pace_seconds: Seconds
    figures_seconds: Seconds
    month_seconds: Seconds
    completeness_min: Share
    forget_after_days: Annotated[int, Field(ge=32, le=3_660)]
    stuck: StuckSettings
    guidance: GuidanceSettings

    @model_validator(mode="after")
    def _paces_fit(self) -> Self:
        steps = (self.pace_seconds, self.figures_seconds, self.month_seconds, DAY_SECONDS)
        if any(longer % shorter for shorter, longer in pairwise(steps)):
            raise ValueError("pace_seconds must divide figures_seconds, that month_seconds, and that a day")
        return self


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """One version of the policy: limits in the units of the rules, times in microseconds."""

    document: PolicyDocument
    from_us: int
    """What was told before was judged by another version."""
    settings: ParkingSettings
    nearly_full: float
    """Occupancy, 0 to 1; at it or above the lot is nearly full."""
    clear_value: float
    """Occupancy; only below it an alert ends."""
    full: int
    """Usable free spaces; with so many or fewer the lot is full."""
    lot_full: Debounce
    impossible: Debounce
    silence_us: int
    still_us: int
    still_at_bound_us: int
    still_least_us: int
    """The smaller of the two above."""
    still_gap_us: int
    hold_us: int
    fresh_us: int
    """A count older than this is no ground for guidance."""
    pace_us: int
    figures_us: int
    month_us: int
    full_age_us: int
    """Alerts on a lot of which nothing was heard for so long end; the same for the next two."""
    impossible_age_us: int
    stuck_age_us: int
    forget_us: int
    """A lot of which nothing was heard for so long is forgotten."""
    silent_age_us: int
    age_least_us: int
    """The smallest of the five above, or the limit of silence: a lot heard of within it needs no look."""
    quiet_us: int
    """When nothing was heard of a zone for so long, nothing changes any more but at midnight."""
    spreading: Spreading

    def threshold(self, limit_id: str) -> Threshold:
        """A limit with its source."""
        return self.document.threshold(limit_id)


_NEVER_US: Final = 2**62


def in_force(document: PolicyDocument, from_us: int) -> InForce:
    """Compile one version that is in force from a moment on.

    Raises:
        PlanFileError: a limit, a rule or a setting is missing or cannot be used.
    """
    settings = document.settings_as(ParkingSettings)
    for duration in (SILENCE_LIMIT, STILL_LIMIT, STILL_AT_BOUND_LIMIT):
        document.seconds(duration)
    lot_full, impossible = document.rule_policy(LOT_FULL), document.rule_policy(COUNT_IMPOSSIBLE)
    stuck, silent = document.rule_policy(COUNTER_STUCK), document.rule_policy(LOT_SILENT)
    if impossible.raise_after != 1 or impossible.raise_of is not None or impossible.raise_for_seconds:
        raise PlanFileError(
            document.policy.id,
            [(COUNT_IMPOSSIBLE, "must raise after 1 sample: every count that cannot be is part of a finding")],
        )
    nearly_full = document.figure(NEARLY_FULL_LIMIT, above=0, most=1)
    document.threshold(LEAST_LIMIT)
    gap = stuck.gap_max_seconds
    ages = _age_us(lot_full), _age_us(impossible), _age_us(stuck), _us(settings.forget_after_days * DAY_SECONDS)
    still = _us(document.threshold(STILL_LIMIT).value), _us(document.threshold(STILL_AT_BOUND_LIMIT).value)
    silence_us = _us(document.threshold(SILENCE_LIMIT).value)
    quiet_seconds = max(settings.hold_seconds, settings.guidance.under_way_seconds, settings.guidance.fresh_seconds)
    guidance = settings.guidance
    return InForce(
        document=document,
        from_us=from_us,
        settings=settings,
        nearly_full=nearly_full,
        clear_value=nearly_full if lot_full.clear_value is None else lot_full.clear_value,
        full=int(document.threshold(FULL_LIMIT).value),
        lot_full=Debounce.of(lot_full),
        impossible=Debounce.of(impossible),
        silence_us=silence_us,
        still_us=still[0],
        still_at_bound_us=still[1],
        still_least_us=min(still),
        still_gap_us=min(ages[2], _NEVER_US if gap is None else _us(gap)),
        hold_us=_us(settings.hold_seconds),
        fresh_us=_us(guidance.fresh_seconds),
        pace_us=_us(settings.pace_seconds),
        figures_us=_us(settings.figures_seconds),
        month_us=_us(settings.month_seconds),
        full_age_us=ages[0],
        impossible_age_us=ages[1],
        stuck_age_us=ages[2],
        forget_us=ages[3],
        silent_age_us=_age_us(silent),
        age_least_us=min(*ages, silence_us),
        quiet_us=max(_us(quiet_seconds), silence_us) + _us(settings.figures_seconds),
        spreading=Spreading(guidance.walk_max_metres, guidance.spread_metres, guidance.share_max),
    )


def policies_in_force(book: PlanBook) -> Versions[InForce]:
    """All versions of the parking policy.

    Raises:
        PlanFileError: a version lacks what the rules need.
    """
    return Versions(
        Version(in_force(version.content, version.from_us), version.from_us, version.until_us)
        for version in book.policies(Feed.PARKING).all
    )


def _us(seconds: float) -> int:
    return round(seconds * MICROSECONDS)


def _age_us(rule: RulePolicy) -> int:
    return _NEVER_US if rule.max_age_seconds is None else _us(rule.max_age_seconds)
