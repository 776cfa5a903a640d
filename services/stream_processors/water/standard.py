"""Class limits of GB 3838-2002 in the form that classing needs: for one kind of water body, by measured field."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from schemas.plan.documents import StandardDocument, StandardItem
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource
from schemas.water import WaterBody
from services.stream_processors.water.measured import PLACE

WORST: Final = 6
"""Rank of water that fails class V (劣Ⅴ)."""


class Shape(StrEnum):
    """How a value is compared with the limits."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"
    WITHIN = "within"


@dataclass(frozen=True, slots=True)
class ItemLimits:
    """The limits of one item for one kind of water body."""

    id: str
    name_zh: str
    name_en: str
    unit: str
    shape: Shape
    limits: tuple[float, ...]
    """Classes I to V; for `within` the two ends of the range."""
    steps: tuple[float, ...]
    """Ascending form of `limits` for `at_most` (as they are) and `at_least` (negated)."""
    multiple: bool
    """Whether an exceedance multiple is computed."""
    first: bool
    """Named first among the main pollutants."""
    source: str
    has_lake_column: bool = False
    saturation_share: float | None = None
    """Share of oxygen saturation that class I accepts in place of its limit."""

    def rank(self, value: float) -> int:
        """Class of one value, 1 to 5, 6 when it fails class V; a value on the limit is within it."""
        if self.shape is Shape.AT_MOST:
            return bisect_left(self.steps, value) + 1
        if self.shape is Shape.AT_LEAST:
            return bisect_left(self.steps, -value) + 1
        low, high = self.limits
        return 1 if low <= value <= high else WORST

    def exceedance(self, value: float, rank: int) -> float | None:
        """(C - S) / S against the limit S of a class; None when it is met or no multiple is computed."""
        limit = self.limits[rank - 1] if self.multiple else None
        if limit is None or value <= limit:
            return None
        return (value - limit) / limit


@dataclass(frozen=True, slots=True, eq=False)
class LimitTable:
    """The table of a standard for one kind of water body; each table is equal to itself only."""

    standard_id: str
    version: str
    body: WaterBody
    source: ThresholdSource
    """The standard as a source; `where` is the table."""
    items: MappingProxyType[str, ItemLimits]
    """All judged items by id."""
    automatic: tuple[tuple[int, ItemLimits], ...]
    """The items of the automatic network, by the place of their value (`measured.FIELDS`)."""
    ladders: tuple[tuple[int, float, tuple[float, ...]], ...]
    """The same as numbers: place, sign that makes greater worse (0 for a range), ascending limits."""

    def thresholds(self, item: ItemLimits, rank: int) -> tuple[Threshold, ...]:
        """The limit of an item for a class, with its source; two for a range."""
        lakes = ", lakes" if self.body is WaterBody.LAKE and item.has_lake_column else ""
        where = f"{item.source}{lakes}, {'all classes' if item.shape is Shape.WITHIN else _CLASS_WORDS[rank]}"
        source = self.source.model_copy(update={"where": where})
        if item.shape is Shape.WITHIN:
            pairs = list(zip(item.limits, (Comparator.GE, Comparator.LE), strict=True))
        else:
            pairs = [(item.limits[rank - 1], Comparator.LE if item.shape is Shape.AT_MOST else Comparator.GE)]
        return tuple(
            Threshold(id=item.id, value=value, unit=item.unit, comparator=comparator, source=source)
            for value, comparator in pairs
        )


_SIGNS: Final = MappingProxyType({Shape.AT_MOST: 1.0, Shape.AT_LEAST: -1.0, Shape.WITHIN: 0.0})
_CLASS_WORDS: Final = MappingProxyType({1: "class I", 2: "class II", 3: "class III", 4: "class IV", 5: "class V"})


def limit_table(document: StandardDocument, body: WaterBody) -> LimitTable:
    """The table for rivers or for lakes."""
    compiled = {item.id: _compile(item, body) for item in document.item if item.judged}
    automatic = tuple(
        (PLACE[item.field], compiled[item.id])
        for item in document.item
        if item.automatic and item.judged and item.field is not None and item.field in PLACE
    )
    ladders = tuple((place, _SIGNS[item.shape], item.steps) for place, item in automatic)
    head = document.standard
    source = ThresholdSource(
        kind=SourceKind.STANDARD,
        id=head.id,
        version=head.version,
        where="table 1",
        valid_from=head.valid_from,
        valid_to=head.valid_to,
    )
    return LimitTable(head.id, head.version, body, source, MappingProxyType(compiled), automatic, ladders)


def _compile(item: StandardItem, body: WaterBody) -> ItemLimits:
    own = item.lake_limits if body is WaterBody.LAKE and item.lake_limits else item.limits
    at_least = item.comparator in (Comparator.GE, Comparator.GT)
    shape = Shape.WITHIN if item.range else Shape.AT_LEAST if at_least else Shape.AT_MOST
    limits = item.range or own or ()
    percent = item.class_1_saturation_percent
    return ItemLimits(
        id=item.id,
        name_zh=item.name_zh,
        name_en=item.name,
        unit=item.unit,
        shape=shape,
        limits=limits,
        steps=tuple(-limit for limit in limits) if shape is Shape.AT_LEAST else limits,
        multiple=item.multiple and shape is Shape.AT_MOST,
        first=item.first,
        source=item.source,
        has_lake_column=item.lake_limits is not None,
        saturation_share=None if percent is None else percent / 100,
    )
