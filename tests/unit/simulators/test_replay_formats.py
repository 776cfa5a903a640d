"""Formats known by their headers, on rows written for these tests."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import Feed
from schemas.readings import MODELS
from simulators.errors import SourceRefused
from simulators.replay import cells
from simulators.replay.cnemc import date_in_name
from simulators.replay.files import Recording, read_recording
from simulators.replay.numbering import Outgoing, boot_id_of, outgoing

LANE = "replay:test"
WATER = "province,section,time_mmdd_hhmm,class_published,status,water_temp_c,ph,do_mgl,codmn_mgl,chla_mgl,algae_cells_l"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def sent(recording: Recording) -> list[Outgoing]:
    boot = boot_id_of(LANE, recording.content)
    return outgoing(recording.format.feed, recording.readings, LANE, boot)


def bodies(recording: Recording) -> list[dict[str, Any]]:
    return [json.loads(each.payload) for each in sent(recording)]


def water(folder: Path, *rows: str, name: str = "cnemc_2021-04-01.csv", header: str = WATER) -> Recording:
    return read_recording(write(folder, name, "\n".join((header, *rows)) + "\n"))


def test_a_water_row_becomes_a_reading(tmp_path: Path) -> None:
    recording = water(tmp_path, "湖北省,测试湖心,04-01 12:00,Ⅱ,正常,18.5,8.1,9.25,*,0.0123,1500000")
    (body,) = bodies(recording)
    reading = MODELS[Feed.WATER].model_validate_json(json.dumps(body))
    assert reading.observed_at == datetime(2021, 4, 1, 4, 0, tzinfo=UTC)
    assert body["chla_ug_l"] == 12.3
    assert "codmn_mg_l" not in body
    assert body["quality"] == "good"
    assert body["quality_codes"] == ["year_inferred", "value_placeholder"]
    assert body["station_name"] == "湖北省 测试湖心"
    assert body["device_id"] == body["group_id"]
    assert recording.readings[0].label == "Ⅱ"


def test_columns_may_stand_in_any_order_after_a_byte_order_mark(tmp_path: Path) -> None:
    text = (
        "﻿extra,status,section,class_published,do_mgl,ph,time_mmdd_hhmm,province\n1,维护,某处,*,7,8,01-02 00:00,甲省\n"
    )
    recording = read_recording(write(tmp_path, "x_2020-12-30.csv", text))
    (body,) = bodies(recording)
    assert body["observed_at"] == "2021-01-01T16:00:00Z"
    assert body["quality"] == "maintenance"
    assert recording.readings[0].label is None


# The snapshot decides the year: 31 December seen on 2 January is last year's, 9 September seen in May too.
def test_the_year_rolls_over(tmp_path: Path) -> None:
    header = "snapshot_date," + WATER
    recording = water(
        tmp_path,
        "2020-01-02,甲省,某处,12-31 20:00,Ⅱ,正常,1,8,9,2,,",
        "2020-05-08,甲省,某处,09-09 09:00,,停站,1,8,9,2,,",
        "2020-05-08,甲省,某处,05-08 15:00,Ⅱ,正常,1,8,9,2,,",
        "2020-05-08,甲省,某处,05-09 00:00,Ⅱ,正常,1,8,9,2,,",
        header=header,
        name="snapshot.csv",
    )
    years = {reading.row: reading.at for reading in recording.readings}
    assert [at.isoformat()[:10] if at else None for at in years.values()] == [
        "2019-12-31",
        "2019-09-09",
        "2020-05-08",
        "2020-05-08",
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cnemc_4hourly_2021-04-01_05_displayed.csv", date(2021, 4, 1)),
        ("water_202012_part2.csv", date(2020, 12, 15)),
        ("2026.csv", date(2026, 7, 1)),
        ("cnemc_4hourly.csv", None),
        ("run_20219999.csv", None),
    ],
)
def test_the_date_in_a_name(name: str, expected: date | None) -> None:
    assert date_in_name(name) == expected


def test_rows_without_a_year_anywhere_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="rename the file"):
        water(tmp_path, "甲省,某处,04-01 12:00,Ⅱ,正常,1,8,9,2,,", name="water.csv")


def test_a_row_without_a_time_is_sent_as_it_is_beside_its_neighbours(tmp_path: Path) -> None:
    recording = water(
        tmp_path,
        "甲省,某处,04-01 12:00,Ⅱ,正常,1,8,9,2,,",
        "甲省,某处,*,*,不具备运行条件,--,--,--,--,*,*",
        "甲省,某处,04-01 16:00,Ⅱ,新词,1,8,9,2,,",
    )
    first, second, third = bodies(recording)
    assert second["observed_at"] == "*"
    assert [first["seq"], second["seq"], third["seq"]] == [0, 1, 2]
    assert [first["quality"], second["quality"], third["quality"]] == ["good", "stopped", "uncertain"]


def test_a_repeated_row_is_the_same_reading_and_another_value_is_another(tmp_path: Path) -> None:
    row = "甲省,某处,04-01 12:00,Ⅱ,正常,1,8,9,2,,"
    recording = water(tmp_path, row, row, row.replace(",9,", ",9.5,"))
    assert [body["seq"] for body in bodies(recording)] == [0, 0, 1]


def test_the_register_beside_the_file_says_which_are_lakes_and_no_answer_is_no_answer(tmp_path: Path) -> None:
    write(tmp_path, "kinds.csv", "province,section,kind_inferred\n甲省,湖,lake\n甲省,湖,?\n甲省,河,river\n甲省,谜,?\n")
    rows = [f"甲省,{name},04-01 12:00,Ⅱ,正常,1,8,9,2,," for name in ("湖", "河", "谜", "新")]
    recording = water(tmp_path, *rows)
    assert recording.register == tmp_path / "kinds.csv"
    assert [body["water_body"] for body in bodies(recording)] == ["lake", "river", "river", "river"]


def test_a_wrong_register_is_refused(tmp_path: Path) -> None:
    path = water(tmp_path, "甲省,某处,04-01 12:00,Ⅱ,正常,1,8,9,2,,").path
    with pytest.raises(SourceRefused, match="needs the columns"):
        read_recording(path, write(tmp_path, "other.csv", "a,b\n1,2\n"))


def test_an_unknown_header_lists_the_formats(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=r"(?s)columns: a, b.*water:.*emergency:.*parking:.*ev:"):
        read_recording(write(tmp_path, "x.csv", "a,b\n1,2\n"))


@pytest.mark.parametrize(("content", "words"), [(b"", "empty"), (b"\xff\xfe\x00", "UTF-8")])
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(SourceRefused, match=words):
        read_recording(path)
    with pytest.raises(SourceRefused, match="no file"):
        read_recording(tmp_path / "absent.csv")


SFFD = (
    "Call Number,Unit ID,Call Type,Received DtTm,Entry DtTm,Dispatch DtTm,Response DtTm,On Scene DtTm,Transport DtTm,"
    "Hospital DtTm,Available DtTm,Unit Type\n"
)


def test_a_unit_response_becomes_its_known_steps_in_order(tmp_path: Path) -> None:
    text = SFFD + (
        "1001,M 01,Medical Incident,04/07/2020 11:58:08 PM,04/07/2020 11:59:30 PM,04/08/2020 12:00:00 AM,,"
        "04/08/2020 12:08:08 AM,,,04/08/2020 12:20:00 AM,MEDIC\n"
    )
    found = bodies(read_recording(write(tmp_path, "s.csv", text)))
    assert [body["step"] for body in found] == ["call_received", "call_entered", "dispatched", "on_scene", "available"]
    assert found[0]["observed_at"] == "2020-04-08T06:58:08Z"
    assert "dispatched_at" not in found[1]
    assert found[3]["call_received_at"] == "2020-04-08T06:58:08Z"
    assert found[3]["on_scene_at"] == found[3]["observed_at"] == "2020-04-08T07:08:08Z"
    assert found[0]["device_id"] == found[0]["unit_id"] != "M 01"
    for body in found:
        assert MODELS[Feed.EMERGENCY].model_validate_json(json.dumps(body)).doubts() == ()


def test_impossible_orders_are_kept_and_named_by_the_schema(tmp_path: Path) -> None:
    text = SFFD + (
        "1001,M01,Fire,04/07/2020 01:00:00 PM,04/07/2020 01:01:00 PM,04/07/2020 01:00:30 PM,,,,,"
        "04/07/2020 01:10:00 PM,X\n"
    )
    found = bodies(read_recording(write(tmp_path, "s.csv", text)))
    doubts = [MODELS[Feed.EMERGENCY].model_validate_json(json.dumps(body)).doubts() for body in found]
    assert [bool(doubt) for doubt in doubts] == [False, False, True, True]


def test_times_that_cannot_be_read_are_sent_as_they_are(tmp_path: Path) -> None:
    text = SFFD + "1001,M01,Fire,soon,,,,,,,,X\n1002,M01,Fire,,,,,,,,,X\n"
    found = bodies(read_recording(write(tmp_path, "s.csv", text)))
    assert [body["observed_at"] for body in found] == ["soon", ""]


def test_car_parks_keep_their_impossible_counts(tmp_path: Path) -> None:
    long_id = "a-city-" + "x" * 80
    text = (
        "free,capacity,city,place_id,timestamp\n"
        "-3,100,Düsseldorf,lot-1,2020-10-29T01:00:00+01:00\n"
        f"120,100.0,Münster,{long_id},2020-10-29T00:00:02+00:00\n"
        "many,,Ulm,lot-2,2020-10-29T00:00:03+00:00\n"
    )
    found = bodies(read_recording(write(tmp_path, "p.csv", text)))
    assert [body["free_spaces"] for body in found] == [-3, 120, "many"]
    assert [body["total_spaces"] for body in found] == [100, 100, None]
    assert found[0]["observed_at"] == "2020-10-29T00:00:00Z"
    assert [body["group_id"] for body in found] == ["duesseldorf", "muenster", "ulm"]
    assert len(found[1]["device_id"]) == 64
    valid = [MODELS[Feed.PARKING].model_validate_json(json.dumps(body)).doubts() for body in found[:2]]
    assert valid == [("free_negative",), ("free_above_capacity",)]


CHARGING = "sessionId,kwhTotal,created,ended,chargeTimeHrs,stationId,locationId\n"


def test_a_session_is_its_begin_and_its_end_with_the_year_put_back(tmp_path: Path) -> None:
    text = CHARGING + "77,7.78,0014-11-18 15:40:26,0014-11-18 17:11:04,1.51,582,461\n"
    begin, end = bodies(read_recording(write(tmp_path, "e.csv", text)))
    assert (begin["context"], end["context"]) == ("transaction_begin", "transaction_end")
    assert begin["observed_at"] == "2014-11-18T15:40:26Z"
    assert (begin["session_energy_kwh"], end["session_energy_kwh"]) == (0.0, 7.78)
    assert begin["quality"] == "uncertain"
    assert begin["quality_codes"] == ["year_restored", "zone_assumed"]
    for body in (begin, end):
        MODELS[Feed.EV].model_validate_json(json.dumps(body))


def test_a_cut_with_whole_years_says_only_that_the_zone_is_assumed(tmp_path: Path) -> None:
    text = CHARGING + "77,oops,2015-11-18 15:40:26,2015-11-18 17:11:04,1.51,582,461\n"
    begin, end = bodies(read_recording(write(tmp_path, "e.csv", text)))
    assert begin["quality_codes"] == ["zone_assumed"]
    assert end["session_energy_kwh"] == "oops"


def test_readings_leave_in_event_order_and_are_numbered_per_device(tmp_path: Path) -> None:
    text = "timestamp,place_id,city,capacity,free\n" + "".join(
        f"2020-10-29T0{hour}:00:00+00:00,{lot},Ulm,10,{hour}\n" for hour in (3, 1, 2) for lot in ("b", "a")
    )
    found = sent(read_recording(write(tmp_path, "p.csv", text)))
    assert [each.at for each in found] == sorted(each.at for each in found)
    assert [each.key for each in found] == [("b", 0), ("a", 0), ("b", 1), ("a", 1), ("b", 2), ("a", 2)]


def test_the_boot_follows_from_lane_and_content() -> None:
    assert boot_id_of("replay:a", b"x") == boot_id_of("replay:a", b"x")
    assert len({boot_id_of("replay:a", b"x"), boot_id_of("replay:b", b"x"), boot_id_of("replay:a", b"y")}) == 3


@given(name=st.text(min_size=1, max_size=120))
def test_a_slug_is_an_identifier_and_always_the_same(name: str) -> None:
    slug = cells.slug(name)
    assert slug == cells.slug(name)
    assert 1 <= len(slug) <= 64
    assert cells._IDENTIFIER.fullmatch(slug)


@given(text=st.text(max_size=30))
def test_a_cell_is_a_number_a_text_or_nothing(text: str) -> None:
    value = cells.number(text)
    assert value is None or isinstance(value, float | str)
    assert json.loads(json.dumps({"v": value}, allow_nan=False))["v"] == value
