"""The figures of a lake: class and trophic index of a round, class of a day and a month; and quality of data. Pure.

`water.class` is said of rounds only; the mean over a local day or month has ids of its own, so that a round that is as
long as a day is never taken for the day.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace as replaced

from schemas.fields import Quality
from schemas.indicator import IndicatorStatus
from services.stream_processors.engine.both import NOT_JUDGED, Both
from services.stream_processors.engine.feed_rules import Figure
from services.stream_processors.water.doubted import NO_DOUBT, Judged, told_of_period, told_of_round
from services.stream_processors.water.measured import CHECKED_FIELDS, FIELDS, PLACE
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
    few_items,
    trophic_words,
)
from services.stream_processors.water.quality import Code, Codes
from services.stream_processors.water.regime import Regime
from services.stream_processors.water.rounds import Counts, Totals
from services.stream_processors.water.rules import AUTOMATIC_ITEMS, QUALITY, ClassVerdict, class_of_sample
from services.stream_processors.water.trophic import TROPHIC_FIELDS, trophic_index

DAY_CLASS: Final = "water.class_day"
MONTH_CLASS: Final = "water.class_month"
POINT_QUALITY: Final = "water.point_quality"

_TROPHIC_PLACES: Final = tuple(PLACE[name] for name in TROPHIC_FIELDS)


class Period(msgspec.Struct, frozen=True, gc=False):
    """A round, day or month of a lake."""

    lake: str
    start_us: int
    end_us: int


class LakeData(msgspec.Struct, frozen=True, gc=False):
    """What the points of a lake measured in a period."""

    totals: Totals
    named: tuple[str, ...]
    """Points that measured, as far as a figure names them ..."""
    points: int
    """... and how many there are."""
    stations: int
    """Points that should have measured."""
    doubts: Judged = NO_DOUBT
    """Of a round: doubted items that count all the same, and those that are left out."""


class Rounds(NamedTuple):
    """The rounds of a day or month."""

    classed: int
    """So many could be classed ..."""
    expected: int
    """... of so many that the stations' own intervals give ..."""
    due: int
    """... and so many of them by now."""
    left_out: Counts
    """In how many each item was left out as doubtful at some point; empty: none was."""


def class_lake(data: LakeData, at_us: int, regime: Regime) -> Classed:
    """Mean of each item over the points first, then the class; not classed with data of too few points."""
    table = regime.tables["lake"]
    means = data.totals.means()
    verdict = class_of_sample(means, table, regime.settings.class_)
    if data.totals.points_with_data() < regime.settings.data.points_share_min * data.stations:
        verdict = ClassVerdict(None, verdict.item_ranks, verdict.n_items)
    return Classed(at_us, means, verdict, table, regime.target)


def lake_name(lake: str, regime: Regime) -> str:
    """Both names of a lake."""
    zh, en = regime.names.get(lake, (lake, lake))
    return zh if zh == en else f"{zh} {en}"


def round_class(period: Period, data: LakeData, classed: Classed, regime: Regime) -> Figure:
    """`water.class`: a round judged against the target."""
    items_min = regime.settings.class_.items_min
    target = classed.target
    status, reason = class_status(classed.verdict, None if target is None else target.rank, Quality.GOOD, items_min)
    if classed.verdict.rank is None and classed.verdict.n_items >= items_min:
        reason = _few_points(data, regime)
    details = _lake_details(data, classed)
    doubted = told_of_round(data.doubts, classed.table)
    if doubted is not None:
        details["doubted"], words = doubted
        reason = reason.then(*words)
    return Figure(
        id=LAKE_CLASS,
        subject=period.lake,
        period_start_us=period.start_us,
        period_end_us=period.end_us,
        value=classed.verdict.rank,
        unit=CLASS_UNIT,
        status=status,
        status_reason=reason.en,
        status_reason_zh=reason.zh,
        n=data.totals.samples,
        completeness=classed.verdict.n_items / AUTOMATIC_ITEMS,
        threshold=None if target is None else target.threshold,
        details=details,
        subject_name=lake_name(period.lake, regime),
    )


def _few_points(data: LakeData, regime: Regime) -> Both:
    share, found = regime.settings.data.points_share_min, data.totals.points_with_data()
    return Both(
        f"{data.stations}个点位中{found}个有数据，需要达到{share:.0%}",
        f"{found} of the {data.stations} points have data, a share of {share:.0%} is needed",
    )


def _lake_details(data: LakeData, classed: Classed) -> dict[str, Any]:
    details: dict[str, Any] = {
        "class": class_details(classed),
        "points": data.named,
        "stations": data.stations,
        "means": {name: mean for name, mean in zip(FIELDS, classed.values, strict=True) if mean is not None},
    }
    if data.points > len(data.named):
        details["points_left_out"] = data.points - len(data.named)
    return details


def round_trophic(period: Period, data: LakeData, classed: Classed, regime: Regime) -> Figure | None:
    """`water.trophic_index` of a round, where its items exist."""
    if not data.totals.has_values(_TROPHIC_PLACES):
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
        status_reason=reason.en,
        status_reason_zh=reason.zh,
        n=data.totals.samples,
        completeness=len(verdict.items) / len(TROPHIC_FIELDS),
        threshold=None,
        details=details,
        subject_name=lake_name(period.lake, regime),
    )


