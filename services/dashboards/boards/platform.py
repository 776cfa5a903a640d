"""Platform: is everything that came in accounted for, how fast, how late, and what does it take. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.boards.today import health_strip
from services.dashboards.columns import SHORT_MOMENT, Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import FEED, GREEN, NONE, ORANGE, QUIET, RED
from services.dashboards.sql import DAY_MS, HOUR_MS, LIVE_LANE
from services.dashboards.subscribers import subscribers, waiting
from services.dashboards.vocabulary import DEAD_LETTER_REASON, DEAD_LETTER_SOURCE, OUTCOME, shown
from services.dashboards.words import Words

IN_FEEDS = "feed IN (${feed:sqlstring})"

LETTERS: Final = "coalesce(lane, 'live') = ${lane:sqlstring}"
"""Dead letters of the chosen lane."""


def board(kit: Kit) -> dashboard.Dashboard:
    """The platform's own board; not of one lane."""
    feeds = f"SELECT {kit.case('feed', FEED)} AS __text, feed AS __value FROM v_feed_totals ORDER BY 1"
    built = kit.board(
        "platform",
        Words("平台运行", "The platform"),
        Words(
            "读数、延迟、死信、台账平衡、投递与存储。",
            "Readings, delay, dead letters, ledger balance, deliveries, storage.",
        ),
        variables=(kit.choice("feed", Words("类别", "Feed"), feeds),),
        since="now-6h",
        refresh="10s",
    )
    built.with_panel(health_strip(kit, Place(24, 3)))
    for panel in (
        _in_flight(kit),
        _rate_now(kit),
        _difference(kit),
        _gone(kit),
        _missing(kit),
        _letters_now(kit),
        waiting(kit, Place(3, 4)),
        _size(kit),
    ):
        built.with_panel(panel)
    for panel in (
        kit.open_alerts(Place(24, 7), where=" AND (p.rule LIKE 'device.%' OR p.rule LIKE 'platform.%')"),
        _rates(kit),
        _delays(kit),
        _ledger(kit),
        _gaps(kit),
        subscribers(kit, Place(14, 7)),
        _deliveries(kit),
        _arrival(kit),
        _alert_delay(kit),
        _letters(kit),
        _storage(kit),
        _edition(kit),
    ):
        built.with_panel(panel)
    return built


def _difference(kit: Kit) -> PanelBuilder:
    about = Words(
        "收到的记录减去已存、重复与死信：必须为零，在数据库的每个时刻。",
        "Records received less stored, duplicate and dead-lettered: must be zero at every moment.",
    )
    sql = f"SELECT coalesce(sum(abs(difference)), 0) AS n FROM v_ledger WHERE {IN_FEEDS}"
    return kit.tile(Words("台账差额", "Ledger difference"), about, sql, Place(3, 4), steps=((None, GREEN), (1, RED)))


def _in_flight(kit: Kit) -> PanelBuilder:
    about = Words(
        "Kafka 中尚未入库的记录（入库服务最近所知）。",
        "Records in Kafka that are not stored yet, as the sink last knew.",
    )
    sql = f"SELECT coalesce(sum(in_flight), 0) AS n FROM v_ledger WHERE {IN_FEEDS}"
    return kit.tile(
        Words("在途", "In flight"), about, sql, Place(3, 4), steps=((None, GREEN), (10_000, ORANGE), (100_000, RED))
    )


def _rate_now(kit: Kit) -> PanelBuilder:
    about = Words("近 5 个整分钟平均每秒读数。", "Mean readings per second of the last 5 whole minutes.")
    sql = f"SELECT sum(readings_per_s) AS n FROM v_feed_health WHERE {IN_FEEDS}"
    return kit.tile(Words("读数/秒", "Readings/s"), about, sql, Place(3, 4), decimals=1, steps=((None, QUIET),))


