"""The channels of the contract: topics of MQTT with what they carry, and the rows of the Kafka table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from schemas.contract import messages
from schemas.contract.json_types import Json
from schemas.contract.messages import Message
from schemas.fields import LANE_PATTERN, Feed
from schemas.mqtt import CLOCK, ROOT
from schemas.mqtt import Message as Level
from schemas.topics import (
    ALERT_ACTIONS,
    ALERTS,
    API_AUDIT,
    DEAD_LETTERS,
    DELIVERIES,
    INDICATORS,
    LANES,
    PLAN,
    TARGET_FIGURES,
    TOPICS,
    TopicSpec,
    readings_topic,
)


class Audience(StrEnum):
    """Who reads a channel beside the platform itself: what they rely on is kept."""

    DEVICES = "devices"
    INTEGRATORS = "integrators"
    PLATFORM = "platform"


class Flow(StrEnum):
    """Which way messages go, seen from the platform."""

    RECEIVE = "receive"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic, or one pattern of topics."""

    id: str
    address: str
    server: str
    audience: Audience
    flows: tuple[Flow, ...]
    messages: tuple[Message, ...]
    en: str
    zh: str
    parameters: tuple[tuple[str, str], ...] = ()
    """Name and meaning of each `{name}` in the address."""
    topic: TopicSpec | None = None
    """The row of the Kafka table."""

    def document(self) -> Json:
        """As AsyncAPI says it."""
        found: Json = {
            "address": self.address,
            "title": self.id,
            "summary": self.en,
            "x-summary-zh": self.zh,
            "x-audience": self.audience.value,
            "servers": [{"$ref": f"#/servers/{self.server}"}],
            "messages": {one.name: {"$ref": f"#/components/messages/{one.name}"} for one in self.messages},
        }
        if self.parameters:
            found["parameters"] = {name: {"description": meaning} for name, meaning in self.parameters}
        return found if self.topic is None else found | _of_topic(self.topic)


_DEVICE: Final = (
    ("group_id", "Group of the device: lake, zone, site or district."),
    ("device_id", "The device, as registered."),
)


def _mqtt(feed: Feed) -> list[Channel]:
    below = f"{ROOT}/{feed}/{{group_id}}/{{device_id}}"
    readings = (messages.batch(feed),)
    reading = Channel(
        id=f"mqtt.{feed}.reading",
        address=f"{below}/{Level.READING}",
        server="mqtt",
        audience=Audience.DEVICES,
        flows=(Flow.RECEIVE,),
        messages=readings,
        en="Live readings from the device itself.",
        zh="设备自身发布的实时数据。",
        parameters=_DEVICE,
    )
    relay = Channel(
        id=f"mqtt.{feed}.relay",
        address=f"{below}/{Level.RELAY}",
        server="mqtt",
        audience=Audience.DEVICES,
        flows=(Flow.RECEIVE,),
        messages=readings,
        en="The same from the operator's account, for any device and in any lane.",
        zh="由运行账号代任一设备、在任一泳道发布的数据。",
        parameters=_DEVICE,
    )
    receipt = Channel(
        id=f"mqtt.{feed}.receipt",
        address=f"{below}/{Level.RECEIPT}",
        server="mqtt",
        audience=Audience.DEVICES,
        flows=(Flow.SEND,),
        messages=(messages.RECEIPT,),
        en="Up to which number the device's readings are safe; about once a second while it changes.",
        zh="设备数据已安全保存至哪个序号；变化时约每秒一次。",
        parameters=_DEVICE,
    )
    clock = Channel(
        id=f"mqtt.{feed}.clock",
        address=f"{ROOT}/{feed}/{CLOCK}/{{lane}}",
        server="mqtt",
        audience=Audience.DEVICES,
        flows=(Flow.RECEIVE,),
        messages=(messages.CLOCK,),
        en="The clock of a lane other than live, from the operator's account.",
        zh="非实时泳道的时钟，由运行账号发布。",
        parameters=(("lane", f"The lane: {LANE_PATTERN}, never live."),),
    )
    return [reading, relay, receipt, clock]


_ON_READINGS: Final = (messages.TICK, messages.DOCUMENT)

