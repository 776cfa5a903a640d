"""Layers of the map as GeoJSON (RFC 7946), WGS-84. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.operations_api.models.figures import Layer
from services.operations_api.models.shared import Feature, Geometry
from services.read_model.layer_rows import ChargingLayer, CoverageLayer, GuidanceRow, LakeRow, MoveRow, OfferRow


class LayerName(StrEnum):
    """Layers that there are."""

    COVERAGE = "coverage"
    PARKING = "parking"
    CHARGING = "charging"
    LAKES = "lakes"


def coverage(found: CoverageLayer | None) -> Layer:
    """Cells that no available unit reaches in time, and the district's share."""
    if found is None:
        return Layer(features=(), as_of=None, summary={})
    gaps = [
        _point(cell.cell, cell.longitude, cell.latitude, {"kind": "gap", "population": cell.residents})
        for cell in found.cells
        if cell.covered is False
    ]
    move = None if found.best_move is None else _move(found.best_move, found)
    features = (*gaps, *(() if move is None else (move,)))
    summary: dict[str, Any] = {
        "share": found.share,
        "target": None if found.threshold is None else found.threshold.value,
        "status": found.status,
        "status_reason": found.status_reason,
        "status_reason_zh": found.status_reason_zh,
        "units_available": found.units_available,
        "uncovered_people": found.uncovered_people,
        "uncovered_cells": found.uncovered_cells,
    }
    return Layer(features=features, as_of=found.at, summary=summary)


def parking(found: Sequence[GuidanceRow]) -> Layer:
    """Lines from each full car park to those with room."""
    lines = [line for row in found for offer in row.offers if (line := _line(row, offer)) is not None]
    summary: dict[str, Any] = {
        "full_lots": len(found),
        "drivers": sum(row.drivers for row in found),
        "not_placed": sum(row.not_placed for row in found),
    }
    return Layer(features=tuple(lines), as_of=max((row.at for row in found), default=None), summary=summary)


def charging(found: ChargingLayer) -> Layer:
    """Sites with their load against the transformer's limit."""
    sites = [
        _point(
            site.site,
            site.longitude,
            site.latitude,
            {
                "name_zh": site.name_zh,
                "name_en": site.name_en,
                "load_kw": site.power_kw,
                "limit_kw": site.limit_kw,
                "share": site.load,
                "connectors": site.connectors,
                "charging": site.charging,
                "idle": site.idle,
                "faulty": site.faulty,
            },
        )
        for site in found.sites
    ]
    summary: dict[str, Any] = {
        "near": None if found.near is None else found.near.value,
        "limit": None if found.limit is None else found.limit.value,
    }
    measured: list[datetime] = [site.observed_at for site in found.sites if site.observed_at is not None]
    return Layer(features=tuple(sites), as_of=max(measured, default=None), summary=summary)


def lakes(found: Sequence[LakeRow]) -> Layer:
    """Lakes with their class."""
    points = [
        _point(
            lake.lake,
            lake.longitude,
            lake.latitude,
            {
                "lake": lake.lake,
                "name_zh": lake.name_zh,
                "name_en": lake.name_en,
                "class": lake.water_class,
                "status": lake.status,
                "status_reason": lake.status_reason,
                "status_reason_zh": lake.status_reason_zh,
                "colour": lake.colour,
                "deciding": list(lake.deciding),
                "target_class": None if lake.threshold is None else lake.threshold.value,
                "trophic_index": lake.trophic_index,
            },
        )
        for lake in found
    ]
    measured: list[datetime] = [lake.until for lake in found if lake.until is not None]
    return Layer(features=tuple(points), as_of=max(measured, default=None), summary={})


def _move(move: MoveRow, found: CoverageLayer) -> Feature | None:
    ends = (move.from_longitude, move.from_latitude, move.to_longitude, move.to_latitude)
    if any(degree is None for degree in ends):
        return None
    return Feature(
        id=f"{move.unit}-{move.post}",
        geometry=Geometry(type="LineString", coordinates=[[ends[0], ends[1]], [ends[2], ends[3]]]),
        properties={
            "kind": "move",
            "unit": move.unit,
            "to": move.post,
            "people": move.people,
            "share_after": _share_after(move, found),
        },
    )


def _share_after(move: MoveRow, found: CoverageLayer) -> float | None:
    """The share of residents in reach if the unit moved."""
    if found.share is None or found.share >= 1 or not found.uncovered_people:
        return None
    everyone = found.uncovered_people / (1 - found.share)
    return round(found.share + move.people / everyone, 6)


def _line(row: GuidanceRow, offer: OfferRow) -> Feature | None:
    ends = (row.longitude, row.latitude, offer.longitude, offer.latitude)
    if any(degree is None for degree in ends):
        return None
    return Feature(
        id=f"{row.lot}-{offer.lot}",
        geometry=Geometry(type="LineString", coordinates=[[ends[0], ends[1]], [ends[2], ends[3]]]),
        properties={
            "from": row.lot,
            "from_name_zh": row.name_zh,
            "from_name_en": row.name_en,
            "to": offer.lot,
            "to_name": offer.name,
            "drivers": offer.drivers,
            "share": offer.share,
            "metres": offer.metres,
            "free": offer.free,
        },
    )


def _point(name: str, longitude: float, latitude: float, properties: dict[str, Any]) -> Feature:
    return Feature(id=name, geometry=Geometry(type="Point", coordinates=[longitude, latitude]), properties=properties)
