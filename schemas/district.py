"""The district file (`deploy/district/jianghan.toml`): its one model, and the one place where ids are composed. Pure.

Everybody reads it with `district_of` and takes what they need. A key that the model does not know is refused, so that a
slip of the pen is none that nobody sees; keys of the district's own stand in a table `own`, which nobody here reads.
What only simulators need may be missing; they say so themselves (`simulators.world.district`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, Field, model_validator

from schemas.device_register import DeviceIdentity
from schemas.fields import Feed, Identifier, Latitude, Longitude, Text
from schemas.plan.documents import DOCUMENT
from schemas.plan.errors import Location, fault
from schemas.plan.ranges import WholeSeconds
from schemas.plan.toml import parse_document

_MOST_OF_A_PLACE: Final = 1_000
"""Connectors of a site, ambulances of a post."""


def connector_id(site_id: str, number: int) -> str:
    """Device of a connector, numbered from 1 at its site: `ev-<site>-<nn>`."""
    return f"ev-{site_id.removeprefix('site-')}-{number:02d}"


def unit_id(post_id: str, number: int) -> str:
    """Device of an ambulance, numbered from 1 at its post: `amb-<post>-<n>`."""
    return f"amb-{post_id.removeprefix('post-')}-{number}"


def office_id(building_id: str) -> str:
    """Device of the tax office that reports for a building: `tax-<building>`."""
    return f"tax-{building_id.removeprefix('building-')}"


def point_id(lake_id: str, number: int) -> str:
    """Device of a measuring point, numbered from 1 at its lake: `water-<lake>-<n>`."""
    return f"water-{lake_id}-{number}"


def asset_id(kind: str, place: str, number: int) -> str:
    """Site, lot, post or building that is numbered within a zone or street: `<kind>-<place>-<nnn>`."""
    return f"{kind}-{place}-{number:03d}"


class Table(BaseModel):
    """A table of the file."""

    model_config = DOCUMENT

    own: dict[str, Any] | None = None
    """Keys of the district's own (`own = { cadastre = "A-17" }`): any, and not read here."""


class Place(Table):
    """Something with a position, WGS-84."""

    longitude: Longitude
    latitude: Latitude
    approximate: bool = False
    """Only roughly right, or freely chosen."""


class SiteKind(StrEnum):
    """Who charges at a site, and so when."""

    PUBLIC = "public"
    OFFICE = "office"
    HOME = "home"
    DEPOT = "depot"


class LotKind(StrEnum):
    """Whom a car park serves, and so when it fills."""

    OFFICE = "office"
    SHOPPING = "shopping"
    RESIDENTIAL = "residential"
    HOSPITAL = "hospital"
    TRANSPORT = "transport"


class Named(Table):
    """Something that people call by a name."""

    name_zh: Text
    name: Text | None = None
    """In English."""

    @property
    def name_en(self) -> str:
        """What stands in English texts: the Chinese name where there is no other."""
        return self.name or self.name_zh


class Head(Named, Place):
    """The district itself."""

    id: Identifier
    adcode: Text | None = None
    """Its administrative code."""
    population: Annotated[int, Field(gt=0)]


class Street(Named, Place):
    """One of the 13 streets; the code is the key."""

    code: Identifier


class Zone(Named, Place):
    """The core or one of the five areas."""

    id: Identifier


class Point(Named, Place):
    """One measuring point of a lake: a device."""

    id: Identifier
    interval_seconds: WholeSeconds | None = None
    """How often it measures, for the platform; a simulated one measures as its settings say."""


class Level(Table):
    """Where the simulated nutrients of a lake lie."""

    codmn_mg_l: float
    nh3n_mg_l: float
    tp_mg_l: float
    tn_mg_l: float
    chla_ug_l: float


class Lake(Named, Place):
    """A lake: a group of points."""

    id: Identifier
    zone: Identifier | None = None
    """It and its points lie in this one."""
    level: Level | None = None
    """For simulators."""
    points: tuple[Point, ...]


class Site(Named, Place):
    """A charging site: a group of connectors."""

    id: Identifier
    zone: Identifier | None = None
    kind: SiteKind | None = None
    """For simulators."""
    connectors: Annotated[int, Field(gt=0, le=_MOST_OF_A_PLACE)]
    rated_power_kw: Annotated[float, Field(gt=0)]
    """Of each connector."""
    transformer_limit_kw: Annotated[float, Field(gt=0)]
    commissioned: date | None = None
    """For simulators: the meters counted from zero then."""

    def connector_ids(self) -> list[str]:
        """Return the ids of its connectors."""
        return [connector_id(self.id, number) for number in range(1, self.connectors + 1)]


class Lot(Named, Place):
    """A car park: a device."""

    id: Identifier
    zone: Identifier
    """Its group: guidance goes to the lots of the same one."""
    kind: LotKind | None = None
    """For simulators."""
    spaces: Annotated[int, Field(gt=0)]
    drift: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """For simulators: the share of vehicles that the counter at the exit misses."""


class Dispatch(Named):
    """The dispatch centre: a device."""

    id: Identifier
    calls_per_day: Annotated[float, Field(gt=0)] | None = None
    """For simulators."""


