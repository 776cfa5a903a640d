"""Where the board begins: alerts as the database has them, and the places in the log that they stand for.

Everything is asked in one moment of the database, so alerts, actions and places fit one another: what the log says
behind those places, folded on top, gives the same as the log from its beginning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from pydantic import ValidationError

from schemas.alert import Alert
from schemas.alert_action import AlertAction, AlertSummary
from schemas.topics import ALERT_ACTIONS, ALERTS
from services.operations_api.cursors import Coordinate, Partition
from services.operations_api.queries import SQL
from services.read_model.connection import Asked, Database
from services.read_model.feeds import SinkPlaceRow, sink_places
from services.runtime.same_log import Mark

SILENCES_OF: Final = timedelta(days=400)
"""No silence lasts longer; older ones are not asked for."""


@dataclass(frozen=True, slots=True)
class Story:
    """One alert as the database has it."""

    alert: Alert
    actions: tuple[AlertAction, ...]
    """Those that count, in the order of the log."""
    stored: Mapping[int, int]
    """Up to which offset of each partition of actions the database has them."""


@dataclass(frozen=True, slots=True)
class Seed:
    """Where the board begins."""

    stories: tuple[Story, ...]
    """Alerts that are not over."""
    silences: tuple[AlertAction, ...]
    places: Mapping[Partition, Coordinate]
    """From where on the log is to be folded."""


async def seed_of(database: Database, cluster_id: str, now: datetime) -> Seed | None:
    """What the database has; None when the sink has not read both topics of this cluster.

    Raises:
        ReadModelError: the database does not answer, or refuses.
    """
    async with database.at_one_moment() as asked:
        places = await _places(asked, cluster_id)
        if {topic for topic, _ in places} != {ALERTS, ALERT_ACTIONS}:
            return None
        alerts = [_alert(row["data"]) for row in await asked.rows(SQL["seed_alerts"])]
        stories = await _with_actions(asked, [alert for alert in alerts if alert is not None], places)
        silences = [_action(row) for row in await asked.rows(SQL["silences"], now - SILENCES_OF)]
    return Seed(tuple(stories), tuple(each for each in silences if each is not None), places)


async def story_of(database: Database, cluster_id: str, alert_id: str) -> Story | None:
    """One alert, over or not; None when the database has none of this id.

    Raises:
        ReadModelError: the database does not answer, or refuses.
    """
    async with database.at_one_moment() as asked:
        rows = await asked.rows(SQL["newest_event"], alert_id)
        alert = _alert(rows[0]["data"]) if rows else None
        places = await _places(asked, cluster_id)
        return None if alert is None else (await _with_actions(asked, [alert], places))[0]


async def alert_of_action(database: Database, action_id: str) -> str | None:
    """The alert that an action is about; None of silences and of actions that nobody took.

    Raises:
        ReadModelError: the database does not answer, or refuses.
    """
    rows = await database.rows(SQL["alert_of_action"], action_id)
    return rows[0]["alert_id"] if rows else None


async def _places(asked: Asked, cluster_id: str) -> dict[Partition, Coordinate]:
    return {
        (row.topic, row.partition): _coordinate(row)
        for row in await sink_places(asked)
        if row.cluster_id == cluster_id and row.topic in (ALERTS, ALERT_ACTIONS)
    }


def _coordinate(row: SinkPlaceRow) -> Coordinate:
    if row.proof_offset is not None and row.proof_timestamp is not None:
        return Coordinate(row.next_offset, Mark(row.proof_offset, row.proof_timestamp))
    return Coordinate(
        row.next_offset, None if row.last_timestamp is None else Mark(row.next_offset - 1, row.last_timestamp)
    )


async def _with_actions(asked: Asked, alerts: list[Alert], places: Mapping[Partition, Coordinate]) -> list[Story]:
    stored = {number: place.next for (topic, number), place in places.items() if topic == ALERT_ACTIONS}
    actions: defaultdict[str, list[AlertAction]] = defaultdict(list)
    for row in await asked.rows(SQL["counting_actions"], [alert.alert_id for alert in alerts]):
        action = _action(row)
        if action is not None:
            actions[row["alert_id"]].append(action)
    return [Story(alert, tuple(actions[alert.alert_id]), stored) for alert in alerts]


def _alert(data: Any) -> Alert | None:
    try:
        return Alert.model_validate_json(orjson.dumps(data))
    except ValidationError:  # of an older release
        return None


def _action(row: Any) -> AlertAction | None:
    """An action from its row."""
    fields = {name: row[name] for name in AlertAction.model_fields if name != "alert"}
    summary = None
    if row["alert_id"] is not None:
        fields_of_summary = {name: row[name] for name in AlertSummary.model_fields if name != "revision"}
        summary = {**fields_of_summary, "revision": row["alert_revision"]}
    try:
        return AlertAction.model_validate({**fields, "alert": summary}, strict=False)
    except ValidationError:
        return None
