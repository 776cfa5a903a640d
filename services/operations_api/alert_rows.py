"""Lives of alerts as rows of answers. Pure: a row follows from the life, the silences, the places and the moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from schemas.alert import Alert, Severity, Suppression
from schemas.alert_action import AlertAction, SilenceScope
from schemas.fields import Feed
from schemas.verdict import Threshold
from services.alert_life.life import Life, Mark, Standing
from services.alert_life.silences import Silences
from services.operations_api.models.alerts import (
    ActionRow,
    AlertEventRow,
    AlertRow,
    Closed,
    LimitSaid,
    LimitSource,
    SilenceRow,
    Taken,
)
from services.operations_api.places import Place
from services.read_model import alerts as stored

MAP_PATH: Final = "/map/#alert="
PlaceOf = Callable[[Feed | None, str], Place | None]


def row_of(
    life: Life, silences: Silences, place_of: PlaceOf, now: datetime, *, superseded_by: str | None = None
) -> AlertRow:
    """The row of an alert that is known.

    Args:
        life: One whose alert is known.
        superseded_by: See `AlertRow`.
    """
    alert = life.alert
    if alert is None:
        raise ValueError("only actions on this alert are known")
    place = place_of(alert.feed, alert.asset)
    zone = None if place is None else place.zone
    silence = silences.of(alert.lane, alert.asset, zone, now)
    standing = life.standing
    return AlertRow(
        alert_id=alert.alert_id,
        revision=alert.revision,
        seen=life.seen,
        standing=standing,
        severity=alert.severity,
        event=alert.event,
        rule=alert.rule,
        feed=alert.feed,
        lane=alert.lane,
        asset=alert.asset,
        place=alert.place,
        zone=zone,
        longitude=None if place is None else place.longitude,
        latitude=None if place is None else place.latitude,
        text_zh=alert.text.zh,
        text_en=alert.text.en,
        observed_value=alert.observed_value,
        observed_unit=alert.observed_unit,
        threshold=_limit(alert.threshold),
        started_at=alert.started_at,
        raised_at=alert.raised_at,
        ended_at=alert.ended_at,
        acknowledged=_taken(life.acknowledged),
        assignee=life.assignee,
        closed=_closed(life.closed) if standing is Standing.CLOSED else None,
        escalated_at=None if life.escalated is None else life.escalated.at,
        silenced_until=None if silence is None else silence.until,
        superseded_by=superseded_by,
        suppression=alert.suppression,
        received_by=tuple(sorted(life.received)),
        url=f"{MAP_PATH}{alert.alert_id}",
    )


def row_of_stored(row: stored.AlertRow, silences: Silences, now: datetime) -> AlertRow:
    """The same of an alert that the database answers."""
    silence = silences.of(row.lane, row.asset, row.zone, now)
    standing = Standing(row.standing)
    return AlertRow.model_validate(
        {
            "alert_id": row.alert_id,
            "revision": row.revision,
            "seen": row.seen,
            "standing": standing,
            "severity": Severity(row.severity),
            "event": row.event,
            "rule": row.rule,
            "feed": row.feed,
            "lane": row.lane,
            "asset": row.asset,
            "place": row.place,
            "zone": row.zone,
            "longitude": row.longitude,
            "latitude": row.latitude,
            "text_zh": row.text_zh,
            "text_en": row.text_en,
            "observed_value": row.observed_value,
            "observed_unit": row.observed_unit,
            "threshold": {
                "value": row.threshold_value,
                "unit": row.threshold_unit,
                "comparator": row.threshold_comparator,
                "source": {
                    "kind": row.source_kind,
                    "id": row.source_id,
                    "version": row.source_version,
                    "where": row.source_where,
                },
            },
            "started_at": row.started_at,
            "raised_at": row.raised_at,
            "ended_at": row.ended_at,
            "acknowledged": _person(row.acknowledged_at, row.acknowledged_by, row.acknowledged_by_name),
            "assignee": row.assignee,
            "closed": (
                _person(row.closed_at, row.closed_by, row.closed_by_name, words=row.closed_words)
                if standing is Standing.CLOSED
                else None
            ),
            "escalated_at": row.escalated_at,
            "silenced_until": None if silence is None else silence.until,
            "superseded_by": row.superseded_by,
            "suppression": _suppression(row.suppression),
            "received_by": tuple(sorted(row.received_by)),
            "url": f"{MAP_PATH}{row.alert_id}",
        }
    )


def action_row(action: AlertAction) -> ActionRow:
    """The row of an action."""
    return ActionRow(
        action_id=action.action_id,
        kind=action.kind,
        at=action.at,
        actor=action.actor,
        by=action.by,
        by_name=action.by_name,
        words=action.words,
        assignee=action.assignee,
        seen=action.seen,
        scope=action.scope,
        until=action.until,
    )


def event_row(alert: Alert) -> AlertEventRow:
    """The row of one revision."""
    return AlertEventRow(
        event=alert.event,
        revision=alert.revision,
        at=alert.event_time,
        severity=alert.severity,
        text_zh=alert.text.zh,
        text_en=alert.text.en,
    )


def silence_row(silence: AlertAction) -> SilenceRow:
    """The row of a silence."""
    if silence.until is None:
        raise ValueError("a silence has an end")
    return SilenceRow(
        scope=silence.scope or SilenceScope.ASSET,
        place=silence.asset,
        lane=silence.lane,
        since=silence.at,
        until=silence.until,
        by=silence.by,
        by_name=silence.by_name,
        words=silence.words,
    )


def _suppression(stored: Mapping[str, Any] | None) -> Suppression | None:
    """As the database keeps it: JSON, which the contract reads strictly."""
    return None if stored is None else Suppression.model_validate_json(orjson.dumps(stored))


def _limit(threshold: Threshold) -> LimitSaid:
    source = threshold.source
    return LimitSaid(
        value=threshold.value,
        unit=threshold.unit,
        comparator=threshold.comparator,
        source=LimitSource(kind=source.kind, id=source.id, version=source.version, where=source.where),
    )


def _taken(mark: Mark | None) -> Taken | None:
    return None if mark is None else Taken(at=mark.at, by=mark.by, by_name=mark.by_name)


def _closed(mark: Mark | None) -> Closed | None:
    return None if mark is None else Closed(at=mark.at, by=mark.by, by_name=mark.by_name, words=mark.words)


def _person(at: datetime | None, by: str | None, name: str | None, **more: str | None) -> dict[str, object] | None:
    return None if at is None else {"at": at, "by": by, "by_name": name or "", **more}