class Post(Named, Place):
    """Where ambulances stand."""

    id: Identifier
    zone: Identifier | None = None
    hospital: bool = False
    """For simulators: it takes patients."""
    ambulances: Annotated[int, Field(ge=0, le=_MOST_OF_A_PLACE)]

    def unit_ids(self) -> list[str]:
        """Return the ids of its ambulances."""
        return [unit_id(self.id, number) for number in range(1, self.ambulances + 1)]


class Building(Named, Place):
    """A building that pays taxes; its tax office is a device."""

    id: Identifier
    zone: Identifier | None = None
    annual_tax_cny: Annotated[int, Field(gt=0)] | None = None
    """For simulators."""

    @property
    def office_id(self) -> str:
        """The reporting office of this building."""
        return office_id(self.id)


class District(Table):
    """The whole file."""

    district: Head
    street: tuple[Street, ...]
    zone: tuple[Zone, ...]
    lake: tuple[Lake, ...]
    site: tuple[Site, ...]
    lot: tuple[Lot, ...]
    dispatch: Dispatch
    post: tuple[Post, ...]
    building: tuple[Building, ...]

    @model_validator(mode="after")
    def _each_once_and_in_a_known_zone(self) -> Self:
        faults = [*self._twice(), *self._nowhere()]
        if faults:
            raise fault("District", faults)
        return self

    def _twice(self) -> Iterator[tuple[Location, str]]:
        seen: set[tuple[str, str]] = set()
        for place, kind, name in self._names():
            if (kind, name) in seen:
                yield place, f"{kind} {name} stands there twice"
            seen.add((kind, name))

    def _names(self) -> Iterator[tuple[Location, str, str]]:
        """Where, of what kind and what: each id of the file and each that is composed from it."""
        yield from ((("street", n, "code"), "street", each.code) for n, each in enumerate(self.street))
        for kind in ("zone", "lake", "site", "post", "building"):
            yield from (((kind, n, "id"), kind, each.id) for n, each in enumerate(getattr(self, kind)))
        devices: list[tuple[Location, list[str]]] = [
            *((("lake", n, "points"), [point.id for point in each.points]) for n, each in enumerate(self.lake)),
            *((("site", n, "connectors"), each.connector_ids()) for n, each in enumerate(self.site)),
            *((("lot", n, "id"), [each.id]) for n, each in enumerate(self.lot)),
            (("dispatch", "id"), [self.dispatch.id]),
            *((("post", n, "ambulances"), each.unit_ids()) for n, each in enumerate(self.post)),
            *((("building", n, "id"), [each.office_id]) for n, each in enumerate(self.building)),
        ]
        for place, names in devices:
            yield from ((place, "device", name) for name in names)

    def _nowhere(self) -> Iterator[tuple[Location, str]]:
        zones = {zone.id for zone in self.zone}
        for kind in _ZONED:
            for n, each in enumerate(getattr(self, kind)):
                if each.zone is not None and each.zone not in zones:
                    known = ", ".join(sorted(zones)) or "none"
                    yield (kind, n, "zone"), f"'{each.zone}' is no [[zone]] of this file; there are {known}"

    def zones(self) -> Iterator[tuple[str, str]]:
        """Return each asset that lies in a zone, with the zone; a zone lies in itself.

        What is part of a place (points of a lake, connectors of a site, the tax office of a building) is in its zone;
        ambulances go about.
        """
        yield from ((zone.id, zone.id) for zone in self.zone)
        for lake in self.lake:
            yield from _in_zone(lake.zone, [lake.id, *(point.id for point in lake.points)])
        for site in self.site:
            yield from _in_zone(site.zone, [site.id, *site.connector_ids()])
        yield from ((lot.id, lot.zone) for lot in self.lot)
        for post in self.post:
            yield from _in_zone(post.zone, [post.id])
        for building in self.building:
            yield from _in_zone(building.zone, [building.id, building.office_id])

    def device_ids(self) -> Iterator[str]:
        """Return the id of each device."""
        return (each.device_id for each in self.devices())

    def devices(self) -> Iterator[DeviceIdentity]:
        """Return each device with the feed and group that it speaks for."""
        district = self.district.id
        for lake in self.lake:
            yield from (DeviceIdentity(point.id, Feed.WATER, lake.id) for point in lake.points)
        for site in self.site:
            yield from (DeviceIdentity(each, Feed.EV, site.id) for each in site.connector_ids())
        yield from (DeviceIdentity(lot.id, Feed.PARKING, lot.zone) for lot in self.lot)
        yield DeviceIdentity(self.dispatch.id, Feed.EMERGENCY, district)
        for post in self.post:
            yield from (DeviceIdentity(each, Feed.EMERGENCY, district) for each in post.unit_ids())
        yield from (DeviceIdentity(building.office_id, Feed.TAX, district) for building in self.building)


_ZONED: Final = ("lake", "site", "lot", "post", "building")
"""What may lie in a zone."""


def _in_zone(zone: str | None, names: list[str]) -> Iterator[tuple[str, str]]:
    return iter(()) if zone is None else ((name, zone) for name in names)


def district_of(text: str, *, file: str) -> District:
    """The district in the text of a district file.

    Raises:
        PlanFileError: the text is not TOML, or a key is missing, unknown or wrong; the message names file and key.
    """
    return parse_document(text, District, file=file)
