"""The board of tax: one source for count, total and table; nothing that is not over is a verdict."""

from __future__ import annotations

import pytest

from services.dashboards.boards.tax import PAID, YEAR
from services.dashboards.palette import GREEN, QUIET, RED
from services.dashboards.words import Language
from tests.unit.dashboards.board_parts import asked, colours, panel, rows_above


def test_total_and_table_read_the_same_figures_and_the_count_the_same_year() -> None:
    for title in ("The district, year to date", "Nearest to the limit"):
        assert PAID.strip() in asked(panel("tax", title)), title
    assert f"period_start = {YEAR}" in asked(panel("tax", "Over CNY 100 m so far"))


def test_the_year_so_far_and_its_forecast_are_neither_green_nor_red() -> None:
    assert colours(panel("tax", "Over CNY 100 m so far")) == {QUIET}
    assert not colours(panel("tax", "Forecast of the year's end")) & {GREEN, RED}
    assert not {GREEN, RED} & {
        step["color"]
        for override in panel("tax", "Nearest to the limit")["fieldConfig"]["overrides"]
        for prop in override["properties"]
        if prop["id"] == "thresholds"
        for step in prop["value"]["steps"]
    }


@pytest.mark.parametrize(("language", "unit"), [(Language.ZH, "亿元"), (Language.EN, "CNY bn")])
def test_money_has_the_unit_of_the_language(language: Language, unit: str) -> None:
    title = "全区本年至今" if language is Language.ZH else "The district, year to date"
    assert unit in panel("tax", title, language)["fieldConfig"]["defaults"]["unit"]


def test_alerts_are_on_the_first_screen_and_the_plan_below_them() -> None:
    assert rows_above("tax", "Open alerts") == 4 < rows_above("tax", "Against the plan")


def test_a_building_leads_to_its_page_and_to_the_one_map() -> None:
    text = str(panel("tax", "Nearest to the limit"))
    assert "#asset=building/${__data.fields.building_id}" in text
    assert "/d/jianghan-asset-tax-en?" in text
    assert "var-asset=${__data.fields.building_id}" in text
