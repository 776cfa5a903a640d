"""How often the stations of the district's register measure. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schemas.district import District
from services.stream_processors.engine.event_time import MICROSECONDS

Intervals = Mapping[str, int]
"""Sampling interval of a station in microseconds, by device."""

NONE_REGISTERED: Final[Intervals] = MappingProxyType({})


def intervals_of(district: District) -> Intervals:
    """The sampling intervals of the stations that have one; the rules learn the rhythm of the others."""
    points = [point for lake in district.lake for point in lake.points]
    return MappingProxyType(
        {point.id: point.interval_seconds * MICROSECONDS for point in points if point.interval_seconds is not None}
    )
