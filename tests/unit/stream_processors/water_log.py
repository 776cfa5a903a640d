"""Build logs of water readings and ticks, run them through the core in a plain loop, and read what came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from schemas.alert import Alert, AlertEventType
from schemas.clock import KIND_HEADER, KIND_TICK
from schemas.fields import LIVE
from schemas.indicator import Indicator
from schemas.plan.book import Document, PlanBook
from schemas.plan.documents import PlanDocument, StandardDocument
from schemas.plan.policy import PolicyDocument
from services.stream_processors.engine.events import AlertOutput, IndicatorOutput, Output
from services.stream_processors.engine.timeline_judge import TimelineJudge
from services.stream_processors.plan.files import load_document
from services.stream_processors.water.processor import WaterRules
from services.stream_processors.water.settings import WaterSettings
from services.stream_processors.water.state import LakeState
from tests.unit.stream_processors.recorded import Process, lane_of, see_that_it_follows

PLAN = Path(__file__).resolve().parents[3] / "deploy" / "plan"
TOPIC = "readings.water"
START = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)

Item = tuple[bytes, list[tuple[str, bytes]]]
"""Value and headers of a record."""

GOOD_VALUES = {"ph": 7.5, "do_mg_l": 8.0, "codmn_mg_l": 3.0, "nh3n_mg_l": 0.2, "tp_mg_l": 0.03}
"""Class III of a lake."""


@dataclass(frozen=True)
class Record:
    """A record as the worker reads it."""

    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


def policy(
    name: str = "water.toml",
    *,
    rule: dict[str, Any] | None = None,
    limits: dict[str, float] | None = None,
    window: dict[str, Any] | None = None,
    **settings: dict[str, Any],
) -> PolicyDocument:
    """A policy file with some of its values changed: `policy(rule={"raise_after": 3}, rounds={"say_seconds": 1})`.

    Args:
        rule: Of the class rule.
        limits: Values by limit id.
        settings: Tables of `[settings]`.
    """
    document = load_document(PLAN / "policies" / name, PolicyDocument)
    body = document.model_dump(by_alias=True)
    for entry in body["rule"]:
        if entry["id"] == "water.class_worse_than_target":
            entry.update(rule or {})
    for entry in body["limit"]:
        entry["value"] = (limits or {}).get(entry["id"], entry["value"])
    body["window"] |= window or {}
    for table, values in settings.items():
        body["settings"][table] |= values
    return PolicyDocument.model_validate(body)


def settings_of(document: PolicyDocument) -> WaterSettings:
    return document.settings_as(WaterSettings)


def plan() -> PlanDocument:
    return load_document(PLAN / "jianghan-14fyp.toml", PlanDocument)


def standard() -> StandardDocument:
    return load_document(PLAN / "standards" / "gb3838-2002.toml", StandardDocument)


def book(*documents: Document) -> PlanBook:
    """The documents that ship, and later versions of them, or another policy in place of the one that ships."""
    shipped: list[Document] = [plan(), standard()]
    if not any(isinstance(document, PolicyDocument) for document in documents):
        shipped.append(policy())
    return PlanBook([*shipped, *documents])


def judge(*documents: Document) -> TimelineJudge[LakeState]:
    chosen = book(*documents)
    return TimelineJudge(WaterRules(chosen), chosen)


def probes(second: int) -> dict[str, float]:
    """What probes measure never stands still."""
    return {"ph": 7.5 + second % 7 / 100, "do_mg_l": 8.0 + second % 11 / 100}


def reading(minute: float, *, device: str = "p1", seq: int | None = None, lane: str = "live", **fields: Any) -> Item:
    """A reading `minute` minutes after START, of class III unless fields say otherwise."""
    at = START + timedelta(minutes=minute)
    body = {
        "feed": "water",
        "device_id": device,
        "group_id": "beihu",
        "boot_id": "b1",
        "seq": 86_400 + int(minute * 60) if seq is None else seq,
        "observed_at": at.isoformat(),
        "water_body": "lake",
        "lane": lane,
        **GOOD_VALUES,
        **probes(int(minute * 60)),
        **fields,
    }
    return orjson.dumps(body), []


def tick(minute: float, lane: str = "live") -> Item:
    """A tick of an owner that has time to spare."""
    at = START + timedelta(minutes=minute)
    body = {"lane": lane, "at": at.isoformat(), "spare": 1_000_000}
    return orjson.dumps(body), [(KIND_HEADER, KIND_TICK)]


def log_of(items: Sequence[Item]) -> list[Record]:
    return [Record(offset, value, headers) for offset, (value, headers) in enumerate(items)]


@dataclass
class Said:
    """Everything that came out, decoded against the contracts."""

    alerts: list[Alert] = field(default_factory=list)
    indicators: list[Indicator] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    told: dict[str, datetime] = field(default_factory=dict)
    """Event times of alert events, by id."""

    def take(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            match output:
                case AlertOutput():
                    see_that_it_follows(self.told, output.alert)
                    self.alerts.append(output.alert)
                    self.raw.append(output.alert.model_dump_json().encode())
                case IndicatorOutput():
                    value = output.encode()
                    self.raw.append(value)
                    self.indicators.append(Indicator.model_validate_json(value))
                case _:
                    pass

    def rule(self, name: str, asset: str | None = None) -> list[Alert]:
        """Events of one rule: `said.rule("sensor_fault")`."""
        return [a for a in self.alerts if a.rule == f"water.{name}" and asset in {None, a.asset}]

    @property
    def class_alerts(self) -> list[Alert]:
        return self.rule("class_worse_than_target")

    def events(self, asset: str | None = None) -> list[AlertEventType]:
        return [alert.event for alert in self.class_alerts if asset in {None, alert.asset}]

    def of(self, indicator_id: str, subject: str | None = None) -> list[Indicator]:
        return [i for i in self.indicators if i.id == indicator_id and subject in {None, i.subject}]

    def final_alerts(self, log: Sequence[Record]) -> dict[str, Any]:
        """Alerts that stand at the end, with the readings in place of their offsets.

        Left out is what depends on the order of arrival: revision, kind of the last event, wording of corrections.
        """
        last = {alert.alert_id: alert for alert in self.alerts}
        return {
            key: alert.model_dump(exclude={"revision", "event", "text", "evidence", "previous_at"})
            | {"evidence": sorted(_identity(log[offset].value) for offset in _offsets(alert))}
            for key, alert in last.items()
            if alert.event is not AlertEventType.RETRACTED
        }

    def final_indicators(self) -> dict[Any, Any]:
        """Indicators as now known, without the count of their revisions."""
        best: dict[Any, Indicator] = {}
        for one in self.indicators:
            key = (one.lane, one.id, one.subject, one.period_start, one.period_end, one.sample)
            if key not in best or one.revision >= best[key].revision:
                best[key] = one
        return {
            key: one.model_dump(exclude={"revision", "known_at"})
            for key, one in best.items()
            if not one.status_reason.startswith("withdrawn")
        }


def _offsets(alert: Alert) -> tuple[int, ...]:
    return () if alert.evidence is None else alert.evidence.offsets


def _identity(raw: bytes | None) -> tuple[str, str]:
    body = orjson.loads(raw or b"")
    return body["device_id"], body["observed_at"]


def run(log: Sequence[Record], *documents: Document, crash_after: Sequence[int] = ()) -> Said:
    """Judge a log record by record, lanes other than `live` in a worker of their own.

    Args:
        crash_after: Offsets after which the processes are killed; the next ones start from the state stored at the
            greatest multiple of 3 before, and judge on from there.
    """
    said = Said()
    rules = judge(*documents)
    live, others = Process(rules, TOPIC), Process(rules, TOPIC, live=False)
    crashes = sorted(crash_after)
    position = 0
    while position < len(log):
        process = live if lane_of(log[position]) in {LIVE, None} else others
        outputs, refused = process.worker.judge([log[position]])
        assert not refused, refused
        said.take(outputs)
        if position % 3 == 0:
            live.store()
            others.store()
        if crashes and position == crashes[0]:
            crashes.pop(0)
            live.kill()
            others.kill()
            position = live.worker.next_offset
        else:
            position += 1
    return said
