"""Which alerts nobody has taken within the time of the policy. Pure: records are folded in, time is an argument.

An escalation is an action like any other: a record on `alert-actions`, whose id follows from the alert, so that two
writers, or one that was started again, say the same thing and it counts once.

An alert whose beginning was not read (its first event here is not revision 0: what the log keeps, or how far back a
start looks, begins later) is never escalated, however severe it grows: somebody may have taken it long ago, and the log
has dropped that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from schemas.alert import Alert, Severity
from schemas.alert_action import ActionKind, Actor, AlertAction, AlertSummary, action_id_of
from schemas.fields import LIVE
from services.alert_delivery.escalation_policy import EscalationPolicy
from services.alert_delivery.passing import EXERCISE
from services.alert_life.life import NOTHING_KNOWN, Life, Standing, with_action, with_event
from services.alert_life.silences import Silences

BY: Final = "alert_delivery"
ENDED_KEPT: Final = timedelta(days=1)
"""An alert that has ended is remembered for so long: late data may open it again. So are actions on an alert that is
not known: it may still be to come, as the two topics are not in step."""
_WORST_FIRST: Final = tuple(Severity)
_OVER: Final = frozenset({Standing.RESOLVED, Standing.RETRACTED})


@dataclass(frozen=True, slots=True)
class _Watched:
    life: Life = NOTHING_KNOWN
    since: datetime | None = None
    """When the platform said first that the alert is as severe as it is now, or more; None of what began before."""
    heard_at: datetime | None = None
    """When something was said about it last."""

    @property
    def is_needed(self) -> bool:
        """Whether it may have to be escalated."""
        return self.life.alert is not None and self.life.standing not in _OVER


@dataclass(slots=True)
class Escalations:
    """The alerts that may have to be escalated, from both topics."""

    zones: Mapping[str, str]
    silences: Silences = field(default_factory=Silences)
    _watched: dict[str, _Watched] = field(default_factory=dict)
    _said: set[str] = field(default_factory=set)
    """Ids of alerts whose escalation was handed over, and has not come back yet."""

    def take_alert(self, alert: Alert, said_at: datetime) -> None:
        """Follow an event of the processors.

        Args:
            said_at: When it came to Kafka.
        """
        if not _is_followed(alert.lane):
            return
        known = self._watched.get(alert.alert_id, _Watched())
        before = known.life.alert
        life = with_event(known.life, alert)
        since = known.since
        if before is None:
            since = said_at if alert.revision == 0 else None
        elif since is not None and _is_worse(alert.severity, before.severity):
            since = said_at
        self._watched[alert.alert_id] = _Watched(life, since, said_at)

    def take_action(self, action: AlertAction, said_at: datetime) -> None:
        """Follow what was done."""
        if not _is_followed(action.lane):
            return
        self.silences.take(action)
        if action.alert is None:
            return
        known = self._watched.get(action.alert.alert_id, _Watched())
        life, _ = with_action(known.life, action)
        if life.escalated is not None:
            self._said.discard(action.alert.alert_id)
        # What was said word for word is not needed here; what counts is kept.
        self._watched[action.alert.alert_id] = replace(known, life=replace(life, actions=()), heard_at=said_at)

    def due(self, policy: EscalationPolicy, now: datetime) -> Iterator[AlertAction]:
        """What has to be escalated now; each alert once."""
        if not policy.is_in_force(now):
            return
        for alert_id, watched in self._watched.items():
            alert = watched.life.alert
            if alert is None or watched.since is None or watched.life.escalated or alert_id in self._said:
                continue
            if alert.suppression is not None or watched.life.standing is not Standing.OPEN:
                continue
            after = policy.after(alert.severity)
            if after is None or now < watched.since + after or self._is_silenced(alert, now):
                continue
            yield _escalation(alert, self.zones.get(alert.asset), after, policy, now)

    def said(self, action: AlertAction) -> None:
        """An escalation was handed to Kafka."""
        if action.alert is not None:
            self._said.add(action.alert.alert_id)

    def forget(self, now: datetime) -> None:
        """Let go of alerts that have ended long ago, and of actions on alerts that did not come."""
        gone = [
            alert_id
            for alert_id, watched in self._watched.items()
            if not watched.is_needed and watched.heard_at is not None and watched.heard_at + ENDED_KEPT < now
        ]
        for alert_id in gone:
            del self._watched[alert_id]
            self._said.discard(alert_id)

    def __len__(self) -> int:
        return len(self._watched)

    def _is_silenced(self, alert: Alert, now: datetime) -> bool:
        return self.silences.of(alert.lane, alert.asset, self.zones.get(alert.asset), now) is not None


def _is_followed(lane: str) -> bool:
    return lane == LIVE or lane.startswith(EXERCISE)


def _is_worse(one: Severity, other: Severity) -> bool:
    return _WORST_FIRST.index(one) < _WORST_FIRST.index(other)


def _escalation(
    alert: Alert, zone: str | None, after: timedelta, policy: EscalationPolicy, now: datetime
) -> AlertAction:
    minutes = f"{after.total_seconds() / 60:g}"
    return AlertAction(
        action_id=action_id_of("escalate", alert.alert_id),
        kind=ActionKind.ESCALATE,
        at=now,
        actor=Actor.PLATFORM,
        by=BY,
        lane=alert.lane,
        asset=alert.asset,
        alert=AlertSummary.of(alert, zone),
        words=f"{minutes} 分钟内无人受理。 Nobody has taken it within {minutes} min ({policy.source}).",
    )
