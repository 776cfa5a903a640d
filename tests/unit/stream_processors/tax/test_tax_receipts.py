"""What makes an entry of the ledger the same entry: receipt number, building and amount, for as long as policy says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.tax import TaxEntry
from services.stream_processors.tax.receipts import Receipts, Seen
from tests.unit.stream_processors.recorded import Result
from tests.unit.stream_processors.tax.tax_log import entry, judged


def year_to_date(result: Result, subject: str) -> float | None:
    (figure,) = [f for (_, name, of, *_), f in result.figures().items() if (name, of) == ("tax.year_to_date", subject)]
    value: float | None = figure["value"]
    return value


def test_an_entry_that_an_office_sends_again_counts_once_even_after_another_amount_under_its_number() -> None:
    result = judged(
        entry(0.1, "100.00", receipt="r1"),
        entry(0.2, "200.00", receipt="r1"),
        entry(0.3, "100.00", receipt="r1"),
        entry(0.4, "200.00", receipt="r1"),
    )
    assert year_to_date(result, "b1") == 300.0
    assert result.events() == ["tax.receipt_repeated b1 raised"]


def test_a_number_that_stands_for_another_building_counts_there_and_is_named() -> None:
    """A building was registered anew: what the old one had is taken back and given to the new one."""
    result = judged(
        entry(0.1, "100.00", "b1", receipt="r1"),
        entry(0.2, "-100.00", "b1", receipt="r2", entry=TaxEntry.CORRECTION),
        entry(0.3, "100.00", "b2", receipt="r1"),
    )
    assert [year_to_date(result, subject) for subject in ("b1", "b2", "jianghan")] == [0.0, 100.0, 100.0]
    (alert,) = result.alerts
    assert (alert.asset, "another building" in alert.text.en) == ("b2", True)


@pytest.mark.parametrize(("days", "total"), [(10, 100.0), (11, 200.0)])
def test_a_number_is_recognised_for_as_long_as_the_policy_says(days: int, total: float) -> None:
    result = judged(
        entry(0.5, "100.00", receipt="r1"),
        entry(0.5 + days, "100.00", receipt="r1"),
        until=days + 3,
        receipt_days=10,
    )
    assert year_to_date(result, "b1") == total


numbers = st.sampled_from([f"r{n}" for n in range(6)])
seen = st.builds(Seen, st.sampled_from(["b1", "b2", None]), st.integers(-5, 5), st.integers(0, 9))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), numbers, st.lists(seen, min_size=1, max_size=3).map(tuple)),
        st.tuples(st.just("drop"), st.integers(0, 9), st.none()),
        st.tuples(st.just("copy"), st.none(), st.none()),
    ),
    max_size=30,
)


@given(steps)
def test_receipts_and_their_copies_behave_as_maps_of_their_own(what: list[tuple[str, object, object]]) -> None:
    pairs: list[tuple[Receipts, dict[str, tuple[Seen, ...]]]] = [(Receipts(), {})]
    for kind, first, second in what:
        receipts, oracle = pairs[-1]
        if kind == "put":
            receipts.put(first, second)  # type: ignore[arg-type]
            oracle[first] = second  # type: ignore[index, assignment]
        elif kind == "drop":
            receipts.drop_before(first)  # type: ignore[arg-type]
            kept = {number: tuple(s for s in all_ if s.at_us >= first) for number, all_ in oracle.items()}  # type: ignore[operator]
            pairs[-1] = receipts, {number: all_ for number, all_ in kept.items() if all_}
        else:
            # What is written from now on goes into the original; the copy must stand still.
            pairs = [*pairs[:-1], (receipts.copy(), dict(oracle)), (receipts, oracle)]
    for receipts, oracle in pairs:
        assert receipts.by_number() == oracle
        assert all(receipts.get(number) == all_ for number, all_ in oracle.items())
        assert (len(receipts), receipts.get("unknown")) == (len(oracle), ())
