"""Alerts, actions and askers for tests of the operations API, and a client that speaks ASGI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.alert import Alert, AlertEventType, AlertText, Severity, alert_id
from schemas.alert_action import ActionKind, Actor, AlertAction, AlertSummary, SilenceScope, action_id_of
from schemas.fields import LIVE, Feed
from schemas.verdict import Comparator, Evidence, SourceKind, Threshold, ThresholdSource

START = datetime(2026, 7, 1, 8, tzinfo=UTC)
SOURCE = ThresholdSource(kind=SourceKind.POLICY, id="parking", version="1", where="owner", valid_from=START.date())
SCRIPT = "<script>alert(1)</script>"


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def alert(number: int = 0, revision: int = 0, **more: Any) -> Alert:
    """An alert of a car park of its own number; later revisions are updates unless said otherwise."""
    asset = more.get("asset", f"lot-{number}")
    fields: dict[str, Any] = {
        "alert_id": alert_id("parking.full", asset, more.get("lane", LIVE), str(number)),
        "revision": revision,
        "event": AlertEventType.RAISED if revision == 0 else AlertEventType.UPDATED,
        "rule": "parking.full",
        "feed": Feed.PARKING,
        "lane": LIVE,
        "asset": asset,
        "place": f"Lot {number}",
        "severity": Severity.YELLOW,
        "started_at": at(number),
        "raised_at": at(number + 1),
        "ended_at": None,
        "observed_value": 1.0,
        "observed_unit": "1",
        "threshold": Threshold(id="parking.full", value=1.0, unit="1", comparator=Comparator.LT, source=SOURCE),
        "evidence": Evidence(topic="readings.parking", partition=0, offsets=(1, 2)),
        "text": AlertText(zh="满", en="full"),
    }
    return Alert(**fields | more)


def resolved(number: int = 0, revision: int = 1, minutes: float = 60, **more: Any) -> Alert:
    """The end of an alert."""
    return alert(number, revision, event=AlertEventType.RESOLVED, ended_at=at(minutes), **more)


def action(kind: ActionKind, of: Alert, name: str, *, seen: int | None = None, by: str = "wang") -> AlertAction:
    """An action; its id follows from its name."""
    return AlertAction(
        action_id=action_id_of(of.alert_id, name),
        kind=kind,
        at=at(2),
        actor=Actor.CONSUMER if kind is ActionKind.RECEIVE else Actor.PERSON,
        by=by,
        by_name=by.title(),
        lane=of.lane,
        asset=of.asset,
        alert=AlertSummary.of(of, zone="zone-1"),
        seen=seen,
        assignee="Li" if kind is ActionKind.ASSIGN else None,
        words="because" if kind in (ActionKind.CLOSE, ActionKind.COMMENT) else "",
    )


def silence(place: str, name: str, until: datetime, scope: SilenceScope = SilenceScope.ASSET) -> AlertAction:
    """A silence."""
    return AlertAction(
        action_id=action_id_of(place, name),
        kind=ActionKind.SILENCE,
        at=at(0),
        actor=Actor.PERSON,
        by="wang",
        lane=LIVE,
        asset=place,
        scope=scope,
        until=until,
        words="works",
    )


@dataclass
class Answer:
    """What an application answered."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: Any,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    client: str = "127.0.0.1",
) -> Answer:
    """Ask an ASGI application once."""
    raw_path, _, query = path.partition("?")
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"host": "127.0.0.1:8600", "content-length": str(len(content))}
    if body is not None:
        sent["content-type"] = "application/json"
    sent |= {name.lower(): value for name, value in (headers or {}).items()}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": raw_path,
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()],
        "client": (client, 50_000),
        "server": ("127.0.0.1", 8600),
    }
    answer, messages = Answer(), [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")

    await app(scope, receive, send)
    return answer
