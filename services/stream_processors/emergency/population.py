"""A modelled population surface: people around the centres of streets, in square cells. Pure and deterministic.

It is not a census. The total is the district's (7th census: 647,932); how people are spread is a model: each street's
share falls off with distance from its centre. A district that has counts by block replaces the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, exp, radians
from typing import Final

from services.stream_processors.emergency.coverage import COLUMNS, Cell, metres_between

CELL_METRES: Final = 300.0
SPREAD_METRES: Final = 900.0
BOX: Final = (114.2198, 30.5660, 114.2978, 30.6447)
"""West, south, east, north of Jianghan District, WGS-84 (domain reference, section 10)."""
_METRES_PER_DEGREE: Final = 111_195.0


def modelled_cells(centres: Sequence[tuple[float, float]], people: int) -> list[Cell]:
    """Cells over the box with whole numbers of people that add up; cells without people are left out.

    Args:
        centres: Longitude and latitude of each street's centre.
        people: How many live in the district.
    """
    west, south, east, north = BOX
    step_north = CELL_METRES / _METRES_PER_DEGREE
    step_east = CELL_METRES / (_METRES_PER_DEGREE * cos(radians((south + north) / 2)))
    places: list[tuple[str, float, float, float]] = []
    row, latitude = 0, south + step_north / 2
    while latitude < north:
        column, longitude = 0, west + step_east / 2
        while longitude < east:
            weight = sum(
                [exp(-((metres_between((longitude, latitude), centre) / SPREAD_METRES) ** 2)) for centre in centres]
            )
            places.append((f"r{row:02d}c{column:02d}", round(longitude, 6), round(latitude, 6), round(weight, 9)))
            column, longitude = column + 1, longitude + step_east
        row, latitude = row + 1, latitude + step_north
    total = sum([weight for *_, weight in places])
    shares = [people * weight / total for *_, weight in places]
    whole = [int(share) for share in shares]
    rest = sorted(range(len(shares)), key=lambda index: (whole[index] - shares[index], index))
    for index in rest[: people - sum(whole)]:
        whole[index] += 1
    return [
        Cell(cell_id, longitude, latitude, count)
        for (cell_id, longitude, latitude, _), count in zip(places, whole, strict=True)
        if count
    ]


def cells_text(cells: Sequence[Cell]) -> str:
    """The grid as a file."""
    lines = [
        "# Modelled population of Jianghan District in cells of 300 m (centres, WGS-84): a model, not a census.",
        "# Made by `make generate` from deploy/district/jianghan.toml; replace it where counts by block exist.",
        ",".join(COLUMNS),
        *(f"{cell.id},{cell.longitude:.6f},{cell.latitude:.6f},{cell.population}" for cell in cells),
    ]
    return "\n".join(lines) + "\n"
