"""The search finds a limit within its resolution, in a bounded number of probes, and falls to what held before."""

from __future__ import annotations

import pytest

from services.district.load_search import Search, why_not_held
from services.district.load_verdict import Account


def search(limit: float, *, first: float = 1_000, greatest: float = 100_000) -> tuple[Search, list[float]]:
    looking, probes = Search(first, greatest, resolution=0.1), []
    while (rate := looking.next_rate()) is not None:
        probes.append(rate)
        looking.note(rate, is_held=rate <= limit)
    return looking, probes


@pytest.mark.parametrize("limit", [150.0, 1_000.0, 3_217.0, 9_999.0, 51_000.0])
def test_the_limit_is_found_within_the_resolution(limit: float) -> None:
    found, probes = search(limit)
    assert found.not_held is not None
    assert found.held[-1] <= limit < found.not_held <= found.held[-1] * 1.1 + 1e-6
    assert found.held == sorted(found.held)
    assert len(probes) <= 15


def test_the_greatest_rate_ends_the_search() -> None:
    found, probes = search(1e9, greatest=5_000)
    assert probes == [1_000, 2_000, 4_000, 5_000]
    assert (found.held[-1], found.not_held) == (5_000, None)


def test_a_platform_that_holds_nothing_ends_the_search() -> None:
    found, probes = search(0)
    assert found.held == []
    assert probes[-1] < 1_000
    assert found.fall() is None


def test_what_does_not_hold_for_long_falls_to_the_next_lower() -> None:
    found, _ = search(3_000)
    rates = []
    while (rate := found.fall()) is not None:
        rates.append(rate)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == 1_000


def test_what_was_carried_bounds_what_is_tried_next() -> None:
    """A probe is short enough to hide what waits; ten minutes are not."""
    found, _ = search(18_750, first=6_000)
    assert found.fall() == pytest.approx(18_750, rel=0.1)
    assert found.fall(12_450) == pytest.approx(0.95 * 12_450)
    assert found.fall(11_000) == 6_000, "what failed for another reason falls to what was held"
    assert found.fall(None) is None
    found, _ = search(18_750, first=6_000)
    assert found.fall() is not None
    rates = [found.fall(carried) for carried in (12_000, 8_000, 5_000)]
    assert rates == pytest.approx([11_400, 7_600, 4_750])
    assert found.fall(4_700) is None


def test_what_a_short_run_leaves_behind_counts_more() -> None:
    whole, rest = Account(10, 10, 0, ()), {"water_judged": True, "missed": [], "trouble": None}
    assert why_not_held(found=whole, seconds=30.0, drained_seconds=3.0, **rest) == []  # type: ignore[arg-type]
    assert why_not_held(found=whole, seconds=30.0, drained_seconds=3.1, **rest) != []  # type: ignore[arg-type]


def test_every_criterion_speaks_against_a_rate() -> None:
    whole, short = Account(10, 10, 0, ()), Account(10, 7, 1, ())
    good = {"seconds": 60.0, "drained_seconds": 5.0, "water_judged": True, "missed": [], "trouble": None}
    assert why_not_held(found=whole, **good) == []  # type: ignore[arg-type]
    assert why_not_held(
        found=short, seconds=60.0, drained_seconds=6.0, water_judged=False, missed=["p99"], trouble="late"
    ) == [
        "2 neither stored nor in dead letters",
        "stored 6.0 s after the end",
        "not every sample of water was judged",
        "p99",
        "late",
    ]
