"""Health and metrics over HTTP: `/healthz` says in words what is wrong, `/readyz` whether it works at all.

A service that works with trouble (a document that is not usable, readings that were lost) is ready and not healthy:
starting it again would not help. `/metrics` is Prometheus text.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.runtime.settings import ServiceSettings


class Health:
    """What each part of a service says of itself; healthy when no part reports trouble."""

    def __init__(self) -> None:
        self._trouble: dict[str, str] = {}
        self._remarks: dict[str, str] = {}
        self._ready = False

    def ready(self) -> None:
        """The service does its work now."""
        self._ready = True

    @property
    def is_ready(self) -> bool:
        """Whether the service does its work, with or without trouble."""
        return self._ready

    def trouble(self, part: str, what: str) -> None:
        """`part` cannot work just now, because of `what`."""
        self._trouble[part] = what

    def well(self, part: str) -> None:
        """`part` works again."""
        self._trouble.pop(part, None)

    def remark(self, part: str, what: str) -> None:
        """Something that the operator should know of `part`, though it works."""
        self._remarks[part] = what

    def report(self) -> tuple[int, dict[str, object]]:
        """HTTP status and body."""
        state = "starting" if not self._ready else "degraded" if self._trouble else "ok"
        body: dict[str, object] = {"state": state, "trouble": dict(self._trouble)}
        if self._remarks:
            body["remarks"] = dict(self._remarks)
        return (200 if state == "ok" else 503), body


async def _answer(health: Health, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        request = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
        path = request.split(b" ")[1] if request.count(b" ") >= 2 else b""
        if path.startswith(b"/metrics"):
            status, kind, body = 200, CONTENT_TYPE_LATEST, generate_latest()
        elif path.startswith(b"/healthz"):
            status, report = health.report()
            kind, body = "application/json", json.dumps(report, ensure_ascii=False).encode()
        elif path.startswith(b"/readyz"):
            status, kind, body = (
                (200 if health.is_ready else 503),
                "text/plain",
                b"ready\n" if health.is_ready else b"starting\n",
            )
        else:
            status, kind, body = 404, "text/plain", b"/metrics, /healthz or /readyz\n"
        head = f"HTTP/1.0 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
    except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        return
    finally:
        writer.close()


@asynccontextmanager
async def serve_health(settings: ServiceSettings, health: Health) -> AsyncIterator[None]:
    """Answer on the metrics port while the block runs; nothing when no port is set."""
    if settings.metrics_port is None:
        yield
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(health, reader, writer)

    server = await asyncio.start_server(answer, settings.metrics_host, settings.metrics_port)
    try:
        yield
    finally:
        server.close()
