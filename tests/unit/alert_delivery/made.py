"""Events and subscriptions of tests about deliveries."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import SecretStr

from schemas.alert import Alert, AlertEventType, AlertText, Severity, Suppression, alert_id
from schemas.alert_action import ActionKind, Actor, AlertAction, AlertSummary, SilenceScope, action_id_of
from schemas.fields import LIVE, Feed
from schemas.subscription import Filter, SigningSecret, Subscription
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource

START: Final = datetime(2026, 7, 1, 8, tzinfo=UTC)
SOURCE: Final = ThresholdSource(kind=SourceKind.POLICY, id="p", version="1", where="owner", valid_from=START.date())
SECRET: Final = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OTHER_SECRET: Final = "whsec_" + base64.b64encode(b"fedcba9876543210fedcba9876543210").decode()


def seconds(number: float) -> datetime:
    return START + timedelta(seconds=number)


def alert(
    asset: str = "lot-1",
    revision: int = 0,
    event: AlertEventType = AlertEventType.RAISED,
    *,
    severity: Severity = Severity.YELLOW,
    raised_at: datetime = START,
    ended_at: datetime | None = None,
    lane: str = LIVE,
    suppression: Suppression | None = None,
    episode: str = "1",
    rule: str = "parking.full",
) -> Alert:
    return Alert(
        alert_id=alert_id(rule, asset, lane, episode),
        revision=revision,
        event=event,
        rule=rule,
        feed=Feed.PARKING,
        lane=lane,
        asset=asset,
        place=f"Car park {asset}",
        severity=severity,
        started_at=raised_at,
        raised_at=raised_at,
        ended_at=ended_at,
        observed_value=1.0,
        observed_unit="1",
        threshold=Threshold(id="parking.full", value=1.0, unit="1", comparator=Comparator.LT, source=SOURCE),
        suppression=suppression,
        evidence=None,
        text=AlertText(zh="停车场已满", en="The car park is full"),
    )


def resolved(asset: str = "lot-1", revision: int = 1, *, raised_at: datetime = START) -> Alert:
    ended_at = raised_at + timedelta(minutes=5)
    return alert(asset, revision, AlertEventType.RESOLVED, raised_at=raised_at, ended_at=ended_at)


def action(kind: ActionKind, about: Alert, at: datetime, *, seen: int | None = None, **more: Any) -> AlertAction:
    fields: dict[str, Any] = {
        "action_id": action_id_of(kind, about.alert_id, at.isoformat()),
        "kind": kind,
        "at": at,
        "actor": Actor.PERSON,
        "by": "wang",
        "lane": about.lane,
        "asset": about.asset,
        "alert": AlertSummary.of(about, "cbd"),
        "seen": seen,
        "words": "because" if kind in (ActionKind.CLOSE, ActionKind.COMMENT) else "",
    }
    return AlertAction.model_validate(fields | more)


def silence(
    place: str, at: datetime, until: datetime, *, scope: SilenceScope = SilenceScope.ASSET, lane: str = LIVE
) -> AlertAction:
    return AlertAction(
        action_id=action_id_of("silence", place, at.isoformat()),
        kind=ActionKind.SILENCE,
        at=at,
        actor=Actor.PERSON,
        by="wang",
        lane=lane,
        asset=place,
        scope=scope,
        until=until,
        words="works",
    )


def subscription(
    subscription_id: str = "brain", url: str = "https://brain.example/alerts", **more: Any
) -> Subscription:
    fields: dict[str, Any] = {
        "id": subscription_id,
        "url": url,
        "filter": Filter(),
        "secrets": (SigningSecret(secret=SecretStr(SECRET), added_at=START),),
        "added_at": START,
    }
    return Subscription.model_validate(fields | more)
