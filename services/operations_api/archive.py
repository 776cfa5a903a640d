"""The database's answers as the contract has them: figures, targets, layers, books."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import orjson
from pydantic import BaseModel

from schemas.fields import Feed
from schemas.verdict import Threshold
from services.operations_api import layer_features
from services.operations_api.asking import asking
from services.operations_api.errors import NotUsable
from services.operations_api.layer_features import LayerName
from services.operations_api.models.books import (
    DeliveryPage,
    DeliveryRow,
    DeviceHour,
    FeedLedger,
    FeedList,
    FeedRow,
    Ledger,
    LogGap,
)
from services.operations_api.models.figures import IndicatorPage, IndicatorRow, Layer, TargetList, TargetRow
from services.read_model import deliveries, feeds, indicators, layers, ledger
from services.read_model import targets as plan_targets
from services.read_model.connection import Database

M = TypeVar("M", bound=BaseModel)

HOURS_MOST: Final = timedelta(days=31)
"""Longest span of a device's hours."""
HOURS_USUAL: Final = timedelta(days=1)


class Archive:
    """Questions to the database."""

    def __init__(self, database: Database, *, now: Callable[[], datetime], grafana_url: str | None) -> None:
        self._database = database
        self._now = now
        self._grafana = None if grafana_url is None else grafana_url.rstrip("/")

    async def indicators(
        self,
        *,
        as_of: datetime | None,
        indicator: str | None,
        subject: str | None,
        lane: str,
        limit: int,
        cursor: str | None,
    ) -> IndicatorPage:
        """Indicators, the newest period first."""
        which = indicators.IndicatorFilter(lane=lane, id=indicator, subject=subject)
        with asking("The list of indicators"):
            page = await indicators.indicators(self._database, which, as_of=as_of, limit=limit, cursor=cursor)
        items = tuple(_as(IndicatorRow, row, threshold=_threshold(row.threshold)) for row in page.items)
        return IndicatorPage(items=items, next_cursor=page.next_cursor, as_of=as_of)

    async def targets(self, as_of: datetime | None) -> TargetList:
        """Targets in the plan's order."""
        with asking("The list of targets"):
            rows = await plan_targets.targets(self._database, as_of=as_of)
        return TargetList(items=tuple(self._target(row, as_of) for row in rows), as_of=as_of)

    async def layer(self, name: LayerName, as_of: datetime | None) -> Layer:
        """One layer of the map."""
        with asking("A layer of the map"):
            match name:
                case LayerName.COVERAGE:
                    return layer_features.coverage(await layers.coverage(self._database, as_of=as_of))
                case LayerName.PARKING:
                    at = as_of or self._now()
                    return layer_features.parking(await layers.parking_guidance(self._database, at=at))
                case LayerName.CHARGING:
                    return layer_features.charging(await layers.charging(self._database, as_of=as_of))
                case LayerName.LAKES:
                    return layer_features.lakes(await layers.lakes(self._database, as_of=as_of))

    async def feeds(self, platform_alerts: int) -> FeedList:
        """Each feed's health."""
        with asking("The health of the feeds"):
            rows = await feeds.feed_health(self._database)
        items = tuple(
            FeedRow(
                feed=Feed(row.feed),
                registered=row.registered,
                heard=row.heard,
                last_seen_at=row.last_seen_at,
                readings_per_second=row.readings_per_s,
                completeness=row.completeness,
            )
            for row in rows
        )
        return FeedList(items=items, platform_alerts=platform_alerts)

    async def ledger(
        self, *, feed: str | None, device: str | None, since: datetime | None, until: datetime | None
    ) -> Ledger:
        """The books of the feeds, those of a device by the hour, and gaps of the log.

        Raises:
            NotUsable: the span is longer than a month, or ends before it begins.
        """
        end = until or self._now()
        begin = since or end - HOURS_USUAL
        if not timedelta(0) <= end - begin <= HOURS_MOST:
            raise NotUsable(f"`since` lies before `until`, at most {HOURS_MOST.days} days.")
        with asking("The ledger"):
            books = await ledger.books(self._database, feed=None if feed is None else Feed(feed))
            gaps = await ledger.log_gaps(self._database)
            hours = [] if device is None else await ledger.device_hours(self._database, device, since=begin, until=end)
        return Ledger(
            feeds=tuple(_as(FeedLedger, row) for row in books),
            hours=tuple(_as(DeviceHour, row, hour=row.bucket) for row in hours),
            gaps=tuple(_as(LogGap, row) for row in gaps),
        )

    async def deliveries(
        self, *, subscriber: str | None, since: datetime | None, until: datetime | None, limit: int, cursor: str | None
    ) -> DeliveryPage:
        """Attempts, the newest first."""
        which = deliveries.DeliveryFilter(subscriber=subscriber, since=since, until=until)
        with asking("The list of deliveries"):
            page = await deliveries.deliveries(self._database, which, limit=limit, cursor=cursor)
        return DeliveryPage(items=tuple(_as(DeliveryRow, row) for row in page.items), next_cursor=page.next_cursor)

    def _target(self, row: plan_targets.TargetRow, as_of: datetime | None) -> TargetRow:
        board = None if self._grafana is None else f"{self._grafana}/d/jianghan-{row.feed or 'plan'}"
        asked = {"id": row.id, "subject": row.subject, "as_of": None if as_of is None else as_of.isoformat()}
        path = f"/api/v1/indicators?{urlencode({name: value for name, value in asked.items() if value is not None})}"
        measured = row.period_start is not None
        return _as(TargetRow, row, indicator=path if measured else None, grafana_url=board)


def _threshold(stored: Mapping[str, Any] | None) -> Threshold | None:
    """A limit as the database keeps it: JSON, which the contract reads strictly."""
    return None if stored is None else Threshold.model_validate_json(orjson.dumps(stored))


def _as(model: type[M], row: Any, **more: Any) -> M:
    """A row of the read model as a row of the contract: the fields have the same names."""
    fields = {name: getattr(row, name) for name in model.model_fields if name not in more}
    return model.model_validate(fields | more)
