"""The world from the files of the district: register, drawn map, cells of people."""

from __future__ import annotations

from typing import Final

from schemas.plan.errors import PlanFileError
from simulators.errors import WorldDamaged
from simulators.world.district import DISTRICT_FILE, load_district
from simulators.world.ground import cells_of, drawn_of
from simulators.world.places import World, build_world

DRAWN_FILE: Final = DISTRICT_FILE.parent / "map/drawn.toml"
CELLS_FILE: Final = DISTRICT_FILE.parent / "population-cells.csv"


def load_world(scale: float = 1.0) -> World:
    """Read the files and bring the district to a size.

    Args:
        scale: From 0.1 to 10; 1 is 3,000 connectors.

    Raises:
        WorldDamaged: a file is missing or not what it should be, or the scale is out of its range.
    """
    try:
        drawn = drawn_of(DRAWN_FILE.read_text(encoding="utf-8"), file=DRAWN_FILE.name)
        cells = cells_of(CELLS_FILE.read_text(encoding="utf-8"), file=CELLS_FILE.name)
    except OSError as error:
        raise WorldDamaged(f"{error.filename}: {error.strerror}") from error
    except PlanFileError as error:
        raise WorldDamaged(str(error)) from error
    return build_world(load_district(), drawn, cells, scale)
