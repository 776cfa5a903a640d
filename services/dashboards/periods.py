"""Periods that are over, and the targets of one feed against them. Pure."""

from __future__ import annotations

from typing import Final

from services.dashboards.boards.today import MARKS
from services.dashboards.columns import Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import NONE, ORANGE, Shown
from services.dashboards.sql import LIVE_LANE
from services.dashboards.words import Words

CLOSED: Final = "period_end <= now() AND NOT coalesce(details ? 'so_far', false)"
"""Condition on a figure: its period is over, so it is final but for late data."""
DUE: Final[Shown] = {
    "past": (Words("已到期", "past"), ORANGE),
    "open": (Words("未到期", "to come"), NONE),
}
PAST: Final = "CASE WHEN t.due < (now() AT TIME ZONE INTERVAL '+08:00')::date THEN 'past' ELSE 'open' END"


def page(kit: Kit, row: str = "t") -> str:
    """SQL that writes the page of the plan that a target stands on.

    Args:
        row: The name by which the query calls the target.
    """
    said = Words(f"'规划' || {row}.page_zh", f"'plan, ' || {row}.page")
    return said.of(kit.language)


def closed(indicator: str, column: str) -> str:
    """The newest figure of the district whose period is over; no value where it cannot say."""
    return f"""
SELECT (SELECT CASE WHEN status <> 'cannot_say' THEN {column} END FROM v_indicators
    WHERE id = '{indicator}' AND {LIVE_LANE} AND {CLOSED} ORDER BY period_start DESC LIMIT 1) AS value"""


def against_plan(kit: Kit, feed: str, place: Place) -> PanelBuilder:
    """The plan's targets of a feed: the last period that is over, and the running one beside it."""
    sql = f"""
SELECT t.{kit.name} AS target_name, CASE WHEN t.is_running THEN 'running' ELSE t.status END AS status,
    CASE WHEN NOT t.is_running THEN {kit.amount("t.value", "t.unit")} END AS value,
    {kit.amount("t.running_value", "t.unit")} AS so_far,
    concat(CASE t.comparator WHEN '<=' THEN '≤ ' WHEN '>=' THEN '≥ ' ELSE t.comparator || ' ' END,
        {kit.amount("t.target", "t.unit")}) AS goal,
    t.due::text AS due, {PAST} AS due_state, {page(kit)} AS source
FROM v_target_states AS t
WHERE t.feed = '{feed}' AND t.{LIVE_LANE}
ORDER BY t.ordinality"""
    columns = [
        Column("target_name", Words("目标", "Target"), wraps=True),
        Column("status", Words("状态", "Status"), shown=MARKS, width=90),
        Column("value", Words("上一完整时段", "Last whole period"), width=150),
        Column("so_far", Words("本时段至今", "So far"), width=110),
        Column("goal", Words("目标值", "Goal"), width=120),
        Column("due", Words("期限", "Due"), width=100),
        Column("due_state", Words("到期", "Due date"), shown=DUE, width=80),
        Column("source", Words("依据", "Source"), width=150),
    ]
    about = Words(
        "本领域的规划目标：最近一个已结束时段的结论，正在进行的时段只列至今值，不作判定。期限已过的有标记。",
        "The plan's targets of this feed: what the last period that is over says; of the running one only how it stands"
        " so far. A due date that has passed is marked.",
    )
    way = (Words("打开规划指标", "Open the plan"), kit.href("plan"))
    columns[0] = Column("target_name", columns[0].words, wraps=True, links=(way,))
    return kit.table(Words("对照规划", "Against the plan"), about, sql, columns, place)
