"""Requests of operators to send events to a subscriber once more; a file beside the register of subscribers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, Field, model_validator

from schemas.delivery import EventId
from schemas.fields import CONTRACT, Identifier, UtcTime

WORKED_ON: Final = timedelta(days=3)
"""A request that is older is not worked on any more, finished or not."""
MAX_REQUESTS: Final = 100


class RedeliveryRequest(BaseModel):
    """One request."""

    model_config = CONTRACT

    id: Identifier
    subscriber: Identifier
    begin: UtcTime
    """Events whose record on Kafka is of this time or later ..."""
    end: UtcTime
    """... and earlier than this one."""
    event_ids: Annotated[tuple[EventId, ...], Field(max_length=1_000)] = ()
    """Only these; none: all that the subscriber's filter lets pass."""
    requested_at: UtcTime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end <= self.begin:
            raise ValueError("the range ends before it begins")
        return self

    def is_open(self, now: datetime) -> bool:
        """Whether it is worked on."""
        return now < self.requested_at + WORKED_ON


class RedeliveryRegister(BaseModel):
    """Every request that is kept, in the order in which they were made."""

    model_config = CONTRACT

    version: Literal[1] = 1
    requests: Annotated[tuple[RedeliveryRequest, ...], Field(max_length=MAX_REQUESTS)] = ()
