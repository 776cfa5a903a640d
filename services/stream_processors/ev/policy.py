"""The policy of the feed ev in the form in which the rules use it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, Field

from schemas.ev import ConnectorState, ErrorCode
from schemas.fields import Feed, Identifier
from schemas.plan.book import PlanBook
from schemas.plan.documents import DOCUMENT
from schemas.plan.errors import PlanFileError
from schemas.plan.in_force import Version, Versions
from schemas.plan.policy import PolicyDocument
from schemas.plan.ranges import DAY_SECONDS, YEAR_SECONDS, Share
from schemas.verdict import Comparator, Threshold
from services.stream_processors.engine.counting import Debounce
from services.stream_processors.engine.event_time import MICROSECONDS
from services.stream_processors.ev.connector import Counts

CONNECTOR_FAULT: Final = "ev.connector_fault"
CONNECTOR_SILENT: Final = "ev.connector_silent"
STATUS_MISMATCH: Final = "ev.status_mismatch"
METER_IMPLAUSIBLE: Final = "ev.meter_implausible"
SITE_DARK: Final = "ev.site_dark"
SITE_LOAD_HIGH: Final = "ev.site_load_high"

FAULT_LIMIT: Final = "ev.fault_longest"
SILENCE_LIMIT: Final = "ev.silence"
DARK_LIMIT: Final = "ev.site_silence"
MISMATCH_LIMIT: Final = "ev.status_mismatches"
POWER_LIMIT: Final = "ev.power_over_rated"
LOAD_LIMIT: Final = "ev.site_load"
NEAR_LOAD_LIMIT: Final = "ev.site_load_near"
UPTIME_LIMIT: Final = "ev.uptime"

Seconds = Annotated[int, Field(ge=1, le=YEAR_SECONDS)]


class EvSettings(BaseModel):
    """What the feed needs beside limits and rules."""

    model_config = DOCUMENT

    hold_seconds: Seconds
    """A connector's state holds so long after a reading when no other comes."""
    pace_seconds: Seconds
    """Sites are looked at so often (aligned to local midnight; divides a day)."""
    figures_seconds: Seconds
    """Figures of the day that is running are said so often (a multiple of the pace; divides a day)."""
    completeness_min: Share
    fault_errors: tuple[ErrorCode, ...]
    """Error codes that are a fault whatever the state says."""
    grave_errors: tuple[ErrorCode, ...]
    """Those that put people at risk: one level up."""
    startable: tuple[ConnectorState, ...]
    """States in which a driver could begin to charge."""
    excluded: tuple[ConnectorState, ...] = ()
    """States whose time does not count as outage (T_excluded); by default none."""
    meter_slack_kwh: Annotated[float, Field(ge=0, le=1_000)] = 1.0
    """Energy that a meter may tell at once, whatever the rating and the time: what meters round to."""
    site_limit_kw: dict[Identifier, Annotated[float, Field(gt=0, le=1_000_000)]] = {}
    """What the transformer of a site may carry; sites that are not named are not judged."""


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """One version of the policy, times in microseconds."""

    document: PolicyDocument
    settings: EvSettings
    fault: Debounce
    mismatch: Debounce
    meter: Debounce
    load: Debounce
    silence_us: int
    gone_us: int
    """A connector of which nothing was heard for so long is taken for removed."""
    dark_us: int
    hold_us: int
    counts: Counts
    pace_us: int
    figures_us: int
    fault_errors: frozenset[ErrorCode]
    grave_errors: frozenset[ErrorCode]
    power_over_rated: float
    near_share: float
    clear_share: float
    """Of the site's limit; below it an alert of load ends."""
    uptime_percent: float
    load_limits: Mapping[str, Threshold]
    """What the transformers of sites may carry."""

    def threshold(self, limit_id: str) -> Threshold:
        """A limit with its source."""
        return self.document.threshold(limit_id)

    def load_limit(self, site: str) -> Threshold | None:
        """What the transformer of a site may carry; None when the policy does not say."""
        return self.load_limits.get(site)


def in_force(document: PolicyDocument) -> InForce:
    """Compile one version.

    Raises:
        PlanFileError: a limit, a rule or a setting is missing or cannot be used.
    """
    settings = document.settings_as(EvSettings)
    steps = (settings.pace_seconds, settings.figures_seconds, DAY_SECONDS)
    if settings.figures_seconds % settings.pace_seconds or DAY_SECONDS % settings.figures_seconds:
        raise PlanFileError(
            document.policy.id, [("settings", f"pace, figures and a day must divide one another: {steps}")]
        )
    document.figure(POWER_LIMIT, above=0, most=1_000)
    document.figure(UPTIME_LIMIT, most=100)
    silence, dark = document.seconds(SILENCE_LIMIT), document.seconds(DARK_LIMIT)
    if dark >= silence:
        raise PlanFileError(
            document.policy.id,
            [(DARK_LIMIT, f"must be shorter than {SILENCE_LIMIT}, or a dark site is one alert for each connector")],
        )
    silent = document.rule_policy(CONNECTOR_SILENT)
    load = document.rule_policy(SITE_LOAD_HIGH)
    near = document.figure(NEAR_LOAD_LIMIT, above=0, most=document.threshold(LOAD_LIMIT).value)
    for rule in (SITE_DARK,):
        document.rule_policy(rule)
    document.threshold(MISMATCH_LIMIT)
    load_limit = document.threshold(LOAD_LIMIT)
    fault = document.rule_policy(CONNECTOR_FAULT)
    if round(fault.raise_for_seconds) != round(document.seconds(FAULT_LIMIT)):
        raise PlanFileError(
            document.policy.id, [(CONNECTOR_FAULT, f"raise_for_seconds must be the limit {FAULT_LIMIT}")]
        )
    return InForce(
        document=document,
        settings=settings,
        fault=Debounce.of(fault),
        mismatch=Debounce.of(document.rule_policy(STATUS_MISMATCH)),
        meter=Debounce.of(document.rule_policy(METER_IMPLAUSIBLE)),
        load=Debounce.of(load),
        silence_us=_us(silence),
        gone_us=_us(silent.max_age_seconds or 30 * DAY_SECONDS),
        dark_us=_us(dark),
        hold_us=_us(settings.hold_seconds),
        counts=Counts(
            _us(settings.hold_seconds),
            frozenset(settings.startable),
            frozenset(settings.excluded),
            document.threshold(POWER_LIMIT).value,
            round(settings.meter_slack_kwh * 1_000),
        ),
        pace_us=_us(settings.pace_seconds),
        figures_us=_us(settings.figures_seconds),
        fault_errors=frozenset(settings.fault_errors),
        grave_errors=frozenset(settings.grave_errors),
        power_over_rated=document.threshold(POWER_LIMIT).value,
        near_share=near,
        clear_share=near if load.clear_value is None else load.clear_value,
        uptime_percent=document.threshold(UPTIME_LIMIT).value,
        load_limits={
            site: load_limit.model_copy(update={"value": kilowatts, "unit": "kW", "comparator": Comparator.LE})
            for site, kilowatts in settings.site_limit_kw.items()
        },
    )


def policies_in_force(book: PlanBook) -> Versions[InForce]:
    """All versions of the policy.

    Raises:
        PlanFileError: a version lacks what the rules need.
    """
    return Versions(
        Version(in_force(version.content), version.from_us, version.until_us) for version in book.policies(Feed.EV).all
    )


def _us(seconds: float) -> int:
    return round(seconds * MICROSECONDS)
