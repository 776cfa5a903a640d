"""The one model of the district file, and the ids that are composed there."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.device_register import why_no_device
from schemas.district import asset_id, connector_id, district_of, office_id, point_id, unit_id
from schemas.plan.errors import PlanFileError
from services.timescale_sink.assets import assets_of
from simulators.world.district import simulated_district_of

FILE = Path(__file__).resolve().parents[3] / "deploy/district/jianghan.toml"
TEXT = FILE.read_text(encoding="utf-8")
FOR_SIMULATORS = {"level", "kind", "commissioned", "drift", "calls_per_day", "hospital", "annual_tax_cny"}


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


def test_every_asset_is_in_the_zone_of_its_place() -> None:
    zones = dict(district_of(TEXT, file=FILE.name).zones())
    assets = assets_of(TEXT, file=FILE.name)
    expected = {each.asset_id: each.zone for each in assets if each.zone}
    assert zones == expected | {each.asset_id: each.asset_id for each in assets if each.kind == "zone"}
    assert zones["ev-cbd-east-03"] == zones["site-cbd-east"] == zones["cbd"] == "cbd"
    placed = TEXT.replace('id = "beihu"', 'id = "beihu"\nzone = "finance"', 1)
    zones = dict(district_of(placed, file=FILE.name).zones())
    assert zones["beihu"] == zones["water-beihu-2"] == "finance"


def test_what_only_simulators_need_may_be_missing_and_they_say_so() -> None:
    lines = [line for line in TEXT.splitlines() if line.split(" ")[0] not in FOR_SIMULATORS]
    bare = "\n".join(lines)
    district = district_of(bare, file="own.toml")
    assert list(district.devices()) == list(district_of(TEXT, file=FILE.name).devices())
    assert assets_of(bare, file="own.toml") == assets_of(TEXT, file=FILE.name)
    with pytest.raises(PlanFileError) as refused:
        simulated_district_of(bare, file="own.toml")
    missing = {key.rpartition(".")[2] for key, reason in refused.value.problems if reason == "is missing"}
    assert missing == FOR_SIMULATORS - {"drift", "hospital"}


def test_keys_of_the_districts_own_stand_in_a_table_of_their_own() -> None:
    own = TEXT.replace("spaces = 180", 'spaces = 180\nown = { cadastre = "A-17", shape = [[1, 2]] }', 1)
    district = district_of(f"{own}\n[own]\nkeeper = 'land office'\n", file="d.toml")
    assert district.lot[0].own == {"cadastre": "A-17", "shape": [[1, 2]]}
    assert district.own == {"keeper": "land office"}


def test_a_place_without_an_english_name_has_its_chinese_one() -> None:
    unnamed = TEXT.replace('name = "Jianghan District"\n', "", 1)
    assert district_of(unnamed, file="d.toml").district.name_en == "江汉区"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("spaces = 180", 'spaces = 180\ncadastre = "A-17"', r"there\.toml: lot\[0\]\.cadastre: is not a known key"),
        ("spaces = 180\n", "", r"there\.toml: lot\[0\]\.spaces: is missing"),
        ("[[lot]]", "[[lott]]", r"there\.toml: lott: is not a known key"),
        ('zone = "cbd"', 'zone = "cdb"', r"there\.toml: site\[0\]\.zone: 'cdb' is no \[\[zone\]\] .*chuanggu"),
        ('id = "site-cbd-west"', 'id = "site-cbd-east"', r"site\[1\]\.id: site site-cbd-east stands there twice"),
        ('id = "lot-cbd-02"', 'id = "ev-cbd-east-03"', r"lot\[1\]\.id: device ev-cbd-east-03 stands there twice"),
        ("connectors = 16", "connectors = 1600000000", r"site\[0\]\.connectors: .* must be at most 1000"),
        ("spaces = 180", "spaces = -180", r"there\.toml: lot\[0\]\.spaces: "),
        ('kind = "public"', 'kind = "pubic"', r"there\.toml: site\[0\]\.kind: "),
        ('adcode = "420103"', 'adcode = "420103"\ncolour = "red"', r"there\.toml: district\.colour: "),
        ("[district]", "[district", r"there\.toml: document: not TOML"),
    ],
)
def test_a_fault_is_named_by_file_and_key(old: str, new: str, said: str) -> None:
    with pytest.raises(PlanFileError, match=said):
        district_of(TEXT.replace(old, new, 1), file="there.toml")
