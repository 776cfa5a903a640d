"""Water: class of each lake, each item against its limit, pollutants, trophic level, stations. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.boards.today import MARKS
from services.dashboards.columns import SHORT_MOMENT, Column
from services.dashboards.heard import everyone
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.lines import LINES, OTHERS, among_the_first
from services.dashboards.palette import GREEN, GREY, HEARD, NONE, ORANGE, RED, SEVERITY, WATER_CLASS, YELLOW
from services.dashboards.periods import CLOSED, DUE, PAST, page
from services.dashboards.sql import BEGINS, LIVE_LANE, by_level, compared, overlaps
from services.dashboards.vocabulary import ITEM, QUALITY, QUALITY_CODE, shown
from services.dashboards.words import Words, quoted

ITEMS: Final[dict[str, tuple[Words, str]]] = {
    "do_mg_l": (Words("溶解氧", "Dissolved oxygen"), "mg/L"),
    "codmn_mg_l": (Words("高锰酸盐指数", "Permanganate index"), "mg/L"),
    "nh3n_mg_l": (Words("氨氮", "Ammonia nitrogen"), "mg/L"),
    "tp_mg_l": (Words("总磷（湖库限值）", "Total phosphorus (lake limit)"), "mg/L"),
    "ph": (Words("pH", "pH"), "none"),
    "chla_ug_l": (Words("叶绿素 a", "Chlorophyll a"), "ug/L"),
}
TARGET_CLASS: Final = 3
BY_LAKE: Final = Words("按湖泊", "by lake")
BY_POINT: Final = Words("按监测点", "by point")
COMMA: Final = Words("、", ", ")
IN_LAKES: Final = "group_id IN (${lake:sqlstring})"
LAKES: Final = "a.kind = 'lake' AND a.asset_id IN (${lake:sqlstring})"
CLASS_ALERT: Final = "water.class_worse_than_target"
SILENT_ALERT: Final = "water.station_silent"
ROUND: Final = (
    "to_char({0}.period_start AT TIME ZONE INTERVAL '+08:00', 'MM-DD HH24:MI') || '–'"
    " || to_char({0}.period_end AT TIME ZONE INTERVAL '+08:00', 'HH24:MI')"
)
"""SQL of a sampling round as people say it: from when to when, local time."""
STATIONS: Final = (
    "quality", "quality_codes", "water_temp_c", "ph", "do_mg_l", "codmn_mg_l", "nh3n_mg_l", "tp_mg_l",
)  # fmt: skip
SILENT: Final = f"""CASE WHEN l.observed_at IS NULL THEN 'unseen' WHEN EXISTS (
        SELECT FROM v_open_alerts AS o WHERE o.rule = '{SILENT_ALERT}' AND o.{LIVE_LANE} AND o.asset = l.device_id
    ) THEN 'silent' ELSE 'heard' END"""
"""Whether a station is heard; how long it may be silent is its own rhythm, so the alert says it."""


def board(kit: Kit) -> dashboard.Dashboard:
    """The board of the feed water."""
    lakes = f"SELECT {kit.name} AS __text, asset_id AS __value FROM v_assets WHERE kind = 'lake' ORDER BY 1"
    by = f"SELECT '{kit.say(BY_LAKE)}' AS __text, 'lake' AS __value UNION ALL SELECT '{kit.say(BY_POINT)}', 'point'"
    built = kit.board(
        "water",
        Words("湖泊水质", "Water of the lakes"),
        Words("六湖水质类别与各项指标，对照规划目标 III 类。", "Class and items of the six lakes against class III."),
        variables=(
            kit.choice("lake", Words("湖泊", "Lake"), lakes),
            kit.choice("by", Words("曲线", "Lines"), by, multi=False, default="lake", text=kit.say(BY_LAKE)),
        ),
        feed="water",
    )
    built.with_panel(_now(kit))
    built.with_panel(_unheard(kit))
    built.with_panel(
        kit.open_alerts(
            Place(24, 8),
            "water",
            " AND (asset IN (${lake:sqlstring}) OR asset IN (SELECT asset_id FROM v_assets WHERE parent_id IN (${lake:sqlstring})))",
        )
    )
    for panel in (_rounds(kit), _plan(kit), _compared(kit), _trophic(kit), _classes(kit)):
        built.with_panel(panel)
    for item in ITEMS:
        built.with_panel(_item(kit, item))
    built.with_panel(_stations(kit))
    built.with_panel(_flags(kit))
    return built


NEWEST: Final = f"""
SELECT DISTINCT ON (subject) subject, period_start, period_end, value, status, details
FROM v_indicators
WHERE id = 'water.class' AND {LIVE_LANE} AND subject IN (${{lake:sqlstring}}) AND $__timeFilter(period_start)
    AND period_end <= now()
