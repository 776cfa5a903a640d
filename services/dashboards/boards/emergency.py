"""Emergency: calls and their clocks, the ten minutes, who is in reach, ambulances and their posts. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.ambulances import ambulances, posts, unit_map
from services.dashboards.calls import CALL_TYPE, NOW, PRIORITY, RESPONSES, RUNNING, late, over, street
from services.dashboards.columns import Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import GREEN, GREY, NONE, QUIET, RED, YELLOW, Shown
from services.dashboards.periods import CLOSED, against_plan, closed
from services.dashboards.sql import LIVE_LANE, compared
from services.dashboards.words import Words

REACHED: Final[Shown] = {
    "uncovered": (Words("十分钟内不可达", "out of reach"), RED),
    "covered": (Words("十分钟内可达", "within reach"), GREEN),
    "unknown": (Words("未列明", "not named"), GREY),
}
NO_CALLS: Final = Words("无呼救", "no calls")
COVERAGE: Final = "emergency.coverage"


def board(kit: Kit) -> dashboard.Dashboard:
    """The board of the feed emergency: what is wrong now, the plan, the trend, which ambulance."""
    streets = (
        f"SELECT {street(kit, 'k.street')} AS __text, k.street AS __value FROM ("
        "SELECT name_zh AS street FROM v_assets WHERE kind = 'street' UNION SELECT street FROM v_emergency_readings"
        " WHERE $__timeFilter(observed_at) AND street IS NOT NULL) AS k ORDER BY 1"
    )
    built = kit.board(
        "emergency",
        Words("医疗急救", "Medical emergency"),
        Words(
            "10 分钟医疗急救圈：进行中的呼救、反应时间、覆盖与急救车。",
            "The ten-minute circle: calls that run, response times, coverage, ambulances.",
        ),
        variables=(kit.choice("street", Words("街道", "Street"), streets),),
        feed="emergency",
        refresh="10s",
    )
    for panel in (_running(kit), _overdue(kit), _longest(kit), _free(kit), _reach(kit), _unreached(kit)):
        built.with_panel(panel)
    for panel in (
        kit.open_alerts(Place(24, 7), "emergency"),
        _calls(kit),
        against_plan(kit, "emergency", Place(24, 4)),
        _share(kit),
        _p90(kit),
        _late(kit),
        _n(kit),
        _hours(kit),
        _compared(kit),
        _coverage(kit),
        _streets(kit),
        posts(kit, Place(9, 12)),
        ambulances(kit, Place(15, 12)),
        unit_map(kit, Place(12, 12)),
        _cells(kit),
    ):
        built.with_panel(panel)
    return built


def _running(kit: Kit) -> PanelBuilder:
    sql = f"SELECT count(*) AS n FROM ({RUNNING}) AS o"
    about = Words("此刻尚未交接或待命的呼救。", "Calls that are neither handed over nor cleared now.")
    return kit.tile(Words("进行中的呼救", "Calls now"), about, sql, steps=((None, QUIET),))


def _overdue(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("emergency.response")
    sql = f"""
SELECT count(*) AS n FROM ({RUNNING}) AS o
WHERE on_scene_at IS NULL AND called_at < {NOW} - INTERVAL '{limit:g} minutes'"""
    return kit.tile(
        Words("此刻超时未到", "Overdue now"),
        Words(
            "此刻接警已超过十分钟、仍无急救车到场的呼救。",
            "Calls older than ten minutes that no ambulance has reached, at this moment.",
        ),
        sql,
        steps=((None, GREEN), (1, RED)),
        sources=("emergency.response",),
    )


def _longest(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("emergency.response")
    sql = f"""
SELECT extract(epoch FROM {NOW} - min(called_at))::double precision AS s FROM ({RUNNING}) AS o WHERE on_scene_at IS NULL"""
    return kit.tile(
        Words("等候最久", "Longest wait"),
        Words(
            "尚无急救车到场的呼救中，等候最久的时间。", "For how long the oldest call without an ambulance has waited."
        ),
        sql,
        unit="dthms",
        steps=((None, QUIET), (kit.limits.value("emergency.risk_after"), YELLOW), (limit * 60, RED)),
        null=Words("无人等候", "nobody waits"),
        sources=("emergency.response",),
    )


def _free(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT count(*) AS n FROM v_emergency_latest
WHERE {LIVE_LANE} AND unit_state = 'available' AND observed_at > {NOW} - INTERVAL '15 minutes'"""
    about = Words(
        "15 分钟内有报告且处于待命状态的急救车。", "Ambulances that are available and have reported within 15 minutes."
    )
    return kit.tile(Words("待命急救车", "Ambulances available"), about, sql, steps=((None, RED), (1, GREEN)))


