"""EV charging: availability and uptime, use, faults, energy, site load against its limit. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.columns import Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import CONNECTOR, GREEN, NONE, ORANGE, QUIET, RED
from services.dashboards.sql import BEGINS, COMPLETE, LIVE_LANE, NOW_OF_LANE, by_level, compared, overlaps
from services.dashboards.vocabulary import ERROR_CODE
from services.dashboards.words import Words

KW: Final = "suffix: kW"
"""A site's limit of 1,200 kW is not read as 1 MW."""
KWH: Final = "suffix: kWh"
HEARD_KW: Final = "sum(l.power_kw) FILTER (WHERE l.stands <> 'no_contact')"
"""Power of the connectors that are heard: what a silent one last said is not now."""
IN_SITES: Final = "group_id IN (${site:sqlstring})"

ABOUT: Final = """
    AND (asset IN (${site:sqlstring}) OR asset IN (${zone:sqlstring})
        OR asset IN (SELECT asset_id FROM v_assets WHERE kind = 'connector' AND parent_id IN (${site:sqlstring})))"""
"""Alerts about the chosen sites, their connectors and the chosen zones themselves."""


def board(kit: Kit) -> dashboard.Dashboard:
    """The board of the feed ev."""
    zones = f"SELECT {kit.name} AS __text, asset_id AS __value FROM v_assets WHERE kind = 'zone' ORDER BY 1"
    sites = (
        f"SELECT {kit.name} AS __text, asset_id AS __value FROM v_assets WHERE kind = 'site' AND zone IN (${{zone:sqlstring}})"
        " ORDER BY 1"
    )
    built = kit.board(
        "ev",
        Words("充电桩", "EV charging"),
        Words(
            "可用率与在线率、利用率、故障、电量与站点负荷。", "Availability and uptime, use, faults, energy, site load."
        ),
        variables=(
            kit.choice("zone", Words("片区", "Zone"), zones),
            kit.choice("site", Words("充电站", "Site"), sites),
        ),
        feed="ev",
    )
    for panel in (_usable(kit), _charging(kit), _faulty(kit), _power(kit)):
        built.with_panel(panel)
    built.with_panel(kit.open_alerts(Place(24, 8), "ev", ABOUT))
    for panel in (
        _sites(kit),
        _states(kit),
        _load(kit),
        _compared(kit),
        _availability(kit),
        _utilisation(kit),
        _energy(kit),
        _faults(kit),
    ):
        built.with_panel(panel)
    built.with_panel(_connectors(kit))
    return built


def _standing(kit: Kit) -> str:
    """Newest reading of each connector; one that was not heard for longer than the policy's silence has no contact."""
    silence = kit.limits.value("ev.silence")
    return f"""(
    SELECT n.*, CASE WHEN n.observed_at < {NOW_OF_LANE.format(view="v_ev_latest")} - INTERVAL '{silence:g} seconds'
        THEN 'no_contact' ELSE n.status END AS stands
    FROM v_ev_latest AS n WHERE n.{LIVE_LANE} AND n.{IN_SITES}
) AS l"""


def _now(kit: Kit, columns: str) -> str:
    return f"SELECT {columns} FROM {_standing(kit)}"


def _usable(kit: Kit) -> PanelBuilder:
    about = Words(
        "最近读数为空闲、插枪、充电或预约的充电枪比例。",
        "Connectors that are idle, plugged in, charging or reserved by their newest reading.",
    )
    sql = _now(
        kit,
        "count(*) FILTER (WHERE l.stands IN ('idle', 'plugged', 'charging', 'reserved'))::double precision"
        " / nullif(count(*), 0) AS share",
    )
    uptime = kit.limits.value("ev.uptime") / 100
    return kit.tile(
        Words("此刻在线", "Up right now"), about, sql, Place(6, 4), unit="percentunit", decimals=1,
        steps=((None, RED), (uptime, GREEN)), sources=("ev.uptime",),
    )  # fmt: skip


