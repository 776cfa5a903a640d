"""The page of one asset of a feed: what it is, how it is now, what it measured, what was said of it, its last hundred days.

The end of every way: from a tile to a board, from a row of the board to the asset. An id may stand for more than one kind of
thing (a zone and a site); a page belongs to one feed, so its kinds are those of the feed. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.columns import SHORT_MOMENT, Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import ASSET_STATE, NONE, ORANGE, SEVERITY, STANDING, STATUS, YELLOW
from services.dashboards.sql import LIVE_LANE, by_level
from services.dashboards.vocabulary import KIND, UNIT, shown
from services.dashboards.words import Words

ASSET: Final = "${asset:sqlstring}"
DAYS: Final = 100
"""So many days stand one beside the other."""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of a device over time: how it is made of a rollup's columns, and its unit."""

    words: Words
    value: str
    unit: str


@dataclass(frozen=True, slots=True)
class Page:
    """What is particular to the page of a feed."""

    title: Words
    kinds: Sequence[str]
    """Kinds of assets that have this page; the first is what is chosen at first."""
    lines: Sequence[Line]
    since: str = "now-24h"


def _mean(item: str) -> str:
    return f"sum(r.{item}_sum) / nullif(sum(r.{item}_n), 0)"


MG: Final = "suffix: mg/L"
MONEY: Final = "suffix: CNY"
"""Of a line of money: said in the units that people use."""
PAGES: Final[Mapping[str, Page]] = MappingProxyType(
    {
        "water": Page(
            Words("湖泊与监测点", "Lake or point"),
            ("lake", "station"),
            (
                Line(Words("溶解氧", "Dissolved oxygen"), _mean("do_mg_l"), MG),
                Line(Words("高锰酸盐指数", "Permanganate index"), _mean("codmn_mg_l"), MG),
                Line(Words("氨氮", "Ammonia nitrogen"), _mean("nh3n_mg_l"), MG),
                Line(Words("总磷", "Total phosphorus"), _mean("tp_mg_l"), MG),
            ),
        ),
        "ev": Page(
            Words("充电站与充电枪", "Charging site or connector"),
            ("site", "connector"),
            (
                Line(Words("平均功率", "Mean power"), _mean("power_kw"), "suffix: kW"),
                Line(
                    Words("充电读数占比", "Readings while charging"),
                    "sum(r.charging_n)::double precision / nullif(sum(r.n), 0)",
                    "percentunit",
                ),
            ),
        ),
        "parking": Page(
            Words("停车场", "Car park"),
            ("lot",),
            (
                Line(Words("占用率", "Occupancy"), "sum(r.occupied_sum) / nullif(sum(r.usable_sum), 0)", "percentunit"),
                Line(Words("空余泊位", "Free spaces"), "sum(r.free_spaces_sum) / nullif(sum(r.counted_n), 0)", "none"),
            ),
        ),
        "emergency": Page(
            Words("急救站与急救车", "Emergency post or ambulance"),
            ("post", "unit"),
            (
                Line(
                    Words("待命时间占比", "Share of time available"),
                    "sum(r.available_n)::double precision / nullif(sum(r.unit_n), 0)",
                    "percentunit",
                ),
                Line(
                    Words("出勤时间占比", "Share of time on a call"),
                    "sum(r.busy_n)::double precision / nullif(sum(r.unit_n), 0)",
                    "percentunit",
                ),
            ),
        ),
        "tax": Page(
            Words("楼宇与税务窗口", "Building or tax office"),
            ("building", "office"),
            (
                Line(Words("入库税收（净额）", "Tax received, net"), "sum(r.amount_cny_sum)", MONEY),
                Line(Words("入库笔数", "Payments"), "sum(r.payments_n)", "none"),
            ),
            since="now-1y",
        ),
    }
)


