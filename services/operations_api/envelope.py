"""Around every request: its id, the headers of its answer, metrics, the audit record of a write, and faults of ours.

As plain ASGI: streams pass through untouched.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.audit import UNKNOWN, AuditOutcome, AuditRecord
from services.operations_api.access import Principal
from services.operations_api.doorkeeper import SAFE
from services.operations_api.headers import NO_STORE, REQUEST_ID, REVALIDATE, SECURITY, TRANSPORT
from services.operations_api.problems import MEDIA_TYPE, problem_body
from services.runtime import metrics
from services.runtime.printable import printable

log = structlog.stdlib.get_logger()

API: Final = "/api/"
BODY_MOST: Final = 64 * 1024
"""Bytes of a request's body."""
ETAG_MOST: Final = 8 * 1024 * 1024
"""Larger answers get no ETag."""
_SUBJECT_MOST: Final = 200
_DETAIL_MOST: Final = 500
_PATH_MOST: Final = 500
_STREAM: Final = "text/event-stream"


@dataclass(slots=True)
class _Exchange:
    """One request and what is known of its answer."""

    scope: Scope
    began: float
    start: Message | None = None
    body: list[bytes] = field(default_factory=list)
    size: int = 0
    is_passing: bool = False
    """The answer goes out as it comes: a stream, or one too large for an ETag."""


class Envelope:
    """The outermost layer of ours.

    Args:
        names: Names that it may be called by, without ports; None: any.
        write_audit: Takes the record of a write before its answer goes out.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        names: frozenset[str] | None,
        has_tls: bool,
        now: Callable[[], datetime],
        make_id: Callable[[], str],
        write_audit: Callable[[AuditRecord], Awaitable[None]],
    ) -> None:
        self._app = app
        self._names = names
        self._headers = (*SECURITY, *((TRANSPORT,) if has_tls else ()))
        self._now = now
        self._make_id = make_id
        self._write_audit = write_audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = self._make_id()
        exchange = _Exchange(scope, time.perf_counter())

        async def answer(message: Message) -> None:
            await self._pass_on(exchange, message, send)

        if not self._is_called_rightly(scope):
            detail = "The service is not called by this name: see OPERATIONS_API_HOST_NAMES."
            await self._problem(exchange, answer, 400, kind="wrong-name", title="Wrong name", detail=detail)
            return
        try:
            await self._app(scope, _bounded(receive), answer)
        except Exception:
            log.exception("a request failed by a fault of the program", action="fail", path=scope["path"])
            if exchange.start is None:
                detail = "The service has a fault and has written it down under this request id."
                await self._problem(exchange, answer, 500, kind="fault", title="Internal fault", detail=detail)

    def _is_called_rightly(self, scope: Scope) -> bool:
        if self._names is None:
            return True
        host = Headers(scope=scope).get("host", "")
        name, _, port = host.rpartition(":")
        return (name if name and port.isdigit() else host).lower() in self._names

    async def _problem(
        self, exchange: _Exchange, send: Send, status: int, *, kind: str, title: str, detail: str
    ) -> None:
        exchange.scope["state"]["detail"] = detail
        body = orjson.dumps(problem_body(Request(exchange.scope), status, kind=kind, title=title, detail=detail))
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _pass_on(self, exchange: _Exchange, message: Message, send: Send) -> None:
        if message["type"] == "http.response.start":
            exchange.start = message
            await self._began(exchange)
            if not _may_have_etag(exchange):
                exchange.is_passing = True
                await send(message)
            return
        if exchange.is_passing or message["type"] != "http.response.body" or exchange.start is None:
            await send(message)
            return
        exchange.body.append(message.get("body", b""))
        exchange.size += len(exchange.body[-1])
        is_last = not message.get("more_body", False)
        if not is_last and exchange.size <= ETAG_MOST:
            return
        exchange.is_passing = True
        await _send_with_etag(exchange, send, is_last=is_last)

    async def _began(self, exchange: _Exchange) -> None:
        """See to all that has to be done before the answer goes out."""
        message = exchange.start or {}
        scope, status = exchange.scope, message["status"]
        operation = _operation(scope)
        metrics.API_REQUESTS.labels(operation or "other", f"{status // 100}xx").inc()
        metrics.API_REQUEST_SECONDS.labels(operation or "other").observe(time.perf_counter() - exchange.began)
        known = {name for name, _ in message["headers"]}
        more = [*self._headers, (REQUEST_ID, scope["state"]["request_id"].encode())]
        if scope["path"].startswith(API):
            more.append(REVALIDATE if _is_plain_read(exchange) else NO_STORE)
        message["headers"] = [*message["headers"], *(each for each in more if each[0] not in known)]
        if scope["method"] not in SAFE and scope["path"].startswith(API):
            await self._write_audit(self._record(scope, status, operation))

    def _record(self, scope: Scope, status: int, operation: str) -> AuditRecord:
        state: dict[str, Any] = scope["state"]
        principal: Principal | None = state.get("principal")
        client = scope.get("client")
        return AuditRecord(
            request_id=state["request_id"],
            at=self._now(),
            actor=UNKNOWN if principal is None else principal.id,
            actor_name="" if principal is None else principal.name,
            role=None if principal is None else principal.role,
            method=scope["method"] if scope["method"].isalpha() and scope["method"].isupper() else "OTHER",
            path=printable(scope["path"])[:_PATH_MOST],
            operation=operation,
            subject=printable(str(state.get("subject", "")))[:_SUBJECT_MOST],
            outcome=_outcome(status),
            status=status,
            detail=printable(str(state.get("detail", "")))[:_DETAIL_MOST],
            client="" if client is None else str(client[0])[:100],
        )


def _bounded(receive: Receive) -> Receive:
    """Give out no more of a body than any request may have."""
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > BODY_MOST:
            raise HTTPException(413)
        return message

    return bounded


def _outcome(status: int) -> AuditOutcome:
    if status < 400:
        return AuditOutcome.DONE
    return AuditOutcome.REFUSED if status < 500 else AuditOutcome.FAILED


def _operation(scope: Scope) -> str:
    route = scope.get("route")
    found: str | None = getattr(route, "operation_id", None)
    return found or ""


def _is_plain_read(exchange: _Exchange) -> bool:
    message = exchange.start or {}
    if exchange.scope["method"] != "GET" or message.get("status") != 200:
        return False
    kind = dict(message["headers"]).get(b"content-type", b"").decode("latin-1")
    return not kind.startswith(_STREAM)


def _may_have_etag(exchange: _Exchange) -> bool:
    message = exchange.start or {}
    has_one = any(name == b"etag" for name, _ in message["headers"])
    return exchange.scope["path"].startswith(API) and _is_plain_read(exchange) and not has_one


async def _send_with_etag(exchange: _Exchange, send: Send, *, is_last: bool) -> None:
    message, body = exchange.start or {}, b"".join(exchange.body)
    if is_last:
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = [*message["headers"], (b"etag", etag.encode())]
        if _knows(exchange.scope, etag):
            kept = [(name, value) for name, value in headers if name not in {b"content-length", b"content-type"}]
            await send({**message, "status": 304, "headers": kept})
            await send({"type": "http.response.body", "body": b""})
            return
        message = {**message, "headers": headers}
    await send(message)
    await send({"type": "http.response.body", "body": body, "more_body": not is_last})


def _knows(scope: Scope, etag: str) -> bool:
    asked = Headers(scope=scope).get("if-none-match", "")
    return any(each.strip() in {etag, "*"} for each in asked.split(","))
