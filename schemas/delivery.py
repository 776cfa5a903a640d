"""What became of handing an event to a subscriber: one record an attempt; topic `deliveries`, key: the subscriber."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from schemas.fields import CONTRACT, NO_CONTROL_CHARACTER, Count, Feed, Identifier, Lane, UtcTime

EventId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}(-[0-9]{1,10})?$")]
"""CloudEvents `id`: alert id and revision, or the id of an action."""


class DeliveryOutcome(StrEnum):
    """Fate of one attempt, or of the event at this subscriber."""

    DELIVERED = "delivered"
    """The subscriber has answered 2xx."""
    FAILED = "failed"
    """No answer, or one that may be better next time (5xx, 429): it is tried again."""
    REFUSED = "refused"
    """An answer that will not change (4xx, a redirect): this event is not tried again."""
    WITHHELD = "withheld"
    """Not sent: the asset is silenced."""
    GIVEN_UP = "given_up"
    """Tried for as long as the subscription says; it waits to be redelivered."""


class DeliveryAttempt(BaseModel):
    """One attempt."""

    model_config = CONTRACT

    event_id: EventId
    alert_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None
    """The alert that the event is about; null of silences."""
    event: Annotated[str, Field(pattern=r"^[a-z]{3,20}$")]
    """`raised`, `resolved`, `acknowledged`, …"""
    feed: Feed | None
    asset: Identifier
    lane: Lane
    subscriber: Identifier
    attempt: Annotated[int, Field(ge=1, le=2**31 - 1)]
    """Counts up from 1 for each event and subscriber, over redeliveries too."""
    redelivery: bool = False
    """Asked for by an operator."""
    outcome: DeliveryOutcome
    http_status: Annotated[int, Field(ge=100, le=599)] | None = None
    at: UtcTime
    """When it was sent."""
    seconds: Annotated[float, Field(ge=0, le=86_400)]
    """Until the answer."""
    waited_seconds: Annotated[float, Field(ge=0, le=1e9)]
    """From the event's record on Kafka until this attempt."""
    next_at: UtcTime | None = None
    """When it will be tried again."""
    partition: Count
    offset: Annotated[int, Field(ge=0, le=2**53 - 1)]
    """Where the event stands on its topic."""
    topic: Annotated[str, Field(max_length=100)]
    detail: Annotated[str, Field(max_length=500, pattern=NO_CONTROL_CHARACTER)] = ""
    """What went wrong, and what to do."""

    def kafka_key(self) -> bytes:
        """Record key: the subscriber, so that its attempts stand in their order."""
        return self.subscriber.encode()
