"""The register of assets: rows from the district file. Pure. Positions are WGS-84 (EPSG:4326)."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.device_register import DeviceRegister
from schemas.fields import Feed, Identifier, Latitude, Longitude, Text
from services.timescale_sink.errors import RegisterRefused

_OPEN: Final = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)
"""The district file also says what only simulators need."""

Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One row of `assets`; fields in the order of its columns."""

    kind: str
    asset_id: str
    feed: str | None
    name_zh: str
    name_en: str
    parent_kind: str | None = None
    parent_id: str | None = None
    zone: str | None = None
    longitude: float
    latitude: float
    approximate: bool
    capacity: float | None = None
    capacity_unit: str | None = None
    limit_value: float | None = None
    limit_unit: str | None = None
    is_device: bool = False


class _Place(BaseModel):
    model_config = _OPEN

    longitude: Longitude
    latitude: Latitude
    approximate: bool = False


class _Named(_Place):
    id: Identifier
    name_zh: Text
    name: Text | None = None
    zone: Identifier | None = None


class _Street(_Place):
    code: Identifier
    name_zh: Text
    name: Text | None = None


class _District(_Named):
    population: Positive


class _Lake(_Named):
    points: tuple[_Named, ...]


class _Site(_Named):
    connectors: Annotated[int, Field(gt=0)]
    rated_power_kw: Positive
    transformer_limit_kw: Positive


class _Lot(_Named):
    spaces: Annotated[int, Field(gt=0)]


class _Dispatch(BaseModel):
    model_config = _OPEN

    id: Identifier
    name_zh: Text
    name: Text | None = None


class _Post(_Named):
    ambulances: Annotated[int, Field(ge=0)]


class _File(BaseModel):
    model_config = _OPEN

    district: _District
    street: tuple[_Street, ...]
    zone: tuple[_Named, ...]
    lake: tuple[_Lake, ...]
    site: tuple[_Site, ...]
    lot: tuple[_Lot, ...]
    dispatch: _Dispatch
    post: tuple[_Post, ...]
    building: tuple[_Named, ...]


