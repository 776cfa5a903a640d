"""A replay also takes readings as devices send them, one a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import Feed
from schemas.readings import MODELS
from simulators.errors import SourceRefused
from simulators.replay.files import read_recording
from simulators.replay.numbering import outgoing
from simulators.replay.own_readings import readings_of

WATER: dict[str, Any] = {
    "feed": "water",
    "device_id": "water-beihu-1",
    "group_id": "beihu",
    "boot_id": "boot-a",
    "seq": 17,
    "observed_at": "2026-07-08T01:02:03Z",
    "lane": "exercise:x",
    "water_body": "lake",
    "ph": 7.5,
    "quality": "maintenance",
    "quality_codes": ["below_detection"],
}


def written(folder: Path, *lines: bytes) -> Path:
    path = folder / "water.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def bodies(path: Path) -> list[dict[str, Any]]:
    found = outgoing(Feed.WATER, read_recording(path).readings, "replay:t", "boot-r")
    return [orjson.loads(each.payload) for each in found]


def test_a_reading_keeps_its_values_and_gets_boot_number_and_lane_of_the_replay(tmp_path: Path) -> None:
    (body,) = bodies(written(tmp_path, orjson.dumps(WATER)))
    assert body == {**WATER, "boot_id": "boot-r", "seq": 0, "lane": "replay:t"}
    assert MODELS[Feed.WATER].model_validate_json(orjson.dumps(body)).quality == "maintenance"


def test_the_same_reading_again_gets_its_number_again(tmp_path: Path) -> None:
    later = {**WATER, "seq": 18, "observed_at": "2026-07-08T01:17:03Z"}
    found = bodies(written(tmp_path, *map(orjson.dumps, (WATER, WATER, later))))
    assert [each["seq"] for each in found] == [0, 0, 1]


def test_lines_that_are_no_readings_are_sent_each_as_what_it_is(tmp_path: Path) -> None:
    path = written(tmp_path, orjson.dumps(WATER), b"null", b"null", b'{"feed":"tides","device_id":7}', b"\xff[")
    found = bodies(path)
    assert [each["device_id"] for each in found].count("unreadable") == 4
    assert sorted(each["seq"] for each in found if each["device_id"] == "unreadable") == [0, 1, 2, 3]
    for each in found[1:]:
        with pytest.raises(ValueError, match=r"."):
            MODELS[Feed.WATER].model_validate_json(orjson.dumps(each))


def test_a_quality_that_is_none_stays_as_it_stands(tmp_path: Path) -> None:
    (body,) = bodies(written(tmp_path, orjson.dumps({**WATER, "quality": "so-so", "quality_codes": "bad"})))
    assert (body["quality"], body["quality_codes"]) == ("so-so", "bad")


def test_several_feeds_none_at_all_and_a_register_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=r"several feeds \(1 tax, 1 water\)"):
        read_recording(written(tmp_path, orjson.dumps(WATER), orjson.dumps({**WATER, "feed": "tax"})))
    with pytest.raises(SourceRefused, match="holds no reading"):
        read_recording(written(tmp_path, b"[]"))
    path = written(tmp_path, orjson.dumps(WATER))
    with pytest.raises(SourceRefused, match="needs no register"):
        read_recording(path, path)


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_arbitrary_lines_are_read_or_refused(lines: list[bytes]) -> None:
    data = b"\n".join([orjson.dumps(WATER), *lines])
    found, readings = readings_of(data, "x.jsonl")
    assert found.feed is Feed.WATER
    outgoing(Feed.WATER, readings, "replay:t", "boot-r")
