"""District today, on one screen: is anything wrong, where, since when, what to do, and are we meeting the plan. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.columns import Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import (
    ASSET_STATE,
    FEED,
    GREEN,
    GREY,
    ORANGE,
    RED,
    SEVERITY,
    TARGET_STANDING,
    YELLOW,
    Shown,
)
from services.dashboards.sql import LIVE_LANE
from services.dashboards.vocabulary import KIND, shown
from services.dashboards.words import Words

OPEN = Words("打开看板", "Open the board")
SHIFT: Final = "time_bucket(INTERVAL '8 hours', now())"
"""Since when this shift is on duty: 00, 08 and 16 o'clock in Beijing, which are whole eights of hours in UTC as well."""
UNTAKEN_MINUTES: Final = 15
"""An alert that nobody took up for longer is shown in red."""


def board(kit: Kit) -> dashboard.Dashboard:
    """The home board: 23 rows, a screen of 1920 x 1080 without scrolling."""
    built = kit.board(
        "today",
        Words("江汉区今日", "Jianghan today"),
        Words(
            "一屏看清：有无异常、在何处、自何时起、如何处置、规划是否达标、数据是否到达。",
            "On one screen: is anything wrong, where, since when, what to do, are we meeting the plan, is the data coming.",
        ),
        since="now-6h",
    )
    for n, severity in enumerate(SEVERITY):
        built.with_panel(count_of(kit, severity, Place(3, 3, x=3 * n)))
    for panel in (
        new_alerts(kit, Place(4, 3, x=12)),
        untaken(kit, Place(4, 3, x=16)),
        longest(kit, Place(4, 3, x=20)),
        kit.open_alerts(Place(17, 13, x=0, y=3)),
        asset_map(kit, Place(7, 11, x=17, y=3)),
        kit.legend(ASSET_STATE, Place(7, 2, x=17, y=14)),
        targets_strip(kit, Place(24, 4, x=0, y=16)),
        health_strip(kit, Place(24, 3, x=0, y=20)),
    ):
        built.with_panel(panel)
    return built


STANDS: Final = f"event <> 'retracted' AND superseded_by IS NULL AND NOT suppressed AND {LIVE_LANE}"
"""Alerts that speak for themselves."""


def count_of(kit: Kit, severity: str, place: Place) -> PanelBuilder:
    """How many alerts of a severity are open; grey when none is."""
    words, colour = SEVERITY[severity]
    return kit.tile(
        words,
        Words(
            "该等级未结束的预警数；已被抑制或合并的不计。",
            "Open alerts of this severity, without those suppressed or stood for.",
        ),
        f"SELECT count(*) AS n FROM v_open_alerts WHERE severity = '{severity}' AND NOT suppressed AND {LIVE_LANE}",
        place,
        steps=((None, GREY), (1, colour)),
        link=(OPEN, kit.href("alerts")),
    )


def new_alerts(kit: Kit, place: Place) -> PanelBuilder:
    """Alerts raised since the shift began, open or over."""
    return kit.tile(
        Words("本班新增", "New this shift"),
        Words(
            "本班（0、8、16 时交接）开始以来发出的预警，含已解除的；被迟到数据撤销的不计。",
            "Alerts raised since this shift began (at 0, 8 and 16 o'clock), those that are over among them; not those that late"
            " data took back.",
        ),
        f"SELECT count(*) AS n FROM v_alerts WHERE {STANDS} AND raised_at >= {SHIFT}",
        place,
        steps=((None, GREY), (1, YELLOW)),
        link=(OPEN, kit.href("alerts")),
    )


def untaken(kit: Kit, place: Place) -> PanelBuilder:
    """Open alerts that nobody has taken up."""
    sql = f"""
SELECT count(*) AS n FROM v_alert_lives
WHERE standing = 'open' AND {STANDS} AND ended_at IS NULL AND raised_at < now() - INTERVAL '{UNTAKEN_MINUTES} minutes'"""
    return kit.tile(
        Words("逾时未受理", "Not taken up"),
        Words(
            f"发出 {UNTAKEN_MINUTES} 分钟后仍无人受理的未结束预警。",
            f"Open alerts that nobody took up within {UNTAKEN_MINUTES} minutes.",
        ),
        sql,
        place,
        steps=((None, GREEN), (1, ORANGE)),
        link=(OPEN, kit.href("alerts")),
    )


def longest(kit: Kit, place: Place) -> PanelBuilder:
    """How long the oldest open alert has lasted."""
    sql = f"""
SELECT extract(epoch FROM now() - min(started_at))::double precision AS s FROM v_open_alerts
WHERE NOT suppressed AND {LIVE_LANE}"""
    return kit.tile(
        Words("最久未结束", "Longest open"),
        Words("最早开始且尚未结束的预警已持续的时间。", "For how long the oldest open alert has lasted."),
        sql,
        place,
        unit="dthms",
        steps=((None, GREY), (4 * 3600, YELLOW), (24 * 3600, ORANGE)),
        null=Words("无", "none"),
        link=(OPEN, kit.href("alerts")),
    )


