"""Write the modelled population grid: `python -m services.stream_processors.emergency` (part of `make generate`)."""

from __future__ import annotations

import tomllib
from pathlib import Path

from services.stream_processors.emergency.population import cells_text, modelled_cells

FOLDER = Path(__file__).resolve().parents[3] / "deploy" / "district"
GRID = FOLDER / "population-cells.csv"


def grid_text() -> str:
    """The grid that follows from the district's file."""
    document = tomllib.loads((FOLDER / "jianghan.toml").read_text(encoding="utf-8"))
    centres = [(street["longitude"], street["latitude"]) for street in document["street"]]
    return cells_text(modelled_cells(centres, document["district"]["population"]))


if __name__ == "__main__":
    GRID.write_text(grid_text(), encoding="utf-8")
