"""From records to rows: readings, ticks, what cannot be read; progress adds up."""

from __future__ import annotations

import re
import types
import typing
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import KIND_HEADER, KIND_PLAN, KIND_TICK, Tick
from schemas.dead_letter import DeadLetterReason
from schemas.fields import Feed
from schemas.indicator import Indicator, IndicatorStatus
from schemas.readings import MODELS
from schemas.topics import DEAD_LETTERS, INDICATORS
from services.runtime.record import Record
from services.timescale_sink.editions import Edition
from services.timescale_sink.errors import MigrationRefused
from services.timescale_sink.migrations import FOLDER, Migration, pending, read_migrations
from services.timescale_sink.outcome import Outcome, letter_for
from services.timescale_sink.pace import Pace
from services.timescale_sink.poison import PoisonPolicy, PoisonWatch
from services.timescale_sink.progress import not_yet_handled
from services.timescale_sink.rows import Refusal, decode
from services.timescale_sink.tables import KAFKA_COLUMNS, NOT_STORED, TABLES
from services.timescale_sink.verdicts import DEAD_LETTER_COLUMNS, decode_dead_letters, decode_indicators

LOT = (
    b'{"feed":"parking","device_id":"lot-1","group_id":"cbd","boot_id":"b1","seq":%d,'
    b'"observed_at":"2026-03-01T08:00:00Z","total_spaces":10,"free_spaces":%d}'
)


@dataclass
class FakeRecord:
    value: bytes | None
    offset: int = 0
    partition: int = 0
    topic: str = "readings.parking"
    timestamp: int = 1_772_352_000_123
    headers: tuple[tuple[str, Any], ...] = ()


def test_a_reading_becomes_a_row_with_its_coordinates() -> None:
    table = TABLES["readings.parking"]
    record = FakeRecord(LOT % (7, 3), offset=42, partition=5)
    rows = decode(table, [record]).rows
    (values,) = rows.values
    named = dict(zip(table.columns, values, strict=True))
    assert named["seq"] == 7
    assert named["free_spaces"] == 3
    assert named["quality_codes"] == ()
    assert named["received_at"] == datetime(2026, 3, 1, 8, 0, 0, 123_000, tzinfo=UTC)
    assert (named["kafka_partition"], named["kafka_offset"]) == (5, 42)
    assert rows.records == [record]


def test_what_cannot_be_true_is_named_in_the_row() -> None:
    table = TABLES["readings.parking"]
    (values,) = decode(table, [FakeRecord(LOT % (7, -3))]).rows.values
    assert dict(zip(table.columns, values, strict=True))["quality_codes"] == ("free_negative",)


@pytest.mark.parametrize(("ahead_ms", "codes"), [(0, ()), (300_000, ()), (300_001, ("future_time",))])
def test_a_reading_dated_in_the_future_is_stored_and_marked(ahead_ms: int, codes: tuple[str, ...]) -> None:
    table = TABLES["readings.parking"]
    (values,) = decode(table, [FakeRecord(LOT % (7, 3), timestamp=1_772_352_000_000 - ahead_ms)]).rows.values
    assert dict(zip(table.columns, values, strict=True))["quality_codes"] == codes


def test_a_published_document_in_the_log_is_no_reading() -> None:
    decoded = decode(TABLES["readings.parking"], [FakeRecord(b"{}", headers=((KIND_HEADER, KIND_PLAN),))])
    assert (decoded.ticks, len(decoded.rows), decoded.refused) == (Counter({0: 1}), 0, [])


def test_ticks_are_counted_and_undecodable_records_keep_their_reason() -> None:
    tick = FakeRecord(
        Tick(lane="live", at=datetime(2026, 3, 1, tzinfo=UTC)).model_dump_json().encode(),
        headers=((KIND_HEADER, KIND_TICK),),
        partition=2,
    )
    decoded = decode(TABLES["readings.parking"], [tick, FakeRecord(b"{"), FakeRecord(None), FakeRecord(LOT % (1, 1))])
    assert decoded.ticks == Counter({2: 1})
    assert len(decoded.rows) == 1
    assert ["JSON" in bad.why for bad in decoded.refused] == [True, True]
    assert {bad.reason for bad in decoded.refused} == {DeadLetterReason.UNDECODABLE_RECORD}


