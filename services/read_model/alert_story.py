"""What led to one alert and what has been said and done about it since."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from schemas.fields import LIVE, Feed
from schemas.topics import readings_topic
from services.read_model.bounds import limit_within, text_within
from services.read_model.connection import Asked
from services.read_model.errors import QueryRefused
from services.read_model.queries import SQL, of_feed
from services.read_model.readings import StoredReading, stored_readings
from services.read_model.typed import typed


@dataclass(frozen=True, slots=True)
class AlertEventRow:
    """One revision of an alert."""

    event_id: str
    alert_id: str
    revision: int
    event: str
    lane: str
    data: dict[str, Any]
    """The whole alert after the event: `schemas.alert.Alert` as JSON."""
    stored_at: datetime
    """When it was known here."""
    severity: str
    started_at: datetime
    raised_at: datetime
    ended_at: datetime | None
    observed_value: float | None
    observed_unit: str
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class ActionRow:
    """What somebody did about an alert, or a silence."""

    action_id: str
    kind: str
    """acknowledge, assign, comment, close, silence, unsilence, escalate or receive."""
    at: datetime
    actor: str
    """person, consumer or platform."""
    by: str
    by_name: str
    lane: str
    asset: str
    alert_id: str | None
    seen: int | None
    assignee: str | None
    scope: str | None
    until: datetime | None
    words: str
    fate: str | None
    """counts, repeated, overtaken or too_many, where the view says it."""
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """Readings that a verdict rests on."""

    named: int
    """So many the alert names; those that are missing in `readings` are too old, or not stored yet."""
    readings: tuple[StoredReading, ...]
    """In the order of their time."""
    limits: tuple[Mapping[str, Any], ...]
    """The threshold first, then further limits, each with its source: `schemas.verdict.Threshold` as JSON."""


async def ids_beginning_with(asked: Asked, beginning: str, *, limit: int = 6) -> list[str]:
    """Ids of alerts that begin so, in their order.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `alerts.alerts`.
    """
    limit_within(limit)
    if not _ID_BEGINS.fullmatch(beginning):
        return []
    rows = await asked.rows(SQL["alert_ids"], beginning, limit)
    return [row["alert_id"] for row in rows]


async def history_of(asked: Asked, alert_id: str) -> list[AlertEventRow]:
    """Every revision of an alert in its order; none: there is no such alert.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `alerts.alerts`.
    """
    return typed(AlertEventRow, await asked.rows(SQL["alert_events"], text_within(alert_id, parameter="alert_id")))


async def actions_of(asked: Asked, alert_id: str) -> list[ActionRow]:
    """Every action on an alert, in the order of the log.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `alerts.alerts`.
    """
    return typed(ActionRow, await asked.rows(SQL["alert_actions"], text_within(alert_id, parameter="alert_id")))


async def evidence_of(asked: Asked, said: Mapping[str, Any], *, everywhere: bool = False) -> Evidence:
    """Readings and limits behind one revision of an alert.

    Args:
        said: `AlertEventRow.data`.
        everywhere: Look among all readings of the feed, which may take long; otherwise among those of the alert's own
            devices, from two days before it began to two days after it ended.

    Raises:
        QueryRefused: the evidence names a topic that is not one of its feed.
        DatabaseSilent: the database does not answer.
    """
    limits = (said["threshold"], *said.get("limits", ()))
    place = said["evidence"]
    if place is None:
        return Evidence(0, (), limits)
    feed, lane = Feed(said["feed"]), said["lane"]
    if place["topic"] not in _topics_of(feed, lane):
        raise QueryRefused(f"the evidence names topic {place['topic']}, which is not that of feed {feed}.")
    among = (None, None, None) if everywhere else await _neighbourhood(asked, said)
    statement = of_feed("readings_at_places", feed)
    rows = await asked.rows(statement, lane, place["partition"], place["offsets"], *among)
    return Evidence(len(place["offsets"]), tuple(stored_readings(rows)), limits)


_ID_BEGINS: Final = re.compile("[0-9a-f]{1,32}")
_AROUND: Final = timedelta(days=2)
_LONGEST: Final = timedelta(days=31)


async def _neighbourhood(asked: Asked, said: Mapping[str, Any]) -> tuple[list[str], datetime, datetime]:
    """Devices and span in which the readings of an alert lie but for the strangest cases."""
    rows = await asked.rows(SQL["devices_of_asset"], said["lane"], said["feed"], said["asset"])
    began = datetime.fromisoformat(said["started_at"])
    ended = None if said["ended_at"] is None else datetime.fromisoformat(said["ended_at"])
    until = began + _LONGEST if ended is None else ended
    return [row["device_id"] for row in rows], began - _AROUND, until + _AROUND


def _topics_of(feed: Feed, lane: str) -> tuple[str, ...]:
    """Where the readings of a lane may lie: in an older release all lanes shared the topic of live."""
    live = readings_topic(feed)
    return (live,) if lane == LIVE else (readings_topic(feed, live=False), live)
