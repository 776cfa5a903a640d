"""Alerts over time: what was raised and resolved, how long it took people and how long it lasted, what keeps coming. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.columns import SHORT_MOMENT, Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import FEED, GREY, NONE, ORANGE, RED, SEVERITY, STANDING, YELLOW
from services.dashboards.sql import LIVE_LANE
from services.dashboards.words import Words

COUNTED: Final = f"$__timeFilter(started_at) AND {LIVE_LANE} AND superseded_by IS NULL AND NOT suppressed"
"""Alerts that began in the time range and speak for themselves."""
STANDS: Final = f"{COUNTED} AND event <> 'retracted'"
"""Those that late data did not take back."""
FLAPS: Final = 3
"""The same rule about the same asset so often in a day is more noise than news."""
DAY: Final = "time_bucket(INTERVAL '1 day', started_at, INTERVAL '16 hours')"
"""Local days begin at 16 o'clock UTC."""


def board(kit: Kit) -> dashboard.Dashboard:
    """The board of alerts over time."""
    built = kit.board(
        "alerts",
        Words("预警：历史与趋势", "Alerts: history and trend"),
        Words(
            "预警的发出与解除、受理与持续时间、最繁忙的对象与反复出现的规则。",
            "What was raised and resolved, how long it took to be taken up and to be over, what keeps coming.",
        ),
        since="now-7d",
    )
    for panel in (
        _raised(kit, Place(4, 4)),
        _taken(kit, 0.5, Words("受理用时 P50", "Taken up, P50"), Place(4, 4)),
        _taken(kit, 0.9, Words("受理用时 P90", "Taken up, P90"), Place(4, 4)),
        _over(kit, 0.5, Words("持续时间 P50", "Lasted, P50"), Place(4, 4)),
        _over(kit, 0.9, Words("持续时间 P90", "Lasted, P90"), Place(4, 4)),
        _retracted(kit, Place(4, 4)),
        kit.open_alerts(Place(24, 11)),
        _by_day(kit, Place(12, 9)),
        _open_over_time(kit, Place(12, 9)),
        _busiest(kit, Place(12, 10)),
        _flapping(kit, Place(12, 10)),
        _history(kit, Place(24, 14)),
    ):
        built.with_panel(panel)
    return built


def _raised(kit: Kit, place: Place) -> PanelBuilder:
    return kit.tile(
        Words("发出的预警", "Alerts raised"),
        Words(
            "所选时段内开始的预警，含已解除的；已被抑制、合并或撤销的不计。",
            "Alerts that began in the time range, those that are over among them; not those suppressed, stood for or retracted.",
        ),
        f"SELECT count(*) AS n FROM v_alerts WHERE {STANDS}",
        place,
        steps=((None, GREY),),
    )


def _taken(kit: Kit, share: float, title: Words, place: Place) -> PanelBuilder:
    return kit.tile(
        title,
        Words(
            "从发出到有人受理的时间；无人受理的不计入，见“逾时未受理”。",
            "From when it was raised until somebody took it up; those that nobody took up are not in it.",
        ),
        f"""
SELECT percentile_disc({share}) WITHIN GROUP (ORDER BY time_to_acknowledge_s) AS s
FROM v_alert_lives WHERE {STANDS} AND time_to_acknowledge_s IS NOT NULL""",
        place,
        unit="dthms",
        steps=((None, GREY), (600, YELLOW), (1800, ORANGE)),
        null=Words("无", "none"),
    )


def _over(kit: Kit, share: float, title: Words, place: Place) -> PanelBuilder:
    return kit.tile(
        title,
        Words(
            "从发出到解除的时间，仅计已解除的。",
            "From when it was raised until it was over, of those that are over.",
        ),
        f"""
SELECT percentile_disc({share}) WITHIN GROUP (ORDER BY time_to_resolve_s) AS s
FROM v_alert_lives WHERE {STANDS} AND time_to_resolve_s IS NOT NULL""",
        place,
        unit="dthms",
        steps=((None, GREY),),
        null=Words("无", "none"),
    )


def _retracted(kit: Kit, place: Place) -> PanelBuilder:
    return kit.tile(
        Words("迟到数据撤销", "Taken back"),
        Words(
            "所选时段内开始、后被迟到数据撤销的预警。",
            "Alerts that began in the time range and that late data took back.",
        ),
        f"SELECT count(*) AS n FROM v_alerts WHERE {COUNTED} AND event = 'retracted'",
        place,
        steps=((None, GREY), (1, YELLOW)),
    )


def _by_day(kit: Kit, place: Place) -> PanelBuilder:
    sql = f"""
SELECT {DAY} AS time, {kit.case("severity", SEVERITY)} AS metric, count(*) AS value
FROM v_alerts
WHERE {STANDS}
GROUP BY 1, severity
ORDER BY 1, severity"""
    return kit.lines(
        Words("每日发出（按等级）", "Raised by day and severity"),
        Words("按北京时间的自然日；今日尚未结束。", "By local days; today is not over."),
        sql,
        place,
        bars=True,
        stacked=True,
        low=0,
        decimals=0,
        interval="1d",
        colours=SEVERITY,
    )


