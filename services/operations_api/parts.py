"""What the routes stand on: made by the composition root, one object, handed to each request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

if TYPE_CHECKING:
    from services.operations_api.actions import Desk
    from services.operations_api.alert_book import AlertBook
    from services.operations_api.archive import Archive
    from services.operations_api.asset_watch import AssetWatch
    from services.operations_api.audit import AuditLog
    from services.operations_api.board import Board
    from services.operations_api.doorkeeper import Doorkeeper
    from services.operations_api.events import EventLog
    from services.operations_api.plan_desk import PlanDesk
    from services.operations_api.sessions import Sessions
    from services.operations_api.settings import ApiSettings
    from services.operations_api.static_files import StaticFiles
    from services.operations_api.stream import Hub
    from services.operations_api.target_desk import TargetDesk
    from services.runtime.health import Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that a route may use."""

    settings: ApiSettings
    now: Callable[[], datetime]
    make_id: Callable[[], str]
    """Draws an id of a request or an action."""
    board: Board
    """Alerts, actions and silences, folded from Kafka."""
    alerts: AlertBook
    """Alerts as rows: the board, and the database behind it."""
    desk: Desk
    """Writes actions."""
    archive: Archive
    """The database."""
    assets: AssetWatch
    """Assets as they were when the database was last asked."""
    plan: PlanDesk
    """Documents in force, maintenance windows."""
    targets: TargetDesk
    """Figures that the plan office enters."""
    audit: AuditLog
    doorkeeper: Doorkeeper
    """Who asks, and whether they may."""
    sessions: Sessions
    hub: Hub
    """Listeners of the map's stream."""
    static: StaticFiles
    """Files of the one map."""
    documents: StaticFiles
    """The contracts as pages."""
    health: Health
    events: EventLog
    """The log as CloudEvents, for integrators."""


def parts_of(request: Request) -> Parts:
    """The parts of the running application."""
    parts: Parts = request.app.state.parts
    return parts


Given = Annotated[Parts, Depends(parts_of)]
"""Argument of a route."""