def _charging(kit: Kit) -> PanelBuilder:
    about = Words("正在充电的充电枪。", "Connectors that are charging.")
    sql = _now(kit, "count(*) FILTER (WHERE l.stands = 'charging') AS n")
    return kit.tile(Words("充电中", "Charging"), about, sql, Place(6, 4), steps=((None, QUIET),))


def _faulty(kit: Kit) -> PanelBuilder:
    about = Words(
        "故障、报告离线，或超过离线限值未收到数据的充电枪。",
        "Connectors at fault, without contact by their own word, or not heard for longer than the limit of silence.",
    )
    sql = _now(kit, "count(*) FILTER (WHERE l.stands IN ('fault', 'no_contact')) AS n")
    return kit.tile(
        Words("故障与离线", "Fault or silent"),
        about,
        sql,
        Place(6, 4),
        steps=((None, GREEN), (1, RED)),
        sources=("ev.silence",),
    )


def _power(kit: Kit) -> PanelBuilder:
    about = Words("各枪最近功率之和。", "Sum of the newest power of each connector.")
    sql = _now(kit, f"{HEARD_KW} AS kw")
    return kit.tile(
        Words("当前功率", "Power now"), about, sql, Place(6, 4), unit=KW, decimals=1, steps=((None, QUIET),)
    )


def _states(kit: Kit) -> PanelBuilder:
    about = Words("各状态充电枪数，按最近读数。", "Connectors by state, by their newest reading.")
    sql = f"{_now(kit, kit.case('l.stands', CONNECTOR) + ' AS state, count(*) AS n')} GROUP BY l.stands ORDER BY 2 DESC"
    return kit.shares(Words("充电枪状态", "Connectors by state"), about, sql, CONNECTOR, Place(8, 10))


def _load(kit: Kit) -> PanelBuilder:
    def query(view: str, bucket: str, when: str) -> str:
        return f"""
SELECT time, metric, sum(kw) / max(limit_value) AS value
FROM (
    SELECT {bucket} AS time, a.{kit.name} AS metric, r.device_id, avg(r.power_kw_avg) AS kw, max(a.limit_value) AS limit_value
    FROM {view} AS r JOIN v_assets AS a ON a.kind = 'site' AND a.asset_id = r.group_id
    WHERE {when} AND r.{IN_SITES} AND r.power_kw_n > 0
    GROUP BY 1, 2, 3
) AS connectors
GROUP BY 1, 2"""

    about = Words(
        "各站各枪平均功率之和，占变压器允许负荷的比例。",
        "Sum of the mean power of a site's connectors, as a share of what its transformer may carry.",
    )
    near, limit = kit.limits.value("ev.site_load_near"), kit.limits.value("ev.site_load")
    steps = ((None, NONE), (near, ORANGE), (limit, RED))
    return kit.lines(
        Words("站点负荷", "Site load"), about, by_level("ev", query), Place(16, 10), unit="percentunit", low=0,
        steps=steps, sources=("ev.site_load_near", "ev.site_load"),
    )  # fmt: skip


