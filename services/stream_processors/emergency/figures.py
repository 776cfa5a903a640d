"""Response times of a period against the ten-minute circle; coverage. Pure.

`emergency.response` is the 90th percentile by nearest rank, in minutes, of the calls that a unit reached. A call that
no unit reached has no response time; how old it was when it was over, or is while it is open, is the least that it
could have been. So the same percentile of all calls stands beside it, and the plan's circle is met when both are within
it: an unanswered call is never a reason to have met it. Shares likewise. Nothing is averaged over streets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from msgspec.structs import replace as replaced

from schemas.indicator import IndicatorStatus
from schemas.verdict import Threshold
from services.stream_processors.emergency.coverage import Grid
from services.stream_processors.emergency.policy import COVERAGE_LIMIT, INDICATOR, SHARE_LIMIT, InForce
from services.stream_processors.emergency.state import Cover
from services.stream_processors.emergency.tally import Tally, times_of
from services.stream_processors.engine.both import NOT_JUDGED, NOTHING, Both
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.engine.periods import Period
from services.stream_processors.engine.so_far import so_far

SHARE: Final = "emergency.response_share"
UNREACHED: Final = "emergency.calls_unreached"
COVERAGE: Final = "emergency.coverage"
COVERAGE_DAY: Final = "emergency.coverage_day"

_MINUTE_US: Final = 60_000_000
_CELLS_NAMED: Final = 50
_STREETS_NAMED: Final = 100
_POPULATION: Final = "modelled surface, not a census"


class Calls(NamedTuple):
    """The calls of a period: those that are over, and how old the open ones are."""

    tally: Tally
    open_us: Sequence[int]

    def beyond(self, limit_us: int) -> int:
        """Calls that nobody has answered although they were, or are, older than a limit."""
        ages = self.tally.ages
        unknown = self.tally.unreached - ages.n
        return ages.n - ages.within(limit_us) + unknown + sum(age_us > limit_us for age_us in self.open_us)

    def ninetieth(self) -> int | None:
        """The 90th percentile of all calls, those that no unit reached as old as they were or are."""
        ages = self.tally.ages
        everyone = self.tally.times.joined((ages, times_of((age_us, 1) for age_us in self.open_us)))
        return everyone.percentile(90, beyond=self.tally.unreached - ages.n)


def response_figures(
    district: str, calls: Calls, period: Period, at_us: int, *, target: Threshold | None, policy: InForce
) -> Iterator[Figure]:
    """The response figures of a local day or month, as they stand at a moment.

    While the period lasts, or a call of it is open, they say how it stands (`so_far`) and meet nothing.
    """
    found = _Response(calls, period, at_us, target, policy)
    yield found.percentile(district)
    if target is not None:
        yield found.share(district, policy.threshold(SHARE_LIMIT))
    yield found.unreached(district)


class _Response:
    """The response figures of a period in the making."""

    def __init__(self, calls: Calls, period: Period, at_us: int, target: Threshold | None, policy: InForce) -> None:
        tally = calls.tally
        self._calls, self._period, self._target = calls, period, target
        self._times, self._n_min = tally.times, policy.settings.n_min
        self._so_far = at_us < period.end_us or bool(calls.open_us)
        self._limit_us = 0 if target is None else round(target.value * _MINUTE_US)
        self._ninetieth, self._of_all = tally.times.percentile(90), calls.ninetieth()
        self._details: dict[str, Any] = {
            "calls": tally.times.n + tally.unreached + tally.doubtful,
            "unreached": tally.unreached,
            "open": len(calls.open_us),
            "doubtful": tally.doubtful,
            "p50_minutes": _minutes(tally.times.percentile(50)),
            "p90_minutes": _minutes(self._ninetieth),
            "p90_all_minutes": _minutes(self._of_all),
            "percentile": "nearest rank; p90 of the calls reached; p90_all of all, others as old as they were or are",
        }
        if target is not None:
            within, beyond = tally.times.within(self._limit_us), calls.beyond(self._limit_us)
            whole = tally.times.n + beyond
            self._within, self._beyond, self._share_of_all = within, beyond, within / whole if whole else 0.0
            self._details |= {
                "within": within,
                "over": tally.times.n - within,
                "share_of_all": round(self._share_of_all, 6) if whole else None,
                **_by_street(tally, self._limit_us),
            }

    def percentile(self, district: str) -> Figure:
        target, ninetieth = self._target, self._ninetieth
        value = _minutes(ninetieth)
        if target is None or ninetieth is None:
            none = None if target is None else (False, NOTHING)
            return self._figure(INDICATOR, district, value, "min", threshold=target, verdict=none)
        of_all = self._of_all is not None and self._of_all <= self._limit_us
        reason = Both(
            f"九成呼叫的响应时间不超过{value:g}分钟；应急圈为{target.value:g}分钟",
            f"nine of ten calls answered within {value:g} min; the circle is {target.value:g} min",
        )
        if ninetieth <= self._limit_us and not of_all:
            all_of_them = Both("没有上限", "not within any time")
            if self._of_all is not None:
                minutes = _minutes(self._of_all)
                all_of_them = Both(f"{minutes:g}分钟", f"{minutes:g} min")
            reason = reason.then(
                f"；计入无车到达的呼叫：{all_of_them.zh}", f"; with the calls that no unit reached: {all_of_them.en}"
            )
        verdict = ninetieth <= self._limit_us and of_all, reason
        return self._figure(INDICATOR, district, value, "min", threshold=target, verdict=verdict)

    def share(self, district: str, wanted: Threshold) -> Figure:
        n, within = self._times.n, self._within
        limit = 0 if self._target is None else self._target.value
        share = within / n if n else 0.0
        reason = Both(
            f"{n}次呼叫中{within}次在{limit:g}分钟内；要求{wanted.value:.0%}",
            f"{within} of {n} calls within {limit:g} min; {wanted.value:.0%} are wanted",
        )
        if share >= wanted.value > self._share_of_all:
            reason = reason.then(
                f"；另有{self._beyond}次在此时间内无人到达：占全部的{self._share_of_all:.1%}",
                f"; {self._beyond} more were not answered within that time: {self._share_of_all:.1%} of all",
            )
        met = share >= wanted.value and self._share_of_all >= wanted.value
        value = round(share, 6) if n else None
        return self._figure(SHARE, district, value, "1", threshold=wanted, verdict=(met, reason))

    def unreached(self, district: str) -> Figure:
        return self._figure(UNREACHED, district, float(self._calls.tally.unreached), "calls")

    def _figure(
        self,
        figure_id: str,
        district: str,
        value: float | None,
        unit: str,
        *,
        threshold: Threshold | None = None,
        verdict: tuple[bool, Both] | None = None,
    ) -> Figure:
        n, status = self._times.n, IndicatorStatus.CANNOT_SAY
        if verdict is None:
            reason = NOT_JUDGED
        elif n < self._n_min:
            reason = Both(
                f"样本太少：有响应时间的呼叫{n}次，需要{self._n_min}次（未核实）",
                f"n too small: {n} calls with a response time, {self._n_min} are needed (unverified)",
            )
        else:
            status, reason = IndicatorStatus.MET if verdict[0] else IndicatorStatus.NOT_MET, verdict[1]
        doubtful = self._calls.tally.doubtful
        found = Figure(
            figure_id,
            district,
            self._period.start_us,
            self._period.end_us,
            value,
            unit,
            status,
            reason.en,
            n,
            round(n / (n + doubtful), 6) if n else 0.0,
            threshold,
            self._details,
            status_reason_zh=reason.zh,
        )
        return so_far(found) if self._so_far else found


def _by_street(tally: Tally, limit_us: int) -> dict[str, Any]:
    """The streets with most calls; how many streets and calls are left out is named."""
    most = sorted(tally.streets.items(), key=lambda each: (-each[1].n, each[0]))[:_STREETS_NAMED]
    named = {
        street: {"n": times.n, "within": times.within(limit_us), "p90_minutes": _minutes(times.percentile(90))}
        for street, times in sorted(most)
        if times.n
    }
    left_out = tally.with_street - sum([times.n for _, times in most])
    found: dict[str, Any] = {"by_street": named}
    if left_out:
        found["streets_left_out"] = sum([bool(times.n) for times in tally.streets.values()]) - len(named)
        found["calls_left_out"] = left_out
    return found


def coverage_figure(
    district: str,
    cells: int,
    cover: Cover,
    minute: Period,
    *,
    grid: Grid,
    policy: InForce,
    move: tuple[str, str, str, int] | None,
) -> Figure:
    """Share of residents whom an available unit reaches in time, as it stands in a minute.

    While no unit is heard of nothing can be said, and no cell is known to be in reach.

    Args:
        move: Unit, post, its name and people of the single move that brings most of them back into reach.
    """
    limit, people = policy.threshold(COVERAGE_LIMIT), max(0, cover.people)
    missing = (1 << len(grid.cells)) - 1 & ~cells
    details: dict[str, Any] = {
        "uncovered_people": grid.everyone - people,
        "uncovered_cells": missing.bit_count(),
        "uncovered": list(grid.names(missing, _CELLS_NAMED)),
        "units_available": cover.units,
    }
    if move is not None:
        unit, post, _, regained = move
        details["best_move"] = {"unit": unit, "post": post, "people": regained}
    if cover.people < 0:
        minutes = policy.settings.coverage.fresh_seconds / 60
        reason = Both(f"{minutes:g}分钟内没有车辆上报", f"no unit has reported for {minutes:g} min")
        return _coverage(COVERAGE, district, minute, limit, reason, share=None, n=0, known=0.0, details=details)
    share = people / grid.everyone
    reason = Both(
        f"{cover.units}辆可用车辆能及时到达{grid.everyone}名居民中的{people}名；要求{limit.value:.0%}",
        f"{people} of {grid.everyone} residents can be reached in time by {cover.units} available units; "
        f"{limit.value:.0%} are wanted",
    )
    return _coverage(COVERAGE, district, minute, limit, reason, share=share, n=cover.units, known=1.0, details=details)


def coverage_day_figure(
    district: str, cover: Cover, day: Period, until_us: int, *, grid: Grid, policy: InForce
) -> Figure:
    """Mean over time and least coverage of a local day, over the time in which units were heard of."""
    limit = policy.threshold(COVERAGE_LIMIT)
    elapsed_us = min(until_us, day.end_us) - day.start_us
    known = min(1.0, cover.day_known_us / elapsed_us) if elapsed_us > 0 else 0.0
    wanted = policy.settings.coverage.day_known_least
    if not cover.day_known_us:
        unheard = Both("当天没有车辆上报", "no unit reported on this day")
        return _coverage(COVERAGE_DAY, district, day, limit, unheard, share=None, n=0, known=0.0)
    mean = cover.day_people_us / cover.day_known_us / grid.everyone
    details = {"least": round(max(0, cover.day_least) / grid.everyone, 6)}
    reason = Both(
        f"全天平均覆盖{mean:.1%}的居民；要求{limit.value:.0%}",
        f"{mean:.1%} of residents on average over the day; {limit.value:.0%} are wanted",
    )
    if known < wanted:
        reason = Both(
            f"全天只有{known:.1%}的时间覆盖情况已知；评价需要{wanted:.0%}（未核实）",
            f"coverage is known for {known:.1%} of the day; {wanted:.0%} are needed to judge it (unverified)",
        )
    figure = _coverage(
        COVERAGE_DAY, district, day, limit, reason, share=mean, n=1, known=round(known, 6), details=details
    )
    return figure if known >= wanted else replaced(figure, status=IndicatorStatus.CANNOT_SAY)


def _coverage(
    figure_id: str,
    district: str,
    period: Period,
    limit: Threshold,
    reason: Both,
    *,
    share: float | None,
    n: int,
    known: float,
    details: Mapping[str, Any] = MappingProxyType({}),
) -> Figure:
    value, status = None, IndicatorStatus.CANNOT_SAY
    if share is not None:
        value = round(share, 6)
        status = IndicatorStatus.MET if share >= limit.value else IndicatorStatus.NOT_MET
    return Figure(
        figure_id,
        district,
        period.start_us,
        period.end_us,
        value,
        "share of residents",
        status,
        reason.en,
        n,
        known,
        limit,
        {**details, "population": _POPULATION},
        status_reason_zh=reason.zh,
    )


def _minutes(us: int | None) -> float | None:
    return None if us is None else round(us / _MINUTE_US, 6)
