"""Assets as the database has them, as rows of answers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import TypeAdapter

from services.operations_api.models.assets import AssetDay, AssetRow, DrawnLimit, Point, Series, StateChange
from services.operations_api.places import Place, PlacedAsset, Places
from services.read_model import asset_day, assets

_FIELDS = tuple(AssetRow.model_fields)
_LENIENT: TypeAdapter[AssetRow] = TypeAdapter(AssetRow)
AssetKey = tuple[str, str]
"""Kind and id."""


def asset_row(stored: assets.AssetRow) -> AssetRow:
    """The row of an asset."""
    return _LENIENT.validate_python({name: getattr(stored, name) for name in _FIELDS})


def changed(before: Mapping[AssetKey, assets.AssetRow], after: Iterable[assets.AssetRow]) -> list[assets.AssetRow]:
    """Those that are not as they were."""
    return [row for row in after if before.get((row.kind, row.asset_id)) != row]


def places_of(rows: Iterable[assets.AssetRow], zones: Mapping[str, str]) -> Places:
    """Places of assets by the database, with the zones of the district file for what it does not have."""
    return Places(
        (PlacedAsset(row.feed, row.asset_id, Place(_zone_of(row, zones), row.longitude, row.latitude)) for row in rows),
        zones,
    )


def _zone_of(row: assets.AssetRow, zones: Mapping[str, str]) -> str | None:
    if row.zone is not None:
        return row.zone
    return row.asset_id if row.kind == "zone" else zones.get(row.asset_id)


def day_of(stored: asset_day.AssetDay) -> AssetDay:
    """The day of an asset."""
    return AssetDay(
        since=stored.since,
        until=stored.until,
        series=tuple(_series(each) for each in stored.series),
        changes=tuple(StateChange(at=each.at, word=each.word) for each in stored.changes),
        readings=stored.readings,
    )


def _series(stored: asset_day.Series) -> Series:
    return Series(
        field=stored.field,
        unit=stored.unit,
        points=tuple(Point(at=each.at, value=each.value, quality=each.quality) for each in stored.points),
        limits=tuple(
            DrawnLimit(name_zh=each.name_zh, name_en=each.name_en, threshold=each.threshold) for each in stored.limits
        ),
    )
