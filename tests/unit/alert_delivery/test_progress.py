"""What is committed, and what a restart makes of it."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from services.alert_delivery.progress import METADATA_MAX, Progress, Ranges, proof_in, unfinished
from services.runtime.same_log import Mark

KAFKA_MAX = 4_096
"""Bytes of metadata that Kafka takes."""


#   40  41  42  43  44        45
#    ✓   ✓       ✓   ✓   position 42
def test_the_lowest_unfinished_one_is_committed_and_what_lies_beyond_goes_along() -> None:
    progress = Progress(40)
    for offset in range(40, 45):
        assert progress.begin(offset) == 0
    for offset in (43, 41, 44, 40):
        progress.finish(offset)
    progress.tried(42, 2)
    assert (progress.position, progress.metadata()) == (42, "done=1-3 tried=0:2")
    again = Progress.restored(progress.position, progress.metadata())
    assert [again.begin(offset) for offset in range(42, 46)] == [2, None, None, 0]
    again.finish(42)
    assert again.position == 45
    again.finish(45)
    assert (again.position, again.metadata()) == (46, "done= tried=")


def test_offsets_that_do_not_exist_are_no_gap() -> None:
    progress = Progress(0)
    progress.begin(3)
    progress.begin(9)
    assert progress.position == 3
    progress.finish(9)
    assert unfinished(progress.position, progress.metadata(), 10) == 1
    progress.finish(3)
    assert progress.position == 10


def test_metadata_of_another_form_say_nothing() -> None:
    for text in ("", "done=", "{}", "done=1-3", "done=x tried=", "done=1-3 tried=a:b", "done=٣-٤ tried="):
        assert [Progress.restored(5, text).begin(5)] == [0]


def test_a_record_of_the_log_goes_along_and_whoever_counts_what_waits_reads_past_it() -> None:
    progress, proof = Progress(40), Mark(43, 1_764_172_393_000)
    for offset in range(40, 44):
        progress.begin(offset)
    progress.finish(42)
    said = progress.metadata(proof)
    assert said == "done=2-3 tried= mark=43@1764172393000"
    assert (proof_in(said), proof_in(progress.metadata()), proof_in("")) == (proof, None, None)
    assert unfinished(40, said, 44) == 3
    assert Progress.restored(40, said).metadata(proof) == said


def test_what_does_not_fit_is_forgotten_from_the_far_end() -> None:
    progress = Progress(0)
    for offset in range(5_000):
        progress.begin(offset)
    for offset in range(1, 5_000, 2):
        progress.finish(offset)
    for offset in range(0, 5_000, 2):
        progress.tried(offset, 1_000_000)
    text = progress.metadata()
    assert len(text) <= METADATA_MAX + len("done= tried=")
    assert len(progress.metadata(Mark(10**15, 10**15))) <= KAFKA_MAX
    again = Progress.restored(0, text)
    assert again.begin(0) == 1_000_000
    assert again.begin(1) is None
    assert again.begin(4_999) == 0


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)), max_size=40), st.integers(0, 70))
def test_ranges_are_the_set_of_their_numbers(added: list[tuple[int, int]], before: int) -> None:
    ranges, expected = Ranges(), set()
    for first, length in added:
        ranges.add(first, first + length)
        expected |= set(range(first, first + length))
        assert [number for number in range(80) if number in ranges] == sorted(expected)
    ranges.forget_before(before)
    assert [number for number in range(80) if number in ranges] == sorted(each for each in expected if each >= before)
    pairs = list(ranges)
    assert all(end < following for (_, end), (following, _) in itertools.pairwise(pairs))


@given(st.lists(st.integers(0, 15), max_size=60), st.integers(0, 59))
def test_however_events_finish_and_wherever_it_dies_nothing_is_left_out_and_nothing_finished_is_repeated(
    finishing: list[int], dies_after: int
) -> None:
    """Against a naive oracle: a set of what is finished."""
    progress, open_now, finished, next_offset = Progress(100), [], set(), 100
    for step, choice in enumerate(finishing):
        if step == dies_after:
            progress = Progress.restored(progress.position, progress.metadata())
            open_now, next_offset = [], progress.position
        if choice < 8 or not open_now:
            if progress.begin(next_offset) is None:
                assert next_offset in finished
            else:
                assert next_offset not in finished
                open_now.append(next_offset)
            next_offset += 1
        else:
            offset = open_now.pop(choice % len(open_now))
            progress.finish(offset)
            finished.add(offset)
        assert set(range(100, progress.position)) <= finished
        assert not open_now or progress.position <= min(open_now)
