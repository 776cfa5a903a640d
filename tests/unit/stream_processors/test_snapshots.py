"""Snapshots: what they hold, what is refused, and from where judging starts."""

from __future__ import annotations

import zlib

import pytest

from services.stream_processors.engine.snapshot import decode_snapshot, encode_snapshot
from services.stream_processors.engine.starting_point import StartReason, starting_point
from services.stream_processors.engine.timeline import CHECKPOINT_ENTRIES
from services.stream_processors.engine.worker import Worker
from services.stream_processors.errors import UnreadableSnapshotError
from tests.unit.stream_processors.water_log import TOPIC, Record, judge, log_of, policy, reading, tick

MONTH_US = 1_793_462_400_000_000
"""2026-11-01 00:00 local."""


def filled() -> Worker[object]:
    worker: Worker[object] = Worker(judge(), TOPIC, 0)  # type: ignore[arg-type]
    items = [reading(minute, device=f"p{minute % 3}", tp_mg_l=0.15, seq=minute) for minute in range(30)]
    worker.judge(log_of([*items, tick(70)]))
    return worker


def test_a_snapshot_comes_back_as_it_was() -> None:
    rules = judge()
    raw = encode_snapshot(rules, filled().snapshot())  # type: ignore[arg-type]
    again = decode_snapshot(rules, raw)
    assert again.next_offset == 31
    assert encode_snapshot(rules, again) == raw


@pytest.mark.parametrize("raw", [b"", b"{}", zlib.compress(b"{}"), zlib.compress(b'{"version":99,"feed":"water"}')])
def test_what_is_not_a_snapshot_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadableSnapshotError):
        decode_snapshot(judge(), raw)


def test_a_snapshot_of_another_feed_is_refused() -> None:
    raw = zlib.compress(b'{"version":1,"feed":"tax","next_offset":1,"lanes":{}}')
    with pytest.raises(UnreadableSnapshotError, match="feed tax"):
        decode_snapshot(judge(), raw)


def test_the_window_is_bounded_by_time_and_by_number() -> None:
    rules = judge(policy("water-local.toml", window={"samples_max": 64}))
    worker = Worker(rules, TOPIC, 0)
    items = [reading(n / 60, seq=n) for n in range(2_000)]
    worker.judge(log_of([tick(0), *items[:1_000], tick(1_000 / 60), *items[1_000:], tick(2_000 / 60)]))
    (lake,) = worker.snapshot().state.lanes["live"].keys.values()
    assert len(lake.line.window) <= 64 + CHECKPOINT_ENTRIES
    assert len(lake.line.head.state.rounds) <= 2


def test_a_lake_of_which_nothing_is_heard_is_forgotten_when_its_month_is_over() -> None:
    worker = Worker(judge(policy("water-local.toml")), TOPIC, 0)
    days = 60 * 24
    worker.judge(log_of([reading(0), tick(1), tick(2 * days)]))
    (lake,) = worker.snapshot().state.lanes["live"].keys.values()
    assert set(lake.line.head.state.classed_rounds) == {("month", MONTH_US)}
    worker.judge([Record(3, *tick(9 * days))])
    assert worker.snapshot().state.lanes["live"].keys == {}


@pytest.mark.parametrize(
    ("snapshot", "offset", "keep", "reason"),
    [
        (None, 10, False, StartReason.NO_SNAPSHOT),
        (50, 50, True, StartReason.RESUMED),
        (100, 100, True, StartReason.RESUMED),
        (101, 10, False, StartReason.LOG_RECREATED),
        (9, 10, True, StartReason.LOG_TRUNCATED),
    ],
)
def test_from_where_judging_starts(snapshot: int | None, offset: int, keep: bool, reason: StartReason) -> None:
    found = starting_point(snapshot, log_start=10, log_end=100)
    assert (found.offset, found.keep_state, found.reason) == (offset, keep, reason)


def test_records_that_are_in_the_state_are_skipped() -> None:
    worker = Worker(judge(), TOPIC, 0)
    log = log_of([reading(0), reading(1)])
    first, _ = worker.judge(log)
    again, _ = worker.judge(log)
    assert first
    assert again == []
