"""States of released versions (folder `states`) are read for each feed and give the same alerts and figures."""

from __future__ import annotations

import base64
import gzip
import os
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from schemas.alert import Alert, AlertEventType
from schemas.clock import Tick
from schemas.fields import LIVE, Feed
from schemas.indicator import Indicator
from services.stream_processors.engine.changelog import restored
from services.stream_processors.engine.events import FailureReason, JudgingFailed
from services.stream_processors.engine.state_records import release_2_key
from services.stream_processors.engine.worker import Worker
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.unit.stream_processors.recorded import Process, Record, Result, log_of, tick
from tests.unit.stream_processors.state_logs import LOGS

STATES: Final = Path(__file__).parent / "states"
Figures = dict[tuple[Any, ...], dict[str, Any]]
FEEDS: Final = sorted(feed.value for feed in Feed)
RELEASE: Final = "release-4"
"""Of the states that this release writes."""
WRITTEN: Final = sorted(file.relative_to(STATES).as_posix() for file in STATES.glob("release-*/*.json.gz"))


def state_of(release: str, feed: str) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads(gzip.decompress((STATES / release / f"{feed}.json.gz").read_bytes()))
    return body


def rest_of(body: dict[str, Any]) -> list[Record]:
    """What came after the state, and a last tick of an owner that has time to spare for late readings."""
    rest = [(value.encode(), [(name, text.encode()) for name, text in headers]) for value, headers in body["rest"]]
    last = Tick.model_validate_json(rest[-1][0])
    return [Record(body["next_offset"] + n, *one) for n, one in enumerate([*rest, tick(last.at)])]


def records_of(body: dict[str, Any]) -> dict[bytes, bytes]:
    """The records of the state topic."""
    if isinstance(body["state"], str):
        return {release_2_key(0): base64.b64decode(body["state"])}
    return {key.encode(): base64.b64decode(value) for key, value in body["state"].items()}


def words(said: dict[str, Any]) -> Result:
    return Result(
        [Alert.model_validate_json(orjson.dumps(one)) for one in said["alerts"]],
        [Indicator.model_validate_json(orjson.dumps(one)) for one in said["figures"]],
    )


def both(before: Result, rest: Result) -> Result:
    """What stands after both; the later word counts, whatever its revision."""
    alerts = {alert.alert_id: alert for alert in [*before.alerts, *rest.alerts] if alert.lane == LIVE}
    return Result(list(alerts.values()), [*before.indicators, *rest.indicators])


_WATER: Final = {"water.station_silent", "water.class_day", "water.class_month", "water.point_quality"}

OTHERWISE: Final = {
    # Release 2 looked at coverage whenever a reading came, counted units not heard of any more, and judged
    # a day however little of it was known. Now it is looked at on a grid of times, stale units leave, and a day has to
    # be known for the most part: what either says about coverage cannot be compared.
    "release-2/emergency": {"emergency.coverage", "emergency.coverage_day", "emergency.coverage_low"},
    # Releases 2 and 3 took one interval for all stations, judged days and months that were not over, and months by one
    # round. Now a station is silent in its own interval (these measure every hour), what is not over is not met, and
    # figures name their data rules.
    "release-2/water": _WATER,
    "release-3/water": _WATER,
    # Release 3 let a unit that had grown stale count until the next look, some seconds later.
    "release-3/emergency": {"emergency.coverage_day"},
}
"""Alerts and figures that are judged otherwise on purpose since a release, and why."""


def comparable(said: Result, file: str) -> Result:
    left_out = OTHERWISE.get(file.partition(".")[0], set())
    return Result(
        [alert for alert in said.alerts if alert.rule not in left_out],
        [one for one in said.indicators if one.id not in left_out],
    )


SAID_SINCE: Final = {
    # What a figure says beside its value since a later release.
    "so_far",
    "open",
    "p90_all_minutes",
    "percentile",
    "share_of_all",
    "months_closed",
    "offices_missing",
}


def known_then(figures: Figures, now: Figures) -> Figures:
    """Figures without what releases up to 3 did not say, and without the Chinese reason, which those up to 4 did not.

    They let a period that runs be met. Tax did not know who had reported: a year was judged whatever was missing, and
    completeness was whether there were entries, or the share of the year.
    """
    found: Figures = {}
    for name, one in figures.items():
        details = {key: value for key, value in one["details"].items() if key not in SAID_SINCE}
        found[name] = {**one, "details": details}
        left_out = {"status_reason_zh"}
        left_out |= {"status", "status_reason"} if "so_far" in now.get(name, one)["details"] else set()
        left_out |= {"completeness", "status", "status_reason"} if one["feed"] is Feed.TAX else set()
        for field in left_out:
            del found[name][field]
    return found


def judge_of(feed: str) -> Any:
    (judge,) = build_judges([feed], ProcessorSettings())
    return judge


