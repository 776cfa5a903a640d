"""EV charging: availability and uptime, use, faults, energy, site load against its limit. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.bounds import Bound, against_limits, part, standing
from services.dashboards.columns import Column
from services.dashboards.heard import everyone
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.lines import LINES, among_the_first
from services.dashboards.palette import CONNECTOR, GREEN, NONE, ORANGE, QUIET, RED
from services.dashboards.sql import COMPLETE, LIVE_LANE, NOW_OF_LANE, by_level, compared
from services.dashboards.vocabulary import ERROR_CODE
from services.dashboards.words import Words, quoted

KW: Final = "suffix: kW"
"""A site's limit of 1,200 kW is not read as 1 MW."""
KWH: Final = "suffix: kWh"
HEARD_KW: Final = "sum(l.power_kw) FILTER (WHERE l.stands NOT IN ('no_contact', 'unseen'))"
"""Power of the connectors that are heard: what a silent one last said is not now."""
SILENT: Final = "l.stands IN ('no_contact', 'unseen')"
SHOWN: Final = 500
"""Rows of the table of connectors."""
DAYS: Final = 7
"""Local days that stand one beside the other."""
NOW: Final = NOW_OF_LANE.format(view="v_ev_latest")
TODAY: Final = f"date_trunc('day', ({NOW}) AT TIME ZONE INTERVAL '+08:00')"
"""The local day at which the lane is, as a local time."""
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
    for panel in (_usable(kit), _charging(kit), _power(kit), _faulty(kit), _silent(kit), _never_heard(kit)):
        built.with_panel(panel)
    built.with_panel(kit.open_alerts(Place(24, 8), "ev", ABOUT))
    for panel in (
        _limits(kit),
        _compared(kit),
        _sites(kit),
        _states(kit),
        _load(kit),
        *_figures_by_day(kit),
        _energy(kit),
        _faults(kit),
        _connectors(kit),
    ):
        built.with_panel(panel)
    return built


def _standing(kit: Kit) -> str:
    """Each connector as it stands: not heard for longer than the policy's silence it has no contact, or it was never heard."""
    silence = kit.limits.value("ev.silence")
    columns = ("status", "error_code", "power_kw", "rated_power_kw", "soc_percent")
    return f"""(
    SELECT l.*, CASE WHEN l.observed_at IS NULL THEN 'unseen' WHEN l.observed_at < {NOW} - INTERVAL '{silence:g} seconds' THEN 'no_contact'
        ELSE l.status END AS stands
    FROM {everyone("ev", "parent_id", columns)} WHERE l.{IN_SITES}
) AS l"""


def _now(kit: Kit, columns: str) -> str:
    return f"SELECT {columns} FROM {_standing(kit)}"


def _usable(kit: Kit) -> PanelBuilder:
    about = Words(
        "最近读数为空闲、插枪、充电或预约的充电枪占全部的比例；静默的，以及已登记而从未收到数据的（仅实时），都不算在线。",
        "Connectors that are idle, plugged in, charging or reserved by their newest reading, of all: those that are silent, and"
        " those of the register that were never heard (of what is live), are not up.",
    )
    sql = _now(
        kit,
        "floor(1000.0 * count(*) FILTER (WHERE l.stands IN ('idle', 'plugged', 'charging', 'reserved'))"
        " / nullif(count(*), 0))::double precision / 1000 AS share",
    )
    uptime = kit.limits.value("ev.uptime") / 100
    return kit.tile(
        Words("此刻在线", "Up right now"), about, sql, Place(4, 4), unit="percentunit", decimals=1,
        steps=((None, RED), (uptime + 1e-9, GREEN)), sources=("ev.uptime",),
    )  # fmt: skip


def _charging(kit: Kit) -> PanelBuilder:
    about = Words("正在充电的充电枪。", "Connectors that are charging.")
    sql = _now(kit, "count(*) FILTER (WHERE l.stands = 'charging') AS n")
    return kit.tile(Words("充电中", "Charging"), about, sql, Place(4, 4), steps=((None, QUIET),))


def _faulty(kit: Kit) -> PanelBuilder:
    about = Words(
        "最近读数为故障的充电枪；静默的不计。", "Connectors at fault by their newest reading; silent ones do not count."
    )
    sql = _now(kit, "count(*) FILTER (WHERE l.stands = 'fault') AS n")
    return kit.tile(Words("故障", "At fault"), about, sql, Place(4, 4), steps=((None, GREEN), (1, RED)))


