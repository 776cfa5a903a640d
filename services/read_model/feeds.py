"""Whether the data is coming: each feed's health and totals, dead letters by reason, the sink's place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.read_model.connection import Asked
from services.read_model.queries import SQL
from services.read_model.typed import typed


@dataclass(frozen=True, slots=True)
class FeedHealthRow:
    """One feed of real life."""

    feed: str
    registered: int
    """Devices in the register."""
    known: int
    """Devices that were ever heard."""
    heard: int
    """Devices that were heard within the last hour."""
    last_seen_at: datetime | None
    readings_per_s: float
    """Over the last five minutes."""
    completeness: float | None
    """Heard over registered, at most 1; None while none is registered."""


@dataclass(frozen=True, slots=True)
class FeedTotalsRow:
    """What became of a feed's readings, from the beginning, of all lanes."""

    feed: str
    devices: int
    readings: int
    stored: int
    duplicates: int
    dead_lettered: int


@dataclass(frozen=True, slots=True)
class DeadLetterReasonRow:
    """Dead letters of one reason."""

    source: str
    feed: str | None
    reason: str
    n: int


@dataclass(frozen=True, slots=True)
class SinkPlaceRow:
    """How far the sink is in one partition."""

    cluster_id: str
    topic: str
    partition: int
    next_offset: int
    ticks: int
    last_timestamp: int | None
    """Kafka's time of the record before `next_offset`, in milliseconds; None: not known."""
    proof_offset: int | None
    """A record that was of this log when it was last asked for; None: none is known."""
    proof_timestamp: int | None
    """Kafka's time of that record, in milliseconds."""
    idle_seconds: float


async def feed_health(asked: Asked) -> list[FeedHealthRow]:
    """Every feed.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(FeedHealthRow, await asked.rows(SQL["feed_health"]))


async def feed_totals(asked: Asked) -> list[FeedTotalsRow]:
    """Every feed.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(FeedTotalsRow, await asked.rows(SQL["feed_totals"]))


async def dead_letter_reasons(asked: Asked) -> list[DeadLetterReasonRow]:
    """Dead letters by source, feed and reason.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(DeadLetterReasonRow, await asked.rows(SQL["dead_letter_reasons"]))


async def sink_places(asked: Asked) -> list[SinkPlaceRow]:
    """The sink's place in each partition of each Kafka cluster.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(SinkPlaceRow, await asked.rows(SQL["sink_places"]))
