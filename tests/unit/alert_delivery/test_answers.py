"""What an answer means, and when an event is tried again."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alert_delivery.answers import (
    GRACE,
    RetryPolicy,
    Verdict,
    is_given_up,
    judge,
    retry_after,
    wait_before_next,
)
from tests.unit.alert_delivery.made import START, seconds

POLICY = RetryPolicy(first=timedelta(seconds=1), longest=timedelta(seconds=60), asked_longest=timedelta(seconds=600))
DAYS = timedelta(days=3)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.DELIVERED),
        (202, Verdict.DELIVERED),
        (204, Verdict.DELIVERED),
        (None, Verdict.AGAIN),
        (500, Verdict.AGAIN),
        (503, Verdict.AGAIN),
        (599, Verdict.AGAIN),
        (408, Verdict.AGAIN),
        (425, Verdict.AGAIN),
        (429, Verdict.AGAIN),
        (301, Verdict.REFUSED),
        (302, Verdict.REFUSED),
        (307, Verdict.REFUSED),
        (308, Verdict.REFUSED),
        (400, Verdict.REFUSED),
        (401, Verdict.REFUSED),
        (404, Verdict.REFUSED),
        (413, Verdict.REFUSED),
        (410, Verdict.GONE),
        (100, Verdict.REFUSED),
    ],
)
def test_an_answer_means_one_thing(status: int | None, verdict: Verdict) -> None:
    assert judge(status) is verdict


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta()),
        (format_datetime(seconds(90), usegmt=True), timedelta(seconds=90)),
        ("Wed, 01 Jul 2026 08:01:30 -0000", timedelta(seconds=90)),
        (format_datetime(seconds(-90), usegmt=True), timedelta()),
        ("9" * 400, timedelta(seconds=10**9)),
        ("-5", None),
        ("soon", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, expected: timedelta | None) -> None:
    assert retry_after(value, START) == expected


@given(st.text(max_size=60))
def test_no_retry_after_breaks_anything(value: str) -> None:
    found = retry_after(value, START)
    assert found is None or found >= timedelta()


@pytest.mark.parametrize(("attempts", "bound"), [(1, 1), (2, 2), (3, 4), (7, 60), (40, 60), (10**6, 60)])
def test_the_bound_of_the_wait_doubles_up_to_the_longest(attempts: int, bound: int) -> None:
    assert wait_before_next(POLICY, attempts, 1.0, None) == timedelta(seconds=bound)
    assert wait_before_next(POLICY, attempts, 0.5, None) == timedelta(seconds=bound / 2)
    assert wait_before_next(POLICY, attempts, 0.0, None) == timedelta()


def test_what_the_subscriber_asks_for_is_given_up_to_a_cap() -> None:
    assert wait_before_next(POLICY, 1, 0.5, timedelta(seconds=120)) == timedelta(seconds=120)
    assert wait_before_next(POLICY, 1, 0.5, timedelta(days=900)) == timedelta(seconds=600)
    assert wait_before_next(POLICY, 7, 1.0, timedelta(seconds=1)) == timedelta(seconds=60)


#   recorded ─────────────── 3 days ──▶
#                    failing since ─ 1 h ─▶
@pytest.mark.parametrize(
    ("age", "failing", "expected"),
    [
        (DAYS, DAYS, True),
        (DAYS - timedelta(seconds=1), DAYS, False),
        (DAYS * 3, timedelta(minutes=59), False),
        (DAYS * 3, GRACE, True),
        (DAYS * 3, None, False),
    ],
)
def test_an_event_is_given_up_when_it_is_old_and_was_tried_for_a_while(
    age: timedelta, failing: timedelta | None, expected: bool
) -> None:
    failing_since = None if failing is None else START - failing
    assert is_given_up(START - age, failing_since, START, DAYS) is expected