def _letters_now(kit: Kit) -> PanelBuilder:
    about = Words(
        "所选数据来源在所选时段内的死信；每封连同字节与原因保存，可修复重放。无法辨认来源的计入实时。",
        "Dead letters of the chosen lane in the time range; each is kept with its bytes and its reason. Those of which no lane"
        " can be told count as live.",
    )
    sql = f"SELECT count(*) AS n FROM v_dead_letters WHERE $__timeFilter(received_at) AND {LETTERS}"
    return kit.tile(
        Words("死信", "Dead letters"), about, sql, Place(3, 4), steps=((None, GREEN), (1, ORANGE), (1_000, RED))
    )


def _gone(kit: Kit) -> PanelBuilder:
    about = Words(
        "入库前已从 Kafka 中清除、尚未由操作员确认的记录数。",
        "Records that were gone from Kafka before they were stored and of which no operator has taken note.",
    )
    sql = "SELECT coalesce(sum(records), 0) AS n FROM v_log_gaps WHERE acknowledged_at IS NULL"
    return kit.tile(Words("日志缺口", "Gone from Kafka"), about, sql, Place(3, 4), steps=((None, GREEN), (1, RED)))


def _missing(kit: Kit) -> PanelBuilder:
    about = Words(
        "所选数据来源中，设备编号序列里既未入库也未被拒收的读数；补传后即消失。",
        "Readings of the chosen lane that their devices numbered and that are neither stored nor refused; gone once a device"
        " sends them again.",
    )
    sql = f"SELECT coalesce(sum(n), 0) AS n FROM v_device_gaps WHERE {LIVE_LANE} AND {IN_FEEDS}"
    return kit.tile(Words("缺号读数", "Missing numbers"), about, sql, Place(3, 4), steps=((None, GREEN), (1, ORANGE)))


