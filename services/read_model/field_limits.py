"""Which limits hold for which field of an asset's readings, and in what unit each field is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from schemas.fields import Feed
from schemas.verdict import Comparator
from services.read_model.plan_limits import CLASSES, LimitRow

UNITS: Final[Mapping[Feed, Mapping[str, str]]] = {
    Feed.EV: {
        "power_kw": "kW",
        "soc_percent": "%",
        "voltage_v": "V",
        "current_a": "A",
        "energy_register_kwh": "kWh",
        "session_energy_kwh": "kWh",
    },
    Feed.WATER: {
        "water_temp_c": "Cel",
        "ph": "1",
        "do_mg_l": "mg/L",
        "conductivity_us_cm": "uS/cm",
        "turbidity_ntu": "NTU",
        "codmn_mg_l": "mg/L",
        "nh3n_mg_l": "mg/L",
        "tp_mg_l": "mg/L",
        "tn_mg_l": "mg/L",
        "chla_ug_l": "ug/L",
        "transparency_m": "m",
        "algae_cells_l": "cells/L",
    },
    Feed.PARKING: {"free_spaces": "spaces", "out_of_service_spaces": "spaces"},
    Feed.EMERGENCY: {},
    Feed.TAX: {"amount_cny": "CNY"},
}
"""Fields that are drawn over time, in the order in which they are shown, with their units (UCUM where it has one)."""

WORDS: Final[Mapping[Feed, str]] = {Feed.EV: "status", Feed.EMERGENCY: "unit_state"}
"""The field that says the state in a word."""


def limits_by_field(
    kind: str, capacity: float | None, limit_value: float | None, in_force: Sequence[LimitRow]
) -> dict[str, tuple[LimitRow, ...]]:
    """Limits of each field of an asset, in the unit of the field.

    Args:
        kind: Of the asset.
        capacity: Rated kW of a connector, spaces of a car park.
        limit_value: What the transformer of a site may carry, kW.
        in_force: All limits in force at the time.
    """
    by_id = {row.threshold.id: row for row in in_force}
    found: list[LimitRow] = []
    if kind in {"station", "lake"}:
        found += _water(in_force, by_id)
    elif kind == "connector" and capacity is not None:
        found += _scaled(by_id, {"ev.power_over_rated": capacity}, "power_kw", "kW")
    elif kind == "site" and limit_value is not None:
        found += _scaled(by_id, {"ev.site_load": limit_value, "ev.site_load_near": limit_value}, "power_kw", "kW")
    elif kind == "lot":
        found += _parking(by_id, capacity)
    grouped: dict[str, tuple[LimitRow, ...]] = {}
    for row in found:
        if row.field is not None:
            grouped[row.field] = (*grouped.get(row.field, ()), row)
    return grouped


def _water(in_force: Sequence[LimitRow], by_id: Mapping[str, LimitRow]) -> Iterator[LimitRow]:
    """The class that the plan asks for, of lakes where they have a column of their own; and what can be measured."""
    target = by_id.get("water.class")
    rank = 3 if target is None else int(target.threshold.value)
    grade = CLASSES[min(max(rank, 1), len(CLASSES)) - 1]
    for row in in_force:
        limit_id = row.threshold.id
        if row.field is not None and limit_id.endswith(f".{grade}") and f"{limit_id}.lake" in by_id:
            continue
        if row.field is not None and limit_id.endswith((f".{grade}", f".{grade}.lake", ".low", ".high")):
            yield row
        elif limit_id.startswith("water.range."):
            yield replace(row, field=limit_id.removeprefix("water.range.").rpartition(".")[0])


def _parking(by_id: Mapping[str, LimitRow], spaces: float | None) -> Iterator[LimitRow]:
    full, nearly = by_id.get("parking.full"), by_id.get("parking.nearly_full")
    if full is not None:
        yield replace(full, field="free_spaces")
    if nearly is not None and spaces is not None:
        free = round(spaces * (1 - nearly.threshold.value), 6)
        turned = {Comparator.LT: Comparator.GT, Comparator.LE: Comparator.GE}
        comparator = turned.get(nearly.threshold.comparator, nearly.threshold.comparator)
        values = {"value": free, "unit": "free spaces", "comparator": comparator}
        yield replace(nearly, field="free_spaces", threshold=nearly.threshold.model_copy(update=values))


def _scaled(by_id: Mapping[str, LimitRow], factors: Mapping[str, float], field: str, unit: str) -> Iterator[LimitRow]:
    """Limits that are shares of something the asset has."""
    for limit_id, factor in factors.items():
        row = by_id.get(limit_id)
        if row is not None:
            values = {"value": round(row.threshold.value * factor, 6), "unit": unit}
            yield replace(row, field=field, threshold=row.threshold.model_copy(update=values))
