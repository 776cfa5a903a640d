"""The district file as the simulators read it: the model of `schemas.district`, with what they alone need there."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from schemas import district as register
from schemas.district import LotKind, Place, Point, Post, SiteKind, Street, Zone
from schemas.fields import Identifier
from schemas.plan.errors import PlanFileError
from schemas.plan.toml import parse_document
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
    "simulated_district_of",
]

DISTRICT_FILE: Final = Path(__file__).resolve().parents[2] / "deploy/district/jianghan.toml"


class Lake(register.Lake):
    """A lake whose nutrients are simulated."""

    level: register.Level


class Site(register.Site):
    """A charging site whose use is simulated."""

    zone: Identifier
    kind: SiteKind
    commissioned: date


class Lot(register.Lot):
    """A car park whose use is simulated."""

    kind: LotKind


class Dispatch(register.Dispatch):
    """A dispatch centre whose calls are simulated."""

    calls_per_day: Annotated[float, Field(gt=0)]


class Building(register.Building):
    """A building whose taxes are simulated."""

    zone: Identifier
    annual_tax_cny: Annotated[int, Field(gt=0)]


class District(register.District):
    """A district that can be simulated."""

    lake: tuple[Lake, ...]
    site: tuple[Site, ...]
    lot: tuple[Lot, ...]
    dispatch: Dispatch
    building: tuple[Building, ...]


def simulated_district_of(text: str, *, file: str) -> District:
    """The district in the text of a district file that has what simulators need.

    Raises:
        PlanFileError: the text is not TOML, or a key is missing, unknown or wrong; the message names file and key.
    """
    return parse_document(text, District, file=file)


def load_district(path: Path = DISTRICT_FILE) -> District:
    """Read the district file.

    Raises:
        WorldDamaged: there is none, or it is not what it should be; the message names the file and the key.
    """
    try:
        return simulated_district_of(path.read_text(encoding="utf-8"), file=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise WorldDamaged(f"{path}: {error}") from error
    except PlanFileError as error:
        raise WorldDamaged(str(error)) from error