def _open_over_time(kit: Kit, place: Place) -> PanelBuilder:
    sql = f"""
SELECT b.time, {kit.case("a.severity", SEVERITY)} AS metric, count(*) AS value
FROM (
    SELECT generate_series($__timeFrom()::timestamptz, least($__timeTo()::timestamptz, now()), '$__interval') AS time
) AS b
JOIN (
    SELECT severity, started_at, coalesce(ended_at, 'infinity') AS ended_at
    FROM v_alerts
    WHERE started_at < $__timeTo()::timestamptz AND coalesce(ended_at, 'infinity') > $__timeFrom()::timestamptz
        AND {LIVE_LANE} AND superseded_by IS NULL AND NOT suppressed AND event <> 'retracted'
) AS a ON a.started_at <= b.time AND a.ended_at > b.time
GROUP BY b.time, a.severity
ORDER BY b.time, a.severity"""
    return kit.lines(
        Words("同时未结束（按等级）", "Open at the same time, by severity"),
        Words("每一时刻未结束的预警数。", "How many alerts were open at each moment."),
        sql,
        place,
        bars=True,
        stacked=True,
        low=0,
        decimals=0,
        interval="10m",
        colours=SEVERITY,
    )


def _busiest(kit: Kit, place: Place) -> PanelBuilder:
    sql = f"""
SELECT max({kit.asset_name}) AS place, {kit.case("feed", FEED)} AS feed, count(*) AS n,
    count(*) FILTER (WHERE ended_at IS NULL) AS open, min(severity) AS worst, max(started_at) AS newest
FROM v_alert_places
WHERE {STANDS}
GROUP BY feed, asset
ORDER BY n DESC, worst
LIMIT 15"""
    columns = [
        Column("place", Words("对象", "Asset"), wraps=True),
        Column("feed", Words("类别", "Feed"), width=110),
        Column("n", Words("预警数", "Alerts"), width=80),
        Column("open", Words("未结束", "Open"), width=80),
        Column("worst", Words("最高等级", "Worst"), shown=SEVERITY, width=110),
        Column("newest", Words("最近一次", "Last"), unit=SHORT_MOMENT, width=110),
    ]
    about = Words("所选时段内预警最多的对象。", "Assets with the most alerts in the time range.")
    return kit.table(Words("最繁忙的对象", "The busiest assets"), about, sql, columns, place)


def _flapping(kit: Kit, place: Place) -> PanelBuilder:
    sql = f"""
SELECT max({kit.asset_name}) AS place, {kit.word("rule", kit.limits.rules)} AS rule, {DAY} AS day, count(*) AS n,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at)) AS lasted_s
FROM v_alert_places
WHERE {STANDS}
GROUP BY asset, rule, {DAY}
HAVING count(*) > {FLAPS}
ORDER BY n DESC
LIMIT 15"""
    columns = [
        Column("place", Words("对象", "Asset"), wraps=True),
        Column("rule", Words("规则", "Rule"), width=180, wraps=True),
        Column("day", Words("日期", "Day"), unit="time:MM-DD", width=80),
        Column("n", Words("次数", "Times"), width=75, steps=((None, NONE), (FLAPS + 1, YELLOW), (10, RED))),
        Column("lasted_s", Words("持续（中位）", "Lasted, median"), unit="dthms", width=120),
    ]
    about = Words(
        f"同一对象、同一规则一天内超过 {FLAPS} 次：多为限值或回差设置不当，或设备故障。",
        f"The same rule about the same asset more than {FLAPS} times a day: a limit without a margin, or a faulty device.",
    )
    return kit.table(Words("反复出现", "What keeps coming"), about, sql, columns, place)


def _history(kit: Kit, place: Place) -> PanelBuilder:
    sql = f"""
SELECT p.severity, p.{kit.asset_name} AS place, {kit.wrapped(f"coalesce(p.{kit.matter}, p.{kit.text})")} AS matter, p.started_at, p.ended_at,
    extract(epoch FROM coalesce(p.ended_at, now()) - p.started_at) AS lasted_s, l.standing, l.acknowledged_by_name AS by_name,
    p.{kit.text} AS text, p.alert_id
FROM v_alert_places AS p
LEFT JOIN LATERAL (
    SELECT standing, acknowledged_by_name FROM v_alert_lives WHERE lane = p.lane AND alert_id = p.alert_id
) AS l ON true
WHERE {STANDS.replace("started_at", "p.started_at").replace("lane =", "p.lane =")}
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
        "所选时段内开始的预警，最近的在前，至多 200 条；地点链到一张图。",
        "Alerts that began in the time range, the newest first, 200 at most; the place leads to the one map.",
    )
    return kit.table(Words("时段内的预警", "Alerts of the time range"), about, sql, columns, place)
