"""The last day of an asset: what was measured, by field, with the limits that hold for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from schemas.fields import LIVE, Feed
from services.read_model.assets import AssetRow, asset
from services.read_model.bounds import time_within
from services.read_model.connection import Asked, Row
from services.read_model.field_limits import UNITS, WORDS, limits_by_field
from services.read_model.plan import plan_in_force
from services.read_model.plan_limits import LimitRow
from services.read_model.queries import SQL, of_feed

DAY: Final = timedelta(hours=24)
POINTS_MOST: Final = 1_500
_TOGETHER: Final = {"site": "day_of_site", "zone": "day_of_zone", "lake": "day_of_lake", "building": "day_of_building"}
"""What is shown of an asset that is not itself a device: its devices together."""
_FEEDS_OF_GROUPS: Final = {"site": Feed.EV, "zone": Feed.PARKING, "lake": Feed.WATER, "building": Feed.TAX}


@dataclass(frozen=True, slots=True)
class Point:
    """One value at one time."""

    at: datetime
    value: float | None
    """None: the device reported and did not measure this."""
    quality: str | None
    """Of the reading; None: several readings together, of which doubtful ones are left out."""


@dataclass(frozen=True, slots=True)
class Change:
    """A word (a state) and since when it holds."""

    at: datetime
    word: str


@dataclass(frozen=True, slots=True)
class Series:
    """What was measured of one field."""

    field: str
    """Its name in the feed's view, with the unit in it: `power_kw`, `do_mg_l`, `free_spaces`."""
    unit: str
    points: tuple[Point, ...]
    """In the order of time; at most 1,500: of more readings every second, third … one."""
    limits: tuple[LimitRow, ...]


@dataclass(frozen=True, slots=True)
class AssetDay:
    """A day of an asset."""

    asset: AssetRow
    since: datetime
    until: datetime
    series: tuple[Series, ...]
    """Those fields that were measured at all."""
    changes: tuple[Change, ...]
    """Of its state in words (a connector, a unit); none for others."""
    readings: int
    """So many readings it rests on."""


async def day_of(
    asked: Asked, kind: str, asset_id: str, *, until: datetime, lane: str = LIVE, as_of: datetime | None = None
) -> AssetDay | None:
    """The 24 hours before a moment; None when the register has no such asset.

    A device shows its own readings. A site shows the power of all its connectors together and a zone the free spaces of
    its lots (means of ten minutes), a lake the means of its points and a building the sums of what its office reported
    (by the hour). What is neither shows nothing.

    Args:
        until: End of the day, exclusive.
        as_of: Only readings that had been stored by then, and limits published by then; None: all.

    Raises:
        RequestRefused: a part of the question is wrong.
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    end = time_within(until, parameter="until")
    found = await asset(asked, kind, asset_id, lane=lane, as_of=as_of)
    if found is None:
        return None
    begin = end - DAY
    feed = _FEEDS_OF_GROUPS.get(kind) or (Feed(found.feed) if found.feed else None)
    rows: list[Row] = []
    if kind in _TOGETHER:
        rows = await asked.rows(SQL[_TOGETHER[kind]], lane, kind, asset_id, begin, end, as_of)
    elif feed is not None:
        rows = await asked.rows(of_feed("day_of_device", feed), lane, asset_id, begin, end, as_of, POINTS_MOST)
    if feed is None or not rows:
        return AssetDay(found, begin, end, (), (), 0)
    in_force = (await plan_in_force(asked, at=end, as_of=as_of)).limits
    limits = limits_by_field(kind, found.capacity, found.limit_value, in_force)
    series = tuple(series_of(rows, feed, limits))
    return AssetDay(found, begin, end, series, tuple(changes_of(rows, feed)), _readings(rows))


def series_of(rows: Sequence[Row], feed: Feed, limits: dict[str, tuple[LimitRow, ...]]) -> Iterator[Series]:
    """A series for each field that was measured at all. Pure.

    Args:
        rows: In the order of time, each with `observed_at`, `quality` and some of the feed's fields.
    """
    present = set(rows[0].keys()) if rows else set()
    for field, unit in UNITS[feed].items():
        if field not in present or all(row[field] is None for row in rows):
            continue
        points = tuple(Point(row["observed_at"], _number(row[field]), row["quality"]) for row in rows)
        yield Series(field, unit, points, limits.get(field, ()))


def changes_of(rows: Sequence[Row], feed: Feed) -> Iterator[Change]:
    """When the state in words changed; the first is how the day began. Pure."""
    field = WORDS.get(feed)
    if field is None or not rows or field not in set(rows[0].keys()):
        return
    said: str | None = None
    for row in rows:
        word = row[field]
        if word is not None and word != said:
            said = word
            yield Change(row["observed_at"], word)


def _readings(rows: Sequence[Row]) -> int:
    """How many readings there were: each row of a device says it, rows of groups count their own."""
    return int(rows[0]["readings"]) if "place" in set(rows[0].keys()) else sum(row["readings"] for row in rows)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
