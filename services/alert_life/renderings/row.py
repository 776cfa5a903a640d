"""An event as one flat row: a name and a plain value a column, for tables, spreadsheets and lines of JSON.

An alert and an action have the same columns; those that do not apply are null. Times are RFC 3339 with `Z`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.alert import Alert
from schemas.alert_action import AlertAction
from services.alert_life.renderings.cloudevents import event_id

Value = str | int | float | None

COLUMNS: Final = (
    *("event_id", "event", "event_time", "alert_id", "revision", "rule", "feed", "lane", "asset", "place", "severity"),
    *("started_at", "raised_at", "ended_at", "observed_value", "observed_unit"),
    *("threshold_id", "threshold_comparator", "threshold_value", "threshold_unit"),
    *("source_kind", "source_id", "source_version", "source_where"),
    *("suppression", "suppressed_by", "text_zh", "text_en"),
    *("action", "actor", "acted_by", "acted_by_name", "assignee", "silence_scope", "silence_until", "words"),
)
"""Columns in their order; new ones come at the end."""


def row(event: Alert | AlertAction) -> dict[str, Value]:
    """The row of an event: every column, in the order of `COLUMNS`."""
    found = _of_alert(event) if isinstance(event, Alert) else _of_action(event)
    return {name: found.get(name) for name in COLUMNS}


def _of_alert(alert: Alert) -> dict[str, Value]:
    threshold, source, suppression = alert.threshold, alert.threshold.source, alert.suppression
    return {
        "event_id": event_id(alert),
        "event": alert.event.value,
        "event_time": _time(alert.event_time),
        "alert_id": alert.alert_id,
        "revision": alert.revision,
        "rule": alert.rule,
        "feed": alert.feed.value,
        "lane": alert.lane,
        "asset": alert.asset,
        "place": alert.place,
        "severity": alert.severity.value,
        "started_at": _time(alert.started_at),
        "raised_at": _time(alert.raised_at),
        "ended_at": _time(alert.ended_at),
        "observed_value": alert.observed_value,
        "observed_unit": alert.observed_unit,
        "threshold_id": threshold.id,
        "threshold_comparator": threshold.comparator.value,
        "threshold_value": threshold.value,
        "threshold_unit": threshold.unit,
        "source_kind": source.kind.value,
        "source_id": source.id,
        "source_version": source.version,
        "source_where": source.where,
        "suppression": None if suppression is None else suppression.kind.value,
        "suppressed_by": None if suppression is None else suppression.by,
        "text_zh": alert.text.zh,
        "text_en": alert.text.en,
    }


def _of_action(action: AlertAction) -> dict[str, Value]:
    about = action.alert
    of_alert: dict[str, Value] = {}
    if about is not None:
        of_alert = {
            "alert_id": about.alert_id,
            "revision": about.revision,
            "rule": about.rule,
            "feed": about.feed.value,
            "place": about.place,
            "severity": about.severity.value,
            "raised_at": _time(about.raised_at),
        }
    return of_alert | {
        "event_id": event_id(action),
        "event": action.event,
        "event_time": _time(action.event_time),
        "lane": action.lane,
        "asset": action.asset,
        "action": action.kind.value,
        "actor": action.actor.value,
        "acted_by": action.by,
        "acted_by_name": action.by_name,
        "assignee": action.assignee,
        "silence_scope": None if action.scope is None else action.scope.value,
        "silence_until": _time(action.until),
        "words": action.words,
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