def period_class(indicator: str, period: Period, data: LakeData, regime: Regime, rounds: Rounds) -> Figure:
    """`water.class_day` or `water.class_month`: mean over time at each point, then over the points, then the class.

    It is the verdict on the period as if it were over: see `engine.so_far` for one that is not.
    """
    classed = class_lake(data, period.start_us, regime)
    shares = regime.settings.data
    share_min = shares.day_rounds_share_min if indicator == DAY_CLASS else shares.month_rounds_share_min
    enough = rounds.classed > 0 and rounds.classed >= share_min * rounds.due
    verdict = classed.verdict if enough else classed.verdict._replace(rank=None)
    classed = replaced(classed, verdict=verdict)
    of_rounds = Both(f"{rounds.due}轮中有{rounds.classed}轮", f"{rounds.classed} of {rounds.due} rounds")
    if enough:
        status, reason = _period_status(classed, data, regime, of_rounds)
    else:
        status = CANNOT_SAY
        reason = of_rounds.then(
            f"可以评价类别，需要达到{share_min:.0%}且至少一轮",
            f" could be classed, a share of {share_min:.0%} and at least one are needed",
        )
    details = _lake_details(data, classed)
    details |= {"rounds": rounds.classed, "rounds_expected": rounds.expected}
    details["data_rules"] = _data_rules(indicator, data, classed, rounds, regime)
    doubted = told_of_period(rounds.left_out, classed.table)
    if doubted is not None:
        details["doubted"], words = doubted
        reason = reason.then(*words)
    return Figure(
        id=indicator,
        subject=period.lake,
        period_start_us=period.start_us,
        period_end_us=period.end_us,
        value=verdict.rank,
        unit=CLASS_UNIT,
        status=status,
        status_reason=reason.en,
        status_reason_zh=reason.zh,
        n=data.totals.samples,
        completeness=min(1.0, rounds.classed / rounds.expected),
        threshold=None if classed.target is None else classed.target.threshold,
        details=details,
        subject_name=lake_name(period.lake, regime),
    )


def _data_rules(indicator: str, data: LakeData, classed: Classed, rounds: Rounds, regime: Regime) -> dict[str, Any]:
    """How much data the verdict needs, how much there was, and who says so."""
    shares, items = regime.settings.data, regime.settings.class_
    is_day = indicator == DAY_CLASS
    return {
        "items": {"found": classed.verdict.n_items, "needed": items.items_min, "source": items.items_source},
        "points": {
            "found": data.totals.points_with_data(),
            "needed": shares.points_share_min * data.stations,
            "source": shares.points_source,
        },
        "rounds": {
            "found": rounds.classed,
            "needed": (shares.day_rounds_share_min if is_day else shares.month_rounds_share_min) * rounds.due,
            "source": shares.day_rounds_source if is_day else shares.month_rounds_source,
        },
    }


def _period_status(classed: Classed, data: LakeData, regime: Regime, of_rounds: Both) -> tuple[IndicatorStatus, Both]:
    verdict, target, items_min = classed.verdict, classed.target, regime.settings.class_.items_min
    if verdict.n_items < items_min:
        return CANNOT_SAY, few_items(verdict.n_items, items_min)
    if verdict.rank is None:
        return CANNOT_SAY, _few_points(data, regime)
    if target is None:
        return CANNOT_SAY, Both("该时段没有生效的目标", "no target was in force in the period")
    found, wanted = QUALITY[verdict.rank], QUALITY[target.rank]
    if verdict.rank <= target.rank:
        return MET, Both(
            f"均值为{found.class_zh}，达到或优于目标{wanted.class_zh}；{of_rounds.zh}",
            f"the mean is {found.class_en}, at or better than the target {wanted.class_en}; {of_rounds.en}",
        )
    return NOT_MET, Both(
        f"均值为{found.class_zh}，劣于目标{wanted.class_zh}；{of_rounds.zh}",
        f"the mean is {found.class_en}, worse than the target {wanted.class_en}; {of_rounds.en}",
    )


def point_quality(point: str, name: str, day: tuple[int, int], found: dict[Codes, int], interval_us: int) -> Figure:
    """`water.point_quality`: share of a station's values of a local day that passed the checks, and its codes.

    Args:
        found: How often each result of the checks was seen.
    """
    n = sum(found.values())
    by_item: dict[str, dict[str, int]] = {}
    total: dict[int, int] = {}
    for place, field in enumerate(CHECKED_FIELDS):
        counts: dict[int, int] = {}
        for codes, times in found.items():
            code = codes[place]
            counts[code] = counts.get(code, 0) + times
            total[code] = total.get(code, 0) + times
        if counts.keys() != _ONLY_MISSING:
            by_item[field] = {str(code): counts[code] for code in sorted(counts)}
    measured = n * len(CHECKED_FIELDS) - total.get(Code.MISSING, 0)
    doubted = total.get(Code.SUSPECT, 0) + total.get(Code.FAIL, 0)
    return Figure(
        id=POINT_QUALITY,
        subject=point,
        period_start_us=day[0],
        period_end_us=day[1],
        value=None if measured == 0 else round((measured - doubted) / measured, 6),
        unit="share of measured values",
        status=CANNOT_SAY,
        status_reason=f"{doubted} of {measured} values are in doubt; {NOT_JUDGED.en}",
        status_reason_zh=f"{measured}个值中{doubted}个存疑；{NOT_JUDGED.zh}",
        n=n,
        completeness=min(1.0, n * interval_us / (day[1] - day[0])),
        threshold=None,
        details={"codes": by_item, "code_words": _CODE_WORDS},
        subject_name=name,
    )


_ONLY_MISSING: Final = frozenset({Code.MISSING.value})
_CODE_WORDS: Final = {str(code.value): code.name.lower() for code in Code}
