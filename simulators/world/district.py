"""The district file as the simulators read it; the model is `schemas.district`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from schemas.district import (
    Building,
    Dispatch,
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
    district_of,
)
from schemas.plan.errors import PlanFileError
from simulators.errors import WorldDamaged

__all__ = [
    "DISTRICT_FILE",
    "Building",
    "Dispatch",
    "District",
    "Lake",
    "Lot",
    "LotKind",
    "Place",
    "Point",
    "Post",
    "Site",
    "SiteKind",
    "Street",
    "Zone",
    "load_district",
]

DISTRICT_FILE: Final = Path(__file__).resolve().parents[2] / "deploy/district/jianghan.toml"


def load_district(path: Path = DISTRICT_FILE) -> District:
    """Read the district file.

    Raises:
        WorldDamaged: there is none, or it is not what it should be; the message names the file and the key.
    """
    try:
        return district_of(path.read_text(encoding="utf-8"), file=str(path))
    except OSError as error:
        raise WorldDamaged(f"{path}: {error}") from error
    except PlanFileError as error:
        raise WorldDamaged(str(error)) from error
