"""From records to rows: readings, ticks, what cannot be read; progress adds up."""

from __future__ import annotations

import re
import types
import typing
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import KIND_HEADER, KIND_TICK, Tick
from schemas.fields import Feed
from schemas.readings import MODELS
from services.timescale_sink.errors import MigrationRefused
from services.timescale_sink.migrations import FOLDER, Migration, pending, read_migrations
from services.timescale_sink.pace import Pace
from services.timescale_sink.poison import PoisonPolicy, PoisonWatch
from services.timescale_sink.progress import Progress, next_offsets, not_yet_handled, tally
from services.timescale_sink.rows import decode
from services.timescale_sink.tables import KAFKA_COLUMNS, NOT_STORED, TABLES

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
    headers: tuple[tuple[str, bytes], ...] = ()


def test_a_reading_becomes_a_row_with_its_coordinates() -> None:
    table = TABLES["readings.parking"]
    (row,) = decode(table, [FakeRecord(LOT % (7, 3), offset=42, partition=5)]).rows
    named = dict(zip(table.columns, row.values, strict=True))
    assert named["seq"] == 7
    assert named["free_spaces"] == 3
    assert named["quality_codes"] == ()
    assert named["received_at"] == datetime(2026, 3, 1, 8, 0, 0, 123_000, tzinfo=UTC)
    assert (named["kafka_partition"], named["kafka_offset"]) == (5, 42)
    assert row.key == ("lot-1", "b1", 7)


def test_what_cannot_be_true_is_named_in_the_row() -> None:
    table = TABLES["readings.parking"]
    (row,) = decode(table, [FakeRecord(LOT % (7, -3))]).rows
    assert dict(zip(table.columns, row.values, strict=True))["quality_codes"] == ("free_negative",)


def test_ticks_are_counted_and_undecodable_records_keep_their_reason() -> None:
    tick = FakeRecord(
        Tick(lane="live", at=datetime(2026, 3, 1, tzinfo=UTC)).model_dump_json().encode(),
        headers=((KIND_HEADER, KIND_TICK),),
        partition=2,
    )
    decoded = decode(TABLES["readings.parking"], [tick, FakeRecord(b"{"), FakeRecord(None), FakeRecord(LOT % (1, 1))])
    assert decoded.ticks == Counter({2: 1})
    assert len(decoded.rows) == 1
    assert ["JSON" in bad.why for bad in decoded.undecodable] == [True, True]


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


def test_records_below_the_next_offset_were_handled() -> None:
    records = [FakeRecord(b"", offset=n, partition=n % 2) for n in range(6)]
    fresh = not_yet_handled(records, {("readings.parking", 0): 3, ("readings.parking", 1): 5})
    assert [r.offset for r in fresh] == [4, 5]
    assert next_offsets(records) == {("readings.parking", 0): 5, ("readings.parking", 1): 6}


counts = st.dictionaries(st.integers(0, 3), st.integers(0, 50))


@given(stored=counts, duplicates=counts, dead=counts)
def test_the_books_balance_whatever_a_batch_came_to(
    stored: dict[int, int], duplicates: dict[int, int], dead: dict[int, int]
) -> None:
    ends = {("t", p): 100 for p in range(4)}
    offered = Counter(stored) + Counter(duplicates)
    found = tally(ends, offered=offered, stored=stored, dead_lettered=dead, ticks={})
    assert sum(p.readings for p in found) == sum(stored.values()) + sum(duplicates.values()) + sum(dead.values())
    for one in found:
        assert isinstance(one, Progress)
        assert one.readings == one.stored + one.duplicates + one.dead_lettered


@pytest.mark.parametrize(("records", "pause"), [(0, 0.0), (1, 0.0), (49, 0.0), (50, 0.08), (2_499, 0.08), (2_500, 0.0)])
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


def test_migrations_are_numbered_without_gap(tmp_path: Path) -> None:
    assert [m.number for m in read_migrations()] == list(range(1, len(read_migrations()) + 1))
    (tmp_path / "0002_late.sql").write_text("SELECT 1", encoding="utf-8")
    with pytest.raises(MigrationRefused, match="without gap"):
        read_migrations(tmp_path)
    (tmp_path / "first.sql").write_text("SELECT 1", encoding="utf-8")
    with pytest.raises(MigrationRefused, match=r"first\.sql"):
        read_migrations(tmp_path)
