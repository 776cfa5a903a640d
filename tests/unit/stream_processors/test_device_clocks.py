"""Clocks of devices: eight hours, drift, and what is no wrong clock (a backlog, a long interval), for every feed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from schemas.alert import Alert, AlertEventType, Severity
from schemas.emergency import EmergencyReading, UnitState
from schemas.envelope import Envelope
from schemas.ev import ConnectorState, EvContext, EvReading
from schemas.fields import LIVE, Feed
from schemas.parking import ParkingReading
from schemas.tax import TaxEntry, TaxKind, TaxReading
from schemas.water import WaterBody, WaterReading
from services.stream_processors.engine.device_clocks import CLOCK_WRONG
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.unit.stream_processors.recorded import Item, Process, Record, Result, item, tick

T0 = datetime(2026, 11, 24, 2, tzinfo=UTC)
EIGHT_HOURS = 8 * 3_600.0
Arrival = tuple[float, float]
"""When a reading comes and what it is dated, both in seconds after T0."""


def made(feed: Feed, seq: int, dated: float, lane: str = LIVE) -> Envelope:
    head: dict[str, Any] = {
        "feed": feed,
        "device_id": "d1",
        "group_id": "jianghan",
        "boot_id": "b",
        "seq": seq,
        "observed_at": T0 + timedelta(seconds=dated),
        "lane": lane,
    }
    match feed:
        case Feed.EV:
            return EvReading(**head, context=EvContext.PERIODIC, status=ConnectorState.IDLE)
        case Feed.PARKING:
            return ParkingReading(**head, total_spaces=100, free_spaces=50 - seq % 7)
        case Feed.EMERGENCY:
            return EmergencyReading(**head, unit_id="d1", unit_state=UnitState.AVAILABLE)
        case Feed.WATER:
            return WaterReading(**head, water_body=WaterBody.LAKE, ph=7.5, do_mg_l=8.0)
    return TaxReading(
        **head,
        building_id="b1",
        receipt_id=f"r{seq}",
        entry=TaxEntry.PAYMENT,
        tax_kind=TaxKind.OTHER,
        tax_period="2026-11",
        amount_cny=Decimal("1.00"),
    )


def judge_of(feed: Feed) -> Any:
    return build_judges([feed.value], ProcessorSettings())[0]


def records_of(feed: Feed, arrivals: Iterable[Arrival], *, until: float = 0) -> list[Record]:
    """The log as the broker has it: its own time on each record, a tick each minute."""
    found: list[tuple[float, Item]] = []
    for seq, (came, dated) in enumerate(arrivals):
        found.append((came, item(made(feed, seq, dated))))
    last = max(until, *(came for came, _ in found))
    found += [(60.0 * n, tick(T0 + timedelta(minutes=n))) for n in range(int(last // 60) + 1)]
    found.sort(key=lambda one: one[0])
    ms = int(T0.timestamp() * 1_000)
    return [Record(n, *one, timestamp=ms + round(came * 1_000)) for n, (came, one) in enumerate(found)]


def said(records: list[Record], feed: Feed = Feed.EV, *, dies_at: int | None = None) -> list[Alert]:
    process, result = Process(judge_of(feed)), Result()
    for record in records:
        result.take(process.worker.judge([record])[0])
        if dies_at is not None and record.offset % 5 == 0:
            process.store()
        if record.offset == dies_at:
            process.store()
            process.kill()
    return [alert for alert in result.alerts if alert.rule == CLOCK_WRONG]


@pytest.mark.parametrize("feed", list(Feed))
@pytest.mark.parametrize("wrong", [EIGHT_HOURS, -EIGHT_HOURS])
def test_local_time_sent_as_utc_is_noticed_after_ten_minutes_for_every_feed(feed: Feed, wrong: float) -> None:
    arrivals = [(60.0 * n, 60.0 * n - 1 + wrong) for n in range(30)]
    (alert,) = said(records_of(feed, arrivals), feed)
    assert (alert.asset, alert.event, alert.severity) == ("d1", AlertEventType.RAISED, Severity.BLUE)
    assert alert.observed_value == pytest.approx(wrong, abs=2)
    assert alert.observed_unit == "s"
    assert alert.raised_at - alert.started_at >= timedelta(minutes=10)
    assert alert.threshold.source.id == f"{feed.value}-operations" or alert.threshold.source.id
    assert alert.threshold.id == ("device.clock_ahead" if wrong > 0 else "device.clock_behind")
    if wrong > 0:
        assert "8 h 0 min ahead" in alert.text.en
        assert "as if local time were sent as UTC" in alert.text.en
        assert "8小时" in alert.text.zh


def test_drift_is_noticed_once_it_is_beyond_the_limit_and_told_again_when_it_has_doubled() -> None:
    """Two seconds an hour fast would take days: here a minute an hour."""
    arrivals = [(60.0 * n, 61.0 * n) for n in range(600)]
    alerts = said(records_of(Feed.EV, arrivals))
    assert [alert.event for alert in alerts] == [AlertEventType.RAISED, AlertEventType.UPDATED, AlertEventType.UPDATED]
    offsets = [alert.observed_value or 0 for alert in alerts]
    assert 120 < offsets[0] < 140
    assert offsets[1] >= 2 * offsets[0]
    assert {alert.alert_id for alert in alerts} == {alerts[0].alert_id}
    slow = said(records_of(Feed.EV, [(60.0 * n, 59.0 * n) for n in range(800)]))
    assert slow[0].event is AlertEventType.RAISED
    assert -700 < (slow[0].observed_value or 0) < -600


@pytest.mark.parametrize("pace", [0.05, 1.0, 5.0, 20.0])
def test_what_is_sent_after_an_outage_is_no_wrong_clock_because_it_catches_up(pace: float) -> None:
    """Forty-five minutes of a reading every thirty seconds, sent one after the other at some pace."""
    kept = [(2_700 + pace * n, 30.0 * n) for n in range(90)]
    caught_up = kept[-1][0]
    assert said(records_of(Feed.EV, [*kept, *[(caught_up + 30.0 * n, caught_up + 30.0 * n) for n in range(60)]])) == []


def test_a_backlog_that_goes_on_while_new_readings_come_is_no_wrong_clock() -> None:
    kept = [(2_700 + 25.0 * n, 30.0 * n) for n in range(300)]
    assert said(records_of(Feed.EV, kept)) == []


@pytest.mark.parametrize("hours", [1.0, 4.0, 24.0])
def test_a_reading_dated_at_the_start_of_its_own_interval_is_not_late(hours: float) -> None:
    step = 3_600 * hours
    arrivals = [(step * (n + 1) + 180 + 40 * (n % 3), step * n) for n in range(12)]
    assert said(records_of(Feed.WATER, arrivals), Feed.WATER) == []


def test_a_station_of_long_intervals_that_is_eight_hours_behind_is_noticed() -> None:
    step = 3_600 * 4.0
    arrivals = [(step * (n + 1) + 180, step * n - EIGHT_HOURS) for n in range(8)]
    (alert,) = said(records_of(Feed.WATER, arrivals), Feed.WATER)
    assert alert.observed_value == pytest.approx(-12 * 3_600 - 180)


def test_late_by_chance_is_no_wrong_clock() -> None:
    arrivals = [(60.0 * n, 60.0 * n - 700 - 97 * (n % 5)) for n in range(120)]
    assert said(records_of(Feed.EV, arrivals)) == []


def test_it_ends_when_the_clock_is_right_again() -> None:
    wrong = [(60.0 * n, 60.0 * n + EIGHT_HOURS) for n in range(30)]
    right = [(60.0 * n, 60.0 * n - 1) for n in range(30, 40)]
    alerts = said(records_of(Feed.EV, [*wrong, *right]))
    assert [alert.event for alert in alerts] == [AlertEventType.RAISED, AlertEventType.RESOLVED]
    assert alerts[-1].ended_at == T0 + timedelta(minutes=30)
    assert alerts[-1].text.en.startswith(
        "d1: its clock is right again, or nothing is heard of it any more. From 2026-11-24 10:00"
    )
    assert "Limit: 2 min (" in alerts[-1].text.en


def test_it_ends_when_nothing_was_heard_of_the_device_for_a_week() -> None:
    wrong = [(60.0 * n, 60.0 * n + EIGHT_HOURS) for n in range(30)]
    records = records_of(Feed.EV, wrong)
    days = [tick(T0 + timedelta(days=n)) for n in range(1, 10)]
    records += [Record(len(records) + n, *one) for n, one in enumerate(days)]
    alerts = said(records)
    assert [alert.event for alert in alerts] == [AlertEventType.RAISED, AlertEventType.RESOLVED]
    assert alerts[-1].ended_at == T0 + timedelta(days=8)


def test_the_same_log_says_the_same_whoever_judges_it_and_whenever_it_is_lost() -> None:
    wrong = [(60.0 * n, 60.0 * n + EIGHT_HOURS) for n in range(30)]
    records = records_of(Feed.EV, [*wrong, *[(60.0 * n, 60.0 * n) for n in range(30, 40)]])
    whole = said(records)
    for offset in range(0, len(records), 7):
        assert said(records, dies_at=offset) == whole


def test_without_the_brokers_time_and_in_other_lanes_nothing_is_said_of_clocks() -> None:
    arrivals = [(60.0 * n, 60.0 * n + EIGHT_HOURS) for n in range(30)]
    silent = [Record(one.offset, one.value, one.headers) for one in records_of(Feed.EV, arrivals)]
    assert said(silent) == []
    lane = "replay:old"
    process, result = Process(judge_of(Feed.EV), live=False), Result()
    ms = int(T0.timestamp() * 1_000)
    records = [Record(0, *tick(T0, lane), timestamp=ms)]
    records += [
        Record(1 + n, *item(made(Feed.EV, n, came, lane)), timestamp=ms) for n, (came, _) in enumerate(arrivals)
    ]
    result.take(process.worker.judge(records)[0])
    assert [alert for alert in result.alerts if alert.rule == CLOCK_WRONG] == []
