"""Where the sink goes on, which readings are new, and when it stands still: decisions on plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import AlertEventType
from schemas.fields import Feed
from schemas.topics import PLAN
from services.runtime.same_log import Mark
from services.runtime.standstill import Assigned
from services.timescale_sink.gap_alerts import OpenGap, alerts_of, health_of
from services.timescale_sink.history import windows
from services.timescale_sink.identity import (
    CHUNK,
    CHUNKS_AT_ONCE,
    Segment,
    by_segment,
    chunks_of,
    numbers_of,
    runs,
    sort_out,
    sort_out_anew,
    spans_of,
)
from services.timescale_sink.poison import ATTEMPTS, Strikes
from services.timescale_sink.progress import (
    Gap,
    Known,
    Log,
    Placement,
    Why,
    begun_again,
    begun_again_as_proved,
    cut,
    placement,
)
from services.timescale_sink.standstill import Part, Standing
from services.timescale_sink.tables import TABLES

TOPIC = "readings.ev"
TABLE = TABLES["readings.parking"]
AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
LATER = int((AT + timedelta(hours=1)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("known", "log", "found"),
    [
        pytest.param(None, Log(0, 100), Placement(0), id="nothing was read, nothing is gone"),
        pytest.param(
            None, Log(40, 100, AT), Placement(40, (Gap(0, 40, Why.REMOVED, None, AT),)), id="an emptied database"
        ),
        pytest.param(
            Known(70, 90, 5), Log(0, 100), Placement(70, proof=Mark(69, 5)), id="an older copy of the database"
        ),
        pytest.param(Known(70, 90, None), Log(0, 100), Placement(70), id="progress from before times were noted"),
        pytest.param(
            Known(70, 90, 5, Mark(40, 3)),
            Log(0, 100),
            Placement(70, proof=Mark(40, 3)),
            id="a record that was there at the last look",
        ),
        pytest.param(
            Known(70, 90, 5),
            Log(70, 100),
            Placement(70, proof=Mark(69, 5)),
            id="the record before is gone, nothing else",
        ),
        pytest.param(
            Known(70, 90, 5), Log(71, 100, AT), Placement(71, (Gap(70, 71, Why.REMOVED, 5, AT),)), id="one is gone"
        ),
        pytest.param(
            Known(100, 100, 5), Log(100, 100), Placement(100, proof=Mark(99, 5)), id="all was read, all was removed"
        ),
        pytest.param(
            Known(70, 90, 5),
            Log(0, 20, AT),
            Placement(0, (Gap(70, 90, Why.MADE_ANEW, 5, AT),), anew=True),
            id="the topic is shorter than what was read",
        ),
        pytest.param(Known(90, 90, 5), Log(0, 20, AT), Placement(0, anew=True), id="made anew, nothing was left"),
        pytest.param(
            Known(90, 90, 5),
            Log(3, 20, AT),
            Placement(3, (Gap(0, 3, Why.REMOVED, None, AT),), anew=True),
            id="made anew and shortened",
        ),
        pytest.param(
            Known(1_000, 1_000, LATER), Log(400, 990, AT), Placement(400, anew=True), id="it lost its end, by a crash"
        ),
        pytest.param(
            Known(1_000, 1_010, LATER),
            Log(400, 990, AT),
            Placement(400, (Gap(1_000, 1_010, Why.MADE_ANEW, LATER, AT),), anew=True),
            id="it lost its end, and some of that was not stored yet",
        ),
        pytest.param(
            Known(1_000, 1_000, None), Log(400, 990, AT), Placement(400, anew=True), id="nothing proves another log"
        ),
    ],
)
def test_where_to_go_on(known: Known | None, log: Log, found: Placement) -> None:
    assert placement(TOPIC, known, log) == found


def test_a_compacted_topic_has_no_gap() -> None:
    assert placement(PLAN, None, Log(7, 9)) == Placement(7)
    assert begun_again(PLAN, Known(5, None, 3), Log(0, 9)) == Placement(0, anew=True)


def test_a_log_is_begun_again_only_while_the_database_is_where_the_proof_was_asked_for() -> None:
    log = Log(3, 120, AT)
    proof = Mark(89, 5)
    for known in (Known(90, 90, 6), Known(91, 120, 5), Known(3, 120, None), Known(90, 90, 5, Mark(70, 4))):
        found = begun_again_as_proved(TOPIC, known, log, next_offset=90, proof=proof)
        assert found == Placement(known.next_offset), "another sink has gone on"
    known = Known(90, 95, 5)
    assert begun_again_as_proved(TOPIC, known, log, next_offset=90, proof=proof) == begun_again(TOPIC, known, log)
    assert begun_again(TOPIC, known, log).gaps == (
        Gap(90, 95, Why.MADE_ANEW, 5, AT),
        Gap(0, 3, Why.REMOVED, None, AT),
    )
    grown = Known(90, 90, LATER)
    assert begun_again_as_proved(TOPIC, grown, log, next_offset=90, proof=Mark(89, LATER)) == Placement(3, anew=True), (
        "the end was lost and has grown again: what is before the beginning was stored long ago"
    )


@dataclass
class FakeRecord:
    offset: int


@given(
    sizes=st.dictionaries(st.tuples(st.sampled_from("ab"), st.integers(0, 2)), st.integers(1, 9)),
    most=st.integers(1, 30),
)
def test_a_part_is_what_comes_first_of_each_partition(sizes: dict[tuple[str, int], int], most: int) -> None:
    batches: dict[tuple[str, int], Any] = {place: [FakeRecord(n) for n in range(size)] for place, size in sizes.items()}
    first, others = cut(batches, most)
    assert sum(map(len, first.values())) == min(most, sum(sizes.values()))
    for place, records in batches.items():
        assert [*first.get(place, ()), *others.get(place, ())] == records
    assert all([*first.values(), *others.values()]), "no partition stands there without records"


def row(
    device: str, seq: int, *, minutes: int = 0, lane: str = "live", free: int = 3, boot: str = "b"
) -> tuple[Any, ...]:
    at = (AT + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
    body = (
        f'{{"feed":"parking","device_id":"{device}","group_id":"cbd","boot_id":"{boot}","seq":{seq},"lane":"{lane}",'
        f'"observed_at":"{at}","total_spaces":10,"free_spaces":{free}}}'
    )
    return (*TABLE.values(TABLE.decode(body.encode())), AT, 0, seq)


@given(st.lists(st.integers(0, 60)))
def test_runs_hold_each_number_once(numbers: list[int]) -> None:
    found = runs(numbers)
    assert [n for first, before in found for n in range(first, before)] == sorted(set(numbers))
    assert all(one[1] < other[0] for one, other in pairwise(found)), "neighbours are one run"


identities = st.tuples(
    st.sampled_from(["live", "exercise:a"]), st.sampled_from("de"), st.sampled_from("bc"), st.integers(16_380, 16_390)
)


@given(batch=st.lists(identities, min_size=1), before=st.sets(identities))
def test_of_each_identity_the_first_is_new_and_only_if_it_is_not_stored(
    batch: list[tuple[str, str, str, int]], before: set[tuple[str, str, str, int]]
) -> None:
    rows = [row(device, seq, lane=lane, boot=boot) for lane, device, boot, seq in batch]
    segments = by_segment(TABLE, rows)
    stored = {
        segment: runs(seq for lane, device, boot, seq in before if (lane, device, boot, seq >> 14) == segment)
        for segment in segments
    }
    found = sort_out(TABLE, rows, segments, stored)
    seen = set(before)
    fresh = []
    for place, identity in enumerate(batch):
        if identity not in seen:
            fresh.append(place)
        seen.add(identity)
    assert found.fresh == fresh
    assert found.again == [place for place in range(len(batch)) if place not in fresh]


@given(batch=st.lists(st.tuples(identities, st.booleans()), min_size=1))
def test_of_each_identity_the_first_that_can_be_stored_is(batch: list[tuple[tuple[str, str, str, int], bool]]) -> None:
    rows = [row(device, seq, lane=lane, boot=boot) for (lane, device, boot, seq), _ in batch]
    found = sort_out(TABLE, rows, by_segment(TABLE, rows), {})
    kept = []
    while found.fresh:
        kept += [place for place in found.fresh if batch[place][1]]
        found = sort_out_anew(TABLE, rows, found.again, [place for place in found.fresh if not batch[place][1]])
    good = [identity for identity, storable in batch if storable]
    assert sorted(kept) == sorted({batch.index((identity, True)) for identity in good})
    first = {batch[place][0]: place for place in kept}
    assert all(place > first[batch[place][0]] for place in found.again), (
        "what is left has one before it to compare with"
    )


def test_numbers_are_kept_in_segments() -> None:
    rows = [row("d", seq) for seq in (16_383, 16_384, 16_385)]
    assert numbers_of(TABLE, rows, by_segment(TABLE, rows)) == [
        (Segment("live", "d", "b", 0), (16_383, 16_384)),
        (Segment("live", "d", "b", 1), (16_384, 16_386)),
    ]


def test_chunks_are_weeks_from_a_thursday_on_and_neighbours_are_one_span() -> None:
    rows = [row("d", n, minutes=n * 7 * 24 * 60) for n in (0, 1, 3)]
    (first, second) = spans_of(chunks_of(TABLE, rows))
    assert first == (datetime(2026, 2, 26, tzinfo=UTC), datetime(2026, 3, 12, tzinfo=UTC))
    assert second[1] - second[0] == CHUNK


def test_what_a_query_over_imported_days_opens_is_bounded() -> None:
    spans = windows(datetime(2000, 1, 1, 3, tzinfo=UTC), datetime(2026, 11, 1, 17, tzinfo=UTC))
    assert spans[0][0] == datetime(1999, 12, 31, 16, tzinfo=UTC)
    assert spans[-1][1] == datetime(2026, 11, 1, 17, tzinfo=UTC)
    assert all((until - since) < CHUNKS_AT_ONCE * CHUNK for since, until in spans)
    assert all(one[1] + timedelta(microseconds=1) == other[0] for one, other in pairwise(spans))
    assert all(since.hour == 16 for since, _ in spans), "no local day is cut in two"


def test_a_record_is_given_up_after_its_last_attempt_and_another_begins_anew() -> None:
    strikes = Strikes()
    one, other = ("a", 0, 7), ("a", 0, 8)
    assert [strikes.note(one) for _ in range(ATTEMPTS - 1)] == [False] * (ATTEMPTS - 1)
    assert not strikes.note(other)
    assert [strikes.note(one) for _ in range(ATTEMPTS)] == [False] * (ATTEMPTS - 1) + [True]


PLACE, OTHER = (TOPIC, 3), (TOPIC, 4)


def test_a_sink_that_moves_or_has_nothing_to_do_does_not_stand_still() -> None:
    standing = Standing()
    standing.begin(Part.FETCHING, 0)
    for now in range(0, 100, 5):
        standing.reached({PLACE: now, OTHER: 50})
        assert standing.standing_still({PLACE: now + 1_000, OTHER: 50}, now, 20) is None


def test_a_sink_that_stands_still_says_where_since_when_and_in_which_part() -> None:
    standing = Standing()
    standing.reached({PLACE: 10, OTHER: 50})
    standing.begin(Part.WRITING, 3)
    standing.begin(Part.WRITING, 9)
    assert [standing.standing_still({PLACE: 10, OTHER: 50}, now, 20) for now in (0, 30)] == [None, None]
    assert standing.standing_still({PLACE: 15, OTHER: 51}, 49, 20) is None, "records have only just come"
    said = standing.standing_still({PLACE: 1_210, OTHER: 51}, 55, 20)
    assert said == (
        "1,201 records wait and nothing of readings.ev 4 and 1 more was stored for 25 s;"
        " the sink is writing a round into the database, for 52 s"
    )
    standing.reached({PLACE: 11, OTHER: 51})
    assert standing.standing_still({PLACE: 1_210, OTHER: 51}, 56, 20) is None
    assert standing.standing_still({}, 99, 20) is None, "its partitions went to another sink"


def test_a_partition_that_is_placed_anew_where_it_was_has_not_moved() -> None:
    standing = Standing()
    standing.reached({PLACE: 10})
    ends = {PLACE: 15}
    assert standing.standing_still(ends, 0, 20) is None
    standing.reached({})
    assert standing.standing_still(ends, 15, 20) is None
    standing.reached({PLACE: 10})
    assert "nothing of readings.ev 3 was stored for 25 s" in (standing.standing_still(ends, 25, 20) or "")


def test_a_group_that_is_being_divided_says_nothing_of_progress() -> None:
    assigned = Assigned(0.0)
    assert assigned.counts([PLACE], 30, 20)
    assert [assigned.counts([], now, 20) for now in (31, 49, 50, 80)] == [False, False, True, True]
    assert assigned.counts([PLACE], 81, 20)
    assert not assigned.counts([], 82, 20)


def gap(
    topic: str = TOPIC, *, first: int = 10, before: int | None = None, told: int = 0, acknowledged: bool = False
) -> OpenGap:
    noted = AT + timedelta(hours=1) if acknowledged else None
    return OpenGap(topic, 3, first, before or first + 15, "removed", AT - timedelta(hours=1), None, AT, noted, told)


def test_a_gap_is_raised_once_and_resolved_when_somebody_has_taken_note() -> None:
    (raised,) = alerts_of(gap(), "k")
    assert (raised.event, raised.asset, raised.feed, raised.observed_value) == (
        "raised",
        "readings.ev-3-10",
        Feed.EV,
        15,
    )
    assert list(alerts_of(gap(told=1), "k")) == []
    (resolved,) = alerts_of(gap(told=1, acknowledged=True), "k")
    assert (resolved.event, resolved.alert_id, resolved.revision) == (AlertEventType.RESOLVED, raised.alert_id, 1)
    assert [one.event for one in alerts_of(gap(acknowledged=True), "k")] == ["raised", "resolved"]
    assert raised.alert_id not in {one.alert_id for one in alerts_of(gap(), "another cluster")}
    assert {one.feed for one in alerts_of(gap("dead-letters"), "k")} == set(Feed), "a shared topic is about all feeds"


def test_no_alert_of_a_gap_hides_another() -> None:
    """One asset has one open alert: another of the same rule, asset and lane would take its place."""
    gaps = [gap(), gap(first=100), gap("dead-letters"), gap("dead-letters", first=100), gap("alerts")]
    raised = [one for each in gaps for one in alerts_of(each, "k")]
    assert (
        len({one.asset for one in raised}) == len({one.alert_id for one in raised}) == len(raised) == 2 + 3 * len(Feed)
    )
    longest = gap(max(TABLES, key=len), first=2**53, before=2**53 + 1)
    assert [one.asset for one in alerts_of(longest, "k")] == [f"{longest.topic}-3-{2**53}"], "an asset of any gap fits"


def test_health_names_the_first_gap_that_nobody_has_taken_note_of() -> None:
    assert health_of([gap(acknowledged=True)]) is None
    said = health_of([gap(), gap("alerts")])
    assert said is not None
    assert said.startswith("readings.ev 3: 15 records from offset 10 on are missing, Kafka removed them")
    assert "and 1 more gaps" in said
