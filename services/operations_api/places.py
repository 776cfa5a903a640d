"""Where assets are, by the register: zone and position of what an alert is about. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.alert_action import SilenceScope
from schemas.fields import Feed


@dataclass(frozen=True, slots=True)
class Place:
    """Zone and position of an asset (WGS-84)."""

    zone: str | None
    longitude: float | None
    latitude: float | None


@dataclass(frozen=True, slots=True)
class PlacedAsset:
    """What is needed of an asset to place it."""

    feed: str | None
    asset_id: str
    place: Place


class Places:
    """Places of assets; the same id may be an asset of two feeds, so the feed is asked for first.

    Args:
        assets: As the database has them; none until it has answered.
        zones: The zone of each asset by the district file, zones among them.
    """

    def __init__(self, assets: Iterable[PlacedAsset] = (), zones: Mapping[str, str] | None = None) -> None:
        self._of_feed: Final[dict[tuple[str | None, str], Place]] = {}
        self._of_any: Final[dict[str, Place]] = {}
        self._zones: Final = dict(zones or {})
        for each in assets:
            self._of_feed.setdefault((each.feed, each.asset_id), each.place)
            self._of_any.setdefault(each.asset_id, each.place)
        self._zone_ids: Final = frozenset(
            {*self._zones.values(), *(place.zone for place in self._of_any.values() if place.zone is not None)}
        )

    def of(self, feed: Feed | None, asset_id: str) -> Place | None:
        """The place of an asset; None when nothing is known of it."""
        found = self._of_feed.get((feed, asset_id)) or self._of_any.get(asset_id)
        if found is None and asset_id in self._zones:
            return Place(self._zones[asset_id], None, None)
        return found

    def knows(self, scope: SilenceScope, place: str) -> bool:
        """Whether there is such an asset or zone; while nothing is known yet, there may be."""
        if scope is SilenceScope.ZONE:
            return not self._zone_ids or place in self._zone_ids
        return not self._of_any or place in self._of_any or place in self._zones
