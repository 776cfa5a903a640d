"""Buildings at CNY 100 million, the year to date, the pace. Pure."""

from __future__ import annotations

from typing import Any, Final

from schemas.indicator import IndicatorStatus
from schemas.verdict import Threshold
from services.stream_processors.engine.both import NOT_JUDGED, Both
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.engine.periods import Period
from services.stream_processors.engine.so_far import so_far
from services.stream_processors.tax.ledger import DistrictState, YearSums
from services.stream_processors.tax.local_months import year_period
from services.stream_processors.tax.pace import MONTHS, Forecast
from services.stream_processors.tax.policy import INDICATOR, InForce, yuan
from services.stream_processors.tax.reports import Reports, reports_of
from services.stream_processors.tax.usual import doubted_fen

YEAR_TO_DATE: Final = "tax.year_to_date"
PACE: Final = "tax.pace"

NAMED_MAX: Final = 200
"""So many buildings are named in a figure, by id; of more, how many were left out is said."""


_NO_TARGET: Final = Both("当时没有生效的目标", "no target was in force at that time")


def buildings_figure(
    state: DistrictState,
    year: int,
    period: Period,
    target: Threshold | None,
    policy: InForce,
    *,
    at_us: int,
) -> Figure:
    """`tax.hundred_million_buildings`: as it stands at the end of the period, or now.

    While the year runs, a number below the target says nothing yet; once it is over, it does. A year that runs meets
    nothing (`so_far`); a day or month that is over says what stood at its end. Of what too little was reported nothing
    is said, nor where the target is reached only with buildings that an amount in doubt lifts over the limit.
    """
    reports = reports_of(state, year, at_us, policy)
    runs, year_over = at_us < period.end_us, min(at_us, period.end_us) >= year_period(year).end_us
    books = state.of_year(year)
    leaders = state.leaders_of(year, policy.limit_fen, policy.settings.nearest)
    n = len(leaders.counted)
    lifted = [one for one in sorted(state.amounts) if one in books and _is_lifted(state, one, year, policy)]
    if target is None:
        status, reason = IndicatorStatus.CANNOT_SAY, _NO_TARGET
    elif reports.share < policy.settings.reported_least:
        status, words = IndicatorStatus.CANNOT_SAY, reports.words()
        reason = Both(
            f"按已上报的{reports.share:.0%}计，{target.value:g}栋中有{n}栋；{words.zh}",
            f"{n} of {target.value:g} buildings by what was reported: {reports.share:.0%}; {words.en}",
        )
    elif n - len(lifted) < target.value <= n:
        status = IndicatorStatus.CANNOT_SAY
        reason = Both(
            f"{n}栋中有{len(lifted)}栋因存疑金额计入，规划要求{target.value:g}栋",
            f"{len(lifted)} of {n} buildings count only with an amount in doubt, the plan asks for {target.value:g}",
        )
    elif n >= target.value or runs or year_over:
        status = IndicatorStatus.MET if n >= target.value else IndicatorStatus.NOT_MET
        reason = Both(f"{n}栋，规划要求{target.value:g}栋", f"{n} buildings, the plan asks for {target.value:g}")
        if status is IndicatorStatus.NOT_MET and year_over:
            reason = reason.then("；本年度已结束", "; the year is over")
    else:
        status = IndicatorStatus.CANNOT_SAY
        reason = Both(
            f"目前{target.value:g}栋中有{n}栋；本年度未结束",
            f"{n} of {target.value:g} buildings so far; the year is not over",
        )
    details: dict[str, Any] = {
        "buildings": list(leaders.counted[:NAMED_MAX]),
        "nearest": [
            {"building": building, "name": books[building].name, "missing_cny": yuan(missing)}
            for missing, building in leaders.below
        ],
        "limit_cny": policy.limit.value,
        "limit_source": f"{policy.limit.source.id}, {policy.limit.source.where}",
        **reports.details(),
    }
    if lifted:
        details["amount_in_doubt"] = lifted[:NAMED_MAX]
    if n > NAMED_MAX:
        details["buildings_left_out"] = n - NAMED_MAX
    found = Figure(
        INDICATOR,
        state.district,
        period.start_us,
        period.end_us,
        float(n),
        "buildings",
        status,
        reason.en,
        state.sums[year].entries,
        reports.share if books else 0.0,
        target,
        details,
        status_reason_zh=reason.zh,
    )
    return so_far(found) if runs else found


