"""The district as the one map draws it: GeoJSON from what was drawn by hand and from where the assets are. Pure.

Streets are the ground nearest to a street's centre, functional areas the ground around their assets, lakes bent ovals
of the right size: each feature says that it is approximate. Nothing here is a survey.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import cos, pi, radians, sin, sqrt
from typing import Any, Final

from schemas import district as register

Place = tuple[float, float]
"""Longitude and latitude; within this module also metres east and north."""

_METRES_PER_DEGREE: Final = 111_195.0
_AROUND_ASSET_METRES: Final = 230.0
_DIGITS: Final = 6


def feature_collection(district: register.District, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is drawn below the assets, from the back to the front.

    Args:
        district: The district file.
        drawn: `deploy/district/map/drawn.toml` as it was read.
    """
    head = district.district
    outline = [_place(each) for each in drawn["outline"]]
    features = [
        _feature("outline", head.id, (head.name_zh, head.name_en), _polygon(outline)),
        *_streets(district.street, drawn["street_name"], outline),
        *_zones(district, outline),
        *_roads(drawn["road"]),
        *_lakes(district.lake, drawn["lake"]),
    ]
    return {"type": "FeatureCollection", "features": features}


def text(collection: Mapping[str, Any]) -> str:
    """The collection as a file: one feature a line."""
    lines = [json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in collection["features"]]
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"


