"""Histograms of latency: to three significant figures from a microsecond to an hour. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from hdrh.histogram import HdrHistogram

LONGEST_US: Final = 3_600_000_000
SIGNIFICANT_FIGURES: Final = 3
SHARES: Final = {"p50_ms": 50.0, "p90_ms": 90.0, "p99_ms": 99.0, "p999_ms": 99.9, "max_ms": 100.0}


class Latency:
    """One kind of latency. What is longer than an hour counts as an hour, what is below a microsecond as one."""

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, LONGEST_US, SIGNIFICANT_FIGURES)

    @property
    def count(self) -> int:
        """How many were noted."""
        return int(self._histogram.get_total_count())

    def add(self, seconds: Iterable[float]) -> None:
        """Note some."""
        self.add_counted(Counter(round(each * 1e6) for each in seconds))

    def add_counted(self, counts: Mapping[int, int]) -> None:
        """Note so many of each number of microseconds."""
        for microseconds, count in counts.items():
            self._histogram.record_value(min(max(microseconds, 1), LONGEST_US), count)

    def percentile_ms(self, percent: float) -> float | None:
        """Milliseconds that so many per cent do not exceed; None when nothing was noted."""
        return self._histogram.get_value_at_percentile(percent) / 1000 if self.count else None

    def summary(self) -> dict[str, float | int | None]:
        """Count, and the percentiles in milliseconds."""
        return {"count": self.count} | {name: self.percentile_ms(percent) for name, percent in SHARES.items()}
