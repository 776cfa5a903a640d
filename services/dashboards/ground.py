"""What lies under the assets on a map: borders of district and streets, shores of the lakes, names of the zones.

Grafana's maps draw lines only from files that a browser fetches from somewhere. An operations room may be closed, so
borders are dots that come with the board: no server beside Grafana is asked for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import ceil, cos, hypot, radians
from pathlib import Path
from typing import Any, Final, TypeAlias

from services.dashboards.errors import BoardRefused
from services.dashboards.words import Language, Words, quoted

FILE: Final = Path(__file__).resolve().parents[2] / "deploy" / "district" / "map" / "district.geojson"
METRES_PER_DEGREE: Final = 111_320.0
BORDER_METRES: Final = 70.0
"""From dot to dot along a border."""
SHORE_METRES: Final = 25.0
DECIMALS: Final = 4
"""Of a degree: some ten metres."""

_DEGREES: Final = "lon::double precision AS longitude, lat::double precision AS latitude"

Point: TypeAlias = tuple[float, float]
"""Longitude and latitude, WGS-84."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What every map shows under the assets."""

    borders: tuple[Point, ...]
    shores: tuple[Point, ...]
    zones: tuple[tuple[Words, Point], ...]
    """Names of the zones and where they stand."""

    def borders_sql(self) -> str:
        """Rows of the dots along the borders."""
        return _rows(self.borders)

    def shores_sql(self) -> str:
        """Rows of the dots along the shores."""
        return _rows(self.shores)

    def zones_sql(self, language: Language) -> str:
        """Rows of the zones' names."""
        rows = ", ".join(f"({lon}, {lat}, {quoted(words.of(language))})" for words, (lon, lat) in self.zones)
        return f"SELECT {_DEGREES}, zone FROM (VALUES {rows}) AS g (lon, lat, zone)"


@lru_cache(1)
def read_ground(file: Path = FILE) -> Ground:
    """The ground of the district's map.

    Raises:
        BoardRefused: the file cannot be read; the message names it.
    """
    try:
        return ground_of(json.loads(file.read_text(encoding="utf-8"))["features"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BoardRefused(f"{file.name} is not the district's map: {error!r}") from error


def ground_of(features: Iterable[Mapping[str, Any]]) -> Ground:
    """The ground from GeoJSON features with the properties `layer`, `name_zh` and `name_en`.

    An edge that two streets share is drawn once.
    """
    borders: dict[Point, None] = {}
    shores: dict[Point, None] = {}
    zones = []
    for feature in features:
        properties = feature["properties"]
        if properties["layer"] not in {"outline", "street", "lake", "zone"}:
            continue
        ring = [(float(lon), float(lat)) for lon, lat in feature["geometry"]["coordinates"][0]]
        if properties["layer"] == "zone":
            zones.append((Words(properties["name_zh"], properties["name_en"]), _rounded(_middle(ring))))
        elif properties["layer"] == "lake":
            shores |= dict.fromkeys(dots(ring, SHORE_METRES))
        else:
            borders |= dict.fromkeys(dots(ring, BORDER_METRES))
    return Ground(tuple(borders), tuple(shores), tuple(zones))


def dots(ring: Sequence[Point], metres: float) -> Iterator[Point]:
    """Points along a line, its corners among them, at most so far apart.

    An edge gives the same points whichever way it is walked.
    """
    for one, other in pairwise(ring):
        start, end = sorted((one, other))
        parts = max(1, ceil(_metres(start, end) / metres))
        for n in range(parts + 1):
            share = n / parts
            yield _rounded((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))


def _metres(one: Point, other: Point) -> float:
    east = (other[0] - one[0]) * METRES_PER_DEGREE * cos(radians(one[1]))
    return hypot(east, (other[1] - one[1]) * METRES_PER_DEGREE)


def _middle(ring: Sequence[Point]) -> Point:
    corners = ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring
    return sum(lon for lon, _ in corners) / len(corners), sum(lat for _, lat in corners) / len(corners)


def _rounded(point: Point) -> Point:
    return round(point[0], DECIMALS), round(point[1], DECIMALS)


def _rows(points: Sequence[Point]) -> str:
    rows = ",".join(f"({lon},{lat})" for lon, lat in points)
    return f"SELECT {_DEGREES} FROM (VALUES {rows}) AS g (lon, lat)"
