"""The books: ledger, deliveries, feeds' health, audit."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from schemas.audit import AuditRecord
from schemas.delivery import DeliveryOutcome
from schemas.fields import Count, Feed
from services.operations_api.models.shared import ANSWER, Cursor


class FeedRow(BaseModel):
    """How one feed comes in."""

    model_config = ANSWER

    feed: Feed
    registered: Count
    """Devices by the register."""
    heard: Count
    """Of them heard within their time."""
    last_seen_at: datetime | None
    readings_per_second: float | None
    completeness: float | None


class FeedList(BaseModel):
    """Feeds, and what is wrong with the platform itself."""

    model_config = ANSWER

    items: tuple[FeedRow, ...]
    platform_alerts: Count
    """Open alerts about the platform (`platform.…`)."""


class FeedLedger(BaseModel):
    """Books of one feed: received = stored + duplicates + dead-lettered, but for what is in flight."""

    model_config = ANSWER

    feed: Feed
    received: int
    stored: int
    duplicates: int
    dead_lettered: int
    difference: int
    in_flight: int | None
    lost_records: int
    updated_at: datetime | None


class DeviceHour(BaseModel):
    """One device and hour: sent = stored + repeated + refused + missing."""

    model_config = ANSWER

    feed: Feed
    device_id: str
    hour: datetime
    sent: int
    stored: int
    repeated: int
    refused: int
    missing: int


class LogGap(BaseModel):
    """Records that were gone from Kafka before they were stored."""

    model_config = ANSWER

    topic: str
    partition: Count
    first_offset: int
    last_offset: int
    records: int
    why: str
    since: datetime | None
    until: datetime | None
    noticed_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None


class Ledger(BaseModel):
    """What became of every record."""

    model_config = ANSWER

    feeds: tuple[FeedLedger, ...]
    hours: tuple[DeviceHour, ...]
    """Of the device asked for."""
    gaps: tuple[LogGap, ...]


class DeliveryRow(BaseModel):
    """One attempt to hand an event to a subscriber."""

    model_config = ANSWER

    event_id: str
    alert_id: str | None
    event: str | None
    subscriber: str
    attempt: int
    redelivery: bool
    lane: str
    outcome: DeliveryOutcome
    http_status: int | None
    at: datetime
    seconds: float | None
    waited_seconds: float | None
    next_at: datetime | None
    detail: str


class DeliveryPage(BaseModel):
    """Attempts, the newest first."""

    model_config = ANSWER

    items: tuple[DeliveryRow, ...]
    next_cursor: Cursor | None


class AuditPage(BaseModel):
    """Writes, the newest first."""

    model_config = ANSWER

    items: tuple[AuditRecord, ...]
    next_cursor: Cursor | None
