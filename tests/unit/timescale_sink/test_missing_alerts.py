"""The alert of numbers that never came: raised and resolved under one id, with the numbers that people look for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from schemas.alert import Alert, AlertEventType
from services.runtime.multirange import named, overlap, ranges_of
from services.timescale_sink.missing_alerts import RULE, Missing, alerts_of
from services.timescale_sink.telling import RAISED

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
AFTER = timedelta(minutes=10)


def missing(told: int = 0, *, ended: bool = False, by: str | None = None) -> Missing:
    ended_at = AT + timedelta(minutes=25) if ended else None
    return Missing("parking", "live", "lot-1", "boot-1", AT, "{[17,20),[75,76)}", ended_at, by, told, 4)


@pytest.mark.parametrize(
    ("numbers", "most", "words"),
    [
        ("{}", None, ""),
        ("{[0,1)}", None, "0"),
        ("{[5,8),[9,10)}", None, "5-7, 9"),
        ("{[0,1),[2,3),[4,6)}", 2, "0, 2 +1"),
        ("{[16383,16385)}", 1, "16383-16384"),
    ],
)
def test_numbers_are_named_as_people_read_them(numbers: str, most: int | None, words: str) -> None:
    assert named(numbers, most) == words


def test_ranges_have_their_first_and_last_number() -> None:
    assert list(ranges_of("{[5,8),[9,10)}")) == [(5, 7), (9, 9)]


def test_an_alert_names_device_numbers_and_what_to_do_in_both_languages() -> None:
    (alert,) = alerts_of(missing(), AFTER)
    assert (alert.rule, alert.asset, alert.event, alert.revision) == (RULE, "lot-1", AlertEventType.RAISED, 0)
    assert (alert.started_at, alert.raised_at, alert.observed_value) == (AT, AT + AFTER, 4)
    assert alert.text.en == (
        "lot-1: 4 readings are missing (boot boot-1, numbers 17-19, 75). Limit: all within 10 min (decision 0040)."
        " Since 2026-03-01 16:00 (Beijing time)."
        " Let the device send them again, or take note with `district audit acknowledge`."
    )
    assert "编号 17-19, 75" in alert.text.zh
    assert Alert.model_validate_json(alert.model_dump_json()) == alert


@pytest.mark.parametrize(("by", "words"), [(None, "no number is missing any more"), ("Li", "Li has taken note")])
def test_it_is_resolved_under_the_same_id(by: str | None, words: str) -> None:
    (raised,), (resolved,) = alerts_of(missing(), AFTER), alerts_of(missing(RAISED, ended=True, by=by), AFTER)
    assert resolved.alert_id == raised.alert_id
    assert (resolved.event, resolved.revision) == (AlertEventType.RESOLVED, 1)
    assert resolved.previous_at == raised.raised_at
    assert words in resolved.text.en
    assert "2026-03-01 16:25" in resolved.text.zh


@pytest.mark.parametrize(
    ("told", "ended", "events"),
    [
        (0, False, ["raised"]),
        (1, False, ["raised"]),
        (1, True, ["raised", "resolved"]),
        (RAISED, True, ["resolved"]),
    ],
)
def test_what_may_not_have_been_said_is_said_again_before_its_end(told: int, ended: bool, events: list[str]) -> None:
    assert [alert.event.value for alert in alerts_of(missing(told, ended=ended), AFTER)] == events


def test_numbers_of_two_gaps_overlap_where_one_is_in_both() -> None:
    assert overlap("{[0,2),[5,8)}", "{[7,9)}")
    assert not overlap("{[0,2),[5,8)}", "{[2,5),[8,9)}")
    assert not overlap("{}", "{[0,9)}")
