"""District today for a screen on the wall: the same answers as on the home board, to be read from across the room. Pure."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.boards.today import asset_map, count_of, health_strip, new_alerts, targets_strip, untaken
from services.dashboards.kit import Kit, PanelBuilder, Place
from services.dashboards.palette import ASSET_STATE, SEVERITY
from services.dashboards.sql import LIVE_LANE
from services.dashboards.words import Words

WORST: Final = 7
"""So many alerts are read from across a room."""
LARGE: Final = (20, 26)
"""Pixels of names and of what is said of them."""


def board(kit: Kit) -> dashboard.Dashboard:
    """25 rows: a screen of 1920 x 1080 in kiosk mode (`?kiosk` behind the address)."""
    built = kit.board(
        "today-wall",
        Words("江汉区今日（大屏）", "Jianghan today (wall)"),
        Words(
            "供指挥大屏使用的大字版；地址后加 ?kiosk 即为全屏。",
            "The home board in large type for a wall; with ?kiosk behind the address it fills the screen.",
        ),
        since="now-6h",
        refresh="10s",
    )
    for n, severity in enumerate(SEVERITY):
        built.with_panel(count_of(kit, severity, Place(3, 4, x=3 * n)))
    for panel in (
        new_alerts(kit, Place(6, 4, x=12)),
        untaken(kit, Place(6, 4, x=18)),
        _worst(kit, Place(14, 13, x=0, y=4)),
        asset_map(kit, Place(10, 11, x=14, y=4)),
        kit.legend(ASSET_STATE, Place(10, 2, x=14, y=15)),
        targets_strip(kit, Place(24, 5, x=0, y=17), (18, 28)),
        health_strip(kit, Place(24, 3, x=0, y=22), (18, 24)),
    ):
        built.with_panel(panel)
    return built


def _worst(kit: Kit, place: Place) -> PanelBuilder:
    sql = f"""
SELECT concat_ws(' · ', CASE WHEN p.{kit.asset_name} = p.asset THEN p.place ELSE p.{kit.asset_name} END,
        coalesce(p.{kit.matter}, p.{kit.text})) AS name,
    p.severity AS state
FROM v_alert_places AS p
WHERE p.ended_at IS NULL AND p.event <> 'retracted' AND p.superseded_by IS NULL AND NOT p.suppressed AND p.{LIVE_LANE}
ORDER BY p.severity, p.started_at
LIMIT {WORST}"""
    return kit.strip(
        Words("最严重的预警", "The worst alerts"),
        Words(
            "未结束的预警中最严重的几条，同级中最早的在前；已被抑制或合并的不显示。",
            "The worst of the open alerts, the oldest first among equals; those suppressed or stood for by another are left"
            " out.",
        ),
        sql,
        SEVERITY,
        place,
        sizes=LARGE,
        stacked=True,
    )
