"""Who asks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel

from schemas.api_key import Role
from services.operations_api.models.shared import ANSWER


class Language(StrEnum):
    """Languages of texts."""

    CHINESE = "zh-CN"
    ENGLISH = "en"


class Me(BaseModel):
    """Whoever asks."""

    model_config = ANSWER

    id: str
    name: str
    role: Role
    languages: tuple[Language, ...]
    may: tuple[str, ...]
    """What the role allows: `read`, `read-alerts`, `act`, `maintain`, `receive`, `audit`; so that a page shows no
    button that would be refused."""
    csrf: str | None
    """Of a session: the value that each write carries in `X-CSRF-Token`; null with a key."""
    grafana: str | None
    """Address of Grafana; null when the API was not told it."""
    expires_at: datetime | None
    """When session or key end; null: never by itself."""


class SessionAnswer(Me):
    """A session that was begun; its cookie is `district_session`."""
