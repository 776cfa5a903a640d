"""Zones of assets from the district file, so that filters and silences by zone work without the database. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

_PLACES: Final = ("lake", "site", "lot", "post", "building")


class DistrictFileUnusable(ValueError):
    """The district file is not TOML, or not of its form; the message says where."""


def zones_of(text: str, *, file: str) -> Mapping[str, str]:
    """The zone of each asset that has one, by the asset's id; a zone is in itself.

    What is part of a place (points of a lake, connectors of a site, the tax entry of a building) is in its zone.

    Args:
        text: TOML of the district file.
        file: Its name for messages.

    Raises:
        DistrictFileUnusable: it cannot be used.
    """
    try:
        known = tomllib.loads(text)
        found = {zone["id"]: zone["id"] for zone in known["zone"]}
        for kind in _PLACES:
            for place in known.get(kind, ()):
                if "zone" in place:
                    found |= dict.fromkeys(_names(kind, place), place["zone"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise DistrictFileUnusable(f"{file}: {type(error).__name__} {error}") from error
    return MappingProxyType(found)


def _names(kind: str, place: Mapping[str, Any]) -> Iterator[str]:
    own: str = place["id"]
    yield own
    match kind:
        case "lake":
            yield from (point["id"] for point in place.get("points", ()))
        case "site":
            name = own.removeprefix("site-")
            yield from (f"ev-{name}-{number:02d}" for number in range(1, place["connectors"] + 1))
        case "building":
            yield f"tax-{own.removeprefix('building-')}"
        case _:
            return
