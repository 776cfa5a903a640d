"""How far the simulated district is from real measurements: the distances themselves, and that the page states them."""

from __future__ import annotations

from pathlib import Path

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from simulators.errors import SourceRefused
from simulators.world.compared import FILES, compare
from simulators.world.errors import OutputRefused
from simulators.world.files import load_world
from simulators.world.shapes import Shape, histogram, kolmogorov_smirnov, median, plot, table, wasserstein
from simulators.world.written import TABLE_BEGIN, TABLE_END, write_comparison
from tests.unit.simulators.world.world_run import world

ROOT = Path(__file__).resolve().parents[4]
DATA = ROOT.parent / "shared" / "data"

samples = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30)


def test_distances_of_samples_that_one_can_reckon() -> None:
    assert kolmogorov_smirnov([1, 2, 3, 4], [1, 2, 3, 4]) == pytest.approx(0)
    assert kolmogorov_smirnov([0, 0], [5]) == 1
    assert kolmogorov_smirnov([1, 2, 3, 4], [3, 4, 5, 6]) == pytest.approx(0.5)
    assert wasserstein([1, 2, 3, 4], [3, 4, 5, 6]) == pytest.approx(2)
    assert wasserstein([0, 1], [0, 0, 1, 1]) == pytest.approx(0)
    assert wasserstein([0], [0, 10]) == pytest.approx(5)
    with pytest.raises(ValueError, match="neither of them empty"):
        wasserstein([], [1])


@given(samples, samples)
def test_distances_are_the_same_both_ways_and_none_to_oneself(a: list[float], b: list[float]) -> None:
    assert kolmogorov_smirnov(a, b) == pytest.approx(kolmogorov_smirnov(b, a), abs=1e-9)
    assert wasserstein(a, b) == pytest.approx(wasserstein(b, a), abs=1e-6)
    assert kolmogorov_smirnov(a, [*a, *a]) == pytest.approx(0, abs=1e-9)
    assert -1e-9 <= kolmogorov_smirnov(a, b) <= 1 + 1e-9


@given(samples, st.floats(-100, 100))
def test_a_shifted_sample_is_as_far_as_it_was_shifted(a: list[float], shift: float) -> None:
    assert wasserstein(a, [value + shift for value in a]) == pytest.approx(abs(shift), abs=1e-6)


def test_a_histogram_holds_everybody() -> None:
    assert sum(histogram([-5, 0, 3, 99], 0, 24)) == pytest.approx(1)
    assert histogram([-5], 0, 24)[0] == histogram([99], 0, 24)[-1] == 1
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2.5


SHAPE = Shape("x", "thing", "min", "file", 0, 10, (1.0, 2.0, 3.0), (2.0, 3.0, 4.0))


def test_the_plot_is_a_picture_with_both_samples() -> None:
    picture = fromstring(plot([SHAPE] * 4))
    assert len(picture.findall("{http://www.w3.org/2000/svg}polyline")) == 4
    assert any("thing, min (KS 0.333)" in (text.text or "") for text in picture.iter())


def test_the_table_goes_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "simulators.md"
    page.write_text(f"before\n{TABLE_BEGIN}\nold\n{TABLE_END}\nafter\n", encoding="utf-8")
    write_comparison([SHAPE], tmp_path)
    assert page.read_text(encoding="utf-8") == f"before\n{TABLE_BEGIN}\n\n{table([SHAPE])}\n{TABLE_END}\nafter\n"
    assert (tmp_path / "simulators-shapes.svg").read_text(encoding="utf-8") == plot([SHAPE])
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(OutputRefused, match="has no marks"):
        write_comparison([SHAPE], tmp_path)


def test_a_folder_without_the_real_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match=FILES[0]):
        compare(world(), tmp_path)


MOST = {
    "ev_begin": 0.06,
    "ev_stay": 0.1,
    "ev_size": 0.25,
    "parking_hour": 0.1,
    "calls_hour": 0.05,
    "on_scene": 0.12,
    "do_share": 0.25,
    "ph": 0.3,
}
"""Kolmogorov-Smirnov distances that must not grow; another city's roads are stated, not aimed at."""


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason=f"the real measurements are not beside this checkout ({DATA})")
def test_the_simulated_district_is_as_near_to_the_real_files_as_the_page_says() -> None:
    shapes = compare(load_world(), DATA)
    found = {shape.id: shape.kolmogorov_smirnov for shape in shapes}
    assert {name: found[name] for name, most in MOST.items() if found[name] > most} == {}
    page = (ROOT / "docs/simulators.md").read_text(encoding="utf-8")
    assert f"{TABLE_BEGIN}\n\n{table(shapes)}\n{TABLE_END}" in page
    assert (ROOT / "docs/simulators-shapes.svg").read_text(encoding="utf-8") == plot(shapes)
