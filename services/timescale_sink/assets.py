"""The register of assets: rows from the district file. Pure. Positions are WGS-84 (EPSG:4326)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.device_register import DeviceRegister
from schemas.district import District, Named, Place, district_of
from schemas.fields import Feed, Identifier, Latitude, Longitude
from schemas.plan.errors import PlanFileError
from services.timescale_sink.errors import RegisterRefused


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


def assets_of(text: str, *, file: str) -> list[Asset]:
    """Every asset of a district file.

    Args:
        text: TOML.
        file: Its name for messages.

    Raises:
        RegisterRefused: it is not what it should be; the message names the file and the key.
    """
    try:
        return list(_all(district_of(text, file=file)))
    except PlanFileError as error:
        raise RegisterRefused(str(error)) from error


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


class _Cell(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Identifier
    longitude: Longitude
    latitude: Latitude
    population: Annotated[float, Field(gt=0)]


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


def _where(place: Place) -> dict[str, Any]:
    return {"longitude": place.longitude, "latitude": place.latitude, "approximate": place.approximate}


def _names(known: Named) -> dict[str, Any]:
    return {"name_zh": known.name_zh, "name_en": known.name_en}


def _all(known: District) -> Iterator[Asset]:
    head = known.district
    district: dict[str, Any] = {"parent_kind": "district", "parent_id": head.id}
    yield Asset(
        kind="district",
        feed=None,
        asset_id=head.id,
        **_names(head),
        **_where(head),
        capacity=head.population,
        capacity_unit="residents",
    )
    for street in known.street:
        yield Asset(kind="street", feed=None, asset_id=street.code, **_names(street), **_where(street), **district)
    for zone in known.zone:
        yield Asset(kind="zone", feed=None, asset_id=zone.id, **_names(zone), **_where(zone), **district)
    yield from _water(known)
    yield from _charging(known)
    for lot in known.lot:
        yield Asset(
            kind="lot",
            feed=Feed.PARKING,
            asset_id=lot.id,
            **_names(lot),
            **_where(lot),
            zone=lot.zone,
            parent_kind="zone",
            parent_id=lot.zone,
            capacity=lot.spaces,
            capacity_unit="spaces",
            is_device=True,
        )
    yield from _emergency(known, district)
    for building in known.building:
        same: dict[str, Any] = {"feed": Feed.TAX, **_names(building), **_where(building), "zone": building.zone}
        yield Asset(kind="building", asset_id=building.id, **same, **district)
        office: dict[str, Any] = {"parent_kind": "building", "parent_id": building.id, "is_device": True}
        yield Asset(kind="office", asset_id=building.office_id, **same, **office)


def _water(known: District) -> Iterator[Asset]:
    for lake in known.lake:
        parent: dict[str, Any] = {"parent_kind": "lake", "parent_id": lake.id}
        yield Asset(kind="lake", feed=Feed.WATER, asset_id=lake.id, **_names(lake), **_where(lake), zone=lake.zone)
        for point in lake.points:
            names: dict[str, Any] = {
                "asset_id": point.id,
                "name_zh": f"{lake.name_zh}{point.name_zh}",
                "name_en": point.name_en,
                "zone": lake.zone,
            }
            yield Asset(kind="station", feed=Feed.WATER, **names, **_where(point), **parent, is_device=True)


def _charging(known: District) -> Iterator[Asset]:
    for site in known.site:
        yield Asset(
            kind="site",
            feed=Feed.EV,
            asset_id=site.id,
            **_names(site),
            **_where(site),
            zone=site.zone,
            capacity=site.connectors,
            capacity_unit="connectors",
            limit_value=site.transformer_limit_kw,
            limit_unit="kW",
        )
        for number, connector in enumerate(site.connector_ids(), 1):
            yield Asset(
                kind="connector",
                asset_id=connector,
                feed=Feed.EV,
                name_zh=f"{site.name_zh} {number:02d} 号",
                name_en=f"{site.name_en} {number:02d}",
                parent_kind="site",
                parent_id=site.id,
                zone=site.zone,
                **_where(site),
                capacity=site.rated_power_kw,
                capacity_unit="kW",
                is_device=True,
            )


def _emergency(known: District, district: dict[str, Any]) -> Iterator[Asset]:
    centre = known.dispatch
    yield Asset(
        kind="dispatch",
        asset_id=centre.id,
        feed=Feed.EMERGENCY,
        **_names(centre),
        **_where(known.district),
        **district,
        is_device=True,
    )
    for post in known.post:
        yield Asset(
            kind="post",
            feed=Feed.EMERGENCY,
            asset_id=post.id,
            **_names(post),
            **_where(post),
            zone=post.zone,
            **district,
            capacity=post.ambulances or None,
            capacity_unit="ambulances" if post.ambulances else None,
        )
        for number, unit in enumerate(post.unit_ids(), 1):
            yield Asset(
                kind="unit",
                asset_id=unit,
                feed=Feed.EMERGENCY,
                name_zh=f"{post.name_zh} {number} 号车",
                name_en=f"{post.name_en} {number}",
                parent_kind="post",
                parent_id=post.id,
                **_where(post),
                is_device=True,
            )
