"""A scenario as data: what happens and what breaks, by day and local time. Strict; each fault names file and key. Pure.

Days count from the first day that is written (0), times are local. Nothing is said of seeds and sizes: the same
scenario plays in every district that has the places it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.fields import Feed, Identifier, Text
from schemas.plan.errors import PlanFileError
from schemas.plan.toml import parse_document
from simulators.world.events import DAY, EVERYWHERE, HOUR, Event, EventKind
from simulators.world.faults import FaultKind
from simulators.world.places import World

_STRICT: Final = ConfigDict(
    strict=True, frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
)
WATER_ITEMS: Final = ("nh3n_mg_l", "tp_mg_l", "codmn_mg_l")


class Moment(BaseModel):
    """When."""

    model_config = _STRICT

    day: Annotated[int, Field(ge=0, le=400)] = 0
    """Days after the first."""
    at: time
    """Local time, as TOML has it: `14:30:00`."""
    hours: Annotated[float, Field(gt=0, le=24 * 62)]

    @model_validator(mode="after")
    def _local(self) -> Self:
        if self.at.tzinfo is not None or self.at.microsecond:
            raise ValueError("`at` is a local time to the second")
        return self

    def span(self, origin: int) -> tuple[int, int]:
        """Begin and end, seconds since 1970.

        Args:
            origin: Begin of day 0.
        """
        begin = origin + self.day * DAY + self.at.hour * HOUR + self.at.minute * 60 + self.at.second
        return begin, begin + max(1, round(self.hours * HOUR))


class RainPart(Moment):
    """Rain besides the season's."""

    mm_per_hour: Annotated[float, Field(gt=0, le=200)]


class FloodPart(Moment):
    """Water on the roads; the car parks of the zone are shut."""

    zone: Identifier
    speed_left: Annotated[float, Field(gt=0, lt=1)]


class SpillPart(Moment):
    """Something is let into a lake."""

    lake: Identifier
    item: Literal["nh3n_mg_l", "tp_mg_l", "codmn_mg_l"]
    mg_l: Annotated[float, Field(gt=0, le=1_000)]


class BloomPart(Moment):
    """Algae."""

    lake: Identifier
    chla_ug_l: Annotated[float, Field(gt=0, le=2_000)]


class CrowdPart(Moment):
    """Many vehicles want into a zone."""

    zone: Identifier
    times: Annotated[float, Field(gt=1, le=20)]


class BlackoutPart(Moment):
    """No power at one charging site, or at all of a zone."""

    place: Identifier


class CallsPart(Moment):
    """More calls for ambulances than usual."""

    times: Annotated[float, Field(gt=1, le=50)]


class ShortagePart(Moment):
    """Ambulances out of service."""

    share: Annotated[float, Field(gt=0, le=1)]


class TaxRushPart(Moment):
    """More payments of tax than usual."""

    times: Annotated[float, Field(gt=1, le=20)]


class FaultPart(Moment):
    """Something breaks at devices: at one that is named, or at `count` of a feed (of one group, zone or site)."""

    kind: Annotated[FaultKind, Field(strict=False)]
    device: Identifier | None = None
    feed: Annotated[Feed | None, Field(strict=False)] = None
    within: Identifier | None = None
    """A lake, zone, site or the district; with `feed` left out it is all feeds there."""
    count: Annotated[int, Field(gt=0, le=10_000)] | None = None
    """How many, by chance; without it all."""
    item: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    """Field that it befalls; each kind has its own idea without it."""
    size: Annotated[float, Field(ge=-1e6, le=1e6)] | None = None
    """How much, see `FaultKind`; each kind has its own idea without it. Below 0 for a clock alone."""

    @model_validator(mode="after")
    def _of_somebody(self) -> Self:
        if (self.device is None) == (self.feed is None and self.within is None):
            raise ValueError("say either `device`, or `feed` and `within` (one of them at least)")
        if self.size is not None and (self.size == 0 or (self.size < 0 and self.kind is not FaultKind.CLOCK_SKEW)):
            raise ValueError(f"a {self.kind.value} of size {self.size:g} is none; it is above 0")
        return self


class ScenarioHead(BaseModel):
    """What it is called."""

    model_config = _STRICT

    name: Identifier
    title: Text
    title_zh: Text
    about: Text
    season_rain: bool = True
    """Whether it rains as the season has it, besides the scenario's own rain."""
    natural_faults: bool = True
    """Whether connectors break and car parks' counters miss vehicles, as they do every day."""


class ShortPart(BaseModel):
    """The hours that are enough to see what a scenario is about."""

    model_config = _STRICT

    feeds: Annotated[tuple[Annotated[Feed, Field(strict=False)], ...], Field(strict=False, min_length=1)]
    at: time
    """Local time of the first day."""
    hours: Annotated[float, Field(gt=0, le=24 * 31)]

    @property
    def window(self) -> tuple[int, int]:
        """Begin and end, seconds after the begin of the first day, in whole minutes."""
        begin = self.at.hour * HOUR + self.at.minute * 60
        return begin, begin + max(60, round(self.hours * 60) * 60)


