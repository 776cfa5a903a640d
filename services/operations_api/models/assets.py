"""Assets of the district: where they are and how they are."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from schemas.alert import Severity
from schemas.fields import Feed
from schemas.verdict import Threshold
from services.operations_api.models.shared import ANSWER


class AssetRow(BaseModel):
    """One asset."""

    model_config = ANSWER

    kind: str
    """`district`, `street`, `zone`, `lake`, `station`, `site`, `connector`, `lot`, `dispatch`, `post`, `unit`,
    `building` or `office`."""
    asset_id: str
    feed: Feed | None
    name_zh: str
    name_en: str
    parent_kind: str | None
    parent_id: str | None
    zone: str | None
    longitude: float
    latitude: float
    approximate: bool
    """The position is only roughly right, or freely chosen."""
    capacity: float | None
    capacity_unit: str | None
    limit_value: float | None
    """A bound that belongs to the asset itself, such as the limit of a site's transformer."""
    limit_unit: str | None
    state: str
    """A word of its kind, such as `charging`, `full`, `IV`, `available`; `unseen` while nothing was heard of it."""
    state_since: datetime | None
    value: float | None
    """The value that says most about it now: class of a lake, free spaces, power of a site."""
    unit: str | None
    observed_at: datetime | None
    """When the value was measured."""
    last_seen_at: datetime | None
    """When its device was last heard, by the platform's clock."""
    quality: str | None
    """What the sender says of the value: `good`, `fault` …"""
    alert_severity: Severity | None
    """Of its worst open alert."""
    open_alerts: int
    alert_since: datetime | None
    """When the one that began first began."""


class AssetList(BaseModel):
    """Assets."""

    model_config = ANSWER

    items: tuple[AssetRow, ...]
    known_at: datetime | None
    """When the database was asked; null: it has not answered yet."""


class AssetDetail(AssetRow):
    """One asset, with where to see more."""

    grafana_url: str | None
    """Address of the board behind it; null when the API was not told where Grafana is."""


class Point(BaseModel):
    """One value of a series."""

    model_config = ANSWER

    at: datetime
    value: float | None
    """Null: the reading says that it was not measured."""
    quality: str | None
    """What its sender says of it: `good`, `fault` …; null: several readings together, without doubtful ones."""


class DrawnLimit(BaseModel):
    """A limit to draw beside a series, with its source."""

    model_config = ANSWER

    name_zh: str
    name_en: str
    threshold: Threshold


class Series(BaseModel):
    """One measured item over the day."""

    model_config = ANSWER

    field: str
    """The reading's field, its unit in the name."""
    unit: str
    points: tuple[Point, ...]
    limits: tuple[DrawnLimit, ...]


class StateChange(BaseModel):
    """A word (the state of a connector, of an ambulance) and since when it holds."""

    model_config = ANSWER

    at: datetime
    word: str


class AssetDay(BaseModel):
    """Readings of an asset over the last day."""

    model_config = ANSWER

    since: datetime
    until: datetime
    series: tuple[Series, ...]
    changes: tuple[StateChange, ...]
    readings: int
    """How many readings there were; a series has fewer points when there were more than a picture shows."""
