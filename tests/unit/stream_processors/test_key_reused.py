"""A reading is known by device, boot and number: the same key with another time or payload is not judged again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.ev import EvReading
from services.stream_processors.engine.events import FailureReason, Fate, JudgingFailed
from tests.unit.stream_processors.ev.test_ev_rules import START, at, judge, policy, reading
from tests.unit.stream_processors.recorded import Process, Result, item, log_of, run

TICKS = [at(650), at(1_000)]


def metered(second: float, seq: int, kwh: float, **fields: Any) -> EvReading:
    return reading(second, seq=seq, status="charging", rated_power_kw=60.0, energy_register_kwh=kwh, **fields)


FIRST = [metered(0, 0, 10), metered(60, 1, 10.5), metered(120, 2, 11)]


def said(*more: EvReading) -> Result:
    return run(judge(), log_of([*map(item, [*FIRST, *more]), *TICKS]))


def figures(result: Result) -> dict[Any, Any]:
    return {name: (one["value"], one["n"]) for name, one in result.figures().items()}


@pytest.mark.parametrize(
    ("again", "fate"),
    [
        (metered(60, 1, 10.5), Fate.REPEATED),
        (metered(60, 1, 99), Fate.KEY_REUSED),
        (metered(90, 1, 10.5), Fate.KEY_REUSED),
        (metered(180, 1, 99), Fate.KEY_REUSED),
        (metered(180, 2, 11.5), Fate.KEY_REUSED),
        (metered(30, 0, 10), Fate.KEY_REUSED),
        (metered(180, 1, 11.5, boot="b2"), Fate.IN_ORDER),
        (metered(180, 3, 11.5), Fate.IN_ORDER),
        (metered(100, 3, 10.7), Fate.LATE),
    ],
)
def test_a_key_is_judged_once_whatever_comes_under_it_later(again: EvReading, fate: Fate) -> None:
    plain, result = said(), said(again)
    assert result.fates[fate] == plain.fates.get(fate, 0) + 1
    if fate in {Fate.REPEATED, Fate.KEY_REUSED}:
        assert figures(result) == figures(plain)
        assert result.alerts == plain.alerts
    else:
        assert figures(result) != figures(plain)


def test_a_key_is_known_by_a_worker_that_goes_on_from_a_stored_state() -> None:
    process, result = Process(judge()), Result()
    records = log_of([*map(item, FIRST), *map(item, [metered(200, 1, 12), metered(60, 1, 10.5)])])
    process.worker.judge(records[:3])
    process.store()
    process.kill()
    result.take(process.worker.judge(records[3:])[0])
    assert result.fates == {Fate.KEY_REUSED: 1, Fate.REPEATED: 1}


def test_a_device_that_counts_anew_without_a_new_boot_is_not_judged() -> None:
    anew = [metered(600 + 60 * n, n, 50 + n) for n in range(3)]
    result = said(*anew)
    assert result.fates == {Fate.IN_ORDER: 3, Fate.KEY_REUSED: 3}


def test_a_reading_that_was_given_up_for_its_time_may_come_again() -> None:
    """What is dated ahead waits; of too much of it the farthest is a dead letter that may be sent again."""
    small = policy().model_copy(update={"window": policy().window.model_copy(update={"samples_max": 16})})
    ahead = [metered(3_600 + n, 10 + n, 20 + n / 100) for n in range(17)]
    log = [*map(item, FIRST), at(130), *map(item, ahead)]
    result = run(judge(small), log_of(log))
    (given_up,) = [one for one in result.outputs if isinstance(one, JudgingFailed)]
    assert given_up.reason is FailureReason.FUTURE_TIME
    later = run(judge(small), log_of([*log, at(3_620), item(ahead[-1])]))
    assert later.fates.get(Fate.KEY_REUSED, 0) == 0
    assert later.fates[Fate.IN_ORDER] == 4


def test_the_same_number_of_another_lane_or_device_is_another_reading() -> None:
    other = [metered(60, 1, 10.5).model_copy(update={"device_id": "c2"})]
    assert said(*other).fates == {Fate.IN_ORDER: 4}
    assert START + timedelta(seconds=60) == FIRST[1].observed_at
