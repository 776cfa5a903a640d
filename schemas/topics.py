"""The Kafka topics: name, key, partitions, retention and model in one table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel

from schemas.alert import Alert
from schemas.alert_action import AlertAction
from schemas.audit import AuditRecord
from schemas.dead_letter import DeadLetter
from schemas.delivery import DeliveryAttempt
from schemas.fields import Feed
from schemas.indicator import Indicator
from schemas.lane import LaneStatus
from schemas.plan.publication import PlanPublication
from schemas.readings import MODELS
from schemas.target_figure import TargetFigure

ALERTS: Final = "alerts"
ALERT_ACTIONS: Final = "alert-actions"
DELIVERIES: Final = "deliveries"
API_AUDIT: Final = "api-audit"
INDICATORS: Final = "indicators"
PLAN: Final = "plan"
TARGET_FIGURES: Final = "target-figures"
DEAD_LETTERS: Final = "dead-letters"
BRIDGE_RECEIPTS: Final = "bridge-receipts"
LANES: Final = "lanes"

MAX_DEAD_LETTER_BYTES: Final = 6 * 1024 * 1024


def readings_topic(feed: Feed, *, live: bool = True) -> str:
    """Topic of a feed's readings and ticks: of real life, or of all other lanes, which travel and are judged apart."""
    return f"readings.{feed}" if live else f"readings.{feed}.lanes"


def state_topic(feed: Feed, *, live: bool = True) -> str:
    """Compacted topic of the state of a feed's processor; as many partitions as the readings it judges."""
    return f"processor-state.{feed}" if live else f"processor-state.{feed}.lanes"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One row of the table."""

    name: str
    key: str
    """What the record key is, in the operator's words."""
    partitions: int
    retention: timedelta | None
    """None: compacted, the latest record of each key is kept for ever."""
    model: type[BaseModel] | None
    """What the value is; None where the value is not a contract between services."""
    max_message_bytes: int | None = None
    """Larger than the broker's default where set."""
    broker_time: bool = False
    """Records carry the time at which the broker took them, not the producer's."""

    def config(self) -> dict[str, str]:
        """Topic configuration as Kafka names it."""
        config = (
            {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1", "segment.ms": "600000"}
            if self.retention is None
            else {
                "cleanup.policy": "delete",
                "retention.ms": str(int(self.retention.total_seconds() * 1000)),
            }
        )
        if self.max_message_bytes is not None:
            config["max.message.bytes"] = str(self.max_message_bytes)
        if self.broker_time:
            config["message.timestamp.type"] = "LogAppendTime"
        return config


_PARTITIONS: Final = MappingProxyType(
    {Feed.EV: 6, Feed.WATER: 6, Feed.PARKING: 6, Feed.EMERGENCY: 3, Feed.TAX: 3},
)
_GROUP: Final = MappingProxyType(
    {Feed.EV: "site", Feed.WATER: "lake", Feed.PARKING: "zone", Feed.EMERGENCY: "district", Feed.TAX: "district"},
)
_WEEK: Final = timedelta(days=7)
_LANE_PARTITIONS: Final = 3
_STATE_BYTES: Final = 8 * 1024 * 1024

TOPICS: Final[tuple[TopicSpec, ...]] = (
    *(TopicSpec(readings_topic(f), _GROUP[f], _PARTITIONS[f], _WEEK, MODELS[f], broker_time=True) for f in Feed),
    *(
        TopicSpec(readings_topic(f, live=False), _GROUP[f], _LANE_PARTITIONS, _WEEK, MODELS[f], broker_time=True)
        for f in Feed
    ),
    *(TopicSpec(state_topic(f), "lane, key and part", _PARTITIONS[f], None, None, _STATE_BYTES) for f in Feed),
    *(
        TopicSpec(state_topic(f, live=False), "lane, key and part", _LANE_PARTITIONS, None, None, _STATE_BYTES)
        for f in Feed
    ),
    TopicSpec(ALERTS, "asset", 3, timedelta(days=90), Alert),
    TopicSpec(ALERT_ACTIONS, "asset", 3, timedelta(days=90), AlertAction),
    TopicSpec(DELIVERIES, "subscriber", 3, timedelta(days=30), DeliveryAttempt),
    TopicSpec(API_AUDIT, "who asked", 1, timedelta(days=400), AuditRecord),
    TopicSpec(INDICATORS, "indicator and subject", 3, timedelta(days=30), Indicator),
    TopicSpec(PLAN, "kind, id and version", 1, None, PlanPublication),
    TopicSpec(TARGET_FIGURES, "target, revision and what was done", 1, None, TargetFigure),
    TopicSpec(DEAD_LETTERS, "device, or MQTT topic", 3, timedelta(days=30), DeadLetter, MAX_DEAD_LETTER_BYTES),
    TopicSpec(LANES, "feed, lane and partition", 1, None, LaneStatus),
    TopicSpec(BRIDGE_RECEIPTS, "device and boot", 1, None, None),
)
"""Every topic of the platform."""


def topic_spec(name: str) -> TopicSpec:
    """The row of a topic.

    Raises:
        KeyError: the platform has no such topic.
    """
    for spec in TOPICS:
        if spec.name == name:
            return spec
    raise KeyError(name)
