"""Plan: every indicator with its way to the due date, what was reported when, and which versions are in force. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.boards.today import MARKS, STANDS_AT, WORST_FIRST
from services.dashboards.columns import YEAR_MOMENT, Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import GREEN, GREY, NONE, ORANGE, TARGET_STANDING
from services.dashboards.periods import CLOSED, DUE, PAST
from services.dashboards.sql import LIVE_LANE
from services.dashboards.vocabulary import DOCUMENT, ORIGIN, shown
from services.dashboards.words import Language, Words


def board(kit: Kit) -> dashboard.Dashboard:
    """The plan office's board."""
    targets = (
        f"SELECT {kit.name} AS __text, id AS __value FROM v_plan_targets ORDER BY checked_by = 'reported', ordinality"
    )
    subjects = (
        f"SELECT DISTINCT coalesce(a.{kit.name}, t.subject) AS __text, t.subject AS __value FROM v_target_states AS t"
        " LEFT JOIN v_assets AS a ON a.asset_id = t.subject AND a.kind IN ('lake', 'district')"
        " WHERE t.id = ${indicator:sqlstring} AND t.subject IS NOT NULL ORDER BY 1"
    )
    built = kit.board(
        "plan",
        Words("规划指标", "The plan"),
        Words(
            "所有规划指标、到期轨迹、历次上报与规划版本。",
            "All indicators, their way to the due date, what was reported when, versions.",
        ),
        variables=(
            kit.choice("indicator", Words("指标", "Indicator"), targets, multi=False, default="water.class"),
            kit.choice("subject", Words("对象", "Subject"), subjects),
        ),
        since="now-30d",
        refresh="5m",
    )
    for standing in CODES:
        built.with_panel(_count(kit, standing))
    built.with_panel(_past(kit))
    built.with_panel(_targets(kit, Place(24, 16)))
    built.with_panel(_trajectory(kit))
    built.with_panel(_history(kit))
    built.with_panel(_versions(kit))
    return built


STATE: Final = "CASE WHEN t.is_running THEN 'running' ELSE t.status END"
"""What the last period that is over says; where none is over yet, that it runs: never met, never not met."""
CODES: Final = tuple(TARGET_STANDING)
WORST: Final = f"""
SELECT t.id, min({WORST_FIRST.format(state=STANDS_AT)}) AS worst, bool_or({PAST} = 'past') AS is_past
FROM v_target_states AS t WHERE t.{LIVE_LANE} OR t.subject IS NULL GROUP BY t.id"""
"""Each target once, as its worst subject stands."""


def _count(kit: Kit, standing: str) -> PanelBuilder:
    words, colour = TARGET_STANDING[standing]
    return kit.tile(
        Words(words.zh, words.en[0].upper() + words.en[1:]),
        Words(
            "规划目标数：每个目标按其最差对象计一次；到期前看是否跟上进度线，到期后看是否完成。",
            "Targets of the plan, each counted once by its worst subject: whether it keeps up with the path to its due date,"
            " and whether it was met once that has passed.",
        ),
        f"SELECT count(*) AS n FROM ({WORST}) AS w WHERE worst = {CODES.index(standing)}",
        Place(4, 4),
        steps=((None, GREY), (1, colour)),
    )


def _past(kit: Kit) -> PanelBuilder:
    return kit.tile(
        Words("到期未见达标", "Past due, not shown met"),
        Words(
            "期限已过而未完成或无法判定的目标数。",
            "Targets whose due date has passed and that are not shown to have been met.",
        ),
        f"SELECT count(*) AS n FROM ({WORST}) AS w WHERE is_past AND worst < {CODES.index('met')}",
        Place(4, 4),
        steps=((None, GREEN), (1, ORANGE)),
    )


