"""How far it is on foot from one car park of the district to the other. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, hypot, radians
from typing import Final

from schemas.district import Lot

_METRES_PER_DEGREE: Final = 111_195.0
"""Of latitude, on a sphere of 6,371 km."""


def walking_metres(here: Lot, there: Lot, detour_factor: float) -> int:
    """Walking distance: the straight line times a detour factor, in whole metres.

    Args:
        detour_factor: Policy; how much longer the way along streets is than the straight line.
    """
    north = (there.latitude - here.latitude) * _METRES_PER_DEGREE
    shrink = cos(radians((there.latitude + here.latitude) / 2))
    east = (there.longitude - here.longitude) * _METRES_PER_DEGREE * shrink
    return round(hypot(north, east) * detour_factor)


class WalkingDistances:
    """Walking distances between the lots of one district under one policy, worked out when they are first asked for."""

    __slots__ = ("_detour_factor", "_lots", "_nearest", "_neighbours", "_zones")

    def __init__(self, lots: Mapping[str, Lot], detour_factor: float) -> None:
        self._lots: Final = lots
        self._detour_factor: Final = detour_factor
        self._zones: Final[dict[str, list[Lot]]] = {}
        for lot in lots.values():
            self._zones.setdefault(lot.zone, []).append(lot)
        self._nearest: Final[dict[str, tuple[tuple[int, str], ...]]] = {}
        self._neighbours: Final[dict[str, frozenset[str]]] = {}

    def between(self, here: str, there: str) -> int | None:
        """Metres on foot between two lots of one zone; None when the position of one of them is not known."""
        a, b = self._lots.get(here), self._lots.get(there)
        if a is None or b is None or a is b or a.zone != b.zone:
            return None
        return walking_metres(a, b, self._detour_factor)

    def nearest(self, here: str) -> tuple[tuple[int, str], ...]:
        """Metres and id of the other lots of the zone, the nearest first; empty when the position is not known."""
        found = self._nearest.get(here)
        if found is None:
            lot = self._lots.get(here)
            others = [] if lot is None else [other for other in self._zones[lot.zone] if other is not lot]
            ways = ((self.between(here, other.id) or 0, other.id) for other in others)
            found = self._nearest[here] = tuple(sorted(ways))
        return found

    def neighbours(self, here: str) -> frozenset[str]:
        """The lots whose distance is known."""
        found = self._neighbours.get(here)
        if found is None:
            found = self._neighbours[here] = frozenset(lot for _, lot in self.nearest(here))
        return found
