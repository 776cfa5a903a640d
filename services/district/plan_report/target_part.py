"""One target in a report: the plan's words, where it stands, its chart, and what that rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from schemas.plan.documents import Check, PlanIndicator
from schemas.target_figure import TargetFigure
from schemas.vocabulary import VOCABULARY, Naming
from services.district.plan_report.trajectory_chart import trajectory
from services.district.plan_report.words import (
    NOTHING,
    day_of,
    goal_of,
    moment_of,
    name_of,
    page_of,
    standing_of,
    value_of,
)
from services.district.report_kit.parts import Cell, Head, Language, Part, same
from services.district.words import UNKNOWN
from services.plan_office.path import meets
from services.plan_office.report import AlertSeen, Asked, Revision, SubjectReported, TargetReported
from services.plan_office.standing_words import period_words

ROWS_MOST: Final = 12
"""Of alerts and revisions so many are listed; how many there are is said."""
_SHA_SHOWN: Final = 12


def target_parts(number: str, target: TargetReported, asked: Asked, only: Language | None) -> Iterator[Part]:
    """The sections of one target.

    Args:
        number: As `3.2`.
        only: Charts are drawn in this language alone; None: in both.
    """
    entry, name = target.entry, name_of(target.entry)
    drawn = trajectory(target, asked, only)
    yield Part(
        Naming(f"{number} {name.zh}", f"{number} {name.en}"),
        [*_plan(target), *_reasons(target)],
        [] if drawn is None else [drawn],
        _heads(target),
        [_row(target, one) for one in target.subjects],
        level=3,
    )
    if target.figures or target.waiting:
        yield _documents(target)
    if entry.check is Check.STREAM:
        yield _alerts(target.alerts)
    if target.revisions:
        yield _revisions(entry, target.revisions)


def _plan(target: TargetReported) -> Iterator[Naming]:
    """What the plan asks for, with its page."""
    entry, goal, page = target.entry, goal_of(target.entry), page_of(target.entry)
    holds = NOTHING if entry.course is None else VOCABULARY["holds"][entry.course.holds.value]
    check = VOCABULARY["check"][entry.check.value]
    zh, en = (f"（{entry.id}）", f" ({entry.id})")
    yield Naming(
        f"规划要求（{page.zh}）：{name_of(entry).zh}{goal.zh}，期限{entry.due}{zh}。{holds.zh}；{check.zh}；"
        f"规划{target.plan_id}，{target.plan_version}版。",
        f"The plan ({page.en}): {name_of(entry).en}, {goal.en}, due {entry.due}{en}. Target {holds.en}; {check.en}; "
        f"{target.plan_id}, version {target.plan_version}.",
    )
    if entry.course is not None:
        yield Naming(f"计算方式：{entry.course.reason_zh}。", f"How it is met: {entry.course.reason}.")
    if entry.scope is not None and entry.check is Check.STREAM:
        yield Naming("", f"Holds for: {entry.scope}.")


def _reasons(target: TargetReported) -> Iterator[Naming]:
    if target.entry.check is Check.REPORTED or len(target.subjects) == 1:
        yield from (one.stands.reason for one in target.subjects)
        return
    for one in target.subjects:
        name = one.name or NOTHING
        yield Naming(f"{name.zh}：{one.stands.reason.zh}", f"{name.en}: {one.stands.reason.en}")


def _heads(target: TargetReported) -> list[Head]:
    heads = [
        Head(Naming("现状", "stands")),
        Head(Naming("数值", "value"), number=True),
        Head(Naming("截至", "by")),
        Head(Naming("当日进度线", "path then"), number=True),
        Head(Naming("报告日进度线", "path on the report's day"), number=True),
        Head(Naming("每年尚需变化", "needed a year"), number=True),
    ]
    if target.entry.check is Check.STREAM:
        heads.insert(0, Head(Naming("对象", "subject")))
        heads.append(Head(Naming("数据完整性", "completeness"), number=True))
        heads.append(Head(Naming("达标/未达标/无法判定（天）", "days met / not met / cannot say"), number=True))
    return heads


def _row(target: TargetReported, one: SubjectReported) -> list[Cell]:
    found, entry = one.stands, target.entry
    cells = [
        standing_of(found.status),
        Cell(value_of(found.value, entry)),
        Cell.of(day_of(found.value_on)),
        *(
            Cell(value_of(_rounded(value), entry))
            for value in (found.expected_then, found.expected, _needed(one, entry))
        ),
    ]
    if entry.check is Check.STREAM:
        days, share = one.days, one.completeness
        cells.insert(0, Cell(one.name or NOTHING))
        cells.append(Cell.of(UNKNOWN if share is None else f"{share:.0%}"))
        cells.append(Cell.of(f"{days.met} / {days.not_met} / {days.cannot_say}"))
    return cells


def _needed(one: SubjectReported, entry: PlanIndicator) -> float | None:
    """The change a year that is still needed; of what is there already none is."""
    value = one.stands.value
    return None if value is None or meets(value, entry.op, entry.target) else one.stands.rate_needed


def _rounded(value: float | None) -> float | None:
    """What was reckoned and nobody wrote, to four digits."""
    return None if value is None else float(f"{value:.4g}")


_DOCUMENT_HEADS: Final = (
    Head(Naming("时段", "period")),
    Head(Naming("数值", "value"), number=True),
    Head(Naming("来源文件", "source document")),
    Head(Naming("数据日期", "recorded")),
    Head(Naming("填报 / 确认", "entered / confirmed")),
    Head(Naming("备注", "note")),
)


def _documents(target: TargetReported) -> Part:
    rows = [_document(one) for one in target.figures]
    rows += [_document(one) for one in target.waiting]
    return Part(Naming("填报数据与来源文件", "Figures and source documents"), heads=_DOCUMENT_HEADS, rows=rows, level=4)


def _document(one: TargetFigure) -> list[Cell]:
    source = one.source
    parts_zh = [source.title, source.number, "" if source.page is None else f"第{source.page}页"]
    parts_en = [source.title, source.number, "" if source.page is None else f"p. {source.page}"]
    digest = "" if source.sha256 is None else f"SHA-256 {source.sha256[:_SHA_SHOWN]}…"
    who = f"{one.entered_by_name} / {one.confirmed_by_name or UNKNOWN}"
    waits = Naming("待确认，未计入", "waits to be confirmed, does not count")
    number = Naming(f"第{one.revision}次更正", f"correction {one.revision}") if one.revision else Naming("", "")
    notes_zh = "；".join(part for part in (number.zh, "" if one.is_confirmed else waits.zh, one.note) if part)
    notes_en = "; ".join(part for part in (number.en, "" if one.is_confirmed else waits.en, one.note) if part)
    return [
        Cell(period_words(one.period_start, one.period_end)),
        Cell.of(f"{one.value:,.10g}"),
        Cell(Naming(" ".join(filter(None, [*parts_zh, digest])), " ".join(filter(None, [*parts_en, digest])))),
        Cell.of(one.recorded_on),
        Cell.of(who),
        Cell(Naming(notes_zh, notes_en), "" if one.is_confirmed else "warn"),
    ]


def _alerts(alerts: tuple[AlertSeen, ...]) -> Part:
    title = Naming("报告期内的预警", "Alerts of the period")
    if not alerts:
        return Part(title, [Naming("没有以该目标为依据的预警。", "None cites this target.")], level=4)
    counted = Counter(one.severity for one in alerts)
    by_level = [(VOCABULARY["severity"][level], counted[level]) for level in sorted(counted)]
    listed = sorted(alerts, key=lambda one: (one.severity, one.started_at, one.alert_id))[:ROWS_MOST]
    told = Naming(
        f"共{len(alerts)}条：" + "，".join(f"{word.zh} {n}条" for word, n in by_level) + _only(len(alerts)).zh + "。",
        f"{len(alerts)}: " + ", ".join(f"{word.en} {n}" for word, n in by_level) + _only(len(alerts)).en + ".",
    )
    heads = [
        Head(Naming("级别", "severity")),
        Head(Naming("开始（北京时间）", "began (Beijing time)")),
        Head(Naming("结束", "ended")),
        Head(Naming("内容", "text")),
    ]
    rows = [
        [
            Cell.of(one.severity),
            Cell.of(moment_of(one.started_at)),
            Cell.of(UNKNOWN if one.ended_at is None else moment_of(one.ended_at)),
            Cell(one.text),
        ]
        for one in listed
    ]
    return Part(title, [told], heads=heads, rows=rows, level=4)


def _revisions(entry: PlanIndicator, revisions: tuple[Revision, ...]) -> Part:
    title = Naming("上次报告以来的修订", "Revisions since the last report")
    heads = [
        Head(Naming("时段", "period")),
        Head(Naming("原值", "was"), number=True),
        Head(Naming("现值", "is now"), number=True),
        Head(Naming("知悉时间（北京时间）", "known at (Beijing time)")),
        Head(Naming("原因", "why")),
    ]
    rows = [
        [
            Cell(_period(one)),
            Cell(value_of(one.was, entry)),
            Cell(value_of(one.now, entry)),
            Cell.of(moment_of(one.at)),
            Cell(_why(one)),
        ]
        for one in revisions[:ROWS_MOST]
    ]
    text = [Naming(f"共{len(revisions)}次{_only(len(revisions)).zh}。", f"{len(revisions)}{_only(len(revisions)).en}.")]
    return Part(title, text, heads=heads, rows=rows, level=4)


def _period(one: Revision) -> Naming:
    days = period_words(one.start, one.end)
    return days if one.subject is None else Naming(f"{one.subject.zh} {days.zh}", f"{one.subject.en} {days.en}")


def _why(one: Revision) -> Naming:
    if one.by is None:
        return Naming("后到数据", "late data")
    told = f"{one.by}{f'; {one.why}' if one.why else ''}"
    return Naming(f"更正：{told}", f"correction: {told}")


def _only(n: int) -> Naming:
    return Naming(f"，列出前{ROWS_MOST}条", f", the first {ROWS_MOST} are listed") if n > ROWS_MOST else same("")
