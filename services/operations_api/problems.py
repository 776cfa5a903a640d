"""Answers of trouble: `application/problem+json` (RFC 9457), one form for every status, documented at each route."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from services.operations_api.errors import ProblemError

MEDIA_TYPE: Final = "application/problem+json"
_EVERYWHERE: Final = (401, 403, 422, 429, 503)
_MEANINGS: Final[Mapping[int, str]] = {
    400: "The body is no JSON.",
    401: "No key or session, or one that is wrong, revoked or over.",
    403: "The role may not, or a write of a session lacks its token.",
    404: "There is no such thing.",
    409: "Somebody else acted first; `alert` is how it now stands. Nothing was changed.",
    413: "The body is larger than 64 KiB.",
    422: "The request does not say what it must; `faults` names each field.",
    429: "More than one may ask; `Retry-After` says when to come again.",
    503: "The API is still reading, or Kafka or the database does not answer; `Retry-After` says when to come again.",
}
_MODELS: Final[Mapping[int, str]] = {409: "OvertakenProblem", 422: "InvalidRequest"}


class ProblemResponse(Response):
    """A problem as the answer."""

    media_type = MEDIA_TYPE


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route: what every route may answer, and these."""
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{_MODELS.get(status, 'Problem')}"}}},
        }
        for status in sorted({*_EVERYWHERE, *statuses})
    }


def problem_body(
    request: Request, status: int, *, kind: str, title: str, detail: str, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The body of a problem."""
    return {
        "type": f"/problems/{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "request_id": request_id(request),
        **(more or {}),
    }


def request_id(request: Request) -> str:
    """Id of a request, given by the middleware."""
    known: str = getattr(request.state, "request_id", "")
    return known


def _respond(body: dict[str, Any], headers: Mapping[str, str] | None = None) -> ProblemResponse:
    return ProblemResponse(orjson.dumps(body), body["status"], headers)


def _known_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    request.state.detail = error.detail
    body = problem_body(request, error.status, kind=error.kind, title=error.title, detail=error.detail, more=error.more)
    return _respond(body, error.headers)


def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [{"where": ".".join(str(part) for part in each["loc"]), "what": each["msg"]} for each in error.errors()]
    detail = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults[:5])
    request.state.detail = detail
    title = "Not as the contract says"
    body = problem_body(request, 422, kind="invalid", title=title, detail=detail, more={"faults": faults})
    return _respond(body)


def _of_framework(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods_of(request)))
    title = HTTPStatus(error.status_code).phrase
    kind = title.lower().replace(" ", "-")
    detail = f"{request.method} {request.url.path}: {title.lower()}; /docs/ shows what there is."
    return _respond(problem_body(request, error.status_code, kind=kind, title=title, detail=detail), headers)


def _methods_of(request: Request) -> set[str]:
    """Methods that the path knows, over all its routes."""
    found: set[str] = set()
    for route in request.app.routes:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            found |= getattr(route, "methods", None) or set()
    return found


def install(app: FastAPI) -> None:
    """Let the application answer all trouble as problems."""
    app.add_exception_handler(ProblemError, _known_problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_framework)
