"""Feed boards ask in the order of the work; tables of every board fit, and their rows are high enough."""

from __future__ import annotations

from typing import Any

import pytest

from services.dashboards.errors import BoardRefused
from services.dashboards.kit import Kit
from services.dashboards.limits import Limits
from services.dashboards.palette import CONNECTOR
from services.dashboards.words import Language
from tests.grafana_table import lines_drawn, lines_reckoned, panel_px
from tests.unit.dashboards.board_parts import DOCUMENTS, asked, every, made, panel, rows_above

EVERY = tuple(every()[Language.EN])
TABLES = [
    pytest.param(table, id=f"{language}-{name}-{table['title']}")
    for language in Language
    for name in EVERY
    for table in made(name, language)["panels"]
    if table["type"] == "table"
]


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("water", ("Open alerts", "Newest round and alert", "Against the plan", "Class of each lake", "Stations")),
        ("ev", ("Up right now", "Open alerts", "Against the limits", "Power: today, yesterday, last week", "Sites")),
        (
            "parking",
            (
                "Full car parks",
                "Open alerts",
                "Against the limits",
                "Occupancy: today, yesterday, last week",
                "Car parks now",
            ),
        ),
    ],
)
def test_the_questions_stand_in_the_order_of_the_work(name: str, titles: tuple[str, ...]) -> None:
    """What is wrong now, how it stands to the plan, the trend, which asset."""
    rows = [rows_above(name, title) for title in titles]
    assert rows == sorted(rows)
    assert rows_above(name, "Open alerts") == 4, "alerts are on the first screen"


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_no_wider_than_its_panel(table: dict[str, Any]) -> None:
    """On the narrowest screen; a column without a width is counted in the test that knows the query's columns."""
    wide = 0.0
    for override in table["fieldConfig"]["overrides"]:
        own = {each["id"]: each["value"] for each in override["properties"]}
        if not own.get("custom.hideFrom.viz"):
            wide += own.get("custom.width", 150)
    assert wide <= panel_px(table["gridPos"]["w"]), table["title"]


@pytest.mark.parametrize("language", Language)
def test_where_a_text_wraps_a_row_has_room_for_two_lines(language: Language) -> None:
    for name in EVERY:
        for table in made(name, language)["panels"]:
            if "custom.wrapText" in str(table.get("fieldConfig")):
                assert table["options"]["cellHeight"] == "lg", table["title"]


def test_limits_without_a_target_name_the_page_of_the_duty_and_the_source_of_each() -> None:
    for name, pages in (("ev", "31"), ("parking", "24")):
        assert f"on page {pages} without a figure" in panel(name, "Against the limits")["description"]
    ev, parking = (asked(panel(name, "Against the limits")) for name in ("ev", "parking"))
    assert "'> 97 %'" in ev
    assert "'standard 23 CFR 680.116 (2023), (b)'" in ev
    assert "'< 95 %'" in parking
    assert "'> 0 free spaces'" in parking
    assert "'operators'' policy Parking: full lots, guidance, counters (1)'" in parking
    assert "'运行政策 停车：满位、诱导、计数 (1)'" in asked(panel("parking", "对照限值", Language.ZH))


def test_a_duty_that_no_plan_names_is_refused() -> None:
    with pytest.raises(BoardRefused, match=r"parking\.nonsense"):
        Limits(DOCUMENTS).duty_pages("parking.nonsense")


def test_every_state_of_a_connector_has_words() -> None:
    text = str(panel("ev", "充电枪", Language.ZH)["fieldConfig"])
    assert all(words.zh in text for words, _ in CONNECTOR.values())


def test_chinese_is_given_places_where_a_line_may_break() -> None:
    zh, en = (Kit(language, Limits(DOCUMENTS)) for language in (Language.ZH, Language.EN))
    assert en.wrapped("p.matter_en") == "p.matter_en"
    assert "regexp_replace(p.matter_zh" in zh.wrapped("p.matter_zh")


TEXT = (
    "水质为劣Ⅴ类（重度污染），总磷超标，氨氮超标，溶解氧偏低，请到现场复核采样，排查雨水排口和周边污染源，"
    "并通知河湖长办公室。"
)


def test_the_height_of_chinese_without_blanks_is_taken_for_less_than_it_is() -> None:
    """What the blanks are for; and Latin needs none."""
    assert lines_drawn(TEXT, 300) == 3
    assert lines_reckoned(TEXT, 300) == 2
    assert lines_reckoned(TEXT.replace("，", "， "), 300) >= 3
    latin = "Check the sample on site and look for the source at storm drains and around the shore of the lake."
    assert lines_reckoned(latin, 300) == lines_drawn(latin, 300) == 3
