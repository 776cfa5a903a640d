"""The books of a district: figures that follow, years that are put away, figures of many buildings, stored state."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.tax import TaxReading
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.timeline_judge import TimelineJudge
from services.stream_processors.tax.ledger import NO_MONTHS, Book, Leaders
from services.stream_processors.tax.processor import TaxRules
from tests.unit.stream_processors.in_order import play
from tests.unit.stream_processors.recorded import Item, item, log_of, run, tick
from tests.unit.stream_processors.tax.tax_log import YEAR, book, buildings, entry, judged

RELEASE_2 = Path(__file__).with_name("release_2.json")
RECORD_MAX = 64 * 1024
"""Far below what a record may hold."""


# minutes   0    1    2    3          5             10
# entries   b1   b1   b2   b1         |             |
# figures                             b1 b2 total   (nothing has changed)
def test_the_year_to_date_follows_once_at_the_next_multiple_of_the_policy_s_pace() -> None:
    minute = 1 / 1_440
    entries = [entry(n * minute, "10.00", name, f"r{n}") for n, name in enumerate(("b1", "b1", "b2", "b1"))]
    log: list[Item] = [item(one) for one in entries]
    log += [tick(YEAR + timedelta(minutes=after)) for after in (4, 5.1, 11)]
    chosen = book()
    said = run(TimelineJudge(TaxRules(chosen), chosen), log_of(log)).indicators
    totals = [(one.subject, one.value, one.revision) for one in said if one.id == "tax.year_to_date"]
    assert totals == [("b1", 30.0, 0), ("b2", 10.0, 0), ("jianghan", 40.0, 0)]


def test_figures_of_a_year_do_not_wait_while_an_office_whose_clock_is_ahead_goes_on_sending() -> None:
    """Each entry is dated two minutes ahead of the lane's clock, so there is always one behind the next figure."""
    log: list[Item] = []
    for minute in range(20):
        log += [
            tick(YEAR + timedelta(minutes=minute)),
            item(entry((minute + 2) / 1_440, "1.00", receipt=f"r{minute}")),
        ]
    chosen = book()
    said = run(TimelineJudge(TaxRules(chosen), chosen), log_of(log)).indicators
    assert len([one for one in said if one.subject == "jianghan" and one.id == "tax.year_to_date"]) >= 3


def test_a_figure_names_so_many_buildings_and_says_how_many_it_leaves_out() -> None:
    rich = [entry(0.1, "100000000", f"b{n:04}") for n in range(2_000)]
    result = judged(*rich)
    figure = buildings(result, 365)
    assert (figure["value"], figure["details"]["buildings_left_out"]) == (2_000, 1_800)
    assert figure["details"]["buildings"] == [f"b{n:04}" for n in range(200)]
    assert max(len(orjson.dumps(one.details)) for one in result.indicators) < RECORD_MAX


def test_an_alert_about_a_year_that_is_over_ends_when_its_books_are_put_away() -> None:
    """By tax period a refund may still come in January: the building falls below in a year that has been closed."""
    result = judged(
        entry(300, "100000000", tax_period="2026-11"),
        entry(370, "-1.00", tax_period="2026-11"),
        entry(380, "5.00", tax_period="2027-01"),
        until=800,
        year_by="tax_period",
    )
    fell = [alert for alert in result.alerts if alert.rule == "tax.building_fell_below"]
    assert [str(alert.event) for alert in fell] == ["raised", "resolved"]
    assert fell[-1].ended_at == YEAR + timedelta(days=730)


def test_an_entry_for_a_year_whose_books_are_put_away_does_not_begin_them_anew() -> None:
    late = entry(740, "-5.00", tax_period="2026-11")
    result = play_by_period([entry(300, "70.00", tax_period="2026-11"), entry(400, "1.00", tax_period="2027-02"), late])
    assert result["b1", YEAR] == 70.0


