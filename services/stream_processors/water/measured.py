"""The measured values of a sample in a fixed order: what the rules, the rounds and the window's state share."""

from __future__ import annotations

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

PLACE: Final = MappingProxyType({name: place for place, name in enumerate(FIELDS)})
"""Where in `Values` a field stands."""

Values = tuple[float | None, ...]
"""Measured values in the order of `FIELDS`; None was not measured."""


def values_of(reading: WaterReading) -> Values:
    """The values of a reading."""
    return (
        reading.ph,
        reading.do_mg_l,
        reading.codmn_mg_l,
        reading.nh3n_mg_l,
        reading.tp_mg_l,
        reading.tn_mg_l,
        reading.chla_ug_l,
        reading.transparency_m,
        reading.water_temp_c,
    )
