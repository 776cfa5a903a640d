"""Parking: occupancy of lots and zones, full lots, guidance, turnover, the week by hour. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.bounds import NOTHING, Bound, against_limits, part, standing
from services.dashboards.columns import SHORT_MOMENT, Column
from services.dashboards.heard import everyone
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.lines import LINES, OTHERS, among_the_first
from services.dashboards.palette import BLUE, GREEN, GREY, HEARD, ORANGE, QUIET, RED, YELLOW, Shown
from services.dashboards.sql import BEGINS, LIVE_LANE, NOW_OF_LANE, by_level, compared, overlaps
from services.dashboards.vocabulary import QUALITY_CODE
from services.dashboards.words import Words, quoted

IN_ZONES: Final = "group_id IN (${zone:sqlstring})"
COUNTED: Final = "l.free_spaces BETWEEN 0 AND l.total_spaces"
"""Counts that cannot be are never an occupancy."""
COMMA: Final = Words("、", ", ")
DAYS: Final = tuple(
    zip(
        ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
        ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        strict=True,
    )
)

CHOSEN: Final = f"l.{IN_ZONES} AND l.device_id IN (${{lot:sqlstring}})"
COLUMNS: Final = ("total_spaces", "free_spaces", "out_of_service_spaces", "quality_codes")
STILL: Final[Shown] = {
    "full": (Words("仍满位", "still full"), ORANGE),
    "room": (Words("不再满位", "no longer full"), GREEN),
    "silent": (Words("静默", "not heard"), GREY),
}
"""Whether the guidance of a car park is of now."""

ABOUT: Final = " AND (asset IN (${lot:sqlstring}) OR asset IN (${zone:sqlstring}))"
"""Alerts about the chosen car parks and the chosen zones themselves."""


def board(kit: Kit) -> dashboard.Dashboard:
    """The board of the feed parking."""
    zones = f"SELECT {kit.name} AS __text, asset_id AS __value FROM v_assets WHERE kind = 'zone' ORDER BY 1"
    lots = (
        f"SELECT {kit.name} AS __text, asset_id AS __value FROM v_assets"
        " WHERE kind = 'lot' AND zone IN (${zone:sqlstring}) ORDER BY 1"
    )
    built = kit.board(
        "parking",
        Words("停车", "Parking"),
        Words(
            "停车场与片区的占用、满位、诱导与周转。", "Occupancy of car parks and zones, full lots, guidance, turnover."
        ),
        variables=(
            kit.choice("zone", Words("片区", "Zone"), zones),
            kit.choice("lot", Words("停车场", "Car park"), lots),
        ),
        feed="parking",
    )
    for panel in (_full(kit), _free(kit), _share(kit), _impossible(kit), _unheard(kit)):
        built.with_panel(panel)
    built.with_panel(kit.open_alerts(Place(24, 8), "parking", ABOUT))
    for panel in (
        _limits(kit),
        _compared(kit),
        _lots(kit),
        _guidance(kit),
        _turnover(kit),
        _zones(kit),
        _lots_over_time(kit),
        _week(kit),
    ):
        built.with_panel(panel)
    return built


NOW: Final = NOW_OF_LANE.format(view="v_parking_latest")


def _heard(kit: Kit) -> str:
    """A count holds until the lot has been silent for as long as the policy bears."""
    silence = kit.limits.value("parking.silence")
    return f"l.observed_at >= {NOW} - INTERVAL '{silence:g} seconds'"


def _now(kit: Kit, columns: str) -> str:
    return f"""
