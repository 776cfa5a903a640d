"""Histograms of latency: exact to three significant figures, and nothing known where nothing was noted."""

from __future__ import annotations

import pytest

from simulators.load.latency import LONGEST_US, Latency


def test_percentiles_are_exact_to_three_figures() -> None:
    latency = Latency()
    latency.add(number / 1000 for number in range(1, 1001))
    assert latency.count == 1000
    for percent in (50, 90, 99, 99.9, 100):
        assert latency.percentile_ms(percent) == pytest.approx(percent * 10, rel=1e-3)


def test_nothing_noted_is_not_zero() -> None:
    assert Latency().percentile_ms(99) is None
    assert Latency().summary() == {
        "count": 0, "p50_ms": None, "p90_ms": None, "p99_ms": None, "p999_ms": None, "max_ms": None,
    }  # fmt: skip


def test_a_count_is_as_good_as_single_values() -> None:
    single, counted = Latency(), Latency()
    single.add([0.004] * 7 + [0.9])
    counted.add_counted({4_000: 7, 900_000: 1})
    assert single.summary() == counted.summary()


def test_what_is_out_of_bounds_counts_at_the_bound() -> None:
    latency = Latency()
    latency.add([-1.0, 2 * LONGEST_US / 1e6])
    assert latency.count == 2
    assert latency.percentile_ms(50) == 0.001
    assert latency.percentile_ms(100) == pytest.approx(LONGEST_US / 1000, rel=1e-3)
