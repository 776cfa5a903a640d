"""What an automatic station of a lake measures at a time. Pure.

Temperature follows the season and the day; oxygen and pH follow the light (algae); nutrients walk slowly; now and then
a storm drain brings a pollution episode to a lake, and an instrument fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import cos, exp, floor, pi, sin
from typing import Any, Final

from schemas.fields import Feed, Quality
from schemas.water import WaterBody
from simulators.chance import between, draw, local_hour, normal, wander
from simulators.world.district import Lake, Point

WALK_SECONDS: Final = 12 * 3600
EPISODE_SLOT_SECONDS: Final = 6 * 3600
EPISODE_SHARE: Final = 0.2
"""Share of the slots in which an episode happens."""
FAULT_SLOT_SECONDS: Final = 4 * 3600
FAULT_SHARE: Final = 0.04


@dataclass(frozen=True, slots=True)
class WaterModel:
    """One point of one lake.

    Args:
        pace: How many times faster than in nature the slow things happen (walks, episodes, faults), so that a screen
            has something to show; day and season keep their own time.
    """

    seed: int
    lake: Lake
    point: Point
    pace: float = 20.0

    def observe(self, at: datetime) -> dict[str, Any]:
        """Return the reading's own fields."""
        slow = at.timestamp() * self.pace
        fault = self._fault(slow)
        seen = at if fault is not Quality.UNCERTAIN else self._frozen_at(slow)
        values = self._values(seen, seen.timestamp() * self.pace)
        if fault is Quality.FAULT:
            values["nh3n_mg_l"] = values["tp_mg_l"] = None
        return {
            "feed": Feed.WATER,
            "device_id": self.point.id,
            "group_id": self.lake.id,
            "water_body": WaterBody.LAKE,
            "station_name": self.point.name_zh,
            **values,
            **({} if fault in {None, Quality.UNCERTAIN} else {"quality": fault}),
        }

    def _values(self, at: datetime, slow: float) -> dict[str, Any]:
        key, lake = (self.seed, self.point.id), self.lake.level
        hour, day = local_hour(at), at.timetuple().tm_yday
        light = max(0.0, sin(pi * (hour - 7) / 14)) if 7 <= hour <= 21 else 0.0
        shock = episode(self.seed, self.lake.id, slow)
        bloom = lake.chla_ug_l / 20 * (1 + 0.3 * self._walk("chla", slow))
        temperature = 17.5 + 11.5 * sin(2 * pi * (day - 115) / 365) + 0.9 * cos(2 * pi * (hour - 15.5) / 24)
        temperature += 0.6 * self._walk("temperature", slow) + 0.05 * normal(*key, "t", at)
        saturation = 468 / (31.6 + temperature)
        oxygen = saturation * (0.84 + 0.16 * bloom * light + 0.03 * self._walk("do", slow)) * (1 - 0.45 * shock)
        nh3n = lake.nh3n_mg_l * self._level("nh3n", slow, 0.14) * (1 + 3.0 * shock)
        tp = lake.tp_mg_l * self._level("tp", slow, 0.08) * (1 + 1.8 * shock)
        tn = max(lake.tn_mg_l * self._level("tn", slow, 0.10) * (1 + 1.2 * shock), nh3n * 1.15)
        chlorophyll = lake.chla_ug_l * (1 + 0.3 * self._walk("chla", slow)) * (0.9 + 0.2 * light)
        return {
            "water_temp_c": round(temperature, 2),
            "ph": round(
                7.75 + 0.45 * bloom * light / (1 + bloom * 0.2) - 0.3 * shock + 0.01 * normal(*key, "p", at), 2
            ),
            "do_mg_l": round(oxygen + 0.03 * normal(*key, "d", at), 2),
            "conductivity_us_cm": round(405 + 25 * self._walk("ec", slow) + 160 * shock, 1),
            "turbidity_ntu": round(14 * self._level("ntu", slow, 0.3) * (1 + 2 * shock), 1),
            "codmn_mg_l": round(lake.codmn_mg_l * self._level("codmn", slow, 0.07) * (1 + 0.6 * shock), 3),
            "nh3n_mg_l": round(nh3n, 4),
            "tp_mg_l": round(tp, 5),
            "tn_mg_l": round(tn, 4),
            "chla_ug_l": round(chlorophyll, 2),
            "transparency_m": round(max(0.15, 0.95 - 0.012 * lake.chla_ug_l - 0.3 * shock), 2),
            "algae_cells_l": round(chlorophyll * 380_000),
        }

    def _walk(self, item: str, slow: float) -> float:
        return wander(slow, WALK_SECONDS, self.seed, self.lake.id, item) * 0.8 + 0.2 * wander(
            slow, WALK_SECONDS / 7, self.seed, self.point.id, item
        )

    def _level(self, item: str, slow: float, width: float) -> float:
        return exp(width * self._walk(item, slow))

    def _fault(self, slow: float) -> Quality | None:
        slot = floor(slow / FAULT_SLOT_SECONDS)
        if draw(self.seed, self.point.id, "fault", slot) >= FAULT_SHARE:
            return None
        kinds = (Quality.FAULT, Quality.MAINTENANCE, Quality.UNCERTAIN)
        return kinds[floor(3 * draw(self.seed, self.point.id, "fault kind", slot))]

    def _frozen_at(self, slow: float) -> datetime:
        """A stuck instrument repeats what it measured when it got stuck, and does not know it."""
        begun = floor(slow / FAULT_SLOT_SECONDS) * FAULT_SLOT_SECONDS / self.pace
        return datetime.fromtimestamp(begun, tz=UTC)


def episode(seed: int, lake_id: str, slow: float) -> float:
    """Return how strong a pollution episode is just now, 0 (none) to about 1."""
    slot = floor(slow / EPISODE_SLOT_SECONDS)
    if draw(seed, lake_id, "episode", slot) >= EPISODE_SHARE:
        return 0.0
    length = between(0.4, 0.9, seed, lake_id, "length", slot) * EPISODE_SLOT_SECONDS
    share = (slow - slot * EPISODE_SLOT_SECONDS) / length
    if share >= 1:
        return 0.0
    return sin(pi * share) ** 2 * between(0.4, 1.0, seed, lake_id, "strength", slot)
