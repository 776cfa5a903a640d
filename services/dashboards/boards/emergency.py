"""Emergency: incidents with running clocks, the ten minutes, coverage and its map, units. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.columns import Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import GREEN, NONE, QUIET, RED, UNIT, YELLOW, Shown
from services.dashboards.sql import LIVE_LANE
from services.dashboards.words import Words

REACHED: Final[Shown] = {
    "uncovered": (Words("十分钟内不可达", "out of reach"), RED),
    "covered": (Words("十分钟内可达", "within reach"), GREEN),
}
IN_STREETS: Final = "street IN (${street:sqlstring})"
RESPONSES: Final = f"""
SELECT incident_id, max(street) AS street, min(call_received_at) AS called_at,
    extract(epoch FROM min(on_scene_at) - min(call_received_at)) / 60 AS minutes
FROM v_emergency_readings
WHERE $__timeFilter(observed_at) AND {LIVE_LANE} AND incident_id IS NOT NULL AND {IN_STREETS}
GROUP BY incident_id
HAVING min(call_received_at) IS NOT NULL"""
"""Incidents of the time range: minutes from call to the first unit on scene; null while none is there."""


def board(kit: Kit) -> dashboard.Dashboard:
    """The board of the feed emergency."""
    streets = (
        "SELECT name_zh FROM v_assets WHERE kind = 'street' UNION SELECT street FROM v_emergency_readings"
        " WHERE $__timeFilter(observed_at) AND street IS NOT NULL ORDER BY 1"
    )
    built = kit.board(
        "emergency",
        Words("医疗急救", "Medical emergency"),
        Words(
            "10 分钟医疗急救圈：进行中的事件、反应时间、覆盖与车辆。",
            "The ten-minute circle: incidents, response times, coverage, units.",
        ),
        variables=(kit.choice("street", Words("街道", "Street"), streets),),
        feed="emergency",
        refresh="10s",
    )
    for panel in (_share(kit), _p90(kit), _open(kit), _free(kit), _reach(kit), _unreached(kit)):
        built.with_panel(panel)
    for panel in (
        _incidents(kit),
        _units(kit),
        _hours(kit),
        _streets(kit),
        _coverage(kit),
        _cells(kit),
        _unit_map(kit),
    ):
        built.with_panel(panel)
    built.with_panel(kit.open_alerts(Place(24, 9), "emergency"))
    return built


def _share(kit: Kit) -> PanelBuilder:
    limit, share = kit.limits.value("emergency.response"), kit.limits.value("emergency.share_within")
    sql = f"""
SELECT count(*) FILTER (WHERE minutes <= {limit:g})::double precision / nullif(count(*), 0) AS share
FROM ({RESPONSES}) AS r WHERE minutes IS NOT NULL OR called_at < now() - INTERVAL '{limit:g} minutes'"""
    return kit.tile(
        Words(f"{limit:g} 分钟内到达", f"Within {limit:g} minutes"),
        Words(
            "所选时段内十分钟内有急救单元到达现场的呼救比例；已过时限仍未到达的计为未达。",
            "Share of calls in the time range that a unit reached within ten minutes; those past their deadline without one"
            " count as missed.",
        ),
        sql,
        unit="percentunit",
        decimals=1,
        steps=((None, RED), (share, GREEN)),
        null=Words("无呼救", "no calls"),
        sources=("emergency.response", "emergency.share_within"),
    )


def _p90(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("emergency.response")
    sql = f"""
SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY minutes) AS p90
FROM ({RESPONSES}) AS r WHERE minutes IS NOT NULL"""
    return kit.tile(
        Words("反应时间 P90", "Response, P90"),
        Words(
            "接警到首个单元到场的第 90 百分位（最近秩）。",
            "90th percentile of call to first unit on scene (nearest rank).",
        ),
        sql,
        unit="min",
        decimals=1,
        steps=((None, GREEN), (limit + 1e-9, RED)),
        null=Words("无呼救", "no calls"),
        sources=("emergency.response",),
    )


OPEN: Final = f"""
SELECT incident_id, max(street) AS street, max(call_type) AS call_type, max(priority) AS priority,
    min(call_received_at) AS called_at, min(dispatched_at) AS dispatched_at, min(responding_at) AS responding_at,
    min(on_scene_at) AS on_scene_at, string_agg(DISTINCT unit_id, ', ') AS units,
    max(step) FILTER (WHERE step IN ('handed_over', 'available')) AS ended
