"""Colours mean the same everywhere, and can be told apart by everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pytest
from coloraide import Color

from services.dashboards.files import boards
from services.dashboards.map_states import FILE, module
from services.dashboards.palette import (
    ASSET_STATE,
    BOUND,
    COLOURS,
    CONNECTOR,
    FEED,
    HEARD,
    SEVERITY,
    STATUS,
    UNIT,
    WATER_CLASS,
    Shown,
)
from services.dashboards.plan_files import read_documents

ROOT = Path(__file__).resolve().parents[3]
TABLES: Final = {
    "status": STATUS,
    "asset state": ASSET_STATE,
    "feed": FEED,
    "class of water": WATER_CLASS,
    "connector": CONNECTOR,
    "unit": UNIT,
    "bound": BOUND,
    "heard": HEARD,
}
EYES: Final = (None, "protan", "deutan", "tritan")
"""Without and with each kind of colour blindness, in its full strength (simulation of Brettel, Viénot and Mollon)."""
APART: Final = 10.0
"""CIEDE2000: two is just to be seen side by side; areas of a board stand apart, so it takes several times that."""
GROUNDS: Final = ("#FFFFFF", "#181B1F")
"""Panels of Grafana, light and dark."""
HUES: Final = {
    "I": (0, 35),
    "II": (40, 75),
    "III": (90, 115),
    "IV": (240, 275),
}
"""Degrees of OKLCh: red, orange, yellow, blue, as the national warnings have them."""
CLASS_HUES: Final = {
    "1": (240, 275),
    "2": (240, 275),
    "3": (135, 170),
    "4": (85, 115),
    "5": (40, 75),
    "6": (0, 40),
}
"""Blue, blue, green, yellow, orange, red: 环办〔2011〕22号, as the reference has it in section 3."""


def seen(colour: str, eyes: str | None) -> Color:
    return Color(colour) if eyes is None else Color(colour).filter(eyes)


def closest(table: Shown, eyes: str | None) -> tuple[float, str, str]:
    return min(
        (seen(table[one][1], eyes).delta_e(seen(table[other][1], eyes), method="2000"), one, other)
        for one, other in combinations(table, 2)
    )


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("name", TABLES)
def test_any_two_states_can_be_told_apart(name: str, eyes: str | None) -> None:
    distance, one, other = closest(TABLES[name], eyes)
    assert distance >= APART, (one, other)


def test_the_simulation_finds_what_cannot_be_told_apart() -> None:
    table: Shown = {"met": (STATUS["met"][0], "#56A64B"), "not_met": (STATUS["not_met"][0], "#E02F44")}
    assert closest(table, None)[0] >= APART
    assert closest(table, "deutan")[0] < APART


@pytest.mark.parametrize("ground", GROUNDS)
def test_each_colour_can_be_seen_on_its_ground(ground: str) -> None:
    """Cells and tiles carry their words on the colour; a line or dot has to be seen by itself."""
    for table in (FEED, ASSET_STATE):
        for state, (_, colour) in table.items():
            assert Color(colour).delta_e(ground, method="2000") >= 2 * APART, (state, colour)


def test_words_can_be_read_on_each_colour() -> None:
    """Grafana writes black or white on a colour, whichever it takes for the better."""
    for table in TABLES.values():
        for _, colour in table.values():
            assert max(Color(colour).contrast(ink) for ink in ("#000000", "#FFFFFF")) >= 4.5, colour


@pytest.mark.parametrize(("table", "hues"), [(SEVERITY, HUES), (WATER_CLASS, CLASS_HUES)])
def test_warnings_and_classes_have_their_official_hues(table: Shown, hues: dict[str, tuple[int, int]]) -> None:
    for state, (low, high) in hues.items():
        assert low <= Color(table[state][1]).convert("oklch")["h"] <= high, state


def test_no_feed_has_the_colour_of_a_severity_or_a_class() -> None:
    for feed, (_, colour) in FEED.items():
        for _, other in (SEVERITY | WATER_CLASS).values():
            assert Color(colour).delta_e(other, method="2000") >= APART, (feed, other)


def colours(value: Any) -> Iterator[str]:
    """Every colour that a board names."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key in {"color", "fixedColor", "iconColor"} and isinstance(each, str):
                yield each
            else:
                yield from colours(each)
    elif isinstance(value, list):
        for each in value:
            yield from colours(each)


def test_boards_paint_with_the_table_and_nothing_else() -> None:
    for made in boards(read_documents(ROOT / "deploy" / "plan")).values():
        for name, board in made.items():
            strange = set(colours(board)) - COLOURS
            assert not strange, (name, strange)


def test_the_one_map_has_the_same_colours() -> None:
    assert (ROOT / FILE).read_text(encoding="utf-8") == module(), "run `make generate`"
    style = (ROOT / "services/operations_api/web/src/style.css").read_text(encoding="utf-8")
    for severity, (_, colour) in SEVERITY.items():
        found = re.findall(rf"--{severity.lower()}: (#[0-9a-f]{{6}});", style)
        assert found == [colour.lower()] * 2, (severity, "on light and on dark ground")
