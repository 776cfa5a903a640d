"""The report of the plan, put together of sections that each form (HTML, PDF, DOCX) sets: all say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from schemas.plan.course import TargetStanding
from schemas.vocabulary import VOCABULARY, Naming
from services.district.plan_report.changes_part import changes_part
from services.district.plan_report.target_part import target_parts
from services.district.plan_report.words import (
    MOODS,
    PERIODS,
    goal_of,
    moment_of,
    name_of,
    page_of,
    standing_of,
    value_of,
)
from services.district.report_kit.parts import Cell, Head, Language, Part, Tile, same
from services.plan_office.changes import Change
from services.plan_office.report import Report, TargetReported


@dataclass(frozen=True, slots=True)
class Compared:
    """The report before, and what changed since."""

    day: date
    known_at: datetime
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Pages:
    """A report in sections."""

    title: Naming
    under: Sequence[Naming]
    tiles: Sequence[Tile]
    parts: Sequence[Part]


def pages(report: Report, compared: Compared | None, *, only: Language | None = None) -> Pages:
    """The whole report; the same report, the same sections.

    Args:
        only: Charts are drawn in this language alone, for forms that have one; None: in both.
    """
    name = "、".join(plan.zh for _, _, plan in report.plans), ", ".join(plan.en for _, _, plan in report.plans)
    kind = PERIODS[report.asked.period]
    parts = [_chapters(report), _whole(report)]
    parts.append(changes_part(compared.day, moment_of(compared.known_at), compared.changes) if compared else _first())
    parts += [_unsaid(report), _how_to_read()]
    for number, (chapter, targets) in enumerate(report.chapters(), 1):
        parts.append(Part(Naming(f"{number} {chapter.zh}", f"{number} {chapter.en}")))
        for place, one in enumerate(targets, 1):
            parts += target_parts(f"{number}.{place}", one, report.asked, only)
    title = Naming(f"{name[0]}{kind.zh}", f"{name[1]}: {kind.en}")
    return Pages(title, _under(report), _tiles(report), parts)


def _under(report: Report) -> list[Naming]:
    span, known = report.asked.span, report.known_at
    versions = "；".join(f"{id_} {version}" for id_, version, _ in report.plans)
    lines = [
        Naming(
            f"截至{report.asked.day}；报告期{span.first}至{span.last}；规划版本：{versions}",
            f"as of {report.asked.day}; period {span.first} to {span.last}; version of the plan: {versions}",
        )
    ]
    if known is None:
        lines.append(Naming("尚无任何数据。", "Nothing is known yet."))
    else:
        lines.append(
            Naming(
                f"所用数据截至{moment_of(known)}（北京时间）已知；以 --known-at {known.isoformat()} 可重制本报告。",
                f"What was known by {moment_of(known)} (Beijing time); made again by --known-at {known.isoformat()}.",
            )
        )
    return lines


def _tiles(report: Report) -> list[Tile]:
    counted = Counter(one.status for one in report.targets)
    shown = [
        Tile(
            VOCABULARY["target_standing"][status.value],
            same(str(counted[status])),
            MOODS[status] if counted[status] else "quiet",
        )
        for status in TargetStanding
    ]
    told = sum(any(one.stands.value is not None for one in each.subjects) for each in report.targets)
    whole = Tile(Naming("有数据的目标", "targets with a figure"), same(f"{told} / {len(report.targets)}"))
    return [*shown, whole]


def _chapters(report: Report) -> Part:
    """How many targets of each chapter stand where."""
    heads = [Head(Naming("章", "chapter")), Head(Naming("目标", "targets"), number=True)]
    heads += [Head(VOCABULARY["target_standing"][status.value], number=True) for status in TargetStanding]
    rows = []
    for number, (chapter, targets) in enumerate(report.chapters(), 1):
        rows.append([Cell(Naming(f"{number} {chapter.zh}", f"{number} {chapter.en}")), *_counts(targets)])
    rows.append([Cell(Naming("合计", "all")), *_counts(report.targets)])
    return Part(Naming("各章汇总", "By chapter"), heads=heads, rows=rows)


def _counts(targets: Sequence[TargetReported]) -> list[Cell]:
    counted = Counter(one.status for one in targets)
    return [
        Cell.of(len(targets)),
        *(Cell.of(counted[status], MOODS[status] if counted[status] else "quiet") for status in TargetStanding),
    ]


def _whole(report: Report) -> Part:
    """Every target in one table."""
    heads = [
        Head(Naming("目标", "target")),
        Head(Naming("规划页码", "page")),
        Head(Naming("目标值", "goal")),
        Head(Naming("数值", "value"), number=True),
        Head(Naming("截至", "by")),
        Head(Naming("现状", "stands")),
    ]
    rows = []
    for number, (_, targets) in enumerate(report.chapters(), 1):
        for place, one in enumerate(targets, 1):
            name = name_of(one.entry)
            values = [each for each in one.subjects if each.stands.value is not None]
            worst = next((each for each in values if each.stands.status is one.status), None)
            rows.append(
                [
                    Cell(Naming(f"{number}.{place} {name.zh}", f"{number}.{place} {name.en}")),
                    Cell(page_of(one.entry)),
                    Cell(goal_of(one.entry)),
                    Cell(value_of(None if worst is None else worst.stands.value, one.entry)),
                    Cell.of("–" if worst is None or worst.stands.value_on is None else worst.stands.value_on),
                    standing_of(one.status),
                ]
            )
    text = Naming(
        "一项目标有多个对象（如各湖泊）时，以最差者为准，数值为其中之一。",
        "Of a target with several subjects, as lakes, the worst decides; the value is that of one of those.",
    )
    return Part(Naming("目标一览", "All targets"), [text], heads=heads, rows=rows)


def _first() -> Part:
    nothing = Naming("此前没有可比的报告。", "There is no report before this one to compare with.")
    return Part(Naming("与上次报告相比", "What changed since the last report"), [nothing])


def _unsaid(report: Report) -> Part:
    """What cannot be said, and why."""
    rows = [
        [Cell(name_of(target.entry)), Cell(one.name or same("")), Cell(one.stands.reason)]
        for target in report.targets
        for one in target.subjects
        if one.stands.status is TargetStanding.CANNOT_SAY
    ]
    title = Naming("无法判定的目标及原因", "What cannot be said, and why")
    if not rows:
        return Part(title, [Naming("全部目标均可判定。", "Of every target it can be said where it stands.")])
    heads = [Head(Naming("目标", "target")), Head(Naming("对象", "subject")), Head(Naming("原因", "why"))]
    return Part(title, heads=heads, rows=rows)


def _how_to_read() -> Part:
    return Part(
        Naming("说明", "How to read it"),
        [
            Naming(
                "数据与其自身末日的进度线比较。进度线自基期值（累计类自零）起，经规划载明的阶段值，直线到期限日的目标值。"
                "图中虚线为进度线，三角为期限日的目标值，竖线为报告日。",
                "A figure is compared with the path on its own last day. The path runs straight from the base (of what adds "
                "up: from nothing) through the milestones that the plan names to the goal on the due date. In a chart the "
                "dashed line is the path, the triangle the goal on its due date, the upright line the report's day.",
            ),
            Naming(
                "“无法判定”不等于未完成，也绝不计为完成。填报数据经他人确认后方计入；此前的版本均保留。",
                "“Cannot say” is neither missed nor ever counted as met. A figure that people entered counts once somebody "
                "else has confirmed it; every earlier revision is kept.",
            ),
            Naming(
                "章名为本报告所拟，按规划页码排列；规划的页码为印刷页码。",
                "The headings of the chapters are this report's, in the order of the plan's pages; pages are printed pages.",
            ),
        ],
    )
