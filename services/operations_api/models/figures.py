"""The plan and how it stands: indicators, targets, documents in force, layers of the map."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, JsonValue

from schemas.fields import Count, Feed
from schemas.indicator import IndicatorStatus
from schemas.plan.course import Holds, TargetStanding
from schemas.plan.documents import Check
from schemas.verdict import Comparator, Threshold
from services.operations_api.models.shared import ANSWER, Cursor, FeatureCollection


class IndicatorRow(BaseModel):
    """One value for one subject and period, as known at the moment asked for."""

    model_config = ANSWER

    lane: str
    id: str
    feed: Feed
    subject: str
    subject_name: str | None
    period_start: datetime
    period_end: datetime
    value: float | None
    unit: str
    status: IndicatorStatus
    status_reason: str
    status_reason_zh: str | None
    """The same in Chinese; null: an older release said it in English alone."""
    n: Count
    completeness: float
    threshold: Threshold | None
    revision: Count
    known_at: datetime | None
    details: dict[str, JsonValue]


class IndicatorPage(BaseModel):
    """Indicators, the newest period first."""

    model_config = ANSWER

    items: tuple[IndicatorRow, ...]
    next_cursor: Cursor | None
    as_of: datetime | None
    """The moment asked for; null: as known now."""


class TargetRow(BaseModel):
    """One target of the plan and how it stands."""

    model_config = ANSWER

    id: str
    """Id of the indicator."""
    subject: str | None
    subject_name: str | None
    name_zh: str
    name_en: str
    feed: Feed | None
    """None: nothing is measured for it; `status_reason` says how it is checked."""
    checked_by: Check
    """`stream`: by telemetry; `reported`: by figures that people enter."""
    value: float | None
    unit: str
    target: float
    comparator: Comparator
    status: IndicatorStatus
    status_reason: str
    status_reason_zh: str | None
    """The same in Chinese; null: an older release said it in English alone."""
    page: str
    """Of the plan."""
    due: date | None
    period_start: datetime | None
    period_end: datetime | None
    known_at: datetime | None
    plan_id: str
    plan_version: str
    indicator: str | None
    """Path of the values behind it, in this API, as known at the moment asked for; null when nothing was measured."""
    grafana_url: str | None
    """Address of the board behind it; null when the API was not told where Grafana is."""
    holds: Holds | None
    """How it is met; null: the version of the plan does not say."""
    standing: TargetStanding
    """Where it stands on its way to the due date."""
    standing_reason: str
    standing_reason_zh: str
    standing_value: float | None
    """The figure that decides; of a target that adds up the sum so far."""
    standing_on: date | None
    """Its last local day (+08:00)."""
    expected: float | None
    """Where the path is on the day asked for; null: there is none."""
    expected_then: float | None
    """Where the path was on `standing_on`."""
    rate_needed: float | None
    """Change a year, from `standing_on` on, that would still bring it to the target."""


class TargetList(BaseModel):
    """Targets in the plan's order."""

    model_config = ANSWER

    items: tuple[TargetRow, ...]
    as_of: datetime | None


class DocumentRow(BaseModel):
    """One version of a plan, standard or policy."""

    model_config = ANSWER

    kind: str
    """`plan`, `standard` or `policy`."""
    id: str
    version: str
    name: str
    valid_from: date
    valid_to: date | None
    in_force: bool


class LimitRow(BaseModel):
    """One figure that is judged against today, with its source."""

    model_config = ANSWER

    feed: Feed | None
    scope: str
    name: str
    name_zh: str
    threshold: Threshold


class PlanInForce(BaseModel):
    """What is in force: documents and the limits of the feeds' policies."""

    model_config = ANSWER

    at: datetime
    documents: tuple[DocumentRow, ...]
    """Every version that was published, those of one document in the order of publication."""
    limits: tuple[LimitRow, ...]


class MaintenanceRow(BaseModel):
    """One maintenance window of the policy in force."""

    model_config = ANSWER

    feed: Feed
    policy: str
    policy_version: str
    id: str
    starts: datetime
    ends: datetime
    reason: str
    owner: str
    assets: tuple[str, ...]
    groups: tuple[str, ...]


class MaintenanceList(BaseModel):
    """Maintenance windows that have not ended, the one that begins first in front."""

    model_config = ANSWER

    items: tuple[MaintenanceRow, ...]


class Layer(FeatureCollection):
    """Figures of one layer of the map, ready to draw."""

    as_of: datetime | None
    """The period that the figures are of ends here; null: there are none yet."""
    summary: dict[str, JsonValue]
    """Figures of the district as a whole, e.g. the share of people within ten minutes."""
