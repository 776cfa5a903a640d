"""Tax and buildings: buildings at or over CNY 100 million against the target, the year so far, its pace. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.columns import Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import GREEN, NONE, ORANGE, QUIET, RED
from services.dashboards.periods import against_plan
from services.dashboards.sql import LIVE_LANE, NOW_OF_LANE
from services.dashboards.words import Words


def board(kit: Kit) -> dashboard.Dashboard:
    """The board of the feed tax."""
    buildings = f"SELECT {kit.name} AS __text, asset_id AS __value FROM v_assets WHERE kind = 'building' ORDER BY 1"
    built = kit.board(
        "tax",
        Words("楼宇税收", "Tax and buildings"),
        Words("亿元税收楼宇与年度进度。", "Buildings at or over CNY 100 million, and the year's pace."),
        variables=(kit.choice("building", Words("楼宇", "Building"), buildings),),
        since="now-1y",
        refresh="5m",
        feed="tax",
    )
    for panel in (_count(kit), _expected(kit), _interval(kit), _total(kit), _against_last_month(kit), _offices(kit)):
        built.with_panel(panel)
    for panel in (
        kit.open_alerts(Place(24, 7), "tax"),
        against_plan(kit, "tax", Place(24, 4)),
        _trend(kit),
        _pace(kit),
        _months(kit),
        _nearest(kit),
    ):
        built.with_panel(panel)
    return built


NOW: Final = NOW_OF_LANE.format(view="v_tax_readings")
LOCAL_NOW: Final = f"({NOW}) AT TIME ZONE INTERVAL '+08:00'"
YEAR: Final = f"date_trunc('year', {LOCAL_NOW}) AT TIME ZONE INTERVAL '+08:00'"
"""When the local year began in which the lane is."""
MONTH: Final = f"date_trunc('month', {LOCAL_NOW})"
"""The local month that is not over, as a local time."""
PAID: Final = f"""
SELECT subject, value FROM v_indicators
WHERE id = 'tax.year_to_date' AND {LIVE_LANE} AND period_start = {YEAR} AND sample_seq = -1"""
"""Tax of each building and of the district in the year so far, net of refunds and corrections: what the count counts."""
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
    return kit.tile(
        Words("本年至今亿元楼宇", "Over CNY 100 m so far"),
        Words(
            "本年内入库税收达到或超过 1 亿元的楼宇数，年初至今；年未结束，不作达标判定。",
            "Buildings whose tax this year has reached CNY 100 million so far; the year is not over, so it meets nothing yet.",
        ),
        _of_this_year("tax.hundred_million_buildings"),
        decimals=0,
        steps=((None, QUIET),),
        sources=("tax.hundred_million_buildings", "tax.building_year"),
    )


def _expected(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("tax.hundred_million_buildings")
    return kit.tile(
        Words("年末预测", "Forecast of the year's end"),
        Words(
            "最近一次月末预测的年末亿元楼宇数，低于目标为橙色；是预测，不是结论。首个月结束前无法判定。",
            "The last month-end forecast of buildings at the year's end, orange below the target: a forecast, not a verdict. Nothing"
            " can be said before the first month is over.",
        ),
        _of_this_year("tax.pace", JUDGED),
        decimals=1,
        steps=((None, ORANGE), (limit, QUIET)),
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
        steps=((None, QUIET),),
        text=True,
    )


def _total(kit: Kit) -> PanelBuilder:
    return kit.tile(
        Words("全区本年至今", "The district, year to date"),
        Words(
            "全区楼宇本年至今入库税收（退税与更正已扣除）；年未结束。",
            "Tax received from the district's buildings in the year so far, refunds and corrections deducted; it is not over.",
        ),
        f"""
SELECT (SELECT p.value FROM ({PAID}) AS p JOIN v_assets AS d ON d.kind = 'district' AND d.asset_id = p.subject) / {kit.great_money.cny:.0f} AS value""",
        unit=kit.great_money.unit,
        decimals=2,
        steps=((None, QUIET),),
    )


def _offices(kit: Kit) -> PanelBuilder:
    return kit.tile(
        Words("已报送窗口", "Offices that reported"),
        Words(
            "最近一个工作日内有报送的窗口占登记窗口的比例（实时）；夜间与周末不报送，不算缺数。向下取整。",
            "Share of the registered offices that reported within the last working day (live): nights and weekends without any"
            " are as they should be. Rounded down.",
        ),
        "SELECT floor((completeness * 1000)::numeric) / 1000 AS share FROM v_feed_health WHERE feed = 'tax'",
        unit="percentunit",
        decimals=1,
        steps=((None, RED), (0.5, ORANGE), (0.95, GREEN)),
    )


def _against_last_month(kit: Kit) -> PanelBuilder:
    local = "bucket AT TIME ZONE INTERVAL '+08:00'"
    return kit.tile(
        Words("本月至今比上月同期", "This month so far, of last month's"),
        Words(
            "本月一日至昨日入库税收，除以上月同样天数的入库税收；今日尚未结束，不计。",
            "Tax of the month's days that are over, divided by that of as many days of the month before; today is not over and"
            " does not count.",
        ),
        f"""
