"""Tax and buildings: buildings at or over CNY 100 million against the target, the year so far, its pace. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.columns import Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import GREEN, NONE, QUIET, RED, YELLOW
from services.dashboards.sql import LIVE_LANE
from services.dashboards.words import Words


def board(kit: Kit) -> dashboard.Dashboard:
    """The board of the feed tax."""
    buildings = (
        f"SELECT {kit.name if kit.language == 'zh' else 'name_zh'} AS __text, asset_id AS __value FROM v_assets"
        " WHERE kind = 'building' ORDER BY 1"
    )
    built = kit.board(
        "tax",
        Words("楼宇税收", "Tax and buildings"),
        Words("亿元税收楼宇与年度进度。", "Buildings at or over CNY 100 million, and the year's pace."),
        variables=(kit.choice("building", Words("楼宇", "Building"), buildings),),
        since="now-1y",
        refresh="5m",
        feed="tax",
    )
    for panel in (_count(kit), _expected(kit), _interval(kit), _total(kit)):
        built.with_panel(panel)
    for panel in (kit.open_alerts(Place(24, 7), "tax"), _trend(kit), _pace(kit), _nearest(kit), _months(kit)):
        built.with_panel(panel)
    return built


YEAR: Final = "date_trunc('year', now() AT TIME ZONE INTERVAL '+08:00') AT TIME ZONE INTERVAL '+08:00'"
"""When this local year began."""


SAID: Final = "completeness >= 0.9"
"""The forecast is made of what was reported: of less (`tax.reported_least`) nothing is said."""
JUDGED: Final = f"CASE WHEN {SAID} THEN value END"


def _of_this_year(indicator: str, column: str = "value") -> str:
    """What an indicator says of the local year that runs."""
    return f"""
SELECT (SELECT {column} FROM v_indicators
    WHERE id = '{indicator}' AND {LIVE_LANE} AND period_start = {YEAR} AND period_end - period_start > INTERVAL '300 days'
    LIMIT 1) AS value"""


def _count(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("tax.hundred_million_buildings")
    return kit.tile(
        Words(f"亿元楼宇（目标 ≥ {limit:g}）", f"Over CNY 100 million (target ≥ {limit:g})"),
        Words(
            "本年内入库税收达到或超过 1 亿元的楼宇数，年初至今；年未结束，不作达标判定。",
            "Buildings whose tax this year has reached CNY 100 million so far; the year is not over, so it meets nothing yet.",
        ),
        _of_this_year("tax.hundred_million_buildings"),
        Place(6, 4),
        decimals=0,
        steps=((None, QUIET), (limit, GREEN)),
        sources=("tax.hundred_million_buildings", "tax.building_year"),
    )


def _expected(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("tax.hundred_million_buildings")
    return kit.tile(
        Words("按此进度年末", "Expected by the year's end"),
        Words(
            "最近一次月末预测的年末亿元楼宇数。首个月结束前无法判定。",
            "The last month-end forecast of buildings at the year's end. Nothing can be said before the first month is over.",
        ),
        _of_this_year("tax.pace", JUDGED),
        Place(6, 4),
        decimals=1,
        steps=((None, RED), (limit, GREEN)),
        sources=("tax.hundred_million_buildings",),
    )


def _interval(kit: Kit) -> PanelBuilder:
    return kit.tile(
        Words("预测区间", "Interval of the forecast"),
        Words(
            "预测的下限与上限，以及置信水平；报送不足时无法判定。",
            "Lower and upper bound of the forecast with its confidence; not said of what was reported too little.",
        ),
        _of_this_year(
            "tax.pace",
            f"CASE WHEN {SAID} THEN concat(details ->> 'lower', ' – ', details ->> 'upper', ' (',"
            " round((details ->> 'confidence')::numeric * 100), '%)') END",
        ),
        Place(6, 4),
        steps=((None, QUIET),),
        text=True,
    )


def _total(kit: Kit) -> PanelBuilder:
    return kit.tile(
        Words("全区年初至今", "The district, year to date"),
        Words(
            "全区楼宇本年入库税收（退税已扣除）。",
            "Tax received from the district's buildings this year, refunds deducted.",
        ),
        f"""
SELECT (SELECT sum(amount_cny_sum) FROM v_tax_days WHERE bucket >= {YEAR} AND {LIVE_LANE}) / {kit.great_money.cny:.0f} AS value""",
        Place(6, 4),
        unit=kit.great_money.unit,
        decimals=2,
        steps=((None, QUIET),),
    )


def _trend(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT least(period_end, now()) AS time, value AS "{kit.say(Words("亿元楼宇", "buildings"))}"
FROM v_indicators
WHERE id = 'tax.hundred_million_buildings' AND {LIVE_LANE} AND period_end > $__timeFrom() AND period_start < $__timeTo()
    AND ((status <> 'cannot_say' AND period_end - period_start <= INTERVAL '1 day') OR period_start = {YEAR})
ORDER BY 1"""
    return kit.lines(
        Words("亿元楼宇数", "Buildings over CNY 100 million"),
        Words(
            "每个本地日末的年初至今数，每年一月从零开始；报送不足、无法判定的日子不画。最后一点为此刻。",
            "Year to date at the end of each local day, from nothing each January; days of which too little was reported are"
            " not drawn. The last point is now.",
        ),
        sql,
        Place(12, 9),
        decimals=0,
        low=0,
        points=True,
        limit=kit.limits.value("tax.hundred_million_buildings"),
        interval="1d",
        sources=("tax.hundred_million_buildings",),
    )