def assets_of(text: str, *, file: str) -> list[Asset]:
    """Every asset of a district file.

    Args:
        text: TOML.
        file: Its name for messages.

    Raises:
        RegisterRefused: it is not what it should be; the message names the place.
    """
    try:
        known = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RegisterRefused(f"{file}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise RegisterRefused(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    found = list(_all(known))
    seen: set[tuple[str, str]] = set()
    for asset in found:
        if (asset.kind, asset.asset_id) in seen:
            raise RegisterRefused(f"{file}: {asset.kind} {asset.asset_id} stands there twice")
        seen.add((asset.kind, asset.asset_id))
    return found


_KIND_OF_DEVICE: Final = {
    Feed.EV: "connector",
    Feed.WATER: "station",
    Feed.PARKING: "lot",
    Feed.EMERGENCY: "unit",
    Feed.TAX: "office",
}
_KIND_OF_GROUP: Final = {
    Feed.EV: "site",
    Feed.WATER: "lake",
    Feed.PARKING: "zone",
    Feed.EMERGENCY: "district",
    Feed.TAX: "district",
}


def groups_of(assets: Iterable[Asset], feed: Feed) -> set[str]:
    """The groups of a feed that are placed: its lakes, zones or sites, or the district."""
    return {each.asset_id for each in assets if each.kind == _KIND_OF_GROUP[feed]}


def with_devices(assets: Sequence[Asset], register: DeviceRegister) -> list[Asset]:
    """The assets with what the register of devices says of them.

    A device that is revoked is none any more. One that the district file does not place stands where its group does,
    or, when that is not placed either, in the middle of the district.
    """
    gone = {each.device_id for each in register.devices if not each.is_active}
    found = [each for each in assets if not (each.is_device and each.asset_id in gone)]
    placed = {each.asset_id for each in found if each.is_device}
    places = {(each.kind, each.asset_id): each for each in found}
    middle = next(each for each in found if each.kind == "district")
    for device in register.active().values():
        if device.device_id in placed:
            continue
        group = places.get((_KIND_OF_GROUP[device.feed], device.group_id))
        near = group or middle
        name = device.name or device.device_id
        found.append(
            Asset(
                kind=_KIND_OF_DEVICE[device.feed],
                asset_id=device.device_id,
                feed=device.feed,
                name_zh=name,
                name_en=name,
                parent_kind=near.kind,
                parent_id=near.asset_id,
                zone=near.zone,
                longitude=near.longitude,
                latitude=near.latitude,
                approximate=True,
                is_device=True,
            )
        )
    return found


class _Cell(_Place):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Identifier
    population: Positive


def cells_of(text: str, *, file: str) -> list[Asset]:
    """Cells of the population grid.

    Args:
        text: CSV of id, longitude, latitude, population; lines that begin with `#` are comments.
        file: Its name for messages.

    Raises:
        RegisterRefused: a line is not what it should be; the message names it.
    """
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = []
    for number, row in enumerate(csv.DictReader(lines), 1):
        try:
            cell = _Cell.model_validate(row)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise RegisterRefused(f"{file}: cell {number}: {place}: {first['msg']}") from error
        found.append(
            Asset(
                kind="cell",
                asset_id=cell.id,
                feed=Feed.EMERGENCY,
                name_zh=cell.id,
                name_en=cell.id,
                longitude=cell.longitude,
                latitude=cell.latitude,
                approximate=True,
                capacity=cell.population,
                capacity_unit="residents",
            )
        )
    return found


def _where(place: _Place) -> dict[str, Any]:
    return {"longitude": place.longitude, "latitude": place.latitude, "approximate": place.approximate}


def _name(place: _Named) -> dict[str, Any]:
    return {"asset_id": place.id, "name_zh": place.name_zh, "name_en": place.name or place.id, "zone": place.zone}


def _all(known: _File) -> Iterator[Asset]:
    head = known.district
    district: dict[str, Any] = {"parent_kind": "district", "parent_id": head.id}
    yield Asset(
        kind="district",
        feed=None,
        **_name(head),
        **_where(head),
        capacity=head.population,
        capacity_unit="residents",
    )
    for street in known.street:
        names: dict[str, Any] = {
            "asset_id": street.code,
            "name_zh": street.name_zh,
            "name_en": street.name or street.name_zh,
        }
        yield Asset(kind="street", feed=None, **names, **_where(street), **district)
    for zone in known.zone:
        yield Asset(kind="zone", feed=None, **_name(zone), **_where(zone), **district)
    yield from _water(known)
    yield from _charging(known)
    for lot in known.lot:
        spaces: dict[str, Any] = {"capacity": lot.spaces, "capacity_unit": "spaces"}
        parent: dict[str, Any] = {"parent_kind": "zone", "parent_id": lot.zone} if lot.zone else district
        yield Asset(kind="lot", feed=Feed.PARKING, **_name(lot), **_where(lot), **parent, **spaces, is_device=True)
    yield from _emergency(known, district)
    for building in known.building:
        yield Asset(kind="building", feed=Feed.TAX, **_name(building), **_where(building), **district)
        office = _name(building) | {"asset_id": f"tax-{building.id.removeprefix('building-')}"}
        parent = {"parent_kind": "building", "parent_id": building.id}
        yield Asset(kind="office", feed=Feed.TAX, **office, **_where(building), **parent, is_device=True)


def _water(known: _File) -> Iterator[Asset]:
    for lake in known.lake:
        parent: dict[str, Any] = {"parent_kind": "lake", "parent_id": lake.id}
        yield Asset(kind="lake", feed=Feed.WATER, **_name(lake), **_where(lake))
        for point in lake.points:
            names: dict[str, Any] = {
                "asset_id": point.id,
                "name_zh": f"{lake.name_zh}{point.name_zh}",
                "name_en": point.name or point.id,
                "zone": lake.zone,
            }
            yield Asset(kind="station", feed=Feed.WATER, **names, **_where(point), **parent, is_device=True)


def _charging(known: _File) -> Iterator[Asset]:
    for site in known.site:
        yield Asset(
            kind="site",
            feed=Feed.EV,
            **_name(site),
            **_where(site),
            capacity=site.connectors,
            capacity_unit="connectors",
            limit_value=site.transformer_limit_kw,
            limit_unit="kW",
        )
        for number in range(1, site.connectors + 1):
            yield Asset(
                kind="connector",
                asset_id=f"ev-{site.id.removeprefix('site-')}-{number:02d}",
                feed=Feed.EV,
                name_zh=f"{site.name_zh} {number:02d} 号",
                name_en=f"{site.name or site.id} {number:02d}",
                parent_kind="site",
                parent_id=site.id,
                zone=site.zone,
                **_where(site),
                capacity=site.rated_power_kw,
                capacity_unit="kW",
                is_device=True,
            )


def _emergency(known: _File, district: dict[str, Any]) -> Iterator[Asset]:
    centre = known.dispatch
    yield Asset(
        kind="dispatch",
        asset_id=centre.id,
        feed=Feed.EMERGENCY,
        name_zh=centre.name_zh,
        name_en=centre.name or centre.id,
        **_where(known.district),
        **district,
        is_device=True,
    )
    for post in known.post:
        yield Asset(
            kind="post",
            feed=Feed.EMERGENCY,
            **_name(post),
            **_where(post),
            **district,
            capacity=post.ambulances or None,
            capacity_unit="ambulances" if post.ambulances else None,
        )
        for number in range(1, post.ambulances + 1):
            yield Asset(
                kind="unit",
                asset_id=f"amb-{post.id.removeprefix('post-')}-{number}",
                feed=Feed.EMERGENCY,
                name_zh=f"{post.name_zh} {number} 号车",
                name_en=f"{post.name or post.id} {number}",
                parent_kind="post",
                parent_id=post.id,
                **_where(post),
                is_device=True,
            )
