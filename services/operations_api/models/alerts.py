"""Alerts as those see them who work on them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, JsonValue

from schemas.alert import AlertEventType, Severity, Suppression
from schemas.alert_action import ActionKind, Actor, SilenceScope
from schemas.fields import Count, Feed
from schemas.verdict import Comparator, Evidence, SourceKind, Threshold
from services.alert_life.life import Standing
from services.operations_api.models.shared import ANSWER, Cursor


class LimitSource(BaseModel):
    """Who set a limit: a plan with its page, a standard with its clause, a policy with its owner."""

    model_config = ANSWER

    kind: SourceKind
    id: str
    version: str
    where: str


class LimitSaid(BaseModel):
    """The limit that an alert is about, with its source."""

    model_config = ANSWER

    value: float
    unit: str
    comparator: Comparator
    source: LimitSource


class Taken(BaseModel):
    """Who has taken an alert, and when."""

    model_config = ANSWER

    at: datetime
    by: str
    by_name: str


class Closed(Taken):
    """Who has closed an alert, and why."""

    words: str


class AlertRow(BaseModel):
    """One alert as it stands: what the processors said and what people did, joined."""

    model_config = ANSWER

    alert_id: str
    revision: Count
    seen: Count
    """How many exclusive actions (acknowledge, assign, close) have counted; send it back with the next one."""
    standing: Standing
    severity: Severity
    event: AlertEventType
    """What the processors said last."""
    rule: str
    feed: Feed
    lane: str
    asset: str
    place: str
    zone: str | None
    """Zone of the asset by the register."""
    longitude: float | None
    latitude: float | None
    text_zh: str
    text_en: str
    observed_value: float | None
    """Worst value so far."""
    observed_unit: str
    threshold: LimitSaid
    started_at: datetime
    raised_at: datetime
    ended_at: datetime | None
    acknowledged: Taken | None
    assignee: str | None
    closed: Closed | None
    """Set while the closing counts; an alert that has grown worse since is open again."""
    escalated_at: datetime | None
    """When the platform said that nobody had taken it in time."""
    silenced_until: datetime | None
    superseded_by: str | None
    """The next later alert of the same rule and asset that is not over either; such a one is in no list."""
    suppression: Suppression | None
    """Set while the alert is recorded and not passed on (maintenance, or another alert stands for it)."""
    received_by: tuple[str, ...]
    """Consumers that have it in their own books."""
    url: str
    """Path of the alert on the one map."""


class AlertEventRow(BaseModel):
    """One thing that the processors said about an alert."""

    model_config = ANSWER

    event: AlertEventType
    revision: Count
    at: datetime
    severity: Severity
    text_zh: str
    text_en: str


class ActionRow(BaseModel):
    """One thing that somebody did."""

    model_config = ANSWER

    action_id: str
    kind: ActionKind
    at: datetime
    actor: Actor
    by: str
    by_name: str
    words: str
    assignee: str | None
    seen: Count | None
    scope: SilenceScope | None
    until: datetime | None


class AlertDetail(AlertRow):
    """One alert with what led to it and what was done."""

    history: tuple[AlertEventRow, ...]
    history_complete: bool
    """False: the database does not answer, and these are the events since the API began to read the log."""
    actions: tuple[ActionRow, ...]
    """Those that count, in their order."""
    evidence: Evidence | None
    """Coordinates of the readings that it rests on."""
    limits: tuple[Threshold, ...]
    """Further limits that it rests on."""
    members: tuple[tuple[str, str], ...]
    """Alerts (rule, asset) that it stands for."""
    grafana_url: str | None
    """Address of the board behind it; null when the API was not told where Grafana is."""


class AlertPage(BaseModel):
    """Alerts, the one raised last in front."""

    model_config = ANSWER

    items: tuple[AlertRow, ...]
    next_cursor: Cursor | None
    complete: bool
    """False: closed alerts were asked for and the database does not answer; these are the ones that are known."""


class EvidenceReading(BaseModel):
    """One reading behind an alert."""

    model_config = ANSWER

    partition: Count
    offset: int
    device_id: str
    observed_at: datetime
    quality: str
    values: dict[str, JsonValue]
    """The feed's own fields, see the reading's JSON Schema."""


class EvidencePage(BaseModel):
    """Readings behind an alert."""

    model_config = ANSWER

    topic: str | None
    items: tuple[EvidenceReading, ...]
    missing: tuple[int, ...]
    """Offsets that are named and no longer stored."""


class ActionAnswer(BaseModel):
    """What was done, and the alert after it."""

    model_config = ANSWER

    action: ActionRow
    alert: AlertRow


class ReceiptAnswer(BaseModel):
    """A receipt that was taken note of."""

    model_config = ANSWER

    action: ActionRow


class SilenceRow(BaseModel):
    """One silence that lasts."""

    model_config = ANSWER

    scope: SilenceScope
    place: str
    lane: str
    since: datetime
    until: datetime
    by: str
    by_name: str
    words: str


class SilenceList(BaseModel):
    """Silences that last, the one that ends first in front."""

    model_config = ANSWER

    items: tuple[SilenceRow, ...]
