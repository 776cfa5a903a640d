"""The books of a replay: sent = stored + dead-lettered + duplicates + missing, whatever happened."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import Feed
from services.district.errors import LaneRefused
from services.district.replay import chosen_lane
from services.district.replay_account import PointClass, awaited_by_sink, compare, settle
from services.district.replay_ledger import Standing
from services.district.replay_view import ReplayReport
from services.district.replay_wait import newly_dead
from simulators.replay.numbering import Outgoing
from simulators.replay.source import SourceReading

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)


def reading(seq: int, *, row: int = 1, label: str | None = None) -> Outgoing:
    source = SourceReading(row, "d", "g", NOW, "now", {}, label=label, place=("甲省", "某处"))
    return Outgoing(source, ("d", seq), "jianghan/water/g/d/reading", b"{}", NOW)


def keys(*seqs: int) -> set[tuple[str, int]]:
    return {("d", seq) for seq in seqs}


def test_each_reading_has_one_fate() -> None:
    sent = [reading(seq) for seq in (0, 1, 1, 2, 3, 3, 4)]
    account = settle(sent, before=keys(2), stored=keys(0, 1, 2), dead=keys(3))
    assert (account.sent, account.stored, account.dead_lettered, account.duplicates) == (7, 2, 2, 2)
    assert [each.key for each in account.missing] == [("d", 4)]


@given(
    seqs=st.lists(st.integers(0, 6), max_size=30),
    before=st.sets(st.integers(0, 6)),
    stored=st.sets(st.integers(0, 6)),
    dead=st.sets(st.integers(0, 6)),
)
def test_the_sum_always_holds(seqs: list[int], before: set[int], stored: set[int], dead: set[int]) -> None:
    sent = [reading(seq) for seq in seqs]
    account = settle(sent, before=keys(*before), stored=keys(*stored | before), dead=keys(*dead))
    assert account.sent == account.stored + account.dead_lettered + account.duplicates + len(account.missing)
    again = settle(sent, before=keys(*stored | before), stored=keys(*stored | before), dead=keys(*dead))
    assert again.stored == 0


def test_only_new_dead_letters_count() -> None:
    before = Standing(0, {("d", 1): (1, "ingest_bridge"), ("d", 2): (1, "ingest_bridge")}, 0, 0)
    now = Standing(0, {("d", 1): (2, "ingest_bridge"), ("d", 2): (1, "x"), ("d", 3): (1, "timescale_sink")}, 0, 0)
    assert newly_dead(before, now) == {("d", 1): "ingest_bridge", ("d", 3): "timescale_sink"}


def test_the_sink_sees_all_but_what_the_bridge_refused() -> None:
    sent = [reading(0), reading(1), reading(1), reading(2)]
    assert awaited_by_sink(sent, {("d", 1): "ingest_bridge", ("d", 2): "timescale_sink"}) == 2


def test_classes_are_compared_row_by_row() -> None:
    sent = [
        reading(0, row=1, label="Ⅱ"),
        reading(1, row=2, label="Ⅲ"),
        reading(2, row=3, label="劣Ⅴ"),
        reading(3, row=4, label="Ⅰ"),
        reading(4, row=5),
        reading(5, row=6, label="Ⅱ"),
    ]
    classes = {
        ("d", 0): PointClass(2, ("do",), ""),
        ("d", 1): PointClass(4, ("tp", "nh3n"), ""),
        ("d", 2): PointClass(6, ("ph",), ""),
        ("d", 3): PointClass(None, (), "only 3 items"),
    }
    comparison = compare(sent, classes)
    assert (comparison.labelled, comparison.agreeing) == (5, 2)
    assert [(d.row, d.published, d.stored, d.why) for d in comparison.differences] == [
        (2, "Ⅲ", "Ⅳ", "tp, nh3n"),
        (4, "Ⅰ", "–", "only 3 items"),
        (6, "Ⅱ", "–", "not stored"),
    ]


def test_the_report_for_machines() -> None:
    account = settle([reading(0, label="Ⅱ")], before=set(), stored=keys(0), dead={})
    comparison = compare([reading(0, label="Ⅱ")], {("d", 0): PointClass(2, (), "")})
    report = ReplayReport("replay:x", "b", 1, account, comparison, {}, {}, {}, 7, 1).to_json()
    assert report == {
        "lane": "replay:x",
        "rows": 1,
        "readings": 1,
        "sent": 1,
        "stored": 1,
        "dead_lettered": 0,
        "duplicates": 0,
        "judged": 7,
        "judging_failed": 1,
        "labelled": 1,
        "agreeing": 1,
    }
    assert "labelled" not in ReplayReport("replay:x", "b", 1, account, None, {}, {}, {}, None).to_json()


def test_lanes() -> None:
    assert chosen_lane(Feed.EV, None, NOW) == "replay:ev-20261124t030405z"
    assert chosen_lane(Feed.EV, "april", NOW) == "replay:april"
    assert chosen_lane(Feed.EV, "whatif:x", NOW) == "whatif:x"
    for wrong in ("live", "Replay:X", "replay:", "test:x"):
        with pytest.raises(LaneRefused):
            chosen_lane(Feed.EV, wrong, NOW)
