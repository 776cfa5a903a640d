"""A listener hears all of a topic that was made anew, and is told; who comes back to the same log misses nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.alert import Alert
from schemas.topics import ALERT_ACTIONS, ALERTS
from services.alert_life.renderings.sse import Frame, Reader
from services.operations_api.cursors import Coordinate, read_coordinates, write_coordinates
from services.operations_api.event_reading import EventReading
from services.runtime import log_follower
from tests.cloudevents_reading import parse_structured
from tests.unit.operations_api.made_anew import Broker, broker, event

BOTH = [ALERTS, ALERT_ACTIONS]


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_follower, "LOOK_SECONDS", 0.0)


async def heard(reading: EventReading, rounds: int = 8) -> list[Frame]:
    reader, frames = Reader(), []
    for _ in range(rounds):
        for frame in await reading.poll(timeout_ms=0, max_records=500):
            frames += reader.feed(frame)
    return frames


def ids(frames: list[Frame]) -> list[str]:
    return [parse_structured(frame.data.encode()).id for frame in frames if frame.event == "cloudevent"]


def gaps(frames: list[Frame]) -> list[dict[str, Any]]:
    return [json.loads(frame.data) for frame in frames if frame.event == "gap"]


def expected(log: Broker, topic: str, made: int, count: int, since: int = 0) -> set[str]:
    found = [event(place, made, n) for place in log.logs if place.topic == topic for n in range(since, count)]
    return {each.event_id if isinstance(each, Alert) else each.action_id for each in found}


async def came_back(log: Broker, last: str) -> tuple[list[str], list[dict[str, Any]]]:
    """What a listener hears that comes back with the id of its last event."""
    again = EventReading(log)
    begun = [json.loads(gap.frame("a0:0").data) for gap in await again.begin(read_coordinates(last), from_begin=False)]
    frames = await heard(again)
    return ids(frames), begun + gaps(frames)


async def test_whoever_comes_back_to_the_same_log_goes_on_exactly_there() -> None:
    log = broker(20)
    reading = EventReading(log)
    assert await reading.begin(None, from_begin=True) == []
    frames = await heard(reading)
    assert set(ids(frames)) == expected(log, ALERTS, 0, 20) | expected(log, ALERT_ACTIONS, 0, 20)
    for place, more in broker(25).logs.items():
        log.logs[place] = more
    found, missing = await came_back(log, frames[-1].id or "")
    assert (set(found), missing) == (expected(log, ALERTS, 0, 25, 20) | expected(log, ALERT_ACTIONS, 0, 25, 20), [])
    assert len(found) == 6 * 5


@pytest.mark.parametrize("topic", BOTH)
@pytest.mark.parametrize("count", [5, 20, 60])
async def test_whoever_comes_back_after_a_topic_was_made_anew_hears_all_of_it(topic: str, count: int) -> None:
    log = broker(20)
    reading = EventReading(log)
    await reading.begin(None, from_begin=True)
    await heard(reading)
    last = reading.position
    log.make_anew(topic, count)
    found, missing = await came_back(log, last)
    assert set(found) == expected(log, topic, 1, count)
    assert {(gap["topic"], gap["first_offset"], gap["why"]) for gap in missing} == {(topic, 20, "made_anew")}
    assert len(missing) == 3


@pytest.mark.parametrize("topic", BOTH)
@pytest.mark.parametrize("from_begin", [True, False])
@pytest.mark.parametrize("count", [5, 20, 60])
async def test_a_listener_hears_all_of_a_topic_that_is_made_anew_meanwhile(
    topic: str, from_begin: bool, count: int
) -> None:
    log = broker(20)
    reading = EventReading(log)
    await reading.begin(None, from_begin=from_begin)
    await heard(reading)
    log.make_anew(topic, count)
    frames = await heard(reading)
    assert set(ids(frames)) == expected(log, topic, 1, count)
    assert {gap["why"] for gap in gaps(frames)} == {"made_anew"}
    found, missing = await came_back(log, frames[-1].id or "")
    assert (found, missing) == ([], [])


async def test_what_is_not_kept_any_more_is_named() -> None:
    log = broker(20)
    for records in log.logs.values():
        del records[:10]
    last = write_coordinates({(place.topic, place.partition): Coordinate(4) for place in log.logs})
    found, missing = await came_back(log, last)
    assert len(found) == 6 * 10
    assert {(gap["first_offset"], gap["last_offset"], gap["why"]) for gap in missing} == {(4, 9, "removed")}
