"""What people, consumers and the platform itself do about an alert; topic `alert-actions`, key: the asset.

An action is a record of its own: it survives a database outage, can be replayed, and never changes what the processors
judge. Which of two actions counts follows from their order in the log alone, see `services.alert_life`.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import BaseModel, Field, model_validator

from schemas.alert import CONTENT_TYPE, Alert, Severity
from schemas.fields import CONTRACT, Count, Feed, Identifier, Lane, Text, UtcTime

SOURCE: Final = "/jianghan/operations_api"
TYPE_PREFIX: Final = "cn.jianghan.district.alert."

Words = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$")]
"""What somebody wrote, in one or more lines; at most 2,000 characters, no control character but tab and line ends."""


class ActionKind(StrEnum):
    """What was done; the CloudEvents `type` is its event (see `AlertAction.event`) with the prefix."""

    ACKNOWLEDGE = "acknowledge"
    """Somebody has taken it."""
    ASSIGN = "assign"
    """Somebody is to deal with it; whoever is assigned has it, so it counts as acknowledged."""
    COMMENT = "comment"
    CLOSE = "close"
    """Dealt with although the platform still sees the cause; it is open again when it becomes more severe."""
    SILENCE = "silence"
    """Alerts of an asset or zone are not passed on until a time."""
    UNSILENCE = "unsilence"
    ESCALATE = "escalate"
    """Nobody has taken it within the time of the policy: the platform says so by itself."""
    RECEIVE = "receive"
    """A consumer has it in its own books."""


EXCLUSIVE: Final = frozenset({ActionKind.ACKNOWLEDGE, ActionKind.ASSIGN, ActionKind.CLOSE})
"""Of two of these that saw the same state of an alert, the first one in the log counts."""

OF_ALERT: Final = frozenset(ActionKind) - {ActionKind.SILENCE, ActionKind.UNSILENCE}
"""Kinds that are about one alert; the others are about an asset or a zone."""

EVENTS: Final = {
    ActionKind.ACKNOWLEDGE: "acknowledged",
    ActionKind.ASSIGN: "assigned",
    ActionKind.COMMENT: "commented",
    ActionKind.CLOSE: "closed",
    ActionKind.SILENCE: "silenced",
    ActionKind.UNSILENCE: "unsilenced",
    ActionKind.ESCALATE: "escalated",
    ActionKind.RECEIVE: "received",
}
"""What has happened when it is done, as consumers call it."""


class Actor(StrEnum):
    """Who acts."""

    PERSON = "person"
    CONSUMER = "consumer"
    """A subscriber of alerts, such as the city brain."""
    PLATFORM = "platform"


class SilenceScope(StrEnum):
    """What a silence is about."""

    ASSET = "asset"
    ZONE = "zone"


class AlertSummary(BaseModel):
    """The alert as it stood when the action was taken: enough to show and to filter the action by itself."""

    model_config = CONTRACT

    alert_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    revision: Count
    """The newest revision that the actor had seen."""
    rule: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]*$")]
    feed: Feed
    place: Text
    zone: Identifier | None = None
    """Zone of the asset by the register; null when it has none."""
    severity: Severity
    raised_at: UtcTime
    said_at: UtcTime | None = None
    """Event time of that revision, by which CAP refers to its message; null where it was not noted."""

    @classmethod
    def of(cls, alert: Alert, zone: str | None = None) -> AlertSummary:
        """The summary of an alert as it stands."""
        return cls(
            alert_id=alert.alert_id,
            revision=alert.revision,
            rule=alert.rule,
            feed=alert.feed,
            place=alert.place,
            zone=zone,
            severity=alert.severity,
            raised_at=alert.raised_at,
            said_at=alert.event_time,
        )


class AlertAction(BaseModel):
    """One action."""

    model_config = CONTRACT

    action_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """Chosen by whoever acts: the same id again is the same action again, and counts once."""
    kind: ActionKind
    at: UtcTime
    """When it was taken, by the platform's clock."""
    actor: Actor
    by: Identifier
    """Account, subscriber or service."""
    by_name: Text = ""
    """For people."""
    lane: Lane
    asset: Identifier
    """The alert's asset; of a silence the asset or zone that it is about."""
    alert: AlertSummary | None = None
    """The alert; null for silences."""
    seen: Count | None = None
    """How many exclusive actions on this alert the actor had seen; those of the kinds in `EXCLUSIVE` say it."""
    assignee: Text | None = None
    """Who is to deal with it; only of `assign`."""
    scope: SilenceScope | None = None
    """Only of silences."""
    until: UtcTime | None = None
    """When a silence ends by itself."""
    words: Words = ""
    """Comment, or reason; closing and silencing need one."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        of_alert = self.kind in OF_ALERT
        faults = {
            "`alert` belongs to actions on an alert, and to all of them": (self.alert is not None) is not of_alert,
            "`seen` belongs to acknowledge, assign and close": (self.seen is not None) is not (self.kind in EXCLUSIVE),
            "`assignee` belongs to assign": bool(self.assignee) is not (self.kind is ActionKind.ASSIGN),
            "`scope` belongs to silence and unsilence": (self.scope is not None) is of_alert,
            "`until` belongs to silence": (self.until is not None) is not (self.kind is ActionKind.SILENCE),
            "a silence ends after it begins": self.until is not None and self.until <= self.at,
            "comment, close and silence say something in `words`": self.kind in _TALKATIVE and not self.words.strip(),
        }
        wrong = [fault for fault, holds in faults.items() if holds]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def event(self) -> str:
        """What has happened, as consumers call it: `acknowledged`, `assigned` and so on."""
        return EVENTS[self.kind]

    @property
    def event_time(self) -> datetime:
        """CloudEvents `time`."""
        return self.at

    def kafka_key(self) -> bytes:
        """Record key: the asset."""
        return self.asset.encode()

    def to_headers(self, source: str = SOURCE) -> list[tuple[str, bytes]]:
        """CloudEvents attributes as `ce_` headers, `content-type` without prefix."""
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": self.action_id,
            "ce_source": source,
            "ce_type": f"{TYPE_PREFIX}{self.event}",
            "ce_subject": self.asset,
            "ce_time": self.at.isoformat().replace("+00:00", "Z"),
            "content-type": CONTENT_TYPE,
        }
        return [(name, value.encode()) for name, value in attributes.items()]


_TALKATIVE: Final = frozenset({ActionKind.COMMENT, ActionKind.CLOSE, ActionKind.SILENCE})


def action_id_of(*parts: str) -> str:
    """An id that follows from what is done: who would do the same again takes the same id."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def receipt_id(consumer: str, event_id: str) -> str:
    """Id of the receipt of an event: the same consumer and event give the same one, by HTTP and on Kafka.

    Args:
        consumer: Id of the subscriber, which is the `by` of its actions.
        event_id: CloudEvents `id` of the event.
    """
    return action_id_of("receive", consumer, event_id)
