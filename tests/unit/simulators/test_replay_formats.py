"""Formats known by their headers, on rows written for these tests."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import Feed, Quality
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
    boot = boot_id_of(recording.format.feed, recording.readings, LANE)
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


NATIONAL_2023 = (
    "全国地表水水质自动监测实时数据\n"
    "省份;流域;断面名称;监测时间;水质类别;水温(℃);pH(无量纲);溶解氧(mg/L);高锰酸盐指数(mg/L);氨氮(mg/L);总磷(mg/L);站点情况\n"
    "湖北省;长江流域;测试断面;2023-05-08 08:00;Ⅱ类;18.2;7.8;8.9;2.1;0.05;0.03;正常\n"
)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_national_columns_of_2023_are_read_whatever_separates_them(tmp_path: Path, separator: str) -> None:
    recording = read_recording(write(tmp_path, "x.csv", NATIONAL_2023.replace(";", separator)))
    (body,) = bodies(recording)
    assert body["observed_at"] == "2023-05-08T00:00:00Z"
    assert (body["ph"], body["do_mg_l"], body["nh3n_mg_l"], body["tp_mg_l"]) == (7.8, 8.9, 0.05, 0.03)
    assert (recording.rows, recording.readings[0].row, recording.readings[0].label) == (1, 1, "Ⅱ")
    assert "year_inferred" not in body["quality_codes"]


def test_upper_and_lower_case_of_a_header_do_not_matter(tmp_path: Path) -> None:
    text = "Timestamp,PLACE_ID,City,Capacity,Free\n2020-10-29T00:00:00+00:00,lot,Ulm,10,3\n"
    (body,) = bodies(read_recording(write(tmp_path, "p.csv", text)))
    assert (body["device_id"], body["free_spaces"]) == ("lot", 3)


@pytest.mark.parametrize(
    ("cell", "value"), [("<0.025", 0.0125), ("＜ 0.03", 0.015), ("0.025L", 0.0125), ("未检出", 0.0125), ("ND", 0.0125)]
)
def test_an_item_below_its_limit_of_detection_is_sent_as_half_of_it(tmp_path: Path, cell: str, value: float) -> None:
    header = WATER + ",nh3n_mgl"
    (body,) = bodies(water(tmp_path, f"甲省,某处,04-01 12:00,Ⅱ,正常,1,8,9,2,,,{cell}", header=header))
    assert body["nh3n_mg_l"] == value
    assert "below_detection" in body["quality_codes"]
    assert MODELS[Feed.WATER].model_validate_json(json.dumps(body)).quality is Quality.GOOD


def test_what_is_not_detected_without_a_known_limit_is_sent_as_it_is(tmp_path: Path) -> None:
    (body,) = bodies(water(tmp_path, "甲省,某处,04-01 12:00,Ⅱ,正常,1,ND,9,2,,"))
    assert body["ph"] == "ND"
    assert "below_detection" not in body["quality_codes"]


def test_a_cut_last_line_costs_itself_alone(tmp_path: Path) -> None:
    header = WATER + ",snapshot_date"
    whole = "甲省,某处,04-01 12:00,Ⅱ,正常,1,8,9,2,,,2024-04-01"
    first, cut = bodies(water(tmp_path, whole, "甲省,某处,04-01 16:00,Ⅱ,正", header=header, name="water.csv"))
    assert first["observed_at"] == "2024-04-01T04:00:00Z"
    assert cut["observed_at"] == "04-01 16:00"


def test_folders_and_dangling_links_beside_the_file_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "archive.csv").mkdir()
    (tmp_path / "broken.csv").symlink_to(tmp_path / "gone.csv")
    (tmp_path / "image.csv").write_bytes(b"\xff\x00" * 9_000)
    assert water(tmp_path, "甲省,某处,04-01 12:00,Ⅱ,正常,1,8,9,2,,").register is None


def test_times_at_the_ends_of_the_calendar_are_refused_later_and_stop_nothing(tmp_path: Path) -> None:
    text = SFFD + "1001,M01,Fire,12/31/9999 11:00:00 PM,,,,,,,,X\n1002,M01,Fire,04/07/2020 01:00:00 PM,,,,,,,,X\n"
    found = bodies(read_recording(write(tmp_path, "s.csv", text)))
    assert sorted(body["observed_at"] for body in found) == ["12/31/9999 11:00:00 PM", "2020-04-07T20:00:00Z"]


def test_no_date_is_not_the_year_2001(tmp_path: Path) -> None:
    text = CHARGING + "77,7.78,0001-01-01 00:00:00,0014-11-18 17:11:04+08:00,1.51,582,461\n"
    begin, end = bodies(read_recording(write(tmp_path, "e.csv", text)))
    assert begin["observed_at"] == "0001-01-01T00:00:00Z"
    assert begin["quality_codes"] == ["zone_assumed"]
    assert (end["observed_at"], end["quality_codes"]) == ("2014-11-18T09:11:04Z", ["year_restored"])


def test_a_car_parks_time_without_an_offset_says_so(tmp_path: Path) -> None:
    rows = "2020-10-29 08:00:00,lot,Ulm,10,3\n2020-10-29T08:05:00+00:00,lot,Ulm,10,3\n"
    found = bodies(read_recording(write(tmp_path, "p.csv", "timestamp,place_id,city,capacity,free\n" + rows)))
    assert [body.get("quality_codes") for body in found] == [["zone_assumed"], None]


def test_names_that_differ_only_in_what_ids_drop_are_two() -> None:
    names = ["P 1", "P-1", "P_1", "P/1", " P-1", "P 1 "]
    assert len({cells.slug(name) for name in names}) == len(names)
    assert cells.slug("Düsseldorf") == "Duesseldorf"


@pytest.mark.parametrize(("content", "words"), [(b"", "empty"), (b"\n\n", "empty"), (b"\xff\xfe\x00", "UTF-8")])
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


LOTS = "timestamp,place_id,city,capacity,free\n"


def lots(folder: Path, *rows: tuple[int, str, int]) -> Recording:
    """A file of car parks: hour, lot, free."""
    lines = "".join(f"2020-10-29T{hour:02}:00:00+00:00,{lot},Ulm,10,{free}\n" for hour, lot, free in rows)
    return read_recording(write(folder, "grown.csv", LOTS + lines))


def test_a_file_that_has_grown_is_the_same_readings_and_those_that_are_new(tmp_path: Path) -> None:
    known = sent(lots(tmp_path, (1, "b", 5), (1, "a", 4), (2, "b", 3)))
    grown = sent(lots(tmp_path, (2, "a", 9), (1, "b", 5), (1, "a", 4), (2, "b", 3), (3, "b", 2)))
    assert {each.payload for each in known} < {each.payload for each in grown}
    assert sorted(each.key for each in grown) == [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("b", 2)]


def test_another_lane_or_another_beginning_is_another_boot(tmp_path: Path) -> None:
    one, other = lots(tmp_path, (1, "b", 5), (2, "b", 3)), lots(tmp_path, (1, "b", 6), (2, "b", 3))
    boots = [
        boot_id_of(Feed.PARKING, one.readings, "replay:a"),
        boot_id_of(Feed.PARKING, one.readings, "replay:b"),
        boot_id_of(Feed.PARKING, other.readings, "replay:a"),
        boot_id_of(Feed.PARKING, [], "replay:a"),
    ]
    assert len(set(boots)) == len(boots)


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