def _silent(kit: Kit) -> PanelBuilder:
    about = Words(
        "自报离线，或超过离线限值未收到数据的充电枪。",
        "Connectors without contact by their own word, or not heard for longer than the limit of silence.",
    )
    sql = _now(kit, "count(*) FILTER (WHERE l.stands = 'no_contact') AS n")
    return kit.tile(
        Words("离线", "Silent"),
        about,
        sql,
        Place(4, 4),
        steps=((None, GREEN), (1, RED)),
        sources=("ev.silence",),
    )


def _never_heard(kit: Kit) -> PanelBuilder:
    about = Words(
        "已登记而从未收到数据的充电枪（仅实时）。",
        "Connectors of the register that were never heard (of what is live).",
    )
    sql = _now(kit, "count(*) FILTER (WHERE l.stands = 'unseen') AS n")
    return kit.tile(Words("尚无数据", "Never heard"), about, sql, Place(4, 4), steps=((None, GREEN), (1, ORANGE)))


def _power(kit: Kit) -> PanelBuilder:
    about = Words("未离线的各枪最近功率之和。", "Sum of the newest power of each connector that is heard.")
    sql = _now(kit, f"{HEARD_KW} AS kw")
    return kit.tile(
        Words("当前功率", "Power now"), about, sql, Place(4, 4), unit=KW, decimals=1, steps=((None, QUIET),)
    )


def _states(kit: Kit) -> PanelBuilder:
    about = Words("各状态充电枪数，按最近读数。", "Connectors by state, by their newest reading.")
    sql = f"{_now(kit, kit.case('l.stands', CONNECTOR) + ' AS state, count(*) AS n')} GROUP BY l.stands ORDER BY 2 DESC"
    return kit.shares(Words("充电枪状态", "Connectors by state"), about, sql, CONNECTOR, Place(8, 10))


def _load(kit: Kit) -> PanelBuilder:
    first = among_the_first(
        "r.group_id",
        f"""SELECT l.group_id FROM {_standing(kit)} JOIN v_assets AS m ON m.kind = 'site' AND m.asset_id = l.group_id
        GROUP BY l.group_id ORDER BY {HEARD_KW} / max(m.limit_value) DESC NULLS LAST, l.group_id""",
    )
    others = kit.say(Words("其余站点中最高", "highest of the others"))

    def query(view: str, bucket: str, when: str) -> str:
        return f"""
SELECT time, metric, max(load) AS value
FROM (
    SELECT time, CASE WHEN is_first THEN site ELSE {quoted(others)} END AS metric, sum(kw) / max(limit_value) AS load
    FROM (
        SELECT {bucket} AS time, a.{kit.name} AS site, {first} AS is_first, r.device_id, avg(r.power_kw_avg) AS kw,
            max(a.limit_value) AS limit_value
        FROM {view} AS r JOIN v_assets AS a ON a.kind = 'site' AND a.asset_id = r.group_id
        WHERE {when} AND r.{IN_SITES} AND r.power_kw_n > 0
        GROUP BY 1, 2, 3, 4
    ) AS connectors
    GROUP BY time, site, is_first
) AS sites
WHERE time + make_interval(secs => $__interval_ms / 1000.0) <= {NOW}
GROUP BY 1, 2"""

    about = Words(
        f"各站各枪平均功率之和，占变压器允许负荷的比例；此刻负荷最高的 {LINES} 站各一条线，其余取最高者合为一条。"
        "每点至少十分钟，使各枪都在其中报数；尚未满的一段不画。",
        "Sum of the mean power of a site's connectors, as a share of what its transformer may carry: a line for each of the"
        f" {LINES} sites with the highest load now, one for the highest of the others. A point is of ten minutes at least, so that"
        " every connector has reported in it; one that is not over is not drawn.",
    )
    near, limit = kit.limits.value("ev.site_load_near"), kit.limits.value("ev.site_load")
    steps = ((None, NONE), (near, ORANGE), (limit, RED))
    return kit.lines(
        Words("站点负荷", "Site load"), about, by_level("ev", query), Place(16, 10), unit="percentunit", low=0,
        steps=steps, sources=("ev.site_load_near", "ev.site_load"), interval="10m",
    )  # fmt: skip


