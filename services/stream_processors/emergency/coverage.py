"""Who can be reached in time, from the units that are available now. Pure.

A set of cells is a whole number whose bits are cells, so that joining what units cover is one operation. How a unit
reaches cells is a function from a place to such a set: `Grid.within` draws a circle; a road network can stand in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import cos, hypot, radians
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from schemas.fields import Identifier, Latitude, Longitude, Text
from schemas.plan.errors import PlanFileError
from schemas.plan.toml import parse_document

_METRES_PER_DEGREE: Final = 111_195.0
"""Of latitude, on a sphere of 6,371 km."""
_STEP_METRES: Final = 50.0
"""Places and reaches are rounded to it, so that what was computed once is found again."""
COLUMNS: Final = ("id", "longitude", "latitude", "population")


class Cell(NamedTuple):
    """A square of the population grid, by its centre (WGS-84)."""

    id: str
    longitude: float
    latitude: float
    population: int


class Post(BaseModel):
    """Where ambulances stand."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    id: Identifier
    name_zh: Text
    name: Text
    longitude: Longitude
    latitude: Latitude


class _District(BaseModel):
    """What this feed reads of the district file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    post: Annotated[tuple[Post, ...], Field()] = ()


def posts_of(text: str, *, file: str) -> tuple[Post, ...]:
    """The ambulance posts in the text of a district file (`[[post]]`).

    Raises:
        PlanFileError: the text is not TOML, or a post lacks its id, name or position.
    """
    return parse_document(text, _District, file=file).post


def cells_of(text: str, *, file: str) -> tuple[Cell, ...]:
    """The cells in the text of a grid: lines of id, longitude, latitude, people; `#` begins a comment.

    Raises:
        PlanFileError: a line is not of that form.
    """
    cells: list[Cell] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#") or line == ",".join(COLUMNS):
            continue
        parts = line.split(",")
        try:
            cell_id, longitude, latitude, population = parts
            cell = Cell(cell_id, float(longitude), float(latitude), int(population))
        except ValueError as error:
            raise PlanFileError(file, [(f"line {number}", f"must be {', '.join(COLUMNS)}: {error}")]) from error
        if cell.population < 0:
            raise PlanFileError(file, [(f"line {number}", "fewer than no people")])
        cells.append(cell)
    return tuple(cells)


def metres_between(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Straight line between two places (longitude, latitude)."""
    north = (b[1] - a[1]) * _METRES_PER_DEGREE
    east = (b[0] - a[0]) * _METRES_PER_DEGREE * cos(radians((a[1] + b[1]) / 2))
    return hypot(north, east)


class Grid:
    """The cells of a district."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells: Final = tuple(cells)
        self.everyone: Final = sum([cell.population for cell in cells])
        self._origin = (cells[0].longitude, cells[0].latitude) if cells else (0.0, 0.0)
        self._east = _METRES_PER_DEGREE * cos(radians(self._origin[1]))
        self._places = [self._metres(cell.longitude, cell.latitude) for cell in cells]
        self._people = [
            [sum([self._at(8 * byte + bit) for bit in range(8) if value >> bit & 1]) for value in range(256)]
            for byte in range((len(cells) + 7) // 8)
        ]
        self._circle = lru_cache(8_192)(self._draw)

    def _at(self, index: int) -> int:
        return self.cells[index].population if index < len(self.cells) else 0

    def _metres(self, longitude: float, latitude: float) -> tuple[float, float]:
        return (longitude - self._origin[0]) * self._east, (latitude - self._origin[1]) * _METRES_PER_DEGREE

    def within(self, longitude: float, latitude: float, metres: float) -> int:
        """Cells whose centre is within a straight distance of a place (both rounded to 50 m)."""
        x, y = self._metres(longitude, latitude)
        return self._circle(round(x / _STEP_METRES), round(y / _STEP_METRES), round(metres / _STEP_METRES))

    def _draw(self, x: int, y: int, reach: int) -> int:
        squared = (reach * _STEP_METRES) ** 2
        here_x, here_y = x * _STEP_METRES, y * _STEP_METRES
        found = 0
        for index, (cell_x, cell_y) in enumerate(self._places):
            if (cell_x - here_x) ** 2 + (cell_y - here_y) ** 2 <= squared:
                found |= 1 << index
        return found

    def people(self, cells: int) -> int:
        """People who live in a set of cells."""
        raw = cells.to_bytes(len(self._people), "little")
        return sum([table[value] for table, value in zip(self._people, raw, strict=True) if value])

    def names(self, cells: int, most: int) -> tuple[str, ...]:
        """Ids of the cells in a set, those with most people first."""
        inside = [cell for index, cell in enumerate(self.cells) if cells >> index & 1]
        inside.sort(key=lambda cell: (-cell.population, cell.id))
        return tuple(cell.id for cell in inside[:most])


class Move(NamedTuple):
    """One unit to one place, and how many people more that reaches."""

    unit: str
    to: str
    people: int


def joined(reached: Mapping[str, int]) -> int:
    """What all units cover together."""
    cells = 0
    for covered in reached.values():
        cells |= covered
    return cells


def best_move(grid: Grid, reached: Mapping[str, int], places: Mapping[str, int]) -> Move | None:
    """The single move of an available unit that brings most people back into reach; None when none gains.

    Args:
        reached: Cells that each available unit covers from where it is.
        places: Cells that a unit would cover from each place it may be sent to.
    """
    now = grid.people(joined(reached))
    best: Move | None = None
    for unit in sorted(reached):
        others = joined({name: cells for name, cells in reached.items() if name != unit})
        for place in sorted(places):
            gain = grid.people(others | places[place]) - now
            if gain > 0 and (best is None or gain > best.people):
                best = Move(unit, place, gain)
    return best
