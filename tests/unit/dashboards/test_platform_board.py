"""The board of the platform: health first, letters of the chosen lane only, no minute that runs."""

from __future__ import annotations

from services.dashboards.words import Language
from tests.unit.dashboards.board_parts import asked, made, rows_above


def test_health_stands_first_and_storage_last() -> None:
    assert rows_above("platform", "Is the data coming") == 0
    below = [rows_above("platform", title) for title in ("Ledger", "Gaps in the numbers", "Subscribers", "Storage")]
    assert below == sorted(below)


def test_all_that_asks_for_dead_letters_asks_for_one_lane() -> None:
    found = [asked(each) for each in made("platform")["panels"] if "v_dead_letter" in asked(each)]
    assert len(found) == 2
    assert all("${lane:sqlstring}" in sql for sql in found)


def test_the_minute_that_runs_is_left_out_wherever_intake_is_read() -> None:
    found = [asked(each) for each in made("platform")["panels"] if "v_intake_minutes" in asked(each)]
    assert found
    assert all("minute < date_trunc('minute', now())" in sql for sql in found)


def test_chinese_does_not_say_lane_literally() -> None:
    text = str([[each["title"], each.get("description")] for each in made("platform", Language.ZH)["panels"]])
    assert "泳道" not in text
