"""Lanes other than live: opened by a clock message, driven, closed; what comes before, beside and behind that."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.lane import LanePhase
from services.stream_processors.engine.events import (
    FailureReason,
    Fate,
    Judged,
    JudgingFailed,
    LaneChanged,
    Output,
)
from services.stream_processors.engine.opening import MAX_OPEN_LANES, WAITING_LANES_MAX, WAITING_MAX
from services.stream_processors.engine.worker import Worker
from tests.unit.stream_processors.recorded import Record, tick
from tests.unit.stream_processors.scripted import LANE, ScriptedJudge, at, log, reading, taken, us

MINUTE = 60


def lanes_worker() -> Worker[Any]:
    return Worker(ScriptedJudge(), "readings.parking.lanes", 0, live=False)


def judged(worker: Worker[Any], records: list[Record]) -> list[Output]:
    outputs, undecodable = worker.judge(records)
    assert not undecodable, undecodable
    return outputs


def dead_letters(outputs: list[Output]) -> list[tuple[FailureReason, int]]:
    return [
        (one.reason, one.coordinates.offset) for one in outputs if isinstance(one, JudgingFailed) and one.coordinates
    ]


def changes(outputs: list[Output]) -> list[LaneChanged]:
    return [one for one in outputs if isinstance(one, LaneChanged)]


# readings wait · clock message · readings are judged, those that waited first
def test_the_first_clock_message_opens_a_lane_and_what_came_before_it_is_judged_first() -> None:
    worker = lanes_worker()
    early = judged(worker, log((0, reading(0, lane=LANE)), (1, reading(1, lane=LANE))))
    assert early == []
    assert worker.waits()
    opened = judged(worker, [taken(2, tick(at(0), LANE), 2), taken(3, reading(2, lane=LANE), 3)])
    assert opened == [
        Judged(Fate.IN_ORDER),
        Judged(Fate.IN_ORDER),
        LaneChanged(LANE, LanePhase.OPEN, 2, 3, None, 2, 0),
        Judged(Fate.IN_ORDER),
    ]
    assert worker.lane_statuses() == [LaneChanged(LANE, LanePhase.OPEN, 2, 4, us(0), 3, 0)]
    assert not worker.waits()


def test_a_lane_that_closes_is_settled_said_and_forgotten() -> None:
    worker = lanes_worker()
    said = judged(
        worker,
        log(
            (0, tick(at(0), LANE)),
            (1, reading(0, lane=LANE)),
            (2, reading(1, "late-3", key="b", lane=LANE)),
            (3, reading(1, "raise-settle", key="c", lane=LANE)),
            (4, tick(at(60), LANE, spare=0, closes=True)),
        ),
    )
    assert said.count(Judged(Fate.LATE)) == 3
    failed = [one for one in said if isinstance(one, JudgingFailed)]
    assert [(one.key, one.coordinates) for one in failed] == [("c", None)]
    assert changes(said)[-1] == LaneChanged(LANE, LanePhase.CLOSED, 0, 5, us(60), 3, 1)
    assert worker.lane_statuses() == []
    assert judged(worker, [taken(5, tick(at(60), LANE, closes=True), 5)]) == [], "a repeat says nothing"


def test_a_lane_opened_again_is_another_one() -> None:
    worker = lanes_worker()
    judged(worker, log((0, tick(at(0), LANE)), (1, reading(0, lane=LANE)), (2, tick(at(9), LANE, closes=True))))
    again = judged(worker, [taken(3, tick(at(0), LANE), 3)])
    assert changes(again) == [LaneChanged(LANE, LanePhase.OPEN, 3, 4, None, 0, 0)]


def test_one_clock_message_can_open_and_close_when_readings_wait_for_it() -> None:
    worker = lanes_worker()
    said = judged(worker, log((0, reading(0, lane=LANE)), (1, tick(at(5), LANE, closes=True))))
    assert [(one.phase, one.judged) for one in changes(said)] == [(LanePhase.OPEN, 1), (LanePhase.CLOSED, 1)]


@pytest.mark.parametrize("wall", ["a clock message of live", "one of another lane"])
def test_readings_wait_ten_minutes_for_their_lane_and_are_dead_letters_then(wall: str) -> None:
    worker = lanes_worker()
    judged(worker, log((0, reading(0, lane=LANE)), (30, reading(1, lane=LANE))))
    clock = tick(at(0)) if wall == "a clock message of live" else tick(at(0), "replay:other")
    assert dead_letters(judged(worker, [taken(10 * MINUTE, clock, 2)])) == []
    late = judged(worker, [taken(10 * MINUTE + 1, tick(at(1), clock_lane(wall)), 3)])
    assert dead_letters(late) == [(FailureReason.LANE_NOT_OPEN, 0)]
    (letter,) = [one for one in late if isinstance(one, JudgingFailed)]
    assert letter.payload == reading(0, lane=LANE)[0]
    assert "clock" in letter.detail
    opened = judged(worker, [taken(10 * MINUTE + 2, tick(at(0), LANE), 4)])
    assert changes(opened)[-1].judged == 1, "the other one has waited less"


def clock_lane(wall: str) -> str:
    return "live" if wall == "a clock message of live" else "replay:other"


def test_beyond_the_bounds_readings_do_not_wait() -> None:
    worker = lanes_worker()
    records = [taken(0, reading(n, lane=LANE), n) for n in range(WAITING_MAX + 1)]
    assert dead_letters(judged(worker, records)) == [(FailureReason.LANE_NOT_OPEN, WAITING_MAX)]
    more = [taken(1, reading(0, lane=f"replay:l{n}"), WAITING_MAX + 1 + n) for n in range(WAITING_LANES_MAX)]
    assert dead_letters(judged(worker, more)) == [(FailureReason.LANE_NOT_OPEN, WAITING_MAX + WAITING_LANES_MAX)]


def test_one_lane_more_than_may_be_open_is_refused_with_what_to_do() -> None:
    worker = lanes_worker()
    judged(worker, [taken(0, tick(at(0), f"replay:l{n}"), n) for n in range(MAX_OPEN_LANES)])
    said = judged(
        worker,
        [
            taken(1, reading(0, lane=LANE), 20),
            taken(2, tick(at(0), LANE), 21),
            taken(3, reading(1, lane=LANE), 22),
            taken(4, tick(at(1), LANE), 23),
        ],
    )
    (refused,) = changes(said)
    assert (refused.lane, refused.phase, refused.opened_offset) == (LANE, LanePhase.REFUSED, 21)
    assert "close one" in refused.detail
    assert dead_letters(said) == [(FailureReason.TOO_MANY_LANES, 20), (FailureReason.TOO_MANY_LANES, 22)]
    closed = judged(worker, [taken(5, tick(at(1), "replay:l0", closes=True), 24), taken(6, tick(at(0), LANE), 25)])
    assert [(one.lane, one.phase) for one in changes(closed)] == [
        ("replay:l0", LanePhase.CLOSED),
        (LANE, LanePhase.OPEN),
    ]


def test_a_lane_of_which_nothing_is_heard_for_an_hour_closes_by_itself() -> None:
    worker = lanes_worker()
    hour = 60 * MINUTE
    judged(worker, log((0, tick(at(0), LANE)), (10, reading(0, "late-2", lane=LANE))))
    assert changes(judged(worker, [taken(hour + 10, tick(at(hour)), 2)])) == []
    said = judged(worker, [taken(hour + 11, tick(at(hour)), 3)])
    assert said.count(Judged(Fate.LATE)) == 2
    (closed,) = changes(said)
    assert (closed.phase, closed.judged) == (LanePhase.CLOSED, 1)
    assert "an hour" in closed.detail


def test_where_the_broker_tells_no_time_the_clock_of_live_does() -> None:
    worker = lanes_worker()
    records = [
        Record(0, *tick(at(0))),
        Record(1, *tick(at(0), LANE)),
        Record(2, *tick(at(3_600))),
        Record(3, *tick(at(3_601))),
    ]
    assert [one.phase for one in changes(judged(worker, records))] == [LanePhase.OPEN, LanePhase.CLOSED]


def test_live_never_waits_for_opening() -> None:
    worker: Worker[Any] = Worker(ScriptedJudge(), "readings.parking", 0)
    assert judged(worker, [taken(0, reading(0), 0)]) == [Judged(Fate.IN_ORDER)]
    assert worker.lane_statuses() == []


def test_what_is_on_the_topic_of_others_is_a_dead_letter() -> None:
    live: Worker[Any] = Worker(ScriptedJudge(), "readings.parking", 0)
    on_live = judged(live, log((0, reading(0, lane=LANE)), (1, tick(at(0), LANE)), (2, reading(0))))
    assert dead_letters(on_live) == [(FailureReason.WRONG_LANE, 0), (FailureReason.WRONG_LANE, 1)]
    assert Judged(Fate.IN_ORDER) in on_live
    on_lanes = judged(lanes_worker(), log((0, reading(0)), (1, tick(at(0)))))
    assert dead_letters(on_lanes) == [(FailureReason.WRONG_LANE, 0)]