def play_by_period(entries: list[TaxReading]) -> dict[tuple[str, object], float | None]:
    recorder = play(TaxRules(book(year_by="tax_period")), entries, to_us(YEAR + timedelta(days=760)))
    start_us = to_us(YEAR)
    return {
        (figure.subject, YEAR): figure.value
        for figure in recorder.figures.values()
        if figure.id == "tax.year_to_date" and figure.period_start_us == start_us
    }


def test_a_state_comes_back_from_its_bytes() -> None:
    rules = TaxRules(book())
    state = rules.load(orjson.loads(RELEASE_2.read_bytes()), "jianghan", "live")
    again = rules.unpack(rules.pack(state), rules.state_version, "jianghan", "live")
    assert again == state
    assert rules.pack(again) == rules.pack(state)


def test_the_previous_release_s_state_keeps_the_year_and_knows_its_receipts() -> None:
    rules = TaxRules(book())
    state = rules.load(orjson.loads(RELEASE_2.read_bytes()), "jianghan", "live")
    assert {building: one.total for building, one in state.of_year(2026).items()} == {"b1": 9_400_000_000, "b2": 1_200}
    assert (state.sums[2026].total, state.sums[2026].entries) == (9_400_001_200, 4)
    assert state.of_year(2026)["b1"].fell is not None
    assert state.receipts.get("r1")[0].fen == 11_400_000_000
    assert set(state.changed) == {(2026, "b1"), (2026, "b2")}


def test_sums_that_64_bits_do_not_hold_survive() -> None:
    rules = TaxRules(book())
    state = rules.new_state("jianghan", "live")
    huge = 10**21
    state.past[2025] = (huge, -huge, *(0,) * 10)
    assert rules.unpack(rules.pack(state), 1, "jianghan", "live").past == state.past


def test_a_copy_of_a_state_stands_still() -> None:
    rules = TaxRules(book())
    state = rules.load(orjson.loads(RELEASE_2.read_bytes()), "jianghan", "live")
    before, copy = rules.pack(state), rules.copy(state)
    play_on = play(rules, [entry(0.5, "3.00")], to_us(YEAR + timedelta(days=1)))
    assert play_on.figures
    state.books[2026]["b3"] = state.books[2026]["b1"]
    state.receipts.put("r9", ())
    state.changed.clear()
    assert rules.pack(copy) == before


_ENTRIES = st.lists(st.tuples(st.sampled_from([f"b{n}" for n in range(8)]), st.integers(-300, 300)), max_size=40)


@given(entries=_ENTRIES, limit=st.integers(-200, 400), nearest=st.integers(0, 5), looks=st.sets(st.integers(0, 40)))
def test_the_leading_buildings_are_those_that_a_look_at_all_of_them_finds(
    entries: list[tuple[str, int]], limit: int, nearest: int, looks: set[int]
) -> None:
    state = TaxRules(book()).new_state("jianghan", "live")
    for number, (building, fen) in enumerate(entries):
        known = state.of_year(2026).get(building)
        total = fen if known is None else known.total + fen
        state.put(2026, building, Book(None, NO_MONTHS, total, 1, number))
        if number in looks:
            state.leaders_of(2026, limit, nearest)
        if number % 7 == 0:
            state = state.copy()
    assert state.leaders_of(2026, limit, nearest) == Leaders.of(state.of_year(2026), limit, nearest)


def test_an_entry_of_a_small_building_makes_nobody_look_at_all_buildings(monkeypatch: pytest.MonkeyPatch) -> None:
    state = TaxRules(book()).new_state("jianghan", "live")
    for number in range(100):
        state.put(2026, f"b{number:03}", Book(None, NO_MONTHS, number, 1, number))
    before = state.leaders_of(2026, 90, 5)
    looked: list[int] = []
    monkeypatch.setattr(Leaders, "of", lambda *_: looked.append(1) or before)
    state.put(2026, "b003", Book(None, NO_MONTHS, 50, 2, 101))
    assert state.leaders_of(2026, 90, 5) is before
    assert looked == []
    state.put(2026, "b003", Book(None, NO_MONTHS, 86, 3, 102))
    state.leaders_of(2026, 90, 5)
    assert looked == [1]
