"""The district file (`deploy/district/jianghan.toml`) as types."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.device_register import DeviceIdentity
from schemas.fields import Feed, Identifier, Latitude, Longitude, Text
from simulators.errors import WorldDamaged

DISTRICT_FILE: Final = Path(__file__).resolve().parents[2] / "deploy/district/jianghan.toml"

_LAX = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Place(BaseModel):
    """Something with a position, WGS-84."""

    model_config = _LAX

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
    interval_seconds: int | None = None
    """How often it measures, for the platform; a simulated one measures as its settings say."""


class Level(BaseModel):
    """Where the simulated nutrients of a lake lie."""

    model_config = _LAX

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
        name = self.id.removeprefix("site-")
        return [f"ev-{name}-{number:02d}" for number in range(1, self.connectors + 1)]


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

    model_config = _LAX

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
        name = self.id.removeprefix("post-")
        return [f"amb-{name}-{number}" for number in range(1, self.ambulances + 1)]


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
        return f"tax-{self.id.removeprefix('building-')}"


class District(BaseModel):
    """Everything that the simulators know of the district."""

    model_config = _LAX

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


def load_district(path: Path = DISTRICT_FILE) -> District:
    """Read the district file.

    Raises:
        WorldDamaged: there is none, or it is not what it should be; the message names the place.
    """
    try:
        return District.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise WorldDamaged(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise WorldDamaged(f"{path}: {place}: {first['msg']}") from error
