"""Readings of automatic water stations (items of GB 3838-2002 and of the national automatic network)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.envelope import Envelope
from schemas.fields import Feed, Text


class WaterBody(StrEnum):
    """Which phosphorus column of GB 3838-2002 applies; configured per station, it cannot be guessed."""

    LAKE = "lake"
    RIVER = "river"


Concentration = Annotated[float, Field(ge=0, le=100_000)]
"""mg/L."""


class WaterReading(Envelope):
    """One sample of one station; `group_id` is the lake. An item that was not measured is null."""

    feed: Literal[Feed.WATER]
    water_body: WaterBody
    """Lake or river, as configured at the station."""
    station_name: Text | None = None
    """Name for people."""
    water_temp_c: Annotated[float, Field(ge=-5, le=60)] | None = None
    """Water temperature, degrees Celsius."""
    ph: Annotated[float, Field(ge=0, le=14)] | None = None
    """pH, dimensionless."""
    do_mg_l: Annotated[float, Field(ge=0, le=100)] | None = None
    """Dissolved oxygen, mg/L."""
    conductivity_us_cm: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    """Conductivity, microsiemens per centimetre."""
    turbidity_ntu: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    """Turbidity, NTU."""
    codmn_mg_l: Concentration | None = None
    """Permanganate index, mg/L."""
    nh3n_mg_l: Concentration | None = None
    """Ammonia nitrogen, mg/L."""
    tp_mg_l: Concentration | None = None
    """Total phosphorus, mg/L."""
    tn_mg_l: Concentration | None = None
    """Total nitrogen, mg/L (enters the trophic index, never the class)."""
    chla_ug_l: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    """Chlorophyll-a, micrograms per litre (= mg/m3)."""
    transparency_m: Annotated[float, Field(ge=0, le=100)] | None = None
    """Secchi depth, metres."""
    algae_cells_l: Annotated[float, Field(ge=0, le=1e12)] | None = None
    """Algal density, cells per litre."""
