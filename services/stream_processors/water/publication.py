"""The indicators of one sample: its class and its trophic index; and the parts that a lake's figures share. Pure.

What is said follows from the class of each item alone, except for the exceedance multiples; so those parts are made
once for each combination and kept.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

from schemas.fields import Feed, Quality
from schemas.indicator import IndicatorStatus
from schemas.water import WaterReading
from services.stream_processors.engine.events import IndicatorOutput
from services.stream_processors.water.measured import Values
from services.stream_processors.water.rules import (
    AUTOMATIC_ITEMS,
    QUALITY,
    ClassVerdict,
    deciding_items,
    exceedances,
    main_pollutants,
)
from services.stream_processors.water.standard import LimitTable
from services.stream_processors.water.target import INDICATOR, Target
from services.stream_processors.water.trophic import TROPHIC_FIELDS, TrophicState, trophic_index

POINT_CLASS: Final = "water.point_class"
LAKE_CLASS: Final = INDICATOR
TROPHIC_INDEX: Final = "water.trophic_index"

CLASS_UNIT: Final = "class (1=I .. 5=V, 6=worse than V)"
INDEX_UNIT: Final = "TLI"

MET: Final = IndicatorStatus.MET
NOT_MET: Final = IndicatorStatus.NOT_MET
CANNOT_SAY: Final = IndicatorStatus.CANNOT_SAY
_FEED: Final = Feed.WATER.value

CLASSED: Final = frozenset({Quality.GOOD, Quality.MAINTENANCE})
"""Qualities for which a class is computed; only `good` counts further."""

_COMBINATIONS: Final = 4_096
"""Combinations of item classes to keep; far more than occur."""


class Classed(NamedTuple):
    """Values of a sample or of a lake, their class, and by which table and target they are judged."""

    at_us: int
    """Event time: of the sample, or the start of the round."""
    values: Values
    verdict: ClassVerdict
    table: LimitTable
    target: Target | None
    """The target in force at that time."""


def point_class(reading: WaterReading, classed: Classed, items_min: int) -> IndicatorOutput:
    """`water.point_class`: the class of one sample."""
    key = _key(POINT_CLASS, reading.device_id)
    return IndicatorOutput(key, partial(_point_class_body, reading, classed, items_min), None)


def _point_class_body(reading: WaterReading, classed: Classed, items_min: int) -> dict[str, Any]:
    return {
        "id": POINT_CLASS,
        **_sample_part(reading),
        **_class_part(classed, reading.quality, items_min),
        "n": 1,
        "details": class_details(classed),
    }


def point_trophic(reading: WaterReading, values: Values) -> IndicatorOutput | None:
    """`water.trophic_index` of one sample of a lake, where its items exist."""
    if not has_trophic_items(values):
        return None
    key = _key(TROPHIC_INDEX, reading.device_id)
    return IndicatorOutput(key, partial(_point_trophic_body, reading, values), None)


def _point_trophic_body(reading: WaterReading, values: Values) -> dict[str, Any]:
    return {"id": TROPHIC_INDEX, **_sample_part(reading), **_trophic_part(values), "n": 1}


def _class_part(classed: Classed, quality: Quality, items_min: int) -> dict[str, Any]:
    _, _, verdict, _, target = classed
    status, reason = class_status(verdict, None if target is None else target.rank, quality, items_min)
    return {
        "value": verdict.rank,
        "unit": CLASS_UNIT,
        "status": status,
        "status_reason": reason,
        "completeness": verdict.n_items / AUTOMATIC_ITEMS,
        "threshold": None if target is None else target.fragment,
    }


@lru_cache(_COMBINATIONS)
def class_status(
    verdict: ClassVerdict, target: int | None, quality: Quality, items_min: int
) -> tuple[IndicatorStatus, str]:
    """Status and its reason in one sentence."""
    if quality not in CLASSED:
        return CANNOT_SAY, f"the station marks the sample '{quality}': it is not classed"
    if verdict.rank is None:
        return (
            CANNOT_SAY,
            f"{verdict.n_items} of the {AUTOMATIC_ITEMS} automatic items were measured, {items_min} are needed",
        )
    if quality is not Quality.GOOD:
        return CANNOT_SAY, f"the station marks the sample '{quality}': it is classed and not judged"
    if target is None:
        return CANNOT_SAY, "no target was in force at the time of the sample"
    found, wanted = QUALITY[verdict.rank].class_en, QUALITY[target].class_en
    if verdict.rank <= target:
        return MET, f"{found} is at or better than the target {wanted}"
    return NOT_MET, f"{found} is worse than the target {wanted}"


def class_details(classed: Classed) -> dict[str, Any]:
    """Standard, classes of the items, exceedance multiples, main pollutants; never changed."""
    _, values, verdict, table, target = classed
    rank = verdict.rank
    if rank is None or (rank <= 3 and (target is None or rank <= target.rank)):
        return _plain_details(verdict, table, target is not None)
    details = _described(verdict, table)
    details["exceed_vs_class3"] = _rounded(exceedances(values, table, 3))
    if target is not None:
        details["exceed_vs_target"] = _rounded(exceedances(values, table, target.rank))
    if rank > 3:
        pollutants = main_pollutants(values, verdict, table)
        details["main_pollutants_zh"] = [pollutant.text_zh() for pollutant in pollutants]
        details["main_pollutants_en"] = [pollutant.text_en() for pollutant in pollutants]
        details["main_pollutants_source"] = "ranking unverified"
    return details


@lru_cache(_COMBINATIONS)
def _plain_details(verdict: ClassVerdict, table: LimitTable, judged: bool) -> dict[str, Any]:
    """Details of a sample in which nothing exceeds class III nor the target: made once."""
    details = _described(verdict, table)
    if verdict.rank is not None:
        details["exceed_vs_class3"] = {}
        if judged:
            details["exceed_vs_target"] = {}
    return details


def _described(verdict: ClassVerdict, table: LimitTable) -> dict[str, Any]:
    ranks = zip(table.automatic, verdict.item_ranks, strict=True)
    details: dict[str, Any] = {
        "standard": table.standard_id,
        "standard_version": table.version,
        "items": {item.id: rank for (_, item), rank in ranks if rank is not None},
        "n_items": verdict.n_items,
    }
    if verdict.rank is not None:
        quality = QUALITY[verdict.rank]
        details["class_zh"] = quality.class_zh
        details["quality_zh"] = quality.word_zh
        details["quality_en"] = quality.word_en
        details["colour"] = quality.colour
        details["deciding"] = list(deciding_items(verdict, table))
    return details


def _rounded(multiples: dict[str, float]) -> dict[str, float]:
    return {item: round(multiple, 4) for item, multiple in multiples.items()}


def _sample_part(reading: WaterReading) -> dict[str, Any]:
    at = reading.observed_at
    return {
        "feed": _FEED,
        "lane": reading.lane,
        "subject": reading.device_id,
        "subject_name": reading.station_name,
        "period_start": at,
        "period_end": at,
        "sample": {
            "device_id": reading.device_id,
            "boot_id": reading.boot_id,
            "seq": reading.seq,
            "quality": reading.quality.value,
        },
    }


def has_trophic_items(values: Values) -> bool:
    """Whether one of the items of the trophic index was measured."""
    _, _, codmn, _, tp, tn, chla, transparency, *_ = values
    return bool(codmn or tp or tn or chla or transparency)


def _trophic_part(values: Values) -> dict[str, Any]:
    _, _, codmn, _, tp, tn, chla, transparency, *_ = values
    verdict = trophic_index(chla, tp, tn, transparency, codmn)
    if verdict is None:
        return {}
    reason, details = trophic_words(verdict.state, verdict.items)
    return {
        "value": round(verdict.value, 6),
        "unit": INDEX_UNIT,
        "status": CANNOT_SAY,
        "status_reason": reason,
        "completeness": len(verdict.items) / len(TROPHIC_FIELDS),
        "threshold": None,
        "details": details,
    }


@lru_cache(_COMBINATIONS)
def trophic_words(state: TrophicState, items: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """Reason and details of a trophic index."""
    missing = [field for field in TROPHIC_FIELDS if field not in items]
    partly = f"; partial: without {', '.join(missing)}, weights normalised (unverified)" if missing else ""
    details = {"state_zh": state.zh, "state_en": state.en, "items": list(items), "partial": bool(missing)}
    reason = f"{state.en}; shown, not judged: no target is set for it{partly}"
    return reason, details


@lru_cache(_COMBINATIONS)
def _key(indicator: str, subject: str) -> bytes:
    return f"{indicator}/{subject}".encode()
