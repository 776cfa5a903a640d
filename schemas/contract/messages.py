"""The messages of the contract: what one carries, in its value and in its headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from schemas.alert import CONTENT_TYPE, SOURCE, TYPE_PREFIX, Alert, AlertEventType
from schemas.alert_action import EVENTS, AlertAction
from schemas.alert_action import SOURCE as ACTION_SOURCE
from schemas.audit import AuditRecord
from schemas.clock import KIND_HEADER, KIND_PLAN, KIND_TICK, Tick
from schemas.contract.json_types import Json, headers, reference, text
from schemas.dead_letter import DeadLetter
from schemas.delivery import DeliveryAttempt
from schemas.fields import Feed
from schemas.indicator import Indicator
from schemas.lane import LaneStatus
from schemas.mqtt import DEVICE_PROPERTY_BASE, DEVICE_PROPERTY_BOOT, DEVICE_PROPERTY_SEQ
from schemas.plan.publication import PlanPublication
from schemas.readings import MODELS
from schemas.receipt import Receipt
from schemas.target_figure import TargetFigure

BYTES: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of message."""

    name: str
    en: str
    zh: str
    payload: Json
    headers: Json | None = None
    content_type: str = CONTENT_TYPE

    def document(self) -> Json:
        """As AsyncAPI says it."""
        found: Json = {
            "name": self.name,
            "title": self.name,
            "summary": self.en,
            "contentType": self.content_type,
            "payload": self.payload,
            "x-summary-zh": self.zh,
        }
        return found if self.headers is None else found | {"headers": self.headers}


_DEVICE_PROPERTIES: Final = headers(
    {
        DEVICE_PROPERTY_BOOT: text("MQTT 5 user property: names the boot even if the payload is broken."),
        DEVICE_PROPERTY_SEQ: text("MQTT 5 user property: names the number even if the payload is broken."),
        DEVICE_PROPERTY_BASE: text("MQTT 5 user property: the lowest number of this boot that the device still keeps."),
    },
)


def cloudevent_headers(source: str, events: list[str], event_id: str) -> Json:
    """The CloudEvents attributes of a record in binary mode."""
    return headers(
        {
            "ce_specversion": text("CloudEvents version.", const="1.0"),
            "ce_id": text("The same event has the same id, however often it is said.", pattern=event_id),
            "ce_source": text(f"Which service says so; `{source}` as a rule."),
            "ce_type": text("What has happened.", enum=[f"{TYPE_PREFIX}{event}" for event in events]),
            "ce_subject": text("The asset, as the key."),
            "ce_time": text("Event time, RFC 3339 with `Z`.", format="date-time"),
            "content-type": text("Of the value.", const=CONTENT_TYPE),
        },
        ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "content-type"),
    )


def _kind(kind: bytes) -> Json:
    return headers({KIND_HEADER: text("Tells this record from a reading.", const=kind.decode())}, (KIND_HEADER,))


def _letter_headers() -> Json:
    fields = DeadLetter.model_fields
    said = {name: text(field.description or f"See `{name}` of the reading.") for name, field in fields.items()}
    return headers(said, [name for name, field in fields.items() if field.is_required()])


def _reading(feed: Feed, zh: str, en: str) -> Message:
    return Message(f"{feed}Reading", f"{en}.", f"{zh}。", reference(MODELS[feed]))


READINGS: Final[Mapping[Feed, Message]] = {
    Feed.EV: _reading(Feed.EV, "充电接口的状态、电表和充电过程", "State, meter and session of a charging connector"),
    Feed.WATER: _reading(Feed.WATER, "自动站的一次水质监测", "One sample of an automatic station"),
    Feed.PARKING: _reading(Feed.PARKING, "停车场的计数", "Counters of a car park"),
    Feed.EMERGENCY: _reading(Feed.EMERGENCY, "急救呼叫的一步，或车辆位置", "One step of a call, or a unit's position"),
    Feed.TAX: _reading(Feed.TAX, "楼宇的一笔税收入账", "One ledger entry of a building"),
}
"""One reading of each feed, as a record's value."""


