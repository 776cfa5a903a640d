"""Values that the checks of their own station do not believe, within one round of a lake. Pure.

A station alone cannot tell a broken instrument from the first sample of a spill: both are a jump of one item. The lake
can: what jumps at several of its points in the same round is taken for pollution until shown otherwise, and counts.
What stays in doubt is left out of the class, and the class says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from services.stream_processors.engine.both import Both
from services.stream_processors.water.measured import FIELDS, NAMES, Values
from services.stream_processors.water.quality import Code, Doubt
from services.stream_processors.water.rounds import (
    NAMED_MAX,
    NONE_DOUBTED,
    Counts,
    Doubted,
    DoubtedItems,
    View,
    whole_of,
)
from services.stream_processors.water.standard import LimitTable

_WIDTH: Final = len(FIELDS)
_MOVED: Final = frozenset({"step", "cross_check"})
"""Doubts that pollution raises as well; a value that cannot be, or that stands still, is never pollution."""


_POINTS_IN_WORDS: Final = 3


class Aside(NamedTuple):
    """One value that is set aside."""

    place: int
    value: float
    has_moved: bool
    """Whether it counts when other points of the lake show the same."""


def set_aside(values: Values, doubts: Iterable[Doubt]) -> tuple[Aside, ...]:
    """The values of a sample that the doubts leave out, those that a lake's means are made of."""
    kinds: dict[int, bool] = {}
    for doubt in doubts:
        if 0 <= doubt.place < _WIDTH:
            moved = doubt.kind in _MOVED and doubt.code == Code.SUSPECT
            kinds[doubt.place] = kinds.get(doubt.place, True) and moved
    found = ((place, values[place], moved) for place, moved in sorted(kinds.items()))
    return tuple(Aside(place, value, moved) for place, value, moved in found if value is not None)


def add_aside(known: DoubtedItems, point: str, aside: tuple[Aside, ...]) -> None:
    """Sums and counts alone, so the order does not matter."""
    for place, value, has_moved in aside:
        total, moved, others = known.get((place, point), NONE_DOUBTED)
        if has_moved:
            known[place, point] = Doubted(total + whole_of(place, value), moved + 1, others)
        else:
            known[place, point] = Doubted(total, moved, others + 1)


class Judged(NamedTuple):
    """The doubted items of a round, as the lake as a whole sees them: points by item."""

    counted: dict[int, tuple[str, ...]]
    """Doubted at several points at once: pollution until shown otherwise."""
    left_out: dict[int, tuple[str, ...]]


NO_DOUBT: Final = Judged({}, {})


def judge_doubted(doubted: DoubtedItems, points_min: int) -> Judged:
    """Which of the doubted items count.

    Args:
        points_min: Policy; at so many points of the lake at once.
    """
    if not doubted:
        return NO_DOUBT
    moved: dict[int, list[str]] = {}
    every: dict[int, list[str]] = {}
    for (place, point), found in sorted(doubted.items()):
        every.setdefault(place, []).append(point)
        if found.moved:
            moved.setdefault(place, []).append(point)
    counted = {place: tuple(points) for place, points in moved.items() if len(points) >= points_min}
    left = {
        place: tuple(point for point in points if place not in counted or doubted[place, point].others)
        for place, points in every.items()
    }
    return Judged(counted, {place: points for place, points in left.items() if points})


def with_doubted(view: View, doubted: DoubtedItems, counted: Collection[int]) -> View:
    """What the points contribute when the doubted items that count are added."""
    after = view.copy()
    for (place, point), (total, moved, _) in doubted.items():
        if place in counted and moved:
            after[point] = after[point].with_more(place, total, moved)
    return after


def told_of_round(doubts: Judged, table: LimitTable) -> tuple[dict[str, Any], Both] | None:
    """What a round's figure says of doubted items of the class: details, and the end of its reason; None: nothing."""
    if doubts is NO_DOUBT:
        return None
    counted, left = (_judged(of, table) for of in (doubts.counted, doubts.left_out))
    if not counted and not left:
        return None
    zh, en = [], []
    if left:
        zh.append("未计入存疑项目：" + "、".join(f"{NAMES[f][0]}（{_some(p, '、')}）" for f, p in left.items()))
        en.append(
            "left out as doubtful: " + ", ".join(f"{NAMES[f][1]} at {_some(p, ' and ')}" for f, p in left.items())
        )
    if counted:
        zh.append("多个点位同时突变，按污染计入：" + "、".join(NAMES[field][0] for field in counted))
        en.append("moved at several points at once, counted as pollution: " + ", ".join(NAMES[f][1] for f in counted))
    details = {
        "left_out": {field: list(points) for field, points in left.items()},
        "counted": {field: list(points) for field, points in counted.items()},
        "zh": "；".join(zh),
        "en": "; ".join(en),
    }
    return details, Both(f"；{details['zh']}", f"; {details['en']}")


def told_of_period(left_out: Counts, table: LimitTable) -> tuple[dict[str, Any], Both] | None:
    """The same of a day or month: in how many rounds an item was left out at some point."""
    judged = {place for place, _ in table.automatic}
    rounds = {FIELDS[place]: n for place, n in enumerate(left_out) if n and place in judged}
    if not rounds:
        return None
    zh = "、".join(f"{NAMES[field][0]}（{n}轮）" for field, n in rounds.items())
    en = ", ".join(f"{NAMES[field][1]} in {n} round{'' if n == 1 else 's'}" for field, n in rounds.items())
    details = {"left_out_rounds": rounds, "zh": f"未计入存疑项目：{zh}", "en": f"left out as doubtful: {en}"}
    return details, Both(f"；{details['zh']}", f"; {details['en']}")


def _judged(found: Mapping[int, tuple[str, ...]], table: LimitTable) -> dict[str, tuple[str, ...]]:
    """Those that a class is made of, by field; points as far as a figure names them."""
    judged = {place for place, _ in table.automatic}
    return {FIELDS[place]: points[:NAMED_MAX] for place, points in sorted(found.items()) if place in judged}


def _some(points: tuple[str, ...], between: str) -> str:
    more = len(points) - _POINTS_IN_WORDS
    return between.join(points[:_POINTS_IN_WORDS]) + (f" +{more}" if more > 0 else "")
