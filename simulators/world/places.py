"""The district at a size: what the register file has comes first, further places are made up and marked so. Pure.

Places do not follow from the seed: the same register at the same scale is the same district, whatever happens in it.
Below full size a spread of the register's own places is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from math import exp
from random import Random
from types import MappingProxyType
from typing import Any, Final, TypeVar

from schemas.district import asset_id, point_id
from simulators.errors import WorldDamaged
from simulators.world.dice import dice
from simulators.world.district import (
    Building,
    District,
    Lake,
    Lot,
    LotKind,
    Place,
    Point,
    Post,
    Site,
    SiteKind,
    Street,
    Zone,
)
from simulators.world.ground import EAST, METRES_A_DEGREE, Cell, Drawn, Spot, metres
from simulators.world.roads import Roads

SITES: Final = 300
CONNECTORS: Final = 3_000
LOTS: Final = 150
STATIONS: Final = 12
"""Besides the hub."""
UNITS: Final = 20
BUILDINGS: Final = 250
SCALE_LEAST: Final = 0.1
SCALE_MOST: Final = 10.0
CALLS_PER_PERSON_DAY: Final = 493 / 12_000_000
"""180,000 missions a year for a city of some 12 million (reference, section 7, S51: C2)."""
_POINTS: Final = 3
_MOST_CONNECTORS: Final = 80
_COMMISSIONED: Final = date(2026, 1, 1)
_OPEN_METRES: Final = 420.0
"""Further places lie scattered so far around their zone's centre."""

P = TypeVar("P", bound=Place)


@dataclass(frozen=True)
class World:
    """The district at a size, its roads and its people."""

    district: District
    roads: Roads
    cells: tuple[Cell, ...]
    scale: float

    @property
    def hub(self) -> Post:
        """The emergency hub: the first hospital of the register."""
        return next(post for post in self.district.post if post.hospital)


def spot_of(place: Place) -> Spot:
    """Where a place is."""
    return Spot(place.longitude, place.latitude)


def build_world(district: District, drawn: Drawn, cells: Sequence[Cell], scale: float = 1.0) -> World:
    """Bring the district to a size.

    Args:
        district: The register.
        scale: 1 is full size (3,000 connectors); from 0.1 to 10. Lakes stay six.

    Raises:
        WorldDamaged: the scale is out of its range, or the register has no zone, no people or no hospital.
    """
    if not SCALE_LEAST <= scale <= SCALE_MOST:
        raise WorldDamaged(f"the scale goes from {SCALE_LEAST} to {SCALE_MOST:g}; {scale:g} is none")
    if not (district.zone and cells and any(post.hospital for post in district.post)):
        raise WorldDamaged("a world needs zones, cells of people and a hospital; the register or the cells have none")
    maker = _Maker(district, drawn, tuple(cells), scale)
    grown = district.model_copy(
        update={
            "lake": tuple(maker.lake(lake) for lake in district.lake),
            "site": maker.sites(),
            "lot": maker.grown(district.lot, LOTS, maker.lot),
            "building": maker.grown(district.building, BUILDINGS, maker.building),
            "post": maker.posts(),
            "dispatch": district.dispatch.model_copy(
                update={"calls_per_day": round(district.district.population * CALLS_PER_PERSON_DAY * scale, 1)}
            ),
        }
    )
    return World(grown, Roads(drawn), tuple(cells), scale)


_SITE_KINDS: Final = ((SiteKind.PUBLIC, 0.4), (SiteKind.HOME, 0.35), (SiteKind.OFFICE, 0.22), (SiteKind.DEPOT, 0.03))
_LOT_KINDS: Final = (
    (LotKind.RESIDENTIAL, 0.34),
    (LotKind.OFFICE, 0.28),
    (LotKind.SHOPPING, 0.26),
    (LotKind.HOSPITAL, 0.06),
    (LotKind.TRANSPORT, 0.06),
)
_POWER_KW: Final = MappingProxyType(
    {
        SiteKind.PUBLIC: (60.0, 60.0, 120.0),
        SiteKind.HOME: (7.0,),
        SiteKind.OFFICE: (7.0, 7.0, 60.0),
        SiteKind.DEPOT: (120.0,),
    }
)
_SITE_WORDS: Final = ("充电站", "charging site")
_LOT_WORDS: Final = MappingProxyType(
    {
        LotKind.RESIDENTIAL: ("小区停车场", "residential car park"),
        LotKind.OFFICE: ("写字楼停车场", "office car park"),
        LotKind.SHOPPING: ("商场停车场", "mall car park"),
        LotKind.HOSPITAL: ("医院停车场", "hospital car park"),
        LotKind.TRANSPORT: ("换乘停车场", "interchange car park"),
    }
)