MARKS: Final[Shown] = {
    "not_met": (Words("未达标", "not met"), RED),
    "cannot_say": (Words("无法判定", "cannot say"), GREY),
    "running": (Words("进行中", "running"), "#5B7DA8"),
    "met": (Words("达标", "met"), GREEN),
}
"""What a period says."""
UNSAID: Final = "(t.is_running OR (t.status = 'cannot_say' AND t.running_start IS NOT NULL))"
"""No period that is over says anything: how the running one stands is all there is."""
STANDS_AT: Final = "coalesce(t.standing, 'cannot_say')"
"""Where a target stands, as `services.plan_office.standing` decides; nothing was written of it yet: nothing can be said."""
_RANKS: Final = " ".join(f"WHEN '{code}' THEN {at}" for at, code in enumerate(TARGET_STANDING))
WORST_FIRST: Final = f"CASE {{state}} {_RANKS} END"
"""SQL to format with a standing: its place with the worst first."""


def targets_strip(kit: Kit, place: Place, sizes: tuple[int, int] = (14, 20)) -> PanelBuilder:
    """The plan's targets that telemetry measures, the worst first: a tile each, named, with what it stands at."""
    so_far = kit.say(Words("本期至今 ", "so far "))
    sql = f"""
SELECT s.name, s.state
FROM (
    SELECT t.ordinality, t.subject,
        concat_ws(' · ', t.{kit.name}, a.{kit.name}, CASE WHEN t.unit NOT LIKE 'class%' THEN
            CASE WHEN {UNSAID} AND t.running_value IS NOT NULL THEN '{so_far}' ELSE '' END
            || round(coalesce(CASE WHEN {UNSAID} THEN t.running_value END, t.value)::numeric, 1)::double precision || ' / ' || t.target
        END) AS name,
        {STANDS_AT} AS state
    FROM v_target_states AS t
    LEFT JOIN v_assets AS a ON a.kind = 'lake' AND a.asset_id = t.subject
    WHERE t.checked_by = 'stream' AND (t.{LIVE_LANE} OR t.subject IS NULL)
) AS s
ORDER BY {WORST_FIRST.format(state="s.state")}, s.ordinality, s.subject"""
    return kit.strip(
        Words("规划目标（最差在前）", "The plan's targets, the worst first"),
        Words(
            "由实时数据判定的规划目标：每个对象在到期前是否跟上进度线，到期后是否完成，与一张图和接口所说一致。",
            "Targets that telemetry measures: whether each subject keeps up with the path to the due date, and whether it was"
            " met once that has passed; the one map and the API say the same.",
        ),
        sql,
        TARGET_STANDING,
        place,
        link=(OPEN, kit.href("plan")),
        sizes=sizes,
    )


HEALTH: Final[Shown] = {
    "ok": (Words("正常", "complete"), GREEN),
    "part": (Words("缺数", "incomplete"), YELLOW),
    "down": (Words("中断", "nothing comes"), RED),
}


def health_strip(kit: Kit, place: Place, sizes: tuple[int, int] = (14, 20)) -> PanelBuilder:
    """Whether the data of each feed comes: a tile a feed."""
    sql = f"""
SELECT {kit.case("feed", FEED)} || ' ' || heard || '/' || registered AS name,
    CASE WHEN heard = 0 THEN 'down' WHEN completeness < 0.95 THEN 'part' ELSE 'ok' END AS state
FROM v_feed_health
ORDER BY completeness NULLS LAST, v_feed_health.feed"""
    return kit.strip(
        Words("数据接入", "Is the data coming"),
        Words(
            "在各自规则允许的静默时长内有数据的设备数/登记设备数（水质站点为一小时；税务窗口按工作日报送，以最近一个工作日计）。"
            "低于 95% 为缺数。",
            "Devices heard within the silence that their policy allows, of those registered (water: an hour; tax offices report on"
            " working days, so of them the last working day counts). Below 95 % data is incomplete.",
        ),
        sql,
        HEALTH,
        place,
        link=(OPEN, kit.href("platform")),
        sizes=sizes,
    )


def asset_map(kit: Kit, place: Place) -> PanelBuilder:
    """Assets that have a place, coloured by their worst open alert."""
    sql = f"""
SELECT longitude, latitude, state, {kit.name} AS name, feed, kind, open_alerts, since, last_seen_at
FROM v_asset_states
WHERE {LIVE_LANE} AND kind IN ('lake', 'site', 'lot', 'post', 'building')
ORDER BY state DESC"""
    columns = (
        Column("name", Words("名称", "Name")),
        Column("feed", Words("类别", "Feed"), shown=FEED),
        Column("kind", Words("种类", "Kind"), shown=shown(KIND, GREY)),
        Column("open_alerts", Words("未结束预警", "Open alerts")),
        Column("since", Words("始于", "Since")),
        Column("last_seen_at", Words("最近数据", "Last heard")),
    )
    about = Words(
        "湖泊、充电站、停车场、急救站与楼宇（WGS-84）。颜色为其自身或下属设备最严重的未结束预警。底图不取自互联网。",
        "Lakes, charging sites, car parks, emergency posts and buildings (WGS-84), coloured by their worst open alert, their"
        " own or of what belongs to them. No base map is fetched from the internet.",
    )
    return kit.map(Words("资产地图", "Assets on the map"), about, sql, place, shown=ASSET_STATE, columns=columns)
