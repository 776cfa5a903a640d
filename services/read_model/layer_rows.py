"""What the map draws as layers: coverage, parking guidance, charging load, lake classes. Pure; `layers` asks for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from schemas.ev import ConnectorState
from schemas.verdict import Threshold
from services.read_model.asset_states import ConnectorNow, UnitNow
from services.read_model.figures import FigureRow


@dataclass(frozen=True, slots=True)
class CellRow:
    """One cell of the population grid."""

    cell: str
    longitude: float
    latitude: float
    residents: float
    covered: bool | None
    """None: cannot be said; no unit was heard of, or more cells are out of reach than the figure names."""


@dataclass(frozen=True, slots=True)
class MoveRow:
    """The single move of an available unit that brings most people back into reach."""

    unit: str
    from_longitude: float | None
    from_latitude: float | None
    post: str
    to_longitude: float | None
    to_latitude: float | None
    people: int


@dataclass(frozen=True, slots=True)
class CoverageLayer:
    """Who can be reached within ten minutes, by the newest figure `emergency.coverage`."""

    at: datetime
    share: float | None
    status: str
    status_reason: str
    status_reason_zh: str | None
    threshold: Threshold | None
    uncovered_people: int | None
    uncovered_cells: int | None
    units_available: int | None
    cells: tuple[CellRow, ...]
    best_move: MoveRow | None
    """None while enough people can be reached, or when no move gains."""


@dataclass(frozen=True, slots=True)
class OfferRow:
    """Where drivers are sent."""

    lot: str
    name: str
    longitude: float | None
    latitude: float | None
    share: float
    drivers: float
    metres: float | None
    free: int


@dataclass(frozen=True, slots=True)
class GuidanceRow:
    """Guidance of one full car park, the figure `parking.guidance` that stands."""

    lot: str
    name_zh: str
    name_en: str
    longitude: float | None
    latitude: float | None
    at: datetime
    drivers: float
    not_placed: float
    reason: str
    reason_zh: str | None
    offers: tuple[OfferRow, ...]


@dataclass(frozen=True, slots=True)
class SiteLoadRow:
    """One charging site now."""

    site: str
    name_zh: str
    name_en: str
    longitude: float
    latitude: float
    connectors: int
    idle: int
    charging: int
    faulty: int
    """Fault or no contact."""
    power_kw: float | None
    limit_kw: float | None
    """What its transformer may carry."""
    load: float | None
    """Power over limit."""
    observed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChargingLayer:
    """Every site, and from which load on it is near and over its limit."""

    sites: tuple[SiteLoadRow, ...]
    near: Threshold | None
    limit: Threshold | None


@dataclass(frozen=True, slots=True)
class LakeRow:
    """One lake, the newest figure `water.class`."""

    lake: str
    name_zh: str
    name_en: str
    longitude: float
    latitude: float
    water_class: int | None
    """1 to 6 (worse than V); None: cannot be said, or nothing was judged."""
    status: str
    status_reason: str
    status_reason_zh: str | None
    at: datetime | None
    until: datetime | None
    threshold: Threshold | None
    deciding: tuple[str, ...]
    """Items that decide the class."""
    colour: str | None
    trophic_index: float | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an asset is, and what it is called."""

    asset_id: str
    name_zh: str
    name_en: str
    longitude: float
    latitude: float
    limit_value: float | None
    capacity: float | None


def coverage_layer(figure: FigureRow, cells: Sequence[Place], best_move: MoveRow | None) -> CoverageLayer:
    """The layer of a figure `emergency.coverage`."""
    details = figure.details
    named = frozenset(details.get("uncovered", ()))
    missing = details.get("uncovered_cells")
    all_named = missing is not None and missing <= len(named)
    cannot_say = figure.value is None

    def covered(cell: str) -> bool | None:
        if cannot_say:
            return None
        return False if cell in named else (True if all_named else None)

    return CoverageLayer(
        at=figure.period_start,
        share=figure.value,
        status=figure.status,
        status_reason=figure.status_reason,
        status_reason_zh=figure.status_reason_zh,
        threshold=_threshold(figure.threshold),
        uncovered_people=details.get("uncovered_people"),
        uncovered_cells=missing,
        units_available=details.get("units_available"),
        cells=tuple(
            CellRow(cell.asset_id, cell.longitude, cell.latitude, cell.capacity or 0.0, covered(cell.asset_id))
            for cell in cells
        ),
        best_move=best_move,
    )


