"""District today: are the plan's targets met, what is wrong now, where, and is the data coming. Pure."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.kit import Column, Kit, PanelBuilder, Place
from services.dashboards.palette import (
    ASSET_STATE,
    BLUE,
    FEED,
    GREEN,
    GREY,
    NONE,
    ORANGE,
    RED,
    STATUS,
    WATER_CLASS,
    YELLOW,
)
from services.dashboards.words import Words

OPEN = Words("打开看板", "Open the board")


def board(kit: Kit) -> dashboard.Dashboard:
    """The home board."""
    built = kit.board(
        "today",
        Words("江汉区今日", "Jianghan today"),
        Words(
            "规划目标达标情况、未结束的预警、地图与数据接入状况。",
            "The plan's targets, open alerts, the map, and whether the data is coming.",
        ),
        since="now-6h",
    )
    built.with_row(kit.row(Words("规划目标", "The plan's targets")))
    for panel in (
        _water(kit),
        _emergency(kit),
        _tax(kit),
        _count(kit, "met", Words("达标", "Met"), GREEN),
        _count(kit, "not_met", Words("未达标", "Not met"), RED),
        _count(kit, "cannot_say", Words("无法判定", "Cannot say"), GREY),
        targets_table(kit, Place(24, 9)),
    ):
        built.with_panel(panel)
    built.with_row(kit.row(Words("现在", "Now")))
    for panel in (_by_feed(kit), _map(kit), kit.open_alerts(Place(24, 10)), _health(kit)):
        built.with_panel(panel)
    return built


def _newest(target: str, pick: str, *, judged: bool = True) -> str:
    shown = "CASE WHEN status = 'cannot_say' THEN NULL ELSE value END" if judged else "value"
    return f"""
SELECT (SELECT {shown}
    FROM v_target_states
    WHERE id = '{target}' AND lane = ${{lane:sqlstring}}
    ORDER BY {pick}
    LIMIT 1) AS value"""


def _water(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("water.class")
    return kit.tile(
        Words(f"最差湖泊 ≤ {limit:g} 类", f"Worst lake ≤ {limit:g}"),
        Words(
            "各湖最近一个采样轮次的水质类别，取最差者；数据不全时写“无法判定”，不算达标。",
            "Class of each lake in its newest sampling round; the worst one. Incomplete data is no pass.",
        ),
        _newest("water.class", "value DESC NULLS LAST"),
        decimals=0,
        steps=((None, GREEN), (limit + 0.5, RED)),
        shown={number: (words, GREEN if int(number) <= limit else RED) for number, (words, _) in WATER_CLASS.items()},
        link=(OPEN, kit.href("water")),
        sources=("water.class",),
    )


def _emergency(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("emergency.response")
    return kit.tile(
        Words(f"急救 P90 ≤ {limit:g} 分钟", f"Emergency P90 ≤ {limit:g} min"),
        Words(
            "最近一个已结算的时段内，从接警到首个急救单元到达现场的第 90 百分位。",
            "90th percentile of call received to first unit on scene, over the newest period that was judged.",
        ),
        _newest("emergency.response", "period_end DESC"),
        unit="min",
        decimals=1,
        steps=((None, GREEN), (limit + 1e-9, RED)),
        link=(OPEN, kit.href("emergency")),
        sources=("emergency.response",),
    )


def _tax(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("tax.hundred_million_buildings")
    return kit.tile(
        Words(f"亿元楼宇 ≥ {limit:g}", f"CNY 100M buildings ≥ {limit:g}"),
        Words(
            "本年内入库税收达到或超过 1 亿元的楼宇数，年初至今。年末前低于目标不等于落后，看税收看板的预测。",
            "Buildings whose tax this year has reached CNY 100 million so far. Before the year's end fewer than the target"
            " does not mean behind: see the forecast on the tax board.",
        ),
        _newest("tax.hundred_million_buildings", "period_end DESC", judged=False),
        decimals=0,
        steps=((None, ORANGE), (limit, GREEN)),
        link=(OPEN, kit.href("tax")),
        sources=("tax.hundred_million_buildings",),
    )


def _count(kit: Kit, status: str, title: Words, colour: str) -> PanelBuilder:
    return kit.tile(
        title,
        Words("处于该状态的规划目标（按对象计）。", "Targets of the plan in this state, counted by subject."),
        f"SELECT count(*) AS n FROM v_target_states WHERE status = '{status}' AND lane IN ('live', ${{lane:sqlstring}})",
        steps=((None, colour),),
        link=(OPEN, kit.href("plan")),
    )


def targets_table(kit: Kit, place: Place) -> PanelBuilder:
    """Each target with its newest value, judged or not."""
    boards = " ".join(
        f"WHEN '{feed}' THEN '{kit.uid(feed)}'" for feed in ("water", "emergency", "parking", "ev", "tax")
    )
    sql = f"""
SELECT t.{kit.name} AS target_name, coalesce(a.{kit.name}, t.subject_name) AS subject_name, status, value,
    concat_ws(' ', comparator, target) AS goal, unit, due::text AS due,
    concat_ws(' ', plan_id, plan_version, page) AS source, status_reason, period_start, id, subject,
    CASE t.feed {boards} ELSE '{kit.uid("plan")}' END AS board
