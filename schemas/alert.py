"""Alerts as CloudEvents 1.0, binary mode on Kafka (design, section 3)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, Field

from schemas.fields import CONTRACT, Count, Feed, Figure, Identifier, Lane, ReckonedTime, Text
from schemas.verdict import Evidence, Threshold

SOURCE: Final = "/jianghan/stream_processors"
TYPE_PREFIX: Final = "cn.jianghan.district.alert."
CONTENT_TYPE: Final = "application/json"


class AlertEventType(StrEnum):
    """What happened to the alert; the CloudEvents `type` is this with the prefix."""

    RAISED = "raised"
    UPDATED = "updated"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    AMENDED = "amended"
    """Late data changed what had been said."""
    RETRACTED = "retracted"
    """Late data showed that there was nothing."""


class Severity(StrEnum):
    """The four warning levels, I (red, worst) to IV (blue)."""

    RED = "I"
    ORANGE = "II"
    YELLOW = "III"
    BLUE = "IV"


class SuppressionKind(StrEnum):
    """Why an alert is recorded and not passed on."""

    MAINTENANCE = "maintenance"
    """A planned maintenance window covers it."""
    INHIBITED = "inhibited"
    """Another alert has the same cause and stands for it."""


class Suppression(BaseModel):
    """An alert that is recorded and not passed on."""

    model_config = CONTRACT

    kind: SuppressionKind
    by: Annotated[str, Field(min_length=1, max_length=200)]
    """Id of the maintenance window, or `rule/asset` of the alert that stands for it."""
    until: ReckonedTime | None = None
    """When it ends by itself; null when that is not known."""


class AlertText(BaseModel):
    """The same sentence in both languages: what happened, where, against which limit, and what to do."""

    model_config = CONTRACT

    zh: str
    en: str


class Alert(BaseModel):
    """The `data` of an alert event: the whole state of the alert after the event."""

    model_config = CONTRACT

    alert_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """Deterministic: see `alert_id`."""
    revision: Count
    """0 when raised, one more with each event."""
    event: AlertEventType
    rule: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]*$")]
    feed: Feed
    lane: Lane
    asset: Identifier
    """What the alert is about: a lake, a station, a car park."""
    place: Text
    """Where, in words."""
    severity: Severity
    started_at: ReckonedTime
    """Event time at which the episode began."""
    raised_at: ReckonedTime
    """Event time at which the rule's debounce was satisfied."""
    ended_at: ReckonedTime | None = None
    """Event time of the end; null while it is open."""
    previous_at: ReckonedTime | None = None
    """Event time of the revision before, by which CAP refers to its message; null of the first revision, and where it
    was not noted."""
    observed_value: Figure | None
    """Worst value so far."""
    observed_unit: str
    threshold: Threshold
    limits: tuple[Threshold, ...] = ()
    """Further limits that the verdict rests on, in force at the same time."""
    suppression: Suppression | None = None
    """Set while the alert is recorded and not passed on."""
    members: tuple[tuple[str, Identifier], ...] = ()
    """Alerts (rule, asset) that this one stands for."""
    evidence: Evidence | None
    text: AlertText

    @property
    def event_id(self) -> str:
        """CloudEvents `id`: alert id and revision."""
        return f"{self.alert_id}-{self.revision}"

    @property
    def event_time(self) -> datetime:
        """CloudEvents `time`: the event time of this revision."""
        return self.ended_at or self.raised_at

    def kafka_key(self) -> bytes:
        """Record key: the asset."""
        return self.asset.encode()

    def to_headers(self, source: str = SOURCE) -> list[tuple[str, bytes]]:
        """CloudEvents attributes as `ce_` headers, `content-type` without prefix.

        Args:
            source: CloudEvents `source`: which service says so.
        """
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": self.event_id,
            "ce_source": source,
            "ce_type": f"{TYPE_PREFIX}{self.event}",
            "ce_subject": self.asset,
            "ce_time": self.event_time.isoformat().replace("+00:00", "Z"),
            "content-type": CONTENT_TYPE,
        }
        return [(name, value.encode()) for name, value in attributes.items()]


def alert_id(rule: str, asset: str, lane: str, episode: str) -> str:
    """Id of an alert: the same rule, asset, lane and episode give the same id in every run.

    Args:
        episode: What makes this episode this one, e.g. the event time of its first breach.
    """
    return hashlib.sha256(f"{rule}\x1f{asset}\x1f{lane}\x1f{episode}".encode()).hexdigest()[:32]


def header_map(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Kafka headers as text by name."""
    return {name: value.decode() for name, value in headers}