def _is_lifted(state: DistrictState, building: str, year: int, policy: InForce) -> bool:
    """Whether a building is over the limit, and would not be without the amount that is in doubt."""
    total = state.books[year][building].total
    return total >= policy.limit_fen > total - doubted_fen(state, building, year)


def year_figure(
    subject: str, name: str | None, sums: YearSums, year: Period, *, at_us: int, reports: Reports, whole: bool
) -> Figure:
    """`tax.year_to_date` of a building, or of the district: of all entries of the year, whenever they came.

    Args:
        subject: The building, or the district.
        name: Its name for people.
        sums: What was received.
        year: The year.
        at_us: Now; while the year lasts the figure says how it stands (`so_far`).
        reports: Which months are closed.
        whole: Whether it is the district's: the months and offices are told once.
    """
    found = Figure(
        YEAR_TO_DATE,
        subject,
        year.start_us,
        year.end_us,
        yuan(sums.total),
        "CNY",
        IndicatorStatus.CANNOT_SAY,
        NOT_JUDGED.en,
        sums.entries,
        reports.share,
        None,
        reports.details() if whole else {},
        name,
        NOT_JUDGED.zh,
    )
    return so_far(found) if at_us < year.end_us else found


def pace_figure(
    district: str,
    found: Forecast,
    year: Period,
    *,
    months: int,
    target: Threshold | None,
    policy: InForce,
    entries: int,
    reports: Reports,
) -> Figure:
    """`tax.pace`: the expected number of buildings at the end of the year, after so many complete months.

    It is a forecast: until the year is over nothing is met.
    """
    if target is None:
        status, reason = IndicatorStatus.CANNOT_SAY, _NO_TARGET
    elif reports.share < policy.settings.reported_least:
        status = IndicatorStatus.CANNOT_SAY
        reason = Both(
            f"按已上报的{reports.share:.0%}计，在{found.lower}栋与{found.upper}栋之间",
            f"between {found.lower} and {found.upper} buildings by the {reports.share:.0%} that was reported",
        )
    elif found.lower >= target.value:
        status = IndicatorStatus.MET
        reason = Both(f"照此速度至少{found.lower}栋", f"at this rate at least {found.lower} buildings")
    elif found.upper < target.value:
        status = IndicatorStatus.NOT_MET
        reason = Both(f"照此速度至多{found.upper}栋", f"at this rate at most {found.upper} buildings")
    else:
        status = IndicatorStatus.CANNOT_SAY
        reason = Both(
            f"照此速度在{found.lower}栋与{found.upper}栋之间",
            f"at this rate between {found.lower} and {found.upper} buildings",
        )
    confidence = policy.settings.pace.confidence
    reason = reason.then(
        f"（{confidence:.0%}区间，已有{months}个完整月）", f" ({confidence:.0%} interval, after {months} months)"
    )
    details: dict[str, Any] = {
        "lower": found.lower,
        "upper": found.upper,
        "confidence": confidence,
        "already": found.already,
        "months": months,
        "years_of_past": found.years_of_past,
        **reports.details(),
    }
    figure = Figure(
        PACE,
        district,
        year.start_us,
        year.end_us,
        found.expected,
        "buildings",
        status,
        reason.en,
        entries,
        reports.share,
        target,
        details,
        status_reason_zh=reason.zh,
    )
    return so_far(figure) if months < MONTHS else figure
