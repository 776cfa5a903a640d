"""The operations API as the page sees it, in a thread: for tests of the page alone, with what the real one seldom does.

It drops streams, overtakes, answers late or not at all, when it is told to. What the page and the real API do together
is proved in `tests/end_to_end/test_one_map.py`.
"""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from tests.browser.answers import day_of, feed_row, layers_of, me_row, problem, story_of
from tests.browser.district_rows import Row, alert_row, asset_rows, iso, target_rows
from tests.browser.stand_in_http import StandInServer

END: Final = None
"""Ends a stream."""


@dataclass
class StandIn:
    """What it knows, and what it is told to do."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    alerts: dict[str, Row] = field(default_factory=dict)
    assets: list[Row] = field(default_factory=list)
    targets: list[Row] = field(default_factory=target_rows)
    figures: list[Row] = field(default_factory=list)
    """Figures that people entered, every revision."""
    layers: dict[str, Row] = field(default_factory=dict)
    may: tuple[str, ...] = ("read", "read-alerts", "act")
    role: str = "operator"
    signed_in: bool = True
    away: bool = False
    """Streams are cut and nothing is answered."""
    actions_lost: int = 0
    """So many actions are taken and their answer is lost."""
    overtake: Row | None = None
    """The alert as somebody else has changed it: the next action is answered 409 with it."""
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    """Requests: method, path, body."""
    keys: dict[str, Row] = field(default_factory=dict)
    """Actions by their idempotency key."""
    _streams: list[queue.Queue[str | None]] = field(default_factory=list)
    _events: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.assets = self.assets or asset_rows(self.now)
        self.layers = self.layers or layers_of(self.now)
        self._server = StandInServer(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self.drop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # ---- what a test does

    def add_alerts(self, *numbers: int, **more: Any) -> list[Row]:
        rows = [alert_row(number, self.now, **more) for number in numbers]
        self.alerts |= {row["alert_id"]: row for row in rows}
        for row in rows:
            self.mark_asset(row)
        return rows

    def mark_asset(self, alert: Row) -> None:
        for asset in self.assets:
            if asset["asset_id"] == alert["asset"]:
                asset |= {"alert_severity": alert["severity"], "open_alerts": 1}

    def push_alert(self, row: Row) -> None:
        with self._lock:
            self.alerts[row["alert_id"]] = row
        self.push("alert", row)

    def push(self, event: str, data: Any) -> None:
        with self._lock:
            self._events += 1
            text = f"id: b-{self._events}\nevent: {event}\ndata: {json.dumps(data)}\n\n"
            for stream in self._streams:
                stream.put(text)

    def drop(self) -> None:
        """Cut every stream in the middle of an event."""
        with self._lock:
            for stream in self._streams:
                stream.put("event: alert\ndata: {")
                stream.put(END)
            self._streams.clear()

    @property
    def listeners(self) -> int:
        return len(self._streams)

    def sent(self, method: str, path: str) -> list[Any]:
        return [body for sent, where, body in self.asked if sent == method and where.startswith(path)]

    # ---- what it answers

    def me(self) -> Row:
        return me_row(self.role, self.may)

    def listen(self, last_id: str | None) -> queue.Queue[str | None]:
        with self._lock:
            stream: queue.Queue[str | None] = queue.Queue()
            if last_id is not None:
                self._events += 1
                reset = json.dumps({"reason": "the stand-in keeps no events"})
                stream.put(f"id: b-{self._events}\nevent: reset\ndata: {reset}\n\n")
            self._streams.append(stream)
            return stream

    def act(self, alert_id: str, body: Row, key: str) -> tuple[int, Row]:
        with self._lock:
            if key in self.keys:
                return 201, {"action": self.keys[key], "alert": self.alerts[alert_id]}
            if self.overtake is not None:
                row, self.overtake = self.overtake, None
                self.alerts[alert_id] = row
                return 409, {
                    "type": "/problems/overtaken",
                    "title": "Overtaken",
                    "status": 409,
                    "detail": "first",
                    "alert": row,
                }
            row = dict(self.alerts[alert_id])
            mark = {"at": iso(datetime.now(UTC)), "by": "li", "by_name": "Li Wei", "words": body.get("words", "")}
            match body["kind"]:
                case "acknowledge":
                    row |= {"standing": "acknowledged", "acknowledged": mark, "seen": row["seen"] + 1}
                case "assign":
                    taken = row["acknowledged"] or mark
                    row |= {"standing": "acknowledged", "acknowledged": taken, "assignee": body["assignee"]}
                    row["seen"] += 1
                case "close":
                    row |= {"standing": "closed", "closed": mark, "seen": row["seen"] + 1}
            self.keys[key] = {"action_id": key, "kind": body["kind"], **mark, "assignee": body.get("assignee")}
        self.push_alert(row)
        return 201, {"action": self.keys[key], "alert": row}

    def get(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        known: dict[str, Any] = {
            "me": self.me(),
            "assets": {"items": self.assets, "known_at": iso(self.now)},
            "targets": {"items": self.targets, "as_of": query.get("as_of")},
            "feeds": {"items": [feed_row(feed) for feed in ("ev", "water", "parking")], "platform_alerts": 0},
            "silences": {"items": []},
            "target-figures": {"items": [each for each in self.figures if each["target"] == query.get("target")]},
            "indicators": {"items": [], "next_cursor": None, "as_of": None},
        }
        if path in known:
            return 200, known[path]
        if path == "alerts":
            return 200, {"items": self._listed(query), "next_cursor": None, "complete": True}
        if path.startswith("layers/"):
            return 200, self.layers[path.removeprefix("layers/")]
        if path.startswith("alerts/"):
            row = self.alerts.get(path.removeprefix("alerts/"))
            return (404, problem(404)) if row is None else (200, row | story_of(row))
        if path.startswith("assets/"):
            return self._asset(path.removeprefix("assets/").split("/"))
        return 404, problem(404)

    def _listed(self, query: dict[str, str]) -> list[Row]:
        wanted = query.get("standing", "open,acknowledged").split(",")
        rows = [row for row in self.alerts.values() if row["standing"] in wanted]
        if as_of := query.get("as_of"):
            rows = [row for row in rows if row["raised_at"] <= as_of]
        return rows

    def _asset(self, parts: list[str]) -> tuple[int, Any]:
        kind, asset_id, *rest = parts
        asset = next((each for each in self.assets if (each["kind"], each["asset_id"]) == (kind, asset_id)), None)
        if asset is None:
            return 404, problem(404)
        if rest == ["day"]:
            return 200, day_of(asset, self.now)
        if rest == ["alerts"]:
            rows = [row for row in self.alerts.values() if row["asset"] == asset_id]
            return 200, {"items": rows, "next_cursor": None, "complete": True}
        return 200, asset | {"device_ids": [asset_id], "grafana_url": "http://127.0.0.1:23000/d/jianghan-water"}
