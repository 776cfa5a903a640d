"""Trophic level index of lakes (湖泊(水库)富营养化评价方法及分级技术规定). Pure."""

from __future__ import annotations

from math import log
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

_FORMULA: Final = MappingProxyType(
    {
        "chla_ug_l": (1.0, 2.5, 1.086),
        "tp_mg_l": (0.84**2, 9.436, 1.624),
        "tn_mg_l": (0.82**2, 5.453, 1.694),
        "transparency_m": (0.83**2, 5.118, -1.94),
        "codmn_mg_l": (0.83**2, 0.109, 2.661),
    }
)
"""Weight r², and a, b of TLI = 10 (a + b ln x); chlorophyll-a in mg/m³ (= µg/L), Secchi depth in metres."""

TROPHIC_FIELDS: Final = tuple(_FORMULA)

_TERMS: Final = tuple((1 << place, weight * 10, a, b) for place, (weight, a, b) in enumerate(_FORMULA.values()))
"""Bit of each item, ten times its weight, and its a and b."""


def _of_items(bits: int) -> tuple[float, tuple[str, ...]]:
    """The sum of weights, added in the order of the items, and the fields of the items that were there."""
    fields = tuple(field for place, field in enumerate(TROPHIC_FIELDS) if bits >> place & 1)
    weights = 0.0
    for field in fields:
        weights += _FORMULA[field][0]
    return weights, fields


_ITEMS: Final = tuple(_of_items(bits) for bits in range(1 << len(TROPHIC_FIELDS)))
"""The same for each combination of items, by their bits."""


class TrophicState(NamedTuple):
    """A state in both languages."""

    zh: str
    en: str


OLIGOTROPHIC: Final = TrophicState("贫营养", "oligotrophic")
MESOTROPHIC: Final = TrophicState("中营养", "mesotrophic")
LIGHTLY_EUTROPHIC: Final = TrophicState("轻度富营养", "lightly eutrophic")
MODERATELY_EUTROPHIC: Final = TrophicState("中度富营养", "moderately eutrophic")
HIGHLY_EUTROPHIC: Final = TrophicState("重度富营养", "highly eutrophic")


class TrophicVerdict(msgspec.Struct, frozen=True, gc=False):
    """The index and what it rests on."""

    value: float
    state: TrophicState
    items: tuple[str, ...]
    """Fields that were there."""

    @property
    def partial(self) -> bool:
        """Items are missing; the weights were normalised over those present (unverified practice)."""
        return len(self.items) < len(_FORMULA)


def trophic_index(
    chla: float | None, tp: float | None, tn: float | None, sd: float | None, codmn: float | None
) -> TrophicVerdict | None:
    """Weighted index over the items present; None when there is none.

    Args:
        chla: Chlorophyll-a, µg/L.
        tp: Total phosphorus, mg/L.
        tn: Total nitrogen, mg/L.
        sd: Secchi depth, m.
        codmn: Permanganate index, mg/L.

    A value of zero has no logarithm and counts as missing.
    """
    total, bits = 0.0, 0
    for (bit, tenfold, a, b), value in zip(_TERMS, (chla, tp, tn, sd, codmn), strict=True):
        if value is not None and value > 0:
            total += tenfold * (a + b * log(value))
            bits |= bit
    if not bits:
        return None
    weights, items = _ITEMS[bits]
    index = total / weights
    return TrophicVerdict(index, trophic_state(index), items)


def trophic_state(index: float) -> TrophicState:
    """State of an index; exactly 30 and 50 are mesotrophic, exactly 60 lightly, exactly 70 moderately eutrophic."""
    if index < 30:
        return OLIGOTROPHIC
    if index <= 50:
        return MESOTROPHIC
    if index <= 60:
        return LIGHTLY_EUTROPHIC
    if index <= 70:
        return MODERATELY_EUTROPHIC
    return HIGHLY_EUTROPHIC