ORDER BY subject, period_start DESC"""
"""The last round of each lake that is over."""


def _now(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT a.{kit.name} AS name,
    CASE WHEN n.status <> 'cannot_say' THEN coalesce(n.value::integer::text, 'none') ELSE 'none' END AS state
FROM v_assets AS a LEFT JOIN ({NEWEST}) AS n ON n.subject = a.asset_id
WHERE {LAKES}
ORDER BY CASE WHEN n.status <> 'cannot_say' THEN n.value END DESC NULLS LAST, 1"""
    limit = kit.limits.value("water.class")
    return kit.strip(
        Words(
            f"各湖水质类别（目标 ≤ {limit:g} 类），最差在前",
            f"Class of each lake (target ≤ {limit:g}), the worst first",
        ),
        Words(
            "每湖最近一个已结束的采样轮次，其时刻见下表“最近轮次与预警”。数据不全或所选时段内没有轮次时无法判定，不算达标。",
            "The last sampling round of each lake that is over; “Newest round and alert” below says when it was. Incomplete"
            " data, or no round in the time range, says nothing, and is no pass.",
        ),
        sql,
        WATER_CLASS | {"none": (Words("无法判定", "cannot say"), GREY)},
        Place(20, 4),
        sources=("water.class",),
    )


def _stations_now() -> str:
    return f"SELECT l.*, {SILENT} AS heard FROM {everyone('water', 'parent_id', STATIONS)} WHERE l.{IN_LAKES}"


def _unheard(kit: Kit) -> PanelBuilder:
    return kit.tile(
        Words("静默或尚无数据", "Silent or never heard"),
        Words(
            "监测点中，静默预警未结束的，与已登记而从未收到数据的（后者仅实时）。",
            "Stations about which an alert of silence is open, and those of the register that were never heard (of what is live).",
        ),
        f"SELECT count(*) FILTER (WHERE s.heard <> 'heard') AS n FROM ({_stations_now()}) AS s",
        Place(4, 4),
        steps=((None, GREEN), (1, ORANGE)),
        sources=("water.gap.late",),
    )


