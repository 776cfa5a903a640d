"""Alerts as rows: what is not over from memory, what is over from the database, each row as new as either has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

import structlog

from schemas.alert import Alert
from services.alert_life.life import Life
from services.alert_life.renderings import cap
from services.operations_api import seed
from services.operations_api.alert_query import AlertQuery
from services.operations_api.alert_rows import action_row, event_row, row_of, row_of_stored, silence_row
from services.operations_api.asking import asking
from services.operations_api.board import Board
from services.operations_api.cursors import AlertKey, read_alert_cursor, write_alert_cursor
from services.operations_api.errors import NotNow, NotThere
from services.operations_api.models.alerts import (
    AlertDetail,
    AlertEventRow,
    AlertPage,
    AlertRow,
    EvidencePage,
    EvidenceReading,
    SilenceRow,
)
from services.operations_api.models.assets import AssetRow
from services.operations_api.places import Place, Places
from services.read_model import alert_story
from services.read_model.alerts import AlertFilter, Standing, alerts, open_alerts_as_of
from services.read_model.connection import Database
from services.read_model.errors import ReadModelError

log = structlog.stdlib.get_logger()

_BOARDS: Final = "jianghan-"
_AS_OF_MOST: Final = 1_000


class AlertBook:
    """Alerts by filters, one with its story, readings behind it.

    Args:
        cluster_id: Kafka's, by which the database keeps the sink's places.
        is_ready: Whether the log has been read up to where it ended when the service began.
        places: The places of assets as they are known now.
    """

    def __init__(
        self,
        board: Board,
        database: Database,
        *,
        cluster_id: str,
        now: Callable[[], datetime],
        is_ready: Callable[[], bool],
        places: Callable[[], Places],
        publisher: cap.Publisher,
        grafana_url: str | None,
    ) -> None:
        self._board = board
        self._database = database
        self._cluster_id = cluster_id
        self._now = now
        self._is_ready = is_ready
        self._places = places
        self._publisher = publisher
        self._grafana = grafana_url

    # ---- rows -----------------------------------------------------------------------------------------------------

    def row(self, life: Life) -> AlertRow:
        """The row of a life whose alert is known."""
        superseded_by = self._board.superseded_by(life)
        return row_of(life, self._board.silences, self._places().of, self._now(), superseded_by=superseded_by)

    def silences(self) -> tuple[SilenceRow, ...]:
        """Silences that last.

        Raises:
            NotNow: the log is still being read.
        """
        self.check_ready()
        return tuple(silence_row(silence) for silence in self._board.silences.open(self._now()))

    async def life(self, alert_id: str) -> Life:
        """An alert, over or not, with all that is known of it.

        Raises:
            NotThere: there is none of this id.
            NotNow: the log is still being read, or it has to come from the database, which does not answer.
        """
        self.check_ready()
        known = self._board.life(alert_id)
        if known is not None and alert_id not in self._board.strange:
            return known
        if known is None and self._board.complete:
            raise _no_alert(alert_id)
        with asking("What was done about this alert"):
            story = await seed.story_of(self._database, self._cluster_id, alert_id)
        if story is None:
            raise _no_alert(alert_id)
        return self._board.adopt(story.alert, story.actions, story.stored, self._now())

    def check_ready(self) -> None:
        """Refuse while the log is still being read.

        Raises:
            NotNow: it is.
        """
        if not self._is_ready():
            raise NotNow("The log of alerts is still being read: come again in a moment.", headers={"Retry-After": "1"})

    async def alert_of_event(self, event_id: str) -> str:
        """The alert that an event is about: an event of the processors, or an action.

        Raises:
            NotThere: there is no such event, or it is about none.
            NotNow: it has to be looked up in the database, which does not answer.
        """
        alert_id, dash, revision = event_id.partition("-")
        if dash:
            alert = _known(await self.life(alert_id))
            if int(revision) > alert.revision:
                raise NotThere(f"The alert {alert_id} has no revision {revision}.")
            return alert_id
        known = self._board.alert_of_action(event_id)
        if known is None:
            with asking("Which alert an action was about"):
                known = await seed.alert_of_action(self._database, event_id)
        if known is None:
            raise NotThere(f"There is no event {event_id} about an alert.")
        return known

    # ---- lists ----------------------------------------------------------------------------------------------------

    async def page(self, query: AlertQuery, limit: int, cursor: str | None) -> AlertPage:
        """Alerts, the one that began last in front.

        Raises:
            NotUsable: the cursor is none of this list.
            NotNow: the log is still being read; or alerts of a moment are asked for and the database does not answer.
        """
        self.check_ready()
        if query.as_of is not None:
            return await self._as_of(query, limit, query.as_of)
        if not query.needs_history:
            return self._from_memory(query, limit, cursor)
        try:
            return await self._with_history(query, limit, cursor)
        except NotNow:
            return self._from_memory(query, limit, cursor).model_copy(update={"complete": False})

    async def of_asset(self, asset: AssetRow, lane: str, limit: int, cursor: str | None) -> AlertPage:
        """Alerts of an asset, over or not; see `page`."""
        query = AlertQuery(assets=frozenset({asset.asset_id}), lane=lane)
        return await self.page(query, limit, cursor)

    def _from_memory(self, query: AlertQuery, limit: int, cursor: str | None) -> AlertPage:
        before = None if cursor is None else read_alert_cursor(cursor)
        rows = [row for row in self._matching(query) if before is None or _key(row) < before]
        rows.sort(key=_key, reverse=True)
        shown = rows[:limit]
        more = len(rows) > limit
        return AlertPage(
            items=tuple(shown), next_cursor=write_alert_cursor(_key(shown[-1])) if more else None, complete=True
        )

    def _matching(self, query: AlertQuery) -> Iterable[AlertRow]:
        for life in self._board.lives():
            alert = life.alert
            if alert is None or alert.lane != query.lane or (query.feeds and alert.feed not in query.feeds):
                continue
            row = self.row(life)
            if row.superseded_by is None and query.wants(row):
                yield row

    async def _with_history(self, query: AlertQuery, limit: int, cursor: str | None) -> AlertPage:
        which = AlertFilter(
            lane=query.lane,
            standing=tuple(map(Standing, sorted(query.standings))),
            feeds=tuple(sorted(query.feeds)),
            severities=tuple(sorted(query.severities)),
            zones=() if query.zone is None else (query.zone,),
            asset=next(iter(query.assets), None),
            assignee=query.assignee,
            words=query.words,
        )
        with asking("The list of alerts that are over"):
            page = await alerts(self._database, which, limit=limit, cursor=cursor)
        now = self._now()
        found = {stored.alert_id: row_of_stored(stored, self._board.silences, now) for stored in page.items}
        for alert_id in found:
            life = self._board.life(alert_id)
            if life is not None and alert_id not in self._board.strange:
                found[alert_id] = self.row(life)
        if cursor is None:
            self._add_newer(query, found, is_last=page.next_cursor is None)
        rows = sorted((row for row in found.values() if query.wants(row)), key=_key, reverse=True)
        return AlertPage(items=tuple(rows), next_cursor=page.next_cursor, complete=True)

    def _add_newer(self, query: AlertQuery, found: dict[str, AlertRow], *, is_last: bool) -> None:
        """Add what the database has not stored yet to its first page."""
        oldest = min((row.started_at for row in found.values()), default=None)
        for row in self._matching(query):
            if is_last or oldest is None or row.started_at > oldest:
                found.setdefault(row.alert_id, row)

    async def _as_of(self, query: AlertQuery, limit: int, moment: datetime) -> AlertPage:
        with asking("What was known at a moment"):
            stored = await open_alerts_as_of(self._database, moment, lane=query.lane, limit=_AS_OF_MOST)
        rows = [row_of_stored(each, self._board.silences, moment) for each in stored]
        wanted = sorted((row for row in rows if query.wants(row)), key=_key, reverse=True)
        return AlertPage(items=tuple(wanted[:limit]), next_cursor=None, complete=len(wanted) <= limit)

    # ---- one ------------------------------------------------------------------------------------------------------

    async def detail(self, alert_id: str) -> AlertDetail:
        """One alert with its story.

        Raises:
            NotThere: there is none of this id.
            NotNow: it has to come from the database, which does not answer.
        """
        life = await self.life(alert_id)
        alert = _known(life)
        history, is_complete = await self._history(alert)
        return AlertDetail(
            **dict(self.row(life)),
            history=history,
            history_complete=is_complete,
            actions=tuple(action_row(action) for action in life.actions),
            evidence=alert.evidence,
            limits=alert.limits,
            members=alert.members,
            grafana_url=self._board_of(alert),
        )

    async def cap(self, alert_id: str) -> bytes:
        """One alert as it stands, as CAP 1.2.

        Raises:
            NotThere: there is none of this id.
            NotNow: it has to come from the database, which does not answer.
        """
        alert = _known(await self.life(alert_id))
        place = self._places().of(alert.feed, alert.asset)
        return cap.message(alert, self._publisher, position=_position(place))

    async def evidence(self, alert_id: str) -> EvidencePage:
        """Readings behind an alert.

        Raises:
            NotThere: there is no such alert.
            NotNow: the database does not answer.
        """
        alert = _known(await self.life(alert_id))
        if alert.evidence is None:
            return EvidencePage(topic=None, items=(), missing=())
        said: dict[str, Any] = alert.model_dump(mode="json")
        with asking("The readings behind an alert"):
            found = await alert_story.evidence_of(self._database, said)
        items = tuple(
            EvidenceReading(
                partition=reading.kafka_partition,
                offset=reading.kafka_offset,
                device_id=reading.device_id,
                observed_at=reading.observed_at,
                quality=reading.quality,
                values=dict(reading.own),
            )
            for reading in found.readings
        )
        stored = {item.offset for item in items}
        missing = tuple(offset for offset in alert.evidence.offsets if offset not in stored)
        return EvidencePage(topic=alert.evidence.topic, items=items, missing=missing)

    async def _history(self, alert: Alert) -> tuple[tuple[AlertEventRow, ...], bool]:
        try:
            stored = await alert_story.history_of(self._database, alert.alert_id)
        except ReadModelError as error:
            log.info("an alert is shown without its history", action="show_alert", error=str(error))
            return (event_row(alert),), False
        rows = {
            each.revision: AlertEventRow.model_validate(
                {
                    "event": each.event,
                    "revision": each.revision,
                    "at": each.ended_at or each.raised_at,
                    "severity": each.severity,
                    "text_zh": each.text_zh,
                    "text_en": each.text_en,
                }
            )
            for each in stored
        }
        rows.setdefault(alert.revision, event_row(alert))
        return tuple(rows[revision] for revision in sorted(rows)), len(rows) == alert.revision + 1

    def _board_of(self, alert: Alert) -> str | None:
        if self._grafana is None:
            return None
        board = "platform" if alert.rule.startswith("platform.") else alert.feed.value
        return f"{self._grafana.rstrip('/')}/d/{_BOARDS}{board}"


def _known(life: Life) -> Alert:
    if life.alert is None:
        raise NotThere("Only actions on this alert are known.")
    return life.alert


def _key(row: AlertRow) -> AlertKey:
    return AlertKey(row.started_at, row.alert_id)


def _position(place: Place | None) -> cap.Position | None:
    if place is None or place.longitude is None or place.latitude is None:
        return None
    return cap.Position(place.longitude, place.latitude)


def _no_alert(alert_id: str) -> NotThere:
    return NotThere(f"There is no alert {alert_id}.")
