"""The reading models by feed, and the way to read them from JSON."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Final

from pydantic import Field, TypeAdapter

from schemas.emergency import EmergencyReading
from schemas.ev import EvReading
from schemas.fields import Feed
from schemas.parking import ParkingReading
from schemas.tax import TaxReading
from schemas.water import WaterReading

Reading = EvReading | WaterReading | ParkingReading | EmergencyReading | TaxReading

AnyReading = Annotated[Reading, Field(discriminator="feed")]
"""A reading of any feed, told apart by its `feed` field."""

MODELS: Final[MappingProxyType[Feed, type[Reading]]] = MappingProxyType(
    {
        Feed.EV: EvReading,
        Feed.WATER: WaterReading,
        Feed.PARKING: ParkingReading,
        Feed.EMERGENCY: EmergencyReading,
        Feed.TAX: TaxReading,
    }
)

ANY_READING: Final[TypeAdapter[Reading]] = TypeAdapter(AnyReading)
"""Validates JSON bytes of any feed: `ANY_READING.validate_json(raw)`; raises `pydantic.ValidationError`."""
