"""A grid of roads over the district, and how long an ambulance takes on it at an hour. Pure: a model, not a map.

Crossings stand 400 m apart; a stretch within 260 m of a main road that the one map draws is a main road, the others are
streets. Speeds follow the hour of day; rain, floods and crowds slow all of them by one factor.
"""

from __future__ import annotations

from functools import lru_cache
from heapq import heappop, heappush
from math import ceil, hypot
from typing import Final

from simulators.chance import Profile, by_hour
from simulators.world.ground import EAST, METRES_A_DEGREE, Drawn, Spot

SPACING_METRES: Final = 400.0
_NEAR_MAIN_METRES: Final = 260.0
_BOX: Final = (114.2198, 30.5660, 114.2978, 30.6447)
"""West, south, east, north of the district (domain reference, section 10)."""
_MAIN_KM_H: Final[Profile] = ((0, 40), (6, 36), (8, 19), (10, 25), (12, 27), (17.5, 17), (20, 27), (23, 38))
_STREET_KM_H: Final[Profile] = ((0, 26), (6, 24), (8, 13), (10, 17), (12, 18), (17.5, 12), (20, 18), (23, 25))
"""With lights and siren; freely chosen."""
_SET_OUT_SECONDS: Final = 40.0
"""From the kerb to the road and back."""
_PARTS: Final = 4
"""Speeds are looked up by the quarter of an hour, and by tenths of the factor."""


class Roads:
    """Crossings in rows from south to north, numbered from west to east."""

    def __init__(self, drawn: Drawn) -> None:
        west, south, east, north = _BOX
        self.columns: Final = ceil((east - west) * EAST / SPACING_METRES) + 1
        self.rows: Final = ceil((north - south) * METRES_A_DEGREE / SPACING_METRES) + 1
        self._ways: Final = [self._ways_from(drawn, number) for number in range(self.columns * self.rows)]
        self._from = lru_cache(4_096)(self._all_from)

    def crossing(self, number: int) -> Spot:
        """Where a crossing is."""
        row, column = divmod(number, self.columns)
        return Spot(_BOX[0] + column * SPACING_METRES / EAST, _BOX[1] + row * SPACING_METRES / METRES_A_DEGREE)

    def nearest(self, spot: Spot) -> int:
        """The crossing next to a place."""
        column = round((spot.longitude - _BOX[0]) * EAST / SPACING_METRES)
        row = round((spot.latitude - _BOX[1]) * METRES_A_DEGREE / SPACING_METRES)
        return min(max(row, 0), self.rows - 1) * self.columns + min(max(column, 0), self.columns - 1)

    @property
    def main_share(self) -> float:
        """Share of all stretches that are main roads."""
        kinds = [is_main for ways in self._ways for _, is_main in ways]
        return sum(kinds) / len(kinds)

    def seconds(self, start: Spot, end: Spot, hour: float, factor: float = 1.0) -> float:
        """How long it takes.

        Args:
            hour: Local hour of day with its fraction, 0 up to 24.
            factor: Share of the hour's usual speed that is left, above 0.
        """
        tenths = max(1, round(factor * 10))
        ways = self._from(self.nearest(start), int(hour * _PARTS) % (24 * _PARTS), tenths)
        goal = self.nearest(end)
        rest = self._beside(start) + self._beside(end)
        km_h = by_hour(_STREET_KM_H, hour) * tenths / 10
        return _SET_OUT_SECONDS + ways[goal] + rest / km_h * 3.6

    def _beside(self, spot: Spot) -> float:
        """Metres from a place to its crossing."""
        at = self.crossing(self.nearest(spot))
        return hypot((spot.longitude - at.longitude) * EAST, (spot.latitude - at.latitude) * METRES_A_DEGREE)

    def _ways_from(self, drawn: Drawn, number: int) -> list[tuple[int, bool]]:
        row, column = divmod(number, self.columns)
        here = self.crossing(number)
        found = []
        for next_row, next_column in ((row, column - 1), (row, column + 1), (row - 1, column), (row + 1, column)):
            if 0 <= next_row < self.rows and 0 <= next_column < self.columns:
                there = self.crossing(next_row * self.columns + next_column)
                middle = Spot((here.longitude + there.longitude) / 2, (here.latitude + there.latitude) / 2)
                is_main = drawn.metres_to_road(middle) <= _NEAR_MAIN_METRES
                found.append((next_row * self.columns + next_column, is_main))
        return found

    def _all_from(self, start: int, part: int, tenths: int) -> list[float]:
        """Seconds from a crossing to every other (Dijkstra)."""
        hour = part / _PARTS
        main, street = (
            SPACING_METRES * 3.6 / (by_hour(profile, hour) * tenths / 10) for profile in (_MAIN_KM_H, _STREET_KM_H)
        )
        best = [float("inf")] * len(self._ways)
        best[start] = 0.0
        queue = [(0.0, start)]
        while queue:
            seconds, here = heappop(queue)
            if seconds > best[here]:
                continue
            for there, is_main in self._ways[here]:
                reached = seconds + (main if is_main else street)
                if reached < best[there]:
                    best[there] = reached
                    heappush(queue, (reached, there))
        return best