def _rounds(kit: Kit) -> PanelBuilder:
    item = kit.word("d", ITEM)
    target, clear = kit.limits.value("water.class"), kit.limits.clear_after[CLASS_ALERT]
    deciding = f"""(SELECT string_agg({item}, '{kit.say(COMMA)}')
        FROM jsonb_array_elements_text(n.details -> 'class' -> 'deciding') AS d)"""
    exceeded = f"""(SELECT string_agg(concat({kit.word("e.key", ITEM)}, ' ×', round((e.value #>> '{{}}')::numeric, 2)), '{kit.say(COMMA)}')
        FROM jsonb_each(n.details -> 'class' -> 'exceed_vs_target') AS e)"""
    sql = f"""
WITH newest AS ({NEWEST}),
alert AS (
    SELECT DISTINCT ON (o.asset) o.asset, o.severity, o.started_at FROM v_open_alerts AS o
    WHERE o.rule = '{CLASS_ALERT}' AND o.{LIVE_LANE} AND NOT o.suppressed
    ORDER BY o.asset, o.started_at
),
running AS (
    SELECT DISTINCT ON (i.subject) i.subject, i.value, i.period_start, i.period_end FROM v_indicators AS i
    WHERE i.id = 'water.class' AND i.{LIVE_LANE} AND i.sample_seq = -1 AND i.status <> 'cannot_say'
        AND i.period_start <= now() AND i.period_end > now()
    ORDER BY i.subject, i.period_start DESC
),
worse AS (
    SELECT i.subject, count(*) AS n, max(i.period_start) AS newest
    FROM v_indicators AS i JOIN alert AS o ON o.asset = i.subject AND i.period_start >= o.started_at
    WHERE i.id = 'water.class' AND i.{LIVE_LANE} AND i.sample_seq = -1 AND i.status <> 'cannot_say'
        AND i.value > {target:g} AND i.period_start <= now()
    GROUP BY i.subject
)
SELECT a.asset_id AS id, a.{kit.name} AS lake, CASE WHEN n.status <> 'cannot_say' THEN n.value END AS class,
    {ROUND.format("n")} AS round_of, r.value AS running, {ROUND.format("r")} AS running_of,
    o.severity, o.started_at, w.n AS rounds, to_char(w.newest AT TIME ZONE INTERVAL '+08:00', 'MM-DD HH24:MI') AS newest_worse,
    {kit.wrapped(deciding)} AS deciding, {kit.wrapped(exceeded)} AS exceeded
FROM v_assets AS a
LEFT JOIN newest AS n ON n.subject = a.asset_id
LEFT JOIN running AS r ON r.subject = a.asset_id
LEFT JOIN alert AS o ON o.asset = a.asset_id
LEFT JOIN worse AS w ON w.subject = a.asset_id
WHERE {LAKES}
ORDER BY o.severity NULLS LAST, n.value DESC NULLS LAST, 2"""
    columns = [
        Column("id", Words("编号", "Id"), hidden=True),
        Column("lake", Words("湖泊", "Lake"), width=120, wraps=True, links=(kit.to_page("water", "id"),)),
        Column("class", Words("最近已结束轮次", "Last round over"), shown=WATER_CLASS, width=115),
        Column("round_of", Words("其时段", "When"), width=145),
        Column("running", Words("进行中轮次", "Round that runs"), shown=WATER_CLASS, width=115),
        Column("running_of", Words("其时段", "When"), width=145),
        Column("severity", Words("预警", "Alert"), shown=SEVERITY, width=90),
        Column("started_at", Words("首个超标轮次", "First worse round"), unit=SHORT_MOMENT, width=105),
        Column("newest_worse", Words("最近超标轮次", "Newest worse round"), width=105),
        Column("rounds", Words("超标轮次数", "Worse rounds"), width=85),
        Column("deciding", Words("决定项", "Deciding items"), width=130, wraps=True),
        Column("exceeded", Words("超标项与倍数", "Above the target, multiples"), width=163, wraps=True),
    ]
    about = Words(
        "每湖最近一个已结束的轮次与正在进行的轮次，旁边是湖泊预警所依据的轮次：自首个超标轮次起、至今仍劣于目标的轮次。"
        f"预警在连续 {clear} 轮达标后才解除，故最近一轮已转好时预警可能仍在；进行中的轮次也可能已计入预警。"
        "决定项、超标项与倍数（测值减限值，再除以限值）属最近已结束的轮次。",
        "The last round of each lake that is over and the one that runs, and beside them the rounds that the lake's alert stands on:"
        f" those since its first that were worse than the target. It ends after {clear} rounds in a row at or better than the target,"
        " so it may stay while the newest round is good; the round that runs may count for it already. Deciding items, and"
        " those above the target with their multiples (observed less limit, over limit), are of the last round that is over.",
    )
    title = Words("最近轮次与预警", "Newest round and alert")
    return kit.table(title, about, sql, columns, Place(24, 8), sources=("water.class",))