def _gaps(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT {kit.case("g.feed", FEED)} AS feed, coalesce(a.{kit.name}, g.device_id) AS device, g.first_seq, g.last_seq, g.n,
    g.device_id, {kit.page_of("g.feed")} AS page
FROM v_device_gaps AS g LEFT JOIN v_assets AS a ON a.is_device AND a.asset_id = g.device_id AND a.feed = g.feed
WHERE g.{LIVE_LANE} AND g.{IN_FEEDS} ORDER BY g.n DESC, g.device_id LIMIT 200"""
    columns = [
        Column("feed", Words("类别", "Feed"), width=160),
        Column("device", Words("设备", "Device"), links=(kit.to_page(column="device_id"),)),
        Column("first_seq", Words("自编号", "From number"), width=140),
        Column("last_seq", Words("至编号", "To number"), width=140),
        Column("n", Words("读数", "Readings"), width=120),
        Column("device_id", Words("编号", "Id"), hidden=True),
        Column("page", Words("页面", "Page"), hidden=True),
    ]
    about = Words(
        "设备编号序列中的缺口，最大的在前；同一次开机内编号从 0 起、逐条加一。",
        "Gaps in the numbers of devices, the greatest first; numbers count up from 0 since a device was switched on.",
    )
    empty = Words("无缺口", "no gaps")
    return kit.table(Words("编号缺口", "Gaps in the numbers"), about, sql, columns, Place(24, 5), empty=empty)


def _edition(kit: Kit) -> PanelBuilder:
    about = Words(
        "TimescaleDB 版本：社区版有列存压缩与连续聚合，Apache 版只有超表。",
        "TimescaleDB's edition: community compresses and rolls up, Apache has hypertables only.",
    )
    sql = "SELECT concat(edition, ' ', timescaledb) AS edition FROM v_edition"
    return kit.tile(Words("数据库", "Database"), about, sql, Place(4, 10), steps=((None, QUIET),), text=True)


def _size(kit: Kit) -> PanelBuilder:
    about = Words("所有超表与汇总占用的空间。", "What all hypertables and rollups take.")
    sql = "SELECT sum(bytes) AS bytes FROM v_storage"
    return kit.tile(Words("占用空间", "Size"), about, sql, Place(3, 4), unit="bytes", steps=((None, QUIET),))


def _bucketed(columns: str, more: str = "", only: str = "") -> str:
    """A query on the intake by the panel's interval, by the hour or by the day; the minute that runs is left out."""
    bucket = (
        f"CASE WHEN $__interval_ms >= {DAY_MS} THEN time_bucket('1 day', minute)"
        f" WHEN $__interval_ms >= {HOUR_MS} THEN time_bucket('1 hour', minute) ELSE time_bucket('$__interval', minute) END"
    )
    return f"SELECT {bucket} AS time, {columns} FROM v_intake_minutes WHERE $__timeFilter(minute) AND minute < date_trunc('minute', now()) AND {IN_FEEDS}{only} GROUP BY 1{more} ORDER BY 1"


def _rates(kit: Kit) -> PanelBuilder:
    sql = _bucketed(
        f"{kit.case('feed', FEED)} AS metric, sum(readings) / (count(DISTINCT minute) * 60.0) AS value", ", feed"
    )
    about = Words(
        "入库服务每秒处理的读数，按类别；含重复与死信。",
        "Readings a second that the sink handled, by feed; repeats and dead letters included.",
    )
    return kit.lines(Words("读数/秒", "Readings/s"), about, sql, Place(12, 9), low=0, decimals=1, colours=FEED)


def _delays(kit: Kit) -> PanelBuilder:
    mean, most = kit.say(Words("均值", "mean")), kit.say(Words("最大", "most"))
    sql = _bucketed(f'sum(storing_s_sum) / nullif(sum(live), 0) AS "{mean}", max(storing_s_max) AS "{most}"')
    about = Words(
        "实时读数从接入到入库的耗时（不含演练与回放）。",
        "Time of live readings from the bridge to being stored (no drills, no replays).",
    )
    return kit.lines(Words("接入至入库延迟", "Delay from bridge to stored"), about, sql, Place(12, 9), unit="s", low=0)


def _arrival(kit: Kit) -> PanelBuilder:
    sql = _bucketed(
        f"{kit.case('feed', FEED)} AS metric, sum(arrival_s_sum) / nullif(sum(live), 0) AS value",
        ", feed",
        " AND feed <> 'tax'",
    )
    about = Words(
        "实时读数从观测到接入的平均耗时，按类别；设备补传的读数使其变大，属正常。税收按入库日期计，不在此列。",
        "Mean time of live readings from observed to the bridge, by feed; what a device kept and sent later shows here, as it"
        " should. Tax is dated by the day of the payment and is left out.",
    )
    return kit.lines(
        Words("观测至接入延迟", "Delay from observed to bridge"),
        about,
        sql,
        Place(12, 8),
        unit="s",
        low=0,
        colours=FEED,
    )


def _ledger(kit: Kit) -> PanelBuilder:
    sql = f"""
SELECT {kit.case("feed", FEED)} AS feed, received, stored, duplicates, dead_lettered, difference, in_flight,
    lost_records, updated_at
FROM v_ledger WHERE {IN_FEEDS} ORDER BY 1"""
    columns = [
        Column("feed", Words("类别", "Feed"), width=110),
        Column("received", Words("收到", "Received"), unit="locale"),
        Column("stored", Words("已存", "Stored"), unit="locale"),
        Column("duplicates", Words("重复", "Duplicates"), unit="locale"),
        Column("dead_lettered", Words("死信", "Dead-lettered"), unit="locale"),
        Column("difference", Words("差额", "Difference"), steps=((None, GREEN), (1, RED))),
        Column("in_flight", Words("在途", "In flight"), unit="locale"),
        Column("lost_records", Words("Kafka 中遗失", "Lost in Kafka"), steps=((None, GREEN), (1, RED))),
        Column("updated_at", Words("更新于", "Updated"), unit=SHORT_MOMENT, width=110),
    ]
    about = Words(
        "Kafka 中每条读数的去向：收到 = 已存 + 重复 + 死信，与数据行在同一事务写入。遗失：入库前已不在 Kafka 中的记录（含时钟记录）。",
        "What became of every record: received = stored + duplicates + dead-lettered, written in the transaction of the rows. Lost: records, ticks among them, that were gone from Kafka before they were stored.",
    )
    return kit.table(Words("台账", "Ledger"), about, sql, columns, Place(24, 7))


def _letters(kit: Kit) -> PanelBuilder:
    source, reason = (kit.word(*each) for each in (("source", DEAD_LETTER_SOURCE), ("reason", DEAD_LETTER_REASON)))
    sql = f"""
SELECT time_bucket('1 hour', received_at) AS time, concat({source}, ' · ', {reason}) AS metric, count(*) AS value
FROM v_dead_letters WHERE $__timeFilter(received_at) AND {LETTERS} GROUP BY 1, 2 ORDER BY 1"""
    about = Words(
        "所选数据来源每小时的死信，按拒收者与原因；无死信则为空，最后一柱为本小时至今。",
        "Dead letters of the chosen lane by hour, by who refused them and why; empty while there are none. The last bar is of the"
        " hour so far.",
    )
    panel = kit.lines(
        Words("死信原因", "Dead letters by reason"),
        about,
        sql,
        Place(24, 8),
        low=0,
        bars=True,
        stacked=True,
        interval="1h",
    )
    return panel.no_value(kit.say(Words("无死信", "no dead letters")))


def _alert_delay(kit: Kit) -> PanelBuilder:
    sql = """
SELECT time_bucket('$__interval', stored_at) AS time,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(extract(epoch FROM stored_at - raised_at), 0)) AS "P50",
    percentile_cont(0.99) WITHIN GROUP (ORDER BY greatest(extract(epoch FROM stored_at - raised_at), 0)) AS "P99"
FROM v_alert_events
WHERE $__timeFilter(stored_at) AND event = 'raised' AND lane = 'live'
GROUP BY 1 ORDER BY 1"""
    about = Words(
        "从规则成立的事件时间到预警入库；迟到数据引发的预警会显得更久。",
        "From the event time at which a rule was satisfied to the alert being stored; late data makes it longer.",
    )
    return kit.lines(Words("预警延迟", "Delay of alerts"), about, sql, Place(12, 8), unit="s", low=0, points=True)


def _deliveries(kit: Kit) -> PanelBuilder:
    sql = """
SELECT o.outcome, count(d.event_id) AS n, max(d.at) AS newest,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY d.seconds) AS p50
FROM (VALUES ('delivered', 1), ('refused', 2), ('failed', 3), ('withheld', 4), ('given_up', 5)) AS o (outcome, place)
LEFT JOIN v_deliveries AS d ON d.outcome = o.outcome AND $__timeFilter(d.at)
GROUP BY o.outcome, o.place ORDER BY o.place"""
    columns = [
        Column("outcome", Words("结果", "Outcome"), shown=shown(OUTCOME, NONE), width=110),
        Column("n", Words("次数", "Attempts"), width=95),
        Column("newest", Words("最近", "Newest"), width=170),
        Column("p50", Words("中位耗时", "Median time"), unit="s", decimals=2),
    ]
    about = Words(
        "所选时段内向城市大脑投递预警的尝试；无投递服务时全为零。",
        "Attempts to deliver alerts to the city brain in the time range; all zero where no delivery runs.",
    )
    return kit.table(Words("投递至城市大脑", "Deliveries to the city brain"), about, sql, columns, Place(10, 7))


def _storage(kit: Kit) -> PanelBuilder:
    sql = """
SELECT relation, chunks, compressed_chunks, bytes, before_bytes, after_bytes,
    before_bytes::double precision / nullif(after_bytes, 0) AS ratio
FROM v_storage ORDER BY bytes DESC NULLS LAST"""
    columns = [
        Column("relation", Words("表", "Relation")),
        Column("chunks", Words("分块", "Chunks")),
        Column("compressed_chunks", Words("已压缩", "Compressed")),
        Column("bytes", Words("占用", "Size"), unit="bytes"),
        Column("before_bytes", Words("压缩前", "Before"), unit="bytes"),
        Column("after_bytes", Words("压缩后", "After"), unit="bytes"),
        Column("ratio", Words("压缩比", "Ratio"), decimals=1),
    ]
    about = Words(
        "每张超表与汇总的分块与空间；压缩只在社区版。",
        "Chunks and size of each hypertable and rollup; compression on the community edition only.",
    )
    return kit.table(Words("存储", "Storage"), about, sql, columns, Place(20, 10))
