"""The circuit breaker along drawn timelines."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.alert_delivery.breaker import (
    CLOSED,
    Breaker,
    BreakerPolicy,
    BreakerState,
    after_answer,
    after_failure,
    after_request_for_rest,
)
from tests.unit.alert_delivery.made import seconds

POLICY = BreakerPolicy(failures=3, first=timedelta(seconds=2), longest=timedelta(seconds=8))


def failing(*at: float, chance: float = 1.0, breaker: Breaker = CLOSED) -> Breaker:
    for moment in at:
        breaker = after_failure(breaker, POLICY, seconds(moment), chance)
    return breaker


#   0   1   2         4
#   ✗   ✗   ✗ open ── half open
def test_it_opens_after_so_many_failures_in_a_row_and_lets_one_try_when_its_time_is_over() -> None:
    assert failing(0, 1).state(seconds(1)) is BreakerState.CLOSED
    breaker = failing(0, 1, 2)
    assert breaker.state(seconds(3.9)) is BreakerState.OPEN
    assert breaker.state(seconds(4)) is BreakerState.HALF_OPEN
    assert breaker.failing_since == seconds(0)


def test_any_answer_closes_it() -> None:
    assert after_answer(failing(0, 1, 2), seconds(3)) == CLOSED
    assert failing(3, 4, breaker=after_answer(failing(0, 1), seconds(2))).state(seconds(5)) is BreakerState.CLOSED


#   2 open ─ 4 probe ✗ open ──── 8 probe ✗ open ──────── 16 probe ✗ open ──────── 24 (the longest)
def test_each_probe_that_fails_doubles_the_rest_up_to_the_longest() -> None:
    breaker = failing(0, 1, 2)
    for probe, until in ((4, 8), (8, 16), (16, 24), (24, 32)):
        breaker = failing(probe, breaker=breaker)
        assert breaker.open_until == seconds(until)
        assert breaker.state(seconds(until - 0.1)) is BreakerState.OPEN


def test_attempts_that_were_under_way_when_it_opened_do_not_lengthen_the_rest() -> None:
    assert failing(2.1, 2.5, 3, breaker=failing(0, 1, 2)).open_until == failing(0, 1, 2).open_until


def test_the_rest_is_drawn_from_half_of_its_bound_to_all_of_it() -> None:
    assert failing(0, 1, 2, chance=0.0).open_until == seconds(3)
    assert failing(0, 1, 2, chance=0.5).open_until == seconds(3.5)


def test_a_subscriber_that_asks_for_rest_is_left_alone_and_not_probed_before() -> None:
    breaker = after_request_for_rest(CLOSED, seconds(0), timedelta(seconds=30))
    assert breaker.state(seconds(29)) is BreakerState.OPEN
    assert breaker.state(seconds(30)) is BreakerState.CLOSED
    answered = after_answer(breaker, seconds(10))  # by an attempt that was under way when it asked
    assert answered.state(seconds(29)) is BreakerState.OPEN
    assert after_answer(breaker, seconds(30)) == CLOSED
    shorter = after_request_for_rest(breaker, seconds(1), timedelta(seconds=5))
    assert shorter.rests_until == seconds(30)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 30), st.floats(0, 1)), max_size=40))
def test_it_never_rests_longer_than_the_longest_and_is_closed_after_a_success(
    steps: list[tuple[bool, float, float]],
) -> None:
    breaker, now = CLOSED, 0.0
    for went_well, later, chance in steps:
        now += later
        breaker = after_answer(breaker, seconds(now)) if went_well else failing(now, chance=chance, breaker=breaker)
        if went_well:
            assert breaker.state(seconds(now)) is BreakerState.CLOSED
        if breaker.open_until is not None:
            assert breaker.open_until <= seconds(now) + POLICY.longest
            assert breaker.failures >= POLICY.failures
