"""Buildings at CNY 100 million, the year to date, the pace. Pure."""

from __future__ import annotations

from typing import Any, Final

from schemas.indicator import IndicatorStatus
from schemas.verdict import Threshold
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.engine.periods import Period
from services.stream_processors.tax.ledger import Book
from services.stream_processors.tax.pace import Forecast
from services.stream_processors.tax.policy import FEN, INDICATOR, InForce

YEAR_TO_DATE: Final = "tax.year_to_date"
PACE: Final = "tax.pace"

_SHOWN: Final = "shown, not judged: no target is set for it"


def yuan(fen: int) -> float:
    """Yuan of fen."""
    return fen / FEN


def buildings_figure(
    district: str,
    books: list[tuple[str, Book]],
    period: Period,
    target: Threshold | None,
    policy: InForce,
    *,
    year_over: bool,
) -> Figure:
    """`tax.hundred_million_buildings`: as it stands at the end of the period, or now.

    While the year runs, a number below the target says nothing yet; once it is over, it does.
    """
    counted = [building for building, book in books if book.total >= policy.limit_fen]
    under = sorted(
        ((policy.limit_fen - book.total, building, book) for building, book in books if book.total < policy.limit_fen),
        key=lambda each: each[:2],
    )
    n = len(counted)
    if target is None:
        status, reason = IndicatorStatus.CANNOT_SAY, "no target was in force at that time"
    elif n >= target.value:
        status, reason = IndicatorStatus.MET, f"{n} buildings, the plan asks for {target.value:g}"
    elif year_over:
        status, reason = IndicatorStatus.NOT_MET, f"{n} buildings, the plan asks for {target.value:g}; the year is over"
    else:
        status = IndicatorStatus.CANNOT_SAY
        reason = f"{n} of {target.value:g} buildings so far; the year is not over"
    details: dict[str, Any] = {
        "buildings": counted,
        "nearest": [
            {"building": building, "name": book.name, "missing_cny": yuan(missing)}
            for missing, building, book in under[: policy.settings.nearest]
        ],
        "limit_cny": policy.limit.value,
        "limit_source": f"{policy.limit.source.id}, {policy.limit.source.where}",
    }
    entries = sum([book.entries for _, book in books])
    return Figure(
        INDICATOR,
        district,
        period.start_us,
        period.end_us,
        float(n),
        "buildings",
        status,
        reason,
        entries,
        1.0 if books else 0.0,
        target,
        details,
    )


def year_figure(subject: str, name: str | None, total_fen: int, entries: int, year: Period) -> Figure:
    """`tax.year_to_date` of a building, or of the district."""
    return Figure(
        YEAR_TO_DATE,
        subject,
        year.start_us,
        year.end_us,
        yuan(total_fen),
        "CNY",
        IndicatorStatus.CANNOT_SAY,
        _SHOWN,
        entries,
        1.0,
        None,
        {},
        name,
    )


def pace_figure(
    district: str,
    found: Forecast,
    year: Period,
    *,
    months: int,
    target: Threshold | None,
    policy: InForce,
    entries: int,
) -> Figure:
    """`tax.pace`: the expected number of buildings at the end of the year, after so many complete months."""
    if target is None:
        status, reason = IndicatorStatus.CANNOT_SAY, "no target was in force at that time"
    elif found.lower >= target.value:
        status, reason = IndicatorStatus.MET, f"at this rate at least {found.lower} buildings"
    elif found.upper < target.value:
        status, reason = IndicatorStatus.NOT_MET, f"at this rate at most {found.upper} buildings"
    else:
        status = IndicatorStatus.CANNOT_SAY
        reason = f"at this rate between {found.lower} and {found.upper} buildings"
    confidence = policy.settings.pace.confidence
    details: dict[str, Any] = {
        "lower": found.lower,
        "upper": found.upper,
        "confidence": confidence,
        "already": found.already,
        "months": months,
        "years_of_past": found.years_of_past,
    }
    return Figure(
        PACE,
        district,
        year.start_us,
        year.end_us,
        found.expected,
        "buildings",
        status,
        f"{reason} ({confidence:.0%} interval, after {months} months)",
        entries,
        round(months / 12, 6),
        target,
        details,
    )
