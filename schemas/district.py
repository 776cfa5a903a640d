"""The district file (`deploy/district/jianghan.toml`): its one model, and the one place where ids are composed. Pure.

Whoever reads the whole file reads it with `district_of`; a feed that needs a part of it may name that part alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from schemas.device_register import DeviceIdentity
from schemas.fields import Feed, Identifier, Latitude, Longitude, Text
from schemas.plan.documents import DOCUMENT
from schemas.plan.ranges import WholeSeconds
from schemas.plan.toml import parse_document


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


class Place(BaseModel):
    """Something with a position, WGS-84."""

    model_config = DOCUMENT

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


class Head(Place):
    """The district itself."""

    id: Identifier
    adcode: str
    name: Text
    name_zh: Text
    population: int


class Street(Place):
    """One of the 13 streets; the code is the key."""

    code: str
    name: Text
    name_zh: Text


class Zone(Place):
    """The core or one of the five areas."""

    id: Identifier
    name: Text
    name_zh: Text


class Point(Place):
    """One measuring point of a lake: a device."""

    id: Identifier
    name: Text
    name_zh: Text
    interval_seconds: WholeSeconds | None = None
    """How often it measures, for the platform; a simulated one measures as its settings say."""


class Level(BaseModel):
    """Where the simulated nutrients of a lake lie."""

    model_config = DOCUMENT

    codmn_mg_l: float
    nh3n_mg_l: float
    tp_mg_l: float
    tn_mg_l: float
    chla_ug_l: float


class Lake(Place):
    """A lake: a group of points."""

    id: Identifier
    name: Text
    name_zh: Text
    level: Level
    points: tuple[Point, ...]


class Site(Place):
    """A charging site: a group of connectors."""

    id: Identifier
    name: Text
    name_zh: Text
    zone: Identifier
    kind: SiteKind
    connectors: Annotated[int, Field(gt=0)]
    rated_power_kw: Annotated[float, Field(gt=0)]
    transformer_limit_kw: Annotated[float, Field(gt=0)]
    commissioned: date
    """The meters counted from zero then."""

    def connector_ids(self) -> list[str]:
        """Return the ids of its connectors."""
        return [connector_id(self.id, number) for number in range(1, self.connectors + 1)]


class Lot(Place):
    """A car park: a device."""

    id: Identifier
    name: Text
    name_zh: Text
    zone: Identifier
    kind: LotKind
    spaces: Annotated[int, Field(gt=0)]
    drift: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of vehicles that the counter at the exit misses."""


class Dispatch(BaseModel):
    """The dispatch centre: a device."""

    model_config = DOCUMENT

    id: Identifier
    name: Text
    name_zh: Text
    calls_per_day: Annotated[float, Field(gt=0)]


class Post(Place):
    """Where ambulances stand; the hospitals among them take patients."""

    id: Identifier
    name: Text
    name_zh: Text
    hospital: bool
    ambulances: Annotated[int, Field(ge=0)]

    def unit_ids(self) -> list[str]:
        """Return the ids of its ambulances."""
        return [unit_id(self.id, number) for number in range(1, self.ambulances + 1)]


class Building(Place):
    """A building and what it pays; its tax office is a device."""

    id: Identifier
    name: Text
    name_zh: Text
    zone: Identifier
    annual_tax_cny: Annotated[int, Field(gt=0)]

    @property
    def office_id(self) -> str:
        """The reporting office of this building."""
        return office_id(self.id)


class District(BaseModel):
    """The whole file."""

    model_config = DOCUMENT

    district: Head
    street: tuple[Street, ...]
    zone: tuple[Zone, ...]
    lake: tuple[Lake, ...]
    site: tuple[Site, ...]
    lot: tuple[Lot, ...]
    dispatch: Dispatch
    post: tuple[Post, ...]
    building: tuple[Building, ...]

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


def district_of(text: str, *, file: str) -> District:
    """The district in the text of a district file.

    Raises:
        PlanFileError: the text is not TOML, or a key is missing, unknown or wrong; the message names file and key.
    """
    return parse_document(text, District, file=file)
