"""Which numbers of devices are used: against a plain set, in any order, with several boots, stored and read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.stream_processors.engine.numbers import BOOTS_KEPT, KEPT_US, RUNS_KEPT, Numbers

KEYS = st.tuples(st.sampled_from(["d1", "d2"]), st.sampled_from(["b1", "b2"]), st.integers(0, 40))


@given(st.lists(KEYS, max_size=200), st.integers(0, 199))
def test_a_number_is_new_once(keys: list[tuple[str, str, int]], restored_at: int) -> None:
    numbers, known = Numbers(), set[tuple[str, str, int]]()
    for place, key in enumerate(keys):
        if place == restored_at:
            numbers = Numbers.of(numbers.dump())
        assert numbers.takes(*key, 0) is (key not in known)
        known.add(key)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40, unique=True), st.data())
def test_a_number_that_was_taken_back_is_new_again(seqs: list[int], data: st.DataObject) -> None:
    numbers = Numbers()
    for seq in seqs:
        numbers.takes("d", "b", seq, 0)
    back = data.draw(st.sampled_from(seqs))
    numbers.frees("d", "b", back)
    numbers = Numbers.of(numbers.dump())
    assert [numbers.takes("d", "b", seq, 0) for seq in seqs] == [seq == back for seq in seqs]


def test_what_counts_up_is_one_run_however_long() -> None:
    numbers = Numbers()
    for seq in range(10_000):
        assert numbers.takes("d", "b", seq, seq)
    (used,) = numbers.dump()["d"]
    assert used.runs == [0, 10_000]


def test_what_is_kept_of_a_device_that_leaves_numbers_out_or_boots_again_and_again_is_bounded() -> None:
    numbers = Numbers()
    for seq in range(0, 4 * RUNS_KEPT, 2):
        assert numbers.takes("d", "b", seq, 0)
    assert len(numbers.dump()["d"][0].runs) == 2 * RUNS_KEPT
    assert not numbers.takes("d", "b", 4 * RUNS_KEPT - 2, 0)
    for boot in range(20):
        assert numbers.takes("d", f"b{boot}", 0, 0)
    assert [used.boot_id for used in numbers.dump()["d"]] == ["b19", "b18", "b17", "b16"][:BOOTS_KEPT]


def test_a_device_of_which_nothing_was_heard_for_long_is_forgotten() -> None:
    numbers = Numbers()
    numbers.takes("old", "b", 0, 5)
    numbers.takes("new", "b", 0, 5)
    numbers.forget(6)
    numbers.takes("new", "b", 1, 8)
    numbers.forget(7)
    numbers.forget(6 + KEPT_US)
    assert list(numbers.dump()) == ["old", "new"]
    numbers.forget(7 + KEPT_US)
    assert list(numbers.dump()) == ["new"]
