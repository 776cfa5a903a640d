"""Who can be reached in time, from the units that are available now. Pure.

A set of cells is a whole number whose bits are cells, so that joining what units cover is one operation. How a unit
reaches cells is a function from a place to such a set: `Grid.within` draws a circle; a road network can stand in.
How many units cover each cell is a number of bit planes (`Counts`): one unit more or less costs the same, however many
there are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from math import cos, hypot, radians, sqrt
from typing import Final, NamedTuple

from schemas.plan.errors import PlanFileError

_METRES_PER_DEGREE: Final = 111_195.0
"""Of latitude, on a sphere of 6,371 km."""
STEP_METRES: Final = 50.0
"""Places and reaches are rounded to it, so that what was computed once is found again."""
_CIRCLES_KEPT: Final = 16_384
COLUMNS: Final = ("id", "longitude", "latitude", "population")


class Cell(NamedTuple):
    """A square of the population grid, by its centre (WGS-84)."""

    id: str
    longitude: float
    latitude: float
    population: int


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


class _Row(NamedTuple):
    """Cells of one latitude, from west to east."""

    north: float
    """Metres from the grid's origin."""
    east: list[float]
    first: list[int]
    """The set of the first 0, 1, 2 ... cells."""


class Grid:
    """The cells of a district."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells: Final = tuple(cells)
        self.everyone: Final = sum([cell.population for cell in cells])
        self.digest: Final = blake2b(repr(self.cells).encode(), digest_size=8).hexdigest()
        self._origin = (cells[0].longitude, cells[0].latitude) if cells else (0.0, 0.0)
        self._east = _METRES_PER_DEGREE * cos(radians(self._origin[1]))
        self._rows = self._in_rows()
        self._norths = [row.north for row in self._rows]
        self._people = [
            [sum([self._at(8 * byte + bit) for bit in range(8) if value >> bit & 1]) for value in range(256)]
            for byte in range((len(cells) + 7) // 8)
        ]
        self._crowded = sorted(range(len(cells)), key=lambda index: (-cells[index].population, cells[index].id))
        self._circle = lru_cache(_CIRCLES_KEPT)(self._draw)

    def _in_rows(self) -> list[_Row]:
        by_north: dict[float, list[tuple[float, int]]] = {}
        for index, cell in enumerate(self.cells):
            east, north = self._metres(cell.longitude, cell.latitude)
            by_north.setdefault(north, []).append((east, index))
        rows: list[_Row] = []
        for north, row in sorted(by_north.items()):
            first = [0]
            for _, index in sorted(row):
                first.append(first[-1] | 1 << index)
            rows.append(_Row(north, [east for east, _ in sorted(row)], first))
        return rows

    def _at(self, index: int) -> int:
        return self.cells[index].population if index < len(self.cells) else 0

    def _metres(self, longitude: float, latitude: float) -> tuple[float, float]:
        return (longitude - self._origin[0]) * self._east, (latitude - self._origin[1]) * _METRES_PER_DEGREE

    def within(self, longitude: float, latitude: float, metres: float) -> int:
        """Cells whose centre is within a straight distance of a place (both rounded to 50 m)."""
        east, north = self._metres(longitude, latitude)
        return self._circle(round(east / STEP_METRES), round(north / STEP_METRES), round(metres / STEP_METRES))

    def _draw(self, east_steps: int, north_steps: int, steps: int) -> int:
        east, north, reach = east_steps * STEP_METRES, north_steps * STEP_METRES, steps * STEP_METRES
        found = 0
        first, end = bisect_left(self._norths, north - reach), bisect_right(self._norths, north + reach)
        for row in self._rows[first:end]:
            half = sqrt(max(0.0, reach * reach - (row.north - north) ** 2))
            # The first cells up to the eastern edge, without those before the western one.
            found |= row.first[bisect_right(row.east, east + half)] ^ row.first[bisect_left(row.east, east - half)]
        return found

    def people(self, cells: int) -> int:
        """People who live in a set of cells."""
        raw = cells.to_bytes(len(self._people), "little")
        return sum([table[value] for table, value in zip(self._people, raw, strict=True) if value])

    def names(self, cells: int, most: int) -> tuple[str, ...]:
        """Ids of the cells in a set, those with most people first."""
        inside = [self.cells[index].id for index in self._crowded if cells >> index & 1]
        return tuple(inside[:most])


class Counts(NamedTuple):
    """How many units cover each cell: bit n of plane k is bit k of the number of cell n."""

    planes: tuple[int, ...] = ()

    def plus(self, cells: int) -> Counts:
        """One unit more on each of these cells."""
        planes, carry = list(self.planes), cells
        for index, plane in enumerate(planes):
            if not carry:
                break
            planes[index], carry = plane ^ carry, plane & carry
        return Counts((*planes, carry) if carry else tuple(planes))

    def minus(self, cells: int) -> Counts:
        """One unit less on each of these cells; each had one at least."""
        planes, borrow = list(self.planes), cells
        for index, plane in enumerate(planes):
            if not borrow:
                break
            planes[index], borrow = plane ^ borrow, ~plane & borrow
        while planes and not planes[-1]:
            planes.pop()
        return Counts(tuple(planes))

    @property
    def covered(self) -> int:
        """Cells with one unit at least."""
        cells = 0
        for plane in self.planes:
            cells |= plane
        return cells


class Move(NamedTuple):
    """One unit to one place, and how many people more that reaches."""

    unit: str
    to: str
    people: int


def best_move(grid: Grid, reached: Mapping[str, int], places: Mapping[str, int]) -> Move | None:
    """The single move of an available unit that brings most people back into reach; None when none gains.

    A move gains what the new place reaches and nobody else does, and loses what this unit alone covers. Few units
    cover cells alone, and those cells are disjoint, so the cost does not grow with units times places times cells.

    Args:
        reached: Cells that each available unit covers from where it is.
        places: Cells that a unit would cover from each place it may be sent to.
    """
    covered, twice = 0, 0
    for cells in reached.values():
        twice |= covered & cells
        covered |= cells
    once = covered & ~twice
    alone: dict[int, str] = {}
    for unit, cells in reached.items():
        only = cells & once
        if only not in alone or unit < alone[only]:
            alone[only] = unit
    best: Move | None = None
    for place in sorted(places):
        gain = grid.people(places[place] & ~covered)
        if gain == 0 or (best is not None and gain < best.people):
            continue
        for only, unit in alone.items():
            left = only & ~places[place]
            if left and 0 in alone:
                continue  # A unit whose leaving loses nothing is the better one to send.
            people = gain - (grid.people(left) if left else 0)
            if people > 0 and (best is None or (-people, unit, place) < (-best.people, best.unit, best.to)):
                best = Move(unit, place, people)
    return best
