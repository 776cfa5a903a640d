"""What goes over the stream of the map, one model for the data of each kind of event."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from services.operations_api.models.alerts import AlertRow
from services.operations_api.models.assets import AssetRow
from services.operations_api.models.shared import ANSWER


class PartHealth(BaseModel):
    """One part that the API stands on."""

    model_config = ANSWER

    name: str
    """`kafka` or `database`."""
    well: bool
    since: datetime
    detail: str
    """What is wrong and what that means; empty when all is well."""


class StreamHealth(BaseModel):
    """Event `health`: what of the picture is fresh."""

    model_config = ANSWER

    at: datetime
    parts: tuple[PartHealth, ...]
    assets_known_at: datetime | None
    """So old are the states of assets."""


class AssetChanges(BaseModel):
    """Event `asset`: the assets that have changed, whole."""

    model_config = ANSWER

    items: tuple[AssetRow, ...]


class StreamReset(BaseModel):
    """Event `reset`: what the client has missed cannot be told; it loads its lists again and goes on from here."""

    model_config = ANSWER

    reason: str


class StreamEvent(BaseModel):
    """What may come, by the name of its event."""

    model_config = ANSWER

    alert: AlertRow | None = None
    asset: AssetChanges | None = None
    health: StreamHealth | None = None
    reset: StreamReset | None = None
