"""Asks for the figures that the map draws as layers: coverage, parking guidance, charging load, lake classes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from schemas.fields import LIVE, Feed
from schemas.plan.in_force import local_midnight_us
from schemas.plan.policy import PolicyDocument
from schemas.verdict import Threshold
from services.read_model.asset_states import ConnectorNow, UnitNow
from services.read_model.bounds import text_within, time_within
from services.read_model.connection import Asked
from services.read_model.figures import figures
from services.read_model.layer_rows import (
    ChargingLayer,
    CoverageLayer,
    GuidanceRow,
    LakeRow,
    MoveRow,
    Place,
    best_move,
    coverage_layer,
    guidance_row,
    lake_row,
    site_row,
)
from services.read_model.plan import local_day, publications
from services.read_model.queries import SQL
from services.read_model.typed import typed

COVERAGE: Final = "emergency.coverage"
LAKE_CLASS: Final = "water.class"
TROPHIC_INDEX: Final = "water.trophic_index"


async def coverage(asked: Asked, *, lane: str = LIVE, as_of: datetime | None = None) -> CoverageLayer | None:
    """Coverage with its gaps; None while there is no figure.

    Args:
        as_of: The last figure that had been said by then (`known_at`); None: the newest.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `alerts.alerts`.
    """
    found = await figures(asked, (COVERAGE,), lane=lane, as_of=as_of)
    if not found:
        return None
    newest = max(found, key=lambda figure: figure.period_start)
    cells = typed(Place, await asked.rows(SQL["places"], "cell"))
    return coverage_layer(newest, cells, await _best_move(asked, newest.details, lane, as_of))


async def parking_guidance(asked: Asked, *, at: datetime, lane: str = LIVE) -> list[GuidanceRow]:
    """Guidance that stands at a moment: of each full car park the last one, until its next one is overdue by as much.

    Args:
        at: The moment, by the time of what was measured; whether late data changed it since is not asked.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `alerts.alerts`.
    """
    wanted = text_within(lane, parameter="lane"), time_within(at, parameter="at")
    rows = await asked.rows(SQL["guidance"], *wanted)
    lots = {place.asset_id: place for place in typed(Place, await asked.rows(SQL["places"], "lot"))}
    return [guidance_row(dict(row), lots) for row in rows]


async def charging(asked: Asked, *, lane: str = LIVE, as_of: datetime | None = None) -> ChargingLayer:
    """Each site's connectors and load.

    Args:
        as_of: By readings measured and stored by then; None: the newest.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `alerts.alerts`.
    """
    moment = None if as_of is None else time_within(as_of, parameter="as_of")
    rows = await asked.rows(SQL["last_of_connectors"], text_within(lane, parameter="lane"), moment, None)
    by_site: dict[str, list[ConnectorNow]] = {}
    for connector in typed(ConnectorNow, rows):
        by_site.setdefault(connector.group_id, []).append(connector)
    sites = typed(Place, await asked.rows(SQL["places"], "site"))
    found = await publications(asked, as_of=moment)
    at_us = local_midnight_us(local_day(moment or found.asked_at))
    policy = found.book.policies(Feed.EV).at(at_us)
    return ChargingLayer(
        sites=tuple(site_row(site, by_site.get(site.asset_id, [])) for site in sites),
        near=_limit(policy, "ev.site_load_near"),
        limit=_limit(policy, "ev.site_load"),
    )


async def lakes(asked: Asked, *, lane: str = LIVE, as_of: datetime | None = None) -> list[LakeRow]:
    """Each lake with its class.

    Args:
        as_of: By figures said by then (`known_at`); None: the newest.

    Raises:
        RequestRefused, DatabaseSilent, QueryRefused: see `alerts.alerts`.
    """
    found = await figures(asked, (LAKE_CLASS, TROPHIC_INDEX), lane=lane, as_of=as_of)
    known = {(figure.id, figure.subject): figure for figure in found}
    places = typed(Place, await asked.rows(SQL["places"], "lake"))
    return [
        lake_row(lake, known.get((LAKE_CLASS, lake.asset_id)), known.get((TROPHIC_INDEX, lake.asset_id)))
        for lake in places
    ]


async def _best_move(asked: Asked, details: Mapping[str, Any], lane: str, as_of: datetime | None) -> MoveRow | None:
    if "best_move" not in details:
        return None
    units = typed(UnitNow, await asked.rows(SQL["last_of_units"], lane, as_of, None))
    posts = typed(Place, await asked.rows(SQL["places"], "post"))
    return best_move(details, units, posts)


def _limit(policy: PolicyDocument | None, limit_id: str) -> Threshold | None:
    if policy is None or all(limit.id != limit_id for limit in policy.limit):
        return None
    return policy.threshold(limit_id)
