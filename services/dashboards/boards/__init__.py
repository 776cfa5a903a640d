"""The boards, one file each, in the order of the menu."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from grafana_foundation_sdk.builders import dashboard

from services.dashboards.boards import (
    alerts,
    assets,
    emergency,
    ev,
    parking,
    plan,
    platform,
    tax,
    today,
    today_wall,
    water,
)
from services.dashboards.kit import Kit

BOARDS: Final[MappingProxyType[str, Callable[[Kit], dashboard.Dashboard]]] = MappingProxyType(
    {
        "today": today.board,
        "today-wall": today_wall.board,
        "alerts": alerts.board,
        "water": water.board,
        "emergency": emergency.board,
        "parking": parking.board,
        "ev": ev.board,
        "tax": tax.board,
        "plan": plan.board,
        "platform": platform.board,
        **assets.BOARDS,
    }
)
"""Each board by its name; the name is part of its uid and never changes."""

HOME: Final = "today"