class _Maker:
    """Makes further places, each kind from a stream of its own."""

    def __init__(self, district: District, drawn: Drawn, cells: tuple[Cell, ...], scale: float) -> None:
        self._district, self._drawn, self._cells, self._scale = district, drawn, cells, scale
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._people = [cell.people for cell in cells]

    def lake(self, lake: Lake) -> Lake:
        """A lake with its points; above full size more of them."""
        points = list(lake.points)
        stream = dice("places", "point", lake.id)
        while len(points) < round(_POINTS * self._scale):
            number = len(points) + 1
            at = _moved(spot_of(lake), stream.gauss(0, 60), stream.gauss(0, 60))
            known = {point.id for point in points}
            made = point_id(lake.id, number)
            if made in known:
                raise WorldDamaged(f"{lake.id}: its points are not numbered from 1; {made} stands there already")
            points.append(Point(**_at(at), id=made, name=f"{lake.name_en}, point {number}", name_zh=f"{number}号点"))
        return lake.model_copy(update={"points": tuple(points)})

    def grown(self, known: Sequence[P], full: int, make: Callable[[Random], P]) -> tuple[P, ...]:
        """So many places as the scale asks for."""
        wanted = max(1, round(full * self._scale))
        if wanted <= len(known):
            return spread(known, wanted)
        stream = dice("places", make.__name__)
        return (*known, *(make(stream) for _ in range(wanted - len(known))))

    def sites(self) -> tuple[Site, ...]:
        """Charging sites whose connectors add up."""
        sites = self.grown(self._district.site, SITES, self._site)
        own = {site.id for site in self._district.site}
        fixed = sum(site.connectors for site in sites if site.id in own)
        further = [site for site in sites if site.id not in own]
        if not further:
            return sites
        wanted = max(len(further), round(CONNECTORS * self._scale) - fixed)
        counts = iter(_shares([site.connectors for site in further], wanted, least=1))
        return tuple(site if site.id in own else _sized(site, next(counts)) for site in sites)

    def _site(self, stream: Random) -> Site:
        kind = _one_of(stream, _SITE_KINDS)
        zone, street, at = self._somewhere(stream, among_people=kind is SiteKind.HOME)
        name_zh, name = self._names(street, _SITE_WORDS)
        return Site(
            **_at(at),
            id=asset_id("site", zone.id, self._number("site", zone.id)),
            name=name,
            name_zh=name_zh,
            zone=zone.id,
            kind=kind,
            connectors=max(2, min(60, round(stream.lognormvariate(2.0, 0.75)))),
            rated_power_kw=stream.choice(_POWER_KW[kind]),
            transformer_limit_kw=1.0,
            commissioned=_COMMISSIONED,
        )

    def lot(self, stream: Random) -> Lot:
        """A car park."""
        kind = _one_of(stream, _LOT_KINDS)
        zone, street, at = self._somewhere(stream, among_people=kind is LotKind.RESIDENTIAL)
        name_zh, name = self._names(street, _LOT_WORDS[kind])
        return Lot(
            **_at(at),
            id=asset_id("lot", zone.id, self._number("lot", zone.id)),
            name=name,
            name_zh=name_zh,
            zone=zone.id,
            kind=kind,
            spaces=10 * max(4, min(90, round(stream.lognormvariate(2.9, 0.55)))),
        )

    def building(self, stream: Random) -> Building:
        """An office building below the register's large taxpayers: the target counts those."""
        zone, street, at = self._somewhere(stream, among_people=False)
        name_zh, name = self._names(street, ("写字楼", "office building"))
        return Building(
            **_at(at),
            id=asset_id("building", zone.id, self._number("building", zone.id)),
            name=name,
            name_zh=name_zh,
            zone=zone.id,
            annual_tax_cny=round(min(90e6, max(1e6, 12e6 * exp(stream.gauss(0, 0.9)))), -4).__int__(),
        )

    def posts(self) -> tuple[Post, ...]:
        """The hub and the stations with their units: the register's places, then where most people are far from one."""
        stations = max(1, round(STATIONS * self._scale))
        hub = next(post for post in self._district.post if post.hospital)
        others = [post for post in self._district.post if post.id != hub.id]
        places = [hub, *(spread(others, stations) if stations < len(others) else others)]
        while len(places) < stations + 1:
            places.append(self._station(places))
        units = max(len(places), round(UNITS * self._scale))
        extra = _shares([4 if post is hub else 2 if post.hospital else 0 for post in places], units - len(places))
        return tuple(post.model_copy(update={"ambulances": 1 + more}) for post, more in zip(places, extra, strict=True))

    def _station(self, places: Sequence[Post]) -> Post:
        spots = [spot_of(post) for post in places]
        cell = max(self._cells, key=lambda cell: (cell.people * min(metres(cell.spot, spot) for spot in spots), cell))
        street = self._street_at(cell.spot)
        number = self._number("post", "station")
        return Post(
            **_at(cell.spot),
            id=asset_id("post", "station", number),
            name=f"{street.name_en} ambulance station {number}",
            name_zh=f"{street.name_zh}急救站{number}号",
            hospital=False,
            ambulances=1,
        )

    def _number(self, kind: str, place: str) -> int:
        self._numbers[kind, place] += 1
        return self._numbers[kind, place]

    def _names(self, street: Street, words: tuple[str, str]) -> tuple[str, str]:
        number = self._number(words[1], street.code)
        return f"{street.name_zh}{words[0]}{number}号", f"{street.name_en} {words[1]} {number}"

    def _somewhere(self, stream: Random, *, among_people: bool) -> tuple[Zone, Street, Spot]:
        for _ in range(200):
            if among_people:
                centre, width = stream.choices(self._cells, self._people)[0].spot, 90.0
            else:
                centre, width = spot_of(stream.choice(self._district.zone)), _OPEN_METRES
            at = _moved(centre, stream.gauss(0, width), stream.gauss(0, width))
            if self._drawn.holds(at):
                zone = min(self._district.zone, key=lambda zone: metres(spot_of(zone), at))
                return zone, self._street_at(at), at
        raise WorldDamaged("no room: zones and people lie outside the outline that the map draws")

    def _street_at(self, at: Spot) -> Street:
        return min(self._district.street, key=lambda street: metres(spot_of(street), at))