SELECT {columns}
FROM v_parking_latest AS l
WHERE {_heard(kit)} AND l.{LIVE_LANE} AND {CHOSEN}"""


def _full(kit: Kit) -> PanelBuilder:
    full = kit.limits.value("parking.full")
    return kit.tile(
        Words("满位停车场", "Full car parks"),
        Words(
            "最近读数的空余泊位不多于满位限值的停车场数。",
            "Car parks whose newest reading has no more free spaces than the limit for full.",
        ),
        _now(kit, f"count(*) FILTER (WHERE {COUNTED} AND l.free_spaces <= {full:g}) AS n"),
        Place(5, 4),
        steps=((None, GREEN), (1, ORANGE)),
        sources=("parking.full",),
    )


def _free(kit: Kit) -> PanelBuilder:
    about = Words("所选停车场最近读数的空余泊位之和。", "Free spaces of the chosen car parks by their newest readings.")
    sql = _now(kit, f"sum(l.free_spaces) FILTER (WHERE {COUNTED}) AS n")
    return kit.tile(Words("空余泊位", "Free spaces"), about, sql, Place(5, 4), steps=((None, QUIET),))


def _share(kit: Kit) -> PanelBuilder:
    near = kit.limits.value("parking.nearly_full")
    sql = _now(
        kit,
        f"1 - sum(l.free_spaces) FILTER (WHERE {COUNTED})::double precision"
        f" / nullif(sum(l.total_spaces - l.out_of_service_spaces) FILTER (WHERE {COUNTED}), 0) AS share",
    )
    return kit.tile(
        Words("占用率", "Occupancy"),
        Words(
            "已占用泊位占可用泊位的比例；停用泊位不计。",
            "Occupied spaces over usable ones; those out of service do not count.",
        ),
        sql,
        Place(5, 4),
        unit="percentunit",
        decimals=1,
        steps=((None, GREEN), (near, ORANGE)),
        sources=("parking.nearly_full",),
    )


def _impossible(kit: Kit) -> PanelBuilder:
    about = Words(
        "最近读数为负或超过总数的停车场；不计入占用率。",
        "Newest counts below zero or above capacity; never an occupancy.",
    )
    sql = _now(kit, f"count(*) FILTER (WHERE NOT {COUNTED}) AS n")
    return kit.tile(
        Words("不可能的计数", "Impossible counts"), about, sql, Place(5, 4), steps=((None, GREEN), (1, RED))
    )


def _everyone(kit: Kit) -> str:
    """Each car park that is chosen, with `heard`: heard, silent for longer than the policy bears, or never heard."""
    return f"""(
    SELECT l.*, CASE WHEN l.observed_at IS NULL THEN 'unseen' WHEN {_heard(kit)} THEN 'heard' ELSE 'silent' END AS heard
    FROM {everyone("parking", "zone", COLUMNS)} WHERE {CHOSEN}
) AS l"""


def _unheard(kit: Kit) -> PanelBuilder:
    return kit.tile(
        Words("静默或尚无数据", "Silent or never heard"),
        Words(
            "超过静默限值未收到数据的停车场，与已登记而从未收到数据的（后者仅实时）；都不计入其他各数。",
            "Car parks that were silent for longer than the limit, and those of the register that were never heard (of what is"
            " live); neither count in the other figures.",
        ),
        f"SELECT count(*) FILTER (WHERE l.heard <> 'heard') AS n FROM {_everyone(kit)}",
        Place(4, 4),
        steps=((None, GREEN), (1, ORANGE)),
        sources=("parking.silence",),
    )


def _limits(kit: Kit) -> PanelBuilder:
    full, near = kit.limits.value("parking.full"), kit.limits.value("parking.nearly_full")
    lots = _everyone(kit)
    heard, counted = "l.heard = 'heard'", f"l.heard = 'heard' AND {COUNTED}"
    occupancy = "1 - l.free_spaces::double precision / nullif(l.total_spaces - l.out_of_service_spaces, 0)"
    is_full, is_near = f"l.free_spaces <= {full:g}", f"{occupancy} >= {near:g}"

    def yesterday(indicator: str, beyond: str) -> str:
        """Of the last whole day: how many car parks were beyond it, of how many that have a figure."""
        return f"""(
    SELECT {part(beyond, "y.is_last")} FROM (
        SELECT i.value, i.details, i.period_start = max(i.period_start) OVER () AS is_last FROM v_indicators AS i
        WHERE i.id = '{indicator}' AND i.{LIVE_LANE} AND i.sample_seq = -1 AND i.subject IN (${{lot:sqlstring}}) AND i.value IS NOT NULL
            AND NOT coalesce(i.details ? 'so_far', false) AND i.period_end - i.period_start <= INTERVAL '1 day'
            AND i.period_end <= {NOW} AND i.period_start >= {NOW} - INTERVAL '8 days'
    ) AS y
)"""

    def bound(limit: str, words: Words, beyond: str, among: str, whole: str = NOTHING) -> Bound:
        return Bound(limit, words, lots, standing(beyond, among), now=part(beyond, among), whole=whole)

    return against_limits(
        kit,
        Words("停车场对照各限值。", "Car parks against each limit."),
        "parking.guidance",
        (
            bound(
                "parking.full",
                Words("满位（空余泊位）", "Full (free spaces)"),
                is_full,
                counted,
                yesterday("parking.full_minutes", "y.value > 0"),
            ),
            bound(
                "parking.nearly_full",
                Words("接近满位（占用率）", "Nearly full (occupancy)"),
                is_near,
                counted,
                yesterday("parking.occupancy", f"(y.details ->> 'peak')::double precision >= {near:g}"),
            ),
            bound("parking.free_least", Words("不可能的计数", "Impossible counts"), f"NOT ({COUNTED})", heard),
            bound("parking.silence", Words("静默或尚无数据", "Silent or never heard"), "l.heard <> 'heard'", "true"),
        ),
        Place(24, 7),
    )


def _occupancy(kit: Kit, title: Words, about: Words, *, by: str, kind: str, place: Place) -> PanelBuilder:
    def query(view: str, bucket: str, when: str) -> str:
        return f"""
