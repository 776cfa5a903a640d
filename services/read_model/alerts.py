"""Alerts as they stand, or as they were known to stand; newest first, page by page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from schemas.alert import Severity
from schemas.fields import LIVE, Feed
from services.read_model.bounds import limit_within, text_within, texts_within, time_within
from services.read_model.connection import Asked, Row
from services.read_model.paging import Page, page_of, question_of, read_cursor
from services.read_model.queries import SQL
from services.read_model.typed import typed


class Standing(StrEnum):
    """How an alert stands for those who work on it; the words of `services.alert_life.life.Standing`."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    RESOLVED = "resolved"
    RETRACTED = "retracted"


UNENDED: Final = (Standing.OPEN, Standing.ACKNOWLEDGED, Standing.CLOSED)
"""What has neither ended nor been retracted."""


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert: its newest revision, the asset it is about, and what people did about it."""

    lane: str
    alert_id: str
    revision: int
    event: str
    """What the processors said last: raised, updated, escalated, resolved, amended or retracted."""
    feed: str
    rule: str
    asset: str
    place: str
    severity: str
    """I (worst) to IV."""
    started_at: datetime
    raised_at: datetime
    ended_at: datetime | None
    observed_value: float | None
    observed_unit: str
    threshold_value: float
    threshold_unit: str
    threshold_comparator: str
    source_kind: str
    source_id: str
    source_version: str
    source_where: str
    text_zh: str
    text_en: str
    evidence: dict[str, Any] | None
    """`topic`, `partition`, `offsets` of the readings; see `alert_story.evidence_of`."""
    superseded_by: str | None
    """The next later alert of the same rule and asset that is open as well; such a one is in no list of open alerts."""
    suppressed: bool
    suppression: dict[str, Any] | None
    """`kind`, `by`, `until` while the alert is recorded and not passed on."""
    members: list[list[str]]
    """(rule, asset) of the alerts that this one stands for."""
    limits: list[dict[str, Any]]
    """Further limits that the verdict rests on, each with its source."""
    asset_kind: str | None
    """None where the register has no such asset; then it has no position."""
    asset_name_zh: str
    asset_name_en: str
    zone: str | None
    longitude: float | None
    latitude: float | None
    standing: Standing
    seen: int
    """Exclusive actions (acknowledge, assign, close) that counted."""
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_by_name: str | None
    assignee: str | None
    closed_at: datetime | None
    closed_by: str | None
    closed_by_name: str | None
    closed_words: str | None
    escalated_at: datetime | None
    received_by: tuple[str, ...]
    """Consumers that have it in their books."""
    time_to_acknowledge_s: float | None
    """From raising (event time) until somebody took it."""
    time_to_resolve_s: float | None
    """From raising until its end (event time); None while it lasts, and of what was retracted."""


@dataclass(frozen=True, slots=True)
class OpenAlertRow:
    """What an operator's screen shows of an open alert."""

    lane: str
    alert_id: str
    feed: str
    rule: str
    asset: str
    place: str
    severity: str
    started_at: datetime
    raised_at: datetime | None
    observed_value: float | None
    observed_unit: str
    threshold_value: float
    threshold_unit: str
    threshold_comparator: str
    source_kind: str
    source_id: str
    source_where: str
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts; an empty or None part lets all pass."""

    lane: str | None = LIVE
    standing: tuple[Standing, ...] = ()
    """`open`, `acknowledged` and `closed` leave out alerts that a later one of the same rule and asset stands for."""
    feeds: tuple[Feed, ...] = ()
    severities: tuple[Severity, ...] = ()
    zones: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    asset: str | None = None
    """Alerts about this asset (the id, whatever its kind)."""
    assignee: str | None = None
    words: str | None = None
    """Part of the place, the texts, the rule or the asset's id or names; letters' case does not matter."""
    started_from: datetime | None = None
    started_until: datetime | None = None
    """Exclusive."""


ALL_LIVE: Final = AlertFilter()


async def alerts(
    asked: Asked, which: AlertFilter = ALL_LIVE, *, limit: int = 50, cursor: str | None = None
) -> Page[AlertRow]:
    """Alerts as they stand now, the one that began last in front.

    Args:
        limit: 1 to 1,000.
        cursor: `next_cursor` of the page before, with the same filter.

    Raises:
        RequestRefused: a bound, a text or the cursor is wrong.
        DatabaseSilent: the database does not answer.
        QueryRefused: it refuses.
    """
    question = question_of("alerts", which)
    key: tuple[Any, ...] = (None, None)
    if cursor is not None:
        key = read_cursor(cursor, question, datetime, str)
    limit_within(limit)
    rows = await asked.rows(SQL["alerts"], *_conditions(which), *key, limit + 1)
    return page_of(_rows(rows), limit, question=question, key=lambda row: (row.started_at, row.alert_id))


async def alert(asked: Asked, alert_id: str) -> AlertRow | None:
    """One alert as it stands now; None when there is none of this id.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: as `alerts`.
    """
    rows = await asked.rows(SQL["alert"], text_within(alert_id, parameter="alert_id"))
    return _rows(rows)[0] if rows else None


async def open_alerts_as_of(asked: Asked, as_of: datetime, *, lane: str = LIVE, limit: int = 1_000) -> list[AlertRow]:
    """Alerts that were open at a moment as was known then: of each alert its last revision that was stored by then.

    What late data said afterwards (amended, retracted, an earlier end) is not in them; what lay in Kafka while the
    database was down was not known then either. Standing and the marks of people are those of actions that were stored
    by then. The worst first. Names and positions are those of today's register.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: as `alerts`.
    """
    moment = time_within(as_of, parameter="as_of")
    wanted = text_within(lane, parameter="lane"), moment, limit_within(limit)
    return _rows(await asked.rows(SQL["alerts_as_of"], *wanted))


async def open_alerts(asked: Asked, *, limit: int | None = None) -> list[OpenAlertRow]:
    """Open alerts of every lane, suppressed ones too: real life first, then the worst, then the newest.

    Args:
        limit: None: all of them.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: as `alerts`.
    """
    most = None if limit is None else limit_within(limit)
    return typed(OpenAlertRow, await asked.rows(SQL["open_alerts"], most))


async def open_alerts_by_lane(asked: Asked) -> dict[str, int]:
    """How many alerts are open in each lane.

    Raises:
        DatabaseSilent, QueryRefused: as `alerts`.
    """
    return {row["lane"]: row["n"] for row in await asked.rows(SQL["open_alerts_by_lane"])}


def _conditions(which: AlertFilter) -> tuple[Any, ...]:
    return (
        text_within(which.lane, parameter="lane"),
        list(which.standing) or None,
        bool(which.standing) and set(UNENDED).issuperset(which.standing),
        list(which.feeds) or None,
        list(which.severities) or None,
        texts_within(which.zones, parameter="zones"),
        texts_within(which.rules, parameter="rules"),
        text_within(which.asset, parameter="asset"),
        text_within(which.assignee, parameter="assignee"),
        text_within(which.words, parameter="words"),
        None if which.started_from is None else time_within(which.started_from, parameter="started_from"),
        None if which.started_until is None else time_within(which.started_until, parameter="started_until"),
    )


def _rows(rows: list[Row]) -> list[AlertRow]:
    return [
        replace(row, standing=Standing(row.standing), received_by=tuple(row.received_by or ()))
        for row in typed(AlertRow, rows)
    ]
