"""The few paths of Grafana's HTTP API that a push uses, kept in memory: what is sent is what is found again.

As a server does it: ids and versions are its own, a secret is never given back, an unknown token is refused, and a role
that only views may not write.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

ADMIN, VIEWER = "admin-token", "viewer-token"


@dataclass
class Kept:
    """What the server holds."""

    datasources: dict[str, dict[str, Any]] = field(default_factory=dict)
    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    boards: dict[str, dict[str, Any]] = field(default_factory=dict)
    passwords: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    broken: bool = False
    """Answers 500."""


class _Handler(BaseHTTPRequestHandler):
    kept: Kept

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""

    def _serve(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        status, answer = self._answer(method, urlsplit(self.path).path, json.loads(body) if body else {}, token)
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _answer(self, method: str, path: str, body: Any, token: str) -> tuple[int, Any]:  # noqa: PLR0911 - one answer a path
        if self.kept.broken:
            return 500, {"message": "database is locked"}
        if token not in {ADMIN, VIEWER}:
            return 401, {"message": "Invalid API key"}
        if method != "GET":
            if token != ADMIN:
                return 403, {"message": "Access denied"}
            self.kept.writes.append(f"{method} {path}")
        parts = path.removeprefix("/api/").split("/")
        match method, parts:
            case "GET", ["search"]:
                return 200, [
                    {"uid": uid, "title": each["dashboard"]["title"], "folderUid": each["folderUid"], "type": "dash-db"}
                    for uid, each in self.kept.boards.items()
                ]
            case _, ["datasources", *rest]:
                return self._datasource(method, rest, body)
            case _, ["folders", *rest]:
                return self._folder(method, rest, body)
            case _, ["dashboards", *rest]:
                return self._board(method, rest, body)
        return 404, {"message": f"not found: {method} {path}"}

    def _datasource(self, method: str, rest: list[str], body: Any) -> tuple[int, Any]:
        if method == "GET":
            known = self.kept.datasources.get(rest[-1])
            return (200, known) if known else (404, {"message": "Data source not found"})
        self.kept.passwords.append(body.pop("secureJsonData")["password"])
        self.kept.datasources[body["uid"]] = {"id": 7, "readOnly": False, **body}
        return 200, {"message": "ok", "datasource": self.kept.datasources[body["uid"]]}

    def _folder(self, method: str, rest: list[str], body: Any) -> tuple[int, Any]:
        if method == "GET":
            known = self.kept.folders.get(rest[-1])
            return (200, known) if known else (404, {"message": "folder not found"})
        uid = body.get("uid") or rest[-1]
        self.kept.folders[uid] = {"id": 3, "version": 1, "uid": uid, "title": body["title"]}
        return 200, self.kept.folders[uid]

    def _board(self, method: str, rest: list[str], body: Any) -> tuple[int, Any]:
        if method == "POST":
            board = {**body["dashboard"], "id": 11, "version": 4}
            self.kept.boards[board["uid"]] = {"dashboard": board, "folderUid": body["folderUid"]}
            return 200, {"status": "success", "uid": board["uid"]}
        known = self.kept.boards.get(rest[-1])
        if known is None:
            return 404, {"message": "Dashboard not found"}
        if method == "DELETE":
            del self.kept.boards[rest[-1]]
            return 200, {"title": known["dashboard"]["title"]}
        return 200, {"dashboard": known["dashboard"], "meta": {"folderUid": known["folderUid"], "provisioned": False}}


@contextmanager
def grafana() -> Iterator[tuple[str, Kept]]:
    """Run one on loopback; yields its address and what it holds."""
    kept = Kept()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"kept": kept}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
