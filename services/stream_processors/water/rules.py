"""Class of a sample by GB 3838-2002: single-factor evaluation, the worst item decides. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from services.stream_processors.water.measured import PLACE, Values
from services.stream_processors.water.settings import ClassPolicy
from services.stream_processors.water.standard import WORST, ItemLimits, LimitTable

_TEMPERATURE: Final = PLACE["water_temp_c"]

_COMBINATIONS: Final = 4_096
"""Combinations of item classes to keep; far more than occur."""

AUTOMATIC_ITEMS: Final = 5
"""pH, dissolved oxygen, permanganate index, ammonia nitrogen, total phosphorus."""


@dataclass(frozen=True, slots=True)
class Quality:
    """A class in the words and colours of the assessment method (环办〔2011〕22号)."""

    class_zh: str
    class_en: str
    word_zh: str
    word_en: str
    colour: str


QUALITY: Final[MappingProxyType[int, Quality]] = MappingProxyType(
    {
        1: Quality("Ⅰ类", "class I", "优", "excellent", "blue"),
        2: Quality("Ⅱ类", "class II", "优", "excellent", "blue"),
        3: Quality("Ⅲ类", "class III", "良好", "good", "green"),
        4: Quality("Ⅳ类", "class IV", "轻度污染", "lightly polluted", "yellow"),
        5: Quality("Ⅴ类", "class V", "中度污染", "moderately polluted", "orange"),
        6: Quality("劣Ⅴ类", "worse than class V", "重度污染", "heavily polluted", "red"),
    }
)


class ClassVerdict(NamedTuple):
    """The class of one sample and why."""

    rank: int | None
    """1 (I) to 5 (V), 6 worse than V; None when too few items were measured."""
    item_ranks: tuple[int | None, ...]
    """Class of each automatic item, in the order of the table."""
    n_items: int
    """Automatic items measured."""


class _Last:
    """The sample that was classed last: it is asked for by itself and again as what counts for its station."""

    __slots__ = ("policy", "table", "values", "verdict")

    def __init__(self) -> None:
        self.values: Values | None = None
        self.table: LimitTable | None = None
        self.policy: ClassPolicy | None = None
        self.verdict = ClassVerdict(None, (), 0)


_LAST: Final = _Last()


def class_of_sample(values: Values, table: LimitTable, policy: ClassPolicy) -> ClassVerdict:
    """Class of one sample (GB 3838-2002 clause 5.1; unrounded values decide, limits are inclusive)."""
    last = _LAST
    if last.values is not values or last.table is not table or last.policy is not policy:
        last.values, last.table, last.policy = None, table, policy
        last.verdict = _class_of(values, table, policy)
        last.values = values
    return last.verdict


def _class_of(values: Values, table: LimitTable, policy: ClassPolicy) -> ClassVerdict:
    ranks: list[int | None] = []
    for place, sign, limits in table.ladders:
        value = values[place]
        if value is None:
            ranks.append(None)
        elif sign:
            ranks.append(bisect_left(limits, value * sign) + 1)
        else:
            ranks.append(1 if limits[0] <= value <= limits[1] else WORST)
    if policy.saturation_alternative and 2 in ranks:
        ranks = [
            1 if rank == 2 and _saturated(item, values[place], values[_TEMPERATURE]) else rank
            for rank, (place, item) in zip(ranks, table.automatic, strict=True)
        ]
    return _verdict(tuple(ranks), policy.items_min)


@lru_cache(_COMBINATIONS)
def _verdict(ranks: tuple[int | None, ...], items_min: int) -> ClassVerdict:
    known = [rank for rank in ranks if rank is not None]
    return ClassVerdict(max(known) if len(known) >= items_min else None, ranks, len(known))


def _saturated(item: ItemLimits, do_mg_l: float | None, temperature_c: float | None) -> bool:
    """Whether oxygen reaches the share of saturation that class I accepts (HJ 2.3-2018: DOf = 468 / (31.6 + T))."""
    if item.saturation_share is None or do_mg_l is None or temperature_c is None:
        return False
    return do_mg_l >= item.saturation_share * saturation_mg_l(temperature_c)


def saturation_mg_l(temperature_c: float) -> float:
    """Oxygen saturation of fresh water, mg/L (HJ 2.3-2018)."""
    return 468 / (31.6 + temperature_c)


def deciding_items(verdict: ClassVerdict, table: LimitTable) -> tuple[str, ...]:
    """Ids of the items whose class is the sample's class; none when the sample is class I or cannot be classed."""
    if verdict.rank is None or verdict.rank == 1:
        return ()
    pairs = zip(table.automatic, verdict.item_ranks, strict=True)
    return tuple(item.id for (_, item), rank in pairs if rank == verdict.rank)


def exceedances(values: Values, table: LimitTable, rank: int) -> dict[str, float]:
    """Exceedance multiple of each item beyond the limit of a class; not for pH, dissolved oxygen, temperature."""
    found: dict[str, float] = {}
    for place, item in table.automatic:
        value = values[place]
        multiple = None if value is None else item.exceedance(value, rank)
        if multiple is not None:
            found[item.id] = multiple
    return found


@dataclass(frozen=True, slots=True)
class Pollutant:
    """An item beyond class III, as bulletins name it."""

    item: ItemLimits
    rank: int
    value: float
    multiple: float | None

    def text_zh(self) -> str:
        """`总磷(0.40)`; items without a multiple are named alone."""
        return self.item.name_zh if self.multiple is None else f"{self.item.name_zh}({self.multiple:.2f})"

    def text_en(self) -> str:
        """`Total phosphorus (0.40)`."""
        return self.item.name_en if self.multiple is None else f"{self.item.name_en} ({self.multiple:.2f})"


def main_pollutants(values: Values, verdict: ClassVerdict, table: LimitTable, *, most: int = 3) -> list[Pollutant]:
    """Items beyond class III, the worst class first, then the greater multiple; none while the class is I to III.

    The order of ranking is unverified (the assessment method's full text was not available); cyanide and heavy
    metals come first by the same unverified rule.
    """
    if verdict.rank is None or verdict.rank <= 3:
        return []
    found = [
        Pollutant(item, rank, value, item.exceedance(value, 3))
        for (place, item), rank in zip(table.automatic, verdict.item_ranks, strict=True)
        if rank is not None and rank > 3 and (value := values[place]) is not None
    ]
    found.sort(key=lambda p: (not p.item.first, -p.rank, -(p.multiple or 0.0), p.item.id))
    return found[:most]


def item_value_texts(items: Sequence[str], values: Values, table: LimitTable) -> list[tuple[ItemLimits, float]]:
    """Items by id with their measured values, in the order of the table."""
    return [
        (item, value) for place, item in table.automatic if item.id in items and (value := values[place]) is not None
    ]
