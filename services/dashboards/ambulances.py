"""Ambulances and the posts they stand at: who is where, doing what, heard when. Pure."""

from __future__ import annotations

from typing import Final

from services.dashboards.calls import NOW, RUNNING, street
from services.dashboards.columns import Column
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import NONE, ORANGE, RED, UNIT
from services.dashboards.sql import LIVE_LANE
from services.dashboards.words import Words

FRESH_S: Final = 900
"""An ambulance that was heard longer ago covers nobody (`fresh_seconds` of the policy)."""
UNITS: Final = f"(SELECT * FROM v_emergency_latest WHERE {LIVE_LANE} AND unit_id IS NOT NULL)"
FREE: Final = f"l.unit_state = 'available' AND l.observed_at > {NOW} - INTERVAL '{FRESH_S} seconds'"


def posts(kit: Kit, place: Place) -> PanelBuilder:
    """How many ambulances of each post are available, the emptiest first."""
    sql = f"""
SELECT p.{kit.name} AS post, count(*) FILTER (WHERE {FREE}) AS available, count(*) AS ambulances, p.asset_id AS post_id
FROM v_assets AS p
JOIN v_assets AS u ON u.kind = 'unit' AND u.parent_kind = 'post' AND u.parent_id = p.asset_id
LEFT JOIN {UNITS} AS l ON l.unit_id = u.asset_id
WHERE p.kind = 'post'
GROUP BY p.asset_id, p.{kit.name}
ORDER BY count(*) FILTER (WHERE {FREE}), p.{kit.name}"""
    columns = [
        Column(
            "post",
            Words("急救站", "Post"),
            links=(kit.to_page("emergency", "post_id"), _on_map("post", "post_id")),
            wraps=True,
        ),
        Column("available", Words("待命", "Available"), width=100, steps=((None, RED), (1, NONE))),
        Column("ambulances", Words("急救车", "Ambulances"), width=110),
        Column("post_id", Words("编号", "Id"), hidden=True),
    ]
    about = Words(
        "各急救站所属急救车与其中 15 分钟内有报告且待命的，待命最少的在前；点击站名，打开其页面或一张图。",
        "Ambulances of each post and how many of them are available and have reported within 15 minutes, the fewest"
        " first; the name leads to its page and to the one map.",
    )
    return kit.table(Words("各急救站待命", "Available by post"), about, sql, columns, place)


def ambulances(kit: Kit, place: Place) -> PanelBuilder:
    """Each ambulance: what it does, since which report, for which call."""
    sql = f"""
WITH running AS MATERIALIZED ({RUNNING})
SELECT u.{kit.name} AS ambulance, p.{kit.name} AS post, l.unit_state AS state,
    (SELECT max({street(kit, "r.street")}) FROM running AS r
        WHERE l.unit_state <> 'available' AND u.asset_id = ANY (r.units)) AS street,
    extract(epoch FROM {NOW} - l.observed_at) AS age_s, u.asset_id AS unit
FROM v_assets AS u
LEFT JOIN v_assets AS p ON p.kind = 'post' AND p.asset_id = u.parent_id
LEFT JOIN {UNITS} AS l ON l.unit_id = u.asset_id
WHERE u.kind = 'unit'
ORDER BY l.observed_at < {NOW} - INTERVAL '{FRESH_S} seconds' DESC NULLS FIRST, l.unit_state = 'available', 1"""
    columns = [
        Column(
            "ambulance",
            Words("急救车", "Ambulance"),
            links=(kit.to_page("emergency", "unit"), _on_map("unit", "unit")),
            wraps=True,
        ),
        Column("post", Words("所属急救站", "Post"), width=200, wraps=True),
        Column("state", Words("状态", "State"), shown=UNIT, width=110),
        Column("street", Words("呼救所在街道", "Street of its call"), width=140),
        Column(
            "age_s",
            Words("距上次报告", "Last report"),
            unit="dthms",
            decimals=0,
            width=120,
            steps=((None, NONE), (FRESH_S, ORANGE)),
        ),
        Column("unit", Words("编号", "Id"), hidden=True),
    ]
    about = Words(
        "登记的急救车及其最近报告；超过 15 分钟未报告的在前，其位置与状态不再可信。",
        "Ambulances of the register with their newest report; those silent for more than 15 minutes come first: where"
        " they are and what they do is not known any more.",
    )
    return kit.table(Words("急救车", "Ambulances"), about, sql, columns, place)


def unit_map(kit: Kit, place: Place) -> PanelBuilder:
    """Where ambulances are; those that stand at the same place are counted there."""
    sql = f"""
SELECT avg(l.longitude) AS longitude, avg(l.latitude) AS latitude,
    (array_agg(l.unit_state ORDER BY l.unit_state <> 'available', l.observed_at DESC))[1] AS state,
    count(*) AS ambulances, count(*) FILTER (WHERE {FREE}) AS available,
    string_agg(coalesce(u.{kit.name}, l.unit_id), '{kit.say(Words("、", ", "))}' ORDER BY u.{kit.name}) AS names
FROM {UNITS} AS l
LEFT JOIN v_assets AS u ON u.kind = 'unit' AND u.asset_id = l.unit_id
WHERE l.longitude IS NOT NULL
GROUP BY round(l.longitude::numeric, 4), round(l.latitude::numeric, 4)
ORDER BY count(*)"""
    columns = (
        Column("names", Words("急救车", "Ambulances")),
        Column("ambulances", Words("在此", "Here")),
        Column("available", Words("其中待命", "Of them available")),
    )
    about = Words(
        "急救车最近报告的位置（WGS-84）；同在一处（约 10 米内）的合为一点并计数，有待命的按待命着色。",
        "Where ambulances were by their newest report (WGS-84). Those at the same place (within about 10 m) are one"
        " point with their number; it has the colour of available when one of them is.",
    )
    return kit.map(Words("急救车位置", "Ambulances on the map"), about, sql, place, shown=UNIT, columns=columns)


def _on_map(kind: str, column: str) -> tuple[Words, str]:
    words = Words("在一张图上查看", "Show on the one map")
    return words, f"${{one_map:raw}}#asset={kind}/${{__data.fields.{column}}}"
