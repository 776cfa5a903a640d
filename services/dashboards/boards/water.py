"""Water: class of each lake, each item against its limit, pollutants, trophic level, stations. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.columns import Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import GREY, NONE, ORANGE, RED, WATER_CLASS, YELLOW
from services.dashboards.sql import BEGINS, LIVE_LANE, by_level, compared, overlaps
from services.dashboards.vocabulary import ITEM, QUALITY, QUALITY_CODE, shown
from services.dashboards.words import Words

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
LINE: Final = (
    "CASE WHEN ${{by:sqlstring}} = 'point' THEN coalesce(a.{name}, r.device_id) ELSE coalesce(g.{name}, r.group_id) END"
)
"""Name of a line: one a lake, or one a point where one looks closer."""
COMMA: Final = Words("、", ", ")
IN_LAKES: Final = "group_id IN (${lake:sqlstring})"


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
    built.with_panel(
        kit.open_alerts(
            Place(24, 8),
            "water",
            " AND (asset IN (${lake:sqlstring}) OR asset IN (SELECT asset_id FROM v_assets WHERE parent_id IN (${lake:sqlstring})))",
        )
    )
    built.with_panel(_pollutants(kit))
    built.with_panel(_compared(kit))
    built.with_panel(_classes(kit))
    for item in ITEMS:
        built.with_panel(_item(kit, item))
    built.with_panel(_stations(kit))
    built.with_panel(_trophic(kit))
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
SELECT coalesce(a.{kit.name}, n.subject) AS name, CASE WHEN n.status = 'cannot_say' THEN 'none' ELSE n.value::integer::text END AS state
FROM ({NEWEST}) AS n LEFT JOIN v_assets AS a ON a.kind = 'lake' AND a.asset_id = n.subject
ORDER BY n.value DESC NULLS LAST, 1"""
    limit = kit.limits.value("water.class")
    return kit.strip(
        Words(
            f"各湖水质类别（目标 ≤ {limit:g} 类），最差在前",
            f"Class of each lake (target ≤ {limit:g}), the worst first",
        ),
        Words(
            "每湖最近一个已结束的采样轮次。数据不全时无法判定，不算达标。",
            "The last sampling round of each lake that is over. Incomplete data says nothing, and is no pass.",
        ),
        sql,
        WATER_CLASS | {"none": (Words("无法判定", "cannot say"), GREY)},
        Place(24, 4),
        sources=("water.class",),
    )


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

    def query(view: str, bucket: str, when: str) -> str:
        return f"""
SELECT {bucket} AS time, {LINE.format(name=kit.name)} AS metric,
    sum(r.{item}_sum) / nullif(sum(r.{item}_n), 0) AS value
FROM {view} AS r
LEFT JOIN v_assets AS a ON a.kind = 'station' AND a.asset_id = r.device_id
LEFT JOIN v_assets AS g ON g.kind = 'lake' AND g.asset_id = r.group_id
WHERE {when} AND {IN_LAKES} AND r.{item}_n > 0
GROUP BY 1, 2"""

    about = Words(
        "各湖（或各监测点，见上方“曲线”）的均值，仅取质量良好的读数。",
        "Mean of each lake (or point: see Lines above), of good readings only.",
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


def _pollutants(kit: Kit) -> PanelBuilder:
    item = kit.word("d", ITEM)
    sql = f"""
SELECT n.subject AS id, coalesce(a.{kit.name}, n.subject) AS lake, CASE WHEN n.status = 'cannot_say' THEN NULL ELSE n.value END AS class,
    coalesce((SELECT string_agg({item}, '{kit.say(COMMA)}') FROM jsonb_array_elements_text(n.details -> 'class' -> 'deciding') AS d), '')
        AS deciding,
    coalesce((SELECT string_agg(concat({kit.word("e.key", ITEM)}, ' ×', round((e.value #>> '{{}}')::numeric, 2)), '{kit.say(COMMA)}')
        FROM jsonb_each(n.details -> 'class' -> 'exceed_vs_target') AS e), '') AS exceeded,
    n.period_start
FROM ({NEWEST}) AS n LEFT JOIN v_assets AS a ON a.kind = 'lake' AND a.asset_id = n.subject
ORDER BY n.value DESC NULLS LAST"""
    columns = [
        Column("id", Words("编号", "Id"), hidden=True),
        Column("lake", Words("湖泊", "Lake"), links=(kit.to_page("water", "id"),)),
        Column("class", Words("类别", "Class"), shown=WATER_CLASS, width=120),
        Column("deciding", Words("决定项", "Deciding items")),
        Column("exceeded", Words("超标项与倍数", "Above the target, multiples")),
        Column("period_start", Words("轮次", "Round"), width=165),
    ]
    about = Words(
        "各湖最近一轮的决定项目，以及超过目标限值的项目和超标倍数（测值减限值，再除以限值）。",
        "Items that decide the newest class of each lake, and those above the target's limit with their exceedance"
        " multiples (observed less limit, over limit).",
    )
    title = Words("主要污染物", "Main pollutants")
    return kit.table(title, about, sql, columns, Place(12, 8), sources=("water.class",))


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
SELECT l.device_id AS id, coalesce(a.{kit.name}, l.device_id) AS station, l.observed_at, l.quality,
    (SELECT string_agg({kit.word("c", QUALITY_CODE)}, '{kit.say(COMMA)}') FROM unnest(l.quality_codes) AS c) AS codes, l.water_temp_c, l.ph, l.do_mg_l, l.codmn_mg_l, l.nh3n_mg_l, l.tp_mg_l
FROM v_water_latest AS l LEFT JOIN v_assets AS a ON a.kind = 'station' AND a.asset_id = l.device_id
WHERE l.{LIVE_LANE} AND l.{IN_LAKES}
ORDER BY l.observed_at"""
    columns = [
        Column("id", Words("编号", "Id"), hidden=True),
        Column("station", Words("监测点", "Station"), width=170, links=(kit.to_page("water", "id"),)),
        Column("observed_at", Words("最近采样", "Newest sample"), width=170),
        Column("quality", Words("质量", "Quality"), shown=shown(QUALITY, NONE), width=110),
        Column("codes", Words("疑点", "Doubts"), width=170),
        Column("water_temp_c", Words("水温", "Temperature"), unit="celsius", decimals=1),
        Column("ph", Words("pH", "pH"), decimals=2),
        Column("do_mg_l", Words("溶解氧", "DO"), unit="suffix: mg/L", decimals=2),
        Column("codmn_mg_l", Words("高锰酸盐指数", "CODMn"), unit="suffix: mg/L", decimals=2),
        Column("nh3n_mg_l", Words("氨氮", "NH3-N"), unit="suffix: mg/L", decimals=3),
        Column("tp_mg_l", Words("总磷", "TP"), unit="suffix: mg/L", decimals=3),
    ]
    about = Words(
        "各监测点按采样时间的最近一条读数；沉默最久的在前。",
        "The newest reading of each point by the time it was sampled; the longest silent first.",
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