def _reach(kit: Kit) -> PanelBuilder:
    return kit.tile(
        Words("覆盖人口比例", "Residents in reach"),
        Words(
            "最近一个完整分钟，以当时待命急救车计，十分钟内可达居民的比例；向下取整，有人不可达时不写 100%。"
            "人口为模型面，行程为直线乘绕行系数。",
            "Share of residents whom the ambulances available in the last whole minute reach within ten minutes; rounded down,"
            " so that it is never 100 % while somebody is out of reach. The population is a modelled surface, travel a straight"
            " line times a detour factor.",
        ),
        closed(COVERAGE, "floor((value * 1000)::numeric)::double precision / 1000"),
        unit="percentunit",
        decimals=1,
        steps=((None, RED), (kit.limits.value(COVERAGE), GREEN)),
        sources=(COVERAGE,),
    )


def _unreached(kit: Kit) -> PanelBuilder:
    return kit.tile(
        Words("不可达居民", "Residents out of reach"),
        Words(
            "最近一个完整分钟，十分钟内不可达的居民人数（模型面），与左侧比例同一时刻。",
            "Residents out of reach of ten minutes in the last whole minute (modelled), of the same moment as their share.",
        ),
        closed(COVERAGE, "(details ->> 'uncovered_people')::double precision"),
        decimals=0,
        steps=((None, QUIET),),
    )


