"""Readings of off-street car parks (FIWARE OffStreetParking, DATEX II ParkingSiteStatus)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.envelope import Envelope
from schemas.fields import Feed, QualityCode, Text

SpaceCount = Annotated[int, Field(ge=0, le=100_000)]
VehicleCount = Annotated[int, Field(ge=0, le=1_000_000_000)]


class ParkingReading(Envelope):
    """Counters of one car park; `group_id` is the parking zone."""

    feed: Literal[Feed.PARKING]
    lot_name: Text | None = None
    """Name for people."""
    total_spaces: SpaceCount
    """Spaces the car park has."""
    free_spaces: Annotated[int, Field(ge=-100_000, le=1_000_000)]
    """Spaces its counter says are free. Counters drift: negative values and values above the total occur, are kept
    and are named in `quality_codes`."""
    out_of_service_spaces: SpaceCount = 0
    """Spaces that cannot be used just now."""
    entries_total: VehicleCount | None = None
    """Vehicles in since the boot."""
    exits_total: VehicleCount | None = None
    """Vehicles out since the boot."""

    def doubts(self) -> tuple[QualityCode, ...]:
        """Counts that cannot be: fewer than none, or more than there are."""
        if self.free_spaces < 0:
            return (QualityCode.FREE_NEGATIVE,)
        if self.free_spaces > self.total_spaces:
            return (QualityCode.FREE_ABOVE_CAPACITY,)
        return ()
