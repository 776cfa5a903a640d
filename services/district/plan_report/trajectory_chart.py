"""The way of a target as a chart: the path that it should keep to, its figures, and the goal on its due date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import cycle
from typing import Any, Final

from schemas.verdict import Comparator
from schemas.vocabulary import Naming
from services.district.plan_report.words import goal_of, name_of
from services.district.report_kit.charts import AMBER, BLUE, GREEN, INK, RED, chart
from services.district.report_kit.parts import Chart, Language
from services.plan_office.report import Asked, TargetReported
from services.plan_office.standing_words import amount

_SCALES: Final = (
    (1e8, Naming("亿", "× 100 million")),
    (1e4, Naming("万", "× 10,000")),
)
_COLOURS: Final = (BLUE, AMBER, "#8a63d2", "#2a9d9d", "#b0578d", "#6f8f2f")
_MARKED_MOST: Final = 40
"""Points are marked up to so many; a line of days has none."""


def trajectory(target: TargetReported, asked: Asked, only: Language | None = None) -> Chart | None:
    """The chart; None while there is nothing but a goal.

    Args:
        only: Drawn in this language alone; None: in both.
    """
    if not any(one.series for one in target.subjects):
        return None

    def draw(axes: Any, say: Callable[[Naming], str]) -> None:
        _draw(axes, say, target, asked.begins, asked.day)

    name, goal = name_of(target.entry), goal_of(target.entry)
    about = Naming(f"{name.zh}：数据、进度线与目标（{goal.zh}）", f"{name.en}: figures, path and goal ({goal.en})")
    return chart(draw, about=about, width=7.2, height=2.1, only=only)


def _draw(axes: Any, say: Callable[[Naming], str], target: TargetReported, begins: date, day: date) -> None:
    entry = target.entry
    scale, word = _scale(max([abs(entry.target), *(abs(value) for one in target.subjects for _, value in one.series)]))
    for one, colour in zip(target.subjects, cycle(_COLOURS), strict=False):
        points = [(at, value / scale) for at, value in one.series]
        mark = "o" if len(points) <= _MARKED_MOST else ""
        label = say(one.name or Naming("数据", "figures"))
        axes.plot(
            [at for at, _ in points], [value for _, value in points],
            marker=mark, markersize=4.5, linewidth=1.4, color=colour, label=label,
        )  # fmt: skip
    path = next((one.stands.path for one in target.subjects if one.stands.path is not None), None)
    if path is not None and len(path.points) > 1:
        days, values = zip(*path.points, strict=True)
        axes.plot(days, [value / scale for value in values], "--", color=INK, linewidth=1.2, label=say(_PATH))
    axes.axhline(entry.target / scale, color=GREEN, linewidth=1.0, linestyle=":")
    axes.plot(
        [entry.due], [entry.target / scale], marker=_marker(entry.op), color=GREEN, markersize=7, linestyle="none",
        label=say(Naming(f"目标{goal_of(entry).zh}", f"goal: {goal_of(entry).en}")),
    )  # fmt: skip
    axes.axvline(day, color=RED, linewidth=0.8, alpha=0.7)
    first = min([begins, *(at for one in target.subjects for at, _ in one.series[:1])])
    axes.set_xlim(date(first.year, 1, 1), date(max(entry.due, day).year + 1, 2, 1))
    years = [date(year, 1, 1) for year in range(first.year, max(entry.due, day).year + 2)]
    axes.set_xticks(years, [str(one.year) for one in years])
    unit = amount(0, entry.unit)
    parts = Naming(f"{word.zh}{unit.zh.removeprefix('0').strip()}", f"{word.en} {unit.en.removeprefix('0').strip()}")
    axes.set_title(say(parts).strip(), loc="left", fontsize=9)
    axes.grid(axis="y", color=INK, alpha=0.2)
    axes.margins(y=0.15)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9)


_PATH: Final = Naming("进度线", "path")


def _marker(comparator: Comparator) -> str:
    return "^" if comparator in {Comparator.GE, Comparator.GT} else "v"


def _scale(most: float) -> tuple[float, Naming]:
    """What large values are divided by, so that an axis has short numbers."""
    return next(((by, word) for by, word in _SCALES if most >= by * 10), (1.0, Naming("", "")))