def board(feed: str, kit: Kit) -> dashboard.Dashboard:
    """The page of one asset of a feed."""
    page = PAGES[feed]
    kinds = ", ".join(f"'{kind}'" for kind in page.kinds)
    order = " ".join(f"WHEN '{kind}' THEN {n}" for n, kind in enumerate(page.kinds))
    choices = f"""
SELECT concat({kit.word("kind", KIND)}, ' · ', {kit.name}) AS __text, asset_id AS __value
FROM v_assets WHERE feed = '{feed}' AND kind IN ({kinds}) ORDER BY CASE kind {order} END, {kit.name}"""
    built = kit.board(
        f"asset-{feed}",
        page.title,
        Words(
            "一个对象：现状、读数、结论、预警、数据质量与近百日。",
            "One asset: how it is, what it measured, what was said of it, its data and its last hundred days.",
        ),
        variables=(kit.choice("asset", Words("对象", "Asset"), choices, multi=False, first=True),),
        feed=feed,
        since=page.since,
    )
    on_feed = Devices(feed, kinds)
    built.with_panel(_identity(kit, on_feed, Place(24, 4)))
    built.with_panel(kit.open_alerts(Place(24, 7), feed, f" AND ({on_feed.is_about('p.asset')})"))
    width = 24 // len(page.lines)
    for line in page.lines:
        built.with_panel(_line(kit, on_feed, line, Place(width, 8)))
    for panel in (
        _figures(kit, on_feed, Place(14, 10)),
        _children(kit, on_feed, Place(10, 10)),
        _data(kit, on_feed, Place(12, 8)),
        _gaps(kit, on_feed, Place(12, 8)),
        _days(kit, on_feed, Place(24, 8)),
        _past(kit, on_feed, Place(24, 10)),
    ):
        built.with_panel(panel)
    return built


@dataclass(frozen=True, slots=True)
class Devices:
    """Conditions that pick what belongs to the chosen asset."""

    feed: str
    kinds: str

    @property
    def own(self) -> str:
        """Ids of the asset and of what belongs to it."""
        return (
            f"SELECT asset_id FROM v_assets WHERE feed = '{self.feed}' AND (asset_id = {ASSET}"
            f" OR (parent_id = {ASSET} AND parent_kind IN ({self.kinds})))"
        )

    def is_about(self, column: str) -> str:
        """Whether a column names the asset or what belongs to it."""
        return f"{column} IN ({self.own})"


def _identity(kit: Kit, chosen: Devices, place: Place) -> PanelBuilder:
    sql = f"""
SELECT a.{kit.name} AS name, a.kind, m.{kit.name} AS parent, z.{kit.name} AS zone, coalesce(s.state, w.severity, 'ok') AS state,
    d.last_seen_at, extract(epoch FROM now() - d.last_seen_at) AS age_s, concat_ws(' ', a.capacity, {kit.word("a.capacity_unit", UNIT)}) AS capacity,
    a.asset_id
FROM v_assets AS a
LEFT JOIN v_assets AS m ON m.kind = a.parent_kind AND m.asset_id = a.parent_id
LEFT JOIN v_assets AS z ON z.kind = 'zone' AND z.asset_id = a.zone
LEFT JOIN v_asset_states AS s ON s.kind = a.kind AND s.asset_id = a.asset_id AND s.{LIVE_LANE}
LEFT JOIN (SELECT min(severity) AS severity FROM v_open_alerts WHERE {LIVE_LANE} AND asset = {ASSET} AND feed = '{chosen.feed}')
    AS w ON true
LEFT JOIN (SELECT max(last_seen_at) AS last_seen_at FROM v_devices
    WHERE {LIVE_LANE} AND feed = '{chosen.feed}' AND {chosen.is_about("device_id")}) AS d ON true
WHERE a.feed = '{chosen.feed}' AND a.kind IN ({chosen.kinds}) AND a.asset_id = {ASSET}"""
    columns = [
        Column("name", Words("名称", "Name"), width=220, wraps=True),
        Column("kind", Words("种类", "Kind"), shown=shown(KIND, NONE), width=115),
        Column("parent", Words("所属", "Belongs to"), width=165, wraps=True),
        Column("zone", Words("片区", "Zone"), width=150, wraps=True),
        Column("state", Words("现状", "Now"), shown=ASSET_STATE, width=100),
        Column("last_seen_at", Words("最近数据", "Last heard"), width=165),
        Column("age_s", Words("距今", "Ago"), unit="dthms", width=95),
        Column("capacity", Words("容量", "Capacity"), width=135),
        Column("asset_id", Words("编号", "Id")),
    ]
    about = Words(
        "所选对象；现状为其自身或下属设备最严重的未结束预警。",
        "The chosen asset; its state is the worst open alert, its own or of what belongs to it.",
    )
    return kit.table(
        Words("对象", "The asset"),
        about,
        sql,
        columns,
        place,
    )