def best_move(details: Mapping[str, Any], units: Sequence[UnitNow], posts: Sequence[Place]) -> MoveRow | None:
    """The move that a figure `emergency.coverage` advises; None when it advises none.

    Args:
        details: Of the figure.
        units: Where the units are now.
        posts: Where they can be sent.
    """
    move = details.get("best_move")
    if move is None:
        return None
    here = next((each for each in units if each.device_id == move["unit"]), None)
    there = next((each for each in posts if each.asset_id == move["post"]), None)
    return MoveRow(
        move["unit"],
        None if here is None else here.longitude,
        None if here is None else here.latitude,
        move["post"],
        None if there is None else there.longitude,
        None if there is None else there.latitude,
        move["people"],
    )


def guidance_row(row: Mapping[str, Any], lots: Mapping[str, Place]) -> GuidanceRow:
    """Guidance of one car park, from its figure."""
    details, lot = row["details"], lots.get(row["subject"])
    name = row["subject_name"] or row["subject"]
    return GuidanceRow(
        lot=row["subject"],
        name_zh=name if lot is None else lot.name_zh,
        name_en=name if lot is None else lot.name_en,
        longitude=None if lot is None else lot.longitude,
        latitude=None if lot is None else lot.latitude,
        at=row["period_start"],
        drivers=details["drivers"],
        not_placed=details["not_placed"],
        reason=row["status_reason"],
        reason_zh=row["status_reason_zh"],
        offers=tuple(_offer(offer, lots.get(offer["lot"])) for offer in details["offers"]),
    )


def _offer(offer: Mapping[str, Any], lot: Place | None) -> OfferRow:
    return OfferRow(
        lot=offer["lot"],
        name=offer["name"],
        longitude=None if lot is None else lot.longitude,
        latitude=None if lot is None else lot.latitude,
        share=offer["share"],
        drivers=offer["drivers"],
        metres=offer["metres"],
        free=offer["free"],
    )


def site_row(site: Place, connectors: Sequence[ConnectorNow]) -> SiteLoadRow:
    """One charging site by the last readings of its connectors."""
    words = Counter(each.status for each in connectors)
    measured = [each.power_kw for each in connectors if each.power_kw is not None]
    power = sum(measured) if measured else None
    return SiteLoadRow(
        site=site.asset_id,
        name_zh=site.name_zh,
        name_en=site.name_en,
        longitude=site.longitude,
        latitude=site.latitude,
        connectors=len(connectors),
        idle=words[ConnectorState.IDLE],
        charging=words[ConnectorState.CHARGING],
        faulty=words[ConnectorState.FAULT] + words[ConnectorState.NO_CONTACT],
        power_kw=power,
        limit_kw=site.limit_value,
        load=power / site.limit_value if power is not None and site.limit_value else None,
        observed_at=max((each.observed_at for each in connectors), default=None),
    )


def lake_row(lake: Place, figure: FigureRow | None, trophic: FigureRow | None) -> LakeRow:
    """One lake by its newest class."""
    here = (lake.asset_id, lake.name_zh, lake.name_en, lake.longitude, lake.latitude)
    index = None if trophic is None else trophic.value
    if figure is None:
        return LakeRow(
            *here,
            water_class=None,
            status="cannot_say",
            status_reason="No sampling round has been judged yet.",
            status_reason_zh="尚无任何采样轮次得出结论。",
            at=None,
            until=None,
            threshold=None,
            deciding=(),
            colour=None,
            trophic_index=index,
        )
    said = figure.details.get("class", {})
    rank = None if figure.value is None else int(figure.value)
    return LakeRow(
        *here,
        water_class=rank,
        status=figure.status,
        status_reason=figure.status_reason,
        status_reason_zh=figure.status_reason_zh,
        at=figure.period_start,
        until=figure.period_end,
        threshold=_threshold(figure.threshold),
        deciding=tuple(said.get("deciding", ())),
        colour=said.get("colour"),
        trophic_index=index,
    )


def _threshold(said: Mapping[str, Any] | None) -> Threshold | None:
    return None if said is None else Threshold.model_validate_json(orjson.dumps(said))
