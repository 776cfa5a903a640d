"""What is no part of the contract: health, metrics, documents, the pages of the map."""

from __future__ import annotations

from typing import Final

import orjson
from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import RedirectResponse, Response

from services.operations_api.errors import NotThere
from services.operations_api.parts import Given
from services.operations_api.static_files import INDEX, StaticFile

router: Final = APIRouter(include_in_schema=False)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


@router.get("/healthz")
async def healthz(given: Given) -> Response:
    """Say what is wrong, if anything is."""
    status, body = given.health.report()
    return Response(orjson.dumps(body), status, media_type="application/json")


@router.get("/readyz")
async def readyz(given: Given) -> Response:
    """Say whether the service works at all."""
    is_ready = given.health.is_ready
    return Response("ready\n" if is_ready else "starting\n", 200 if is_ready else 503, media_type="text/plain")


@router.get("/metrics")
async def numbers(request: Request) -> Response:
    """Give the figures of the service, to this machine alone."""
    if request.client is None or request.client.host not in _LOOPBACK:
        raise NotThere("Metrics are for this machine alone.")
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """Give the contract."""
    return Response(orjson.dumps(request.app.openapi()), media_type="application/json")


@router.get("/docs")
async def to_documents() -> Response:
    """Lead to the documents."""
    return RedirectResponse("/docs/", 308)


@router.get("/docs/")
@router.get("/docs/{path:path}")
async def documents(given: Given, request: Request, path: str = "") -> Response:
    """Show the contracts of HTTP, and below `asyncapi/` those of MQTT and Kafka."""
    found = given.documents.get(f"{path}{INDEX}" if path in {"", "asyncapi/"} else path)
    if found is None:
        raise NotThere("There is no such document: /docs/ and /docs/asyncapi/ are.")
    return _file(request, found)


@router.get("/")
@router.get("/map/")
@router.get("/map/{rest:path}")
async def page(given: Given, request: Request, rest: str = "") -> Response:
    """Show the one map; what follows the path is for the page itself."""
    del rest
    return _file(request, given.static.get(INDEX))


@router.get("/map")
async def to_page() -> Response:
    """Lead to the map."""
    return RedirectResponse("/map/", 308)


@router.get("/static/{path:path}")
async def file(given: Given, request: Request, path: str) -> Response:
    """Give a file of the map."""
    if not len(given.static):
        return _file(request, None)
    found = given.static.get(path)
    if found is None:
        raise NotThere("The map has no such file.")
    return _file(request, found)


def _file(request: Request, found: StaticFile | None) -> Response:
    if found is None:
        raise NotThere("The map was not built: see services/operations_api/web.")
    headers = {"ETag": found.etag, "Cache-Control": "no-cache"}
    if found.etag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=found.media_type, headers=headers)
