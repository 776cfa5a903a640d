"""Zones from the district file agree with the register of assets that the database gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.alert_life.zones import DistrictFileUnusable, zones_of
from services.timescale_sink.assets import assets_of

TEXT = (Path(__file__).resolve().parents[3] / "deploy/district/jianghan.toml").read_text(encoding="utf-8")


def test_every_asset_with_a_zone_is_in_it() -> None:
    found = zones_of(TEXT, file="jianghan.toml")
    expected = {each.asset_id: each.zone for each in assets_of(TEXT, file="jianghan.toml") if each.zone}
    assert {asset: found.get(asset) for asset in expected} == expected
    assert {asset: zone for asset, zone in found.items() if asset != zone} == expected
    assert found["cbd"] == "cbd"


@pytest.mark.parametrize(
    "text", ["zone = ", "", "zone = 5", "[[zone]]\nname = 'x'", "[[zone]]\nid='a'\n[[lot]]\nzone='a'"]
)
def test_a_file_of_another_form_is_named(text: str) -> None:
    with pytest.raises(DistrictFileUnusable, match=r"d\.toml"):
        zones_of(text, file="d.toml")
