"""Folds the events and actions of one alert into its life. Pure.

    alerts          raised ─────── updated ──────────────────────────── resolved
    alert-actions           ack(seen 0)   ack(seen 0)  assign(seen 1)
                            counts        overtaken    counts

Both topics have the asset as key, so each is in order for itself; how they interleave depends on who reads. Therefore
which action counts follows from the actions alone, and how the alert stands from both: every reader ends with the same.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from schemas.alert import Alert, AlertEventType, Severity
from schemas.alert_action import EXCLUSIVE, ActionKind, Actor, AlertAction

_WORST_FIRST: Final = tuple(Severity)
COMMENTS_KEPT: Final = 1_000
"""So many comments on one alert count. They hold back nothing else: neither an escalation nor a consumer's receipt."""
EXCLUSIVE_KEPT: Final = 1_000
"""So many exclusive actions on one alert count: a life stays small, and folding it cheap. Its end does not need any."""


class Fate(StrEnum):
    """What became of an action."""

    COUNTS = "counts"
    REPEATED = "repeated"
    """The same action has been counted, or the consumer has said before that it has the alert."""
    OVERTAKEN = "overtaken"
    """Somebody else acted first; nothing has changed."""
    TOO_MANY = "too_many"
    """The alert has more comments, or has been taken, assigned and closed more often, than anyone reads."""


class Standing(StrEnum):
    """How an alert stands for those who work on it."""

    OPEN = "open"
    """Nobody has taken it."""
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    """An operator has closed it; the platform still sees the cause."""
    RESOLVED = "resolved"
    RETRACTED = "retracted"


@dataclass(frozen=True, slots=True)
class Mark:
    """Who did something, and when."""

    at: datetime
    by: str
    by_name: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """One alert: never changed, only replaced."""

    alert: Alert | None = None
    """Its newest revision; None while only actions are known."""
    seen: int = 0
    """Exclusive actions that counted."""
    acknowledged: Mark | None = None
    """The first time somebody took it."""
    assignee: str | None = None
    closed: Mark | None = None
    closed_severity: Severity | None = None
    """Severity that the one who closed it had seen."""
    escalated: Mark | None = None
    received: dict[str, datetime] = field(default_factory=dict)
    """Consumers that have it in their books, and since when."""
    comments: int = 0
    """Comments that count; a number of its own, so that whoever drops `actions` reckons the same."""
    actions: tuple[AlertAction, ...] = ()
    """Those that count, in the order of the log."""
    action_ids: frozenset[str] = frozenset()

    @property
    def standing(self) -> Standing:
        """How it stands."""
        alert = self.alert
        if alert is not None and alert.event is AlertEventType.RETRACTED:
            return Standing.RETRACTED
        if alert is not None and alert.ended_at is not None:
            return Standing.RESOLVED
        if self.closed is not None and not self._has_grown_worse():
            return Standing.CLOSED
        return Standing.OPEN if self.acknowledged is None else Standing.ACKNOWLEDGED

    def _has_grown_worse(self) -> bool:
        if self.alert is None or self.closed_severity is None:
            return False
        return _WORST_FIRST.index(self.alert.severity) < _WORST_FIRST.index(self.closed_severity)

    @property
    def time_to_acknowledge(self) -> timedelta | None:
        """From the alert's raising (event time) until somebody took it; None while nobody has."""
        if self.acknowledged is None or self.alert is None:
            return None
        return self.acknowledged.at - self.alert.raised_at

    @property
    def time_to_resolve(self) -> timedelta | None:
        """From the alert's raising until its end (event time); None while it lasts, and of what was retracted."""
        if self.alert is None or self.standing is not Standing.RESOLVED or self.alert.ended_at is None:
            return None
        return self.alert.ended_at - self.alert.raised_at


NOTHING_KNOWN: Final = Life()


def with_event(life: Life, alert: Alert) -> Life:
    """The life after an event of the processors; an older or repeated revision changes nothing."""
    if life.alert is not None and alert.revision <= life.alert.revision:
        return life
    return replace(life, alert=alert)


def is_receipt(action: AlertAction) -> bool:
    """Whether a consumer says that it has the alert; the first time of each counts."""
    return action.kind is ActionKind.RECEIVE and action.actor is Actor.CONSUMER


def is_comment(action: AlertAction) -> bool:
    """Whether it is there to be read and does nothing else: a comment, or a receipt by who is no consumer."""
    return action.kind is ActionKind.COMMENT or (action.kind is ActionKind.RECEIVE and not is_receipt(action))


def fate_of(action: AlertAction, *, seen: int, comments: int, received: Container[str], known: bool) -> Fate:
    """What becomes of an action after others on the same alert; for those who keep counts and not the whole life.

    Args:
        seen: Exclusive actions that count.
        comments: Comments that count.
        received: Consumers whose receipt counts.
        known: Whether this one has been counted.
    """
    if known or (is_receipt(action) and action.by in received):
        return Fate.REPEATED
    if action.kind in EXCLUSIVE:
        if action.seen != seen:
            return Fate.OVERTAKEN
        return Fate.COUNTS if seen < EXCLUSIVE_KEPT else Fate.TOO_MANY
    return Fate.TOO_MANY if is_comment(action) and comments >= COMMENTS_KEPT else Fate.COUNTS


def with_action(life: Life, action: AlertAction) -> tuple[Life, Fate]:
    """The life after an action, and what became of it; depends on the actions before it and on nothing else."""
    known = action.action_id in life.action_ids
    fate = fate_of(action, seen=life.seen, comments=life.comments, received=life.received, known=known)
    if fate is not Fate.COUNTS:
        return life, fate
    counted = replace(
        life,
        seen=life.seen + (action.kind in EXCLUSIVE),
        comments=life.comments + is_comment(action),
        actions=(*life.actions, action),
        action_ids=life.action_ids | {action.action_id},
    )
    return _marked(counted, action), Fate.COUNTS


def _marked(life: Life, action: AlertAction) -> Life:
    mark = Mark(action.at, action.by, action.by_name, action.words)
    match action.kind:
        case ActionKind.ACKNOWLEDGE:
            return replace(life, acknowledged=life.acknowledged or mark)
        case ActionKind.ASSIGN:
            return replace(life, acknowledged=life.acknowledged or mark, assignee=action.assignee)
        case ActionKind.CLOSE:
            severity = None if action.alert is None else action.alert.severity
            return replace(life, closed=mark, closed_severity=severity)
        case ActionKind.ESCALATE:
            return replace(life, escalated=life.escalated or mark)
        case ActionKind.RECEIVE if is_receipt(action):
            return replace(life, received={**life.received, action.by: action.at})
        case _:
            return life