def batch(feed: Feed) -> Message:
    """What a device publishes: one reading, or several in an array."""
    one = READINGS[feed]
    payload = {"oneOf": [one.payload, {"type": "array", "minItems": 1, "items": one.payload}]}
    name = f"{feed}Readings"
    return Message(
        name, f"{one.en} One, or several in an array.", f"{one.zh}一条，或数组中多条。", payload, _DEVICE_PROPERTIES
    )


TICK: Final = Message(
    "tick", "The lane's clock has reached a time.", "泳道的时钟已到某一时刻。", reference(Tick), _kind(KIND_TICK)
)
CLOCK: Final = Message("clock", "Opens, drives or closes a lane.", "打开、推进或关闭一个泳道。", reference(Tick))
DOCUMENT: Final = Message(
    "publishedDocument",
    "A plan, standard or policy that the rules go by from here on.",
    "自此起规则所依据的规划、标准或政策。",
    reference(PlanPublication),
    _kind(KIND_PLAN),
)
PUBLICATION: Final = Message(
    "planPublication",
    "One version of a plan, standard or policy as it was published.",
    "已发布的规划、标准或政策的一个版本。",
    reference(PlanPublication),
)
RECEIPT: Final = Message(
    "receipt",
    "Everything of this boot up to this number is safe.",
    "本次启动至此序号的数据均已安全保存。",
    reference(Receipt),
)
ALERT: Final = Message(
    "alertEvent",
    "The whole state of an alert after what has happened; CloudEvents 1.0, binary mode.",
    "告警在事件发生后的完整状态；CloudEvents 1.0 二进制模式。",
    reference(Alert),
    cloudevent_headers(SOURCE, list(AlertEventType), r"^[0-9a-f]{32}-[0-9]{1,10}$"),
)
ACTION: Final = Message(
    "alertAction",
    "What somebody did about an alert, an asset or a zone; CloudEvents 1.0, binary mode.",
    "人员或系统对告警、设备或区域所做的处置；CloudEvents 1.0 二进制模式。",
    reference(AlertAction),
    cloudevent_headers(
        ACTION_SOURCE,
        list(EVENTS.values()),
        r"^[0-9a-f]{32}$",
    ),
)
DELIVERY: Final = Message(
    "deliveryAttempt",
    "What became of one attempt to hand an event to a subscriber.",
    "向订阅方投递一次事件的结果。",
    reference(DeliveryAttempt),
)
AUDIT: Final = Message(
    "auditRecord",
    "A request to the operations API that changed something, or would have.",
    "对运行接口的一次写请求及其结果。",
    reference(AuditRecord),
)
INDICATOR: Final = Message(
    "indicator",
    "A figure of the plan for a subject and period, with target, source and evidence.",
    "规划指标在某对象和时段的数值，附目标、出处和证据。",
    reference(Indicator),
)
TARGET_FIGURE: Final = Message(
    "targetFigure",
    "A figure that people entered for a target of the plan, or its confirmation by somebody else.",
    "人员为规划指标填报的数据，或他人对其的复核。",
    reference(TargetFigure),
)
LANE_STATUS: Final = Message(
    "laneStatus", "How far a lane is judged in one partition.", "某分区内一个泳道的研判进度。", reference(LaneStatus)
)
DEAD_LETTER: Final = Message(
    "deadLetter",
    "What was refused, byte for byte; the headers say why and where it came from.",
    "被拒收的原始字节；消息头说明原因和来源。",
    {"type": "string", "format": "binary", "description": "The bytes as they came."},
    _letter_headers(),
    BYTES,
)
INTERNAL: Final = Message(
    "serviceState",
    "State of a service, for itself alone: not part of the contract.",
    "服务自身的状态，不属于对外契约。",
    {"description": "Known to the service that writes it."},
    None,
    BYTES,
)

RECEIVED: Final[tuple[type[BaseModel], ...]] = (*MODELS.values(), Tick, AlertAction)
"""Models of what others send."""

SENT: Final[tuple[type[BaseModel], ...]] = (
    *(Alert, AlertAction, AuditRecord, DeliveryAttempt, Indicator, LaneStatus, PlanPublication, Receipt, TargetFigure),
)
"""Models of what the platform says."""
