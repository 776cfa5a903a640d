"""What people and consumers do about one alert, at random: in turn, at once, again, too late and too early."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from schemas.alert import Alert, Severity
from schemas.alert_action import EXCLUSIVE, ActionKind, Actor, AlertAction, AlertSummary, SilenceScope, action_id_of
from schemas.topics import ALERT_ACTIONS
from services.alert_life.life import NOTHING_KNOWN, Fate, Life, with_action

_EXCLUSIVE = sorted(EXCLUSIVE)
KINDS = (*_EXCLUSIVE, *_EXCLUSIVE, ActionKind.COMMENT, ActionKind.RECEIVE, ActionKind.RECEIVE, ActionKind.ESCALATE)


@dataclass
class Record:
    """A record of the log of actions."""

    value: bytes | None
    offset: int
    partition: int = 0
    topic: str = ALERT_ACTIONS
    timestamp: int = 1_772_352_000_123
    headers: Sequence[tuple[str, bytes]] = ()


def action(
    alert: Alert, number: int, kind: ActionKind, seen: int | None = None, severity: Severity | None = None
) -> AlertAction:
    """One action; what it says follows from its number."""
    actor = {ActionKind.RECEIVE: Actor.CONSUMER, ActionKind.ESCALATE: Actor.PLATFORM}.get(kind, Actor.PERSON)
    summary = AlertSummary.of(alert, zone="zone-1")
    return AlertAction(
        action_id=action_id_of(alert.alert_id, str(number)),
        kind=kind,
        at=alert.raised_at + timedelta(seconds=60 * number, microseconds=7 * number),
        actor=actor,
        by=f"{actor}-{number % 3}",
        by_name="王" if actor is Actor.PERSON else "",
        lane=alert.lane,
        asset=alert.asset,
        alert=summary if severity is None else summary.model_copy(update={"severity": severity}),
        seen=seen,
        assignee=f"队 {number}" if kind is ActionKind.ASSIGN else None,
        words=f"words\nof {number}" if kind in (ActionKind.COMMENT, ActionKind.CLOSE) else "",
    )


def silence(asset: str, number: int, at: Alert) -> AlertAction:
    """A silence of an asset."""
    return AlertAction(
        action_id=action_id_of(asset, str(number)), kind=ActionKind.SILENCE, at=at.raised_at, actor=Actor.PERSON,
        by="wang", lane=at.lane, asset=asset, scope=SilenceScope.ASSET,
        until=at.raised_at + timedelta(hours=number + 1), words="works",
    )  # fmt: skip


def history(alert: Alert, chance: random.Random) -> list[AlertAction]:
    """Actions as the log has them: some saw what was, some less, some claim to have seen more; some come again."""
    told: list[AlertAction] = []
    life = NOTHING_KNOWN
    for number in range(chance.randint(0, 12)):
        kind = chance.choice(KINDS)
        seen = max(0, life.seen + chance.choice((0, 0, 0, -1, 1))) if kind in EXCLUSIVE else None
        one = action(alert, number, kind, seen, chance.choice(tuple(Severity)))
        if told and chance.random() < 0.3:
            one = chance.choice(told)
            if one.seen is not None and chance.random() < 0.5:  # who was told tries again under the same id
                one = one.model_copy(update={"seen": life.seen})
        told.append(one)
        life, _ = with_action(life, one)
    return told


def folded(told: Iterable[AlertAction]) -> tuple[Life, dict[str, tuple[Fate, AlertAction]]]:
    """The life that they make, and of each id what became of it: the time it counted, or else the first."""
    life, fates = NOTHING_KNOWN, dict[str, tuple[Fate, AlertAction]]()
    for one in told:
        life, fate = with_action(life, one)
        if fate is Fate.COUNTS or one.action_id not in fates:
            fates[one.action_id] = (fate, one)
    return life, fates


def records(told: Iterable[AlertAction]) -> list[Record]:
    """Their records, from offset 0 on."""
    return [Record(one.model_dump_json().encode(), offset) for offset, one in enumerate(told)]
