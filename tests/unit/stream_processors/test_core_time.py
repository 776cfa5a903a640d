"""The clock of a lane: who is called when, what a tick costs, and what becomes of it when nobody writes ticks."""

from __future__ import annotations

from typing import Any

from services.stream_processors.engine.events import Fate, Judged, TickRefused
from services.stream_processors.engine.lane import Lane
from services.stream_processors.engine.worker import Worker
from tests.unit.stream_processors.recorded import Record, log_of, tick
from tests.unit.stream_processors.scripted import Key, ScriptedJudge, at, log, reading, taken, us

HOUR_US = 3_600 * 1_000_000


class Counting(ScriptedJudge):
    """Counts calls."""

    def __init__(self) -> None:
        super().__init__()
        self.timed: list[str] = []
        self.folded: list[str] = []

    def on_time(self, state: Key, moment: Any, outputs: Any) -> int | None:
        self.timed.append(state.key)
        return super().on_time(state, moment, outputs)

    def fold(self, state: Key, moment: Any) -> bool:
        self.folded.append(state.key)
        return super().fold(state, moment)


# wake:  b at 20 s, a at 30 s;  ticks at 10, 25, 60
def test_only_keys_whose_time_has_come_are_called_the_earliest_first() -> None:
    judge = Counting()
    worker: Worker[Any] = Worker(judge, "t", 0)
    worker.judge(
        log_of([tick(at(0)), reading(0, "wake-30", key="a"), reading(0, "wake-20", key="b"), reading(0, key="c")])
    )
    worker.judge([Record(4, *tick(at(10)))])
    assert judge.timed == []
    worker.judge([Record(5, *tick(at(25)))])
    assert judge.timed == ["b"]
    worker.judge([Record(6, *reading(26, "wake-1", key="c")), Record(7, *tick(at(60)))])
    assert judge.timed == ["b", "c", "a"]


def test_a_wake_that_was_moved_is_called_once() -> None:
    judge = Counting()
    worker: Worker[Any] = Worker(judge, "t", 0)
    wakes = [reading(0, f"wake-{seconds}") for seconds in (90, 30, 50, 10)]
    worker.judge(log_of([*wakes, tick(at(11)), tick(at(100))]))
    assert judge.timed.count("zone") >= 1
    outputs, _ = worker.judge([Record(6, *tick(at(200)))])
    assert outputs == []


def test_an_idle_tick_looks_at_few_of_many_keys_and_all_have_their_turn() -> None:
    judge = Counting()
    worker: Worker[Any] = Worker(judge, "t", 0)
    worker.judge(log_of([reading(0, key=f"k{n}") for n in range(2_000)]))
    worker.judge([Record(2_000, *tick(at(0)))])
    judge.folded.clear()
    judge.timed.clear()
    worst = 0
    for second in range(1, 451):
        before = len(judge.folded)
        worker.judge([Record(2_000 + second, *tick(at(second)))])
        worst = max(worst, len(judge.folded) - before)
    assert judge.timed == []
    assert worst < 40
    assert sorted(judge.folded) == sorted(f"k{n}" for n in range(2_000)), "each once in a sixteenth of two hours"


def test_a_long_step_of_the_clock_folds_every_key() -> None:
    judge = Counting()
    worker: Worker[Any] = Worker(judge, "t", 0)
    worker.judge(log_of([reading(0, key=f"k{n}") for n in range(50)] + [tick(at(1))]))
    judge.folded.clear()
    worker.judge([Record(51, *tick(at(100_000)))])
    assert len(judge.folded) == 50


