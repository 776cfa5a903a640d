"""What is asked for: actions, silences, receipts, maintenance windows."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from schemas.alert_action import SilenceScope, Words
from schemas.delivery import EventId
from schemas.fields import LIVE, Count, Feed, Identifier, Lane, Text, UtcTime
from services.operations_api.models.shared import QUESTION

_TIME: Final[TypeAdapter[datetime]] = TypeAdapter(UtcTime)


def _read_time(value: object) -> object:
    """A time as JSON gives it; by the time that a body is validated here it is no longer JSON."""
    if not isinstance(value, str):
        return value
    try:
        return _TIME.validate_json(orjson.dumps(value))
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"]) from None


RequestTime = Annotated[UtcTime, BeforeValidator(_read_time)]
"""See `UtcTime`."""


class ActKind(StrEnum):
    """What an operator may do about one alert."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    COMMENT = "comment"
    CLOSE = "close"


class ActRequest(BaseModel):
    """One action on an alert."""

    model_config = QUESTION

    kind: Annotated[ActKind, Field(strict=False)]
    seen: Count | None = None
    """`seen` of the alert as the operator had it before their eyes; left out: as it stands now."""
    assignee: Annotated[Text, Field(min_length=1)] | None = None
    """Who is to deal with it; of `assign`, and only of it."""
    words: Words = ""
    """Comment, or reason; `comment` and `close` need it."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.assignee is not None) is not (self.kind is ActKind.ASSIGN):
            raise ValueError("`assignee` belongs to assign, and assign needs it")
        if self.kind in (ActKind.COMMENT, ActKind.CLOSE) and not self.words.strip():
            raise ValueError("comment and close say something in `words`")
        if self.kind is ActKind.COMMENT and self.seen is not None:
            raise ValueError("`seen` belongs to acknowledge, assign and close")
        return self


class SilenceRequest(BaseModel):
    """Alerts of an asset or a zone are not passed on until a time."""

    model_config = QUESTION

    scope: Annotated[SilenceScope, Field(strict=False)]
    place: Identifier
    """The asset or the zone."""
    lane: Lane = LIVE
    until: RequestTime
    words: Annotated[Words, Field(min_length=1)]
    """Why."""

    @field_validator("words")
    @classmethod
    def _says_something(cls, words: str) -> str:
        if not words.strip():
            raise ValueError("say why")
        return words


class ReceiptRequest(BaseModel):
    """A consumer has an alert event in its own books."""

    model_config = QUESTION

    event_id: EventId
    """CloudEvents `id` of the event: alert id and revision, or the id of an action."""


class MaintenanceRequest(BaseModel):
    """A planned window in which alerts of a feed are recorded and not passed on."""

    model_config = QUESTION

    feed: Annotated[Feed, Field(strict=False)]
    id: Identifier
    starts: RequestTime
    ends: RequestTime
    reason: Annotated[Text, Field(min_length=1)]
    assets: Annotated[tuple[Identifier, ...], Field(max_length=1_000, strict=False)] = ()
    """Devices or other assets; empty: all of the groups."""
    groups: Annotated[tuple[Identifier, ...], Field(max_length=1_000, strict=False)] = ()


class SessionRequest(BaseModel):
    """What begins a session."""

    model_config = QUESTION

    token: Annotated[str, Field(min_length=1, max_length=200)]
    """A one-time token of `district map login`, or an API key."""
