"""Assets of the register with how they are now, or were known to be at a moment."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from schemas.fields import LIVE, Feed
from services.read_model.alerts import open_alerts_as_of
from services.read_model.asset_states import State
from services.read_model.bounds import text_within, texts_within, time_within
from services.read_model.connection import Asked, Row
from services.read_model.errors import BoxRefused
from services.read_model.last_states import Registered, known_last, last_heard, states_of
from services.read_model.queries import SQL
from services.read_model.typed import typed


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of degrees, WGS-84; it does not cross the meridian of 180 degrees."""

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        """Refuse what is no rectangle on the globe.

        Raises:
            BoxRefused: a bound is no number, is off the globe, or is on the wrong side of the other.
        """
        bounds = (self.west, self.south, self.east, self.north)
        if not all(map(math.isfinite, bounds)) or not (
            -180 <= self.west <= self.east <= 180 and -90 <= self.south <= self.north <= 90
        ):
            shown = ", ".join(f"{each:g}" for each in bounds)
            raise BoxRefused(f"it is {shown}; write west, south, east, north in degrees", parameter="box")

    def has(self, longitude: float, latitude: float) -> bool:
        """Whether a position lies inside, the edges included."""
        return self.west <= longitude <= self.east and self.south <= latitude <= self.north


@dataclass(frozen=True, slots=True)
class AssetRow:
    """One asset and its last state."""

    kind: str
    """district, street, zone, lake, station, site, connector, lot, dispatch, post, unit, building, office or cell."""
    asset_id: str
    feed: str | None
    name_zh: str
    name_en: str
    parent_kind: str | None
    parent_id: str | None
    zone: str | None
    longitude: float
    latitude: float
    """Of a unit: where it was when it reported last."""
    approximate: bool
    capacity: float | None
    capacity_unit: str | None
    limit_value: float | None
    limit_unit: str | None
    state: str
    """A word of `asset_states.STATES` for its kind; `unseen` while nothing was ever heard of it in this lane."""
    state_since: datetime | None
    """Since when, where the figures say so (a class: beginning of its sampling round); None elsewhere."""
    value: float | None
    """What the map writes beside it: kW of a connector or site, free spaces of a lot, class of a point or lake,
    available units of a post, yuan of the year to date of a building."""
    unit: str | None
    observed_at: datetime | None
    """When state and value were measured."""
    last_seen_at: datetime | None
    """When its device, or one of its devices, was heard last, by the platform's clock."""
    quality: str | None
    alert_severity: str | None
    """Worst open alert of its own or of what belongs to it, I (worst) to IV; suppressed ones do not count."""
    open_alerts: int
    alert_since: datetime | None


async def assets(
    asked: Asked,
    *,
    lane: str = LIVE,
    feed: Feed | None = None,
    kinds: tuple[str, ...] = (),
    box: Box | None = None,
    as_of: datetime | None = None,
) -> list[AssetRow]:
    """Assets with their last state, in the order of feed, kind and id; not the cells of the population grid.

    Args:
        kinds: Only these; none: all but `cell`.
        box: Only those inside.
        as_of: As it was known then: the last reading measured and stored by then, the last class said by then, the
            alerts that were known to be open then. Assets are those of today's register, and when they were heard last
            is not known of the past. None: as now known.

    Raises:
        RequestRefused: a part of the question is wrong.
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    text_within(lane, parameter="lane")
    wanted = texts_within(kinds, parameter="kinds")
    moment = None if as_of is None else time_within(as_of, parameter="as_of")
    register = await asked.rows(SQL["assets"], feed)
    found = await _described(asked, register, lane, moment, only_these=False)
    return [
        row
        for row in found
        if (wanted is None or row.kind in wanted) and (box is None or box.has(row.longitude, row.latitude))
    ]


async def asset(
    asked: Asked, kind: str, asset_id: str, *, lane: str = LIVE, as_of: datetime | None = None
) -> AssetRow | None:
    """One asset as `assets` shows it; None when the register has none such.

    Raises:
        RequestRefused: a part of the question is wrong.
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    text_within(kind, parameter="kind")
    text_within(asset_id, parameter="asset_id")
    text_within(lane, parameter="lane")
    moment = None if as_of is None else time_within(as_of, parameter="as_of")
    register = await asked.rows(SQL["asset"], kind, asset_id)
    if (kind, asset_id) not in {(row["kind"], row["asset_id"]) for row in register}:
        return None
    found = await _described(asked, register, lane, moment, only_these=True)
    return next(row for row in found if (row.kind, row.asset_id) == (kind, asset_id))


@dataclass(frozen=True, slots=True)
class Trouble:
    """Open alerts of an asset."""

    severity: str
    n: int
    since: datetime

    def and_also(self, other: Trouble) -> Trouble:
        """Both together: the worst severity (I sorts first), all of them, since the first."""
        return Trouble(min(self.severity, other.severity), self.n + other.n, min(self.since, other.since))


async def _described(
    asked: Asked, register: list[Row], lane: str, as_of: datetime | None, *, only_these: bool
) -> list[AssetRow]:
    assets = typed(Registered, register)
    known = await known_last(asked, assets, lane=lane, as_of=as_of, only_these=only_these)
    states, heard = states_of(assets, known), last_heard(assets, known) if as_of is None else {}
    troubles = with_parents(assets, await _troubles(asked, lane, as_of))
    return [
        _row(row, states[key], heard.get(key), troubles.get(key))
        for row in register
        for key in [(row["kind"], row["asset_id"])]
    ]


async def _troubles(asked: Asked, lane: str, as_of: datetime | None) -> dict[tuple[str, str], Trouble]:
    """Open alerts that are passed on, by feed and asset."""
    if as_of is None:
        rows = await asked.rows(SQL["open_alerts_by_asset"], lane)
        return {(row["feed"], row["asset"]): Trouble(row["severity"], row["n"], row["since"]) for row in rows}
    found: dict[tuple[str, str], Trouble] = {}
    for alert in await open_alerts_as_of(asked, as_of, lane=lane):
        if not alert.suppressed:
            _add(found, (alert.feed, alert.asset), Trouble(alert.severity, 1, alert.started_at))
    return found


def with_parents(
    assets: Iterable[Registered], own: Mapping[tuple[str, str], Trouble]
) -> dict[tuple[str, str], Trouble]:
    """Open alerts of each asset, by kind and id: its own, and those of what belongs to it. Pure."""
    found: dict[tuple[str, str], Trouble] = {}
    for asset in assets:
        trouble = own.get((asset.feed or "", asset.asset_id))
        if trouble is None:
            continue
        _add(found, (asset.kind, asset.asset_id), trouble)
        if asset.parent_kind is not None and asset.parent_id is not None:
            _add(found, (asset.parent_kind, asset.parent_id), trouble)
    return found


def _add(to: dict[tuple[str, str], Trouble], key: tuple[str, str], trouble: Trouble) -> None:
    to[key] = to[key].and_also(trouble) if key in to else trouble


def _row(registered: Row, state: State, heard: datetime | None, trouble: Trouble | None) -> AssetRow:
    unit = None if state.value is None else state.unit
    worst = (None, 0, None) if trouble is None else (trouble.severity, trouble.n, trouble.since)
    now = (state.word, state.since, state.value, unit, state.observed_at, heard, state.quality, *worst)
    # By place: there are thousands.
    row = AssetRow(*registered.values(), *now)
    if state.longitude is None or state.latitude is None:
        return row
    return replace(row, longitude=state.longitude, latitude=state.latitude, approximate=False)