def _line(kit: Kit, chosen: Devices, line: Line, place: Place) -> PanelBuilder:
    is_money = line.unit == MONEY
    value, unit = (f"{line.value} / {kit.money.cny:.0f}", kit.money.unit) if is_money else (line.value, line.unit)

    def query(view: str, bucket: str, when: str) -> str:
        return f"""
SELECT {bucket} AS time, {value} AS "{kit.say(line.words)}"
FROM {view} AS r
WHERE {when} AND {chosen.is_about("r.device_id")}
GROUP BY 1"""

    about = Words(
        "该对象（或其下属设备合计）的读数；仅取质量良好者。",
        "Readings of the asset, or of all that belongs to it; good ones only.",
    )
    return kit.lines(line.words, about, by_level(chosen.feed, query), place, unit=unit)


def _figures(kit: Kit, chosen: Devices, place: Place) -> PanelBuilder:
    sql = f"""
SELECT DISTINCT ON (i.id, length) {kit.word("i.id", kit.limits.figures)} AS figure, CASE WHEN i.period_end > now() OR coalesce(i.details ? 'so_far', false)
        THEN 'running' ELSE i.status END AS status,
    CASE WHEN i.unit LIKE 'CNY%' OR i.unit LIKE 'class%' THEN {kit.amount("i.value", "i.unit")}
        ELSE trim_scale(round(i.value::numeric, 3))::text END AS value, {kit.reason("i")} AS reason, i.period_start, i.period_end,
    i.completeness, i.period_end - i.period_start AS length
FROM v_indicators AS i
WHERE i.{LIVE_LANE} AND i.feed = '{chosen.feed}' AND i.subject = {ASSET} AND i.period_end > $__timeFrom()::timestamptz
    AND i.period_start < $__timeTo()::timestamptz
ORDER BY i.id, length, i.period_start DESC"""
    running = {"running": (Words("进行中", "running"), "#5B7DA8")}
    columns = [
        Column("figure", Words("指标", "Figure"), width=150, wraps=True),
        Column("status", Words("结论", "Verdict"), shown=STATUS | running, width=90),
        Column("value", Words("值", "Value"), width=85),
        Column("reason", Words("理由", "Why"), wraps=True),
        Column("period_start", Words("时段始", "From"), unit=SHORT_MOMENT, width=100),
        Column("period_end", Words("时段止", "To"), unit=SHORT_MOMENT, width=100),
        Column("completeness", Words("完整率", "Complete"), unit="percentunit", decimals=0, width=80),
        Column("length", Words("时长", "Length"), hidden=True),
    ]
    about = Words(
        "关于该对象的指标，每种时段取最近一条；未结束的时段只写“进行中”。",
        "Figures about the asset, the newest of each length of period; a period that is not over is running, and no verdict.",
    )
    return kit.table(Words("结论与指标", "Verdicts and figures"), about, sql, columns, place)