SELECT {bucket} AS time, coalesce(a.{kit.name}, r.{by}) AS metric,
    sum(r.occupied_sum) / nullif(sum(r.usable_sum), 0) AS value
FROM {view} AS r LEFT JOIN v_assets AS a ON a.kind = '{kind}' AND a.asset_id = r.{by}
WHERE {when} AND r.{IN_ZONES} AND r.device_id IN (${{lot:sqlstring}}) AND r.usable_sum > 0
GROUP BY 1, 2"""

    near = kit.limits.value("parking.nearly_full")
    sql = by_level("parking", query)
    return kit.lines(
        title, about, sql, place, unit="percentunit", low=0, high=1, limit=near, sources=("parking.nearly_full",)
    )


def _zones(kit: Kit) -> PanelBuilder:
    about = Words("各片区所选停车场的平均占用率。", "Mean occupancy of the chosen car parks of each zone.")
    return _occupancy(
        kit, Words("片区占用率", "Occupancy by zone"), about, by="group_id", kind="zone", place=Place(12, 9)
    )


def _lots_over_time(kit: Kit) -> PanelBuilder:
    first = among_the_first(
        "r.device_id",
        f"""SELECT n.device_id FROM v_parking_latest AS n
    WHERE n.{LIVE_LANE} AND n.{IN_ZONES} AND n.device_id IN (${{lot:sqlstring}}) AND n.free_spaces BETWEEN 0 AND n.total_spaces
    ORDER BY n.free_spaces::double precision / nullif(n.total_spaces - n.out_of_service_spaces, 0), n.device_id""",
    )

    def query(view: str, bucket: str, when: str) -> str:
        return f"""
SELECT {bucket} AS time, CASE WHEN {first} THEN coalesce(a.{kit.name}, r.device_id) ELSE {quoted(kit.say(OTHERS))} END AS metric,
    sum(r.occupied_sum) / nullif(sum(r.usable_sum), 0) AS value
FROM {view} AS r
LEFT JOIN v_assets AS a ON a.kind = 'lot' AND a.asset_id = r.device_id
WHERE {when} AND r.{IN_ZONES} AND r.device_id IN (${{lot:sqlstring}}) AND r.usable_sum > 0
GROUP BY 1, 2"""

    about = Words(
        f"此刻最满的 {LINES} 个停车场各一条线，其余合为一条平均线；用变量选其他停车场。",
        f"A line for each of the {LINES} car parks that are fullest now, one for the mean of the others; choose others above.",
    )
    near = kit.limits.value("parking.nearly_full")
    return kit.lines(
        Words("最满的停车场", "The fullest car parks"),
        about,
        by_level("parking", query),
        Place(12, 9),
        unit="percentunit",
        low=0,
        high=1,
        limit=near,
        sources=("parking.nearly_full",),
    )


def _compared(kit: Kit) -> PanelBuilder:
    def query(shifted: str, when: str) -> str:
        return f"""
