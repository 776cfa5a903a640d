"""What became of every record, what was gone from Kafka, which numbers of devices are missing, what does not agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from schemas.fields import LIVE, Feed
from services.read_model.bounds import limit_within, number_within, span_within, text_within
from services.read_model.connection import Asked
from services.read_model.queries import SQL
from services.read_model.typed import typed

SPAN_MOST: Final = timedelta(days=31)
GAPS_MOST: Final = 100_000


@dataclass(frozen=True, slots=True)
class BookRow:
    """The books of one feed: received = stored + duplicates + dead_lettered + difference."""

    feed: str
    received: int
    stored: int
    duplicates: int
    dead_lettered: int
    difference: int
    in_flight: int
    updated_at: datetime | None
    lost_records: int


@dataclass(frozen=True, slots=True)
class LogGapRow:
    """Records that were gone from Kafka before they were stored."""

    cluster_id: str
    topic: str
    partition: int
    first_offset: int
    last_offset: int
    records: int
    why: str
    since: datetime | None
    until: datetime | None
    noticed_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True)
class DeviceGapRow:
    """Numbers that a device must have used and that are neither stored nor refused."""

    feed: str
    lane: str
    device_id: str
    boot_id: str
    first_seq: int
    last_seq: int
    n: int


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """A reading whose lane, device, boot and number were stored before with another time or other values."""

    received_at: datetime
    feed: str
    lane: str
    device_id: str
    boot_id: str
    seq: int
    detail: str
    stored: dict[str, Any] | None
    refused: str


@dataclass(frozen=True, slots=True)
class DeviceHourRow:
    """One hour of one device: sent = stored + repeated + refused + missing."""

    feed: str
    lane: str
    device_id: str
    bucket: datetime
    sent: int
    stored: int
    repeated: int
    refused: int
    missing: int


async def books(asked: Asked, *, feed: Feed | None = None) -> list[BookRow]:
    """The books of each feed, from the beginning.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(BookRow, await asked.rows(SQL["books"], feed))


async def log_gaps(asked: Asked, *, limit: int = 50) -> list[LogGapRow]:
    """Gaps in Kafka's logs, those that nobody took note of first, the newest first.

    Raises:
        LimitRefused, DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(LogGapRow, await asked.rows(SQL["log_gaps"], limit_within(limit, most=GAPS_MOST)))


async def open_log_gaps(asked: Asked, *, topic: str | None = None, partition: int | None = None) -> list[LogGapRow]:
    """Gaps that nobody has taken note of, the oldest first.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    wanted = text_within(topic, parameter="topic"), number_within(partition, parameter="partition")
    return typed(LogGapRow, await asked.rows(SQL["open_log_gaps"], *wanted))


async def device_gaps(
    asked: Asked, *, feed: Feed | None = None, lane: str = LIVE, device: str | None = None, limit: int = 50
) -> list[DeviceGapRow]:
    """Numbers that are missing, by feed, device and boot.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    wanted = (
        feed,
        text_within(lane, parameter="lane"),
        text_within(device, parameter="device"),
        limit_within(limit, most=GAPS_MOST),
    )
    return typed(DeviceGapRow, await asked.rows(SQL["device_gaps"], *wanted))


async def conflicts(
    asked: Asked, *, feed: Feed | None = None, lane: str = LIVE, device: str | None = None, limit: int = 50
) -> list[ConflictRow]:
    """Readings that contradict a stored one, the newest first.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    wanted = (
        feed,
        text_within(lane, parameter="lane"),
        text_within(device, parameter="device"),
        limit_within(limit, most=GAPS_MOST),
    )
    return typed(ConflictRow, await asked.rows(SQL["conflicts"], *wanted))


async def device_hours(
    asked: Asked, device: str, *, since: datetime, until: datetime, lane: str = LIVE
) -> list[DeviceHourRow]:
    """The ledger of one device by hour of measurement, in the order of time.

    Args:
        until: Exclusive; at most 31 days after `since`.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    text_within(device, parameter="device")
    first, last = span_within(since, until, most=SPAN_MOST)
    return typed(
        DeviceHourRow, await asked.rows(SQL["device_hours"], text_within(lane, parameter="lane"), device, first, last)
    )