def _calls(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("emergency.response")
    sql = f"""
SELECT {street(kit, "o.street")} AS street, {kit.word("o.call_type", CALL_TYPE)} AS call_type,
    {kit.word("o.priority", PRIORITY)} AS priority, o.called_at,
    extract(epoch FROM coalesce(o.on_scene_at, {NOW}) - o.called_at) AS clock,
    CASE WHEN o.on_scene_at IS NULL THEN extract(epoch FROM o.called_at + INTERVAL '{limit:g} minutes' - {NOW}) END AS left_s,
    o.on_scene_at, o.incident_id, (SELECT string_agg(a.{kit.name}, '{kit.say(Words("、", ", "))}' ORDER BY a.{kit.name})
        FROM v_assets AS a WHERE a.kind = 'unit' AND a.asset_id = ANY (o.units)) AS units
FROM ({RUNNING}) AS o
ORDER BY o.on_scene_at IS NOT NULL, o.called_at"""
    columns = [
        Column("street", Words("街道", "Street"), width=130, wraps=True),
        Column("call_type", Words("类型", "Type"), width=140),
        Column("priority", Words("级别", "Priority"), width=80),
        Column("called_at", Words("接警", "Call received"), width=160),
        Column(
            "clock",
            Words("至到场用时", "Until on scene"),
            unit="dthms",
            width=120,
            steps=((None, GREEN), (kit.limits.value("emergency.risk_after"), YELLOW), (limit * 60 + 1e-3, RED)),
        ),
        Column("left_s", Words("距时限", "To the deadline"), unit="dthms", width=120),
        Column("on_scene_at", Words("到场", "On scene"), width=160),
        Column("units", Words("急救车", "Ambulances"), wraps=True),
        Column("incident_id", Words("呼救编号", "Call id"), width=160),
    ]
    about = Words(
        "近三小时内尚未结束的呼救；计时到首辆急救车到场为止，未到场的在前。负的距时限为已超时。",
        "Calls of the last three hours that are not over; the clock runs until the first ambulance is on scene, those without"
        " one first. A deadline that is negative has passed.",
    )
    return kit.table(
        Words("进行中的呼救", "Calls now"), about, sql, columns, Place(24, 7), sources=("emergency.response",)
    )


def _share(kit: Kit) -> PanelBuilder:
    limit, share = kit.limits.value("emergency.response"), kit.limits.value("emergency.share_within")
    sql = f"""
SELECT floor(1000.0 * count(*) FILTER (WHERE NOT {late(limit)}) / nullif(count(*), 0)) / 1000 AS share
FROM ({RESPONSES}) AS r WHERE {over(limit)}"""
    return kit.tile(
        Words(f"所选时段 {limit:g} 分钟内到达", f"Within {limit:g} min, this range"),
        Words(
            "所选时段内接警、时限已过的呼救中，十分钟内有急救车到场的比例；尚在时限内的呼救不计，无车到场的计为未达；向下取整。",
            "Of the calls of the time range whose deadline is past, the share that an ambulance reached within ten minutes;"
            " those still within it do not count yet, those never reached count as missed; rounded down.",
        ),
        sql,
        Place(6, 4),
        unit="percentunit",
        decimals=1,
        steps=((None, RED), (share, GREEN)),
        null=NO_CALLS,
        sources=("emergency.response", "emergency.share_within"),
    )


def _p90(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("emergency.response")
    sql = f"""
SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY minutes) AS p90
FROM ({RESPONSES}) AS r WHERE minutes IS NOT NULL AND {over(limit)}"""
    return kit.tile(
        Words("所选时段反应时间 P90", "Response P90, this range"),
        Words(
            "接警到首辆急救车到场的第 90 百分位（最近秩），只含时限已过且有车到场的呼救。",
            "90th percentile of call to first ambulance on scene (nearest rank), of calls whose deadline is past and that one"
            " has reached.",
        ),
        sql,
        Place(6, 4),
        unit="suffix: 分钟" if kit.name == "name_zh" else "suffix: min",
        decimals=1,
        steps=((None, GREEN), (limit + 1e-9, RED)),
        null=NO_CALLS,
        sources=("emergency.response",),
    )


def _late(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("emergency.response")
    sql = f"SELECT count(*) AS n FROM ({RESPONSES}) AS r WHERE {over(limit)} AND {late(limit)}"
    return kit.tile(
        Words("所选时段超时", "Late, this range"),
        Words(
            "所选时段内接警、超过十分钟才到场或无车到场的呼救；此刻仍在等候的见“此刻超时未到”。",
            "Calls of the time range reached after ten minutes or not at all; those that wait at this moment are “overdue now”.",
        ),
        sql,
        Place(6, 4),
        steps=((None, GREEN), (1, RED)),
        sources=("emergency.response",),
    )


def _n(kit: Kit) -> PanelBuilder:
    sql = f"SELECT count(*) AS n FROM ({RESPONSES}) AS r"
    about = Words("所选时段内接到的呼救。", "Calls received in the time range.")
    return kit.tile(Words("所选时段呼救", "Calls, this range"), about, sql, Place(6, 4), steps=((None, QUIET),))


def _hours(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("emergency.response")
    sql = f"""
SELECT time_bucket('1 hour', called_at) AS time,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY minutes) AS "P50",
    percentile_disc(0.9) WITHIN GROUP (ORDER BY minutes) AS "P90"
FROM ({RESPONSES}) AS r
WHERE minutes IS NOT NULL AND called_at < time_bucket('1 hour', now() - INTERVAL '{limit:g} minutes')
GROUP BY 1 ORDER BY 1"""
    return kit.lines(
        Words("反应时间（按小时）", "Response by hour"),
        Words(
            "每小时接警的第 50 与第 90 百分位；尚未结束的一小时不画。",
            "50th and 90th percentile of the calls of each hour; the hour that is not over is not drawn.",
        ),
        sql,
        Place(8, 8),
        unit="suffix: 分钟" if kit.name == "name_zh" else "suffix: min",
        decimals=1,
        limit=limit,
        low=0,
        points=True,
        sources=("emergency.response",),
    )


def _compared(kit: Kit) -> PanelBuilder:
    def calls(time: str, when: str) -> str:
        return f"""
SELECT time_bucket('1 hour', {time}) AS time, count(*)::double precision AS value FROM v_emergency_readings AS r
WHERE {when} AND {LIVE_LANE} AND {IN_CENTRES} AND r.step = 'call_received' AND street IN (${{street:sqlstring}})
    AND time_bucket('1 hour', {time}) < time_bucket('1 hour', now())
GROUP BY 1"""

    return kit.lines(
        Words("每小时呼救：今日、昨日、上周", "Calls by hour: now, a day and a week before"),
        Words(
            "所选时段每小时接警数，与前一日、前一周同时刻对照；尚未结束的一小时不画。",
            "Calls of each hour of the time range beside those a day and a week before; the hour that is not over is not drawn.",
        ),
        compared(kit.language, calls, "r.observed_at"),
        Place(8, 8),
        decimals=0,
        low=0,
    )


IN_CENTRES: Final = "r.device_id = ANY (ARRAY(SELECT asset_id FROM v_assets WHERE kind = 'dispatch'))"
"""Dispatch centres receive the calls; their readings are few and found by the index on devices."""


def _coverage(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT time_bucket('$__interval', period_start) AS time, floor(min(value) * 1000) / 1000 AS "{kit.say(Words("可达居民", "in reach"))}"
FROM v_indicators
WHERE id = '{COVERAGE}' AND $__timeFilter(period_start) AND {LIVE_LANE} AND status <> 'cannot_say' AND {CLOSED}
GROUP BY 1 ORDER BY 1"""
    return kit.lines(
        Words("覆盖随时间", "Coverage over time"),
        Words(
            "各时段内十分钟可达居民比例的最低值，只含完整的分钟；向下取整。",
            "Lowest share of residents within reach in each interval, of whole minutes; rounded down.",
        ),
        sql,
        Place(8, 8),
        unit="percentunit",
        decimals=1,
        low=0,
        high=1,
        limit=kit.limits.value(COVERAGE),
        sources=(COVERAGE,),
    )


def _streets(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("emergency.response")
    sql = f"""
SELECT {street(kit, "r.street")} AS street, count(*) AS calls, count(*) FILTER (WHERE {late(limit)}) AS late,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY minutes) AS p50, percentile_disc(0.9) WITHIN GROUP (ORDER BY minutes) AS p90,
    floor(1000.0 * count(*) FILTER (WHERE NOT {late(limit)}) / count(*)) / 1000 AS share
FROM ({RESPONSES}) AS r WHERE {over(limit)} GROUP BY r.street ORDER BY late DESC, p90 DESC NULLS LAST"""
    minutes = "suffix: 分钟" if kit.name == "name_zh" else "suffix: min"
    columns = [
        Column("street", Words("街道", "Street")),
        Column("calls", Words("呼救", "Calls"), width=100),
        Column("late", Words("超时", "Late"), width=100, steps=((None, NONE), (1, RED))),
        Column("p50", Words("反应时间 P50", "Response P50"), unit=minutes, decimals=1, width=150),
        Column(
            "p90",
            Words("反应时间 P90", "Response P90"),
            unit=minutes,
            decimals=1,
            width=150,
            steps=((None, NONE), (limit + 1e-9, RED)),
        ),
        Column("share", Words("十分钟内", "Within ten minutes"), unit="percentunit", decimals=1, width=170),
    ]
    about = Words(
        "所选时段内各街道时限已过的呼救，超时最多的在前；比例向下取整。",
        "Calls of each street in the time range whose deadline is past, the most late first; shares are rounded down.",
    )
    return kit.table(Words("各街道", "By street"), about, sql, columns, Place(24, 8), sources=("emergency.response",))


def _cells(kit: Kit) -> PanelBuilder:
    sql = f"""
WITH newest AS (
    SELECT details FROM v_indicators
    WHERE id = '{COVERAGE}' AND {LIVE_LANE} AND {CLOSED} ORDER BY period_start DESC LIMIT 1
),
named AS (SELECT jsonb_array_elements_text(details -> 'uncovered') AS cell FROM newest),
bound AS (
    SELECT CASE WHEN (SELECT (details ->> 'uncovered_cells')::integer FROM newest) > count(*) THEN min(a.capacity) END AS fewest
    FROM named AS n JOIN v_assets AS a ON a.kind = 'cell' AND a.asset_id = n.cell
)
SELECT c.longitude, c.latitude, c.asset_id AS cell, c.capacity AS residents,
    CASE WHEN u.cell IS NOT NULL THEN 'uncovered' WHEN c.capacity <= s.fewest THEN 'unknown' ELSE 'covered' END AS state
FROM v_assets AS c
CROSS JOIN bound AS s
LEFT JOIN named AS u ON u.cell = c.asset_id
WHERE c.kind = 'cell' AND EXISTS (SELECT FROM newest)"""
    columns = (
        Column("cell", Words("网格", "Cell")),
        Column("residents", Words("居民（模型）", "Residents (modelled)"), decimals=0),
    )
    about = Words(
        "最近一个完整分钟的覆盖：红色网格内的居民十分钟内不可达。不可达网格很多时只列明人口最多的五十个，人口更少的为灰色。",
        "Coverage of the last whole minute: residents of red cells are out of reach of ten minutes. Where many are, the fifty"
        " with most residents are named; those with fewer are grey.",
    )
    title = Words("未覆盖网格", "Uncovered cells")
    return kit.map(title, about, sql, Place(12, 12), shown=REACHED, size=4, columns=columns, sources=(COVERAGE,))