class DrillPart(BaseModel):
    """How a drill plays it, unless told otherwise."""

    model_config = _STRICT

    feeds: Annotated[tuple[Annotated[Feed, Field(strict=False)], ...], Field(strict=False, min_length=1)] = tuple(Feed)
    """What it is about."""
    days: Annotated[int, Field(ge=1, le=62)] = 1
    begins: Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")] = "07-08"
    """Month and day of its first day."""
    short: ShortPart | None = None
    """None: the short form is the whole."""


class Scenario(BaseModel):
    """A file of `simulators/world/scenarios`."""

    model_config = _STRICT

    scenario: ScenarioHead
    drill: DrillPart = DrillPart()
    rain: Annotated[tuple[RainPart, ...], Field(strict=False)] = ()
    flood: Annotated[tuple[FloodPart, ...], Field(strict=False)] = ()
    spill: Annotated[tuple[SpillPart, ...], Field(strict=False)] = ()
    bloom: Annotated[tuple[BloomPart, ...], Field(strict=False)] = ()
    crowd: Annotated[tuple[CrowdPart, ...], Field(strict=False)] = ()
    blackout: Annotated[tuple[BlackoutPart, ...], Field(strict=False)] = ()
    calls: Annotated[tuple[CallsPart, ...], Field(strict=False)] = ()
    shortage: Annotated[tuple[ShortagePart, ...], Field(strict=False)] = ()
    tax_rush: Annotated[tuple[TaxRushPart, ...], Field(strict=False)] = ()
    fault: Annotated[tuple[FaultPart, ...], Field(strict=False)] = ()

    def events(self, origin: int) -> Iterator[Event]:
        """What happens.

        Args:
            origin: Begin of day 0, seconds since 1970.
        """
        for rain in self.rain:
            yield Event(*rain.span(origin), EventKind.RAIN, size=rain.mm_per_hour)
        for flood in self.flood:
            yield Event(*flood.span(origin), EventKind.FLOOD, flood.zone, flood.speed_left)
        for spill in self.spill:
            yield Event(*spill.span(origin), EventKind.SPILL, spill.lake, spill.mg_l, spill.item)
        for bloom in self.bloom:
            yield Event(*bloom.span(origin), EventKind.BLOOM, bloom.lake, bloom.chla_ug_l)
        for crowd in self.crowd:
            yield Event(*crowd.span(origin), EventKind.CROWD, crowd.zone, crowd.times)
        for blackout in self.blackout:
            yield Event(*blackout.span(origin), EventKind.BLACKOUT, blackout.place)
        for calls in self.calls:
            yield Event(*calls.span(origin), EventKind.CALLS, EVERYWHERE, calls.times)
        for shortage in self.shortage:
            yield Event(*shortage.span(origin), EventKind.SHORTAGE, EVERYWHERE, shortage.share)
        for rush in self.tax_rush:
            yield Event(*rush.span(origin), EventKind.TAX_RUSH, EVERYWHERE, rush.times)


def scenario_of(text: str, *, file: str) -> Scenario:
    """The scenario in a text.

    Raises:
        PlanFileError: the text is not TOML, or a key is missing, unknown or wrong; the message names file and key.
    """
    return parse_document(text, Scenario, file=file)


def check_places(scenario: Scenario, world: World, *, file: str) -> None:
    """See that all places and devices that a scenario names are there.

    Raises:
        PlanFileError: some are not; the message names file and key, and what is there.
    """
    district = world.district
    lakes, zones = [lake.id for lake in district.lake], [zone.id for zone in district.zone]
    sites = [site.id for site in district.site]
    groups = {*lakes, *zones, *sites, district.district.id}
    devices = set(district.device_ids())
    wrong = [
        (f"{kind}[{number}].{key}", f"there is no {what} '{name}' at scale {world.scale:g}; {_some(known)}")
        for kind, key, what, known in (
            ("flood", "zone", "zone", zones),
            ("spill", "lake", "lake", lakes),
            ("bloom", "lake", "lake", lakes),
            ("crowd", "zone", "zone", zones),
            ("blackout", "place", "zone or site", [*zones, *sites]),
            ("fault", "within", "lake, zone or site", groups),
            ("fault", "device", "device", devices),
        )
        for number, part in enumerate(getattr(scenario, kind))
        if (name := getattr(part, key)) is not None and name not in known
    ]
    if wrong:
        raise PlanFileError(file, wrong)


def _some(known: object) -> str:
    names = sorted(known)  # type: ignore[call-overload]
    return f"there are {', '.join(names[:8])}{' …' if len(names) > 8 else ''}"
