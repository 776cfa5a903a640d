"""What is said of lanes: when one is judged, when it is closed, and what an operator is told meanwhile."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from schemas.fields import Feed
from schemas.lane import LanePhase, LaneStatus
from services.district import replay_judging
from services.district.errors import LaneRefused, ReplayRefused, ReplayStalled, ServerSilent
from services.district.lane_account import Ends, LaneAccount, accounts
from services.district.lane_command import OpenLane
from services.district.lane_names import full_lane
from services.district.lane_topic import statuses
from services.district.replay_judging import Judging

NOON = datetime(2020, 5, 8, 12, tzinfo=UTC)
LANE = "replay:may"
ENDS = {0: 10, 1: 4, 2: 7}


def status(partition: int, next_offset: int, phase: LanePhase = LanePhase.OPEN, **changed: object) -> LaneStatus:
    fields = {
        "feed": Feed.WATER,
        "lane": LANE,
        "partition": partition,
        "phase": phase,
        "opened_offset": 2,
        "next_offset": next_offset,
        "clock": NOON + timedelta(hours=partition),
        "judged": 3,
        "at": NOON,
    }
    return LaneStatus.model_validate(fields | changed)


def account(*said: LaneStatus) -> LaneAccount:
    found = LaneAccount(Feed.WATER, LANE)
    found.hear(said)
    return found


def test_a_lane_is_judged_once_every_partition_has_come_to_its_end() -> None:
    assert not account().is_judged(ENDS)
    assert not account(status(0, 10), status(1, 4)).is_judged(ENDS)
    assert not account(status(0, 9), status(1, 4), status(2, 7)).is_judged(ENDS)
    assert account(status(0, 9), status(1, 4), status(2, 8), status(0, 10)).is_judged(ENDS)


# the lane was closed and is opened again; the old opening's end is said late, behind the first news of the new one
@given(st.permutations(range(3)), st.integers(0, 10))
def test_only_an_end_behind_what_was_sent_closes_a_lane(order: list[int], earlier: int) -> None:
    found = account(*(status(partition, min(earlier, ENDS[partition]), LanePhase.CLOSED) for partition in order))
    assert not found.is_closed(ENDS)
    for partition in order:
        assert not found.is_closed(ENDS)
        found.hear([status(partition, ENDS[partition]), status(partition, ENDS[partition] + 1, LanePhase.CLOSED)])
    assert found.is_closed(ENDS)


def test_a_lane_is_over_when_it_was_closed_and_is_open_nowhere() -> None:
    assert not account().is_over
    assert not account(status(0, 1)).is_over
    assert not account(status(0, 1, LanePhase.REFUSED)).is_over
    closed = account(*(status(partition, 9, LanePhase.CLOSED) for partition in range(3)))
    assert closed.is_over
    closed.hear([status(1, 12)])
    assert not closed.is_over


def test_sums_are_of_all_partitions_and_time_is_where_it_is_least_far() -> None:
    found = account(status(0, 1, judged=5), status(1, 1, judged=7, refused=2))
    assert (found.judged, found.refused, found.clock, found.furthest) == (12, 2, None, NOON + timedelta(hours=1))
    found.hear([status(2, 1, judged=0), status(1, 3, judged=9)])
    assert (found.judged, found.clock) == (14, NOON)
    assert found.lag(ENDS) == 9 + 1 + 6


def test_what_is_said_of_other_lanes_and_feeds_is_passed_over() -> None:
    found = account(status(0, 1, lane="replay:june"), status(0, 1, feed=Feed.EV))
    assert found.latest == {}
    both = accounts([status(1, 1, LanePhase.CLOSED), status(0, 1, feed=Feed.EV), status(1, 2)])
    assert [(each.feed, each.is_open) for each in both] == [(Feed.EV, True), (Feed.WATER, True)]


def test_records_that_are_no_status_say_nothing() -> None:
    assert statuses([None, b"{", status(0, 1).model_dump_json().encode()]) == [status(0, 1)]


def test_an_open_lane_for_machines() -> None:
    found = OpenLane(account(status(0, 1, judged=5)), NOON, 7).to_json()
    assert found == {
        "feed": "water",
        "lane": LANE,
        "opened_at": "2020-05-08T12:00:00Z",
        "clock": "2020-05-08T12:00:00Z",
        "judged": 5,
        "judging_failed": 0,
        "lag": 7,
        "said_at": "2020-05-08T12:00:00Z",
    }


@pytest.mark.parametrize("name", ["live", "Replay:X", "replay:", "test:x", "a b", ""])
def test_what_is_no_lane_of_its_own_is_refused(name: str) -> None:
    with pytest.raises(LaneRefused):
        full_lane(name)
    assert full_lane("april") == "replay:april"


class FakeTopic:
    """Says one list of statuses a look; then nothing more."""

    def __init__(self, *news: list[LaneStatus] | ServerSilent) -> None:
        self.to_say = list(news)

    async def news(self) -> list[LaneStatus]:
        said = self.to_say.pop(0) if self.to_say else []
        if isinstance(said, ServerSilent):
            raise said
        return said

    async def ends(self, _feed: Feed) -> Ends:
        return ENDS


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_judging, "LOOK_SECONDS", 0.0)


def judging(*news: list[LaneStatus] | ServerSilent) -> Judging:
    return Judging(FakeTopic(*news), LaneAccount(Feed.WATER, LANE), awaited=9, stall_seconds=0.05)  # type: ignore[arg-type]


def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def sender(calls: list[str]) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        calls.append("closed")

    return close


ALL = [[status(p, end) for p, end in ENDS.items()], [status(p, end + 1, LanePhase.CLOSED) for p, end in ENDS.items()]]


async def test_the_lane_is_closed_and_waited_for() -> None:
    calls: list[str] = []
    waiting = judging(ALL[0], ServerSilent("for a moment"), ALL[1])
    await waiting.until_closed(console(), sender(calls))
    assert calls == ["closed"]
    assert waiting.words() == "judged 9 of 9, lane time 2020-05-08 12:00"


async def test_a_lane_that_is_kept_open_is_waited_for_as_far_as_its_clock_has_come() -> None:
    await judging([], ALL[0]).until_judged(console())


async def test_a_refused_lane_is_an_error_that_says_how_to_make_room() -> None:
    refused = [status(0, 5, LanePhase.REFUSED, detail="16 lanes of water are open")]
    with pytest.raises(ReplayRefused, match=r"16 lanes of water are open.*`district lane list`.*`district lane close"):
        await judging(refused).until_judged(console())


@pytest.mark.parametrize(
    ("news", "words"),
    [
        ((), "nothing was said of lane replay:may.*processor-lanes"),
        ((ALL[0],), "judging stands still at judged 9 of 9.*partition 0 at 10 of 10.*processor-lanes"),
        (([status(p, end, LanePhase.CLOSED) for p, end in ENDS.items()],), "closed by somebody else.*v_dead_letters"),
        (([status(0, 3)],), "partition 0 at 3 of 10, partition 1 at 0 of 4.*processor-lanes"),
        ((ALL[0], *[ServerSilent("kafka (gone)")] * 100_000), "kafka"),
    ],
)
async def test_judging_that_stands_still_is_said_with_the_service_to_look_at(
    news: tuple[list[LaneStatus], ...], words: str
) -> None:
    with pytest.raises(ReplayStalled, match=words):
        await judging(*news).until_closed(console(), sender([]))
