"""Parts that several answers share: configurations, problems, pages, GeoJSON."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

ANSWER: Final = ConfigDict(frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)
"""Answers may gain fields; clients pass over what they do not know."""

QUESTION: Final = ConfigDict(
    frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True, allow_inf_nan=False
)
"""Bodies of requests: an unknown field is an error, not a wish that is silently passed over."""

Cursor = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]
"""Where a page ends; opaque."""

Limit = Annotated[int, Field(ge=1, le=500)]
"""Most items of a page."""


class Problem(BaseModel):
    """What went wrong, as RFC 9457 says it: `application/problem+json`."""

    model_config = ANSWER

    type: str
    """What kind of problem, as a path that does not change: `/problems/overtaken`."""
    title: str
    status: int
    detail: str
    """What happened, to what, and what to do."""
    instance: str
    """The path that was asked for."""
    request_id: str
    """Stands in the service's log and in the audit log as well."""


class Fault(BaseModel):
    """One field of a request that cannot be used."""

    model_config = ANSWER

    where: str
    """`body.words`, `query.limit`."""
    what: str


class InvalidRequest(Problem):
    """A request that does not say what it must."""

    faults: tuple[Fault, ...] = ()


class Geometry(BaseModel):
    """GeoJSON geometry (RFC 7946), WGS-84."""

    model_config = ANSWER

    type: Literal["Point", "LineString", "Polygon", "MultiPolygon"]
    coordinates: list[Any]


class Feature(BaseModel):
    """GeoJSON feature."""

    model_config = ANSWER

    type: Literal["Feature"] = "Feature"
    id: str
    geometry: Geometry
    properties: dict[str, Any]


class FeatureCollection(BaseModel):
    """GeoJSON, with the moment that it is about as a foreign member."""

    model_config = ANSWER

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: tuple[Feature, ...]
