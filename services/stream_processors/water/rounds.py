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


class PointSums(NamedTuple):
    """What one point contributes to a round; never changed, only replaced."""

    samples: int
    sums: tuple[int, ...]
    counts: tuple[int, ...]
    """Sum and number of values of each item."""
    last_us: int
    last_offset: int
    """The newest sample by event time: the point's evidence."""


_NOTHING: Final = PointSums(0, (0,) * _WIDTH, (0,) * _WIDTH, 0, 0)


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
    points: dict[str, PointSums]


def view_of(entry: Round) -> RoundView:
    """The round as it stands."""
    return RoundView(entry.changes, entry.points.copy())


def n_samples(view: RoundView) -> int:
    """Samples that count."""
    return sum(point.samples for point in view.points.values())


def has_values(view: RoundView, fields: tuple[str, ...]) -> bool:
    """Whether at least one of the items was measured and is not zero."""
    places = [PLACE[name] for name in fields]
    return any(point.sums[place] for point in view.points.values() for place in places)


def add_sample(entry: Round, point: str, sample: Sample, replaced: Sample | None) -> None:
    """Let a sample count; one that it replaces no longer does."""
    known = entry.points.get(point, _NOTHING)
    if replaced is not None:
        known = _plus(known, replaced.payload, -1)
    known = _plus(known, sample.payload, 1)
    if sample.at_us >= known.last_us:
        known = known._replace(last_us=sample.at_us, last_offset=sample.offsets[0])
    entry.points[point] = known
    entry.changes += 1


def _plus(known: PointSums, values: Values, sign: int) -> PointSums:
    sums, counts = list(known.sums), list(known.counts)
    for place, value in enumerate(values):
        if value is None:
            continue
        scaled = round(10.0**-value * _ION_SCALE) if place == _PH else round(value * _SCALE)
        sums[place] += sign * scaled
        counts[place] += sign
    return PointSums(known.samples + sign, tuple(sums), tuple(counts), known.last_us, known.last_offset)


def mean_over_points(view: RoundView) -> Values:
    """Mean of each item over the points that measured it; pH to nine decimals, the noise of its logarithm removed."""
    return tuple([_mean(view, place) for place in range(_WIDTH)])


def _mean(view: RoundView, place: int) -> float | None:
    parts = [(point.sums[place], point.counts[place]) for point in view.points.values() if point.counts[place]]
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
            name: PointSums(samples, tuple(int(total, 16) for total in sums), tuple(counts), last_us, last_offset)
            for name, (samples, sums, counts, last_us, last_offset) in points.items()
        },
    )