SELECT {shifted} AS time, sum(r.occupied_sum) / nullif(sum(r.usable_sum), 0) AS value
FROM v_parking_hours AS r
WHERE {when} AND r.{LIVE_LANE} AND r.{IN_ZONES} AND r.device_id IN (${{lot:sqlstring}}) AND r.usable_sum > 0
GROUP BY 1"""

    about = Words(
        "所选停车场每小时平均占用率：今日，与昨日、上周同时刻相比；当前小时尚未结束。",
        "Mean occupancy of the chosen car parks by hour: now, and the same hours of yesterday and of last week; this hour is"
        " not over.",
    )
    return kit.lines(
        Words("占用率：今日、昨日、上周", "Occupancy: today, yesterday, last week"),
        about,
        compared(kit.language, query),
        Place(24, 8),
        unit="percentunit",
        low=0,
        high=1,
        limit=kit.limits.value("parking.nearly_full"),
        interval="1h",
        sources=("parking.nearly_full",),
    )


def _lots(kit: Kit) -> PanelBuilder:
    near = kit.limits.value("parking.nearly_full")
    sql = f"""
SELECT l.device_id AS id, coalesce(a.{kit.name}, l.device_id) AS lot, coalesce(z.{kit.name}, l.group_id) AS zone, l.heard, l.free_spaces,
    coalesce(l.total_spaces, a.capacity::integer) AS total_spaces,
    CASE WHEN {COUNTED} AND l.heard = 'heard' THEN 1 - l.free_spaces::double precision / nullif(l.total_spaces - l.out_of_service_spaces, 0) END
        AS occupancy,
    l.observed_at, (SELECT string_agg({kit.word("c", QUALITY_CODE)}, '{kit.say(COMMA)}') FROM unnest(l.quality_codes) AS c) AS codes
FROM {_everyone(kit)}
LEFT JOIN v_assets AS a ON a.kind = 'lot' AND a.asset_id = l.device_id
LEFT JOIN v_assets AS z ON z.kind = 'zone' AND z.asset_id = l.group_id
ORDER BY occupancy DESC NULLS FIRST, l.heard = 'unseen' DESC, l.observed_at, l.device_id"""
    columns = [
        Column("id", Words("编号", "Id"), hidden=True),
        Column("lot", Words("停车场", "Car park"), links=(kit.to_page("parking", "id"),)),
        Column("zone", Words("片区", "Zone"), width=230),
        Column("heard", Words("数据", "Data"), shown=HEARD, width=105),
        Column("free_spaces", Words("空余", "Free"), width=80),
        Column("total_spaces", Words("总数", "Spaces"), width=80),
        Column(
            "occupancy",
            Words("占用率", "Occupancy"),
            unit="percentunit",
            decimals=0,
            steps=((None, GREEN), (near, ORANGE), (1, RED)),
            width=110,
        ),
        Column("observed_at", Words("时间", "At"), width=170),
        Column("codes", Words("疑点", "Doubts"), width=180),
    ]
    about = Words(
        "各停车场最近的读数：没有占用率的最前（先是已登记而从未收到数据的，仅实时），其余最满的在前；超过静默限值未收到数据的不计占用率。",
        "The newest reading of each car park: those without an occupancy first (before all those of the register that were never heard,"
        " of what is live), then the fullest; one that was silent for longer than its limit has no occupancy.",
    )
    limits = ("parking.nearly_full", "parking.full", "parking.silence")
    return kit.table(Words("停车场现状", "Car parks now"), about, sql, columns, Place(24, 11), sources=limits)


def _guidance(kit: Kit) -> PanelBuilder:
    is_full = f"{COUNTED} AND l.free_spaces <= {kit.limits.value('parking.full'):g}"
    nowhere = quoted(kit.say(Words("步行范围内无空位", "no room within walking distance")))
    sql = f"""
WITH newest AS (
    SELECT DISTINCT ON (subject) subject, period_start, details
    FROM v_indicators
    WHERE id = 'parking.guidance' AND {LIVE_LANE} AND $__timeFilter(period_start) AND subject IN (${{lot:sqlstring}})
    ORDER BY subject, period_start DESC
)
SELECT CASE WHEN l.heard <> 'heard' THEN 'silent' WHEN {is_full} THEN 'full' ELSE 'room' END AS state,
    coalesce(a.{kit.name}, n.subject) AS lot, n.period_start, coalesce(b.{kit.name}, o ->> 'name', {nowhere}) AS offered,
    (o ->> 'share')::double precision AS share, coalesce(o ->> 'drivers', n.details ->> 'not_placed')::double precision AS drivers
