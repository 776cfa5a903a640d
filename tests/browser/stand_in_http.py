"""The stand-in's side of HTTP: what it says goes out as answers and streams, the page's files as they are served."""

from __future__ import annotations

import json
import queue
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qs, urlsplit

from deploy.web.build import OUTPUT
from tests.browser.answers import CSRF, problem

if TYPE_CHECKING:
    from tests.browser.stand_in import StandIn

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TOKEN: Final = "one-time-token"
_TYPES: Final = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class StandInServer(ThreadingHTTPServer):
    """Listens on a free port of loopback."""

    daemon_threads = True

    def __init__(self, api: StandIn) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def api(self) -> StandIn:
        return cast("StandInServer", self.server).api

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        if not split.path.startswith("/api/v1/"):
            return self._file(split.path)
        path = split.path.removeprefix("/api/v1/")
        self.api.asked.append(("GET", path, query))
        if self.api.away:
            return self._cut()
        if not self.api.signed_in:
            return self._json(401, problem(401))
        if path == "stream":
            return self._stream()
        return self._json(*self.api.get(path, query))

    def do_POST(self) -> None:
        path = urlsplit(self.path).path.removeprefix("/api/v1/")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.api.asked.append(("POST", path, body))
        if self.api.away:
            return self._cut()
        if path == "session":
            self.api.signed_in = body["token"] == TOKEN
            return self._json(201, self.api.me()) if self.api.signed_in else self._json(401, problem(401))
        if self.headers["X-CSRF-Token"] != CSRF:
            return self._json(403, problem(403))
        if path == "silences":
            return self._json(201, body)
        status, answer = self.api.act(path.split("/")[1], body, self.headers["Idempotency-Key"])
        if self.api.actions_lost:
            self.api.actions_lost -= 1
            # Cut in the middle of the answer: a browser repeats by itself what was cut before it.
            self._head(status, "application/json", 1_000)
            return self._cut()
        return self._json(status, answer)

    def do_DELETE(self) -> None:
        self.api.asked.append(("DELETE", self.path.removeprefix("/api/v1/"), None))
        self.api.signed_in = False
        self._answer(204, "application/json", b"")

    def _stream(self) -> None:
        self.close_connection = True
        stream = self.api.listen(self.headers.get("Last-Event-ID"))
        self._head(200, "text/event-stream", None)
        try:
            while True:
                try:
                    text = stream.get(timeout=10)
                except queue.Empty:
                    text = ": beat\n\n"
                if text is None:
                    return
                self.wfile.write(text.encode())
                self.wfile.flush()
        except OSError:
            return

    def _file(self, path: str) -> None:
        name = path.removeprefix("/static/") if path.startswith("/static/") else "index.html"
        file = OUTPUT / Path(name).name
        if not file.is_file():
            return self._answer(404, "text/plain", b"")
        return self._answer(200, _TYPES.get(file.suffix, "application/json"), file.read_bytes())

    def _json(self, status: int, value: Any) -> None:
        self._answer(status, "application/json", json.dumps(value).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self._head(status, kind, len(body))
        self.wfile.write(body)

    def _head(self, status: int, kind: str, length: int | None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _cut(self) -> None:
        self.close_connection = True
