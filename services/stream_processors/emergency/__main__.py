"""Write the modelled population grid: `python -m services.stream_processors.emergency` (part of `make generate`)."""

from __future__ import annotations

from pathlib import Path

from schemas.district import district_of
from services.stream_processors.emergency.population import cells_text, modelled_cells

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "district"
GRID = FOLDER / "population-cells.csv"


def grid_text() -> str:
    """The grid that follows from the district's file."""
    file = FOLDER / "jianghan.toml"
    known = district_of(file.read_text(encoding="utf-8"), file=str(file))
    centres = [(street.longitude, street.latitude) for street in known.street]
    return cells_text(modelled_cells(centres, known.district.population))


if __name__ == "__main__":
    GRID.write_text(grid_text(), encoding="utf-8")
