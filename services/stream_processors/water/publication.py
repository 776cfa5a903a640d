"""The indicators of one sample: its class and its trophic index; and the parts that a lake's figures share. Pure.

What is said follows from the class of each item alone, except for the exceedance multiples; so those parts are made
once for each combination and kept.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import msgspec
import orjson

from schemas.fields import Feed, Quality
from schemas.indicator import IndicatorStatus
from schemas.vocabulary import VOCABULARY
from schemas.water import WaterReading
from services.stream_processors.engine.both import NOT_JUDGED, Both
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.events import IndicatorOutput
from services.stream_processors.water.measured import NAMES, PLACE, Values
from services.stream_processors.water.regime import Regime
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
_QUALITY_WORDS: Final = MappingProxyType({quality: quality.value for quality in Quality})

CLASSED: Final = frozenset({Quality.GOOD, Quality.MAINTENANCE})
"""Qualities for which a class is computed; only `good` counts further."""

_CODMN, _TP, _TN, _CHLA, _TRANSPARENCY = (
    PLACE[name] for name in ("codmn_mg_l", "tp_mg_l", "tn_mg_l", "chla_ug_l", "transparency_m")
)

_COMBINATIONS: Final = 4_096
"""Combinations of item classes to keep; far more than occur."""
_STATIONS: Final = 16_384
"""Stations, with boot and quality, of which the JSON that does not change is kept."""


class Classed(msgspec.Struct, frozen=True, gc=False):
    """Values of a sample or of a lake, their class, and by which table and target they are judged."""

    at_us: int
    """Event time: of the sample, or the start of the round."""
    values: Values
    verdict: ClassVerdict
    table: LimitTable
    target: Target | None
    """The target in force at that time."""


class ClassedSample(msgspec.Struct, gc=False):
    """One sample and its class by itself; the JSON of its indicators is made when it is needed."""

    _reading: WaterReading
    _values: Values
    """The reading's, in the order of `measured.FIELDS`; more may follow."""
    _verdict: ClassVerdict
    _table: LimitTable
    _regime: Regime
    _common: bytes | None = None

    def point_class(self) -> IndicatorOutput:
        """`water.point_class`: the class of one sample."""
        return IndicatorOutput(_key(POINT_CLASS, self._reading.device_id), self._class_json, None)

    def point_trophic(self) -> IndicatorOutput | None:
        """`water.trophic_index` of one sample of a lake, where its items exist."""
        if not has_trophic_items(self._values):
            return None
        return IndicatorOutput(_key(TROPHIC_INDEX, self._reading.device_id), self._trophic_json, None)

    def _class_json(self) -> bytes:
        reading, verdict, table, target = self._reading, self._verdict, self._table, self._regime.target
        part = _class_part(verdict, target, reading.quality, self._regime.settings.class_.items_min)
        if is_plain(verdict, target):
            details = _plain_json(verdict, table, target is not None)
        else:
            details = _json_of(Classed(to_us(reading.observed_at), self._values, verdict, table, target))
        return b'%b,"details":%b,%b' % (part, details, self._common_json())

    def _trophic_json(self) -> bytes:
        _, _, codmn, _, tp, tn, chla, transparency, *_ = self._values
        verdict = trophic_index(chla, tp, tn, transparency, codmn)
        assert verdict is not None  # noqa: S101 - one of its items was measured
        part, value = _trophic_part(verdict.state, verdict.items), orjson.dumps(round(verdict.value, 6))
        return b'%b,"value":%b,%b' % (part, value, self._common_json())

    def _common_json(self) -> bytes:
        """What all indicators of the sample say alike: from the lane to the closing brace."""
        if self._common is None:
            self._common = _sample_json(self._reading)
        return self._common


def _sample_json(reading: WaterReading) -> bytes:
    """What all indicators of a sample say alike: from the lane to the closing brace."""
    head = reading.lane, reading.device_id, reading.station_name, reading.boot_id, reading.quality
    begin, middle, end = _sample_parts(*head)
    at = orjson.dumps(reading.observed_at, option=orjson.OPT_UTC_Z)
    return b'%b,"period_start":%b,"period_end":%b,%b%d%b' % (begin, at, at, middle, reading.seq, end)


@lru_cache(_STATIONS)
def _sample_parts(lane: str, device: str, name: str | None, boot: str, quality: Quality) -> tuple[bytes, bytes, bytes]:
    """What the samples of a station say alike, as JSON: up to the times, up to the number, and from there on."""
    about = orjson.dumps({"lane": lane, "subject": device, "subject_name": name})
    device_json, boot_json, quality_json = map(orjson.dumps, (device, boot, _QUALITY_WORDS[quality]))
    sample = b'"sample":{"device_id":%b,"boot_id":%b,"seq":' % (device_json, boot_json)
    return about[1:-1], sample, b',"quality":%b}}' % quality_json


