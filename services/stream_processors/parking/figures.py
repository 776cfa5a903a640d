"""The figures of a period: occupancy, turnover, minutes full, for a lot and for the zone. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from schemas.indicator import IndicatorStatus
from services.stream_processors.engine.both import NOT_JUDGED, Both
from services.stream_processors.engine.event_time import iso
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.engine.periods import Period
from services.stream_processors.engine.so_far import so_far
from services.stream_processors.parking.accounts import Sums

OCCUPANCY: Final = "parking.occupancy"
TURNOVER: Final = "parking.turnover"
FULL_MINUTES: Final = "parking.full_minutes"

_MINUTE_US: Final = 60_000_000


class Subject(NamedTuple):
    """What the figures are about."""

    id: str
    name: str | None
    lots: int
    """How many car parks it has."""
    spaces: int
    """Spaces of the lots that count vehicles, for turnover."""


class PeakAt(NamedTuple):
    """The highest occupancy of the period."""

    occupied: int
    usable: int
    at_us: int


def figures_of(
    subject: Subject, sums: Sums, peak: PeakAt | None, period: Period, until_us: int, *, completeness_min: float
) -> Iterator[Figure]:
    """All figures of one subject.

    Args:
        subject: A lot or a zone.
        sums: What was added up over the period, for a zone over its lots.
        peak: Highest occupancy; None when there was no valid count.
        period: Local day or month.
        until_us: Now, in the period or at its end: completeness is a share of the time up to now. While the period
            lasts its figures say how it stands (`so_far`).
        completeness_min: Below it the reason says that the figure is incomplete.
    """
    elapsed_us = (min(until_us, period.end_us) - period.start_us) * subject.lots
    covered, told = _share(sums.covered_us, elapsed_us), _share(sums.told_us, elapsed_us)
    runs = until_us < period.end_us
    details: dict[str, Any] = {"lots": subject.lots, "impossible_readings": sums.impossible}
    if peak is not None:
        details["peak"] = round(peak.occupied / peak.usable, 6)
        details["peak_at"] = iso(peak.at_us)
    occupancy = round(sums.occupied / sums.usable, 6) if sums.usable else None
    full_minutes = round(sums.full_us / _MINUTE_US, 2) if sums.covered_us else None

    def figure(figure_id: str, value: float | None, unit: str, share: float, more: dict[str, Any]) -> Figure:
        reason = _reason(value, share, completeness_min)
        found = Figure(
            id=figure_id,
            subject=subject.id,
            period_start_us=period.start_us,
            period_end_us=period.end_us,
            value=value,
            unit=unit,
            status=IndicatorStatus.CANNOT_SAY,
            status_reason=reason.en,
            status_reason_zh=reason.zh,
            n=sums.n,
            completeness=share,
            threshold=None,
            details=more,
            subject_name=subject.name,
        )
        return so_far(found) if runs else found

    yield figure(OCCUPANCY, occupancy, "share of usable spaces", covered, details)
    yield figure(FULL_MINUTES, full_minutes, "lot-minutes" if subject.lots != 1 else "min", covered, {})
    if sums.told_us and subject.spaces:
        turned = round(turnover(sums.parked, subject.spaces), 6)
        yield figure(TURNOVER, turned, "vehicles/space", told, {"vehicles": sums.parked, "spaces": subject.spaces})


def turnover(vehicles: int, spaces: int) -> float:
    """周转率: vehicles parked in the period / number of spaces (domain facts, section 6)."""
    return vehicles / spaces


def _share(part_us: int, whole_us: int) -> float:
    return round(min(1.0, part_us / whole_us), 4) if whole_us > 0 else 0.0


def _reason(value: float | None, share: float, completeness_min: float) -> Both:
    if value is None:
        return Both("无法评价：该时段没有有效计数", "nothing can be said: there was no valid count in the period")
    if share < completeness_min:
        return NOT_JUDGED.then(
            f"；不完整：数据只占{share:.0%}的时间", f"; incomplete: it rests on {share:.0%} of the time"
        )
    return NOT_JUDGED
