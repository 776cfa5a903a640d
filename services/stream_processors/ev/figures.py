"""Availability, uptime, utilisation and energy of a site and of a port. Pure.

Availability and uptime are two numbers: a port in use is up and not available. Uptime over twelve months is the formula
of 23 CFR 680.116(b) (domain reference, section 5): 525,600 minutes whatever the year, less outage that is not excluded.
Time of which nothing is known counts as outage in the value; the target is met only if it would be met even so, and
missed only if it would be missed had the port been up all that time. Otherwise nothing can be said.

Energy that a meter cannot have counted is left out and named; what its sender is not certain of counts as sessions and
energy, not as known time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from schemas.indicator import IndicatorStatus
from schemas.verdict import Threshold
from services.stream_processors.engine.both import NOT_JUDGED, Both
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.engine.periods import Period
from services.stream_processors.engine.so_far import so_far
from services.stream_processors.ev.connector import Sums
from services.stream_processors.ev.port import PortMonth

AVAILABILITY: Final = "ev.availability"
UPTIME: Final = "ev.uptime"
UPTIME_12_MONTHS: Final = "ev.uptime_12_months"
UTILISATION: Final = "ev.utilisation"
ENERGY_UTILISATION: Final = "ev.energy_utilisation"
ENERGY: Final = "ev.energy"

YEAR_MINUTES: Final = 525_600
_MINUTE_US: Final = 60_000_000
_HOUR_US: Final = 3_600_000_000


class Subject(NamedTuple):
    """A site, or one of its ports."""

    id: str
    name: str | None
    ports: int


def uptime_percent(total_minutes: float, outage_minutes: float, excluded_minutes: float) -> float:
    """`((total - (T_outage - T_excluded)) / total) * 100`, minutes."""
    return (total_minutes - (outage_minutes - excluded_minutes)) / total_minutes * 100


def uptime_of(
    total_us: int, outage_us: int, excluded_us: int, unknown_us: int, limit: Threshold
) -> tuple[float, IndicatorStatus, Both]:
    """Uptime in percent with its verdict.

    Args:
        total_us: The time it is about, for all ports together.
        unknown_us: Of it, time of which nothing is known.
    """
    total, out, excluded, unknown = (us / _MINUTE_US for us in (total_us, outage_us, excluded_us, unknown_us))
    # a leap year has more minutes than the formula's year
    worst = max(0.0, uptime_percent(total, out + unknown, excluded))
    best = max(0.0, uptime_percent(total, out, excluded))
    needed = Both(f"要求高于{limit.value:g}%", f"more than {limit.value:g} % is asked for")
    if worst > limit.value:
        reason = Both(f"在线率{worst:.3f}%，{needed.zh}", f"{worst:.3f} % up, {needed.en}")
        return worst, IndicatorStatus.MET, reason
    if best <= limit.value:
        reason = Both(f"在线率至多{best:.3f}%，{needed.zh}", f"at most {best:.3f} % up, {needed.en}")
        return worst, IndicatorStatus.NOT_MET, reason
    reason = Both(
        f"在线率在{worst:.3f}%与{best:.3f}%之间：有{unknown:.0f}分钟的情况不明",
        f"between {worst:.3f} % and {best:.3f} % up: of {unknown:.0f} minutes nothing is known",
    )
    return worst, IndicatorStatus.CANNOT_SAY, reason


def site_figures(
    subject: Subject, sums: Sums, period: Period, until_us: int, *, limit: Threshold, completeness_min: float
) -> Iterator[Figure]:
    """All figures of a site over a local day or month, up to now."""
    elapsed_us = (min(until_us, period.end_us) - period.start_us) * subject.ports
    if elapsed_us <= 0:
        return
    more, runs = _also(sums), until_us < period.end_us
    completeness = round(min(1.0, sums.known_us / elapsed_us), 6)
    unknown_us = max(0, elapsed_us - sums.known_us)
    service_us = sums.known_us - sums.outage_us

    def figure(
        figure_id: str,
        value: float | None,
        unit: str,
        status: IndicatorStatus = IndicatorStatus.CANNOT_SAY,
        reason: Both = NOT_JUDGED,
        **own: Any,
    ) -> Figure:
        if completeness < completeness_min and status is not IndicatorStatus.NOT_MET:
            status = IndicatorStatus.CANNOT_SAY
            reason = Both(
                f"只有{completeness:.0%}的时间情况已知，要求{completeness_min:.0%}",
                f"only {completeness:.0%} of the time is known, {completeness_min:.0%} is asked for",
            )
        found = Figure(
            id=figure_id,
            subject=subject.id,
            period_start_us=period.start_us,
            period_end_us=period.end_us,
            value=None if value is None else round(value, 6),
            unit=unit,
            status=status,
            status_reason=reason.en,
            status_reason_zh=reason.zh,
            n=sums.readings,
            completeness=completeness,
            threshold=limit if figure_id == UPTIME else None,
            details={"ports": subject.ports, **own, **more},
            subject_name=subject.name,
        )
        return so_far(found) if runs else found

    known = sums.known_us or None
    yield figure(AVAILABILITY, None if known is None else sums.startable_us / known, "share of known time")
    value, status, reason = uptime_of(elapsed_us, sums.outage_us, sums.excluded_us, unknown_us, limit)
    outage = round(sums.outage_us / _MINUTE_US, 3)
    excluded = round(sums.excluded_us / _MINUTE_US, 3)
    yield figure(
        UPTIME,
        value,
        "%",
        status,
        reason,
        outage_minutes=outage,
        excluded_minutes=excluded,
        unknown_minutes=round(unknown_us / _MINUTE_US, 3),
    )
    yield figure(UTILISATION, sums.in_use_us / service_us if service_us else None, "share of time in service")
    possible_wh = sums.rated_wus / _HOUR_US
    energy_share = sums.energy_wh / possible_wh if possible_wh else None
    yield figure(ENERGY_UTILISATION, energy_share, "kWh / (rated kW x hours in service)")
    yield figure(ENERGY, sums.energy_wh / 1_000, "kWh", sessions=sums.sessions)


def _also(sums: Sums) -> dict[str, Any]:
    """What there is to add to each figure."""
    found: dict[str, Any] = {}
    odd = sums.odd
    if odd is not None and odd.left_out:
        found |= {"left_out_kwh": odd.left_out_wh / 1_000, "left_out_readings": odd.left_out}
    if odd is not None and (odd.uncertain or odd.uncertain_us):
        minutes = round(odd.uncertain_us / _MINUTE_US, 3)
        found |= {"uncertain_readings": odd.uncertain, "uncertain_minutes": minutes}
    return found


def port_uptime(subject: Subject, year: Period, months: Iterable[PortMonth], limit: Threshold) -> Figure:
    """`ev.uptime_12_months` of a port at the end of a month (23 CFR 680.116(b)).

    Whatever of the twelve months is not in a known state is not known: before the port was first heard of, while it was
    silent, while it was away.

    Args:
        subject: The port.
        year: The twelve months.
        months: Those in which it was heard of.
        limit: Uptime asked for.
    """
    total_us = YEAR_MINUTES * _MINUTE_US
    inside = [month for month in months if month.start_us >= year.start_us]
    outage_us, excluded_us = sum([month.outage_us for month in inside]), sum([month.excluded_us for month in inside])
    unknown_us = min(total_us, year.end_us - year.start_us - sum([month.known_us for month in inside]))
    value, status, reason = uptime_of(total_us, outage_us, excluded_us, unknown_us, limit)
    return Figure(
        id=UPTIME_12_MONTHS,
        subject=subject.id,
        period_start_us=year.start_us,
        period_end_us=year.end_us,
        value=round(value, 6),
        unit="%",
        status=status,
        status_reason=reason.en,
        status_reason_zh=reason.zh,
        n=len(inside),
        completeness=round(1 - unknown_us / total_us, 6),
        threshold=limit,
        details={
            "formula": "((525600 - (T_outage - T_excluded)) / 525600) * 100, minutes",
            "outage_minutes": round(outage_us / _MINUTE_US, 3),
            "excluded_minutes": round(excluded_us / _MINUTE_US, 3),
            "unknown_minutes": round(unknown_us / _MINUTE_US, 3),
        },
        subject_name=subject.name,
    )
