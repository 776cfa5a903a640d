"""The measured values of a sample in a fixed order: what the rules, the rounds and the window's state share."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from types import MappingProxyType
from typing import Final

from schemas.water import WaterReading

FIELDS: Final = (
    "ph",
    "do_mg_l",
    "codmn_mg_l",
    "nh3n_mg_l",
    "tp_mg_l",
    "tn_mg_l",
    "chla_ug_l",
    "transparency_m",
    "water_temp_c",
)
"""Fields of a water reading that the rules use, in the order of `Values`; snapshots keep values in this order."""

CHECKED_FIELDS: Final = (*FIELDS, "conductivity_us_cm", "turbidity_ntu")
"""Fields whose quality is checked; the first are `FIELDS`."""

PLACE: Final = MappingProxyType({name: place for place, name in enumerate(CHECKED_FIELDS)})
"""Where in `Values` a field stands."""

UNITS: Final = MappingProxyType(
    {
        "ph": "1",
        "do_mg_l": "mg/L",
        "codmn_mg_l": "mg/L",
        "nh3n_mg_l": "mg/L",
        "tp_mg_l": "mg/L",
        "tn_mg_l": "mg/L",
        "chla_ug_l": "µg/L",
        "transparency_m": "m",
        "water_temp_c": "°C",
        "conductivity_us_cm": "µS/cm",
        "turbidity_ntu": "NTU",
    }
)

NAMES: Final = MappingProxyType(
    {
        "ph": ("pH值", "pH"),
        "do_mg_l": ("溶解氧", "Dissolved oxygen"),
        "codmn_mg_l": ("高锰酸盐指数", "Permanganate index"),
        "nh3n_mg_l": ("氨氮", "Ammonia nitrogen"),
        "tp_mg_l": ("总磷", "Total phosphorus"),
        "tn_mg_l": ("总氮", "Total nitrogen"),
        "chla_ug_l": ("叶绿素a", "Chlorophyll-a"),
        "transparency_m": ("透明度", "Transparency"),
        "water_temp_c": ("水温", "Water temperature"),
        "conductivity_us_cm": ("电导率", "Conductivity"),
        "turbidity_ntu": ("浊度", "Turbidity"),
    }
)
"""Names of the fields for people, Chinese and English."""

Values = tuple[float | None, ...]
"""Measured values in the order of `FIELDS` or `CHECKED_FIELDS`; None was not measured."""


_checked_values: Final[Callable[[WaterReading], Values]] = attrgetter(*CHECKED_FIELDS)


def checked_values_of(reading: WaterReading) -> Values:
    """The values of a reading, in the order of `CHECKED_FIELDS`."""
    return _checked_values(reading)
