"""What became of handing events to subscribers, newest first, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.read_model.bounds import limit_within, text_within, texts_within, time_within
from services.read_model.connection import Asked
from services.read_model.paging import Key, Page, page_of, question_of, read_cursor
from services.read_model.queries import SQL
from services.read_model.typed import typed


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One attempt: `schemas.delivery.DeliveryAttempt` as it was stored."""

    event_id: str
    alert_id: str | None
    event: str | None
    feed: str | None
    asset: str | None
    lane: str
    subscriber: str
    attempt: int
    redelivery: bool
    outcome: str
    http_status: int | None
    at: datetime
    seconds: float | None
    waited_seconds: float | None
    next_at: datetime | None
    topic: str | None
    partition: int | None
    offset: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which attempts; an empty or None part lets all pass."""

    subscriber: str | None = None
    lane: str | None = None
    outcomes: tuple[str, ...] = ()
    alert_id: str | None = None
    event_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""


ALL: Final = DeliveryFilter()


@dataclass(frozen=True, slots=True)
class SubscriberRow:
    """How one subscriber fares over a span: counts of attempts by outcome, and how long it took."""

    subscriber: str
    delivered: int
    failed: int
    refused: int
    withheld: int
    given_up: int
    last_delivered_at: datetime | None
    last_failed_at: datetime | None
    last_detail: str
    """Of the newest attempt that failed, was refused or given up; empty when none did."""
    p50_seconds: float | None
    """From the event's record on Kafka until it was delivered."""
    p99_seconds: float | None


async def deliveries(
    asked: Asked, which: DeliveryFilter = ALL, *, limit: int = 50, cursor: str | None = None
) -> Page[DeliveryRow]:
    """Attempts, the newest in front.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `alerts.alerts`.
    """
    question = question_of("deliveries", which)
    key: tuple[Any, ...] = (None, None, None, None, None)
    if cursor is not None:
        key = read_cursor(cursor, question, datetime, str, str, int, str)
    limit_within(limit)
    rows = await asked.rows(SQL["deliveries"], *_conditions(which), *key, limit + 1)
    return page_of(typed(DeliveryRow, rows), limit, question=question, key=_key)


async def subscribers(asked: Asked, *, since: datetime) -> list[SubscriberRow]:
    """How each subscriber fares since a moment; one that was handed nothing is not in it.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `alerts.alerts`.
    """
    return typed(SubscriberRow, await asked.rows(SQL["subscribers"], time_within(since, parameter="since")))


def _conditions(which: DeliveryFilter) -> tuple[Any, ...]:
    return (
        text_within(which.subscriber, parameter="subscriber"),
        text_within(which.lane, parameter="lane"),
        texts_within(which.outcomes, parameter="outcomes"),
        text_within(which.alert_id, parameter="alert_id"),
        text_within(which.event_id, parameter="event_id"),
        None if which.since is None else time_within(which.since, parameter="since"),
        None if which.until is None else time_within(which.until, parameter="until"),
    )


def _key(row: DeliveryRow) -> Key:
    return row.at, row.subscriber, row.event_id, row.attempt, row.outcome