def _children(kit: Kit, chosen: Devices, place: Place) -> PanelBuilder:
    sql = f"""
SELECT a.{kit.name} AS name, a.kind, d.last_seen_at, extract(epoch FROM now() - d.last_seen_at) AS age_s, w.severity, a.asset_id
FROM v_assets AS a
LEFT JOIN v_devices AS d ON d.{LIVE_LANE} AND d.feed = a.feed AND d.device_id = a.asset_id
LEFT JOIN LATERAL (
    SELECT min(severity) AS severity FROM v_open_alerts WHERE {LIVE_LANE} AND feed = a.feed AND asset = a.asset_id
) AS w ON true
WHERE a.feed = '{chosen.feed}' AND {chosen.is_about("a.asset_id")} AND a.kind <> 'cell'
ORDER BY w.severity NULLS LAST, a.{kit.name}"""
    columns = [
        Column("name", Words("名称", "Name"), links=(kit.to_page(chosen.feed, "asset_id"),), wraps=True),
        Column("kind", Words("种类", "Kind"), shown=shown(KIND, NONE), width=100),
        Column("last_seen_at", Words("最近数据", "Last heard"), unit=SHORT_MOMENT, width=105),
        Column("age_s", Words("距今", "Ago"), unit="dthms", width=95),
        Column("severity", Words("预警", "Alert"), shown=SEVERITY, width=90),
        Column("asset_id", Words("编号", "Id"), hidden=True),
    ]
    about = Words("该对象及其下属设备，有预警的在前。", "The asset and what belongs to it, those with an alert first.")
    return kit.table(Words("设备", "Devices"), about, sql, columns, place)


def _data(kit: Kit, chosen: Devices, place: Place) -> PanelBuilder:
    names = (Words("已存", "stored"), Words("重复", "repeated"), Words("拒收", "refused"), Words("缺失", "missing"))
    stored, repeated, refused, missing = (kit.say(each) for each in names)
    sql = f"""
SELECT bucket AS time, sum(stored) AS "{stored}", sum(repeated) AS "{repeated}", sum(refused) AS "{refused}",
    sum(missing) AS "{missing}"
FROM v_device_hours
WHERE $__timeFilter(bucket) AND {LIVE_LANE} AND feed = '{chosen.feed}' AND {chosen.is_about("device_id")}
GROUP BY 1
ORDER BY 1"""
    about = Words(
        "每小时该对象的读数去向：已存、重复、拒收，以及编号缺失的。",
        "What became of the asset's readings by hour: stored, repeated, refused, and numbers that never came.",
    )
    return kit.lines(
        Words("数据台账", "Ledger of its data"), about, sql, place, bars=True, stacked=True, low=0, interval="1h"
    )


def _gaps(kit: Kit, chosen: Devices, place: Place) -> PanelBuilder:
    sql = f"""
SELECT device_id, first_seq, last_seq, n, boot_id
FROM v_device_gaps
WHERE {LIVE_LANE} AND feed = '{chosen.feed}' AND {chosen.is_about("device_id")}
ORDER BY n DESC
LIMIT 50"""
    columns = [
        Column("device_id", Words("设备编号", "Device"), width=180),
        Column("first_seq", Words("自序号", "From number"), width=110),
        Column("last_seq", Words("至序号", "To number"), width=110),
        Column("n", Words("缺失条数", "Missing"), steps=((None, NONE), (1, YELLOW), (100, ORANGE)), width=100),
        Column("boot_id", Words("启动编号", "Boot")),
    ]
    about = Words("设备编过号而从未到达的读数。", "Readings that a device has numbered and that never came.")
    return kit.table(Words("缺失的编号", "Missing numbers"), about, sql, columns, place)


