"""The board of emergency: now apart from the range, alerts on the first screen, words for what centres say."""

from __future__ import annotations

import re

import pytest

from services.dashboards.calls import CALL_TYPE, PRIORITY, late, over
from services.dashboards.palette import GREEN, RED
from services.dashboards.words import Language
from simulators.emergency import calls
from tests.unit.dashboards.board_parts import asked, colours, made, panel, rows_above


def test_the_questions_stand_in_the_order_of_the_work() -> None:
    titles = ("Calls now", "Open alerts", "Against the plan", "Response by hour", "Available by post")
    rows = [rows_above("emergency", title) for title in titles]
    assert rows == sorted(rows)
    assert rows[1] <= 4, "alerts are on the first screen"


@pytest.mark.parametrize("language", Language)
def test_a_figure_says_whether_it_is_of_now_or_of_the_range(language: Language) -> None:
    of_range = ("所选时段", "this range")
    for tile in made("emergency", language)["panels"]:
        if tile["type"] == "stat" and "call_received_at" in asked(tile):
            in_range = "$__timeFrom" in asked(tile)
            assert in_range == any(words in tile["title"] for words in of_range), tile["title"]


def test_what_is_late_counts_once_its_deadline_is_past() -> None:
    assert late(10) == "(minutes IS NULL OR minutes > 10)"
    assert over(7.5) == "called_at < now() - INTERVAL '7.5 minutes'"
    for title in ("Late, this range", "Within 10 min, this range", "By street"):
        assert over(10) in asked(panel("emergency", title)), title


def test_residents_out_of_reach_are_coloured_by_their_share_only() -> None:
    assert colours(panel("emergency", "Residents in reach")) == {RED, GREEN}
    assert len(colours(panel("emergency", "Residents out of reach"))) == 1


@pytest.mark.parametrize(("title", "column"), [("Available by post", "post_id"), ("Ambulances", "unit")])
def test_posts_and_ambulances_lead_to_their_pages_and_to_the_one_map(title: str, column: str) -> None:
    text = str(panel("emergency", title))
    assert "/d/jianghan-asset-emergency-en?" in text
    assert f"var-asset=${{__data.fields.{column}}}" in text
    assert "#asset=" in text


def test_every_call_type_of_the_simulators_has_words() -> None:
    assert set(calls._TYPES) <= set(CALL_TYPE)
    assert all(words.en.isascii() for words in (*CALL_TYPE.values(), *PRIORITY.values()))


def test_chinese_says_ambulance_and_not_unit() -> None:
    text = str(
        [
            [each["title"], each.get("description"), each["fieldConfig"]]
            for each in made("emergency", Language.ZH)["panels"]
        ]
    )
    assert not re.search("单元|泳道", text)
    assert "急救车" in text
