"""A lane other than `live`: opened, driven and closed by the operator; what its judging has come to."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from schemas.fields import CONTRACT, NO_CONTROL_CHARACTER, Count, Feed, Lane, Offset, UtcTime


class LanePhase(StrEnum):
    """Where a lane stands in one partition."""

    OPEN = "open"
    CLOSED = "closed"
    """Everything is judged, the lane's memory is given back."""
    REFUSED = "refused"
    """It was not opened: too many are open."""


class LaneStatus(BaseModel):
    """What one partition has judged of a lane; topic `lanes`, key `<feed>/<lane>/<partition>`."""

    model_config = CONTRACT

    feed: Feed
    lane: Lane
    partition: Count
    phase: LanePhase
    opened_offset: Offset
    """Offset of the clock message that opened it: tells one opening from the next."""
    next_offset: Offset
    """Everything before it has been judged."""
    clock: UtcTime | None
    """The lane's own time."""
    judged: Offset
    """Readings of this opening that were judged, whatever became of them."""
    refused: Offset = 0
    """Readings of this opening that are in the dead letters because their judging failed."""
    at: UtcTime
    """When this was said."""
    detail: Annotated[str, Field(max_length=500, pattern=NO_CONTROL_CHARACTER)] = ""
    """Why it was refused, and what to do."""

    def kafka_key(self) -> bytes:
        """Record key."""
        return f"{self.feed}/{self.lane}/{self.partition}".encode()
