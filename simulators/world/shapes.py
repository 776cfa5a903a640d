"""Two samples of the same thing, a real and a simulated one, and how far apart they are. Pure.

The Kolmogorov-Smirnov distance is the largest difference of the two distribution functions (0 to 1, no unit); the
Wasserstein distance is the area between them: how far the one has to be moved to be the other, in the sample's unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

BINS: Final = 24


@dataclass(frozen=True, slots=True)
class Shape:
    """Something that real files and the simulated district both have."""

    id: str
    title: str
    unit: str
    real_source: str
    """Which file."""
    low: float
    high: float
    """Range of the plot; what lies beyond is counted, and drawn at the edge."""
    real: Sequence[float] = field(repr=False)
    simulated: Sequence[float] = field(repr=False)

    @property
    def kolmogorov_smirnov(self) -> float:
        """Largest difference of the distribution functions."""
        return kolmogorov_smirnov(self.real, self.simulated)

    @property
    def wasserstein(self) -> float:
        """How far one has to be moved to be the other, in the unit."""
        return wasserstein(self.real, self.simulated)

    @property
    def medians(self) -> tuple[float, float]:
        """Median of the real and of the simulated sample."""
        return median(self.real), median(self.simulated)


def _steps(a: Sequence[float], b: Sequence[float]) -> list[tuple[float, float]]:
    """Each value of either sample, and the difference of the distribution functions from there on."""
    if not a or not b:
        raise ValueError("a distance is between two samples, neither of them empty")
    moves = sorted([(value, 1 / len(a)) for value in a] + [(value, -1 / len(b)) for value in b])
    found: list[tuple[float, float]] = []
    difference = 0.0
    for value, move in moves:
        difference += move
        if found and found[-1][0] == value:
            found[-1] = (value, difference)
        else:
            found.append((value, difference))
    return found


def kolmogorov_smirnov(a: Sequence[float], b: Sequence[float]) -> float:
    """Largest difference of the distribution functions of two samples.

    Raises:
        ValueError: a sample is empty.
    """
    return max(abs(difference) for _, difference in _steps(a, b))


def wasserstein(a: Sequence[float], b: Sequence[float]) -> float:
    """Area between the distribution functions of two samples, in their unit.

    Raises:
        ValueError: a sample is empty.
    """
    return sum(abs(before[1]) * (later[0] - before[0]) for before, later in pairwise(_steps(a, b)))


def median(values: Sequence[float]) -> float:
    """The middle value."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def histogram(values: Sequence[float], low: float, high: float) -> list[float]:
    """Shares of the sample in equal bins; what lies beyond is in the first or the last one."""
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, max(0, int((value - low) / (high - low) * BINS)))] += 1
    return [count / len(values) for count in counts]


def table(shapes: Sequence[Shape]) -> str:
    """The distances as a table in Markdown."""
    lines = [
        "| what | real (n, median) | simulated (n, median) | Kolmogorov-Smirnov | Wasserstein |",
        "| --- | --- | --- | --- | --- |",
    ]
    for shape in shapes:
        real, simulated = shape.medians
        lines.append(
            f"| {shape.title}, {shape.unit} | {shape.real_source}: {len(shape.real):,}, {real:.3g} "
            f"| {len(shape.simulated):,}, {simulated:.3g} | {shape.kolmogorov_smirnov:.3f} "
            f"| {shape.wasserstein:.3g} {shape.unit} |"
        )
    return "\n".join(lines) + "\n"


_WIDTH: Final = 300
_HEIGHT: Final = 150
_GAP: Final = 40
_ACROSS: Final = 3
_TEXT: Final = 'font-family="sans-serif" font-size="11" fill="#333"'
_REAL: Final = "#4e79a7"
_SIMULATED: Final = "#e15759"


def plot(shapes: Sequence[Shape]) -> str:
    """The shares of both samples as an SVG: the real one filled, the simulated one a line."""
    rows = -(-len(shapes) // _ACROSS)
    width, height = _ACROSS * (_WIDTH + _GAP) + _GAP, rows * (_HEIGHT + 2 * _GAP) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_TEXT}>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<rect x="{_GAP}" y="10" width="14" height="10" fill="{_REAL}" fill-opacity="0.35"/>',
        f'<text x="{_GAP + 20}" y="19">real</text>',
        f'<rect x="{_GAP + 70}" y="14" width="14" height="2" fill="{_SIMULATED}"/>',
        f'<text x="{_GAP + 90}" y="19">simulated</text>',
    ]
    for number, shape in enumerate(shapes):
        row, column = divmod(number, _ACROSS)
        parts += _panel(shape, _GAP + column * (_WIDTH + _GAP), _GAP + row * (_HEIGHT + 2 * _GAP))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(shape: Shape, left: int, top: int) -> list[str]:
    real, simulated = (histogram(each, shape.low, shape.high) for each in (shape.real, shape.simulated))
    most, wide = max(*real, *simulated), _WIDTH / BINS
    base = top + 20 + _HEIGHT

    def y(share: float) -> float:
        return base - share / most * _HEIGHT

    bars = [
        f'<rect x="{left + n * wide:.1f}" y="{y(share):.1f}" width="{wide - 1:.1f}" height="{base - y(share):.1f}" '
        f'fill="{_REAL}" fill-opacity="0.35"/>'
        for n, share in enumerate(real)
    ]
    line = " ".join(f"{left + (n + 0.5) * wide:.1f},{y(share):.1f}" for n, share in enumerate(simulated))
    ticks = [
        f'<text x="{left + share * _WIDTH:.0f}" y="{base + 14}" text-anchor="middle">'
        f"{shape.low + share * (shape.high - shape.low):g}</text>"
        for share in (0.0, 0.5, 1.0)
    ]
    title = f"{shape.title}, {shape.unit} (KS {shape.kolmogorov_smirnov:.3f})"
    return [
        f'<text x="{left}" y="{top + 10}" font-weight="bold">{title}</text>',
        *bars,
        f'<polyline points="{line}" fill="none" stroke="{_SIMULATED}" stroke-width="2"/>',
        f'<line x1="{left}" y1="{base}" x2="{left + _WIDTH}" y2="{base}" stroke="#999"/>',
        *ticks,
    ]