def spread(known: Sequence[P], wanted: int) -> tuple[P, ...]:
    """So many of them, evenly from first to last."""
    return tuple(known[index * len(known) // wanted] for index in range(wanted))


def _sized(site: Site, connectors: int) -> Site:
    limit = max(site.rated_power_kw * 1.5, 0.62 * connectors * site.rated_power_kw)
    return site.model_copy(update={"connectors": connectors, "transformer_limit_kw": float(round(limit / 5) * 5)})


def _shares(weights: Sequence[int], total: int, *, least: int = 0) -> list[int]:
    """Whole numbers near the weights that add up to a total; each from `least` to 80.

    Raises:
        WorldDamaged: there are no such numbers.
    """
    if not least * len(weights) <= total <= _MOST_CONNECTORS * len(weights):
        raise WorldDamaged(f"{total} cannot be spread over {len(weights)} places")
    factor = total / max(1, sum(weights))
    found = [max(least, min(_MOST_CONNECTORS, int(weight * factor))) for weight in weights]
    order = sorted(range(len(weights)), key=lambda index: -weights[index])
    turn = 0
    while (short := total - sum(found)) != 0:
        index = order[turn % len(order)]
        turn += 1
        if short > 0 and found[index] < _MOST_CONNECTORS:
            found[index] += 1
        elif short < 0 and found[index] > least:
            found[index] -= 1
    return found


def _one_of(stream: Random, kinds: Sequence[tuple[Any, float]]) -> Any:
    return stream.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]


def _moved(spot: Spot, east: float, north: float) -> Spot:
    return Spot(spot.longitude + east / EAST, spot.latitude + north / METRES_A_DEGREE)


def _at(spot: Spot) -> dict[str, Any]:
    return {"longitude": round(spot.longitude, 5), "latitude": round(spot.latitude, 5), "approximate": True}
