"""State as a changelog: what is written, that it comes back as it was, and what is said of one that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.lane import LanePhase
from services.runtime.same_log import Anew
from services.stream_processors.engine.changelog import Restore, restored
from services.stream_processors.engine.events import JudgingFailed, LaneChanged
from services.stream_processors.engine.state_records import PARTITION_KEY
from services.stream_processors.engine.worker import Worker
from services.stream_processors.errors import UnreadableStateError
from services.stream_processors.kafka_host.starting_point import StartReason, starting_point
from tests.unit.stream_processors import water_log
from tests.unit.stream_processors.recorded import Item, Process, Record, log_of, publication, tick
from tests.unit.stream_processors.scripted import LANE, Key, ScriptedJudge, at, log, reading, taken
from tests.unit.stream_processors.test_core_documents import BAD, A, B

MONTH_US = 1_793_462_400_000_000
"""2026-11-01 00:00 local."""


def keys_of(process: Process) -> list[Any]:
    return [orjson.loads(record.key) for record in process.worker.changes()]


def test_only_what_differs_is_written_and_the_partitions_own_record_comes_last() -> None:
    process = Process(ScriptedJudge(), "t")
    process.worker.judge(log_of([tick(at(0)), reading(0, key="a"), reading(0, key="b")]))
    assert keys_of(process) == [
        ["live", "a", "head"],
        ["live", "a", "block-0"],
        ["live", "b", "head"],
        ["live", "b", "block-0"],
        ["partition"],
    ]
    assert process.worker.changes() == []
    process.worker.judge([Record(3, *tick(at(0.5)))])
    assert keys_of(process) == [["partition"]]


def test_a_part_that_is_gone_is_taken_out_of_the_topic() -> None:
    process = Process(ScriptedJudge(), "t")
    process.worker.judge(log_of([reading(n) for n in range(4)]))
    process.store()
    process.worker.judge([Record(4 + n, *reading(n)) for n in range(3)])
    gone = {record.key for record in process.worker.changes() if record.value is None}
    assert gone == {b'["live","zone","block-0"]'}


def test_all_parts_of_a_key_that_is_forgotten_are_taken_out_even_after_a_restart() -> None:
    process = Process(ScriptedJudge(), "t")
    process.worker.judge(log_of([reading(0, "blank"), tick(at(1))]))
    process.store()
    process.kill()
    process.worker.judge([Record(2, *tick(at(90_000)))])
    process.store()
    assert process.kept.keys() == {PARTITION_KEY}


def test_a_key_that_is_forgotten_and_heard_of_again_has_only_its_new_parts() -> None:
    process = Process(ScriptedJudge(), "t")
    process.worker.judge(log_of([reading(0, "blank") for _ in range(4)] + [tick(at(1))]))
    process.store()
    process.worker.judge([Record(5, *tick(at(90_000))), Record(6, *reading(90_000))])
    process.store()
    process.kill()
    (key,) = process.worker._state.lanes["live"].keys.values()
    assert (key.heard, key.blocks) == ([6], {"block-0": 6})


def test_a_closed_lane_gives_its_records_back() -> None:
    process = Process(ScriptedJudge(), "t", live=False)
    process.worker.judge(log((0, tick(at(0), LANE)), (1, reading(0, lane=LANE))))
    process.store()
    assert len(process.kept) == 3
    process.worker.judge([taken(2, tick(at(5), LANE, closes=True), 2)])
    process.store()
    assert process.kept.keys() == {PARTITION_KEY}


def test_readings_that_wait_for_their_lane_are_in_the_state() -> None:
    process = Process(ScriptedJudge(), "t", live=False)
    process.worker.judge(log((0, reading(0, lane=LANE)), (1, reading(1, lane=LANE))))
    process.store()
    assert len(process.kept) == 3
    process.kill()
    outputs, _ = process.worker.judge([taken(2, tick(at(0), LANE), 2)])
    assert outputs[-1] == LaneChanged(LANE, LanePhase.OPEN, 2, 3, None, 2, 0)
    process.store()
    assert not any(b"waiting" in key for key in process.kept)


def test_a_lane_that_was_turned_away_still_is_after_a_restart() -> None:
    process = Process(ScriptedJudge(), "t", live=False)
    process.worker.judge([taken(0, tick(at(0), f"replay:l{n}"), n) for n in range(17)])
    process.store()
    process.kill()
    again, _ = process.worker.judge([taken(1, tick(at(1), "replay:l16"), 17)])
    assert again == []
    assert len(process.worker.lane_statuses()) == 16


def test_nothing_is_restored_from_nothing() -> None:
    assert restored(ScriptedJudge(), {}, "t", 0) is None


def test_decoding_gives_way_after_each_key() -> None:
    process = Process(ScriptedJudge(), "t")
    process.worker.judge(log_of([reading(0, key=f"k{n}") for n in range(20)]))
    process.store()
    restore = Restore(process.judge, process.kept, "t", 0)
    assert sum(1 for _ in restore.steps()) >= 21
    result = restore.result()
    assert result is not None
    assert len(result.state.lanes["live"].keys) == 20


def stored() -> dict[bytes, bytes]:
    process = Process(ScriptedJudge(), "t")
    process.worker.judge(log_of([reading(0)]))
    process.store()
    return process.kept


def partition(**changed: Any) -> dict[bytes, bytes]:
    kept = stored()
    body = msgspec.msgpack.decode(kept[PARTITION_KEY])
    return {**kept, PARTITION_KEY: msgspec.msgpack.encode({**body, **changed})}


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (lambda: partition(version=9), "format 9, this release reads 3 and 2"),
        (lambda: partition(feed="tax"), "feed tax"),
        (lambda: partition(next_offset="x"), "next_offset"),
        (lambda: {**stored(), PARTITION_KEY: b"\x00"}, "ValidationError"),
        (lambda: {**stored(), b'["live","zone","head"]': b"{"}, "JSONDecodeError"),
        (lambda: {key: raw for key, raw in stored().items() if key != PARTITION_KEY}, "how far it is"),
        (lambda: {**stored(), b"no json": b""}, "JSONDecodeError"),
        (lambda: {b"0": b"no snapshot"}, "error"),
    ],
)
def test_a_state_that_cannot_be_read_says_which_and_what_to_do(
    spoilt: Callable[[], dict[bytes, bytes]], reason: str
) -> None:
    with pytest.raises(UnreadableStateError) as error:
        restored(ScriptedJudge(), spoilt(), "t", 0)
    message = str(error.value)
    assert message.startswith("the state of feed parking, partition 0 of t, cannot be read")
    assert reason in message
    assert "accept-loss parking" in message


@given(st.dictionaries(st.sampled_from([PARTITION_KEY, b'["live","a","head"]', b"0", b"[]"]), st.binary(max_size=40)))
def test_arbitrary_records_raise_only_what_is_declared(records: dict[bytes, bytes]) -> None:
    with suppress(UnreadableStateError):
        assert restored(ScriptedJudge(), records, "t", 0) is None


def test_records_that_belong_to_nothing_are_taken_out() -> None:
    kept = {**stored(), b'["replay:gone","zone","head"]': b"{}", b'["what"]': b""}
    worker = Worker(ScriptedJudge(), "t", 0, restored(ScriptedJudge(), kept, "t", 0))
    worker.judge([Record(1, *tick(at(0)))])
    gone = [record.key for record in worker.changes() if record.value is None]
    assert sorted(gone) == [b'["replay:gone","zone","head"]', b'["what"]']


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    """Readings of a few keys and lanes, ticks that open, drive and close, documents, broken records."""
    live = draw(st.booleans())
    lanes = ["live"] if live else [LANE, "exercise:x", "live"]
    items: list[tuple[float, Item]] = []
    second = 0.0
    for _ in range(draw(st.integers(1, 25))):
        second += draw(st.sampled_from([0, 1, 30, 500, 4_000]))
        lane = draw(st.sampled_from(lanes))
        device = draw(st.sampled_from(["lot", "wake-20", "wake-900", "late-3", "blank", "raise-time", "raise-reading"]))
        kind = draw(st.sampled_from(["reading"] * 4 + ["tick"] * 3 + ["close", "plan", "broken"]))
        match kind:
            case "reading":
                items.append((second, reading(second, device, key=draw(st.sampled_from("abc")), lane=lane)))
            case "plan":
                items.append((second, publication(draw(st.sampled_from([A, B, BAD])))))
            case "broken":
                items.append((second, (b"{", [])))
            case _:
                closes = kind == "close" and lane != "live"
                items.append((second, tick(at(second), lane, closes=closes, spare=draw(st.sampled_from([0, 2])))))
    return log(*items)


@settings(max_examples=60, deadline=None)
@given(records=logs(), data=st.data())
def test_a_restored_worker_goes_on_as_the_living_one(records: list[Record], data: st.DataObject) -> None:
    live = not any(
        b"replay:day" in (record.value or b"") or b"exercise:x" in (record.value or b"") for record in records
    )
    living = Process(ScriptedJudge(), "t", live=live)
    other = Process(ScriptedJudge(), "t", live=live)
    for record in records:
        assert living.worker.judge([record]) == other.worker.judge([record])
        if data.draw(st.booleans()):
            other.store()
            if data.draw(st.booleans()):
                other.kill()
    end = [taken(90_000, tick(at(90_000), LANE if not live else "live"), len(records))]
    assert living.worker.judge(end) == other.worker.judge(end)
    living.store()
    other.store()
    assert dict(sorted(other.kept.items())) == dict(sorted(living.kept.items()))


@pytest.mark.parametrize(
    ("records", "failures"),
    [
        (log((0, reading(0, "wake-20")), (1, reading(1, "wake-900")), (2, reading(2, "raise-time"))), 0),
        (log((0, reading(0, "wake-20")), (1, reading(1, "raise-time")), (25, tick(at(25))), (26, publication(A))), 1),
    ],
    ids=["a wake that was put off", "a key that raised and is judged again under another document"],
)
def test_whom_the_clock_calls_depends_on_the_state_alone(records: list[Record], failures: int) -> None:
    living, other = Process(ScriptedJudge(), "t"), Process(ScriptedJudge(), "t")
    said, _ = living.worker.judge(records)
    other.worker.judge(records)
    other.store()
    other.kill()
    later = taken(30, tick(at(30)), len(records))
    assert living.worker.judge([later]) == other.worker.judge([later]) == ([], [])
    assert len([one for one in said if isinstance(one, JudgingFailed)]) == failures


def test_the_window_is_bounded_by_time_and_by_number() -> None:
    rules = water_log.judge(water_log.policy("water-local.toml", window={"samples_max": 64}))
    worker = Worker(rules, water_log.TOPIC, 0)
    items = [water_log.reading(n / 60, seq=n) for n in range(2_000)]
    ticks = [water_log.tick(minute) for minute in (0, 1_000 / 60, 2_000 / 60)]
    worker.judge(water_log.log_of([ticks[0], *items[:1_000], ticks[1], *items[1_000:], ticks[2]]))
    (lake,) = worker._state.lanes["live"].keys.values()
    assert len(lake.line.window) <= 64 + 128
    assert len(lake.line.head.state.rounds) <= 2


def test_a_lake_of_which_nothing_is_heard_is_forgotten_when_its_month_is_over() -> None:
    worker = Worker(water_log.judge(water_log.policy("water-local.toml")), water_log.TOPIC, 0)
    days = 60 * 24
    worker.judge(water_log.log_of([water_log.reading(0), water_log.tick(1), water_log.tick(2 * days)]))
    (lake,) = worker._state.lanes["live"].keys.values()
    assert set(lake.line.head.state.periods) == {("month", MONTH_US)}
    worker.judge([Record(3, *water_log.tick(9 * days))])
    assert worker._state.lanes["live"].keys == {}


@pytest.mark.parametrize(
    ("snapshot", "offset", "keep", "reason"),
    [
        (None, 10, False, StartReason.NO_STATE),
        (50, 50, True, StartReason.RESUMED),
        (100, 100, True, StartReason.RESUMED),
        (101, 10, True, StartReason.LOG_RECREATED),
        (9, 10, True, StartReason.LOG_TRUNCATED),
    ],
)
def test_from_where_judging_starts(snapshot: int | None, offset: int, keep: bool, reason: StartReason) -> None:
    found = starting_point(snapshot, log_start=10, log_end=100)
    assert (found.offset, found.keep_state, found.reason) == (offset, keep, reason)


def test_a_state_goes_on_in_a_log_that_was_made_anew_and_says_what_the_former_one_had_left() -> None:
    found = starting_point(100, log_start=0, log_end=150, anew=Anew.ANOTHER_RECORD, known_end=120)
    assert (found.offset, found.keep_state, found.reason) == (0, True, StartReason.LOG_RECREATED)
    assert found.loss is not None
    assert (found.loss.first, found.loss.before) == (100, 120)
    assert starting_point(100, 0, 150, anew=Anew.ANOTHER_RECORD, known_end=100).loss is None


def test_records_that_are_in_the_state_are_skipped() -> None:
    worker: Worker[Key] = Worker(ScriptedJudge(), "t", 0)
    records = log_of([reading(0), reading(1)])
    first, _ = worker.judge(records)
    again, _ = worker.judge(records)
    assert first
    assert again == []
