"""The state of an asset in a word, and the one figure that stands beside it on the map. Pure.

    kind                 states                                                     value
    connector            idle, plugged, charging, reserved, out_of_service,         kW
                         fault, no_contact
    site                 idle (a connector is free), full (all are in use or        kW of all connectors
                         reserved), down (none works)
    lot                  free, nearly_full, full, impossible (a count that          free spaces
                         cannot be)
    station, lake        class_1 … class_6 (worse than V), cannot_say               class
    unit                 the unit's own words: available, dispatched, …             none
    post                 ready (a unit of its own is available), empty              available units
    building             reported                                                   yuan of the year to date
    office, dispatch     heard                                                      none
    district, street,    none: they have no state of their own                      none
    zone

Each but the last also: unseen, while nothing was heard of it in the lane.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from schemas.emergency import UnitState
from schemas.ev import ConnectorState
from schemas.indicator import IndicatorStatus

UNSEEN: Final = "unseen"
NONE: Final = "none"
CANNOT_SAY: Final = "cannot_say"
_CLASSES: Final = tuple(f"class_{rank}" for rank in range(1, 7))
_CONNECTOR: Final = tuple(ConnectorState)
_WORKING: Final = frozenset(
    {ConnectorState.IDLE, ConnectorState.PLUGGED, ConnectorState.CHARGING, ConnectorState.RESERVED}
)
STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "connector": (*_CONNECTOR, UNSEEN),
    "site": ("idle", "full", "down", UNSEEN),
    "lot": ("free", "nearly_full", "full", "impossible", UNSEEN),
    "station": (*_CLASSES, CANNOT_SAY, UNSEEN),
    "lake": (*_CLASSES, CANNOT_SAY, UNSEEN),
    "unit": (*UnitState, UNSEEN),
    "post": ("ready", "empty", UNSEEN),
    "building": ("reported", UNSEEN),
    "office": ("heard", UNSEEN),
    "dispatch": ("heard", UNSEEN),
    "district": (NONE,),
    "street": (NONE,),
    "zone": (NONE,),
}
"""Every word that a kind of asset can be described with."""


class State(NamedTuple):
    """How an asset is."""

    word: str
    value: float | None = None
    unit: str | None = None
    observed_at: datetime | None = None
    since: datetime | None = None
    quality: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    """Where it was, of what moves."""


NOT_SEEN: Final = State(UNSEEN)
STATELESS: Final = State(NONE)


class ConnectorNow(NamedTuple):
    """The last reading of a connector."""

    device_id: str
    group_id: str
    observed_at: datetime
    quality: str
    status: str
    power_kw: float | None


class LotNow(NamedTuple):
    """The last reading of a car park."""

    device_id: str
    group_id: str
    observed_at: datetime
    quality: str
    free_spaces: int
    total_spaces: int
    out_of_service_spaces: int | None


class UnitNow(NamedTuple):
    """The last reading of an emergency unit that says what it does."""

    device_id: str
    group_id: str
    observed_at: datetime
    quality: str
    unit_state: str
    longitude: float | None
    latitude: float | None


@dataclass(frozen=True, slots=True)
class LotLimits:
    """When a car park is full, by the policy in force."""

    nearly_full: float
    """Share of usable spaces."""
    full: float
    """Free spaces."""


def connector_state(last: ConnectorNow) -> State:
    """State of a connector."""
    return State(last.status, last.power_kw, "kW", last.observed_at, quality=last.quality)


def site_state(connectors: Sequence[ConnectorNow]) -> State:
    """State of a site by those of its connectors that were heard."""
    if not connectors:
        return NOT_SEEN
    words = {each.status for each in connectors}
    in_use = "down" if words.isdisjoint(_WORKING) else "full"
    word = "idle" if ConnectorState.IDLE in words else in_use
    measured = [each.power_kw for each in connectors if each.power_kw is not None]
    power = sum(measured) if measured else None
    return State(word, power, "kW", max(each.observed_at for each in connectors))


def lot_state(last: LotNow, limits: LotLimits | None) -> State:
    """State of a car park; without limits in force it is full with no free space, and never nearly."""
    free, usable = last.free_spaces, last.total_spaces - (last.out_of_service_spaces or 0)
    if not 0 <= free <= last.total_spaces:
        word = "impossible"
    elif free <= (0 if limits is None else limits.full):
        word = "full"
    elif limits is not None and usable > 0 and 1 - free / usable >= limits.nearly_full:
        word = "nearly_full"
    else:
        word = "free"
    return State(word, float(free), "spaces", last.observed_at, quality=last.quality)


def class_state(
    rank: float | None, status: str, period_start: datetime, period_end: datetime, quality: str | None
) -> State:
    """State of a measuring point or lake by its class."""
    if rank is None or status == IndicatorStatus.CANNOT_SAY:
        return State(CANNOT_SAY, None, "class", period_end, period_start, quality)
    return State(f"class_{rank:g}", rank, "class", period_end, period_start, quality)


def unit_state(last: UnitNow) -> State:
    """State of an emergency unit."""
    return State(
        last.unit_state,
        observed_at=last.observed_at,
        quality=last.quality,
        longitude=last.longitude,
        latitude=last.latitude,
    )


def post_state(units: Sequence[UnitNow]) -> State:
    """State of a post by those of its units that were heard."""
    if not units:
        return NOT_SEEN
    free = sum(each.unit_state == UnitState.AVAILABLE for each in units)
    newest = max(each.observed_at for each in units)
    return State("ready" if free else "empty", float(free), "units", newest)


def building_state(year_to_date_cny: float | None, known_at: datetime | None) -> State:
    """State of a building by what its office reported this year."""
    return State("reported", year_to_date_cny, "CNY", known_at)
