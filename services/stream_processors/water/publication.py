"""The indicators of the feed water as JSON-ready data: class of a sample, class and trophic index of a lake. Pure."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

from schemas.fields import Feed, Quality
from schemas.indicator import IndicatorStatus
from schemas.water import WaterReading
from services.stream_processors.engine.event_time import iso
from services.stream_processors.engine.events import IndicatorOutput
from services.stream_processors.water.rounds import Round, n_samples
from services.stream_processors.water.rules import (
    AUTOMATIC_ITEMS,
    FIELDS,
    QUALITY,
    ClassVerdict,
    Values,
    deciding_items,
    exceedances,
    main_pollutants,
)
from services.stream_processors.water.standard import LimitTable
from services.stream_processors.water.target import INDICATOR, Target
from services.stream_processors.water.trophic import TROPHIC_FIELDS, TrophicVerdict, trophic_index

POINT_CLASS: Final = "water.point_class"
LAKE_CLASS: Final = INDICATOR
TROPHIC_INDEX: Final = "water.trophic_index"

CLASS_UNIT: Final = "class (1=I .. 5=V, 6=worse than V)"
INDEX_UNIT: Final = "TLI"

MET, NOT_MET, CANNOT_SAY = IndicatorStatus.MET, IndicatorStatus.NOT_MET, IndicatorStatus.CANNOT_SAY

CLASSED: Final = frozenset({Quality.GOOD, Quality.MAINTENANCE})
"""Qualities for which a class is computed; only `good` counts further."""


@cache
def _judged(rank: int, target: int) -> tuple[str, str]:
    if rank <= target:
        return MET, f"{QUALITY[rank].class_en} is at or better than the target {QUALITY[target].class_en}"
    return NOT_MET, f"{QUALITY[rank].class_en} is worse than the target {QUALITY[target].class_en}"


def _status(verdict: ClassVerdict, target: Target | None, quality: Quality, items_min: int) -> tuple[str, str]:
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
    return _judged(verdict.rank, target.rank)


class Classed(NamedTuple):
    """Values of a sample or of a lake, their class, and by which table and target they are judged."""

    at_us: int
    """Event time: of the sample, or the start of the round."""
    values: Values
    verdict: ClassVerdict
    table: LimitTable
    target: Target | None
    """The target in force at that time."""


def _class_details(classed: Classed) -> dict[str, Any]:
    _, values, verdict, table, target = classed
    details: dict[str, Any] = {
        "standard": table.standard_id,
        "items": {
            item.id: rank
            for (_, item), rank in zip(table.automatic, verdict.item_ranks, strict=True)
            if rank is not None
        },
        "n_items": verdict.n_items,
    }
    if verdict.rank is None:
        return details
    quality = QUALITY[verdict.rank]
    details["class_zh"] = quality.class_zh
    details["quality_zh"] = quality.word_zh
    details["quality_en"] = quality.word_en
    details["colour"] = quality.colour
    details["deciding"] = deciding_items(verdict, table)
    if verdict.rank > 1:
        details["exceed_vs_class3"] = _rounded(exceedances(values, table, 3))
        if target is not None:
            details["exceed_vs_target"] = _rounded(exceedances(values, table, target.rank))
    if verdict.rank > 3:
        pollutants = main_pollutants(values, verdict, table)
        details["main_pollutants_zh"] = [pollutant.text_zh() for pollutant in pollutants]
        details["main_pollutants_en"] = [pollutant.text_en() for pollutant in pollutants]
        details["main_pollutants_source"] = "unverified ranking"
    return details


def _rounded(multiples: dict[str, float]) -> dict[str, float]:
    return {item: round(multiple, 4) for item, multiple in multiples.items()}


def point_class(reading: WaterReading, classed: Classed, items_min: int) -> IndicatorOutput:
    """`water.point_class`: the class of one sample."""
    verdict, target = classed.verdict, classed.target
    status, reason = _status(verdict, target, reading.quality, items_min)
    body = _sample_body(POINT_CLASS, reading, classed.at_us)
    body |= {
        "value": verdict.rank,
        "unit": CLASS_UNIT,
        "status": status,
        "status_reason": reason,
        "n": 1,
        "completeness": verdict.n_items / AUTOMATIC_ITEMS,
        "threshold": None if target is None else target.fragment,
        "details": _class_details(classed),
    }
    return IndicatorOutput(f"{POINT_CLASS}/{reading.device_id}".encode(), body, None)


def point_trophic(reading: WaterReading, at_us: int, values: Values) -> IndicatorOutput | None:
    """`water.trophic_index` of one sample of a lake, where its items exist."""
    verdict = _trophic(values)
    if verdict is None:
        return None
    body = _sample_body(TROPHIC_INDEX, reading, at_us) | _trophic_part(verdict, 1)
    return IndicatorOutput(f"{TROPHIC_INDEX}/{reading.device_id}".encode(), body, None)


def _sample_body(indicator: str, reading: WaterReading, at_us: int) -> dict[str, Any]:
    at = iso(at_us)
    return {
        "id": indicator,
        "feed": Feed.WATER,
        "lane": reading.lane,
        "subject": reading.device_id,
        "subject_name": reading.station_name,
        "period_start": at,
        "period_end": at,
        "sample": {
            "device_id": reading.device_id,
            "boot_id": reading.boot_id,
            "seq": reading.seq,
            "quality": reading.quality,
        },
    }


def _trophic(values: Values) -> TrophicVerdict | None:
    _, _, codmn, _, tp, tn, chla, transparency, _ = values
    return trophic_index(chla, tp, tn, transparency, codmn)


def _trophic_part(verdict: TrophicVerdict, n: int) -> dict[str, Any]:
    present = len(verdict.items)
    missing = [field for field in TROPHIC_FIELDS if field not in verdict.items]
    partial = f"; partial: without {', '.join(missing)}, weights normalised (unverified)" if missing else ""
    return {
        "value": round(verdict.value, 6),
        "unit": INDEX_UNIT,
        "status": CANNOT_SAY,
        "status_reason": f"{verdict.state.en}; shown, not judged: no target is set for it{partial}",
        "n": n,
        "completeness": present / len(TROPHIC_FIELDS),
        "threshold": None,
        "details": {
            "state_zh": verdict.state.zh,
            "state_en": verdict.state.en,
            "items": verdict.items,
            "partial": verdict.partial,
        },
    }


class LakeRound(NamedTuple):
    """One round of one lake, as indicators name it."""

    lane: str
    lake: str
    name: str
    end_us: int
    entry: Round


def lake_class(lake: LakeRound, classed: Classed, items_min: int) -> IndicatorOutput:
    """`water.class`: the lake judged against the target."""
    verdict, target = classed.verdict, classed.target
    status, reason = _status(verdict, target, Quality.GOOD, items_min)
    details = _class_details(classed)
    details["points"] = sorted(lake.entry.points)
    details["means"] = {name: mean for name, mean in zip(FIELDS, classed.values, strict=True) if mean is not None}
    body = _round_body(LAKE_CLASS, lake, classed.at_us)
    body |= {
        "value": verdict.rank,
        "unit": CLASS_UNIT,
        "status": status,
        "status_reason": reason,
        "n": n_samples(lake.entry),
        "completeness": verdict.n_items / AUTOMATIC_ITEMS,
        "threshold": None if target is None else target.fragment,
        "details": details,
    }
    return IndicatorOutput(f"{LAKE_CLASS}/{lake.lake}".encode(), body, _identity(body))


def lake_trophic(lake: LakeRound, classed: Classed) -> IndicatorOutput | None:
    """`water.trophic_index` of the lake, where its items exist."""
    verdict = _trophic(classed.values)
    if verdict is None:
        return None
    body = _round_body(TROPHIC_INDEX, lake, classed.at_us) | _trophic_part(verdict, n_samples(lake.entry))
    return IndicatorOutput(f"{TROPHIC_INDEX}/{lake.lake}".encode(), body, _identity(body))


def _round_body(indicator: str, lake: LakeRound, start_us: int) -> dict[str, Any]:
    return {
        "id": indicator,
        "feed": Feed.WATER,
        "lane": lake.lane,
        "subject": lake.lake,
        "subject_name": lake.name,
        "period_start": iso(start_us),
        "period_end": iso(lake.end_us),
        "revision": lake.entry.changes - 1,
    }


def _identity(body: dict[str, Any]) -> tuple[str, ...]:
    return body["id"], body["lane"], body["subject"], body["period_start"]
