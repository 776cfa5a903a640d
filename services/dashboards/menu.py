"""The boards by which one moves: what every board leads to. Pure."""

from __future__ import annotations

from typing import Final

from services.dashboards.words import Words

MENU: Final[tuple[tuple[str, Words], ...]] = (
    ("today", Words("今日", "Today")),
    ("alerts", Words("预警", "Alerts")),
    ("water", Words("水质", "Water")),
    ("emergency", Words("急救", "Emergency")),
    ("parking", Words("停车", "Parking")),
    ("ev", Words("充电", "EV")),
    ("tax", Words("税收", "Tax")),
    ("plan", Words("规划", "Plan")),
    ("platform", Words("平台", "Platform")),
)
"""Name of each board and how it is called in the row of links; in the order of the day's work."""
