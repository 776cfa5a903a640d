"""Events of alerts and actions of people, told to the sink, and when they were stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import date, datetime
from typing import Any

from schemas.alert import Alert, AlertEventType, AlertText, Severity, alert_id
from schemas.alert_action import ActionKind, Actor, AlertAction, AlertSummary, action_id_of
from schemas.fields import Feed
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource
from services.read_model.paging import Page
from services.timescale_sink.outcome import Outcome
from services.timescale_sink.takers import take_actions, take_alerts
from tests.integration.alert_histories import RULE, Record

Tell = Callable[..., Awaitable[None]]
"""Tells the sink of events and actions, in their order."""

E = AlertEventType
LIMIT = Threshold(
    id="water.class", value=3, unit="class", comparator=Comparator.LE,
    source=ThresholdSource(kind=SourceKind.PLAN, id="p", version="1", where="page 31", valid_from=date(2021, 1, 1)),
)  # fmt: skip


def an_alert(at: datetime, *, lane: str, name: str = "a", revision: int = 0, event: E = E.RAISED, **more: Any) -> Alert:
    asset_id = more.pop("asset", "xihu")
    known: dict[str, Any] = {
        "alert_id": alert_id(RULE, asset_id, lane, name), "revision": revision, "event": event, "rule": RULE,
        "feed": Feed.WATER, "lane": lane, "asset": asset_id, "place": "西湖",
        "severity": Severity.YELLOW, "started_at": at, "raised_at": at, "observed_value": 4.0, "observed_unit": "class",
        "threshold": LIMIT, "evidence": None, "text": AlertText(zh="劣于目标", en="worse than target"),
    }  # fmt: skip
    return Alert(**known | more)


def an_action(of: Alert, kind: ActionKind, at: datetime, seen: int | None = None, **more: Any) -> AlertAction:
    known: dict[str, Any] = {
        "action_id": action_id_of(of.alert_id, kind, str(seen), str(more)), "kind": kind, "at": at,
        "actor": Actor.PERSON, "by": "op-1", "by_name": "王", "lane": of.lane, "asset": of.asset,
        "alert": AlertSummary.of(of), "seen": seen,
    }  # fmt: skip
    return AlertAction(**known | more)


async def all_pages(page: Callable[[str | None], Awaitable[Page[Any]]]) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = None
    while True:
        got = await page(cursor)
        found += got.items
        cursor = got.next_cursor
        if cursor is None:
            return found


async def tell(owner: Any, events: Iterable[Alert | AlertAction]) -> None:
    """Write them as the sink does."""
    for offset, event in enumerate(events):
        record: Any = Record(event.model_dump_json().encode(), offset=offset)
        outcome = Outcome()
        taker = take_alerts if isinstance(event, Alert) else take_actions
        await taker(owner, [record], outcome, isolating=False)
        assert not outcome.refused, outcome.refused


async def move_events(owner: Any, stored_at: Iterable[tuple[str, datetime]]) -> None:
    """Say when events (by id) were stored."""
    for event_id, at in stored_at:
        await owner.execute("UPDATE alert_events SET stored_at = $2 WHERE event_id = $1", event_id, at)
