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


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which span of which devices; a part that is None lets all pass."""

    since: datetime
    """Event time; numbers that are missing just before the first reading of the span belong to it."""
    until: datetime
    """Exclusive; at most 31 days after `since`."""
    feed: Feed | None = None
    lane: str = LIVE
    device: str | None = None

    def arguments(self) -> tuple[Feed | None, str, str | None, datetime, datetime]:
        """As the statements want them.

        Raises:
            RequestRefused: a part is none that can be asked for.
        """
        lane, device = text_within(self.lane, parameter="lane"), text_within(self.device, parameter="device")
        return self.feed, lane, device, *span_within(self.since, self.until, most=AUDIT_MOST)


async def audit(asked: Asked, which: AuditFilter) -> list[AuditRow]:
    """Each boot that was heard in a span, by feed, device and boot.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(AuditRow, await asked.rows(SQL["audit"], *which.arguments()))


async def repeats(asked: Asked, which: AuditFilter) -> list[RepeatRow]:
    """Readings that came again unchanged, by feed and device; whole hours of measurement.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(RepeatRow, await asked.rows(SQL["audit_repeats"], *which.arguments()))


async def missing(
    asked: Asked, *, feed: Feed | None = None, device: str | None = None, limit: int = GAPS_MOST
) -> list[MissingRow]:
    """Numbers of live devices that are missing and of which nobody has taken note, the oldest first.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    wanted = feed, text_within(device, parameter="device"), limit_within(limit, most=GAPS_MOST)
    return typed(MissingRow, await asked.rows(SQL["readings_missing"], *wanted))
