"""From what somebody asks for to the action that is written. Pure: id and moment are arguments."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from schemas.alert import Alert
from schemas.alert_action import (
    EXCLUSIVE,
    ActionKind,
    Actor,
    AlertAction,
    AlertSummary,
    SilenceScope,
    action_id_of,
    receipt_id,
)
from schemas.api_key import Role
from services.alert_life.life import Life
from services.operations_api.access import Principal
from services.operations_api.errors import AnotherUse, NotAllowed, NotUsable
from services.operations_api.models.acting import ActRequest, SilenceRequest
from services.operations_api.roles import Permission, may, roles_with

SILENCE_MOST: Final = timedelta(days=31)
"""The longest silence: what is forgotten ends by itself."""


def id_for(asker: Principal, operation: str, subject: str, key: str) -> str:
    """The id of an action by its idempotency key: the same asker, alert and key give the same id."""
    return action_id_of("api", asker.id, operation, subject, key)


def act_of(
    body: ActRequest, life: Life, asker: Principal, *, action_id: str, now: datetime, zone: str | None
) -> AlertAction:
    """Somebody's action on an alert.

    Args:
        life: An alert that is known.

    Raises:
        NotAllowed: a consumer wants more than to take the alert.
    """
    alert = _alert(life)
    kind = ActionKind(body.kind)
    if kind is not ActionKind.ACKNOWLEDGE and not may(asker.role, Permission.ACT):
        raise NotAllowed(
            f"{asker.id} is {asker.role} and may acknowledge alerts; to {kind} takes {roles_with(Permission.ACT)}."
        )
    seen = body.seen if body.seen is not None else life.seen
    return AlertAction(
        action_id=action_id,
        kind=kind,
        at=now,
        actor=_actor(asker),
        by=asker.id,
        by_name=asker.name,
        lane=alert.lane,
        asset=alert.asset,
        alert=AlertSummary.of(alert, zone),
        seen=seen if kind in EXCLUSIVE else None,
        assignee=body.assignee,
        words=body.words,
    )


def receipt_of(event_id: str, life: Life, asker: Principal, *, now: datetime, zone: str | None) -> AlertAction:
    """A consumer's receipt; its id follows from consumer and event, so a repeated one is the same."""
    alert = _alert(life)
    return AlertAction(
        action_id=receipt_id(asker.id, event_id),
        kind=ActionKind.RECEIVE,
        at=now,
        actor=_actor(asker),
        by=asker.id,
        by_name=asker.name,
        lane=alert.lane,
        asset=alert.asset,
        alert=AlertSummary.of(alert, zone),
    )


def silence_of(body: SilenceRequest, asker: Principal, *, action_id: str, now: datetime) -> AlertAction:
    """A silence.

    Raises:
        NotUsable: it ends before now, or too late.
    """
    if not now < body.until <= now + SILENCE_MOST:
        raise NotUsable(f"`until` is to lie ahead, at most {SILENCE_MOST.days} days: a silence ends by itself.")
    return AlertAction(
        action_id=action_id,
        kind=ActionKind.SILENCE,
        at=now,
        actor=Actor.PERSON,
        by=asker.id,
        by_name=asker.name,
        lane=body.lane,
        asset=body.place,
        scope=body.scope,
        until=body.until,
        words=body.words,
    )


def unsilence_of(
    scope: SilenceScope, place: str, lane: str, asker: Principal, *, action_id: str, now: datetime
) -> AlertAction:
    """The end of a silence before its time."""
    return AlertAction(
        action_id=action_id,
        kind=ActionKind.UNSILENCE,
        at=now,
        actor=Actor.PERSON,
        by=asker.id,
        by_name=asker.name,
        lane=lane,
        asset=place,
        scope=scope,
    )


def check_same(done: AlertAction, wanted: AlertAction) -> None:
    """See that an idempotency key stands for the same action as before.

    Raises:
        AnotherUse: it was used for another one.
    """
    fields = ("kind", "asset", "assignee", "words", "scope")
    differing = [name for name in fields if getattr(done, name) != getattr(wanted, name)]
    if differing:
        raise AnotherUse(
            f"`Idempotency-Key` was used for an action with another {differing[0]}: take a new key for another action."
        )


def _actor(asker: Principal) -> Actor:
    return Actor.CONSUMER if asker.role is Role.INTEGRATOR else Actor.PERSON


def _alert(life: Life) -> Alert:
    if life.alert is None:
        raise ValueError("only actions on this alert are known")
    return life.alert
