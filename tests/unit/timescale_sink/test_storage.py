"""Ages whose order would lose late data are refused; the register and the intake are reckoned from plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.fields import Feed
from schemas.plan.publication import publication_of
from schemas.topics import readings_topic
from services.dashboards.plan_files import read_documents
from services.timescale_sink.assets import assets_of, cells_of
from services.timescale_sink.editions import Edition
from services.timescale_sink.errors import MigrationRefused, RegisterRefused, StorageRefused
from services.timescale_sink.history import neighbours, wider
from services.timescale_sink.intake import Intake, intake_of, intake_row
from services.timescale_sink.migrations import FOLDER, read_migrations
from services.timescale_sink.outcome import Outcome
from services.timescale_sink.plan_records import decode_publications
from services.timescale_sink.progress import Progress
from services.timescale_sink.register import district_assets, plan_rows
from services.timescale_sink.rows import decode
from services.timescale_sink.settings import MigrationSettings
from services.timescale_sink.storage import load_storage
from services.timescale_sink.tables import TABLES
from services.timescale_sink.writer import intake_rows

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
STORAGE = (DEPLOY / "timescaledb" / "storage.toml").read_text(encoding="utf-8")
DISTRICT = (DEPLOY / "district" / "jianghan.toml").read_text(encoding="utf-8")


def stored(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "storage.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_settings_load() -> None:
    storage = load_storage(MigrationSettings.model_fields["storage_file"].default)
    assert storage.keep_months.raw == 13
    assert storage.keep_months.days == 120


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("back_days = 360", "back_days = 364", r"reaches behind the readings that are kept \(keep_months.raw = 13"),
        ("after_days = 14", "after_days = 364", "nothing would ever be compressed"),
        ("minutes = 120", "minutes = 12", "must not shrink"),
        ("raw = 13 ", "raw = 0 ", "keep_months.raw: "),
        ("raw = 13 ", "rows = 13 ", "keep_months.raw: Field required"),
        ("[refresh]", "[refresh", "storage.toml"),
    ],
)
def test_ages_that_would_lose_data_are_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    assert old in STORAGE
    with pytest.raises(StorageRefused, match=why):
        load_storage(stored(tmp_path, STORAGE.replace(old, new)))


def test_the_longest_refresh_that_is_safe_is_taken(tmp_path: Path) -> None:
    assert (
        load_storage(stored(tmp_path, STORAGE.replace("back_days = 360", "back_days = 363"))).refresh.back_days == 363
    )


def test_a_migration_of_one_edition_needs_its_twin(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("SELECT 1", encoding="utf-8")
    (tmp_path / "0002_b.apache.sql").write_text("SELECT 2", encoding="utf-8")
    with pytest.raises(MigrationRefused, match="twin"):
        read_migrations(Edition.APACHE, tmp_path)
    (tmp_path / "0002_b.community.sql").write_text("SELECT 3", encoding="utf-8")
    assert [m.sql for m in read_migrations(Edition.COMMUNITY, tmp_path)] == ["SELECT 1", "SELECT 3"]


def test_no_migration_buckets_by_the_name_of_a_zone() -> None:
    for file in FOLDER.glob("*.sql"):
        text = file.read_text(encoding="utf-8")
        assert "Asia/" not in text
        assert "time_bucket('1 day', observed_at)" not in text


def test_every_device_of_the_district_is_registered() -> None:
    assets = assets_of(DISTRICT, file="jianghan.toml")
    kinds = {asset.kind for asset in assets}
    assert {"lake", "station", "site", "connector", "lot", "unit", "building", "office", "zone", "street"} <= kinds
    by_id = {(asset.kind, asset.asset_id): asset for asset in assets}
    for asset in assets:
        assert 114.1 < asset.longitude < 114.4, asset
        assert 30.5 < asset.latitude < 30.7, asset
        if asset.parent_id is not None:
            assert (asset.parent_kind, asset.parent_id) in by_id
    site = by_id["site", "site-cbd-east"]
    assert (site.limit_value, site.limit_unit, site.capacity) == (1000, "kW", 16)


def test_a_damaged_register_is_named_with_the_place() -> None:
    with pytest.raises(
        RegisterRefused, match=r"d\.toml: lake\[0\]\.longitude: 190\.0 cannot be: it must be at most 180"
    ):
        assets_of(DISTRICT.replace("longitude = 114.2560", "longitude = 190.0", 1), file="d.toml")
    with pytest.raises(RegisterRefused, match=r"cells\.csv: cell 2: population"):
        cells_of("# c\nid,longitude,latitude,population\na,114.2,30.6,5\nb,114.2,30.6,0\n", file="cells.csv")


def test_a_register_that_cannot_be_read_is_named_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "district.toml"
    with pytest.raises(RegisterRefused, match=r"district\.toml: No such file"):
        district_assets(file)
    file.write_bytes("江汉区".encode("gbk"))
    with pytest.raises(RegisterRefused, match=r"district\.toml: is not UTF-8 .* save it as UTF-8"):
        district_assets(file)


def test_plan_files_become_rows_and_an_empty_folder_is_refused(tmp_path: Path) -> None:
    rows = plan_rows(DEPLOY / "plan")
    assert {row[0] for row in rows} == {"plan", "standard", "policy"}
    assert not [row for row in rows if "local" in row[1]]
    with pytest.raises(RegisterRefused, match="no plan files"):
        plan_rows(tmp_path)
    (tmp_path / "x.toml").write_text("[plan]\n", encoding="utf-8")
    with pytest.raises(RegisterRefused, match=r"x\.toml"):
        plan_rows(tmp_path)


@dataclass
class FakeRecord:
    value: bytes
    topic: str = "plan"
    partition: int = 0
    offset: int = 0
    timestamp: int = 1_772_352_000_000
    headers: tuple[tuple[str, bytes], ...] = ()


def test_a_publication_becomes_a_row_and_anything_else_a_refusal() -> None:
    document = read_documents(DEPLOY / "plan")[0]
    at = datetime(2026, 3, 1, tzinfo=UTC)
    good = publication_of(document, text="x", published_at=at, published_by="office").model_dump_json().encode()
    found, bad = decode_publications([FakeRecord(good), FakeRecord(b"{}")])
    assert [(row[0], row[5], row[6], row[7]) for row, _ in found] == [("plan", "published", at, "office")]
    assert [refusal.record.value for refusal in bad] == [b"{}"]


def test_only_live_readings_count_for_the_delay() -> None:
    table = TABLES[readings_topic(Feed.PARKING)]

    def record(lane: str, seconds: float, offset: int) -> Any:
        at = datetime.fromtimestamp(1_772_352_000, UTC) - timedelta(seconds=seconds)
        value = (
            f'{{"feed":"parking","device_id":"l","group_id":"cbd","boot_id":"b","seq":{offset},"lane":"{lane}",'
            f'"observed_at":"{at.isoformat().replace("+00:00", "Z")}","total_spaces":9,"free_spaces":3}}'
        )
        return FakeRecord(value.encode(), "readings.parking", 0, offset)

    rows = decode(table, [record("live", 4, 0), record("live", -2, 1), record("replay:x", 9_000, 2)]).rows
    intake = intake_of(table, rows, datetime.fromtimestamp(1_772_352_003, UTC))
    assert (intake.live, intake.arrival_s_sum, intake.arrival_s_max) == (2, 4.0, 4.0)
    assert (intake.storing_s_sum, intake.storing_s_max) == (6.0, 3.0)
    row = intake_row(Feed.PARKING, intake, [Progress("readings.parking", 0, 3, 3, 2, 1, 0)])
    assert row == ("parking", 3, 2, 1, 0, 2, 4.0, 4.0, 6.0, 3.0)


def test_the_two_topics_of_a_feed_fill_one_table_and_never_one_incoming_table() -> None:
    for feed in Feed:
        live, aside = TABLES[readings_topic(feed)], TABLES[readings_topic(feed, live=False)]
        assert (live.name, live.columns, live.feed) == (aside.name, aside.columns, aside.feed)
    assert len({table.incoming for table in TABLES.values()}) == len(TABLES) == 2 * len(Feed)


def test_one_round_from_both_topics_of_a_feed_is_one_row_of_its_minute() -> None:
    live, aside = readings_topic(Feed.PARKING), readings_topic(Feed.PARKING, live=False)
    intake = Intake(2, 4.0, 3.0, 6.0, 5.0)
    outcomes = {
        live: Outcome(intake=intake, advanced=[Progress(live, 0, 3, 3, 2, 1, 0)]),
        aside: Outcome(advanced=[Progress(aside, 0, 9, 5, 4, 0, 1), Progress(aside, 1, 9, 1, 1, 0, 0)]),
        "alerts": Outcome(advanced=[Progress("alerts", 0, 3, 3, 3)]),
    }
    assert intake_rows(outcomes) == [("parking", 9, 7, 1, 1, 2, 4.0, 3.0, 6.0, 5.0)]
    assert intake + Intake(1, 1.0, 9.0, 1.0, 1.0) == Intake(3, 5.0, 9.0, 7.0, 5.0)


def test_imported_days_are_folded_in_by_spans_that_leave_out_what_must_stay() -> None:
    day = [datetime(2024, 1, 1, 16, tzinfo=UTC) + timedelta(days=n) for n in range(8)]
    spans = neighbours([day[0], day[1], day[4]])
    assert spans == [(day[0], day[2]), (day[4], day[5])]
    assert wider(spans, []) == [(day[0] - timedelta(days=1), day[3]), (day[3], day[6])]
    assert wider(spans, [day[3], day[2]]) == [(day[0] - timedelta(days=1), day[2]), (day[4], day[6])]
