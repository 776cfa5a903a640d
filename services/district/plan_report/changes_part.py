"""The table of what changed between two reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from schemas.vocabulary import VOCABULARY, Naming
from services.district.plan_report.words import MOODS, NOTHING, goal_of, value_of
from services.district.report_kit.parts import Cell, Head, Part
from services.plan_office.changes import Change, Seen


def changes_part(day: date, known_at: str, changes: Sequence[Change]) -> Part:
    """What changed, and why.

    Args:
        day: Of the report before.
        known_at: By when it was known, as it is shown.
    """
    title = Naming("与上次报告相比", "What changed since the last report")
    text = Naming(
        f"上次报告截至{day}，数据截至{known_at}（北京时间）已知。",
        f"The report before: as of {day}, as known by {known_at} (Beijing time).",
    )
    if not changes:
        return Part(title, [text, Naming("没有变化。", "Nothing changed.")])
    heads = [
        Head(Naming("目标", "target")),
        Head(Naming("上次", "then")),
        Head(Naming("本次", "now")),
        Head(Naming("原因", "why")),
    ]
    return Part(title, [text], heads=heads, rows=[_row(one) for one in changes])


def _row(one: Change) -> list[Cell]:
    name = (
        one.name
        if one.subject is None
        else Naming(f"{one.name.zh}·{one.subject.zh}", f"{one.name.en} · {one.subject.en}")
    )
    goals = one.before is not None and one.after is not None and one.before.entry != one.after.entry
    why = Naming(
        "；".join(each.said.zh for each in one.reasons),
        "; ".join(each.said.en for each in one.reasons),
    )
    return [Cell(name), _seen(one.before, goals=goals), _seen(one.after, goals=goals), Cell(why)]


def _seen(one: Seen | None, *, goals: bool) -> Cell:
    if one is None:
        return Cell(NOTHING, "quiet")
    word, value, goal = (
        VOCABULARY["target_standing"][one.status.value],
        value_of(one.value, one.entry),
        goal_of(one.entry),
    )
    zh, en = f"{word.zh}，{value.zh}", f"{word.en}, {value.en}"
    if goals:
        due = one.entry.due
        zh, en = f"{zh}（{goal.zh}，{due}；{one.plan}）", f"{en} ({goal.en}, {due}; {one.plan})"
    return Cell(Naming(zh, en), MOODS[one.status])
