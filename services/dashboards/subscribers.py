"""How far each subscriber of alerts is behind: what waits, since when, and how much the log has beyond it. Pure."""

from __future__ import annotations

from typing import Final

from services.dashboards.columns import SHORT_MOMENT, Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import GREEN, NONE, ORANGE, RED
from services.dashboards.words import Words

LAST: Final = """
SELECT DISTINCT ON (subscriber, event_id) subscriber, event_id, outcome, at, next_at, seconds
FROM v_deliveries
WHERE at > now() - INTERVAL '7 days'
ORDER BY subscriber, event_id, at DESC, attempt DESC"""
"""The last attempt to hand each event of the last week to each subscriber."""
WAITS: Final = "outcome = 'failed'"
"""Tried in vain and to be tried again; what was delivered, refused, withheld or given up is settled."""


def waiting(kit: Kit, place: Place) -> PanelBuilder:
    """Events that wait to be handed over, of all subscribers."""
    about = Words(
        "近七日内最近一次投递失败、等待重试的事件，所有订阅方合计。",
        "Events of the last seven days whose last attempt failed and that wait to be tried again, of all subscribers.",
    )
    sql = f"SELECT count(*) AS n FROM ({LAST}) AS l WHERE {WAITS}"
    return kit.tile(Words("待投递", "Waiting"), about, sql, place, steps=((None, GREEN), (1, ORANGE), (100, RED)))


def subscribers(kit: Kit, place: Place) -> PanelBuilder:
    """Each subscriber: what waits for it, and how many events the log has beyond the last that it was offered."""
    sql = f"""
WITH last AS MATERIALIZED ({LAST}),
offered AS (
    SELECT subscriber, event_partition, max(event_offset) AS event_offset FROM v_deliveries
    WHERE at > now() - INTERVAL '7 days' AND event_topic = 'alerts' GROUP BY 1, 2
),
beyond AS (
    SELECT o.subscriber, sum(greatest(p.next_offset - 1 - o.event_offset, 0)) AS n
    FROM offered AS o JOIN v_sink_progress AS p ON p.topic = 'alerts' AND p.partition = o.event_partition GROUP BY 1
)
SELECT l.subscriber, count(*) FILTER (WHERE l.{WAITS}) AS waiting,
    extract(epoch FROM now() - min(l.at) FILTER (WHERE l.{WAITS})) AS waits_s, coalesce(max(b.n), 0) AS beyond,
    count(*) FILTER (WHERE l.outcome = 'delivered') AS delivered,
    count(*) FILTER (WHERE l.outcome IN ('refused', 'given_up')) AS lost,
    max(l.at) FILTER (WHERE l.outcome = 'delivered') AS newest
FROM last AS l LEFT JOIN beyond AS b USING (subscriber)
GROUP BY l.subscriber
ORDER BY waiting DESC, beyond DESC, l.subscriber"""
    columns = [
        Column("subscriber", Words("订阅方", "Subscriber")),
        Column("waiting", Words("待投递", "Waiting"), width=90, steps=((None, NONE), (1, ORANGE))),
        Column("waits_s", Words("距上次尝试", "Since last try"), unit="dthms", decimals=0, width=100),
        Column("beyond", Words("其后新事件", "Events beyond"), width=105),
        Column("delivered", Words("已送达", "Delivered"), width=90),
        Column("lost", Words("被拒或放弃", "Refused or given up"), width=115, steps=((None, NONE), (1, RED))),
        Column("newest", Words("最近送达", "Last delivered"), unit=SHORT_MOMENT, width=110),
    ]
    about = Words(
        "近七日内向各订阅方投递预警的情况。其后新事件：日志中在其最后一次投递之后的预警事件，订阅条件不要的也在内。",
        "Deliveries of the last seven days to each subscriber. Events beyond: alert events in the log behind the last"
        " one that it was offered, those that its filter leaves out among them.",
    )
    return kit.table(Words("订阅方进度", "Subscribers"), about, sql, columns, place)
