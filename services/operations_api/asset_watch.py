"""Assets and their states: asked of the database every second or two while somebody listens, seldom otherwise.

What has changed goes over the stream. While the database does not answer, what was known last stays, with its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import structlog

from schemas.fields import LIVE, Feed
from services.operations_api.alert_query import split
from services.operations_api.asking import asking
from services.operations_api.asset_rows import AssetKey, asset_row, changed, day_of, places_of
from services.operations_api.errors import NotThere, NotUsable
from services.operations_api.models.assets import AssetDay, AssetDetail, AssetList, AssetRow
from services.operations_api.models.streaming import AssetChanges
from services.operations_api.places import Places
from services.operations_api.stream import Hub
from services.read_model import asset_day, assets
from services.read_model.connection import Database
from services.read_model.errors import ReadModelError

log = structlog.stdlib.get_logger()

QUIET_SECONDS: Final = 10.0
"""Between two looks while nobody listens."""
EASE: Final = 3.0
"""Pause after asking, in times of how long the answer took: a loaded database is asked less."""
MOST_OF_EVENT: Final = 500
"""Assets of one event of the stream."""
_KINDS_OF_BOARDS: Final = {"lake": "water", "station": "water", "site": "ev", "connector": "ev", "lot": "parking"}


class AssetWatch:
    """Knows the assets of real life as of a moment ago."""

    def __init__(
        self,
        database: Database,
        hub: Hub,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        seconds: float,
        zones: Mapping[str, str],
        grafana_url: str | None,
    ) -> None:
        self._database = database
        self._hub = hub
        self._now = now
        self._monotonic = monotonic
        self._seconds = seconds
        self._zones = zones
        self._grafana = grafana_url
        self._known: dict[AssetKey, assets.AssetRow] = {}
        self._lanes: dict[str, dict[AssetKey, assets.AssetRow]] = {}
        """Lanes beside real life that somebody listens to."""
        self.places = Places((), zones)
        self.known_at: datetime | None = None
        self.trouble: str | None = "it has not answered yet"
        """Why the database does not answer; None: it does."""

    async def run(self) -> None:
        """Look for ever."""
        while True:
            began = self._monotonic()
            await self.look()
            await asyncio.sleep(max(self._seconds, EASE * (self._monotonic() - began)))
            waited = self._seconds
            while not self._hub.is_heard and waited < QUIET_SECONDS:
                await asyncio.sleep(self._seconds)
                waited += self._seconds

    async def look(self) -> None:
        """Ask the database once, and send what has changed."""
        try:
            rows = await assets.assets(self._database)
            self._take(LIVE, self._known, rows)
            await self._look_at_lanes()
        except ReadModelError as error:
            if self.trouble is None:
                log.warning("the states of assets are not known", action="keep_assets", error=str(error))
            self.trouble = str(error)
            return
        self.trouble = None
        self.known_at = self._now()

    async def listed(self, *, feed: str | None, bbox: str | None, lane: str, as_of: datetime | None) -> AssetList:
        """Assets with their state.

        Raises:
            NotUsable: the rectangle is none.
            NotNow: the database has to be asked and does not answer.
        """
        box = _box(bbox)
        feeds = frozenset(map(Feed, split(feed)))
        if lane == LIVE and as_of is None and self.known_at is not None:
            rows, known_at = list(self._known.values()), self.known_at
        else:
            with asking("What was known of assets"):
                rows = await assets.assets(self._database, lane=lane, as_of=as_of)
            known_at = as_of or self._now()
        wanted = [row for row in rows if (not feeds or row.feed in feeds) and (box is None or _inside(row, box))]
        return AssetList(items=tuple(map(asset_row, wanted)), known_at=known_at)

    async def row(self, kind: str, asset_id: str) -> AssetRow:
        """One asset.

        Raises:
            NotThere: the register has none such.
            NotNow: the database has to be asked and does not answer.
        """
        known = self._known.get((kind, asset_id))
        if known is None:
            with asking("What is known of this asset"):
                known = await assets.asset(self._database, kind, asset_id)
        if known is None:
            raise NotThere(f"The register has no {kind} {asset_id}.")
        return asset_row(known)

    async def detail(self, kind: str, asset_id: str) -> AssetDetail:
        """One asset with where to see more; see `row`."""
        row = await self.row(kind, asset_id)
        board = None
        if self._grafana is not None:
            name = row.feed or _KINDS_OF_BOARDS.get(row.kind, "today")
            board = f"{self._grafana.rstrip('/')}/d/jianghan-{name}"
        return AssetDetail(**dict(row), grafana_url=board)

    async def day(self, kind: str, asset_id: str, until: datetime | None) -> AssetDay:
        """Readings of the day up to a moment; now when none is said.

        Raises:
            NotThere: the register has no such asset.
            NotNow: the database does not answer.
        """
        with asking("The last day of an asset"):
            found = await asset_day.day_of(self._database, kind, asset_id, until=until or self._now())
        if found is None:
            raise NotThere(f"The register has no {kind} {asset_id}.")
        return day_of(found)

    async def _look_at_lanes(self) -> None:
        wanted = self._hub.lanes - {LIVE}
        self._lanes = {lane: self._lanes.get(lane, {}) for lane in wanted}
        for lane, known in self._lanes.items():
            self._take(lane, known, await assets.assets(self._database, lane=lane))

    def _take(self, lane: str, known: dict[AssetKey, assets.AssetRow], rows: list[assets.AssetRow]) -> None:
        new = changed(known, rows)
        is_first = not known
        register_changed = len(known) != len(rows) or any(
            (before := known.get((row.kind, row.asset_id))) is None
            or (before.zone, before.longitude, before.latitude) != (row.zone, row.longitude, row.latitude)
            for row in new
        )
        known.clear()
        known.update({(row.kind, row.asset_id): row for row in rows})
        if lane == LIVE and register_changed:
            self.places = places_of(rows, self._zones)
        if is_first:
            return
        for begin in range(0, len(new), MOST_OF_EVENT):
            items = tuple(map(asset_row, new[begin : begin + MOST_OF_EVENT]))
            self._hub.publish("asset", AssetChanges(items=items), lane)


def _box(bbox: str | None) -> assets.Box | None:
    if bbox is None:
        return None
    west, south, east, north = map(float, bbox.split(","))
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise NotUsable("`bbox` is west,south,east,north in degrees: the west is not east of the east.")
    return assets.Box(west, south, east, north)


def _inside(row: assets.AssetRow, box: assets.Box) -> bool:
    return box.west <= row.longitude <= box.east and box.south <= row.latitude <= box.north
