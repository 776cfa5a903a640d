"""Buildings at CNY 100 million: refunds un-count, the exact limit counts, the year ends at local midnight; the pace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alert import AlertEventType
from schemas.indicator import IndicatorStatus
from schemas.tax import TaxEntry
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.tax.pace import Method, forecast, usual_shares
from services.stream_processors.tax.processor import TaxRules
from tests.unit.stream_processors.in_order import play
from tests.unit.stream_processors.recorded import Result
from tests.unit.stream_processors.tax.tax_log import YEAR, book, buildings, entry, judged


@pytest.mark.parametrize(("amount", "counted"), [("100000000.00", 1), ("99999999.99", 0), ("100000000.01", 1)])
def test_exactly_the_limit_counts(amount: str, counted: int) -> None:
    assert buildings(judged(entry(0.5, amount)), 365)["value"] == counted


def test_a_refund_un_counts_and_a_later_payment_counts_again() -> None:
    paid, back, again = entry(0.2, "100000000"), entry(0.4, "-1.00"), entry(0.6, "1.00")
    fallen = judged(paid, back)
    assert buildings(fallen, 365)["value"] == 0
    (alert,) = [a for a in fallen.alerts if a.rule == "tax.building_fell_below"]
    assert (alert.observed_value, alert.threshold.source.where) == (99_999_999.0, "page 27")
    assert alert.ended_at is None
    restored = judged(paid, back, again)
    assert buildings(restored, 365)["value"] == 1
    assert restored.alerts[-1].ended_at == YEAR + timedelta(days=0.6)
    assert "不再计入" in alert.text.zh


def test_corrections_downwards_count() -> None:
    down = entry(0.4, "-30000000", entry=TaxEntry.CORRECTION)
    assert buildings(judged(entry(0.2, "120000000"), down), 365)["value"] == 0


def test_the_year_ends_at_local_midnight() -> None:
    last = entry(364.9999, "60000000")
    first = entry(365.0001, "60000000")
    result = judged(last, first, until=367)
    assert buildings(result, 365)["value"] == 0
    assert buildings(result, 365)["status"] is IndicatorStatus.NOT_MET
    assert "the year is over" in buildings(result, 365)["status_reason"]


def test_by_tax_period_a_january_entry_belongs_to_december() -> None:
    result = judged(
        entry(364, "60000000", tax_period="2026-12"),
        entry(370, "60000000", tax_period="2026-12"),
        until=372,
        year_by="tax_period",
    )
    assert buildings(result, 365)["value"] == 1


@pytest.mark.parametrize(
    ("paid", "status"),
    [(2, IndicatorStatus.CANNOT_SAY), (1, IndicatorStatus.CANNOT_SAY), (0, IndicatorStatus.CANNOT_SAY)],
)
def test_while_the_year_runs_too_few_say_nothing_yet(paid: int, status: IndicatorStatus) -> None:
    rich = [entry(0.1, "100000000", f"b{n}") for n in range(paid)]
    figure = buildings(judged(entry(0.2, "1.00", "small"), *rich, target=2), 365)
    assert (figure["value"], figure["status"]) == (paid, status)
    assert figure["threshold"]["source"]["where"] == "page 27"


def test_the_same_receipt_is_counted_once_and_another_amount_is_named() -> None:
    once = judged(entry(0.1, "60000000", receipt="r1"), entry(0.2, "60000000", receipt="r1", seq=7))
    assert buildings(once, 365)["value"] == 0
    assert once.events() == ["tax.receipt_repeated b1 raised"]
    other = judged(entry(0.1, "60000000", receipt="r1"), entry(0.2, "50000000", receipt="r1", seq=7))
    assert buildings(other, 365)["value"] == 1
    assert "differs" in other.alerts[0].text.en


def test_a_refund_with_the_wrong_sign_is_named() -> None:
    result = judged(entry(0.1, "5.00", entry=TaxEntry.REFUND), entry(0.2, "5.00"))
    assert result.events() == ["tax.wrong_sign b1 raised", "tax.wrong_sign b1 resolved"]


def year_to_date(result: Result, building: str, start: datetime) -> float:
    (value,) = [
        figure["value"]
        for (_, name, subject, begun, _, _), figure in result.figures().items()
        if (name, subject, begun) == ("tax.year_to_date", building, start)
    ]
    return float(value)


def test_an_amount_with_the_wrong_sign_is_booked_as_it_was_sent() -> None:
    """Which of sign and kind is wrong nobody here knows: the office corrects it with another entry."""
    wrong = [entry(0.1, "100.00"), entry(0.2, "5.00", entry=TaxEntry.REFUND)]
    assert year_to_date(judged(*wrong), "b1", YEAR) == 105.0
    right = entry(0.3, "-10.00", entry=TaxEntry.CORRECTION)
    assert year_to_date(judged(*wrong, right), "b1", YEAR) == 95.0


def test_a_refund_after_the_turn_of_the_year_is_of_the_new_year_and_the_old_one_keeps_its_building() -> None:
    """CNY 100 million on 30 December; of that CNY 1 goes back on 31 December, and is paid again; 1 more in January."""
    next_year = YEAR + timedelta(days=365)
    december = [entry(363.4, "100000000"), entry(364.2, "-1.00"), entry(364.4, "1.00")]
    result = judged(*december, entry(365.1, "-1.00"), until=368)
    assert year_to_date(result, "b1", YEAR) == 100_000_000.0
    assert year_to_date(result, "b1", next_year) == -1.0
    assert buildings(result, 365)["value"] == 1
    below = [alert for alert in result.alerts if alert.rule == "tax.building_fell_below"]
    assert [(alert.event, alert.started_at) for alert in below] == [
        (AlertEventType.RAISED, YEAR + timedelta(days=364.2)),
        (AlertEventType.RESOLVED, YEAR + timedelta(days=364.2)),
    ]


def test_by_tax_period_a_january_refund_takes_the_building_from_the_old_year() -> None:
    paid = entry(363.4, "100000000", tax_period="2026-12")
    back = entry(365.1, "-1.00", tax_period="2026-12")
    result = judged(paid, back, until=368, year_by="tax_period")
    assert year_to_date(result, "b1", YEAR) == 99_999_999.0
    assert buildings(result, 365)["value"] == 0


def test_the_nearest_to_the_limit_are_named() -> None:
    rows = [entry(0.1, amount, name) for name, amount in (("far", "1000000"), ("near", "99000000"))]
    nearest = buildings(judged(*rows), 365)["details"]["nearest"]
    assert [(row["building"], row["missing_cny"]) for row in nearest] == [("near", 1_000_000.0), ("far", 99_000_000.0)]


def test_a_year_that_is_behind_is_said_from_the_policy_s_month_on() -> None:
    slow = [entry(30 * month + 5, "2000000", f"b{n}", seq=month) for month in range(8) for n in range(3)]
    result = judged(*slow, until=250, target=3)
    assert result.events() == ["tax.pace_behind jianghan raised"]
    assert result.alerts[0].raised_at >= datetime(2026, 6, 30, 16, tzinfo=UTC)


amounts = st.lists(
    st.tuples(
        st.integers(0, 400), st.sampled_from(["b1", "b2"]), st.sampled_from(["60000000", "-20000000", "40000000"])
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(amounts, st.randoms(use_true_random=False))
def test_any_permutation_ends_in_the_same_books(rows: list[tuple[int, str, str]], dice: Any) -> None:
    readings = [entry(day + n / 1_000, amount, name, seq=n) for n, (day, name, amount) in enumerate(rows)]
    clock_us = to_us(YEAR + timedelta(days=500))
    plain = play(TaxRules(book()), readings, clock_us)
    dice.shuffle(readings)
    assert play(TaxRules(book()), readings, clock_us).figures == plain.figures


METHOD = Method(0.9, (0.14, 0.055, 0.055) * 4, 0.1, 0.2)


def test_usual_shares_come_from_past_years() -> None:
    assert usual_shares([], METHOD) == pytest.approx([s / sum(METHOD.month_shares) for s in METHOD.month_shares])
    assert usual_shares([(1,) * 12, (3,) * 12], METHOD) == pytest.approx([1 / 12] * 12)


def test_a_past_year_that_is_known_in_part_tells_nothing() -> None:
    """A platform that was switched on in December must not expect the next year's tax in December."""
    december = (0,) * 11 + (500,)
    assert usual_shares([december], METHOD) == usual_shares([], METHOD)
    assert usual_shares([december, (2,) * 12], METHOD) == pytest.approx([1 / 12] * 12)
    months = [(50, 50, 50, 50, 50, 50)] * 3
    assert forecast(months, 500, [december], METHOD) == forecast(months, 500, [], METHOD)