def _plan(kit: Kit) -> PanelBuilder:
    target, _ = WATER_CLASS[f"{kit.limits.value('water.class'):g}"]
    goal = f"≤ {kit.say(target)}"
    of_period = """
LEFT JOIN LATERAL (
    SELECT i.value, i.status FROM v_indicators AS i
    WHERE i.id = '{id}' AND i.{lane} AND i.subject = a.asset_id AND i.sample_seq = -1 AND {when}
    ORDER BY i.period_start DESC LIMIT 1
) AS {name} ON true"""
    day = of_period.format(id="water.class_day", lane=LIVE_LANE, when=CLOSED, name="d")
    month = of_period.format(id="water.class_month", lane=LIVE_LANE, when="i.period_end > now()", name="m")
    sql = f"""
SELECT a.asset_id AS id, a.{kit.name} AS lake,
    CASE WHEN t.is_running THEN 'running' ELSE coalesce(t.status, 'cannot_say') END AS status,
    CASE WHEN NOT t.is_running AND t.status <> 'cannot_say' THEN t.value END AS value, {ROUND.format("t")} AS round_of,
    t.running_value AS so_far, CASE WHEN d.status <> 'cannot_say' THEN d.value END AS day, m.value AS month,
    {quoted(goal)} AS goal, p.due::text AS due, {PAST.replace("t.due", "p.due")} AS due_state, {page(kit, "p")} AS source
FROM v_assets AS a
LEFT JOIN v_target_states AS t ON t.id = 'water.class' AND t.{LIVE_LANE} AND t.subject = a.asset_id
LEFT JOIN v_plan_targets AS p ON p.id = 'water.class'{day}{month}
WHERE {LAKES}
ORDER BY CASE t.status WHEN 'not_met' THEN 0 WHEN 'met' THEN 2 ELSE 1 END, t.value DESC NULLS LAST, 2"""
    way = (Words("打开规划指标", "Open the plan"), kit.href("plan"))
    columns = [
        Column("id", Words("编号", "Id"), hidden=True),
        Column("lake", Words("湖泊", "Lake"), links=(way, kit.to_page("water", "id"))),
        Column("status", Words("状态", "Status"), shown=MARKS, width=90),
        Column("value", Words("上一完整轮次", "Last whole round"), shown=WATER_CLASS, width=115),
        Column("round_of", Words("其时段", "When"), width=150),
        Column("so_far", Words("进行中轮次", "Round that runs"), shown=WATER_CLASS, width=115),
        Column("day", Words("上一完整日", "Last whole day"), shown=WATER_CLASS, width=110),
        Column("month", Words("本月至今", "Month so far"), shown=WATER_CLASS, width=110),
        Column("goal", Words("目标值", "Goal"), width=80),
        Column("due", Words("期限", "Due"), width=100),
        Column("due_state", Words("到期", "Due date"), shown=DUE, width=80),
        Column("source", Words("依据", "Source"), width=120),
    ]
    about = Words(
        "规划目标：各湖水质不劣于目标类别。状态为最近一个已结束轮次的结论；进行中的轮次与本月只列至今类别，不作判定；"
        "上一完整日数据不足时无值。",
        "The plan's target: each lake in the class of the target or better. The status is what the last round that is over"
        " says; of the round and the month that run there is only how they stand so far. A day with too little data has no value.",
    )
    return kit.table(Words("对照规划", "Against the plan"), about, sql, columns, Place(24, 8), sources=("water.class",))


def _compared(kit: Kit) -> PanelBuilder:
    def query(shifted: str, when: str) -> str:
        return f"""
SELECT time_bucket('1 hour', {shifted}) AS time, max(r.value) AS value
FROM v_indicators AS r
WHERE r.id = 'water.class' AND {when} AND r.{LIVE_LANE} AND r.subject IN (${{lake:sqlstring}}) AND r.status <> 'cannot_say'
    AND r.period_end <= now()
GROUP BY 1"""

    about = Words(
        "所选湖泊每小时最差的类别：今日，与昨日、上周同时刻相比（1 为Ⅰ类，6 为劣Ⅴ类）。",
        "The worst class of the chosen lakes by hour: now, and the same hours of yesterday and of last week (1 is I, 6 worse"
        " than V).",
    )
    return kit.lines(
        Words("最差类别：今日、昨日、上周", "Worst class: today, yesterday, last week"),
        about,
        compared(kit.language, query, "r.period_start"),
        Place(12, 8),
        low=1,
        high=6,
        decimals=0,
        limit=kit.limits.value("water.class"),
        interval="1h",
        sources=("water.class",),
    )