def _pace(kit: Kit) -> PanelBuilder:
    names = (Words("预期", "expected"), Words("下限", "lower"), Words("上限", "upper"), Words("已达到", "already"))
    expected, lower, upper, already = (kit.say(each) for each in names)
    sql = f"""
SELECT coalesce(known_at, period_start) AS time, value AS "{expected}",
    (details ->> 'lower')::double precision AS "{lower}", (details ->> 'upper')::double precision AS "{upper}",
    (details ->> 'already')::double precision AS "{already}"
FROM v_indicator_history
WHERE id = 'tax.pace' AND {LIVE_LANE} AND period_end > $__timeFrom() AND period_start < $__timeTo() AND {SAID}
ORDER BY 1"""
    return kit.lines(
        Words("进度预测", "Pace of the year"),
        Words(
            "每个月结时对年末亿元楼宇数的预测及其区间；横轴为给出预测的时刻。",
            "Forecast of the year's end made as each month closes, with its interval; the axis is when it was said.",
        ),
        sql,
        Place(12, 9),
        low=0,
        limit=kit.limits.value("tax.hundred_million_buildings"),
        points=True,
        interval="1d",
        sources=("tax.hundred_million_buildings",),
    )


def _nearest(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("tax.building_year")
    sql = f"""
WITH paid AS (
    SELECT device_id, sum(amount_cny_sum) AS paid
    FROM v_tax_days
    WHERE bucket >= {YEAR} AND {LIVE_LANE}
    GROUP BY device_id
),
buildings AS (
    SELECT b.{kit.name} AS building, z.{kit.name} AS zone, coalesce(p.paid, 0) AS paid
    FROM v_assets AS b
    LEFT JOIN v_assets AS z ON z.kind = 'zone' AND z.asset_id = b.zone
    LEFT JOIN v_assets AS o ON o.kind = 'office' AND o.parent_kind = 'building' AND o.parent_id = b.asset_id
    LEFT JOIN paid AS p ON p.device_id = o.asset_id
    WHERE b.kind = 'building' AND b.asset_id IN (${{building:sqlstring}})
)
SELECT building, zone, paid / {kit.money.cny:.0f} AS paid, paid / {limit:.0f} AS share,
    ({limit:.0f} - paid) / {kit.money.cny:.0f} AS missing
FROM buildings
ORDER BY abs({limit:.0f} - buildings.paid)"""
    columns = [
        Column("building", Words("楼宇", "Building")),
        Column("zone", Words("片区", "Zone"), width=170),
        Column("paid", Words("年初至今", "Year to date"), unit=kit.money.unit, decimals=0, width=150),
        Column(
            "share",
            Words("占 1 亿元", "Of CNY 100 million"),
            unit="percentunit",
            decimals=1,
            width=150,
            steps=((None, NONE), (0.8, YELLOW), (1, GREEN)),
        ),
        Column("missing", Words("距 1 亿元", "To CNY 100 million"), unit=kit.money.unit, decimals=0, width=160),
    ]
    about = Words(
        "各楼宇本年入库税收，离 1 亿元最近的在前；负数为已超过。",
        "Tax of each building this year, the nearest to CNY 100 million first; a negative distance is beyond it.",
    )
    return kit.table(
        Words("距亿元最近的楼宇", "Nearest to the limit"),
        about,
        sql,
        columns,
        Place(12, 11),
        sources=("tax.building_year",),
    )


def _months(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT to_char(bucket AT TIME ZONE INTERVAL '+08:00', 'YY-MM') AS month,
    sum(amount_cny_sum - coalesce(refunded_cny_sum, 0)) / {kit.great_money.cny:.0f} AS "{kit.say(Words("入库", "received"))}",
    coalesce(sum(refunded_cny_sum), 0) / {kit.great_money.cny:.0f} AS "{kit.say(Words("退税", "refunds"))}"
FROM v_tax_days
WHERE $__timeFilter(bucket) AND {LIVE_LANE}
GROUP BY 1
ORDER BY 1"""
    about = Words(
        "按本地月入库与退税；本月尚未结束。", "Tax received and refunded by local month; this month is not over."
    )
    return kit.bars(Words("按月入库", "Tax by month"), about, sql, Place(12, 11), unit=kit.great_money.unit, decimals=2)