SELECT sum(amount_cny_sum) FILTER (WHERE {local} >= {MONTH})
    / nullif(sum(amount_cny_sum) FILTER (WHERE {local} < {MONTH}), 0) AS ratio
FROM v_tax_days
WHERE {LIVE_LANE} AND bucket >= ({MONTH} - INTERVAL '1 month') AT TIME ZONE INTERVAL '+08:00'
    AND {local} < date_trunc('day', {LOCAL_NOW})
    AND ({local} >= {MONTH} OR {local} < {MONTH} - INTERVAL '1 month' + (date_trunc('day', {LOCAL_NOW}) - {MONTH}))""",
        unit="percentunit",
        decimals=1,
        steps=((None, QUIET),),
        null=Words("尚无可比", "nothing to compare"),
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
    panel = kit.lines(
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
    return panel.no_value(kit.say(Words("无法判定", "cannot say")))


def _nearest(kit: Kit) -> PanelBuilder:
    limit = kit.limits.value("tax.building_year")
    sql = f"""
WITH paid AS ({PAID})
SELECT b.{kit.name} AS building, z.{kit.name} AS zone, p.value / {kit.money.cny:.0f} AS paid,
    floor((p.value / {limit:.0f} * 1000)::numeric) / 1000 AS share, ({limit:.0f} - p.value) / {kit.money.cny:.0f} AS missing,
    b.asset_id AS building_id
FROM v_assets AS b
LEFT JOIN v_assets AS z ON z.kind = 'zone' AND z.asset_id = b.zone
LEFT JOIN paid AS p ON p.subject = b.asset_id
WHERE b.kind = 'building' AND b.asset_id IN (${{building:sqlstring}})
ORDER BY abs({limit:.0f} - coalesce(p.value, 0))"""
    on_map = (
        Words("在一张图上查看", "Show on the one map"),
        "${one_map:raw}#asset=building/${__data.fields.building_id}",
    )
    columns = [
        Column("building", Words("楼宇", "Building"), links=(kit.to_page("tax", "building_id"), on_map)),
        Column("zone", Words("片区", "Zone"), width=220),
        Column("paid", Words("本年至今", "Year so far"), unit=kit.money.unit, decimals=0, width=150),
        Column(
            "share",
            Words("占 1 亿元", "Of CNY 100 million"),
            unit="percentunit",
            decimals=1,
            width=150,
            steps=((None, NONE), (1, QUIET)),
        ),
        Column("missing", Words("距 1 亿元", "To CNY 100 million"), unit=kit.money.unit, decimals=0, width=160),
        Column("building_id", Words("编号", "Id"), hidden=True),
    ]
    about = Words(
        "各楼宇本年至今入库税收（退税与更正已扣除），与亿元楼宇数同源，离 1 亿元最近的在前；负数为已超过，比例向下取整。",
        "Tax of each building in the year so far, net of refunds and corrections: the figures that the count of buildings is made"
        " of. The nearest to CNY 100 million first; a negative distance is beyond it, shares are rounded down.",
    )
    return kit.table(
        Words("距亿元最近的楼宇", "Nearest to the limit"),
        about,
        sql,
        columns,
        Place(24, 12),
        sources=("tax.building_year",),
    )


def _months(kit: Kit) -> PanelBuilder:
    local = "bucket AT TIME ZONE INTERVAL '+08:00'"
    names = (Words("入库", "received"), Words("本月至今（未结束）", "this month so far"))
    received, so_far = (kit.say(each) for each in names)
    first = (
        "date_trunc('month', $__timeFrom()::timestamptz AT TIME ZONE INTERVAL '+08:00') AT TIME ZONE INTERVAL '+08:00'"
    )
    cny = f"{kit.great_money.cny:.0f}"
    sql = f"""
SELECT to_char({local}, 'YY-MM') AS month,
    sum(amount_cny_sum) FILTER (WHERE {local} < {MONTH}) / {cny} AS "{received}",
    sum(amount_cny_sum) FILTER (WHERE {local} >= {MONTH}) / {cny} AS "{so_far}"
FROM v_tax_days
WHERE bucket >= {first} AND bucket < $__timeTo()::timestamptz AND {LIVE_LANE}
GROUP BY 1
ORDER BY 1"""
    about = Words(
        "按本地月的入库税收（退税与更正已扣除），整月计；尚未结束的本月单列。",
        "Tax received by whole local months, net of refunds and corrections; the month that is not over stands apart.",
    )
    return kit.bars(Words("按月入库", "Tax by month"), about, sql, Place(24, 8), unit=kit.great_money.unit, decimals=2)
