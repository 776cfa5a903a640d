"""The figures of a lake: class and trophic index of a round, class of a day and a month; and quality of data. Pure.

`water.class` is said of rounds only; the mean over a local day or month has ids of its own, so that a round that is as
long as a day is never taken for the day.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, NamedTuple

from schemas.fields import Quality
from schemas.indicator import IndicatorStatus
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.water.measured import CHECKED_FIELDS, FIELDS
from services.stream_processors.water.publication import (
    CANNOT_SAY,
    CLASS_UNIT,
    INDEX_UNIT,
    LAKE_CLASS,
    MET,
    NOT_MET,
    TROPHIC_INDEX,
    Classed,
    class_details,
    class_status,
    trophic_words,
)
from services.stream_processors.water.quality import Code, Codes
from services.stream_processors.water.regime import Regime
from services.stream_processors.water.rounds import View, has_values, mean_over_points, n_samples, points_with_data
from services.stream_processors.water.rules import AUTOMATIC_ITEMS, QUALITY, ClassVerdict, class_of_sample
from services.stream_processors.water.trophic import TROPHIC_FIELDS, trophic_index

DAY_CLASS: Final = "water.class_day"
MONTH_CLASS: Final = "water.class_month"
POINT_QUALITY: Final = "water.point_quality"


class Period(NamedTuple):
    """A round, day or month of a lake."""

    lake: str
    start_us: int
    end_us: int


def class_lake(view: View, at_us: int, regime: Regime, stations: int) -> Classed:
    """Mean of each item over the points first, then the class; not classed with data of too few points."""
    table = regime.tables["lake"]
    means = mean_over_points(view.values())
    verdict = class_of_sample(means, table, regime.settings.class_)
    if not _enough_points(view, regime, stations):
        verdict = ClassVerdict(None, verdict.item_ranks, verdict.n_items)
    return Classed(at_us, means, verdict, table, regime.target)


def _enough_points(view: View, regime: Regime, stations: int) -> bool:
    return len(points_with_data(view)) >= regime.settings.data.points_share_min * stations


def lake_name(lake: str, regime: Regime) -> str:
    """Both names of a lake."""
    zh, en = regime.names.get(lake, (lake, lake))
    return zh if zh == en else f"{zh} {en}"


def round_class(period: Period, view: View, classed: Classed, regime: Regime, stations: int) -> Figure:
    """`water.class`: a round judged against the target."""
    items_min = regime.settings.class_.items_min
    target = classed.target
    status, reason = class_status(classed.verdict, None if target is None else target.rank, Quality.GOOD, items_min)
    if classed.verdict.rank is None and classed.verdict.n_items >= items_min:
        reason = _few_points(view, regime, stations)
    return Figure(
        id=LAKE_CLASS,
        subject=period.lake,
        period_start_us=period.start_us,
        period_end_us=period.end_us,
        value=classed.verdict.rank,
        unit=CLASS_UNIT,
        status=status,
        status_reason=reason,
        n=n_samples(view),
        completeness=classed.verdict.n_items / AUTOMATIC_ITEMS,
        threshold=None if target is None else target.threshold,
        details=_lake_details(view, classed, stations),
        subject_name=lake_name(period.lake, regime),
    )


def _few_points(view: View, regime: Regime, stations: int) -> str:
    share = regime.settings.data.points_share_min
    return f"{len(points_with_data(view))} of the {stations} points have data, a share of {share:.0%} is needed"


def _lake_details(view: View, classed: Classed, stations: int) -> dict[str, Any]:
    return {
        "class": class_details(classed),
        "points": sorted(view),
        "stations": stations,
        "means": {name: mean for name, mean in zip(FIELDS, classed.values, strict=True) if mean is not None},
    }


def round_trophic(period: Period, view: View, classed: Classed, regime: Regime) -> Figure | None:
    """`water.trophic_index` of a round, where its items exist."""
    if not has_values(view, TROPHIC_FIELDS):
        return None
    _, _, codmn, _, tp, tn, chla, transparency, _ = classed.values
    verdict = trophic_index(chla, tp, tn, transparency, codmn)
    if verdict is None:
        return None
    reason, details = trophic_words(verdict.state, verdict.items)
    return Figure(
        id=TROPHIC_INDEX,
        subject=period.lake,
        period_start_us=period.start_us,
        period_end_us=period.end_us,
        value=round(verdict.value, 6),
        unit=INDEX_UNIT,
        status=CANNOT_SAY,
        status_reason=reason,
        n=n_samples(view),
        completeness=len(verdict.items) / len(TROPHIC_FIELDS),
        threshold=None,
        details=details,
        subject_name=lake_name(period.lake, regime),
    )


def period_class(indicator: str, period: Period, view: View, regime: Regime, *, rounds: int, stations: int) -> Figure:
    """`water.class_day` or `water.class_month`: mean over time at each point, then over the points, then the class.

    Args:
        rounds: Rounds of the period that could be classed.
    """
    classed = class_lake(view, period.start_us, regime, stations)
    expected = (period.end_us - period.start_us) // regime.round_us
    data = regime.settings.data
    share_min = data.day_rounds_share_min if indicator == DAY_CLASS else data.month_rounds_share_min
    enough = rounds > 0 and rounds >= share_min * expected
    verdict = classed.verdict if enough else classed.verdict._replace(rank=None)
    classed = classed._replace(verdict=verdict)
    status, reason = _period_status(
        classed, view, regime, f"{rounds} of {expected} rounds", share_min, enough=enough, stations=stations
    )
    return Figure(
        id=indicator,
        subject=period.lake,
        period_start_us=period.start_us,
        period_end_us=period.end_us,
        value=verdict.rank,
        unit=CLASS_UNIT,
        status=status,
        status_reason=reason,
        n=n_samples(view),
        completeness=min(1.0, rounds / expected),
        threshold=None if classed.target is None else classed.target.threshold,
        details={**_lake_details(view, classed, stations), "rounds": rounds, "rounds_expected": expected},
        subject_name=lake_name(period.lake, regime),
    )


def _period_status(
    classed: Classed, view: View, regime: Regime, of_rounds: str, share_min: float, *, enough: bool, stations: int
) -> tuple[IndicatorStatus, str]:
    verdict, target, items_min = classed.verdict, classed.target, regime.settings.class_.items_min
    if not enough:
        return CANNOT_SAY, f"{of_rounds} could be classed, a share of {share_min:.0%} and at least one are needed"
    if verdict.n_items < items_min:
        return CANNOT_SAY, (
            f"{verdict.n_items} of the {AUTOMATIC_ITEMS} automatic items were measured, {items_min} are needed"
        )
    if verdict.rank is None:
        return CANNOT_SAY, _few_points(view, regime, stations)
    if target is None:
        return CANNOT_SAY, "no target was in force in the period"
    found, wanted = QUALITY[verdict.rank].class_en, QUALITY[target.rank].class_en
    if verdict.rank <= target.rank:
        return MET, f"the mean is {found}, at or better than the target {wanted}; {of_rounds}"
    return NOT_MET, f"the mean is {found}, worse than the target {wanted}; {of_rounds}"


def point_quality(point: str, name: str, day: tuple[int, int], found: dict[Codes, int], interval_us: int) -> Figure:
    """`water.point_quality`: share of a station's values of a local day that passed the checks, and its codes.

    Args:
        found: How often each result of the checks was seen.
    """
    n = sum(found.values())
    by_item: dict[str, dict[str, int]] = {}
    total: Counter[int] = Counter()
    for place, field in enumerate(CHECKED_FIELDS):
        counts: Counter[int] = Counter()
        for codes, times in found.items():
            counts[codes[place]] += times
        total += counts
        if set(counts) != {Code.MISSING.value}:
            by_item[field] = {str(code): counts[code] for code in sorted(counts)}
    measured = n * len(CHECKED_FIELDS) - total[Code.MISSING]
    doubted = total[Code.SUSPECT] + total[Code.FAIL]
    return Figure(
        id=POINT_QUALITY,
        subject=point,
        period_start_us=day[0],
        period_end_us=day[1],
        value=None if measured == 0 else round((measured - doubted) / measured, 6),
        unit="share of measured values",
        status=CANNOT_SAY,
        status_reason=f"{doubted} of {measured} values are in doubt; shown, not judged: no target is set for it",
        n=n,
        completeness=min(1.0, n * interval_us / (day[1] - day[0])),
        threshold=None,
        details={"codes": by_item, "code_words": _CODE_WORDS},
        subject_name=name,
    )


_CODE_WORDS: Final = {str(code.value): code.name.lower() for code in Code}