def _year(dice: Any, mean: float) -> tuple[int, ...]:
    shares = [s / sum(METHOD.month_shares) for s in METHOD.month_shares]
    return tuple(max(0, round(mean * share * (1 + dice.gauss(0, 0.25)))) for share in shares)


@pytest.mark.parametrize("months", [3, 6, 9, 11])
def test_the_interval_holds_the_final_count_in_simulated_years(months: int) -> None:
    import random

    inside, errors, years = 0, 0.0, 60
    for seed in range(years):
        dice = random.Random(seed)
        economy = 1 + dice.gauss(0, 0.02)
        whole = [_year(dice, economy * dice.uniform(60, 140) * 1e8) for _ in range(45)]
        final = sum(sum(year) >= 100 * 10**8 for year in whole)
        found = forecast([year[:months] for year in whole], 100 * 10**8, [], METHOD)
        inside += found.lower <= final <= found.upper
        errors += abs(found.expected - final) / years
    assert inside / years >= METHOD.confidence - 0.05
    assert errors < 6 if months < 6 else errors < 3


def test_at_the_end_of_the_year_the_forecast_is_the_count() -> None:
    found = forecast([(10**9,) * 12, (10**7,) * 12], 10**10, [], METHOD)
    assert (found.expected, found.lower, found.upper) == (1.0, 1, 1)
