"""How often the stations of the district's register measure. Pure: the file's text is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel, ConfigDict

from schemas.fields import Identifier
from schemas.plan.ranges import WholeSeconds
from schemas.plan.toml import parse_document
from services.stream_processors.engine.event_time import MICROSECONDS

_PART = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

Intervals = Mapping[str, int]
"""Sampling interval of a station in microseconds, by device."""

NONE_REGISTERED: Final[Intervals] = MappingProxyType({})


class _Point(BaseModel):
    model_config = _PART

    id: Identifier
    interval_seconds: WholeSeconds | None = None
    """It measures so often; without it the rules learn its rhythm."""


class _Lake(BaseModel):
    model_config = _PART

    points: tuple[_Point, ...] = ()


class _District(BaseModel):
    """What this feed reads of the district file."""

    model_config = _PART

    lake: tuple[_Lake, ...] = ()


def intervals_of(text: str, *, file: str) -> Intervals:
    """The sampling intervals in the text of a district file (`[[lake]]`, `points`), of the stations that have one.

    Raises:
        PlanFileError: the text is not TOML, or a point lacks its id or has an odd interval.
    """
    points = [point for lake in parse_document(text, _District, file=file).lake for point in lake.points]
    return MappingProxyType(
        {point.id: point.interval_seconds * MICROSECONDS for point in points if point.interval_seconds is not None}
    )
