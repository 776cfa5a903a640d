"""The board of the plan: targets counted, dates that have passed, nothing judged that is not over."""

from __future__ import annotations

from services.dashboards.boards.today import MARKS
from services.dashboards.palette import TARGET_STANDING
from services.dashboards.periods import CLOSED
from services.dashboards.words import Language
from tests.unit.dashboards.board_parts import asked, made, panel, rows_above


def test_counts_stand_above_the_table() -> None:
    assert rows_above("plan", "Met") == 0 < rows_above("plan", "Targets of the plan")


def test_each_state_a_target_can_be_in_is_counted_once() -> None:
    tiles = [each for each in made("plan")["panels"] if each["type"] == "stat"]
    counted = {asked(each).rsplit("worst = ", 1)[-1] for each in tiles[: len(TARGET_STANDING)]}
    assert counted == {"0", "1", "2", "3", "4"}


def test_the_trajectory_is_of_periods_that_are_over() -> None:
    values, _, path, _ = panel("plan", "Trajectory to the due date")["targets"]
    assert CLOSED in values["rawSql"]
    assert "FROM v_target_paths" in path["rawSql"], "the one that the standing is judged by"


def test_a_state_is_never_shown_as_its_code() -> None:
    for title, tables in (("规划目标", (MARKS, TARGET_STANDING)), ("历次给出的值", (MARKS,))):
        text = str(panel("plan", title, Language.ZH)["fieldConfig"])
        assert all(words.zh in text for table in tables for words, _ in table.values()), title
