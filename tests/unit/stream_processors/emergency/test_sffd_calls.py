"""A week of real calls: over ten minutes, share, 90th percentile and each breach's times equal the file's."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from schemas.alert import AlertEventType
from schemas.clock import KIND_HEADER, KIND_TICK, Tick
from schemas.fields import Feed
from services.stream_processors.emergency.policy import BREACH
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from simulators.replay.files import read_recording
from simulators.replay.numbering import outgoing
from tests.unit.stream_processors.recorded import Item, Result, log_of, run

DATA = Path(__file__).resolve().parents[5] / "shared" / "data"
FILE = DATA / "emergency" / "sffd_calls_unit_responses_2020-04_a.csv"
LANE = "replay:sffd"
LOCAL = timedelta(hours=8)
LIMIT = timedelta(minutes=10)
ZONE = ZoneInfo("America/Los_Angeles")

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the folder ../shared/data is absent beside this clone")


def moment(text: str) -> datetime | None:
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=ZONE).astimezone(UTC) if text else None


def calls_of_the_file() -> dict[str, tuple[datetime, datetime | None]]:
    """Received and first on scene of each call, from the file alone."""
    received: dict[str, datetime] = {}
    scenes: defaultdict[str, list[datetime]] = defaultdict(list)
    with FILE.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            call = row["Call Number"]
            at, scene = moment(row["Received DtTm"]), moment(row["On Scene DtTm"])
            assert at is not None
            received[call] = min(at, received.get(call, at))
            if scene is not None:
                scenes[call].append(scene)
    return {call: (at, min(scenes[call], default=None)) for call, at in received.items()}


def month_of(at: datetime) -> datetime:
    local = (at + LOCAL).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return local - LOCAL


def day_of(at: datetime) -> datetime:
    return (at + LOCAL).replace(hour=0, minute=0, second=0, microsecond=0) - LOCAL


def ninetieth(times: Iterable[timedelta]) -> float:
    ranked = sorted(times)
    return round(ranked[ceil(len(ranked) * 0.9) - 1] / timedelta(minutes=1), 6)


@pytest.fixture(scope="module")
def judged() -> Result:
    readings = outgoing(Feed.EMERGENCY, read_recording(FILE).readings, LANE, "b")
    log: list[Item] = []
    clock = readings[0].at
    for each in readings:
        if each.at - clock > timedelta(minutes=1):
            clock = each.at
            log.append((Tick(lane=LANE, at=clock).model_dump_json().encode(), [(KIND_HEADER, KIND_TICK)]))
        log.append((each.payload, []))
    end = readings[-1].at + timedelta(hours=7)
    log.append((Tick(lane=LANE, at=end).model_dump_json().encode(), [(KIND_HEADER, KIND_TICK)]))
    (judge,) = build_judges([Feed.EMERGENCY.value], ProcessorSettings())
    return run(judge, log_of(log), batch=500)


def test_calls_share_and_percentile_equal_the_file(judged: Result) -> None:
    calls = calls_of_the_file()
    figures = judged.figures()
    assert not judged.refused
    periods = 0
    for start_of in (day_of, month_of):
        by_period: defaultdict[datetime, list[tuple[datetime, datetime | None]]] = defaultdict(list)
        for received, scene in calls.values():
            by_period[start_of(received)].append((received, scene))
        for start, members in by_period.items():
            times = [scene - at for at, scene in members if scene is not None and scene >= at]
            found = [
                figure
                for (_, name, _, begin, end, _), figure in figures.items()
                if name == "emergency.response"
                and begin == start
                and (end - begin > timedelta(days=1)) == (start_of is month_of)
            ]
            ((figure),) = found
            details = figure["details"]
            within = sum(took <= LIMIT for took in times)
            assert details["over"] == len(times) - within
            assert details["within"] == within
            assert details["unreached"] == sum(scene is None for _, scene in members)
            assert details["calls"] == len(members)
            assert figure["value"] == ninetieth(times)
            assert figure["n"] == len(times)
            share = next(
                f["value"]
                for (_, name, _, begin, end, _), f in figures.items()
                if name == "emergency.response_share" and (begin, end) == (start, figure["period_end"])
            )
            assert share == round(within / len(times), 6)
            periods += 1
    assert periods >= 8
    assert sum(len({scene}) for _, scene in calls.values()) == len(calls)


def test_each_breach_has_the_times_of_the_file(judged: Result) -> None:
    calls = calls_of_the_file()
    late = {
        call.lower(): (received + LIMIT, scene)
        for call, (received, scene) in calls.items()
        if scene is not None and scene - received > LIMIT
    }
    said = {alert.asset: alert for alert in judged.alerts if alert.rule == BREACH}
    reached = {
        name: a for name, a in said.items() if "response time" in a.text.en and a.event is AlertEventType.RESOLVED
    }
    assert {name: (a.started_at, a.ended_at) for name, a in reached.items()} == late
    exactly = [received for received, scene in calls.values() if scene is not None and scene - received == LIMIT]
    assert exactly, "the file has responses of exactly 600 s"
    assert len(late) > 100


def test_a_breach_is_raised_at_the_deadline_and_not_when_the_unit_arrives(judged: Result) -> None:
    raised = [a for a in judged.alerts if a.rule == BREACH and a.event is AlertEventType.RAISED]
    assert raised
    assert all(a.started_at == a.raised_at for a in raised)
    assert all(a.ended_at is None for a in raised)
