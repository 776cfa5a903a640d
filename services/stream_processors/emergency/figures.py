"""Response times of a period against the ten-minute circle; coverage. Pure.

`emergency.response` is the 90th percentile by nearest rank, in minutes: the plan's circle is met when nine of ten calls
are answered within it. The share within, the median and the calls that no unit reached stand beside it, never averaged
over streets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from schemas.indicator import IndicatorStatus
from schemas.verdict import Threshold
from services.stream_processors.emergency.calls import Tally, nearest_rank
from services.stream_processors.emergency.coverage import Grid
from services.stream_processors.emergency.policy import COVERAGE_LIMIT, INDICATOR, SHARE_LIMIT, InForce
from services.stream_processors.emergency.state import Cover
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.engine.periods import Period

SHARE: Final = "emergency.response_share"
UNREACHED: Final = "emergency.calls_unreached"
COVERAGE: Final = "emergency.coverage"
COVERAGE_DAY: Final = "emergency.coverage_day"

_MINUTE_US: Final = 60_000_000
_CELLS_NAMED: Final = 50


def response_figures(
    district: str, tally: Tally, period: Period, target: Threshold | None, policy: InForce
) -> Iterator[Figure]:
    """The response figures of a local day or month."""
    times = [us for us, _ in tally.responses]
    n, calls = len(times), len(times) + tally.unreached + tally.doubtful
    limit_us = None if target is None else round(target.value * _MINUTE_US)
    details: dict[str, Any] = {
        "calls": calls,
        "unreached": tally.unreached,
        "doubtful": tally.doubtful,
        "p50_minutes": _minutes(nearest_rank(times, 50)),
        "p90_minutes": _minutes(nearest_rank(times, 90)),
        "percentile": "nearest rank",
    }
    within = None
    if limit_us is not None:
        within = tally.within(limit_us)
        details |= {"within": within, "over": n - within, "by_street": _by_street(tally, limit_us)}
    completeness = round(n / (n + tally.doubtful), 6) if n else 0.0
    few = f"n too small: {n} calls with a response time, {policy.settings.n_min} are needed (unverified)"

    def figure(
        figure_id: str, value: float | None, unit: str, threshold: Threshold | None, verdict: tuple[bool, str] | None
    ) -> Figure:
        if verdict is None:
            status, reason = IndicatorStatus.CANNOT_SAY, "shown, not judged: no target is set for it"
        elif n < policy.settings.n_min:
            status, reason = IndicatorStatus.CANNOT_SAY, few
        else:
            status, reason = IndicatorStatus.MET if verdict[0] else IndicatorStatus.NOT_MET, verdict[1]
        return Figure(
            figure_id,
            district,
            period.start_us,
            period.end_us,
            value,
            unit,
            status,
            reason,
            n,
            completeness,
            threshold,
            details,
        )

    ninetieth = nearest_rank(times, 90)
    judged = None
    if target is not None and ninetieth is not None and limit_us is not None:
        reason = f"nine of ten calls answered within {_minutes(ninetieth):g} min; the circle is {target.value:g} min"
        judged = (ninetieth <= limit_us, reason)
    yield figure(INDICATOR, _minutes(ninetieth), "min", target, judged or (False, few))
    wanted = policy.threshold(SHARE_LIMIT)
    if within is not None:
        share = within / n if n else 0.0
        reason = f"{within} of {n} calls within {target.value if target else 0:g} min; {wanted.value:.0%} are wanted"
        yield figure(SHARE, round(share, 6) if n else None, "1", wanted, (share >= wanted.value, reason))
    yield figure(UNREACHED, float(tally.unreached), "calls", None, None)


def _by_street(tally: Tally, limit_us: int) -> dict[str, dict[str, Any]]:
    streets: dict[str, list[int]] = {}
    for us, street in tally.responses:
        if street:
            streets.setdefault(street, []).append(us)
    return {
        street: {
            "n": len(times),
            "within": sum([us <= limit_us for us in times]),
            "p90_minutes": _minutes(nearest_rank(times, 90)),
        }
        for street, times in sorted(streets.items())
    }


def coverage_figure(district: str, cells: int, cover: Cover, minute: Period, *, grid: Grid, policy: InForce) -> Figure:
    """Share of residents whom an available unit reaches in time, as it stands in a minute."""
    limit = policy.threshold(COVERAGE_LIMIT)
    share = cover.people / grid.everyone
    everything = (1 << len(grid.cells)) - 1
    missing = everything & ~cells
    met = share >= limit.value
    return Figure(
        COVERAGE,
        district,
        minute.start_us,
        minute.end_us,
        round(share, 6),
        "share of residents",
        IndicatorStatus.MET if met else IndicatorStatus.NOT_MET,
        f"{cover.people} of {grid.everyone} residents can be reached in time by {cover.units} available units; "
        f"{limit.value:.0%} are wanted",
        cover.units,
        1.0,
        limit,
        {
            "uncovered_people": grid.everyone - cover.people,
            "uncovered_cells": missing.bit_count(),
            "uncovered": list(grid.names(missing, _CELLS_NAMED)),
            "units_available": cover.units,
            "population": "modelled surface, not a census",
        },
    )


def coverage_day_figure(
    district: str, cover: Cover, day: Period, until_us: int, *, grid: Grid, policy: InForce
) -> Figure:
    """Mean over time and least coverage of a local day."""
    limit = policy.threshold(COVERAGE_LIMIT)
    elapsed_us = min(until_us, day.end_us) - day.start_us
    mean = cover.day_people_us / cover.day_known_us / grid.everyone
    met = mean >= limit.value
    return Figure(
        COVERAGE_DAY,
        district,
        day.start_us,
        day.end_us,
        round(mean, 6),
        "share of residents",
        IndicatorStatus.MET if met else IndicatorStatus.NOT_MET,
        f"{mean:.1%} of residents on average over the day; {limit.value:.0%} are wanted",
        1,
        round(min(1.0, cover.day_known_us / elapsed_us), 6) if elapsed_us > 0 else 0.0,
        limit,
        {"least": round(max(0, cover.day_least) / grid.everyone, 6), "population": "modelled surface, not a census"},
    )


def _minutes(us: int | None) -> float | None:
    return None if us is None else round(us / _MINUTE_US, 6)
