"""What the one map draws of the district (`deploy/district/map/drawn.toml`) and where people live, as types. Pure."""

from __future__ import annotations

from itertools import pairwise
from math import cos, hypot, radians
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from schemas.fields import Text
from schemas.plan.errors import PlanFileError
from schemas.plan.toml import parse_document

METRES_A_DEGREE: Final = 111_195.0
"""Of latitude, on a sphere of 6,371 km."""
EAST: Final = METRES_A_DEGREE * cos(radians(30.605))
"""Of longitude, in the middle of the district."""
_COLUMNS: Final = "id,longitude,latitude,population"


class Spot(NamedTuple):
    """A place, WGS-84."""

    longitude: float
    latitude: float


def metres(a: Spot, b: Spot) -> float:
    """Straight line."""
    return hypot((a.longitude - b.longitude) * EAST, (a.latitude - b.latitude) * METRES_A_DEGREE)


class DrawnRoad(BaseModel):
    """A main road, drawn by hand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Text
    name_zh: Text
    line: tuple[tuple[float, float], ...]


class Drawn(BaseModel):
    """Outline and main roads; what else is drawn there belongs to the map."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    outline: tuple[tuple[float, float], ...]
    road: tuple[DrawnRoad, ...]

    def holds(self, spot: Spot) -> bool:
        """Whether a place lies in the district."""
        inside = False
        for (x0, y0), (x1, y1) in pairwise((*self.outline, self.outline[0])):
            if (y0 > spot.latitude) != (y1 > spot.latitude):
                inside ^= spot.longitude < x0 + (x1 - x0) * (spot.latitude - y0) / (y1 - y0)
        return inside

    def metres_to_road(self, spot: Spot) -> float:
        """Distance to the nearest main road."""
        return min(_to_line(spot, Spot(*a), Spot(*b)) for road in self.road for a, b in pairwise(road.line))


def _to_line(spot: Spot, a: Spot, b: Spot) -> float:
    x, y = (b.longitude - a.longitude) * EAST, (b.latitude - a.latitude) * METRES_A_DEGREE
    px, py = (spot.longitude - a.longitude) * EAST, (spot.latitude - a.latitude) * METRES_A_DEGREE
    length = x * x + y * y
    share = 0.0 if length == 0 else min(1.0, max(0.0, (px * x + py * y) / length))
    return hypot(px - share * x, py - share * y)


class Cell(NamedTuple):
    """A square of the population model, by its centre."""

    spot: Spot
    people: int


def drawn_of(text: str, *, file: str) -> Drawn:
    """Outline and roads in the text of the map's file.

    Raises:
        PlanFileError: the text is not TOML, or a key is missing or wrong.
    """
    return parse_document(text, Drawn, file=file)


def cells_of(text: str, *, file: str) -> tuple[Cell, ...]:
    """The cells in the text of the population model.

    Raises:
        PlanFileError: a line is not of the form `id,longitude,latitude,population`.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#") or line == _COLUMNS:
            continue
        try:
            _, longitude, latitude, people = line.split(",")
            found.append(Cell(Spot(float(longitude), float(latitude)), int(people)))
        except ValueError as error:
            raise PlanFileError(file, [(f"line {number}", f"must be {_COLUMNS}: {error}")]) from error
    return tuple(found)
