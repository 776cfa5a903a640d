"""Asks for what is known last of assets: readings of devices, classes of water, tax of buildings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from schemas.fields import Feed
from schemas.plan.in_force import local_midnight_us
from services.read_model.asset_states import (
    NOT_SEEN,
    STATELESS,
    STATES,
    ConnectorNow,
    LotLimits,
    LotNow,
    State,
    UnitNow,
    building_state,
    class_state,
    connector_state,
    lot_state,
    post_state,
    site_state,
    unit_state,
)
from services.read_model.connection import Asked
from services.read_model.figures import FigureRow, figures, sample_figures
from services.read_model.plan import local_day, publications
from services.read_model.queries import SQL
from services.read_model.typed import typed

N = TypeVar("N", ConnectorNow, UnitNow)
_POINT_CLASS: Final = "water.point_class"
_LAKE_CLASS: Final = "water.class"
_YEAR_TO_DATE: Final = "tax.year_to_date"
_HEARD: Final = State("heard")


class Registered(NamedTuple):
    """What the register says of an asset that its state depends on."""

    kind: str
    asset_id: str
    feed: str | None
    parent_kind: str | None
    parent_id: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known last, by device or subject."""

    connectors: Sequence[ConnectorNow] = ()
    lots: Sequence[LotNow] = ()
    units: Sequence[UnitNow] = ()
    figures: Mapping[tuple[str, str], FigureRow] = field(default_factory=dict)
    """By indicator and subject."""
    heard: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    """When each device was heard last, by feed and device."""
    lot_limits: LotLimits | None = None


async def known_last(
    asked: Asked, assets: Sequence[Registered], *, lane: str, as_of: datetime | None, only_these: bool
) -> Known:
    """What is known last of some assets.

    Args:
        as_of: Measured and stored by then; None: now.
        only_these: Ask for these assets' devices; otherwise for all devices of their feeds, which is one go.
    """
    feeds = {each.feed for each in assets if each.kind in STATES}
    ids = [each.asset_id for each in assets] if only_these else None
    asked_for = (lane, as_of, ids)
    classes: list[FigureRow] = []
    connectors: list[ConnectorNow] = []
    lots: list[LotNow] = []
    units: list[UnitNow] = []
    limits = None
    if Feed.EV in feeds:
        connectors = typed(ConnectorNow, await asked.rows(SQL["last_of_connectors"], *asked_for))
    if Feed.PARKING in feeds:
        lots = typed(LotNow, await asked.rows(SQL["last_of_lots"], *asked_for))
        limits = await _lot_limits(asked, as_of)
    if Feed.EMERGENCY in feeds:
        units = typed(UnitNow, await asked.rows(SQL["last_of_units"], *asked_for))
    if Feed.WATER in feeds:
        classes += await sample_figures(asked, _POINT_CLASS, lane=lane, as_of=as_of)
        classes += await figures(asked, (_LAKE_CLASS,), lane=lane, as_of=as_of)
    if Feed.TAX in feeds:
        classes += await figures(asked, (_YEAR_TO_DATE,), lane=lane, as_of=as_of)
    return Known(
        connectors,
        lots,
        units,
        {(row.id, row.subject): row for row in classes},
        await _heard(asked, feeds, lane, as_of),
        limits,
    )


async def _heard(
    asked: Asked, feeds: Iterable[str | None], lane: str, as_of: datetime | None
) -> dict[tuple[str, str], datetime]:
    named = [feed for feed in feeds if feed is not None]
    only = named[0] if len(named) == 1 else None
    rows = await asked.rows(SQL["devices"], lane, only, as_of)
    return {(row["feed"], row["device_id"]): row["last_seen_at"] for row in rows}


async def _lot_limits(asked: Asked, as_of: datetime | None) -> LotLimits | None:
    found = await publications(asked, as_of=as_of)
    at_us = local_midnight_us(local_day(as_of or found.asked_at))
    policy = found.book.policies(Feed.PARKING).at(at_us)
    if policy is None:
        return None
    values = {limit.id: limit.value for limit in policy.limit}
    if "parking.nearly_full" not in values or "parking.full" not in values:
        return None
    return LotLimits(values["parking.nearly_full"], values["parking.full"])


def states_of(assets: Sequence[Registered], known: Known) -> dict[tuple[str, str], State]:
    """The state of each asset, by kind and id. Pure."""
    connectors = {each.device_id: each for each in known.connectors}
    sites = _grouped(known.connectors, lambda each: each.group_id)
    lots = {each.device_id: each for each in known.lots}
    units = {each.device_id: each for each in known.units}
    homes = {each.asset_id: each.parent_id for each in assets if each.kind == "unit"}
    posts = _grouped(known.units, lambda each: homes.get(each.device_id))

    def of_figure(indicator: str, subject: str, state: Callable[[FigureRow], State]) -> State:
        figure = known.figures.get((indicator, subject))
        return NOT_SEEN if figure is None else state(figure)

    by_kind: dict[str, Callable[[str], State]] = {
        "connector": lambda key: connector_state(connectors[key]) if key in connectors else NOT_SEEN,
        "site": lambda key: site_state(sites.get(key, [])),
        "lot": lambda key: lot_state(lots[key], known.lot_limits) if key in lots else NOT_SEEN,
        "unit": lambda key: unit_state(units[key]) if key in units else NOT_SEEN,
        "post": lambda key: post_state(posts.get(key, [])),
        "station": lambda key: of_figure(_POINT_CLASS, key, _class_of),
        "lake": lambda key: of_figure(_LAKE_CLASS, key, _class_of),
        "building": lambda key: of_figure(_YEAR_TO_DATE, key, _tax_of),
        "office": lambda key: _HEARD if (Feed.TAX, key) in known.heard else NOT_SEEN,
        "dispatch": lambda key: _HEARD if (Feed.EMERGENCY, key) in known.heard else NOT_SEEN,
    }
    return {
        (asset.kind, asset.asset_id): by_kind[asset.kind](asset.asset_id) if asset.kind in by_kind else STATELESS
        for asset in assets
    }


def last_heard(assets: Sequence[Registered], known: Known) -> dict[tuple[str, str], datetime]:
    """When each asset, or one of the devices that belong to it, was heard last, by kind and id. Pure."""
    found: dict[tuple[str, str], datetime] = {}
    for asset in assets:
        at = known.heard.get((asset.feed or "", asset.asset_id))
        if at is None:
            continue
        keys = [(asset.kind, asset.asset_id)]
        if asset.parent_kind is not None and asset.parent_id is not None:
            keys.append((asset.parent_kind, asset.parent_id))
        for key in keys:
            found[key] = max(at, found.get(key, at))
    return found


def _class_of(figure: FigureRow) -> State:
    return class_state(figure.value, figure.status, figure.period_start, figure.period_end, figure.sample_quality)


def _tax_of(figure: FigureRow) -> State:
    return building_state(figure.value, figure.known_at)


def _grouped(rows: Iterable[N], group_of: Callable[[N], str | None]) -> dict[str, list[N]]:
    found: dict[str, list[N]] = {}
    for row in rows:
        group = group_of(row)
        if group is not None:
            found.setdefault(group, []).append(row)
    return found
