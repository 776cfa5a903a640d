"""An amount far beyond what its building usually pays of that kind of tax."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.alert import Alert, AlertEventType
from schemas.tax import TaxEntry, TaxKind, TaxReading
from services.stream_processors.tax.ledger import DistrictState, Usual
from services.stream_processors.tax.stored import pack_state, unpack_state
from tests.unit.stream_processors.tax.tax_log import buildings, entry, judged

RULE = "tax.amount_implausible"


def months(*amounts: str, building: str = "b1", **fields: Any) -> list[TaxReading]:
    """One entry every ten days."""
    return [entry(10 * n + 1, amount, building, **fields) for n, amount in enumerate(amounts)]


def alerts(*what: TaxReading, until: float = 120, **settings: Any) -> list[Alert]:
    return [one for one in judged(*what, until=until, **settings).alerts if one.rule == RULE]


USUAL = ("1000", "1100", "900", "1000", "1050", "980", "1000")


def test_fen_taken_for_yuan_are_named_with_receipt_and_what_is_usual() -> None:
    (raised,) = alerts(*months(*USUAL, "100000"))
    assert raised.event is AlertEventType.RAISED
    assert raised.asset == "b1"
    assert raised.observed_value == 100_000
    assert "95 times" in raised.text.en
    assert "CNY 1,050.00" in raised.text.en
    assert "95倍" in raised.text.zh
    assert raised.started_at == months(*USUAL, "100000")[-1].observed_at


@pytest.mark.parametrize(
    ("last", "n"),
    [("20000", 0), ("21000", 0), ("21000.01", 1)],
    ids=["within", "exactly 20 times is within", "a fen beyond"],
)
def test_the_limit_is_twenty_times_the_second_largest(last: str, n: int) -> None:
    assert len(alerts(*months(*USUAL, last))) == n


def test_fewer_days_than_the_policy_asks_for_say_nothing() -> None:
    assert alerts(*months(*USUAL[:6], "100000")) == []
    assert len(alerts(*months(*USUAL[:6], "100000"), amount_days=6)) == 1


def test_many_entries_of_one_day_are_one_day() -> None:
    one_day = [entry(1 + n / 100, "1000", receipt=f"r{n}") for n in range(20)]
    assert alerts(*one_day, entry(3, "100000")) == []


def test_other_kinds_of_tax_and_other_buildings_are_not_compared() -> None:
    usual = months(*USUAL)
    quarter = entry(75, "100000").model_copy(update={"tax_kind": TaxKind.CORPORATE_INCOME})
    assert alerts(*usual, quarter, entry(75, "100000", "b2")) == []


def test_one_wrong_entry_does_not_hide_the_next_and_a_new_level_is_believed_the_third_time() -> None:
    found = alerts(*months(*USUAL, "100000"), entry(85, "-100000"), entry(90, "110000"), entry(95, "-110000"), until=97)
    assert [one.event for one in found] == [AlertEventType.RAISED, AlertEventType.RESOLVED] * 2
    assert len(alerts(*months(*USUAL, "100000", "110000", "105000"), until=119)) == 1


def test_a_correction_that_takes_it_back_ends_it_and_a_small_one_does_not() -> None:
    wrong = months(*USUAL, "100000")
    assert [one.event for one in alerts(*wrong, entry(80, "-99000"))][-1] is AlertEventType.RESOLVED
    small = entry(80, "-100", entry=TaxEntry.CORRECTION)
    assert [one.event for one in alerts(*wrong, small)] == [AlertEventType.RAISED]


def test_the_same_receipt_again_is_no_second_amount() -> None:
    usual = [entry(n, "1000", receipt=f"r{n}") for n in range(1, 8)]
    wrong = [entry(9, "100000", receipt="wrong"), entry(10, "100000", receipt="wrong")]
    assert len(alerts(*usual, *wrong)) == 1


def test_what_was_usual_last_year_counts_and_the_end_of_the_next_year_ends_the_doubt() -> None:
    before = [entry(280 + 10 * n, "1000", receipt=f"r{n}") for n in range(7)]
    wrong = entry(361, "100000")
    assert [one.event for one in alerts(*before, wrong, until=728)] == [AlertEventType.RAISED]
    kept = entry(500, "1000")
    events = [one.event for one in alerts(*before, wrong, kept, until=732)]
    assert events == [AlertEventType.RAISED, AlertEventType.RESOLVED]
    assert len(alerts(*before, entry(370, "100000"), until=372)) == 1


def test_any_order_within_the_lateness_bound_says_the_same() -> None:
    usual, wrong = months("1000", "1000", "1000"), entry(29, "100000")
    more = [entry(22 + n, "1000", receipt=f"m{n}") for n in range(6)]
    in_order = alerts(*usual, *more, wrong)
    late = alerts(*usual, wrong, *reversed(more))
    assert [one.event for one in in_order] == [AlertEventType.RAISED]
    assert {one.alert_id for one in late} == {one.alert_id for one in in_order}


def test_a_target_reached_with_an_amount_in_doubt_is_not_said_to_be_met() -> None:
    amounts = [*months(*["400000"] * 7), *months(*["20000000"] * 7, building="b2"), entry(80, "100000000")]
    over = buildings(judged(*amounts, until=366, target=2), 365)
    doubted = buildings(judged(*amounts, until=100, target=2), 365)
    assert (doubted["value"], doubted["status"]) == (2.0, "cannot_say")
    assert doubted["details"]["amount_in_doubt"] == ["b1"]
    assert "in doubt" in doubted["status_reason"]
    assert (over["value"], over["status"]) == (2.0, "cannot_say")
    corrected = buildings(judged(*amounts, entry(82, "-99000000"), until=366, target=1), 365)
    assert (corrected["value"], corrected["status"]) == (1.0, "met")
    assert "amount_in_doubt" not in corrected["details"]
    one = buildings(judged(*amounts, until=100, target=1), 365)
    assert "in doubt" not in one["status_reason"]


def test_what_is_usual_is_kept_in_the_state() -> None:
    state = DistrictState("jianghan", usual={(2026, "b1", "other"): Usual(7, 5, 10**30, 100)})
    assert unpack_state(pack_state(state), 3, "jianghan") == state
