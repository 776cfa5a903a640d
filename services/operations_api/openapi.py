"""The OpenAPI 3.1 document: what FastAPI makes of the routes, and the models that only problems and streams use."""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.operations_api.models.alerts import AlertRow
from services.operations_api.models.shared import InvalidRequest, Problem
from services.operations_api.models.streaming import StreamEvent

VERSION: Final = "1.0.0"
TITLE: Final = "Jianghan district platform: operations API"
_REFERENCE: Final = "#/components/schemas/{model}"
DESCRIPTION: Final = """
Alerts and what people do about them, the plan and how it stands, assets, books, streams.

- JSON with snake_case names; times are RFC 3339 in UTC (`Z`); positions are WGS-84.
- Errors are `application/problem+json` (RFC 9457) with a `request_id` that leads to the logs.
- Whoever asks shows an API key (`Authorization: Bearer <key>`) or the cookie of a session; a write of a session carries
  `X-CSRF-Token` as well. The role decides what is allowed.
- Pages end in `next_cursor`; it is opaque, and null on the last page.
- Answers may gain fields; requests with unknown fields are refused.
""".strip()


class OvertakenProblem(Problem):
    """Somebody else acted first."""

    alert: AlertRow | None = None
    """The alert as it now stands."""


_MORE: Final[tuple[type[BaseModel], ...]] = (Problem, InvalidRequest, OvertakenProblem, StreamEvent)


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made once and kept."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=TITLE,
            version=VERSION,
            summary="Look, act, integrate.",
            description=DESCRIPTION,
            routes=app.routes,
            tags=app.openapi_tags,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        schemas: dict[str, Any] = made["components"]["schemas"]
        _, more = models_json_schema([(model, "serialization") for model in _MORE], ref_template=_REFERENCE)
        schemas.update({name: schema for name, schema in more["$defs"].items() if name not in schemas})
        schemas["CloudEvent"] = _CLOUD_EVENT
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        made["components"]["schemas"] = dict(sorted(schemas.items()))
        app.openapi_schema = made
    return app.openapi_schema


def text(app: FastAPI) -> str:
    """The document as it is kept in `schemas/openapi`."""
    return json.dumps(document(app), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


_CLOUD_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "title": "CloudEvent",
    "description": "CloudEvents 1.0 JSON, structured mode; `data` is an Alert or an AlertAction, see `schemas/json`.",
    "required": ["specversion", "id", "source", "type", "subject", "time", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "description": "Alert id and revision, or the id of an action."},
        "source": {"type": "string"},
        "type": {"type": "string", "description": "`cn.jianghan.district.alert.` and what happened."},
        "subject": {"type": "string", "description": "The asset."},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "data": {"type": "object"},
    },
}