FROM v_emergency_readings
WHERE observed_at > now() - INTERVAL '3 hours' AND {LIVE_LANE} AND incident_id IS NOT NULL AND {IN_STREETS}
GROUP BY incident_id"""


def _open(kit: Kit) -> PanelBuilder:
    sql = f"SELECT count(*) AS n FROM ({OPEN}) AS o WHERE ended IS NULL AND called_at IS NOT NULL"
    about = Words("尚未交接或待命的呼救。", "Calls that are neither handed over nor cleared.")
    return kit.tile(Words("进行中的事件", "Incidents now"), about, sql, steps=((None, QUIET),))


def _free(kit: Kit) -> PanelBuilder:
    sql = f"SELECT count(*) AS n FROM v_emergency_latest WHERE {LIVE_LANE} AND unit_state = 'available'"
    about = Words("按最近位置报告处于待命状态的急救单元。", "Units that are available by their newest report.")
    return kit.tile(Words("待命车辆", "Units available"), about, sql, steps=((None, RED), (1, GREEN)))


def _reach(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("emergency.coverage")
    sql = f"""
SELECT (SELECT CASE WHEN status = 'cannot_say' THEN NULL ELSE value END FROM v_indicators
    WHERE id = 'emergency.coverage' AND {LIVE_LANE} ORDER BY period_start DESC LIMIT 1) AS value"""
    return kit.tile(
        Words("覆盖人口比例", "Residents in reach"),
        Words(
            "以当前待命车辆计，十分钟内可达居民的比例。人口为模型面，行程为直线乘绕行系数。",
            "Share of residents whom the units available now reach within ten minutes. The population is a modelled surface,"
            " travel a straight line times a detour factor.",
        ),
        sql,
        unit="percentunit",
        decimals=1,
        steps=((None, RED), (limit, GREEN)),
        sources=("emergency.coverage",),
    )


def _unreached(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("emergency.response")
    sql = f"SELECT count(*) FILTER (WHERE minutes > {limit:g} OR (minutes IS NULL AND called_at < now() - INTERVAL '{limit:g} minutes')) AS n FROM ({RESPONSES}) AS r"
    return kit.tile(
        Words("超过时限", "Past the deadline"),
        Words(
            "所选时段内超过十分钟才到达，或仍未到达的呼救。",
            "Calls of the time range reached after ten minutes, or not at all.",
        ),
        sql,
        steps=((None, GREEN), (1, RED)),
        sources=("emergency.response",),
    )


def _incidents(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("emergency.response")
    sql = f"""
SELECT incident_id, street, call_type, priority, called_at,
    extract(epoch FROM coalesce(on_scene_at, now()) - called_at) AS clock,
    CASE WHEN on_scene_at IS NULL THEN extract(epoch FROM called_at + INTERVAL '{limit:g} minutes' - now()) END AS left_s,
    on_scene_at, units
FROM ({OPEN}) AS o
WHERE ended IS NULL AND called_at IS NOT NULL
ORDER BY on_scene_at IS NOT NULL, called_at"""
    columns = [
        Column("incident_id", Words("事件", "Incident"), width=140),
        Column("street", Words("街道", "Street"), width=80),
        Column("call_type", Words("类型", "Type"), width=90),
        Column("priority", Words("级别", "Priority"), width=75),
        Column("called_at", Words("接警", "Call received"), width=160),
        Column(
            "clock",
            Words("计时", "Clock"),
            unit="dthms",
            width=90,
            steps=((None, GREEN), (limit * 45, YELLOW), (limit * 60, RED)),
        ),
        Column("left_s", Words("剩余", "Left"), unit="dthms", width=110),
        Column("on_scene_at", Words("到场", "On scene"), width=160),
        Column("units", Words("单元", "Units")),
    ]
    about = Words(
        "近三小时内尚未结束的呼救；计时到首个单元到场为止，未到场的在前。",
        "Calls of the last three hours that are not over; the clock runs until the first unit is on scene, those without one"
        " first.",
    )
    return kit.table(
        Words("进行中的事件", "Incidents now"), about, sql, columns, Place(16, 9), sources=("emergency.response",)
    )


def _units(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT {kit.case("unit_state", UNIT)} AS state, count(*) AS n
FROM v_emergency_latest WHERE {LIVE_LANE} GROUP BY unit_state ORDER BY 2 DESC"""
    about = Words("各急救单元最近报告的状态。", "State of each unit by its newest report.")
    return kit.shares(Words("车辆状态", "Units by state"), about, sql, UNIT, Place(8, 9))