def contains(polygon: Sequence[Place], place: Place) -> bool:
    """Whether a place is inside a polygon."""
    inside = False
    for (x1, y1), (x2, y2) in pairwise([*polygon, polygon[0]]):
        if (y1 > place[1]) != (y2 > place[1]) and place[0] < x1 + (place[1] - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
    return inside


def _streets(
    streets: Sequence[register.Street], names: Mapping[str, str], outline: Sequence[Place]
) -> Iterable[dict[str, Any]]:
    centres = [_centre(street) for street in streets]
    for street, own in zip(streets, centres, strict=True):
        ground = list(outline)
        for other in centres:
            if other != own:
                ground = _nearer(ground, own, other)
        called = (street.name_zh, names.get(street.code, street.name_zh))
        yield _feature("street", street.code, called, _polygon(ground), label=own)


def _zones(district: register.District, outline: Sequence[Place]) -> Iterable[dict[str, Any]]:
    for zone in district.zone:
        assets = [
            _centre(each)
            for kind in (district.site, district.lot, district.building)
            for each in kind
            if each.zone == zone.id
        ]
        around = [place for asset in [*assets, _centre(zone)] for place in _circle(asset, _AROUND_ASSET_METRES)]
        hull = _hull(around)
        ground = list(outline)
        for start, end in pairwise([*hull, hull[0]]):
            ground = _left_of(ground, start, end)
        yield _feature("zone", zone.id, (zone.name_zh, zone.name_en), _polygon(ground), label=_above(ground))


def _above(ground: Sequence[Place]) -> Place:
    """Where the name of an area stands: over its northern edge, clear of its assets."""
    return (min(x for x, _ in ground) + max(x for x, _ in ground)) / 2, max(y for _, y in ground)


def _roads(roads: Sequence[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    for number, road in enumerate(roads, start=1):
        line = {"type": "LineString", "coordinates": [list(_place(each)) for each in road["line"]]}
        yield _feature("road", f"road-{number}", (road["name_zh"], road["name"]), line)


def _lakes(lakes: Sequence[register.Lake], shapes: Sequence[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    by_id = {shape["id"]: shape for shape in shapes}
    for number, lake in enumerate(lakes):
        shape = by_id[lake.id]
        shore = _shore(_centre(lake), shape["area_ha"] * 10_000, shape["stretch"], radians(shape["turn"]), number)
        yield _feature("lake", lake.id, (lake.name_zh, lake.name_en), _polygon(shore), label=_centre(lake))


def _shore(centre: Place, area: float, stretch: float, turn: float, number: int) -> list[Place]:
    """An oval of that area whose shore is bent a little, each lake in its own way."""
    half_length, half_breadth = sqrt(area / pi * stretch), sqrt(area / pi / stretch)
    shore = []
    for step in range(36):
        angle = 2 * pi * step / 36
        bend = 1 + 0.07 * sin(3 * angle + number) + 0.05 * sin(5 * angle + 2 * number)
        along, across = half_length * cos(angle) * bend, half_breadth * sin(angle) * bend
        east, north = along * sin(turn) + across * cos(turn), along * cos(turn) - across * sin(turn)
        shore.append(_moved(centre, east, north))
    return shore


def _circle(centre: Place, radius: float) -> list[Place]:
    return [_moved(centre, radius * cos(pi * step / 8), radius * sin(pi * step / 8)) for step in range(16)]


def _moved(place: Place, east: float, north: float) -> Place:
    per_degree = _METRES_PER_DEGREE * cos(radians(place[1]))
    return place[0] + east / per_degree, place[1] + north / _METRES_PER_DEGREE


def _nearer(ground: Sequence[Place], own: Place, other: Place) -> list[Place]:
    """The part of the ground that is nearer to `own` than to `other`."""
    squeeze = cos(radians(own[1]))
    east, north = (other[0] - own[0]) * squeeze, other[1] - own[1]
    middle = ((own[0] + other[0]) / 2, (own[1] + other[1]) / 2)

    def beyond(place: Place) -> float:
        return (place[0] - middle[0]) * squeeze * east + (place[1] - middle[1]) * north

    return _clipped(ground, [beyond(place) for place in ground])


def _left_of(ground: Sequence[Place], start: Place, end: Place) -> list[Place]:
    """The part of the ground on the left of a line."""

    def beyond(place: Place) -> float:
        return (place[0] - start[0]) * (end[1] - start[1]) - (place[1] - start[1]) * (end[0] - start[0])

    return _clipped(ground, [beyond(place) for place in ground])


def _clipped(ground: Sequence[Place], beyond: Sequence[float]) -> list[Place]:
    """Sutherland and Hodgman: the part of a polygon where a linear measure is not above zero."""
    kept: list[Place] = []
    for index, place in enumerate(ground):
        before, measure, measure_before = ground[index - 1], beyond[index], beyond[index - 1]
        if (measure > 0) != (measure_before > 0):
            share = measure_before / (measure_before - measure)
            kept.append((before[0] + share * (place[0] - before[0]), before[1] + share * (place[1] - before[1])))
        if measure <= 0:
            kept.append(place)
    return kept


def _hull(places: Iterable[Place]) -> list[Place]:
    """The convex hull, counter-clockwise (Andrew's monotone chain)."""
    ordered = sorted(set(places))

    def half(points: Iterable[Place]) -> list[Place]:
        chain: list[Place] = []
        for point in points:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        return chain[:-1]

    return half(ordered) + half(reversed(ordered))


def _turn(a: Place, b: Place, c: Place) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _polygon(ring: Sequence[Place]) -> dict[str, Any]:
    """A ring as GeoJSON wants it: counter-clockwise, closed."""
    area = sum([a[0] * b[1] - b[0] * a[1] for a, b in pairwise([*ring, ring[0]])])
    ordered = list(ring) if area > 0 else list(reversed(ring))
    rounded = [[round(x, _DIGITS), round(y, _DIGITS)] for x, y in ordered]
    return {"type": "Polygon", "coordinates": [[*rounded, rounded[0]]]}


def _feature(
    layer: str, feature_id: str, names: tuple[str, str], geometry: Mapping[str, Any], *, label: Place | None = None
) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "layer": layer,
        "id": feature_id,
        "name_zh": names[0],
        "name_en": names[1],
        "approximate": True,
    }
    if label is not None:
        properties["label"] = [round(label[0], _DIGITS), round(label[1], _DIGITS)]
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _centre(each: register.Place) -> Place:
    return each.longitude, each.latitude


def _place(pair: Sequence[float]) -> Place:
    longitude, latitude = pair
    return longitude, latitude
