"""Readings of a district's calls and units, and the rules that judge them: for the tests of this folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schemas.district import Post
from schemas.emergency import EmergencyReading, Step, UnitState
from schemas.fields import Feed
from schemas.plan.book import PlanBook
from schemas.plan.documents import PlanDocument
from schemas.plan.policy import PolicyDocument
from services.stream_processors.emergency.coverage import Cell
from services.stream_processors.emergency.processor import EmergencyRules
from services.stream_processors.engine.timeline_judge import TimelineJudge
from services.stream_processors.plan.files import load_document
from tests.unit.stream_processors.recorded import Item, Result, item, log_of, run, tick

FOLDER = Path(__file__).resolve().parents[4] / "deploy" / "plan"
START = datetime(2026, 11, 24, 2, tzinfo=UTC)
HERE = (114.26, 30.60)


def book() -> PlanBook:
    return PlanBook(
        [
            load_document(FOLDER / "jianghan-14fyp.toml", PlanDocument),
            load_document(FOLDER / "policies" / "emergency.toml", PolicyDocument),
        ]
    )


def judge(cells: tuple[Cell, ...] = (), posts: tuple[Post, ...] = ()) -> TimelineJudge[Any]:
    return TimelineJudge(EmergencyRules(book(), cells, posts), book())


def step(second: float, name: Step, call: str = "call-1", **fields: Any) -> EmergencyReading:
    """A step of a call that came in at START."""
    at = START + timedelta(seconds=second)
    unit = fields.pop("unit", None if name is Step.CALL_RECEIVED else "u1")
    known = {f"{name}_at": at, "call_received_at": START, **fields}
    return EmergencyReading(
        feed=Feed.EMERGENCY,
        device_id=unit or "dispatch",
        group_id="jianghan",
        boot_id="b",
        seq=int(second * 1_000_000) % 2**50,
        observed_at=at,
        incident_id=call,
        unit_id=unit,
        unit_type="ambulance",
        step=name,
        **known,
    )


def report(second: float, unit: str, state: str, place: tuple[float, float]) -> EmergencyReading:
    return EmergencyReading(
        feed=Feed.EMERGENCY,
        device_id=unit,
        group_id="jianghan",
        boot_id="b",
        seq=10**15 + int(second * 1_000),
        observed_at=START + timedelta(seconds=second),
        unit_id=unit,
        unit_type="ambulance",
        unit_state=UnitState(state),
        longitude=place[0],
        latitude=place[1],
    )


def at(second: float) -> Item:
    return tick(START + timedelta(seconds=second))


def judged(*what: EmergencyReading | Item, chosen: TimelineJudge[Any] | None = None) -> Result:
    return run(chosen or judge(), log_of([item(one) if isinstance(one, EmergencyReading) else one for one in what]))


def of(result: Result, rule: str) -> list[str]:
    return [str(alert.event) for alert in result.alerts if alert.rule == rule]
