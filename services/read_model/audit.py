"""The audit of a span: what each device must have sent, by its numbers, and what became of each number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schemas.fields import LIVE, Feed
from services.read_model.bounds import limit_within, span_within, text_within
from services.read_model.connection import Asked
from services.read_model.ledger import GAPS_MOST
from services.read_model.queries import SQL
from services.read_model.typed import typed

AUDIT_MOST: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One boot of a device: sent = stored + refused + gone + missing + difference."""

    feed: str
    device_id: str
    boot_id: str
    first_seq: int
    """The number behind the last one that is known from before the span."""
    last_seq: int
    sent: int
    """Numbers from the first to the last."""
    stored: int
    """Rows in the readings themselves."""
    refused: int
    """Numbers that are in dead letters and nowhere else."""
    gone: int
    """Dropped for their age, or before the ledger began."""
    missing: int
    missing_numbers: str
    """Ranges, as PostgreSQL writes an `int8multirange`."""

    @property
    def difference(self) -> int:
        """Not zero: the ledger of numbers and the readings contradict each other."""
        return self.sent - self.stored - self.refused - self.gone - self.missing


@dataclass(frozen=True, slots=True)
class RepeatRow:
    """Readings of a device that came again unchanged."""

    feed: str
    device_id: str
    n: int


@dataclass(frozen=True, slots=True)
class MissingRow:
    """Numbers of a boot that are missing and of which nobody has taken note."""

    feed: str
    lane: str
    device_id: str
    boot_id: str
    noticed_at: datetime
    n: int
    numbers: str
    is_alert: bool
    """They have been missing for too long."""


async def audit(
    asked: Asked,
    *,
    since: datetime,
    until: datetime,
    feed: Feed | None = None,
    lane: str = LIVE,
    device: str | None = None,
) -> list[AuditRow]:
    """Each boot that was heard in a span, by feed, device and boot.

    Args:
        since: Event time; numbers that are missing just before the first reading of the span belong to it.
        until: Exclusive; at most 31 days after `since`.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(AuditRow, await asked.rows(SQL["audit"], *_asked_of(feed, lane, device), *_span(since, until)))


async def repeats(
    asked: Asked,
    *,
    since: datetime,
    until: datetime,
    feed: Feed | None = None,
    lane: str = LIVE,
    device: str | None = None,
) -> list[RepeatRow]:
    """Readings that came again unchanged, by feed and device; whole hours of measurement.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    wanted = *_asked_of(feed, lane, device), *_span(since, until)
    return typed(RepeatRow, await asked.rows(SQL["audit_repeats"], *wanted))


async def missing(
    asked: Asked, *, feed: Feed | None = None, device: str | None = None, limit: int = GAPS_MOST
) -> list[MissingRow]:
    """Numbers of live devices that are missing and of which nobody has taken note, the oldest first.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    wanted = feed, text_within(device, parameter="device"), limit_within(limit, most=GAPS_MOST)
    return typed(MissingRow, await asked.rows(SQL["readings_missing"], *wanted))


def _asked_of(feed: Feed | None, lane: str, device: str | None) -> tuple[Feed | None, str, str | None]:
    return feed, text_within(lane, parameter="lane"), text_within(device, parameter="device")


def _span(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    return span_within(since, until, most=AUDIT_MOST)