_SHARED: Final[dict[str, tuple[Audience, tuple[Flow, ...], Message, str, str]]] = {
    ALERTS: (
        Audience.INTEGRATORS,
        (Flow.SEND,),
        messages.ALERT,
        "What the rules said of each alert: raised, escalated, resolved, amended, retracted.",
        "规则对每条告警的结论：产生、升级、解除、修正、撤回。",
    ),
    ALERT_ACTIONS: (
        Audience.INTEGRATORS,
        (Flow.SEND, Flow.RECEIVE),
        messages.ACTION,
        "What people, consumers and the platform did about alerts; consumers write their receipts here.",
        "人员、订阅方和平台对告警的处置；订阅方在此写回执。",
    ),
    DELIVERIES: (
        Audience.INTEGRATORS,
        (Flow.SEND,),
        messages.DELIVERY,
        "The ledger of deliveries to subscribers.",
        "向订阅方投递的台账。",
    ),
    API_AUDIT: (
        Audience.PLATFORM,
        (Flow.SEND,),
        messages.AUDIT,
        "Who changed what through the operations API, and who tried.",
        "谁通过运行接口做了或试图做什么更改。",
    ),
    INDICATORS: (
        Audience.INTEGRATORS,
        (Flow.SEND,),
        messages.INDICATOR,
        "Figures of the plan.",
        "规划指标。",
    ),
    DEAD_LETTERS: (
        Audience.INTEGRATORS,
        (Flow.SEND,),
        messages.DEAD_LETTER,
        "What was refused, kept whole.",
        "被拒收的数据，原样保存。",
    ),
    PLAN: (
        Audience.PLATFORM,
        (Flow.SEND, Flow.RECEIVE),
        messages.PUBLICATION,
        "Plans, standards and policies as published.",
        "已发布的规划、标准和政策。",
    ),
    TARGET_FIGURES: (
        Audience.PLATFORM,
        (Flow.SEND, Flow.RECEIVE),
        messages.TARGET_FIGURE,
        "Figures that people enter for targets without telemetry, every revision for ever.",
        "人员为无实时监测的指标填报的数据，每次修订永久保留。",
    ),
    LANES: (
        Audience.PLATFORM,
        (Flow.SEND, Flow.RECEIVE),
        messages.LANE_STATUS,
        "How far lanes other than live are judged.",
        "非实时泳道的研判进度。",
    ),
}


def _kafka() -> list[Channel]:
    readings = {readings_topic(feed, live=live): (feed, live) for feed in Feed for live in (True, False)}
    return [
        _readings_channel(spec, *readings[spec.name]) if spec.name in readings else _shared_channel(spec)
        for spec in TOPICS
    ]


def _readings_channel(spec: TopicSpec, feed: Feed, live: bool) -> Channel:
    return Channel(
        id=f"kafka.{spec.name}",
        address=spec.name,
        server="kafka",
        audience=Audience.PLATFORM,
        flows=(Flow.SEND, Flow.RECEIVE),
        messages=(messages.READINGS[feed], *_ON_READINGS),
        en=f"Readings {'of real life' if live else 'of other lanes'}, one a record; ticks and documents among them.",
        zh=f"{'实时' if live else '其他泳道的'}数据，每条记录一条；其间有时钟和文件记录。",
        topic=spec,
    )


def _shared_channel(spec: TopicSpec) -> Channel:
    own = (
        Audience.PLATFORM,
        (Flow.SEND, Flow.RECEIVE),
        messages.INTERNAL,
        "State of a service, for itself alone.",
        "服务自身的状态。",
    )
    audience, flows, message, en, zh = _SHARED.get(spec.name, own)
    return Channel(f"kafka.{spec.name}", spec.name, "kafka", audience, flows, (message,), en, zh, topic=spec)


def every_channel() -> Sequence[Channel]:
    """All of them: MQTT by feed, then the Kafka table in its order."""
    return [channel for feed in Feed for channel in _mqtt(feed)] + _kafka()


def _of_topic(spec: TopicSpec) -> Json:
    """Partitions and retention as Kafka has them, and what its bindings have no word for."""
    config = spec.config()
    known: Json = {"cleanup.policy": [config["cleanup.policy"]]}
    for name in ("retention.ms", "max.message.bytes"):
        if name in config:
            known[name] = int(config[name])
    kafka = {"topic": spec.name, "partitions": spec.partitions, "topicConfiguration": known, "bindingVersion": "0.5.0"}
    return {
        "bindings": {"kafka": kafka},
        "x-key": spec.key,
        "x-retention-days": None if spec.retention is None else spec.retention / timedelta(days=1),
        "x-record-time": "broker" if spec.broker_time else "producer",
    }
