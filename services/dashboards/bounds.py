"""How a feed stands to limits that are no targets of the plan: of policies and standards, with their sources. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.dashboards.columns import Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import BOUND
from services.dashboards.words import Words, quoted

NOTHING = "NULL::text"
"""What a limit says of a period that it has no figure of."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One limit, and SQL of how many are beyond it."""

    limit: str
    """Its id."""
    words: Words
    """What it is about."""
    rows: str
    """What follows FROM: what is counted now, or in the last whole period where nothing is counted now."""
    state: str
    """SQL over `rows`: `beyond`, `within` or `cannot_say`."""
    now: str = NOTHING
    """SQL over `rows`, as text: now, or of the period that runs."""
    whole: str = NOTHING
    """SQL over `rows`, as text: of the last period that is over."""


def part(beyond: str, among: str = "true") -> str:
    """SQL that writes how many rows of how many: `2 / 12`."""
    return f"concat(count(*) FILTER (WHERE ({beyond}) AND ({among})), ' / ', count(*) FILTER (WHERE {among}))"


def standing(beyond: str, among: str = "true") -> str:
    """SQL of the state: beyond where a single row is, cannot say where nothing is counted."""
    return (
        f"CASE WHEN count(*) FILTER (WHERE {among}) = 0 THEN 'cannot_say'"
        f" WHEN count(*) FILTER (WHERE ({beyond}) AND ({among})) > 0 THEN 'beyond' ELSE 'within' END"
    )


def against_limits(kit: Kit, about: Words, duty: str, bounds: Sequence[Bound], place: Place) -> PanelBuilder:
    """The limits of a feed for which the plan has no figure: who is beyond them, and who set them.

    Args:
        duty: Id of what the plan asks for without a figure; its page is cited.
    """
    rows = "\nUNION ALL\n".join(
        f"SELECT {number} AS n, {quoted(kit.say(each.words))} AS limit_name, {each.state} AS state,"
        f" {each.whole} AS whole, {each.now} AS so_far, {quoted(kit.limits.goal(each.limit, kit.language))} AS goal,"
        f" {quoted(kit.limits.cited(each.limit, kit.language))} AS source\nFROM {each.rows}"
        for number, each in enumerate(bounds)
    )
    columns = [
        Column("n", Words("序号", "Number"), hidden=True),
        Column("limit_name", Words("限值", "Limit"), wraps=True),
        Column("state", Words("状态", "Status"), shown=BOUND, width=95),
        Column("whole", Words("上一完整日/月：超限数", "Last whole day or month: beyond"), width=220),
        Column("so_far", Words("此刻或至今：超限数", "Now or so far: beyond"), width=180),
        Column("goal", Words("限值数", "Figure"), width=130),
        Column("source", Words("依据", "Source"), wraps=True),
    ]
    pages = kit.limits.duty_pages(duty)
    said = Words(
        f"{about.zh}规划第 {pages} 页只提出要求、未定数值，故对照的是运行政策与标准的限值；各格为超限数/总数。",
        f"{about.en} The plan names the duty on page {pages} without a figure, so the limits are those of the"
        " operators' policy and of standards. Cells say how many are beyond a limit, of how many.",
    )
    return kit.table(Words("对照限值", "Against the limits"), said, rows + "\nORDER BY n", columns, place)