def _targets(kit: Kit, place: Place) -> PanelBuilder:
    boards = " ".join(
        f"WHEN '{feed}' THEN '{kit.uid(feed)}'" for feed in ("water", "emergency", "parking", "ev", "tax")
    )
    name, page = kit.say(Words("name_zh", "name")), kit.say(Words("page_zh", "page"))
    sql = f"""
SELECT t.{kit.name} AS target_name, CASE WHEN a.kind = 'lake' THEN a.{kit.name} END AS subject_name, {STANDS_AT} AS standing, {STATE} AS status,
    CASE WHEN NOT t.is_running THEN {kit.amount("t.value", "t.unit")} END AS value, {kit.amount("t.running_value", "t.unit")} AS running_value,
    concat(CASE t.comparator WHEN '<=' THEN '≤ ' WHEN '>=' THEN '≥ ' ELSE t.comparator || ' ' END,
        {kit.amount("t.target", "t.unit")}) AS goal,
    t.due::text AS due, {PAST} AS due_state,
    concat_ws(' ', coalesce(v.{name}, t.plan_id), t.plan_version, t.{page}) AS source, {kit.reason("t")} AS status_reason,
    t.period_start, t.id, t.subject,
    CASE t.feed {boards} ELSE '{kit.uid("plan")}' END AS board
FROM v_target_states AS t
LEFT JOIN v_assets AS a ON a.asset_id = t.subject AND a.kind = 'lake'
LEFT JOIN v_plan_versions AS v ON v.kind = 'plan' AND v.document_id = t.plan_id AND v.version = t.plan_version
WHERE t.{LIVE_LANE} OR t.subject IS NULL
ORDER BY t.checked_by DESC, {WORST_FIRST.format(state=STANDS_AT)}, t.ordinality, t.subject"""
    to_board = (Words("打开看板", "Open the board"), "/d/${__data.fields.board}?${__url_time_range}&var-lane=${lane}")
    columns = [
        Column("target_name", Words("目标", "Target"), width=200, links=(to_board,), wraps=True),
        Column("subject_name", Words("对象", "Subject"), width=110, wraps=True),
        Column("standing", Words("进展", "Stands"), shown=TARGET_STANDING, width=92),
        Column("status", Words("时段结论", "Last period"), shown=MARKS, width=92),
        Column("value", Words("上一完整时段", "Last whole period"), width=110),
        Column("running_value", Words("本期至今", "So far"), width=85),
        Column("goal", Words("目标值", "Goal"), width=112),
        Column("due", Words("期限", "Due"), width=90),
        Column("due_state", Words("到期", "Due date"), shown=DUE, width=65),
        Column("source", Words("依据", "Source"), width=150, wraps=True),
        Column("status_reason", Words("理由", "Why"), wraps=True),
        Column("period_start", Words("时段始", "Period from"), hidden=True),
        Column("id", Words("编号", "Id"), hidden=True),
        Column("subject", Words("对象编号", "Subject id"), hidden=True),
        Column("board", Words("看板", "Board"), hidden=True),
    ]
    about = Words(
        "规划中每个量化目标：“进展”为到期前是否跟上进度线、到期后是否完成，与一张图和接口所说一致；“时段结论”为最近一个已结束时段的结论，正在进行的"
        "时段另列。“无法判定”是一种回答：数据不全或质量可疑，或尚无上报。",
        "Every quantified target of the plan. “Stands” is whether it keeps up with the path to its due date and whether it was"
        " met once that has passed, as the one map and the API say it; “Last period” is what the last period that is over"
        " says, with the running one beside it. “Cannot say” is an answer: data is incomplete or doubtful, or nothing was"
        " reported.",
    )
    return kit.table(Words("规划目标", "Targets of the plan"), about, sql, columns, place)


def _trajectory(kit: Kit) -> PanelBuilder:
    values = f"""
SELECT period_start AS time, coalesce((SELECT a.{kit.name} FROM v_assets AS a WHERE a.kind = 'lake' AND a.asset_id = subject), subject_name, subject) AS metric, value
FROM v_indicators
WHERE id = ${{indicator:sqlstring}} AND {LIVE_LANE} AND $__timeFilter(period_start) AND value IS NOT NULL
    AND status <> 'cannot_say' AND {CLOSED} AND sample_seq = -1 AND subject IN (${{subject:sqlstring}})
ORDER BY 1"""
    target = f"""
SELECT t.at AS time, '{kit.say(Words("目标", "target"))}' AS metric, p.target AS value
FROM v_plan_targets AS p CROSS JOIN (VALUES ($__timeFrom()::timestamptz), ($__timeTo()::timestamptz)) AS t (at)
WHERE p.id = ${{indicator:sqlstring}}
ORDER BY 1"""
    named = f"coalesce((SELECT a.{kit.name} FROM v_assets AS a WHERE a.kind = 'lake' AND a.asset_id = t.subject), t.subject)"
    chosen = "t.id = ${indicator:sqlstring} AND (t.subject IS NULL OR t.subject IN (${subject:sqlstring}))"
    path = f"""
SELECT t.day::timestamp AT TIME ZONE INTERVAL '+08:00' + INTERVAL '1 day' AS time,
    concat_ws(' ', '{kit.say(Words("进度线", "path"))}', {named}) AS metric, t.value
FROM v_target_paths AS t
WHERE {chosen}
ORDER BY 1"""
    stands = f"""
SELECT t.standing_on::timestamp AT TIME ZONE INTERVAL '+08:00' + INTERVAL '1 day' AS time,
    concat_ws(' ', '{kit.say(Words("当前进展", "where it stands"))}', {named}) AS metric, t.standing_value AS value
FROM v_target_states AS t
WHERE {chosen} AND (t.{LIVE_LANE} OR t.subject IS NULL) AND t.standing_value IS NOT NULL AND t.standing_on IS NOT NULL
ORDER BY 1"""
    about = Words(
        "所选指标在各时段的值、目标线，以及判定进展所用的进度线与数值（累计指标为累计数）；无基期值的状态指标没有进度线。时间范围取整个规划期，可见进度线全貌。",
        "Values of the chosen indicator, the target, and the path by which it is judged with the figure that decides (of what"
        " adds up: the sum); a state without a base value has no path. Choose the whole plan as time range to see all of it.",
    )
    title = Words("轨迹", "Trajectory to the due date")
    return kit.lines(title, about, [values, target, path, stands], Place(24, 10), points=True)