def _classes(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT {BEGINS} AS time, coalesce(a.{kit.name}, i.subject) AS metric, i.value
FROM v_indicators AS i
LEFT JOIN v_assets AS a ON a.kind = 'lake' AND a.asset_id = i.subject
WHERE i.id = 'water.class' AND {overlaps("1 day")} AND i.{LIVE_LANE} AND i.subject IN (${{lake:sqlstring}})
    AND i.status <> 'cannot_say'
ORDER BY 1"""
    about = Words(
        "每个采样轮次的湖泊水质类别：先对各点求平均，再由最差的一项决定；“无法判定”的轮次留空。",
        "Class of each lake by sampling round: the mean of its points first, then the worst item decides. Rounds that nothing"
        " can be said about are left blank.",
    )
    title = Words("水质类别", "Class of each lake")
    return kit.states(title, about, sql, WATER_CLASS, Place(24, 8), sources=("water.class",))


def _item(kit: Kit, item: str) -> PanelBuilder:
    words, unit = ITEMS[item]
    limits = {each.item: each for each in kit.limits.class_limits(TARGET_CLASS)}
    limit = limits.get(item)

    worst = "ASC" if item == "do_mg_l" else "DESC"
    first = among_the_first(
        "r.device_id",
        f"SELECT w.device_id FROM v_water_latest AS w WHERE w.{LIVE_LANE} AND w.{IN_LAKES} AND w.{item} IS NOT NULL"
        f" ORDER BY w.{item} {worst}, w.device_id",
    )

    def query(view: str, bucket: str, when: str) -> str:
        return f"""
SELECT {bucket} AS time, CASE WHEN ${{by:sqlstring}} <> 'point' THEN coalesce(g.{kit.name}, r.group_id)
        WHEN {first} THEN coalesce(a.{kit.name}, r.device_id) ELSE {quoted(kit.say(OTHERS))} END AS metric,
    sum(r.{item}_sum) / nullif(sum(r.{item}_n), 0) AS value
FROM {view} AS r
LEFT JOIN v_assets AS a ON a.kind = 'station' AND a.asset_id = r.device_id
LEFT JOIN v_assets AS g ON g.kind = 'lake' AND g.asset_id = r.group_id
WHERE {when} AND {IN_LAKES} AND r.{item}_n > 0
GROUP BY 1, 2"""

    about = Words(
        f"各湖（或各监测点，见上方“曲线”）的均值，仅取质量良好的读数；按监测点时，此刻最差的 {LINES} 个各一条线，其余合为平均。",
        f"Mean of each lake (or point: see Lines above), of good readings only; of points the {LINES} that are worst now have a"
        " line each, and the others one for their mean.",
    )
    if limit is not None:
        at_least = item == "do_mg_l"
        about = Words(
            f"{about.zh}虚线为 III 类限值：{'≥' if at_least else '≤'} {limit.value:g} {limit.unit}（{limit.source}）。",
            f"{about.en} The dashed line is the limit of class III: {'≥' if at_least else '≤'} {limit.value:g}"
            f" {limit.unit} ({limit.source}).",
        )
    title = Words(f"{words.zh}", words.en)
    return kit.lines(
        title,
        about,
        by_level("water", query),
        Place(8, 8),
        unit=f"suffix: {unit}" if unit != "none" else "none",
        limit=None if limit is None else limit.value,
    )


def _trophic(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT period_start AS time, coalesce(a.{kit.name}, i.subject) AS metric, i.value
FROM v_indicators AS i LEFT JOIN v_assets AS a ON a.kind = 'lake' AND a.asset_id = i.subject
WHERE i.id = 'water.trophic_index' AND $__timeFilter(period_start) AND i.{LIVE_LANE} AND i.sample_seq = -1
    AND i.subject IN (${{lake:sqlstring}}) AND i.value IS NOT NULL
ORDER BY 1"""
    about = Words(
        "综合营养状态指数 TLI(Σ)：30 以下贫营养，30–50 中营养，50–60 轻度、60–70 中度、70 以上重度富营养。仅供参考，不判定。",
        "Comprehensive trophic level index: below 30 oligotrophic, 30–50 mesotrophic, 50–60 lightly, 60–70 moderately, above"
        " 70 heavily eutrophic. Shown, not judged.",
    )
    steps = ((None, NONE), (50, YELLOW), (60, ORANGE), (70, RED))
    return kit.lines(Words("营养状态指数", "Trophic level index"), about, sql, Place(12, 8), steps=steps, points=True)


def _stations(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT s.device_id AS id, coalesce(a.{kit.name}, s.device_id) AS station, s.heard, s.observed_at, s.quality,
    (SELECT string_agg({kit.word("c", QUALITY_CODE)}, '{kit.say(COMMA)}') FROM unnest(s.quality_codes) AS c) AS codes, s.water_temp_c, s.ph,
    s.do_mg_l, s.codmn_mg_l, s.nh3n_mg_l, s.tp_mg_l
FROM ({_stations_now()}) AS s LEFT JOIN v_assets AS a ON a.kind = 'station' AND a.asset_id = s.device_id
ORDER BY CASE s.heard WHEN 'heard' THEN 1 ELSE 0 END, s.observed_at NULLS FIRST, 2"""
    columns = [
        Column("id", Words("编号", "Id"), hidden=True),
        Column("station", Words("监测点", "Station"), links=(kit.to_page("water", "id"),), wraps=True),
        Column("heard", Words("数据", "Data"), shown=HEARD, width=95),
        Column("observed_at", Words("最近采样", "Newest sample"), width=160),
        Column("quality", Words("质量", "Quality"), shown=shown(QUALITY, NONE), width=100),
        Column("codes", Words("疑点", "Doubts"), width=140),
        Column("water_temp_c", Words("水温", "Temp."), unit="celsius", decimals=1, width=80),
        Column("ph", Words("pH", "pH"), decimals=2, width=65),
        Column("do_mg_l", Words("溶解氧", "DO"), unit="suffix: mg/L", decimals=2, width=105),
        Column("codmn_mg_l", Words("高锰酸盐指数", "CODMn"), unit="suffix: mg/L", decimals=2, width=115),
        Column("nh3n_mg_l", Words("氨氮", "NH3-N"), unit="suffix: mg/L", decimals=3, width=110),
        Column("tp_mg_l", Words("总磷", "TP"), unit="suffix: mg/L", decimals=3, width=110),
    ]
    about = Words(
        "各监测点按采样时间的最近一条读数；已登记而从未收到数据的（仅实时）最前，其次为静默的，再按最久未采样。",
        "The newest reading of each point by the time it was sampled; those of the register that were never heard (of what is live)"
        " first, then the silent, then the longest without a sample.",
    )
    return kit.table(Words("监测点", "Stations"), about, sql, columns, Place(24, 9))


def _flags(kit: Kit) -> PanelBuilder:
    def query(view: str, bucket: str, when: str) -> str:
        return f"""
SELECT {bucket} AS time, coalesce(a.{kit.name}, r.group_id) AS metric,
    sum(r.n_doubtful)::double precision / sum(r.n) AS value
FROM {view} AS r LEFT JOIN v_assets AS a ON a.kind = 'lake' AND a.asset_id = r.group_id
WHERE {when} AND {IN_LAKES}
GROUP BY 1, 2"""

    about = Words(
        "带质量标记（维护、校准、故障、超量程等）或疑点的读数所占比例；这类读数不参与判类。",
        "Share of readings with a quality flag (maintenance, calibration, fault, over range) or a doubt; they do not count"
        " for the class.",
    )
    title = Words("质量标记", "Quality flags")
    return kit.lines(title, about, by_level("water", query), Place(12, 8), unit="percentunit", low=0, high=1)
