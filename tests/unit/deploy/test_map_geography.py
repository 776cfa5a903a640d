"""The district as the one map draws it: everything that is watched lies where it is drawn."""

from __future__ import annotations

import json
from collections import Counter
from math import cos, radians
from typing import Any

import pytest

from deploy.web import geography
from deploy.web.__main__ import GEOGRAPHY, geography_text
from simulators.world.district import load_district

KM_PER_DEGREE = 111.195


@pytest.fixture(scope="module")
def features() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(GEOGRAPHY.read_text(encoding="utf-8"))["features"]
    return found


def ring(feature: dict[str, Any]) -> list[geography.Place]:
    return [(x, y) for x, y in feature["geometry"]["coordinates"][0][:-1]]


def named(features: list[dict[str, Any]], layer: str) -> dict[str, dict[str, Any]]:
    return {each["properties"]["id"]: each for each in features if each["properties"]["layer"] == layer}


def area_km2(places: list[geography.Place]) -> float:
    pairs = zip(places, [*places[1:], places[0]], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2 * KM_PER_DEGREE**2 * cos(radians(30.6))


def test_file_is_what_its_sources_make() -> None:
    assert geography_text() == GEOGRAPHY.read_text(encoding="utf-8")


def test_everything_says_that_it_is_approximate(features: list[dict[str, Any]]) -> None:
    assert all(each["properties"]["approximate"] for each in features)
    counted = Counter(each["properties"]["layer"] for each in features)
    assert counted | {"road": 0} == {"outline": 1, "street": 13, "zone": 6, "lake": 6, "road": 0}


def test_outline_encloses_every_asset_and_has_about_the_districts_area(features: list[dict[str, Any]]) -> None:
    (outline,) = (ring(each) for each in named(features, "outline").values())
    district = load_district()
    groups = (
        district.street,
        district.zone,
        district.lake,
        district.site,
        district.lot,
        district.post,
        district.building,
    )
    outside = [
        each for group in groups for each in group if not geography.contains(outline, (each.longitude, each.latitude))
    ]
    assert outside == []
    assert area_km2(outline) == pytest.approx(28.29, rel=0.1)


def test_streets_share_the_district_out_and_hold_their_centres(features: list[dict[str, Any]]) -> None:
    streets = named(features, "street")
    (outline,) = (ring(each) for each in named(features, "outline").values())
    assert sum(area_km2(ring(each)) for each in streets.values()) == pytest.approx(area_km2(outline), rel=0.005)
    for street in load_district().street:
        assert geography.contains(ring(streets[street.code]), (street.longitude, street.latitude)), street.name_zh


def test_areas_hold_their_assets_and_lakes_their_points(features: list[dict[str, Any]]) -> None:
    district = load_district()
    zones, lakes = named(features, "zone"), named(features, "lake")
    for asset in (*district.site, *district.lot, *district.building):
        assert geography.contains(ring(zones[asset.zone]), (asset.longitude, asset.latitude)), asset.id
    for lake in district.lake:
        for point in lake.points:
            assert geography.contains(ring(lakes[lake.id]), (point.longitude, point.latitude)), point.id
    assert area_km2(ring(lakes["houxiang"])) == pytest.approx(0.0428, rel=0.03)
