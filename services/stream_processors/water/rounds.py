"""Sampling rounds of a lake: each item is averaged over time at each point, then over the points. Pure.

Sums are whole numbers (billionths of a unit), so that a mean does not depend on the order of arrival and a mean that
lies exactly on a limit is exactly on it. pH is averaged as the concentration of hydrogen ions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import lcm, log10
from typing import Any, Final, NamedTuple

from services.stream_processors.engine.episodes import Sample
from services.stream_processors.water.measured import FIELDS, PLACE, Values

_SCALE: Final = 10**9
_ION_SCALE: Final = 10**24
_PH: Final = PLACE["ph"]
_WIDTH: Final = len(FIELDS)


def _scaled(values: Values) -> list[int | None]:
    scaled: list[int | None] = [None if value is None else round(value * _SCALE) for value in values]
    ph = values[_PH]
    if ph is not None:
        scaled[_PH] = round(10.0**-ph * _ION_SCALE)
    return scaled


@dataclass(slots=True)
class PointSums:
    """What one point contributes to a round."""

    samples: int = 0
    sums: list[int] = field(default_factory=lambda: [0] * _WIDTH)
    counts: list[int] = field(default_factory=lambda: [0] * _WIDTH)
    last_us: int = 0
    last_offset: int = 0
    """The newest sample by event time: the point's evidence."""


@dataclass(slots=True)
class Round:
    """One round of one lake."""

    changes: int = 0
    """How often it has changed; the revision of what is published is one less."""
    counted: bool = False
    """Whether it counts for the lake's alert."""
    points: dict[str, PointSums] = field(default_factory=dict)


class RoundView(NamedTuple):
    """A round as it stood at one moment."""

    changes: int
    samples: int
    points: tuple[str, ...]
    sums: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    """Sums and counts of each point."""


def view_of(entry: Round) -> RoundView:
    """The round as it stands."""
    points = entry.points.values()
    return RoundView(
        entry.changes,
        sum([point.samples for point in points]),
        tuple(entry.points),
        tuple([(tuple(point.sums), tuple(point.counts)) for point in points]),
    )


def has_values(view: RoundView, fields: tuple[str, ...]) -> bool:
    """Whether at least one of the items was measured and is not zero."""
    places = [PLACE[name] for name in fields]
    return any(sums[place] for sums, _ in view.sums for place in places)


def add_sample(entry: Round, point: str, sample: Sample, replaced: Sample | None) -> None:
    """Let a sample count; one that it replaces no longer does."""
    sums = entry.points.get(point)
    if sums is None:
        sums = entry.points[point] = PointSums()
    _add(sums, sample.payload, 1)
    if replaced is not None:
        _add(sums, replaced.payload, -1)
    if sample.at_us >= sums.last_us:
        sums.last_us, sums.last_offset = sample.at_us, sample.offsets[0]
    entry.changes += 1


def _add(sums: PointSums, values: Values, sign: int) -> None:
    sums.samples += sign
    for place, scaled in enumerate(_scaled(values)):
        if scaled is not None:
            sums.sums[place] += sign * scaled
            sums.counts[place] += sign


def mean_over_points(view: RoundView) -> Values:
    """Mean of each item over the points that measured it; pH to nine decimals, the noise of its logarithm removed."""
    return tuple([_mean(view, place) for place in range(_WIDTH)])


def _mean(view: RoundView, place: int) -> float | None:
    parts = [(sums[place], counts[place]) for sums, counts in view.sums if counts[place]]
    if not parts:
        return None
    common = lcm(*[count for _, count in parts])
    total = sum([part * (common // count) for part, count in parts])
    if place == _PH:
        return round(-log10(total / (common * len(parts) * _ION_SCALE)), 9) if total else None
    return total / (common * len(parts) * _SCALE)


def evidence_offsets(entry: Round) -> tuple[int, ...]:
    """The newest reading of each point."""
    return tuple(sorted({point.last_offset for point in entry.points.values()}))


def dump_round(entry: Round) -> list[Any]:
    """JSON-ready form; sums as text where they may exceed 64 bits."""
    points = {
        name: [p.samples, [hex(total) for total in p.sums], p.counts, p.last_us, p.last_offset]
        for name, p in entry.points.items()
    }
    return [entry.changes, entry.counted, points]


def load_round(dumped: list[Any]) -> Round:
    """A round from its JSON-ready form."""
    changes, counted, points = dumped
    return Round(
        changes,
        counted,
        {
            name: PointSums(samples, [int(total, 16) for total in sums], counts, last_us, last_offset)
            for name, (samples, sums, counts, last_us, last_offset) in points.items()
        },
    )
