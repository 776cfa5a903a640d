"""Silence of a car park: it begins with the limit, ends with the next reading or with its greatest age."""

from __future__ import annotations

from datetime import timedelta

from schemas.alert import AlertEventType
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.feed_rules import Said
from tests.unit.stream_processors.parking.parking_zone import NOON, SILENT, ZONE, episodes, reading, rules, said

HOUR = timedelta(hours=1)
LIMIT = timedelta(minutes=30)


def test_silence_is_said_when_the_limit_has_passed_and_once() -> None:
    assert episodes(said([reading(NOON, 50)], until=NOON + LIMIT), SILENT) == []
    (one,) = episodes(said([reading(NOON, 50)], until=NOON + 9 * HOUR), SILENT)
    assert (one.started_us, one.raised_us, one.ended_us) == (to_us(NOON + LIMIT), to_us(NOON + LIMIT), None)
    assert (one.peak.value, one.offsets) == (1_800, (0,))


def test_it_ends_with_the_next_reading() -> None:
    recorder = said([reading(NOON, 50), reading(NOON + 3 * HOUR, 50)])
    (one,) = episodes(recorder, SILENT)
    assert (one.ended_us, one.peak.value, one.offsets) == (to_us(NOON + 3 * HOUR), 3 * 3_600, (0, 1))


def test_silence_that_no_wake_saw_is_the_same() -> None:
    # the next reading comes 12 s after the limit: the wake of 12:31 is still to come
    again = NOON + timedelta(seconds=30) + LIMIT
    (one,) = episodes(said([reading(NOON + timedelta(seconds=18), 50), reading(again, 50)]), SILENT)
    assert (one.started_us, one.ended_us) == (to_us(NOON + timedelta(seconds=18) + LIMIT), to_us(again))


def test_a_device_that_was_taken_away_does_not_alert_for_ever() -> None:
    gone = said([reading(NOON, 50)], until=NOON + timedelta(days=9))
    back = said([reading(NOON, 50), reading(NOON + timedelta(days=9), 50)])
    for recorder in (gone, back):
        (one,) = episodes(recorder, SILENT)
        assert one.ended_us == to_us(NOON + timedelta(days=7))


def test_the_words_name_the_limit() -> None:
    (one,) = episodes(said([reading(NOON, 50)], until=NOON + HOUR), SILENT)
    words = rules().wording(Said(AlertEventType.RAISED, SILENT, "a", ZONE, "live", one, ()))
    assert (words.threshold.id, words.threshold.value, words.unit) == ("parking.silence", 1_800, "s")
    assert "车场a：无数据。限值：30分钟（" in words.zh
    assert "it sent no readings. Limit: 30 min (" in words.en