def test_the_horizon_moves_in_sixteenths_of_the_lateness_bound_and_never_too_early() -> None:
    lane: Lane[None] = Lane()
    lane.move_horizon(None, 10 * HOUR_US, 2 * HOUR_US)
    assert lane.horizon_us == 8 * HOUR_US
    sixteenth = 2 * HOUR_US // 16
    lane.move_horizon(10 * HOUR_US, 10 * HOUR_US + sixteenth - 1, 2 * HOUR_US)
    assert lane.horizon_us == 8 * HOUR_US
    lane.move_horizon(10 * HOUR_US, 10 * HOUR_US + sixteenth, 2 * HOUR_US)
    assert lane.horizon_us == 8 * HOUR_US + sixteenth


def test_a_key_of_which_nothing_needs_to_be_remembered_is_forgotten() -> None:
    worker: Worker[Any] = Worker(ScriptedJudge(), "t", 0)
    worker.judge(log_of([reading(0, "blank", key="gone"), reading(0, key="kept"), tick(at(1)), tick(at(9_000))]))
    keys = {record.key for record in worker.changes() if b"head" in record.key}
    assert keys == {b'["live","kept","head"]'}


def test_late_work_is_done_as_far_as_ticks_spare_time_for_it() -> None:
    worker: Worker[Any] = Worker(ScriptedJudge(), "t", 0)
    worker.judge(log_of([tick(at(0)), reading(0, "late-5")]))
    assert worker.late_work() == 5
    worker.judge([Record(2, *tick(at(1), spare=0))])
    assert worker.late_work() == 5
    worker.judge([Record(3, *tick(at(1), spare=2))])
    assert worker.late_work() == 3, "a tick that moves no time can spare some"
    worker.judge([Record(4, *tick(at(2)))])
    assert worker.late_work() == 0


def test_what_was_late_before_the_first_tick_is_done_after_it() -> None:
    worker: Worker[Any] = Worker(ScriptedJudge(), "t", 0)
    worker.judge(log_of([reading(0, "late-5"), tick(at(0), spare=2)]))
    assert worker.late_work() == 3


def test_the_clock_never_goes_back() -> None:
    worker: Worker[Any] = Worker(ScriptedJudge(), "t", 0)
    outputs, _ = worker.judge(log_of([tick(at(100)), tick(at(10)), reading(0, "wake-50"), tick(at(60), spare=0)]))
    assert outputs == [Judged(Fate.IN_ORDER)], "60 is behind the clock, so nobody is called"


def test_a_tick_far_ahead_of_the_broker_is_refused_and_moves_nothing() -> None:
    worker: Worker[Any] = Worker(ScriptedJudge(), "t", 0)
    outputs, _ = worker.judge(
        log((0, tick(at(0))), (1, reading(0, "wake-30")), (2, tick(at(63))), (3, tick(at(86_400))), (4, tick(at(60))))
    )
    refused = [one for one in outputs if isinstance(one, TickRefused)]
    assert [one.at_us for one in refused] == [us(63), us(86_400)]
    assert "set the clock" in refused[0].reason
    assert outputs[-1] == Judged(Fate.LATE), "the wake at 30 s was called by the tick at 60 s"


# ticks to 0 s · nobody for an hour, readings each 30 s · an owner again
def test_without_an_owner_the_brokers_time_moves_the_clock() -> None:
    worker: Worker[Any] = Worker(ScriptedJudge(), "t", 0)
    seconds = range(30, 3_600, 30)
    outage = [(second + 0.2, reading(second, "wake-10")) for second in seconds]
    outputs, _ = worker.judge(log((0, tick(at(0))), *outage))
    called = outputs.count(Judged(Fate.LATE))
    assert called >= len(outage) // 3
    again, _ = worker.judge([taken(3_601, tick(at(3_601)), 500)])
    assert again.count(Judged(Fate.LATE)) <= 1


def test_a_reading_soon_after_the_last_tick_moves_no_time() -> None:
    worker: Worker[Any] = Worker(ScriptedJudge(), "t", 0)
    outputs, _ = worker.judge(log((0, tick(at(0))), (1, reading(0, "wake-5")), (60, reading(59))))
    assert Judged(Fate.LATE) not in outputs