def last_words(said: Result) -> dict[str, list[Any]]:
    """The last word on each alert and figure of `live`."""
    alerts = {alert.alert_id: alert for alert in said.alerts if alert.lane == LIVE}
    figures = {
        (one.id, one.subject, one.period_start, one.period_end, one.sample and one.sample.key): one
        for one in said.indicators
        if one.lane == LIVE
    }
    return {
        "alerts": [one.model_dump(mode="json") for one in alerts.values()],
        "figures": [one.model_dump(mode="json") for one in figures.values()],
    }


@pytest.mark.skipif("WRITE_STATES" not in os.environ, reason="states are written once a release: WRITE_STATES=1")
@pytest.mark.parametrize("feed", FEEDS)
def test_write_the_states_of_this_release(feed: str) -> None:
    process, log = Process(judge_of(feed), f"readings.{feed}"), LOGS[feed]()
    before, rest = Result(), Result()
    half = len(log.before) // 2
    records = log_of([*log.before, *log.rest])
    for some in (records[:half], records[half : len(log.before)]):
        before.take(process.worker.judge(some)[0])
        process.store()
    state = {key.decode(): base64.b64encode(value).decode() for key, value in process.kept.items()}
    rest.take(process.worker.judge(records[len(log.before) :])[0])
    body = {
        "feed": feed,
        "next_offset": len(log.before),
        "state": state,
        "rest": [[value.decode(), [[name, text.decode()] for name, text in headers]] for value, headers in log.rest],
        "said": {"before": last_words(before), "rest": last_words(rest)},
    }
    file = STATES / RELEASE / f"{feed}.json.gz"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(gzip.compress(orjson.dumps(body), 9, mtime=0))


@pytest.mark.parametrize("file", WRITTEN)
def test_a_state_of_each_release_is_read_and_gives_the_same_figures(file: str) -> None:
    release, _, name = file.partition("/")
    feed = name.partition(".")[0]
    body, judge = state_of(release, feed), judge_of(feed)
    start = restored(judge, records_of(body), f"readings.{feed}", 0)
    assert start is not None
    assert start.next_offset == body["next_offset"]
    found = Result()
    outputs, refused = Worker(judge, f"readings.{feed}", 0, start).judge(rest_of(body))
    found.take(outputs)
    assert refused == []
    before, rest = words(body["said"]["before"]), words(body["said"]["rest"])
    ours, theirs = comparable(both(before, found), file), comparable(both(before, rest), file)
    assert ours.standing() == theirs.standing()
    assert known_then(ours.figures(), ours.figures()) == known_then(theirs.figures(), ours.figures())
    assert any(alert.ended_at is None for alert in before.alerts if alert.event is not AlertEventType.RETRACTED)


@pytest.mark.parametrize("release", ["release-2", "release-3", RELEASE])
def test_there_is_a_state_of_each_release_for_each_feed(release: str) -> None:
    assert {f"{release}/{feed}.json.gz" for feed in FEEDS} <= set(WRITTEN)


@pytest.mark.parametrize("feed", FEEDS)
def test_from_the_first_writing_on_a_state_of_the_previous_release_is_one_of_this(feed: str) -> None:
    body = state_of("release-2", feed)
    process = Process(judge_of(feed), f"readings.{feed}")
    process.kept = records_of(body)
    process.kill()
    living: Worker[Any] = Worker(
        process.judge, process.topic, 0, restored(process.judge, process.kept, process.topic, 0)
    )
    records = rest_of(body)
    half = len(records) // 2
    expected = Result()
    expected.take(living.judge(records)[0])
    found = Result()
    found.take(process.worker.judge(records[:half])[0])
    process.store()
    assert release_2_key(0) not in process.kept
    process.kill()
    found.take(process.worker.judge(records[half:])[0])
    assert [alert.event_id for alert in found.alerts] == [alert.event_id for alert in expected.alerts]
    assert found.indicators == expected.indicators


def test_other_lanes_of_a_state_of_the_previous_release_are_given_up_and_their_readings_dead_letters() -> None:
    body, judge = state_of("release-2", "parking"), judge_of("parking")
    start = restored(judge, records_of(body), "readings.parking", 0)
    assert start is not None
    assert list(start.state.lanes) == [LIVE]
    outputs, _ = Worker(judge, "readings.parking", 0, start).judge(rest_of(body))
    left = [one for one in outputs if isinstance(one, JudgingFailed)]
    assert {(one.reason, one.lane) for one in left} == {(FailureReason.WRONG_LANE, "replay:day")}
    assert len(left) == sum('"replay:day"' in value for value, _ in body["rest"])


def test_a_year_of_tax_is_kept() -> None:
    body = state_of("release-2", "tax")
    said = words(body["said"]["before"])
    sums = [one.value for one in said.indicators if one.id == "tax.year_to_date" and one.subject == "b1"]
    assert sums[-1] == pytest.approx(114e6, rel=1e-3)