def test_a_text_with_nul_never_reaches_the_database() -> None:
    raw = (LOT % (7, 3))[:-1]
    decoded = decode(
        TABLES["readings.parking"],
        [FakeRecord(raw + rb',"lot_name":"a\u0000b"}'), FakeRecord(raw + rb',"lot_name":"a\\u0000b"}')],
    )
    assert len(decoded.rows) == 1, "an escaped backslash before u0000 is no NUL"
    (refusal,) = decoded.refused
    assert refusal.reason is DeadLetterReason.UNDECODABLE_RECORD
    assert "lot_name" in letter_for(refusal).detail


def _stored_letter(**said: bytes | None) -> dict[str, object]:
    headers = {"source": b"ingest_bridge", "reason": b"invalid", "detail": b"d", "received_at": b"2026-03-01T00:00:00Z"}
    record = FakeRecord(b"\0raw", offset=9, partition=1, topic=DEAD_LETTERS, headers=tuple((headers | said).items()))
    (row,) = decode_dead_letters([record])
    return dict(zip(DEAD_LETTER_COLUMNS, row, strict=True))


def test_a_dead_letter_is_made_fit_for_its_columns() -> None:
    row = _stored_letter(detail=b"x\0y", device_id=b"d" * 9_000)
    assert row["detail"] == "x\\u0000y"
    assert len(str(row["device_id"])) == 200
    assert (row["payload"], row["dl_partition"], row["dl_offset"]) == (b"\0raw", 1, 9)


@pytest.mark.parametrize(
    "said",
    [
        {"reason": b"no such"},
        {"reason": None},
        {"detail": b"\xff"},
        {"seq": b"9" * 5_000},
        {"seq": str(2**70).encode()},
        {"kafka_partition": str(2**40).encode()},
    ],
)
def test_a_dead_letter_that_cannot_be_read_is_stored_about_itself(said: dict[str, bytes | None]) -> None:
    row = _stored_letter(**said)
    assert (row["source"], row["reason"]) == ("timescale_sink", "undecodable_record")
    assert (row["kafka_topic"], row["kafka_partition"], row["kafka_offset"]) == (DEAD_LETTERS, 1, 9)
    assert row["payload"] == b"\0raw"


def _sql_columns(feed: Feed) -> dict[str, str]:
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob("*.sql")))
    body = re.search(rf"CREATE TABLE {feed}_readings \((.*?)\n\);", text, re.DOTALL)
    assert body is not None
    lines = [line.strip().rstrip(",") for line in body[1].strip().split("\n")]
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in lines if not line.startswith("PRIMARY")}


def _sql_type(annotation: object) -> tuple[str, bool]:
    """PostgreSQL type and whether NULL is allowed, from a field's annotation."""
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        inner = [a for a in typing.get_args(annotation) if a is not types.NoneType]
        return _sql_type(inner[0])[0], True
    if typing.get_origin(annotation) is typing.Annotated:
        return _sql_type(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) is tuple:
        return "text[]", False
    assert isinstance(annotation, type)
    for kind, name in ((Enum, "text"), (str, "text"), (datetime, "timestamptz"), (Decimal, "numeric(16,2)")):
        if issubclass(annotation, kind):
            return name, False
    return {int: "integer", float: "double precision"}[annotation], False


@pytest.mark.parametrize("feed", Feed)
def test_the_columns_of_a_table_are_the_fields_of_its_model(feed: Feed) -> None:
    columns = _sql_columns(feed)
    fields = {name: info for name, info in MODELS[feed].model_fields.items() if name not in NOT_STORED}
    assert list(columns) == [*fields, "received_at", "stored_at", "kafka_partition", "kafka_offset"]
    for name, info in fields.items():
        wanted, nullable = _sql_type(info.annotation)
        found = columns[name].removesuffix(" NOT NULL")
        assert found == wanted or {found, wanted} == {"bigint", "integer"}, name
        assert columns[name].endswith("NOT NULL") is not nullable, name
    assert set(KAFKA_COLUMNS) <= set(columns)


@given(offsets=st.lists(st.integers(0, 40), unique=True).map(sorted), next_offset=st.integers(0, 45))
def test_records_below_the_next_offset_were_handled(offsets: list[int], next_offset: int) -> None:
    records = [FakeRecord(b"", offset=n) for n in offsets]
    fresh = not_yet_handled(records, next_offset)
    assert [r.offset for r in fresh] == [n for n in offsets if n >= next_offset]


counts = st.dictionaries(st.integers(0, 3), st.integers(0, 20))


