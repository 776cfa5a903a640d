"""The application: routes, problems, middleware, put together; given its parts by the composition root."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, FastAPI
from starlette.middleware.gzip import GZipMiddleware

from services.operations_api import openapi, problems
from services.operations_api.envelope import Envelope
from services.operations_api.parts import Parts
from services.operations_api.routes import (
    alerts,
    assets,
    books,
    figures,
    layers,
    maintenance,
    pages,
    plan_office,
    receipts,
    session,
    silences,
    streams,
)

PREFIX: Final = "/api/v1"
GZIP_LEAST: Final = 2_000
"""Smaller answers are not worth it."""
_TAGS: Final = {
    "session": "Who asks.",
    "alerts": "What is wrong, and what is done about it.",
    "silences": "What is not passed on for a while.",
    "integration": "For consumers of alerts.",
    "assets": "Where things are and how they are.",
    "plan": "Targets, indicators, limits in force.",
    "plan office": "Figures that people enter for targets without telemetry.",
    "maintenance": "Planned windows.",
    "map": "Layers of the one map.",
    "streams": "Server-sent events.",
    "books": "Ledger, deliveries, feeds, audit.",
}
_ROUTES: Final[tuple[APIRouter, ...]] = (
    session.router,
    alerts.router,
    silences.router,
    receipts.router,
    assets.router,
    figures.router,
    plan_office.router,
    maintenance.router,
    layers.router,
    streams.router,
    books.router,
)


class Application(FastAPI):
    """FastAPI with our document."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return openapi.document(self)


def build(parts: Parts | None = None) -> Application:
    """The application with all its routes.

    Args:
        parts: What the routes stand on; None is enough to write down the contract.
    """
    app = Application(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=[{"name": name, "description": words} for name, words in _TAGS.items()],
    )
    app.state.parts = parts
    for router in _ROUTES:
        app.include_router(router, prefix=PREFIX)
    app.include_router(pages.router)
    problems.install(app)
    if parts is not None:
        app.add_middleware(
            Envelope,
            names=parts.settings.names,
            has_tls=parts.settings.has_tls,
            now=parts.now,
            make_id=parts.make_id,
            write_audit=parts.audit.write,
        )
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_LEAST)
    return app
