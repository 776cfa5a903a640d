"""One record or key that cannot be judged: a dead letter, and the rest goes on; too many in a row: the feed stops."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import KIND_HEADER
from schemas.fields import Feed
from services.stream_processors.engine.events import (
    Coordinates,
    FailureReason,
    Fate,
    Judged,
    JudgingFailed,
)
from services.stream_processors.engine.worker import FAILURES_IN_A_ROW_MAX, Undecodable, Worker
from services.stream_processors.errors import TooManyFailuresError
from services.stream_processors.registry import build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.unit.stream_processors.recorded import Record, log_of, tick
from tests.unit.stream_processors.scripted import ScriptedJudge, at, reading


def worker() -> Worker[Any]:
    return Worker(ScriptedJudge(), "t", 0)


@pytest.mark.parametrize("raw", [b"", b"[]", b"1", b"null", b'{"kind":[],"document":{}}', b'{"kind":"plan"}', b"\xff"])
@pytest.mark.parametrize("kind", [b"plan", b"tick", b"other"])
def test_a_record_of_any_kind_that_is_not_what_it_says_is_a_dead_letter(kind: bytes, raw: bytes) -> None:
    outputs, refused = worker().judge([Record(0, raw, [(KIND_HEADER, kind)]), Record(1, *reading(0))])
    assert [(one.coordinates.offset, one.payload, one.reason) for one in refused] == [
        (0, raw, FailureReason.UNDECODABLE_RECORD)
    ]
    assert outputs == [Judged(Fate.IN_ORDER)]


@given(raw=st.binary(max_size=60), kind=st.sampled_from([None, b"tick", b"plan"]))
def test_arbitrary_bytes_never_raise(raw: bytes, kind: bytes | None) -> None:
    headers = [] if kind is None else [(KIND_HEADER, kind)]
    outputs, refused = worker().judge([Record(0, raw, headers)])
    assert len(outputs) + len(refused) <= 1


def test_headers_that_are_no_pairs_are_a_dead_letter() -> None:
    _, refused = worker().judge([Record(0, b"{}", [("kind",)])])  # type: ignore[list-item]
    assert [one.coordinates.offset for one in refused] == [0]


def test_a_reading_whose_judging_raises_is_kept_with_its_bytes_and_the_rest_goes_on() -> None:
    bad = reading(0, "raise-reading", key="a")
    outputs, refused = worker().judge(log_of([reading(0, key="b"), bad, reading(1, key="b")]))
    assert refused == []
    assert outputs == [
        Judged(Fate.IN_ORDER),
        JudgingFailed(
            Coordinates("t", 0, 1), bad[0], "judging raised OverflowError: date value out of range", "live", "a"
        ),
        Judged(Fate.IN_ORDER),
    ]


def test_the_judges_own_word_of_a_failed_reading_gets_its_bytes() -> None:
    class Careful(ScriptedJudge):
        def on_reading(self, state: Any, reading: Any, coordinates: Any, moment: Any, outputs: Any) -> int | None:  # noqa: ARG002 - as the judge has it
            outputs.append(JudgingFailed(coordinates, b"a form of it", "no", "live", "zone"))
            outputs.append(JudgingFailed(Coordinates("t", 0, 9), b"", "an earlier one", "live", "zone"))
            return None

    one = reading(0)
    outputs, _ = Worker(Careful(), "t", 0).judge(log_of([one]))
    assert [failed.payload for failed in outputs if isinstance(failed, JudgingFailed)] == [one[0], b""]


@pytest.mark.parametrize("on", ["time", "fold"])
def test_a_key_that_raises_on_the_clock_does_not_hold_up_the_others(on: str) -> None:
    log = [reading(0, f"raise-{on}", key="a"), reading(0, "wake-9", key="a"), reading(0, "wake-10", key="b")]
    outputs, refused = worker().judge(log_of([*log, tick(at(9_000)), tick(at(9_001))]))
    assert refused == []
    failed = [one for one in outputs if isinstance(one, JudgingFailed)]
    assert {(one.coordinates, one.key) for one in failed} == {(None, "a")}
    assert Judged(Fate.LATE) in outputs, "b was called"


def test_a_run_of_failures_stops_the_feed_and_says_so() -> None:
    bad = [reading(second, "raise-reading") for second in range(FAILURES_IN_A_ROW_MAX)]
    with pytest.raises(TooManyFailuresError, match=r"in a row.*parking stops") as error:
        worker().judge(log_of(bad))
    assert "date value out of range" in str(error.value)


def test_undecodable_records_count_as_well_and_ticks_between_them_do_not_save_it() -> None:
    log = [one for second in range(FAILURES_IN_A_ROW_MAX) for one in ((b"{", []), tick(at(second)))]
    with pytest.raises(TooManyFailuresError):
        worker().judge(log_of(log))


def test_one_good_reading_ends_a_run_of_failures() -> None:
    bad = [(b"{", [])] * (FAILURES_IN_A_ROW_MAX - 1)
    _, refused = worker().judge(log_of([*bad, reading(0), *bad, reading(1)]))
    assert len(refused) == 2 * len(bad)


def test_an_error_of_the_core_itself_is_a_dead_letter_too() -> None:
    class Broken(ScriptedJudge):
        def new_state(self, key: str, lane: str) -> Any:  # noqa: ARG002 - as the judge has it
            raise RuntimeError("no state")

    outputs, refused = Worker(Broken(), "t", 0).judge(log_of([reading(0)]))
    assert outputs == []
    assert refused == [
        Undecodable(
            Coordinates("t", 0, 0),
            reading(0)[0],
            "judging raised RuntimeError: no state",
            FailureReason.JUDGING_FAILED,
        )
    ]


@pytest.mark.parametrize("feed", list(Feed))
def test_a_plan_record_that_is_no_object_ends_no_feed(feed: Feed) -> None:
    (judge,) = build_judges([feed.value], ProcessorSettings())
    _, refused = Worker(judge, "t", 0).judge([Record(0, b"[]", [(KIND_HEADER, b"plan")])])
    assert len(refused) == 1
