"""Assets: where they are, how they are, how their last day was."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from services.operations_api.access import Reader
from services.operations_api.models.alerts import AlertPage
from services.operations_api.models.assets import AssetDay, AssetDetail, AssetList
from services.operations_api.parts import Given
from services.operations_api.problems import documented
from services.operations_api.routes.queries import AssetId, AssetKind, Bbox, Cursor, Feeds, LaneAsked, Limit, Moment

router: Final = APIRouter(tags=["assets"])


@router.get("/assets", operation_id="listAssets", responses=documented(), summary="Assets with their state")
async def assets(
    *, _: Reader, given: Given, feed: Feeds = None, bbox: Bbox = None, lane: LaneAsked = "live", as_of: Moment = None
) -> AssetList:
    """List assets, with the state of when the database was last asked (every second or two).

    With `as_of`, or of another lane than real life, the database is asked at once.
    """
    return await given.assets.listed(feed=feed, bbox=bbox, lane=lane, as_of=as_of)


@router.get("/assets/{kind}/{asset_id}", operation_id="getAsset", responses=documented(404), summary="One asset")
async def asset(*, _: Reader, given: Given, kind: AssetKind, asset_id: AssetId) -> AssetDetail:
    """Show one asset."""
    return await given.assets.detail(kind, asset_id)


@router.get(
    "/assets/{kind}/{asset_id}/day", operation_id="getAssetDay", responses=documented(404), summary="Its last day"
)
async def day(*, _: Reader, given: Given, kind: AssetKind, asset_id: AssetId, until: Moment = None) -> AssetDay:
    """Show the readings of the 24 hours up to a moment, by device and field, with the limits to draw."""
    return await given.assets.day(kind, asset_id, until)


@router.get(
    "/assets/{kind}/{asset_id}/alerts", operation_id="getAssetAlerts", responses=documented(404), summary="Its alerts"
)
async def alerts(
    *,
    _: Reader,
    given: Given,
    kind: AssetKind,
    asset_id: AssetId,
    lane: LaneAsked = "live",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> AlertPage:
    """List alerts of an asset and of what belongs to it, over or not, the one raised last in front."""
    return await given.alerts.of_asset(await given.assets.row(kind, asset_id), lane, limit, cursor)
