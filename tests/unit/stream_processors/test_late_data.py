"""Late readings: who pays for them, when they are judged, and that they speak once."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from schemas.alert import AlertEventType
from schemas.ev import ConnectorState, EvContext, EvReading
from schemas.fields import Feed
from schemas.parking import ParkingReading
from schemas.water import WaterBody, WaterReading
from services.stream_processors.engine.arrival import SMALL_REDO
from services.stream_processors.engine.events import Coordinates, Fate, IndicatorOutput, JudgingFailed, Output
from services.stream_processors.engine.judge import Moment
from services.stream_processors.engine.worker import Worker
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.unit.stream_processors.recorded import Item, Process, Result, item, log_of, run, tick
from tests.unit.stream_processors.test_every_feed import START as DAY
from tests.unit.stream_processors.test_every_feed import head
from tests.unit.stream_processors.test_timeline import FULL, QUIET, ToyRules, at, items, judge, reading

HOUR = 3_600


def rules_of(chosen: Any) -> ToyRules:
    rules = chosen.rules
    assert isinstance(rules, ToyRules)
    return rules


def steady(until: int, lot: str = "b", every: int = 10, spare: int = 0) -> list[Item]:
    """A lot that speaks all the time, and the clock."""
    log: list[Item] = []
    for second in range(0, until, every):
        log += [*items(reading(second, lot=lot)), at(second + 1, spare)]
    return log


#   b    . . . . . . . . . . . . . . . . . . . . . . . . . .
#   a    .                     (silent)                      l l l l l l   then a tick
def test_an_hour_of_late_readings_says_one_difference() -> None:
    backlog = items(*[reading(second, 5, "a") for second in range(10, HOUR - 100, 10)])
    log = [*items(reading(0, 5, "a")), *steady(HOUR), *backlog, at(HOUR + 1)]
    result = run(judge(), log_of(log))
    said = [alert.event for alert in result.alerts if alert.asset == "a"]
    assert said == [AlertEventType.RAISED, AlertEventType.RETRACTED]
    assert result.fates[Fate.LATE] == len(backlog)


def test_what_arose_and_vanished_between_two_judgings_is_not_said() -> None:
    log = [*items(reading(0, 5, "a")), *steady(600)]
    log += [*items(reading(100, 0, "a"), reading(120, 0, "a"), reading(110, 5, "a"), reading(130, 5, "a")), at(602)]
    assert not any(event.startswith(FULL) for event in run(judge(), log_of(log)).events())


def test_an_alert_that_is_new_and_over_is_seen_to_open_and_to_end() -> None:
    log = [*items(reading(0, 5, "a")), *steady(600)]
    late = [reading(100, 0, "a"), reading(120, 0, "a"), reading(140, 5, "a"), reading(160, 5, "a")]
    result = run(judge(), log_of([*log, *items(*late), at(602)]))
    assert [event for event in result.events() if event.startswith(FULL)] == [f"{FULL} a raised", f"{FULL} a resolved"]


def test_readings_in_order_pay_for_late_ones_twice_at_most() -> None:
    chosen = judge()
    log = steady(7_000, every=5)
    for late in range(500, 6_900, 100):
        log.insert(2 * (late // 5), *items(reading(late - 450 + 0.5, lot="a")))
    log.insert(0, *items(reading(0, lot="a")))
    run(chosen, log_of(log))
    in_order = 7_000 // 5
    assert rules_of(chosen).applied <= 3 * in_order + 3 * SMALL_REDO


def test_without_spare_a_long_redo_takes_its_time_and_says_nothing_before_its_end() -> None:
    log = [*items(reading(0, 5, "a")), *steady(HOUR), *items(reading(5, 0, "a"), reading(6, 0, "a"))]
    waits = run(judge(), log_of([*log, at(HOUR + 1, 0), at(HOUR + 2, 0)]))
    assert f"{FULL} a raised" not in waits.events()
    paid = [item for second in range(HOUR + 10, 2 * HOUR, 10) for item in items(reading(second, lot="b"))]
    assert f"{FULL} a raised" in run(judge(), log_of([*log, at(HOUR + 1, 0), *paid[:36]])).events() or (
        f"{FULL} a raised" in run(judge(), log_of([*log, at(HOUR + 1, 0), *_with_clock(paid)])).events()
    )


def _with_clock(paid: list[Item]) -> list[Item]:
    log: list[Item] = []
    for number, one in enumerate(paid):
        log += [one, at(HOUR + 11 + 10 * number, 0)]
    return log


def test_a_tick_with_spare_time_judges_all_that_is_late() -> None:
    log = [*items(reading(0, 5, "a")), *steady(HOUR), *items(reading(5, 0, "a"), reading(6, 0, "a")), at(HOUR + 1)]
    assert f"{FULL} a raised" in run(judge(), log_of(log)).events()


def test_a_key_of_which_nothing_else_is_heard_comes_to_an_end() -> None:
    log = [*items(reading(0, 5, "a")), *steady(HOUR), *items(reading(5, 0, "a"), reading(6, 0, "a"))]
    quiet = [at(HOUR + second, 0) for second in range(1, 160)]
    assert f"{FULL} a raised" in run(judge(), log_of([*log, *quiet])).events()


def test_a_restart_in_the_middle_of_a_redo_says_the_same_from_there_on() -> None:
    late = items(*[reading(second + 0.5, 0, "a") for second in range(100, 200, 3)])
    log = [*items(reading(0, 5, "a")), *steady(HOUR), *late]
    log += [
        one for second in range(HOUR, 2 * HOUR, 10) for one in (*items(reading(second, lot="b")), at(second + 1, 0))
    ]
    records = log_of(log)
    whole = run(judge(), records)
    begun = len(log) - 2 * HOUR // 10
    for crash in (begun + 30, begun + 61, begun + 200):
        broken = run(judge(), records, crashes=[crash])
        assert [alert for alert in broken.alerts if alert not in whole.alerts] == []
        assert {alert.event_id for alert in broken.alerts} == {alert.event_id for alert in whole.alerts}


def test_a_correction_is_said_although_the_horizon_of_the_lane_has_moved_on() -> None:
    late = items(reading(5, 0, "a"), reading(6, 0, "a"), reading(7, 5, "a"), reading(8, 5, "a"))
    log = [*items(reading(0, 5, "a")), *steady(2 * HOUR - 60), *late, at(2 * HOUR - 59, 0)]
    log += [
        one for second in range(2 * HOUR, 4 * HOUR, 10) for one in (*items(reading(second, lot="b")), at(second + 1, 0))
    ]
    said = [event for event in run(judge(), log_of(log)).events() if event.startswith(FULL)]
    assert said == [f"{FULL} a raised", f"{FULL} a resolved"]


def test_a_lane_that_closes_settles_what_waits() -> None:
    chosen = judge()
    worker: Worker[Any] = Worker(chosen, "readings", 0)
    log = [*items(reading(0, 5, "a")), *steady(HOUR), *items(reading(5, 0, "a"), reading(6, 0, "a"))]
    worker.judge(log_of(log))
    (state,) = worker._state.lanes["live"].keys.values()
    result = Result()
    moment = Moment("live", worker._state.lanes["live"].clock_us, None, "readings", 0)
    assert chosen.late_work(state) > SMALL_REDO
    outputs: list[Any] = []
    chosen.settle(state, moment, outputs)
    result.take(outputs)
    assert result.events() == [f"{QUIET} a raised"] or f"{FULL} a raised" in result.events()
    assert chosen.late_work(state) == 0


def ev(second: int, connector: str) -> Item:
    at_time = DAY + timedelta(seconds=second)
    return item(
        EvReading(
            **head(Feed.EV, connector, "site-1", second, at_time),
            context=EvContext.PERIODIC,
            status=ConnectorState.IDLE,
            rated_power_kw=60.0,
            power_kw=0.0,
        )
    )


def parking(second: int, lot: str) -> Item:
    at_time = DAY + timedelta(seconds=second)
    return item(ParkingReading(**head(Feed.PARKING, lot, "cbd", second, at_time), total_spaces=100, free_spaces=40))


def water(second: int, point: str) -> Item:
    at_time = DAY + timedelta(seconds=second)
    return item(
        WaterReading(
            **head(Feed.WATER, point, "beihu", second, at_time),
            water_body=WaterBody.LAKE,
            ph=7.5 + second % 7 / 100,
            do_mg_l=8.0 + second % 11 / 100,
            codmn_mg_l=3.0 + second % 3 / 100,
            nh3n_mg_l=0.2 + second % 13 / 1_000,
            tp_mg_l=0.03,
        )
    )


@pytest.mark.parametrize(("feed", "make", "pace"), [("ev", ev, 5), ("parking", parking, 5), ("water", water, 60)])
@pytest.mark.parametrize("spare", [0, 1_000_000])
def test_540_late_readings_of_one_device_are_a_handful_of_events(feed: str, make: Any, pace: int, spare: int) -> None:
    """It is silent while the clock runs, then sends what it has kept, in order; a tick follows."""
    (chosen,) = build_judges([feed], ProcessorSettings())
    length = 540 * pace
    log: list[Item] = [make(0, "one")]
    log += [tick(DAY + timedelta(seconds=second), spare=spare) for second in range(60, length, 60)]
    log += [make(second, "one") for second in range(pace, length, pace)]
    log += [tick(DAY + timedelta(seconds=length + extra), spare=spare) for extra in range(1, 250)]
    result = run(chosen, log_of(log), batch=1_000)
    assert len(result.alerts) <= 5
    assert not [alert for alert in result.standing().values() if alert["ended_at"] is None]


#   clock  0 |------------------- no owner for an hour -------------------| 3600
def test_an_hour_without_an_owner_ends_as_with_one() -> None:
    readings = [reading(second, 0 if 1_000 <= second < 1_100 else 5, "ab"[second % 2]) for second in range(3_500)]
    present = [at(0)]
    for number, one in enumerate(readings):
        present += items(one) if number % 30 else [*items(one), at(number + 1)]
    absent = [at(0), *items(*readings)]
    close = [at(3_600), at(3_700)]
    seen, missed = run(judge(), log_of([*present, *close])), run(judge(), log_of([*absent, *close]))
    assert missed.fates[Fate.FUTURE] > 3_000
    assert missed.standing() == seen.standing()
    assert missed.figures() == seen.figures()


def test_what_is_too_much_beyond_the_clock_is_given_up_the_farthest_first_and_said() -> None:
    chosen = judge()
    rules_of(chosen).window_max = 100
    log = [at(0), *items(*[reading(second) for second in range(1_150, 1_000, -1)])]
    result = run(chosen, log_of(log))
    failed = [output for output in result.outputs if isinstance(output, JudgingFailed)]
    assert len(failed) == 50
    assert Coordinates("readings", 0, 1) in {one.coordinates for one in failed}
    assert all("samples_max" in one.detail for one in failed)
    assert sum(result.fates.values()) == 150


#   clock          | 0                     | 6000
#   arrives   5000       4000 (ahead)              : behind what came before there was a clock
def test_what_was_dated_ahead_may_lie_behind_what_has_been_judged() -> None:
    log = [*items(reading(5_000, 0, "a")), at(0), *items(reading(4_000, 0, "b"), reading(5_500, 5, "b")), at(6_000)]
    in_order = [*items(reading(4_000, 0, "b"), reading(5_000, 0, "a"), reading(5_500, 5, "b")), at(6_000)]
    result, expected = run(judge(), log_of(log)), run(judge(), log_of(in_order))
    assert result.standing() == expected.standing()
    assert result.figures() == expected.figures()


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("window_max", [5_000, 12])
def test_a_worker_restored_at_any_record_says_the_same_from_there_on(seed: int, window_max: int) -> None:
    """Readings up to fifty minutes late, clock messages in between with little or nothing to spare."""
    dice = random.Random(seed)
    spare, commutes = dice.choice([0, 0, 3]), dice.random() < 0.5
    readings = [
        reading(dice.randrange(10) * 540 + dice.randrange(30), dice.choice([5, 0, -9, 13]), dice.choice("aab"), seq)
        for seq in range(24)
    ]
    arrivals = sorted((one.seq * 225 + dice.randrange(3_000), one.seq, one) for one in readings)
    log: list[Item] = []
    for second, _, one in arrivals:
        if dice.random() < 0.5:
            log.append(at(second, spare))
        log.append(item(one))
    records = log_of([*log, at(140 * 60)])

    def process() -> Process:
        chosen = judge(commutes=commutes)
        rules_of(chosen).window_max = window_max
        return Process(chosen, "readings")

    living = process()
    said = [words_of(living.worker.judge([record])[0]) for record in records]
    for cut in range(1, len(records)):
        other = process()
        for record in records[:cut]:
            other.worker.judge([record])
            if dice.random() < 0.3:
                other.store()
        other.store()
        other.kill()
        assert [words_of(other.worker.judge([record])[0]) for record in records[cut:]] == said[cut:], cut


def words_of(outputs: Iterable[Output]) -> list[bytes | str]:
    return [output.encode() if isinstance(output, IndicatorOutput) else repr(output) for output in outputs]