def _history(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT period_start, period_end, coalesce((SELECT a.{kit.name} FROM v_assets AS a WHERE a.asset_id = h.subject AND a.kind IN ('lake', 'district', 'building')), subject_name, subject) AS subject,
    revision, known_at, value, CASE WHEN NOT ({CLOSED}) THEN 'running' ELSE status END AS status,
    {kit.reason("h")} AS status_reason, round((completeness * 100)::numeric, 1) AS completeness
FROM v_indicator_history AS h
WHERE id = ${{indicator:sqlstring}} AND {LIVE_LANE} AND $__timeFilter(period_start) AND subject IN (${{subject:sqlstring}})
ORDER BY period_start DESC, subject, revision DESC
LIMIT 500"""
    columns = [
        Column("period_start", Words("时段始", "From"), unit=YEAR_MOMENT, width=120),
        Column("period_end", Words("时段止", "To"), unit=YEAR_MOMENT, width=120),
        Column("subject", Words("对象", "Subject"), width=150, wraps=True),
        Column("revision", Words("修订", "Revision"), width=80),
        Column("known_at", Words("给出于", "Said at"), unit=YEAR_MOMENT, width=120),
        Column("value", Words("值", "Value"), decimals=2, width=90),
        Column("status", Words("状态", "Status"), shown=MARKS, width=100),
        Column("status_reason", Words("理由", "Why"), wraps=True),
        Column("completeness", Words("完整率 %", "Complete %"), width=110),
    ]
    about = Words(
        "每次修订何时给出：可回答“当时上报的是多少”；时段尚未结束的写“进行中”。",
        "When each revision was said: answers what had been reported on a day. Of a period that is not over it is running.",
    )
    return kit.table(Words("历次给出的值", "What was said when"), about, sql, columns, Place(24, 10))


def _versions(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT kind, document_id, version, {kit.name if kit.language is Language.ZH else "name"} AS name, valid_from::text AS valid_from, valid_to::text AS valid_to, origin, nullif(published_at, 'epoch') AS published_at, published_by,
    left(text_sha256, 12) AS checksum
FROM v_plan_versions
ORDER BY kind, document_id, valid_from DESC"""
    columns = [
        Column("kind", Words("种类", "Kind"), shown=shown(DOCUMENT, NONE), width=85),
        Column("document_id", Words("文件", "Document"), width=165),
        Column("version", Words("版本", "Version"), width=80),
        Column("name", Words("名称", "Name"), wraps=True),
        Column("valid_from", Words("生效", "In force from"), width=110),
        Column("valid_to", Words("至", "To"), width=110),
        Column("origin", Words("来源", "Origin"), shown=shown(ORIGIN, NONE), width=185),
        Column("published_at", Words("发布于", "Published"), unit=YEAR_MOMENT, width=120),
        Column("published_by", Words("发布人", "By"), width=120),
        Column("checksum", Words("校验", "Checksum"), width=130),
    ]
    about = Words(
        "规划、标准与运行政策的各版本及其生效日期。",
        "Versions of plan, standards and policies with the dates they are in force.",
    )
    return kit.table(Words("版本", "Versions"), about, sql, columns, Place(24, 9))
