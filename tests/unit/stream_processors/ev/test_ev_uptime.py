"""Uptime of a site and of its ports over months: what is not known is not up, and who has left stays in the record."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from schemas.ev import ConnectorState, EvContext, EvReading
from schemas.fields import Feed
from schemas.indicator import IndicatorStatus
from schemas.plan.book import PlanBook
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.feed_rules import Entry, Figure
from services.stream_processors.engine.periods import DAY_US, local_month
from services.stream_processors.ev.figures import UPTIME, UPTIME_12_MONTHS
from services.stream_processors.ev.processor import EvRules
from services.stream_processors.ev.state import SiteState
from tests.unit.stream_processors.ev.test_ev_rules import policy
from tests.unit.stream_processors.in_order import Recorder, play, wake_until

DAY = timedelta(days=1)
SITE = "key"
"""The key under which `in_order.play` makes its state."""


def midnight(month: int, day: int = 1, year: int = 2025) -> datetime:
    return datetime(year, month, day, tzinfo=UTC) - timedelta(hours=8)


def rules() -> EvRules:
    """A state holds for a day and figures are said once a day, so that a year is a few hundred readings."""
    return EvRules(PlanBook([policy(hold_seconds=86_400, pace_seconds=3_600, figures_seconds=86_400)]))


def daily(begin: datetime, end: datetime, port: str = "a", status: str = "idle") -> list[EvReading]:
    """A reading at the same time of each day."""
    count = (end - begin) // DAY + ((end - begin) % DAY > timedelta(0))
    return [
        EvReading(
            feed=Feed.EV,
            device_id=port,
            group_id=SITE,
            boot_id=f"{begin:%m%d}",
            seq=number,
            observed_at=begin + number * DAY,
            context=EvContext.PERIODIC,
            status=ConnectorState(status),
        )
        for number in range(count)
    ]


def said(readings: Iterable[EvReading], until: datetime) -> Recorder:
    return play(rules(), readings, to_us(until) + 1)


def of(recorder: Recorder, figure: str, subject: str, end: datetime, days: int = 27) -> Figure:
    """The figure of the longest period that ends then."""
    found = [
        one
        for one in recorder.figures.values()
        if (one.id, one.subject, one.period_end_us) == (figure, subject, to_us(end))
        and one.period_end_us - one.period_start_us > days * DAY_US
    ]
    (one,) = found
    return one


def test_time_before_a_port_was_first_heard_of_is_not_known() -> None:
    #   1 Jan ........... 31 Jan 23:00 ├─────── idle ───────┤ 31 Dec
    recorder = said(daily(midnight(2) - timedelta(hours=1), midnight(1, year=2026)), midnight(1, year=2026))
    year = of(recorder, UPTIME_12_MONTHS, "a", midnight(1, year=2026))
    unknown_minutes = 31 * 1_440 - 60
    assert year.status is IndicatorStatus.CANNOT_SAY
    assert year.completeness == round(1 - unknown_minutes / 525_600, 6)
    assert year.value == pytest.approx(100 * (1 - unknown_minutes / 525_600), abs=1e-6)
    assert year.details["unknown_minutes"] == unknown_minutes
    january = of(recorder, UPTIME_12_MONTHS, "a", midnight(2))
    assert january.status is IndicatorStatus.CANNOT_SAY
    assert january.value == pytest.approx(0, abs=0.02)


def test_a_year_that_is_known_throughout_is_met() -> None:
    recorder = said(daily(midnight(1), midnight(1, year=2026)), midnight(1, year=2026))
    year = of(recorder, UPTIME_12_MONTHS, "a", midnight(1, year=2026))
    assert (year.value, year.completeness, year.status) == (100.0, 1.0, IndicatorStatus.MET)


def test_a_leap_year_out_of_order_throughout_is_not_less_than_nothing() -> None:
    """525,600 minutes in leap years too: 366 days of outage are more than all."""
    begin, end = midnight(1, year=2028), midnight(1, year=2029)
    year = of(said(daily(begin, end, status="fault"), end), UPTIME_12_MONTHS, "a", end)
    assert (year.value, year.status) == (0.0, IndicatorStatus.NOT_MET)


def fault_then_silence() -> list[EvReading]:
    """Port b is out of order from the first of November to the fifth, and is not heard of again."""
    return [*daily(midnight(11), midnight(1, year=2026)), *daily(midnight(11), midnight(11, 6), "b", "fault")]


def test_a_port_that_falls_silent_for_good_stays_in_the_month_in_which_it_left() -> None:
    recorder = said(fault_then_silence(), midnight(1, year=2026))
    month = of(recorder, UPTIME, SITE, midnight(12))
    # two ports for 30 days: one up throughout, five days of outage, 25 of which nothing is known
    assert (month.value, month.status) == (50.0, IndicatorStatus.NOT_MET)
    assert (month.details["ports"], month.details["outage_minutes"]) == (2, 5 * 1_440)
    assert of(recorder, UPTIME_12_MONTHS, "b", midnight(12)).details["outage_minutes"] == 5 * 1_440
    after = of(recorder, UPTIME, SITE, midnight(1, year=2026))
    assert (after.value, after.details["ports"], after.status) == (100.0, 1, IndicatorStatus.MET)
    assert not [
        one for one in recorder.figures.values() if one.subject == "b" and one.period_end_us > to_us(midnight(12))
    ]


def test_it_counts_in_the_day_in_which_it_left_and_not_in_the_next() -> None:
    recorder = said(fault_then_silence(), midnight(11, 16))
    ports = {
        one.period_start_us: one.details["ports"]
        for one in recorder.figures.values()
        if one.id == UPTIME and one.n < 10
    }
    # last heard of on the fifth at midnight, taken for removed seven days later
    assert [ports[to_us(midnight(11, day))] for day in (11, 12, 13)] == [2, 1, 1]


def test_a_port_that_comes_back_has_its_outage_still() -> None:
    back = daily(midnight(12, 20), midnight(2, year=2026), "b")
    recorder = said([*fault_then_silence(), *back], midnight(2, year=2026))
    year = of(recorder, UPTIME_12_MONTHS, "b", midnight(2, year=2026))
    known_days = 5 + 12 + 31
    assert year.details["outage_minutes"] == 5 * 1_440
    assert year.details["unknown_minutes"] == pytest.approx((365 - known_days - 1) * 1_440, abs=1_440)
    assert year.n == 3


def walked(readings: list[EvReading], until: datetime) -> tuple[EvRules, SiteState, Recorder]:
    by, recorder = rules(), Recorder()
    state = by.new_state(SITE, "live")
    for offset, one in enumerate(sorted(readings, key=lambda one: (one.observed_at, one.device_id))):
        told = by.entry(one)
        assert told is not None
        entry = Entry(to_us(one.observed_at), one.device_id, one.boot_id, one.seq, told[0], offset, told[1])
        wake_until(by, state, recorder, entry.at_us)
        by.apply(state, entry, recorder)
    wake_until(by, state, recorder, to_us(until) + 1)
    return by, state, recorder


def test_a_site_that_is_gone_is_looked_at_once_a_month_and_forgotten_when_no_month_can_count_any_more() -> None:
    by, state, recorder = walked(daily(midnight(1), midnight(1, 6)), midnight(1, 20))
    assert recorder.wakes == {"look": to_us(midnight(2))}
    assert not by.forget(state, 2**62)
    wake_until(by, state, recorder, to_us(midnight(12, 15)))
    assert recorder.wakes == {"look": to_us(midnight(1, year=2026))}
    assert not by.forget(state, 2**62)
    wake_until(by, state, recorder, to_us(midnight(2, 15, year=2026)))
    assert recorder.wakes == {}
    assert by.forget(state, 2**62)


def test_the_largest_month_that_the_contract_allows_is_kept_whole() -> None:
    by = rules()
    most = [one.model_copy(update={"rated_power_kw": 5_000.0}) for one in daily(midnight(1), midnight(2))]
    _, state, _ = walked(most, midnight(1, 31))
    month = local_month(to_us(midnight(1)))
    assert state.month.rated_wus == 30 * DAY_US * 5_000_000
    assert by.unpack(by.pack(state), by.state_version, SITE, "live") == state
    assert (month.end_us - month.start_us) * 5_000_000 < 2**64