FROM newest AS n
JOIN {_everyone(kit)} ON l.device_id = n.subject
LEFT JOIN LATERAL jsonb_array_elements(n.details -> 'offers') AS o ON true
LEFT JOIN v_assets AS a ON a.kind = 'lot' AND a.asset_id = n.subject
LEFT JOIN v_assets AS b ON b.kind = 'lot' AND b.asset_id = o ->> 'lot'
ORDER BY l.heard = 'heard' AND {is_full} DESC, n.period_start DESC, 2"""
    columns = [
        Column("state", Words("现状", "Now"), shown=STILL, width=105),
        Column("lot", Words("满位停车场", "Full car park"), wraps=True),
        Column("period_start", Words("给出时间", "Given at"), unit=SHORT_MOMENT, width=100),
        Column("offered", Words("引导至", "Sent to"), wraps=True),
        Column("share", Words("比例", "Share"), unit="percentunit", decimals=0, width=65),
        Column("drivers", Words("车辆", "Drivers"), decimals=0, width=72),
    ]
    about = Words(
        "所选时段内满位停车场最近一次给出的诱导，仍满位的在前；已不再满位或静默的停车场，其诱导只供回看，不再有效。"
        "无处可引导者列出安排不了的车辆数。",
        "Guidance last given in the time range for each car park that was full, those that are still full first. Of one that is no"
        " longer full, or not heard, it is of the past and does not hold any more. Where there is no room to send drivers to, those"
        " who cannot be placed are counted.",
    )
    return kit.table(
        Words("诱导", "Guidance given"),
        about,
        sql,
        columns,
        Place(12, 9),
        empty=Words("所选时段无诱导", "no guidance in this time range"),
        sources=("parking.full",),
    )


def _turnover(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT {BEGINS} AS time, coalesce(a.{kit.name}, i.subject) AS metric, i.value
FROM v_indicators AS i JOIN v_assets AS a ON a.kind = 'zone' AND a.asset_id = i.subject
WHERE i.id = 'parking.turnover' AND i.{LIVE_LANE} AND {overlaps("1 day")} AND i.value IS NOT NULL
    AND NOT coalesce(i.details ? 'so_far', false)
    AND i.period_end - i.period_start <= INTERVAL '1 day' AND i.subject IN (${{zone:sqlstring}})
ORDER BY 1"""
    about = Words(
        "各片区每个本地日每个泊位接待的车辆数，日终后给出；只计会统计进场车辆的停车场。",
        "Vehicles per space and local day of each zone; said when the day is over, of the car parks that count who comes in.",
    )
    return kit.lines(
        Words("周转率", "Turnover by day"), about, sql, Place(12, 9), decimals=2, points=True, interval="1d", low=0
    )


def _week(kit: Kit) -> PanelBuilder:
    hours = ",\n    ".join(
        f'sum(occupied) FILTER (WHERE hour = {hour}) / nullif(sum(usable) FILTER (WHERE hour = {hour}), 0) AS "{hour:02d}"'
        for hour in range(24)
    )
    names = " ".join(f"WHEN {n} THEN '{kit.say(Words(*pair))}'" for n, pair in enumerate(DAYS, 1))
    sql = f"""
SELECT CASE day {names} END AS day,
    {hours}
FROM (
    SELECT extract(isodow FROM bucket AT TIME ZONE INTERVAL '+08:00') AS day,
        extract(hour FROM bucket AT TIME ZONE INTERVAL '+08:00') AS hour, occupied_sum AS occupied, usable_sum AS usable
    FROM v_parking_hours
    WHERE $__timeFilter(bucket) AND {LIVE_LANE} AND {IN_ZONES} AND device_id IN (${{lot:sqlstring}})
) AS h
GROUP BY h.day
ORDER BY h.day"""
    near = kit.limits.value("parking.nearly_full")
    steps = ((None, BLUE), (0.4, GREEN), (0.7, YELLOW), (near, ORANGE), (1.0, RED))
    columns = [Column("day", Words("星期", "Day"), width=60)]
    columns += [
        Column(
            f"{hour:02d}", Words(f"{hour:02d}", f"{hour:02d}"), unit="percentunit", decimals=0, steps=steps, width=52
        )
        for hour in range(24)
    ]
    about = Words(
        "最近七天按星期与小时（+08:00）的平均占用率；选绝对时段则按所选时段。",
        "Mean occupancy by weekday and hour (+08:00) of the last seven days; of an absolute time range where one is chosen.",
    )
    title = Words("一周热力", "The week by hour")
    return kit.table(title, about, sql, columns, Place(24, 9), sources=("parking.nearly_full",)).time_from("7d")