@given(stored=counts, duplicates=counts, dead=counts, ticks=counts)
def test_the_books_balance_whatever_a_batch_came_to(
    stored: dict[int, int], duplicates: dict[int, int], dead: dict[int, int], ticks: dict[int, int]
) -> None:
    places = {}
    refused = []
    for p in range(4):
        total = sum(part.get(p, 0) for part in (stored, duplicates, dead, ticks))
        records: list[Record] = [FakeRecord(b"", offset=100 + n, partition=p) for n in range(total)]
        refused += [Refusal(r, DeadLetterReason.REFUSED_BY_DATABASE, "why") for r in records[: dead.get(p, 0)]]
        if records:
            places["readings.parking", p] = records
    outcome = Outcome(Counter(stored), refused, Counter(ticks))
    outcome.advance(places)
    assert outcome.repeated() == sum(duplicates.values())
    for one in outcome.advanced:
        assert one.readings == one.stored + one.duplicates + one.dead_lettered
        assert one.duplicates == duplicates.get(one.partition, 0)
        assert one.next_offset == 100 + one.readings + one.ticks


@pytest.mark.parametrize(
    ("records", "pause"), [(0, 0.0), (1, 0.03), (19, 0.03), (20, 0.15), (2_499, 0.15), (2_500, 0.0)]
)
def test_a_busy_sink_gathers_and_a_quiet_one_does_not(records: int, pause: float) -> None:
    assert Pace().pause(records) == pause


def test_one_hostile_device_never_stops_the_sink() -> None:
    watch = PoisonWatch(PoisonPolicy(window_rows=100, refused_share=0.5, devices_min=5))
    assert not any(watch.note(0, ["evil"] * 50) for _ in range(20))


def test_most_rows_of_many_devices_refused_stop_the_sink() -> None:
    watch = PoisonWatch(PoisonPolicy(window_rows=100, refused_share=0.5, devices_min=5))
    assert not watch.note(40, [])
    assert watch.note(0, [f"d{n % 10}" for n in range(60)])
    assert not watch.note(100, [])


def test_an_applied_migration_that_was_changed_is_refused() -> None:
    known = [Migration(1, "0001_a.sql", "SELECT 1"), Migration(2, "0002_b.sql", "SELECT 2")]
    assert pending(known, {1: known[0].checksum}) == (known[1],)
    with pytest.raises(MigrationRefused, match=r"0001_a\.sql was changed"):
        pending(known, {1: "something else"})
    with pytest.raises(MigrationRefused, match="migration 0003"):
        pending(known, {3: "newer"})


@pytest.mark.parametrize("edition", Edition)
def test_migrations_are_numbered_without_gap(tmp_path: Path, edition: Edition) -> None:
    assert [m.number for m in read_migrations(edition)] == list(range(1, len(read_migrations(edition)) + 1))
    (tmp_path / "0002_late.sql").write_text("SELECT 1", encoding="utf-8")
    with pytest.raises(MigrationRefused, match="without gap"):
        read_migrations(edition, tmp_path)
    (tmp_path / "first.sql").write_text("SELECT 1", encoding="utf-8")
    with pytest.raises(MigrationRefused, match=r"first\.sql"):
        read_migrations(edition, tmp_path)


def _indicator(revision: int, detail: int = 1, days: int = 0) -> FakeRecord:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    end = at + timedelta(days=days)
    one = Indicator(
        id="water.class", feed=Feed.WATER, lane="live", subject="north-lake", period_start=at, period_end=end,
        value=3.0, unit="class", status=IndicatorStatus.MET, status_reason="as good as the target", n=1,
        completeness=1.0, threshold=None, revision=revision, details={"worst": detail},
    )  # fmt: skip
    return FakeRecord(one.model_dump_json().encode(), offset=revision, topic=INDICATORS)


def test_of_several_revisions_in_a_batch_the_highest_is_written() -> None:
    found = decode_indicators([_indicator(1), _indicator(2), _indicator(0)])
    assert [record.offset for _, record in found.latest] == [2]
    assert [record.offset for _, record in found.history] == [1, 2, 0], "each revision is kept"
    assert found.bad == []


def test_a_day_and_the_month_it_begins_are_two_indicators() -> None:
    found = decode_indicators([_indicator(0, days=1), _indicator(0, days=31)])
    assert len(found.latest) == len(found.history) == 2


def test_an_indicator_whose_details_cannot_be_written_is_refused_alone() -> None:
    found = decode_indicators([_indicator(1), _indicator(2, detail=2**70)])
    assert [record.offset for _, record in found.latest] == [1]
    assert [refusal.record.offset for refusal in found.bad] == [2]