def _hours(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT time_bucket('1 hour', called_at) AS time,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY minutes) AS "P50",
    percentile_disc(0.9) WITHIN GROUP (ORDER BY minutes) AS "P90"
FROM ({RESPONSES}) AS r WHERE minutes IS NOT NULL GROUP BY 1 ORDER BY 1"""
    return kit.lines(
        Words("反应时间（按小时）", "Response by hour"),
        Words("每小时接警事件的第 50 与第 90 百分位。", "50th and 90th percentile of the calls of each hour."),
        sql,
        Place(14, 8),
        unit="min",
        limit=kit.limits.value("emergency.response"),
        low=0,
        points=True,
        sources=("emergency.response",),
    )


def _streets(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("emergency.response")
    sql = f"""
SELECT street, count(*) AS calls,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY minutes) AS p50, percentile_disc(0.9) WITHIN GROUP (ORDER BY minutes) AS p90,
    count(*) FILTER (WHERE minutes <= {limit:g})::double precision / nullif(count(minutes), 0) AS share
FROM ({RESPONSES}) AS r GROUP BY street ORDER BY p90 DESC NULLS LAST"""
    late = ((None, NONE), (limit + 1e-9, RED))
    columns = [
        Column("street", Words("街道", "Street"), width=120),
        Column("calls", Words("呼救", "Calls"), width=80),
        Column("p50", Words("P50", "P50"), unit="min", decimals=1, width=100),
        Column("p90", Words("P90", "P90"), unit="min", decimals=1, width=100, steps=late),
        Column("share", Words("十分钟内", "Within ten minutes"), unit="percentunit", decimals=0),
    ]
    about = Words("所选时段内各街道的反应时间。", "Response times of each street in the time range.")
    return kit.table(Words("各街道", "By street"), about, sql, columns, Place(10, 8), sources=("emergency.response",))


def _coverage(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT time_bucket('$__interval', period_start) AS time, min(value) AS "{kit.say(Words("覆盖", "coverage"))}"
FROM v_indicators
WHERE id = 'emergency.coverage' AND $__timeFilter(period_start) AND {LIVE_LANE} AND value IS NOT NULL
GROUP BY 1 ORDER BY 1"""
    return kit.lines(
        Words("覆盖随时间", "Coverage over time"),
        Words("各时段内十分钟可达居民比例的最低值。", "Lowest share of residents within reach in each interval."),
        sql,
        Place(12, 12),
        unit="percentunit",
        low=0,
        high=1,
        limit=kit.limits.value("emergency.coverage"),
        sources=("emergency.coverage",),
    )


def _cells(kit: Kit) -> PanelBuilder:
    sql = f"""
WITH newest AS (
    SELECT details FROM v_indicators
    WHERE id = 'emergency.coverage' AND {LIVE_LANE} ORDER BY period_start DESC LIMIT 1
)
SELECT c.longitude, c.latitude, c.asset_id AS cell, c.capacity AS residents,
    CASE WHEN u.cell IS NULL THEN 'covered' ELSE 'uncovered' END AS state
FROM v_assets AS c
LEFT JOIN (SELECT jsonb_array_elements_text(details -> 'uncovered') AS cell FROM newest) AS u ON u.cell = c.asset_id
WHERE c.kind = 'cell' AND EXISTS (SELECT FROM newest)"""
    columns = (
        Column("cell", Words("网格", "Cell")),
        Column("residents", Words("居民（模型）", "Residents (modelled)"), decimals=0),
    )
    about = Words(
        "最近一次覆盖计算：红色网格内的居民当前十分钟内不可达。",
        "The newest coverage: residents of red cells are out of reach of ten minutes right now.",
    )
    title = Words("未覆盖网格", "Uncovered cells")
    return kit.map(
        title, about, sql, Place(12, 12), shown=REACHED, size=4, columns=columns, sources=("emergency.coverage",)
    )


def _unit_map(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT longitude, latitude, unit_state AS state, device_id AS unit, incident_id AS incident, observed_at
FROM v_emergency_latest WHERE {LIVE_LANE} AND longitude IS NOT NULL"""
    columns = (
        Column("unit", Words("单元", "Unit")),
        Column("incident", Words("事件", "Incident")),
        Column("observed_at", Words("报告于", "Reported")),
    )
    about = Words(
        "各单元最近报告的位置与状态（WGS-84）。", "Position and state of each unit by its newest report (WGS-84)."
    )
    return kit.map(Words("车辆位置", "Units on the map"), about, sql, Place(24, 11), shown=UNIT, columns=columns)
