"""Tax is a ledger: a year is the sum of all entries, whenever they came; which months are closed, who is missing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.indicator import Indicator, IndicatorStatus
from schemas.tax import TaxEntry, TaxReading
from services.stream_processors.engine.events import Fate
from services.stream_processors.engine.timeline_judge import TimelineJudge
from services.stream_processors.tax.processor import TaxRules
from tests.unit.stream_processors.recorded import Item, Process, Result, item, log_of, run, tick
from tests.unit.stream_processors.tax.tax_log import YEAR, book, entry

BUILDINGS = "tax.hundred_million_buildings"
YEAR_TO_DATE = "tax.year_to_date"
FELL = "tax.building_fell_below"
REPEATED = "tax.receipt_repeated"
MILLION = 1_000_000


def on(day: float) -> Item:
    return tick(YEAR + timedelta(days=day))


def of_log(*what: TaxReading | Item, target: int | None = None, **settings: Any) -> Result:
    plan_book = book(target, **settings)
    judge = TimelineJudge(TaxRules(plan_book), plan_book)
    return run(judge, log_of([item(one) if isinstance(one, TaxReading) else one for one in what]))


def last(result: Result, name: str, subject: str, days: int = 365) -> Indicator:
    return [
        one
        for one in result.indicators
        if (one.id, one.subject, one.period_end - one.period_start) == (name, subject, timedelta(days=days))
        and one.period_end > YEAR
    ][-1]


def total(result: Result, building: str = "b1") -> float | None:
    return last(result, YEAR_TO_DATE, building).value


def office(day: float, amount: str, name: str, building: str = "b1", **fields: Any) -> TaxReading:
    return entry(day, amount, building, **fields).model_copy(update={"device_id": name})


def test_an_entry_is_its_receipt_its_building_and_its_amount_whoever_sends_it_again() -> None:
    result = of_log(
        entry(0, "100.00", receipt="r1"),
        entry(0.1, "200.00", receipt="r1"),
        office(0.2, "100.00", "office-2", receipt="r1"),
        on(1),
    )
    assert total(result) == 300
    moved = of_log(
        entry(0, "100.00", receipt="r1"),
        entry(0.1, "-100.00", receipt="r2", entry=TaxEntry.CORRECTION),
        entry(0.2, "100.00", "b2", receipt="r1"),
        on(1),
    )
    assert (total(moved), total(moved, "b2"), total(moved, "jianghan")) == (0, 100, 100)


def test_history_that_comes_after_the_lateness_bound_counts_in_the_sums_of_the_year() -> None:
    """The bound is 40 days: what comes in November of January to September is history."""
    history = [
        entry(day, str(12 * MILLION), f"b{n}", receipt=f"h{n}-{day}") for n in range(3) for day in range(5, 270, 30)
    ]
    now = [entry(310, "1000.00", "b9"), on(310.1)]
    result = of_log(*now, *history, on(310.2), target=3)
    assert result.fates[Fate.TOO_LATE] == len(history) == 27
    for n in range(3):
        assert total(result, f"b{n}") == 108 * MILLION
    year = last(result, BUILDINGS, "jianghan")
    assert year.value == 3
    assert year.details["buildings"] == ["b0", "b1", "b2"]
    assert year.status is IndicatorStatus.CANNOT_SAY
    assert "so_far" in year.details
    assert last(result, YEAR_TO_DATE, "jianghan").value == 324 * MILLION + 1_000
    assert result.alerts == []


def test_history_neither_raises_nor_ends_an_alert_and_is_counted_once() -> None:
    fallen = [
        entry(300, str(100 * MILLION), receipt="a"),
        entry(301, "-1.00", receipt="b"),
        entry(301, str(101 * MILLION), "b2", receipt="c"),
        on(302),
    ]
    before = of_log(*fallen)
    assert [alert.event for alert in before.alerts if alert.rule == FELL] == ["raised"]
    late = [
        entry(10, "2.00", receipt="h1", seq=1),
        entry(11, str(-2 * MILLION), "b2", receipt="h2", seq=2),
        entry(12, "50.00", receipt="h3", entry=TaxEntry.REFUND, seq=3),
    ]
    again = [*late, entry(13, "2.00", receipt="h1", seq=4)]
    result = of_log(*fallen, *late, on(302.1), *again, on(302.2))
    assert [alert.event_id for alert in result.alerts] == [alert.event_id for alert in before.alerts]
    assert total(result) == 100 * MILLION - 1 + 2 + 50
    assert total(result, "b2") == 99 * MILLION


def test_history_of_the_year_before_counts_there_and_older_history_nowhere() -> None:
    result = of_log(
        entry(310, "1000.00"),
        on(310.1),
        entry(-20, "300.00", receipt="h1"),
        entry(-400, "7.00", receipt="h2"),
        on(310.2),
    )
    of_2025 = [one for one in result.indicators if one.id == YEAR_TO_DATE and one.period_end == YEAR]
    assert {one.subject: one.value for one in of_2025} == {"b1": 300, "jianghan": 300}
    assert all("so_far" not in one.details for one in of_2025)
    assert total(result) == 1_000
    assert {one.period_end for one in result.indicators if one.id == YEAR_TO_DATE} == {YEAR, YEAR + timedelta(days=365)}


def test_history_is_not_lost_with_the_worker_and_memory_does_not_grow_with_it() -> None:
    plan_book = book()
    process = Process(TimelineJudge(TaxRules(plan_book), plan_book))
    result = Result()
    log = [entry(300, "1.00"), on(300.1)]
    history = [entry(n / 40, "10.00", f"b{n % 5}", receipt=f"h{n}", seq=n) for n in range(4_000)]
    offset, sizes = 0, []
    for first in range(0, 4_000, 500):
        items = [item(one) if isinstance(one, TaxReading) else one for one in [*log, *history[first : first + 500]]]
        items.append(on(300.2 + first / 50))
        log = []
        records = [record.__class__(offset + n, record.value, record.headers) for n, record in enumerate(log_of(items))]
        offset += len(records)
        result.take(process.worker.judge(records)[0])
        process.store()
        process.kill()
        sizes.append(sum(len(value) for name, value in process.kept.items() if b"w" in name))
    assert total(result, "jianghan") == 40_001
    assert total(result, "b3") == 8_000
    assert sizes[-1] < 4 * sizes[1], "what is 40 days old is folded, the history as well"


def test_a_month_is_closed_when_every_office_has_reported_and_who_is_missing_is_named() -> None:
    months = [5.0, 36.0, 64.0, 95.0]
    both = [office(day, "10.00", "office-1", receipt=f"a{day}") for day in months]
    both += [office(day, "10.00", "office-2", receipt=f"b{day}") for day in months if day != 64.0]
    result = of_log(*sorted(both, key=lambda one: one.observed_at), on(100), reported_least=0.9)
    year = last(result, YEAR_TO_DATE, "jianghan")
    assert year.details["months_closed"] == ["2026-01", "2026-02"]
    assert year.details["offices_missing"] == {"2026-03": ["office-2"]}
    assert year.completeness == pytest.approx(5 / 6, abs=1e-6)
    assert "so_far" in year.details
    building = last(result, YEAR_TO_DATE, "b1")
    assert building.completeness == year.completeness
    assert "offices_missing" not in building.details
    figure = last(result, BUILDINGS, "jianghan", 31)
    assert figure.status is IndicatorStatus.CANNOT_SAY


def test_an_office_that_the_policy_names_is_missed_from_the_first_month_on() -> None:
    result = of_log(
        office(5, "10.00", "office-1"), on(40), office(41, "10.00", "office-1"), on(42), offices=("office-9",)
    )
    year = last(result, YEAR_TO_DATE, "jianghan")
    assert year.details["offices_missing"] == {"2026-01": ["office-9"]}
    assert year.completeness == 0.5


def test_a_closed_year_of_which_too_little_was_reported_is_neither_met_nor_missed() -> None:
    whole = [office(15 + 30.4 * month, str(9 * MILLION), "o1", receipt=f"a{month}") for month in range(12)]
    few = whole[:3] + whole[9:]
    for target in (1, 2):
        missing = last(of_log(*few, on(366), target=target, reported_least=0.9), BUILDINGS, "jianghan")
        assert missing.status is IndicatorStatus.CANNOT_SAY
        assert "not closed: 2026-04 (no entry of o1) and 5 more" in missing.status_reason
        assert missing.completeness == 0.5
    met = last(of_log(*whole, on(366), target=1, reported_least=0.9), BUILDINGS, "jianghan")
    assert (met.status, met.completeness) == (IndicatorStatus.MET, 1)
    missed = last(of_log(*whole, on(366), target=2, reported_least=0.9), BUILDINGS, "jianghan")
    assert missed.status is IndicatorStatus.NOT_MET


def test_a_year_that_runs_meets_nothing_and_neither_does_a_forecast() -> None:
    log = [office(15 + 30.4 * month, str(30 * MILLION), "o1", receipt=f"a{month}") for month in range(12)]
    result = of_log(*log, on(320), target=1)
    running = [one for one in result.indicators if one.known_at is not None and one.known_at < one.period_end]
    assert {one.id for one in running} == {BUILDINGS, YEAR_TO_DATE, "tax.pace"}
    assert all(one.status is IndicatorStatus.CANNOT_SAY and "so_far" in one.details for one in running)
    assert (
        last(result, BUILDINGS, "jianghan").status_reason
        == "the period is not over; so far: 1 buildings, the plan asks for 1"
    )
    over = of_log(*log, on(366), target=1)
    assert last(over, BUILDINGS, "jianghan").status is IndicatorStatus.MET
    assert last(over, "tax.pace", "jianghan").status is IndicatorStatus.MET