@lru_cache(_COMBINATIONS)
def _class_part(verdict: ClassVerdict, target: Target | None, quality: Quality, items_min: int) -> bytes:
    """What follows from the classes of the items, as JSON without its closing brace."""
    status, reason = class_status(verdict, None if target is None else target.rank, quality, items_min)
    part = {
        "id": POINT_CLASS,
        "feed": _FEED,
        "value": verdict.rank,
        "unit": CLASS_UNIT,
        "status": status,
        "status_reason": reason.en,
        "status_reason_zh": reason.zh,
        "n": 1,
        "completeness": verdict.n_items / AUTOMATIC_ITEMS,
        "threshold": None if target is None else target.fragment,
    }
    return orjson.dumps(part)[:-1]


@lru_cache(_COMBINATIONS)
def _trophic_part(state: TrophicState, items: tuple[str, ...]) -> bytes:
    """What follows from the state and the items that were there, as JSON without its closing brace."""
    reason, details = trophic_words(state, items)
    part = {
        "id": TROPHIC_INDEX,
        "feed": _FEED,
        "unit": INDEX_UNIT,
        "status": CANNOT_SAY,
        "status_reason": reason.en,
        "status_reason_zh": reason.zh,
        "n": 1,
        "completeness": len(items) / len(TROPHIC_FIELDS),
        "threshold": None,
        "details": details,
    }
    return orjson.dumps(part)[:-1]


@lru_cache(_COMBINATIONS)
def class_status(
    verdict: ClassVerdict, target: int | None, quality: Quality, items_min: int
) -> tuple[IndicatorStatus, Both]:
    """Status and its reason in one sentence."""
    if quality not in CLASSED:
        return CANNOT_SAY, _marked(quality).then("，不评价类别", ": it is not classed")
    if verdict.rank is None:
        return CANNOT_SAY, few_items(verdict.n_items, items_min)
    if quality is not Quality.GOOD:
        return CANNOT_SAY, _marked(quality).then("，只定类别，不评价", ": it is classed and not judged")
    if target is None:
        return CANNOT_SAY, Both("采样时没有生效的目标", "no target was in force at the time of the sample")
    found, wanted = QUALITY[verdict.rank], QUALITY[target]
    if verdict.rank <= target:
        return MET, Both(
            f"{found.class_zh}，达到或优于目标{wanted.class_zh}",
            f"{found.class_en} is at or better than the target {wanted.class_en}",
        )
    return NOT_MET, Both(
        f"{found.class_zh}，劣于目标{wanted.class_zh}", f"{found.class_en} is worse than the target {wanted.class_en}"
    )


def _marked(quality: Quality) -> Both:
    return Both(
        f"站点将该样品标记为“{VOCABULARY['quality'][quality.value].zh}”", f"the station marks the sample '{quality}'"
    )


def few_items(found: int, needed: int) -> Both:
    """Why a class cannot be said: too few of the items that it is made of were measured."""
    return Both(
        f"{AUTOMATIC_ITEMS}个自动监测项目中测得{found}项，需要{needed}项",
        f"{found} of the {AUTOMATIC_ITEMS} automatic items were measured, {needed} are needed",
    )


def is_plain(verdict: ClassVerdict, target: Target | None) -> bool:
    """Whether nothing exceeds class III nor the target: the details do not depend on the values."""
    rank = verdict.rank
    return rank is None or (rank <= 3 and (target is None or rank <= target.rank))


def class_details(classed: Classed) -> dict[str, Any]:
    """Standard, classes of the items, exceedance multiples, main pollutants; never changed."""
    values, verdict, table, target = classed.values, classed.verdict, classed.table, classed.target
    rank = verdict.rank
    if rank is None or is_plain(verdict, target):
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


@lru_cache(_COMBINATIONS)
def _plain_json(verdict: ClassVerdict, table: LimitTable, judged: bool) -> bytes:
    return orjson.dumps(_plain_details(verdict, table, judged))


def _json_of(classed: Classed) -> bytes:
    return orjson.dumps(class_details(classed))


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


def has_trophic_items(values: Values) -> bool:
    """Whether one of the items of the trophic index was measured."""
    return bool(values[_CODMN] or values[_TP] or values[_TN] or values[_CHLA] or values[_TRANSPARENCY])


@lru_cache(_COMBINATIONS)
def trophic_words(state: TrophicState, items: tuple[str, ...]) -> tuple[Both, dict[str, Any]]:
    """Reason and details of a trophic index."""
    missing = [field for field in TROPHIC_FIELDS if field not in items]
    reason = Both(f"{state.zh}；{NOT_JUDGED.zh}", f"{state.en}; {NOT_JUDGED.en}")
    if missing:
        reason = reason.then(
            f"；部分项目：缺{'、'.join(NAMES[field][0] for field in missing)}，权重按现有项目归一（未核实）",
            f"; partial: without {', '.join(missing)}, weights normalised (unverified)",
        )
    details = {"state_zh": state.zh, "state_en": state.en, "items": list(items), "partial": bool(missing)}
    return reason, details


@lru_cache(_COMBINATIONS)
def _key(indicator: str, subject: str) -> bytes:
    return f"{indicator}/{subject}".encode()
