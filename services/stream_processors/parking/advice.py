"""The guidance of a zone at one moment: who is full, who has room, and the figure `parking.guidance`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Any, Final, NamedTuple

from schemas.indicator import IndicatorStatus
from services.stream_processors.engine.both import Both
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.parking.counts import FULL
from services.stream_processors.parking.guidance import Distances, LotNow, Offer, distribute
from services.stream_processors.parking.policy import GuidanceSettings, InForce
from services.stream_processors.parking.state import Promise, Standing

GUIDANCE: Final = "parking.guidance"
_HOUR_SECONDS: Final = 3_600
_MICROSECONDS: Final = 1_000_000
_REASON_CHARS: Final = 300


class Zone(NamedTuple):
    """What the guidance needs of a zone."""

    lots: Mapping[str, Standing]
    doubtful: frozenset[str]
    """Lots that are silent or whose counter stands still: nobody is sent there, and none is called full."""
    size: int
    """Car parks of the zone, heard of or not."""
    distances: Distances
    name_of: Callable[[str], Both]
    """Name of a lot for people."""


def advise(
    zone: Zone, promises: tuple[Promise, ...], policy: InForce, at_us: int
) -> tuple[tuple[Promise, ...], list[Figure]]:
    """Guidance for all lots that are full now, and what has been promised from now on.

    Drivers sent from a lot that is no longer full stay promised until they must have arrived; those of a full lot are
    planned anew, all at once, as the drivers who are under way at one time.
    """
    fresh = {
        lot: standing
        for lot, standing in zone.lots.items()
        if standing.now is not None and at_us - standing.at_us <= policy.fresh_us and lot not in zone.doubtful
    }
    full = {lot for lot, standing in fresh.items() if standing.level == FULL}
    kept = tuple(one for one in promises if one.until_us > at_us and one.origin not in full)
    if not full:
        return kept, []
    promised: dict[str, int] = {}
    for one in kept:
        promised[one.to] = promised.get(one.to, 0) + one.drivers
    lots = [_lot_now(lot, fresh[lot], promised.get(lot, 0), policy) for lot in sorted(fresh)]
    offers = distribute(lots, zone.distances, policy.spreading)
    until_us = at_us + policy.settings.guidance.under_way_seconds * _MICROSECONDS
    new = tuple(Promise(until_us, offer.origin, offer.to, offer.drivers) for offer in offers)
    figures = list(_figures(zone, fresh, lots, offers, policy, at_us=at_us))
    return (*kept, *new), figures


def _lot_now(lot: str, standing: Standing, promised: int, policy: InForce) -> LotNow:
    room, usable = standing.now or (0, 0)
    settings = policy.settings.guidance
    if standing.level == FULL:
        return LotNow(lot, drivers=drivers_under_way(usable, settings))
    return LotNow(lot, room=max(0, room - ceil(usable * settings.reserve_share)), promised=promised)


def drivers_under_way(usable: int, settings: GuidanceSettings) -> int:
    """How many drivers are on their way to a lot at one time, by policy."""
    arriving = usable * settings.arrivals_per_space_hour * settings.under_way_seconds / _HOUR_SECONDS
    return max(settings.drivers_min, round(arriving))


def _figures(
    zone: Zone, fresh: Mapping[str, Standing], lots: list[LotNow], offers: list[Offer], policy: InForce, *, at_us: int
) -> Iterator[Figure]:
    by_origin: dict[str, list[Offer]] = {}
    for offer in offers:
        by_origin.setdefault(offer.origin, []).append(offer)
    for lot in lots:
        if lot.drivers:
            own = by_origin.get(lot.lot, [])
            reason = _reason(zone, own, policy)
            yield Figure(
                id=GUIDANCE,
                subject=lot.lot,
                period_start_us=at_us,
                period_end_us=at_us + policy.pace_us,
                value=float(len(own)),
                unit="lots with room",
                status=IndicatorStatus.CANNOT_SAY,
                status_reason=reason.en,
                status_reason_zh=reason.zh,
                n=len(fresh),
                completeness=round(min(1.0, len(fresh) / zone.size), 4) if zone.size else 0.0,
                threshold=None,
                details=_details(zone, fresh, lot, own, policy),
                subject_name=zone.name_of(lot.lot).zh,
            )


def _details(
    zone: Zone, fresh: Mapping[str, Standing], lot: LotNow, offers: list[Offer], policy: InForce
) -> dict[str, Any]:
    known = all(offer.metres is not None for offer in offers)
    factor = policy.settings.guidance.detour_factor
    return {
        "drivers": lot.drivers,
        "not_placed": lot.drivers - sum(offer.drivers for offer in offers),
        "distance": f"straight line x {factor:g} (unverified)" if known else "not known: a lot without a position",
        "offers": [
            {
                "lot": offer.to,
                "name": zone.name_of(offer.to).zh,
                "share": offer.share,
                "drivers": offer.drivers,
                "metres": offer.metres,
                "free": (fresh[offer.to].now or (0, 0))[0],
            }
            for offer in offers
        ],
    }


def _reason(zone: Zone, offers: list[Offer], policy: InForce) -> Both:
    if not offers:
        walk = policy.spreading.walk_max_metres
        return Both(
            f"本片区步行{walk}米内没有确知有空位的停车场",
            f"no lot of the zone within {walk} m on foot is known to have room",
        )
    zh = "，".join(
        f"{offer.share:.0%}引导至{zone.name_of(offer.to).zh}"
        + ("（距离不明）" if offer.metres is None else f"（步行{offer.metres}米）")
        for offer in offers
    )
    en = ", ".join(
        f"{offer.share:.0%} to {zone.name_of(offer.to).en}"
        + (" (distance not known)" if offer.metres is None else f" ({offer.metres} m on foot)")
        for offer in offers
    )
    return Both(f"{zh}；仅展示，不评价"[:_REASON_CHARS], f"send {en}; shown, not judged"[:_REASON_CHARS])
