"""A log that was made anew is begun at its beginning, however long it is by then; the same log is never begun again."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from services.runtime import log_follower
from services.runtime.log_follower import LogFollower
from services.runtime.same_log import Anew, Mark
from tests.unit.runtime.fake_log import FakeLog, records_of

PLACE, OTHER = TopicPartition("alerts", 0), TopicPartition("alert-actions", 0)
OLD, NEW = 1_000_000, 2_000_000


@pytest.fixture(autouse=True)
def looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_follower, "LOOK_SECONDS", 0.0)


def log_of(count: int, begun_at: int = OLD) -> list[Any]:
    return records_of(PLACE, count, begun_at=begun_at)


def following(log: FakeLog, offset: int = 0, **more: Any) -> LogFollower:
    follower = LogFollower(log)
    for place in log.logs:
        follower.begin(place, offset, **more)
    return follower


async def read(follower: LogFollower, rounds: int = 6, place: TopicPartition = PLACE) -> tuple[list[int], list[Anew]]:
    """Times of what was handed out, and what was said of the log."""
    times: list[int] = []
    anew: list[Anew] = []
    for _ in range(rounds):
        found = await follower.poll(timeout_ms=0)
        times += [each.timestamp for each in found.batches.get(place, ())]
        anew += [why for each, why in found.anew.items() if each == place]
    return times, anew


def times_of(records: list[Any]) -> list[int]:
    return [each.timestamp for each in records]


async def test_the_same_log_is_read_once_in_its_order() -> None:
    log = FakeLog({PLACE: log_of(50)})
    follower = following(log)
    assert await read(follower) == (times_of(log_of(50)), [])
    log.logs[PLACE] = log_of(80)
    assert await read(follower) == (times_of(log_of(80))[50:], [])
    assert (follower.next(PLACE), follower.proof(PLACE)) == (80, Mark(79, OLD + 79))


@pytest.mark.parametrize(
    ("count", "why"), [(150, Anew.ANOTHER_RECORD), (100, Anew.ANOTHER_RECORD), (99, Anew.SHORTER), (0, Anew.SHORTER)]
)
async def test_a_place_of_an_old_log_is_no_place_of_the_new_one(count: int, why: Anew) -> None:
    """The place is 100, behind the record 99 of the old log."""
    log = FakeLog({PLACE: log_of(count, NEW)})
    times, anew = await read(following(log, 100, proof=Mark(99, OLD + 99)))
    assert (times, anew) == (times_of(log.logs[PLACE]), [why])


@pytest.mark.parametrize("proof", [Mark(99, OLD + 99), Mark(120, OLD + 120), Mark(100, OLD + 100), Mark(40, OLD + 40)])
async def test_a_place_of_the_same_log_is_gone_on_from(proof: Mark, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_follower, "LOOK_SECONDS", 3_600.0)
    log = FakeLog({PLACE: log_of(150)})
    assert await read(following(log, 100, proof=proof)) == (times_of(log_of(150))[100:], [])


async def test_a_proof_beyond_the_place_that_another_log_has_not_is_believed() -> None:
    log = FakeLog({PLACE: log_of(110, NEW)})
    assert await read(following(log, 100, proof=Mark(120, OLD + 120))) == (times_of(log_of(110, NEW)), [Anew.SHORTER])


async def test_a_log_that_outgrows_its_old_place_before_it_is_looked_at_is_read_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_follower, "LOOK_SECONDS", 3_600.0)
    log = FakeLog({PLACE: log_of(10)})
    follower = following(log)
    await read(follower)
    log.logs[PLACE] = log_of(60, NEW)
    mistaken, anew = await read(follower)
    assert (mistaken, anew) == (times_of(log_of(60, NEW))[10:], []), "as if it were the old one's"
    assert follower.proof(PLACE) == Mark(9, OLD + 9), "and not told as a proof"
    monkeypatch.setattr(log_follower, "LOOK_SECONDS", 0.0)
    follower._look_at = 0.0
    assert await read(follower) == (times_of(log_of(60, NEW)), [Anew.ANOTHER_RECORD])


async def test_records_before_the_place_are_another_log_s_or_nobody_s() -> None:
    log = FakeLog({PLACE: log_of(30)})
    follower = following(log)
    await read(follower)
    log._positions[PLACE] = 5  # the client has gone to what was committed
    assert await read(follower) == ([], [])
    log.logs[PLACE] = log_of(20, NEW)
    assert await read(follower) == (times_of(log_of(20, NEW)), [Anew.SHORTER])


async def test_without_a_proof_the_record_before_the_place_becomes_one() -> None:
    log = FakeLog({PLACE: log_of(100)})
    follower = following(log, 100, first=0)
    assert await read(follower) == ([], [])
    assert follower.proof(PLACE) == Mark(99, OLD + 99)
    log.logs[PLACE] = log_of(130, NEW)
    assert await read(follower) == (times_of(log_of(130, NEW)), [Anew.ANOTHER_RECORD])


async def test_what_age_has_removed_says_nothing_of_the_log() -> None:
    log = FakeLog({PLACE: log_of(50)})
    follower = following(log)
    await read(follower)
    log.logs[PLACE], log.ends[PLACE] = [], 50
    assert await read(follower) == ([], [])
    log.logs[PLACE] = log_of(70)[60:]
    assert await read(follower) == (times_of(log_of(70))[60:], [])
    assert await read(following(log, 20, proof=Mark(19, OLD + 19))) == (times_of(log_of(70))[60:], [])


async def test_one_of_two_logs_is_made_anew_and_the_other_goes_on() -> None:
    log = FakeLog({PLACE: log_of(10), OTHER: records_of(OTHER, 10, begun_at=OLD)})
    follower = following(log)
    await read(follower)
    log.logs[OTHER] = records_of(OTHER, 25, begun_at=NEW)
    found = await follower.poll(timeout_ms=0)
    assert found.anew == {OTHER: Anew.ANOTHER_RECORD}
    times, anew = await read(follower, place=OTHER)
    assert (len(times), anew) == (25, [])
    assert follower.next(PLACE) == 10


async def test_what_is_taken_away_is_not_handed_out() -> None:
    log = FakeLog({PLACE: log_of(10)})
    follower = following(log)
    follower.clear()
    assert await read(follower) == ([], [])


async def test_that_a_log_was_made_anew_is_told_though_the_client_fails_meanwhile() -> None:
    log = FakeLog({PLACE: log_of(10)})
    follower = following(log)
    await read(follower)
    log.logs[PLACE] = log_of(5, NEW)
    works = log.getmany

    async def fails(timeout_ms: int, max_records: int | None = None) -> Any:  # noqa: ARG001
        raise ConnectionError

    log.getmany = fails  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        await follower.poll(timeout_ms=0)
    log.getmany = works  # type: ignore[method-assign]
    assert await read(follower) == (times_of(log_of(5, NEW)), [Anew.SHORTER])


@given(st.lists(st.tuples(st.sampled_from(["grows", "anew", "read", "restart"]), st.integers(0, 12)), max_size=25))
async def test_whatever_happens_to_the_log_each_record_of_the_last_one_is_handed_out(
    steps: list[tuple[str, int]],
) -> None:
    """Against a naive oracle: the set of all records that the last log has."""
    begun_at, log = OLD, FakeLog({PLACE: []})
    follower, seen = following(log), set[int]()
    for step, number in steps:
        match step:
            case "grows":
                log.logs[PLACE] = log_of(len(log.logs[PLACE]) + number, begun_at)
            case "anew":
                begun_at += 1_000_000
                log.logs[PLACE] = log_of(number, begun_at)
            case "read":
                seen |= set((await read(follower, rounds=number % 3))[0])
            case "restart":
                follower = following(log, follower.next(PLACE), proof=follower.proof(PLACE))
    seen |= set((await read(follower))[0])
    assert set(times_of(log.logs[PLACE])) <= seen


@pytest.mark.parametrize(("text", "mark"), [("12@1764", Mark(12, 1764)), ("0@-1", Mark(0, -1))])
def test_a_mark_is_read_as_it_was_written(text: str, mark: Mark) -> None:
    assert Mark.read(text) == mark
    assert str(mark) == text


@pytest.mark.parametrize("text", ["", "12", "12@", "@12", "-1@5", "٣@٤", "1@2 ", "1@2\n"])
def test_what_is_no_mark_is_none(text: str) -> None:
    assert Mark.read(text) is None
