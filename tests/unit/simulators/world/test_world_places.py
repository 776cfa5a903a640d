"""The district at a size: what the register has comes first, the rest is made up and says so."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from schemas.device_register import why_no_device
from simulators.errors import WorldDamaged
from simulators.world.district import load_district, simulated_district_of
from simulators.world.files import DRAWN_FILE, load_world
from simulators.world.ground import Spot, cells_of, drawn_of, metres
from simulators.world.places import World, build_world, spot_of, spread
from simulators.world.register_toml import district_toml


@pytest.fixture(scope="module")
def full() -> World:
    return load_world()


def test_full_size_is_what_the_district_has(full: World) -> None:
    district = full.district
    assert len(district.site) == 300
    assert sum(site.connectors for site in district.site) == 3_000
    assert len(district.lot) == 150
    assert len(district.building) == 250
    assert [len(lake.points) for lake in district.lake] == [3] * 6
    assert (len(district.post), sum(post.ambulances for post in district.post)) == (13, 20)
    assert full.hub.ambulances == max(post.ambulances for post in district.post)


def test_what_the_register_has_comes_first_and_stays_as_it_is(full: World) -> None:
    known = load_district()
    assert full.district.site[:12] == known.site
    assert full.district.lot[:60] == known.lot
    assert full.district.building[:45] == known.building
    assert [spot_of(post) for post in full.district.post[:6]] == [spot_of(post) for post in known.post]


def test_what_is_made_up_is_marked_and_lies_in_the_district(full: World) -> None:
    drawn = drawn_of(DRAWN_FILE.read_text(encoding="utf-8"), file="drawn.toml")
    made: list[Any] = [*full.district.site[12:], *full.district.lot[60:], *full.district.building[45:]]
    assert all(place.approximate and drawn.holds(spot_of(place)) for place in made)
    assert all(post.approximate for post in full.district.post[6:])


def test_each_device_has_an_id_of_its_own_that_may_be_registered(full: World) -> None:
    devices = list(full.district.devices())
    assert [name for name, count in Counter(each.device_id for each in devices).items() if count > 1] == []
    assert {why_no_device(each) for each in devices} == {None}


@pytest.mark.parametrize(
    ("scale", "sites", "connectors", "lots", "buildings"),
    [(0.1, 30, 300, 15, 25), (0.5, 150, 1_500, 75, 125), (10.0, 3_000, 30_000, 1_500, 2_500)],
)
def test_the_size_is_a_parameter(scale: float, sites: int, connectors: int, lots: int, buildings: int) -> None:
    district = load_world(scale).district
    assert len(district.site) == sites
    assert sum(site.connectors for site in district.site) == connectors
    assert (len(district.lot), len(district.building)) == (lots, buildings)
    assert len(district.lake) == 6
    assert len(set(district.device_ids())) == sum(1 for _ in district.device_ids())


@pytest.mark.parametrize("scale", [0.09, 10.1, float("nan")])
def test_a_size_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(WorldDamaged, match="scale goes from"):
        load_world(scale)


def test_a_district_that_was_written_is_read_back_equal(full: World) -> None:
    assert simulated_district_of(district_toml(full.district, title="Written"), file="written.toml") == full.district


def test_a_world_needs_people() -> None:
    drawn = drawn_of(DRAWN_FILE.read_text(encoding="utf-8"), file="drawn.toml")
    with pytest.raises(WorldDamaged, match="cells of people"):
        build_world(load_district(), drawn, [])


def test_a_spread_is_even() -> None:
    known = load_district().lot
    assert spread(known, 60) == known
    assert spread(known, 3) == (known[0], known[20], known[40])


def test_cells_that_are_none_are_named_by_line() -> None:
    with pytest.raises(ValueError, match=r"cells\.csv: line 2: "):
        cells_of("id,longitude,latitude,population\nr1,114.2,thirty,7\n", file="cells.csv")


def test_roads_take_longer_at_the_rush_and_in_the_rain_and_longer_than_the_straight_line(full: World) -> None:
    hub, far = spot_of(full.hub), Spot(114.2850, 30.5800)
    night, rush = full.roads.seconds(hub, far, 3.0), full.roads.seconds(hub, far, 17.5)
    assert night < rush < full.roads.seconds(hub, far, 17.5, 0.5)
    assert night > metres(hub, far) / 52 * 3.6
    hours = [full.roads.seconds(hub, far, hour / 2) for hour in range(48)]
    assert all(abs(later - before) < 0.35 * before for before, later in pairwise(hours))


def test_main_roads_are_where_the_map_draws_them(full: World) -> None:
    assert 0.1 < full.roads.main_share < 0.5
    along = full.roads.seconds(Spot(114.2572, 30.5808), Spot(114.2820, 30.5972), 12.0)
    beside = full.roads.seconds(Spot(114.2320, 30.6130), Spot(114.2440, 30.6360), 12.0)
    lengths = (
        metres(Spot(114.2572, 30.5808), Spot(114.2820, 30.5972)),
        metres(Spot(114.2320, 30.6130), Spot(114.2440, 30.6360)),
    )
    assert along / lengths[0] < beside / lengths[1]
