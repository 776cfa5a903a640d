"""Trophic level index: published weights, test vectors, edges of the states, missing items."""

from __future__ import annotations

import pytest

from services.stream_processors.water.trophic import trophic_index, trophic_state

VECTORS = [
    ((10, 0.05, 1.0, 1.0, 4.0), 48.018),
    ((26, 0.10, 2.0, 0.5, 6.0), 59.443),
    ((60, 0.2, 2.5, 0.3, 8.0), 67.875),
]


@pytest.mark.parametrize(("items", "expected"), VECTORS)
def test_vectors(items: tuple[float, float, float, float, float], expected: float) -> None:
    verdict = trophic_index(*items)
    assert verdict is not None
    assert verdict.value == pytest.approx(expected, abs=0.0005)
    assert not verdict.partial


@pytest.mark.parametrize(
    ("index", "state"),
    [
        (29.999, "贫营养"),
        (30, "中营养"),
        (50, "中营养"),
        (50.001, "轻度富营养"),
        (60, "轻度富营养"),
        (60.001, "中度富营养"),
        (70, "中度富营养"),
        (70.001, "重度富营养"),
    ],
)
def test_edges_of_the_states(index: float, state: str) -> None:
    assert trophic_state(index).zh == state


def test_missing_items_are_left_out_and_the_result_is_marked() -> None:
    verdict = trophic_index(None, 0.05, None, None, 4.0)
    assert verdict is not None
    tp, codmn = 10 * (9.436 + 1.624 * -2.995732), 10 * (0.109 + 2.661 * 1.386294)
    assert verdict.value == pytest.approx((0.7056 * tp + 0.6889 * codmn) / (0.7056 + 0.6889), abs=1e-4)
    assert verdict.partial
    assert verdict.items == ("tp_mg_l", "codmn_mg_l")


def test_zero_has_no_logarithm_and_nothing_gives_nothing() -> None:
    assert trophic_index(0, None, 0.0, None, None) is None