def _sites(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT a.asset_id AS id, a.{kit.name} AS site, count(l.device_id) AS connectors,
    count(*) FILTER (WHERE l.stands = 'idle') AS idle, count(*) FILTER (WHERE l.stands = 'charging') AS charging,
    count(*) FILTER (WHERE l.stands = 'fault') AS faulty, count(*) FILTER (WHERE l.stands = 'no_contact') AS silent,
    count(*) FILTER (WHERE l.stands = 'unseen') AS unseen, {HEARD_KW} AS kw, max(a.limit_value) AS limit_kw,
    {HEARD_KW} / max(a.limit_value) AS load, max(l.observed_at) AS observed_at
FROM {_standing(kit)} JOIN v_assets AS a ON a.kind = 'site' AND a.asset_id = l.group_id
GROUP BY a.asset_id, a.{kit.name}
ORDER BY count(*) FILTER (WHERE l.stands IN ('fault', 'no_contact', 'unseen')) DESC, load DESC NULLS LAST, 2"""
    near, limit = kit.limits.value("ev.site_load_near"), kit.limits.value("ev.site_load")
    columns = [
        Column("id", Words("编号", "Id"), hidden=True),
        Column("site", Words("充电站", "Site"), links=(kit.to_page("ev", "id"),)),
        Column("connectors", Words("枪数", "Connectors"), width=100),
        Column("idle", Words("空闲", "Idle"), width=70),
        Column("charging", Words("充电中", "Charging"), width=85),
        Column("faulty", Words("故障", "At fault"), width=80, steps=((None, NONE), (1, RED))),
        Column("silent", Words("离线", "Silent"), width=80, steps=((None, NONE), (1, RED))),
        Column("unseen", Words("尚无数据", "Never heard"), width=110, steps=((None, NONE), (1, ORANGE))),
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
    about = Words(
        "各站现状，故障、离线或尚无数据的枪最多者在前，其次为负荷最高者；枪数为登记数与另有数据者，尚无数据的为已登记而从未收到数据（仅实时）。",
        "Each site now: most connectors at fault, silent or never heard first, then the highest load. Connectors are those of the register and any other that is heard; never heard are"
        " those of the register without a reading (of what is live).",
    )
    return kit.table(Words("充电站", "Sites"), about, sql, columns, Place(24, 9), sources=("ev.site_load",))


def _limits(kit: Kit) -> PanelBuilder:
    connectors = _standing(kit)
    overloaded, has_load = f"s.load > {kit.limits.value('ev.site_load'):g}", "s.load IS NOT NULL"
    loads = f"""(
    SELECT {HEARD_KW} / max(m.limit_value) AS load FROM {connectors} JOIN v_assets AS m ON m.kind = 'site' AND m.asset_id = l.group_id
    WHERE m.limit_value > 0 GROUP BY l.group_id
) AS s"""

    def uptime(name: Words, length: str, since: str) -> Bound:
        runs = "coalesce(i.details ? 'so_far', false)"
        newest = f"""(
    SELECT u.*, u.period_start = max(u.period_start) FILTER (WHERE NOT u.runs) OVER () AS is_last
    FROM (
        SELECT i.period_start, {runs} AS runs, CASE WHEN {runs} THEN i.details -> 'so_far' ->> 'status' ELSE i.status END AS status
        FROM v_indicators AS i
        WHERE i.id = 'ev.uptime' AND i.{LIVE_LANE} AND i.sample_seq = -1 AND i.subject IN (${{site:sqlstring}})
            AND i.period_start >= {NOW} - INTERVAL '{since}' AND i.period_end - i.period_start {length}
            AND ({runs} AND i.period_end > {NOW} OR NOT {runs} AND i.period_end <= {NOW})
    ) AS u
) AS u"""
        last = "NOT u.runs AND u.is_last"
        state = (
            f"CASE WHEN count(*) FILTER (WHERE {last} AND u.status = 'not_met') > 0 THEN 'beyond'"
            f" WHEN count(*) FILTER (WHERE {last} AND u.status <> 'met') > 0 OR count(*) FILTER (WHERE {last}) = 0 THEN 'cannot_say'"
            " ELSE 'within' END"
        )
        beyond = "u.status = 'not_met'"
        return Bound("ev.uptime", name, newest, state, now=part(beyond, "u.runs"), whole=part(beyond, last))

    return against_limits(
        kit,
        Words(
            "充电站与充电枪对照各限值；在线率的状态为上一完整日或月的结论，其余为此刻。",
            "Sites and connectors against each limit: of uptime the status is of the last whole day or month, of the others of now.",
        ),
        "ev.charging",
        (
            uptime(Words("在线率，日（站）", "Uptime of a site, by day"), "<= INTERVAL '1 day'", "8 days"),
            uptime(Words("在线率，月（站）", "Uptime of a site, by month"), "> INTERVAL '20 days'", "62 days"),
            Bound(
                "ev.site_load",
                Words("站点负荷（站）", "Load of a site"),
                loads,
                standing(overloaded, has_load),
                now=part(overloaded, has_load),
            ),
            Bound(
                "ev.silence",
                Words("离线或尚无数据（枪）", "Silent or never heard connectors"),
                connectors,
                standing(SILENT),
                now=part(SILENT),
            ),
        ),
        Place(24, 7),
    )


def _figures_by_day(kit: Kit) -> list[PanelBuilder]:
    limit = kit.limits.value("ev.uptime") / 100
    return [
        _by_day(
            kit,
            "ev.uptime",
            Words("在线率，近七日", "Uptime, the last seven days"),
            Words("在线率不论是否被占用。", "Uptime counts a connector in use as up."),
            steps=((None, RED), (limit + 1e-9, GREEN)),
            sources=("ev.uptime",),
        ),
        _by_day(
            kit,
            "ev.availability",
            Words("可用率，近七日", "Availability, the last seven days"),
            Words(
                "可用率是车主此刻能开始充电的时间比例，与在线率是不同的数。",
                "Availability is the share of time a driver could begin to charge: another number than uptime.",
            ),
        ),
        _by_day(
            kit,
            "ev.utilisation",
            Words("时间利用率，近七日", "Time in use, the last seven days"),
            Words("按时间的利用率。", "Utilisation of time in service."),
        ),
        _by_day(
            kit,
            "ev.energy_utilisation",
            Words("电量利用率，近七日", "Energy utilisation, the last seven days"),
            Words("按额定电量的利用率。", "Energy of what the rated power would have given."),
        ),
    ]


def _by_day(
    kit: Kit,
    indicator: str,
    title: Words,
    about: Words,
    *,
    steps: tuple[tuple[float | None, str], ...] | None = None,
    sources: tuple[str, ...] = (),
) -> PanelBuilder:
    """A row a site and a column a local day: as many lines could not be told apart."""
    days = ",\n    ".join(f'max(d.value) FILTER (WHERE d.ago = {ago}) AS "d{ago}"' for ago in range(DAYS, 0, -1))
    sql = f"""
WITH said AS (
    SELECT i.subject, CASE i.unit WHEN '%' THEN i.value / 100 ELSE i.value END AS value, coalesce(i.details ? 'so_far', false) AS runs,
        round(extract(epoch FROM {TODAY} - i.period_start AT TIME ZONE INTERVAL '+08:00') / 86400) AS ago, i.completeness
    FROM v_indicators AS i
    WHERE i.id = '{indicator}' AND i.{LIVE_LANE} AND i.sample_seq = -1 AND i.subject IN (${{site:sqlstring}})
        AND i.period_end - i.period_start <= INTERVAL '1 day' AND i.period_start >= {NOW} - INTERVAL '{DAYS + 1} days'
)
SELECT a.asset_id AS id, a.{kit.name} AS site,
    {days},
    max(d.value) FILTER (WHERE d.ago = 0 AND d.runs) AS so_far
FROM v_assets AS a
LEFT JOIN said AS d ON d.subject = a.asset_id AND (d.runs OR d.completeness >= {COMPLETE}) AND (d.ago = 0 OR NOT d.runs)
WHERE a.kind = 'site' AND a.asset_id IN (${{site:sqlstring}})
GROUP BY a.asset_id, a.{kit.name}
ORDER BY "d1" NULLS LAST, 2"""
    columns = [
        Column("id", Words("编号", "Id"), hidden=True),
        Column("site", Words("充电站", "Site"), links=(kit.to_page("ev", "id"),)),
    ]
    columns += [
        Column(
            f"d{ago}",
            Words("昨日" if ago == 1 else f"{ago}日前", f"−{ago} d"),
            unit="percentunit", decimals=0 if ago > 1 else 1, steps=steps, width=54 if ago > 1 else 64,
        )
        for ago in range(DAYS, 0, -1)
    ]  # fmt: skip
    columns.append(Column("so_far", Words("至今", "So far"), unit="percentunit", decimals=1, width=66))
    said = Words(
        f"{about.zh}每站一行、每个本地日一格，昨日最差的在前；日终后给出，数据不足四分之三的日子不写；今日尚未结束，不作判定。",
        f"{about.en} A row a site and a cell a local day, the worst of yesterday first. Said when a day is over; one with less"
        " than three quarters of its data is left blank, and of today, which is not over, there is only how it stands so far.",
    )
    return kit.table(title, said, sql, columns, Place(12, 11), sources=sources)


def _compared(kit: Kit) -> PanelBuilder:
    def query(shifted: str, when: str) -> str:
        return f"""
SELECT {shifted} AS time, sum(kw) AS value
FROM (
    SELECT r.bucket, r.device_id, r.power_kw_avg AS kw FROM v_ev_hours AS r
    WHERE {when} AND r.{LIVE_LANE} AND r.{IN_SITES} AND r.power_kw_n > 0 AND r.bucket + INTERVAL '1 hour' <= {NOW}
) AS r
GROUP BY 1"""

    about = Words(
        "所选站点每小时平均功率之和：今日，与昨日、上周同时刻相比；正在进行的小时不画，其间并非各枪都已报数。",
        "Mean power of the chosen sites by hour: now, and the same hours of yesterday and of last week. The hour that runs is not"
        " drawn: not every connector has reported in it.",
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


def _energy(kit: Kit) -> PanelBuilder:
    sql = f"""
WITH hours AS (
    SELECT r.bucket, r.group_id, r.energy_register_kwh_max - coalesce(
            lag(r.energy_register_kwh_max) OVER (PARTITION BY r.device_id ORDER BY r.bucket), r.energy_register_kwh_min
        ) AS kwh
    FROM v_ev_hours AS r
    WHERE r.bucket >= $__timeFrom()::timestamptz - INTERVAL '1 day' AND r.bucket < $__timeTo()::timestamptz
        AND r.{LIVE_LANE} AND r.{IN_SITES} AND r.energy_register_kwh_max IS NOT NULL
),
whole AS (
    SELECT bucket, group_id, greatest(kwh, 0) AS kwh FROM hours
    WHERE $__timeFilter(bucket) AND bucket + INTERVAL '1 hour' <= {NOW}
),
most AS (SELECT group_id FROM whole GROUP BY group_id ORDER BY sum(kwh) DESC, group_id LIMIT {LINES})
SELECT o.bucket AS time, CASE WHEN o.group_id IN (SELECT group_id FROM most) THEN coalesce(a.{kit.name}, o.group_id)
        ELSE {quoted(kit.say(Words("其余站点", "other sites")))} END AS metric, sum(o.kwh) AS value
FROM whole AS o LEFT JOIN v_assets AS a ON a.kind = 'site' AND a.asset_id = o.group_id
GROUP BY 1, 2
ORDER BY 1"""
    about = Words(
        f"各站每个整小时充入的电量：与前一次读数（一日以内）的电表之差，电表回退不计；正在进行的小时不画。电量最多的 {LINES} 站之外合为一项。",
        "Energy delivered in each whole hour: what the meters grew since they were read before (within a day); a meter that goes back"
        f" counts nothing. The hour that runs is not drawn. Beyond the {LINES} sites with most of it the others stand together.",
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
    order = (
        "l.stands IN ('fault', 'no_contact', 'unseen', 'out_of_service') DESC, l.observed_at NULLS FIRST, l.device_id"
    )
    sql = f"""
SELECT concat(row_number() OVER (ORDER BY {order}), ' / ', count(*) OVER ()) AS place, l.device_id AS id,
    coalesce(a.{kit.name}, l.device_id) AS connector, l.stands AS status,
    {kit.word("nullif(l.error_code, 'NoError')", ERROR_CODE)} AS error_code, l.power_kw, l.rated_power_kw, l.soc_percent, l.observed_at
FROM {_standing(kit)} LEFT JOIN v_assets AS a ON a.kind = 'connector' AND a.asset_id = l.device_id
ORDER BY {order}
LIMIT {SHOWN}"""
    columns = [
        Column("place", Words("序号/总数", "No. of all"), width=100),
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
        f"每个充电枪的最近读数；尚无数据、故障、离线、停用的在前。最多列 {SHOWN} 个，首列写明共有多少。",
        f"The newest reading of each connector; never heard, at fault, silent and out of service first. At most {SHOWN} are listed;"
        " the first column says of how many.",
    )
    return kit.table(Words("充电枪", "Connectors"), about, sql, columns, Place(24, 10))