FROM v_target_states AS t
LEFT JOIN v_assets AS a ON a.asset_id = t.subject AND a.kind IN ('district', 'lake')
WHERE lane = ${{lane:sqlstring}} OR subject IS NULL
ORDER BY checked_by DESC, CASE status WHEN 'not_met' THEN 0 WHEN 'cannot_say' THEN 1 ELSE 2 END, ordinality, subject"""
    to_board = (OPEN, "/d/${__data.fields.board}?${__url_time_range}&var-lane=${lane}")
    columns = [
        Column("target_name", Words("目标", "Target"), width=270, link=to_board),
        Column("subject_name", Words("对象", "Subject"), width=150),
        Column("status", Words("状态", "Status"), shown=STATUS, width=95),
        Column("value", Words("现值", "Value"), decimals=2, width=80),
        Column("goal", Words("目标值", "Goal"), width=125),
        Column("unit", Words("单位", "Unit"), width=110),
        Column("due", Words("期限", "Due"), width=100),
        Column("source", Words("依据", "Source"), width=200),
        Column("status_reason", Words("理由", "Why")),
        Column("period_start", Words("时段始", "Period from"), width=170),
        Column("id", Words("编号", "Id"), hidden=True),
        Column("subject", Words("对象编号", "Subject id"), hidden=True),
        Column("board", Words("看板", "Board"), hidden=True),
    ]
    about = Words(
        "规划中每个量化目标及其最近的判定。“无法判定”是一种回答：数据不全或质量可疑，或尚无上报。",
        "Every quantified target of the plan with its newest verdict. “Cannot say” is an answer: data is incomplete or"
        " doubtful, or nothing was reported.",
    )
    return kit.table(Words("规划目标", "Targets of the plan"), about, sql, columns, place)


def _by_feed(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT {kit.case("f.feed", FEED)} AS feed,
    count(*) FILTER (WHERE a.severity = 'I') AS "I",
    count(*) FILTER (WHERE a.severity = 'II') AS "II",
    count(*) FILTER (WHERE a.severity = 'III') AS "III",
    count(*) FILTER (WHERE a.severity = 'IV') AS "IV"
FROM (VALUES ('emergency', 1), ('water', 2), ('parking', 3), ('ev', 4), ('tax', 5)) AS f (feed, place)
LEFT JOIN v_open_alerts AS a ON a.feed = f.feed AND a.lane = ${{lane:sqlstring}} AND NOT a.suppressed
GROUP BY f.feed, f.place
ORDER BY f.place"""
    columns = [
        Column("feed", Words("类别", "Feed"), width=150),
        Column("I", Words("I 级", "I"), steps=((None, NONE), (1, RED)), width=90),
        Column("II", Words("II 级", "II"), steps=((None, NONE), (1, ORANGE)), width=90),
        Column("III", Words("III 级", "III"), steps=((None, NONE), (1, YELLOW)), width=90),
        Column("IV", Words("IV 级", "IV"), steps=((None, NONE), (1, BLUE)), width=90),
    ]
    about = Words("未结束的预警，按类别与等级计数。", "Open alerts by feed and severity.")
    return kit.table(Words("预警计数", "Alerts by severity"), about, sql, columns, Place(9, 14))


def _map(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT longitude, latitude, state, {kit.name} AS name, feed, kind, open_alerts, since, last_seen_at
FROM v_asset_states
WHERE lane = ${{lane:sqlstring}} AND kind IN ('lake', 'site', 'lot', 'post', 'building')
ORDER BY state DESC"""
    columns = (
        Column("name", Words("名称", "Name")),
        Column("feed", Words("类别", "Feed")),
        Column("kind", Words("种类", "Kind")),
        Column("open_alerts", Words("未结束预警", "Open alerts")),
        Column("since", Words("始于", "Since")),
        Column("last_seen_at", Words("最近数据", "Last heard")),
    )
    about = Words(
        "湖泊、充电站、停车场、急救站与楼宇（WGS-84）。颜色为其自身或下属设备最严重的未结束预警。底图不取自互联网。",
        "Lakes, charging sites, car parks, emergency posts and buildings (WGS-84), coloured by their worst open alert, their"
        " own or of what belongs to them. No base map is fetched from the internet.",
    )
    title = Words("资产地图", "Assets on the map")
    return kit.map(title, about, sql, Place(15, 14), shown=ASSET_STATE, columns=columns)


def _health(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT {kit.case("feed", FEED)} AS feed, registered, heard, completeness, readings_per_s, last_seen_at
FROM v_feed_health
ORDER BY completeness NULLS LAST"""
    columns = [
        Column("feed", Words("类别", "Feed"), width=150),
        Column("registered", Words("登记设备", "Registered")),
        Column("heard", Words("近一小时有数据", "Heard within the hour")),
        Column(
            "completeness",
            Words("完整率", "Completeness"),
            unit="percentunit",
            decimals=1,
            steps=((None, RED), (0.8, YELLOW), (0.95, GREEN)),
        ),
        Column("readings_per_s", Words("读数/秒（近 5 分钟）", "Readings/s (5 min)"), decimals=1),
        Column("last_seen_at", Words("最近数据", "Last heard")),
    ]
    about = Words(
        "各类数据的接入：登记设备中近一小时内有数据的比例。税务窗口只在有入库时报送。",
        "How each feed does: the share of registered devices heard within the hour. Tax offices report only when tax is paid.",
    )
    return kit.table(Words("数据接入", "Health of the feeds"), about, sql, columns, Place(24, 7))
