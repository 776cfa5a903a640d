"""What goes over the map's stream about alerts and about the platform's own parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from schemas.alert_action import AlertAction, SilenceScope
from services.operations_api.alert_book import AlertBook
from services.operations_api.asset_watch import AssetWatch
from services.operations_api.board import OVER, Board, Change
from services.operations_api.log_reader import LogReader
from services.operations_api.models.alerts import AlertRow
from services.operations_api.models.streaming import PartHealth, StreamHealth
from services.operations_api.stream import Hub
from services.runtime.health import Health

LOOK_SECONDS: Final = 1.0
SAY_SECONDS: Final = 30.0
"""Health is said so often though nothing has changed: the age of what is shown goes with it."""


class News:
    """Turns changes into events of the stream."""

    def __init__(self, health: Health, *, now: Callable[[], datetime]) -> None:
        self._health = health
        self._now = now
        self._since: dict[str, tuple[str | None, datetime]] = {}
        self._reader: LogReader
        self._board: Board
        self._alerts: AlertBook
        self._assets: AssetWatch
        self._hub: Hub

    def follow(self, board: Board, alerts: AlertBook, assets: AssetWatch, hub: Hub, reader: LogReader) -> None:
        """Say what these know; before the first change."""
        self._board, self._alerts, self._assets, self._hub, self._reader = board, alerts, assets, hub, reader

    def alert_changed(self, change: Change) -> None:
        """Send the rows that a change has made."""
        for alert_id in change.alert_ids:
            life = self._board.life(alert_id)
            if life is not None:
                row = self._alerts.row(life)
                self._hub.publish("alert", row, row.lane)
        if change.silence is not None:
            self._silenced(change.silence)

    def health(self) -> StreamHealth:
        """How the parts are that the picture stands on."""
        now = self._now()
        reader = self._reader
        kafka = None
        if not reader.is_ready:
            kafka = "the log of alerts is still being read"
        elif not reader.answers:
            kafka = "Kafka does not answer: alerts may be old, and nobody can act"
        database = self._assets.trouble
        if database is not None:
            database = f"{database} Alerts and actions go on; states of assets and figures are old."
        parts = tuple(self._part(name, trouble, now) for name, trouble in (("kafka", kafka), ("database", database)))
        return StreamHealth(at=now, parts=parts, assets_known_at=self._assets.known_at)

    async def run(self) -> None:
        """Say when a part falls ill or is well again, for ever."""
        said: tuple[PartHealth, ...] = ()
        quiet = 0.0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            quiet += LOOK_SECONDS
            health = self.health()
            self._remark(health)
            if health.parts != said or quiet >= SAY_SECONDS:
                said, quiet = health.parts, 0.0
                if self._hub.is_heard:
                    self._hub.publish("health", health, None)

    def _remark(self, health: StreamHealth) -> None:
        """Without the database the service is ready and not healthy: alerts and actions go on."""
        database = next(part for part in health.parts if part.name == "database")
        if database.well:
            self._health.well("database")
        else:
            self._health.trouble("database", database.detail)

    def _part(self, name: str, trouble: str | None, now: datetime) -> PartHealth:
        known = self._since.get(name)
        if known is None or (known[0] is None) is not (trouble is None):
            known = self._since[name] = (trouble, now)
        return PartHealth(name=name, well=trouble is None, since=known[1], detail=trouble or "")

    def _silenced(self, silence: AlertAction) -> None:
        """Send the rows of alerts that a silence, or its end, is about."""
        for life in self._board.lives():
            if life.alert is None or life.alert.lane != silence.lane or life.standing in OVER:
                continue
            row = self._alerts.row(life)
            if _is_about(silence, row):
                self._hub.publish("alert", row, row.lane)


def _is_about(silence: AlertAction, row: AlertRow) -> bool:
    return (row.asset if silence.scope is SilenceScope.ASSET else row.zone) == silence.asset
