"""What lies under the assets on a map: drawn from the district's own file, edges once, nothing fetched."""

from __future__ import annotations

import re
from itertools import pairwise
from math import cos, hypot, radians
from pathlib import Path
from typing import Any

import pytest

from services.dashboards.errors import BoardRefused
from services.dashboards.ground import BORDER_METRES, METRES_PER_DEGREE, Ground, dots, ground_of, read_ground
from services.dashboards.layers import CENTRE, DISTRICT_METRES, zoom_of
from services.dashboards.words import Language

SQUARE = [(114.0, 30.0), (114.01, 30.0), (114.01, 30.01), (114.0, 30.01), (114.0, 30.0)]
BESIDE = [(114.01, 30.0), (114.02, 30.0), (114.02, 30.01), (114.01, 30.01), (114.01, 30.0)]


def feature(layer: str, ring: list[tuple[float, float]], zh: str = "区", en: str = "Zone") -> dict[str, Any]:
    return {
        "properties": {"layer": layer, "name_zh": zh, "name_en": en},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def test_dots_are_as_near_as_asked_and_begin_at_the_corners() -> None:
    found = list(dots(SQUARE, 100))
    assert set(SQUARE) <= set(found)
    for one, other in pairwise(found):
        east = (other[0] - one[0]) * METRES_PER_DEGREE * cos(radians(30))
        assert hypot(east, (other[1] - one[1]) * METRES_PER_DEGREE) <= 100 + 20 or {one, other} & set(SQUARE)


def test_an_edge_gives_the_same_dots_whichever_way_it_is_walked() -> None:
    assert set(dots(SQUARE[:2], 70)) == set(dots(SQUARE[1::-1], 70))


def test_an_edge_that_two_streets_share_is_drawn_once() -> None:
    one = ground_of([feature("street", SQUARE)])
    both = ground_of([feature("street", SQUARE), feature("street", BESIDE)])
    shared = set(dots(SQUARE[1:3], BORDER_METRES))
    assert len(both.borders) == len(set(both.borders)) == 2 * len(one.borders) - len(shared)


def test_roads_are_left_out_and_a_zone_is_its_name_in_the_middle() -> None:
    ground = ground_of([feature("road", SQUARE), feature("zone", SQUARE, "甲区", "O'Neill quarter")])
    assert (ground.borders, ground.shores) == ((), ())
    assert "(114.005, 30.005, '甲区')" in ground.zones_sql(Language.ZH)
    assert "'O''Neill quarter'" in ground.zones_sql(Language.EN)


def test_the_districts_ground_is_whole() -> None:
    ground = read_ground()
    assert len(ground.zones) == 6
    assert 300 < len(ground.borders) < 1_500
    assert 150 < len(ground.shores) < 600
    assert len(re.findall(r"\(114\.", ground.borders_sql())) == len(ground.borders)


@pytest.mark.parametrize("text", ["", "{}", '{"features": [{"properties": {}}]}', '{"features": 7}'])
def test_a_damaged_map_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "district.geojson"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BoardRefused, match=r"district\.geojson"):
        read_ground(file)


def test_a_map_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BoardRefused, match=r"none\.geojson"):
        read_ground(tmp_path / "none.geojson")


@pytest.mark.parametrize("rows", [8, 11, 12, 16])
def test_the_zoom_of_a_panel_shows_the_whole_district(rows: int) -> None:
    ground: Ground = read_ground()
    metres_a_pixel = 156_543.034 * cos(radians(CENTRE[0])) / 2 ** zoom_of(rows)
    shown = metres_a_pixel * (rows * 38 - 50)
    south, north = min(lat for _, lat in ground.borders), max(lat for _, lat in ground.borders)
    assert shown == pytest.approx(DISTRICT_METRES, rel=0.01)
    for edge in (south, north):
        assert abs(edge - CENTRE[0]) * METRES_PER_DEGREE <= shown / 2, "the edge is in the picture"