def _sites(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT a.asset_id AS id, a.{kit.name} AS site, count(l.device_id) AS connectors,
    count(*) FILTER (WHERE l.stands = 'idle') AS idle, count(*) FILTER (WHERE l.stands = 'charging') AS charging,
    count(*) FILTER (WHERE l.stands IN ('fault', 'no_contact')) AS faulty, {HEARD_KW} AS kw, max(a.limit_value) AS limit_kw,
    {HEARD_KW} / max(a.limit_value) AS load, max(l.observed_at) AS observed_at
FROM {_standing(kit)} JOIN v_assets AS a ON a.kind = 'site' AND a.asset_id = l.group_id
GROUP BY a.asset_id, a.{kit.name}
ORDER BY load DESC NULLS LAST"""
    near, limit = kit.limits.value("ev.site_load_near"), kit.limits.value("ev.site_load")
    columns = [
        Column("id", Words("编号", "Id"), hidden=True),
        Column("site", Words("充电站", "Site"), links=(kit.to_page("ev", "id"),)),
        Column("connectors", Words("枪数", "Connectors"), width=100),
        Column("idle", Words("空闲", "Idle"), width=80),
        Column("charging", Words("充电中", "Charging"), width=90),
        Column("faulty", Words("故障/离线", "Fault/silent"), width=110, steps=((None, NONE), (1, RED))),
        Column("kw", Words("功率", "Power"), unit=KW, decimals=0, width=100),
        Column("limit_kw", Words("限值", "Limit"), unit=KW, decimals=0, width=100),
        Column(
            "load",
            Words("负荷率", "Load"),
            unit="percentunit",
            decimals=0,
            width=90,
            steps=((None, GREEN), (near, ORANGE), (limit, RED)),
        ),
        Column("observed_at", Words("最近", "Newest"), width=170),
    ]
    about = Words("各站现状，负荷最高的在前。", "Each site now, the highest load first.")
    return kit.table(Words("充电站", "Sites"), about, sql, columns, Place(24, 9), sources=("ev.site_load",))


def _daily(kit: Kit, *ids: str) -> str:
    words = {
        "ev.availability": Words("可用率", "availability"),
        "ev.uptime": Words("在线率", "uptime"),
        "ev.utilisation": Words("时间利用率", "time in use"),
        "ev.energy_utilisation": Words("电量利用率", "energy utilisation"),
    }
    names = " ".join(f"WHEN '{each}' THEN '{kit.say(words[each])}'" for each in ids)
    listed = ", ".join(f"'{each}'" for each in ids)
    return f"""
SELECT {BEGINS} AS time, concat(coalesce(a.{kit.name}, i.subject), ' ', CASE i.id {names} END) AS metric,
    CASE i.unit WHEN '%' THEN i.value / 100 ELSE i.value END AS value
FROM v_indicators AS i LEFT JOIN v_assets AS a ON a.kind = 'site' AND a.asset_id = i.subject
WHERE i.id IN ({listed}) AND i.{LIVE_LANE} AND {overlaps("1 day")} AND i.value IS NOT NULL
    AND i.completeness >= {COMPLETE} AND NOT coalesce(i.details ? 'so_far', false)
    AND i.period_end - i.period_start <= INTERVAL '1 day' AND i.subject IN (${{site:sqlstring}})
ORDER BY 1"""


def _compared(kit: Kit) -> PanelBuilder:
    def query(shifted: str, when: str) -> str:
        return f"""
SELECT {shifted} AS time, sum(kw) AS value
FROM (
    SELECT r.bucket, r.device_id, r.power_kw_avg AS kw FROM v_ev_hours AS r
    WHERE {when} AND r.{LIVE_LANE} AND r.{IN_SITES} AND r.power_kw_n > 0
) AS r
GROUP BY 1"""

    about = Words(
        "所选站点每小时平均功率之和：今日，与昨日、上周同时刻相比；当前小时尚未结束。",
        "Mean power of the chosen sites by hour: now, and the same hours of yesterday and of last week; this hour is not over.",
    )
    return kit.lines(
        Words("功率：今日、昨日、上周", "Power: today, yesterday, last week"),
        about,
        compared(kit.language, query),
        Place(24, 8),
        unit=KW,
        decimals=0,
        low=0,
        interval="1h",
    )


def _availability(kit: Kit) -> PanelBuilder:
    about = Words(
        "每个本地日：可用率是车主此刻能开始充电的时间比例；在线率不论是否被占用。两者是不同的数。日终后给出；数据不足四分之三的日子不画。",
        "By local day: availability is the share of time a driver could begin to charge; uptime counts a connector in use as"
        " up. They are two numbers. Said when the day is over; days with less than three quarters of their data are not"
        " drawn.",
    )
    return kit.lines(
        Words("可用率与在线率", "Availability and uptime"), about, _daily(kit, "ev.availability", "ev.uptime"), Place(12, 9),
        unit="percentunit", low=0, high=1, limit=kit.limits.value("ev.uptime") / 100, points=True, interval="1d", sources=("ev.uptime",),
    )  # fmt: skip


def _utilisation(kit: Kit) -> PanelBuilder:
    about = Words("每个本地日：按时间与按电量的利用率。", "By local day: utilisation of time and of energy.")
    sql = _daily(kit, "ev.utilisation", "ev.energy_utilisation")
    return kit.lines(
        Words("利用率", "Utilisation"), about, sql, Place(12, 9), unit="percentunit", low=0, points=True, interval="1d"
    )


def _energy(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT time, metric, sum(greatest(kwh, 0)) AS value
FROM (
    SELECT r.bucket AS time, a.{kit.name} AS metric,
        r.energy_register_kwh_max - lag(r.energy_register_kwh_max) OVER (PARTITION BY r.device_id ORDER BY r.bucket) AS kwh
    FROM v_ev_hours AS r JOIN v_assets AS a ON a.kind = 'site' AND a.asset_id = r.group_id
    WHERE $__timeFilter(bucket) AND r.{LIVE_LANE} AND r.{IN_SITES} AND r.energy_register_kwh_max IS NOT NULL
) AS hours
WHERE kwh IS NOT NULL
GROUP BY 1, 2
ORDER BY 1"""
    about = Words(
        "各站每小时充入的电量：电表读数之差，电表回退不计。",
        "Energy delivered each hour: differences of the meters; a meter that goes back counts nothing.",
    )
    return kit.lines(
        Words("每小时电量", "Energy by hour"),
        about,
        sql,
        Place(12, 9),
        unit=KWH,
        bars=True,
        stacked=True,
        interval="1h",
    )


def _faults(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT {kit.word("error_code", ERROR_CODE)} AS kind, count(DISTINCT device_id) AS connectors, count(*) AS readings, max(observed_at) AS newest
FROM v_ev_readings
WHERE $__timeFilter(observed_at) AND {LIVE_LANE} AND {IN_SITES} AND status = 'fault'
GROUP BY error_code
ORDER BY 2 DESC, 1"""
    columns = [
        Column("kind", Words("故障代码", "Error code")),
        Column("connectors", Words("涉及枪数", "Connectors")),
        Column("readings", Words("读数", "Readings")),
        Column("newest", Words("最近", "Newest"), width=170),
    ]
    about = Words(
        "所选时段内处于故障状态的读数，按 OCPP 错误代码。",
        "Readings in state fault in the time range, by OCPP error code.",
    )
    return kit.table(
        Words("故障种类", "Faults by kind"), about, sql, columns, Place(12, 9), empty=Words("无故障", "no fault")
    )


def _connectors(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT l.device_id AS id, coalesce(a.{kit.name}, l.device_id) AS connector, l.stands AS status, {kit.word("nullif(l.error_code, 'NoError')", ERROR_CODE)} AS error_code, l.power_kw, l.rated_power_kw, l.soc_percent,
    l.observed_at
FROM {_standing(kit)} LEFT JOIN v_assets AS a ON a.kind = 'connector' AND a.asset_id = l.device_id
ORDER BY l.stands IN ('fault', 'no_contact', 'out_of_service') DESC, l.observed_at
LIMIT 500"""
    columns = [
        Column("id", Words("编号", "Id"), hidden=True),
        Column("connector", Words("充电枪", "Connector"), links=(kit.to_page("ev", "id"),)),
        Column("status", Words("状态", "State"), shown=CONNECTOR, width=130),
        Column("error_code", Words("错误代码", "Error code")),
        Column("power_kw", Words("功率", "Power"), unit=KW, decimals=1, width=110),
        Column("rated_power_kw", Words("额定", "Rated"), unit=KW, decimals=0, width=100),
        Column("soc_percent", Words("电量", "Charge"), unit="percent", decimals=0, width=90),
        Column("observed_at", Words("最近", "Newest"), width=170),
    ]
    about = Words(
        "每个充电枪的最近读数；故障、离线、停用的在前。",
        "The newest reading of each connector; faults, silent and out of service first.",
    )
    return kit.table(Words("充电枪", "Connectors"), about, sql, columns, Place(24, 10))
