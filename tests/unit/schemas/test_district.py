"""The one model of the district file, and the ids that are composed there."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.device_register import why_no_device
from schemas.district import asset_id, connector_id, district_of, office_id, point_id, unit_id
from schemas.plan.errors import PlanFileError

FILE = Path(__file__).resolve().parents[3] / "deploy/district/jianghan.toml"
TEXT = FILE.read_text(encoding="utf-8")


def test_the_file_of_the_district_is_read_whole() -> None:
    district = district_of(TEXT, file=FILE.name)
    assert len(district.street) == 13
    assert [lake.id for lake in district.lake] == ["houxiang", "lingjiao", "xihu", "beihu", "xiaonanhu", "jiqidangzi"]
    assert {len(lake.points) for lake in district.lake} == {3}


def test_ids_say_what_they_belong_to() -> None:
    assert connector_id("site-cbd-east", 3) == "ev-cbd-east-03"
    assert unit_id("post-union", 2) == "amb-union-2"
    assert office_id("building-cbd-01") == "tax-cbd-01"
    assert point_id("beihu", 1) == "water-beihu-1"
    assert asset_id("lot", "cbd", 7) == "lot-cbd-007"


def test_ids_of_the_file_are_the_composed_ones_and_each_may_be_registered_once() -> None:
    district = district_of(TEXT, file=FILE.name)
    devices = list(district.devices())
    assert len({each.device_id for each in devices}) == len(devices)
    assert [why_no_device(each) for each in devices] == [None] * len(devices)
    for lake in district.lake:
        assert [point.id for point in lake.points] == [point_id(lake.id, n) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("spaces = 180", "spaces = -180", r"there\.toml: lot\[0\]\.spaces: "),
        ('kind = "public"', 'kind = "pubic"', r"there\.toml: site\[0\]\.kind: "),
        ('adcode = "420103"', 'adcode = "420103"\ncolour = "red"', r"there\.toml: district\.colour: "),
        ("[district]", "[district", r"there\.toml: document: not TOML"),
    ],
)
def test_a_fault_is_named_by_file_and_key(old: str, new: str, said: str) -> None:
    with pytest.raises(PlanFileError, match=said):
        district_of(TEXT.replace(old, new, 1), file="there.toml")
