"""A wake that falls due behind readings which were applied already: what is done again, and what is not."""

from __future__ import annotations

import pytest

from tests.unit.stream_processors.recorded import Item, log_of, run
from tests.unit.stream_processors.test_timeline import DEADLINE, QUIET, ToyRules, at, items, judge, reading

LOTS = 200
MINUTES = 10


def rounds(*, tick_seconds: int) -> list[Item]:
    """Many lots, a reading a second in turn; one of them misses its deadline each minute."""
    log: list[Item] = []
    for second in range(60 * MINUTES):
        log += items(reading(second, 13 if second % 60 == 30 else 5, lot=f"lot-{second % LOTS}"))
        if second % tick_seconds == 0:
            log.append(at(second - 0.5, spare=0))
    return [*log, at(60 * MINUTES)]


@pytest.mark.parametrize("commutes", [False, True])
def test_only_what_came_since_the_tick_before_is_applied_again(commutes: bool) -> None:
    chosen = judge(commutes=commutes)
    result = run(chosen, log_of(rounds(tick_seconds=5)))
    rules = chosen.rules
    assert isinstance(rules, ToyRules)
    assert f"{DEADLINE} lot-30 raised" in result.events()
    assert rules.applied <= MINUTES * (60 + 5)


@pytest.mark.parametrize("commutes", [False, True])
def test_a_clock_that_comes_far_behind_the_readings_says_the_same(commutes: bool) -> None:
    near, far = (run(judge(commutes=commutes), log_of(rounds(tick_seconds=seconds))) for seconds in (1, 60))
    assert near.standing() == far.standing()


def test_a_wake_that_a_reading_has_passed_is_not_called_before_its_time() -> None:
    ahead = items(*[reading(second, lot="b") for second in range(250, 320, 2)])
    result = run(judge(), log_of([*items(reading(0)), at(299), *ahead, at(300)]))
    assert result.events() == []
    result = run(judge(), log_of([*items(reading(0)), at(299), *ahead, at(300), at(301)]))
    assert result.events() == [f"{QUIET} a raised"]