def _days(kit: Kit, chosen: Devices, place: Place) -> PanelBuilder:
    alerts, readings = kit.say(Words("预警", "alerts")), kit.say(Words("读数（百条）", "readings, hundreds"))
    sql = f"""
SELECT d.day AS time, coalesce(r.n, 0) / 100.0 AS "{readings}", coalesce(a.n, 0) AS "{alerts}"
FROM (
    SELECT generate_series(
        time_bucket(INTERVAL '1 day', now(), INTERVAL '16 hours') - INTERVAL '{DAYS - 1} days', now(), '1 day'
    ) AS day
) AS d
LEFT JOIN (
    SELECT bucket AS day, sum(n) AS n FROM v_{chosen.feed}_days
    WHERE {LIVE_LANE} AND bucket > now() - INTERVAL '{DAYS + 1} days' AND {chosen.is_about("device_id")} GROUP BY 1
) AS r USING (day)
LEFT JOIN (
    SELECT time_bucket(INTERVAL '1 day', started_at, INTERVAL '16 hours') AS day, count(*) AS n FROM v_alerts
    WHERE {LIVE_LANE} AND feed = '{chosen.feed}' AND event <> 'retracted' AND started_at > now() - INTERVAL '{DAYS + 1} days'
        AND {chosen.is_about("asset")}
    GROUP BY 1
) AS a USING (day)
ORDER BY 1"""
    about = Words(
        f"近 {DAYS} 个自然日（北京时间）每日读数与预警数；今日尚未结束。",
        f"Readings and alerts of each of the last {DAYS} local days; today is not over.",
    )
    panel = kit.lines(
        Words(f"近 {DAYS} 日", f"The last {DAYS} days"), about, sql, place, bars=True, low=0, decimals=0, interval="1d"
    )
    return panel.time_from(f"{DAYS}d")


def _past(kit: Kit, chosen: Devices, place: Place) -> PanelBuilder:
    sql = f"""
SELECT p.severity, p.{kit.asset_name} AS place, {kit.wrapped(f"coalesce(p.{kit.matter}, p.{kit.text})")} AS matter, p.started_at, p.ended_at,
    extract(epoch FROM coalesce(p.ended_at, now()) - p.started_at) AS lasted_s, l.standing, l.acknowledged_by_name AS by_name,
    p.{kit.text} AS text, p.alert_id
FROM v_alert_places AS p
LEFT JOIN LATERAL (
    SELECT standing, acknowledged_by_name FROM v_alert_lives WHERE lane = p.lane AND alert_id = p.alert_id
) AS l ON true
WHERE p.{LIVE_LANE} AND p.feed = '{chosen.feed}' AND {chosen.is_about("p.asset")}
    AND p.started_at > now() - INTERVAL '{DAYS} days'
ORDER BY p.started_at DESC
LIMIT 200"""
    on_map = (Words("在一张图上查看", "Show on the one map"), "${one_map:raw}#alert=${__data.fields.alert_id}")
    columns = [
        Column("severity", Words("等级", "Severity"), shown=SEVERITY, width=95),
        Column("place", Words("地点", "Place"), width=190, links=(on_map,), wraps=True),
        Column("matter", Words("情况", "What it was"), wraps=True, more="text"),
        Column("started_at", Words("始于", "Since"), unit=SHORT_MOMENT, width=105),
        Column("ended_at", Words("止于", "Until"), unit=SHORT_MOMENT, width=105),
        Column("lasted_s", Words("持续", "Lasted"), unit="dthms", width=100),
        Column("standing", Words("处置", "Handling"), shown=STANDING, width=90),
        Column("by_name", Words("受理人", "Taken up by"), width=120),
        Column("text", Words("全文", "In full"), hidden=True),
        Column("alert_id", Words("编号", "Id"), hidden=True),
    ]
    about = Words(
        f"近 {DAYS} 日关于该对象及其下属设备的预警，最近的在前。",
        f"Alerts of the last {DAYS} days about the asset and what belongs to it, the newest first.",
    )
    return kit.table(Words("历次预警", "Its alerts"), about, sql, columns, place)


BOARDS: Final[Mapping[str, Callable[[Kit], dashboard.Dashboard]]] = MappingProxyType(
    {f"asset-{feed}": partial(board, feed) for feed in PAGES}
)
"""The page of each feed by its name."""
