"""Reads CloudEvents that the platform writes, as strictly as its own contract: the other side of the renderings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import orjson
from pydantic import ValidationError

from schemas.alert import Alert
from schemas.alert_action import AlertAction
from services.alert_life.renderings.cloudevents import ACTION_SCHEMA, ALERT_SCHEMA, PREFIX, SPEC_VERSION, event_id

_MODELS: Final[Mapping[str, type[Alert | AlertAction]]] = MappingProxyType(
    {ALERT_SCHEMA: Alert, ACTION_SCHEMA: AlertAction}
)
_CORE: Final = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema")
_REQUIRED: Final = ("specversion", "id", "source", "type")
_NAME: Final = re.compile(r"[a-z0-9]+")
_ESCAPES: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


class NotACloudEvent(ValueError):
    """These bytes are no CloudEvent of this platform; the message says which attribute or field is wrong."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """A CloudEvent that was read."""

    id: str
    source: str
    type: str
    subject: str | None
    time: datetime | None
    extensions: Mapping[str, str]
    """All other attributes, those that nobody knows included."""
    data: Alert | AlertAction

    @property
    def exercise(self) -> bool:
        """Whether it is to be treated as a drill."""
        return self.extensions.get("exercise") == "true"


def parse_structured(body: bytes) -> CloudEvent:
    """Read what `structured` writes; attributes that nobody knows are kept.

    Raises:
        NotACloudEvent: it is something else.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotACloudEvent(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict) or "data" not in document:
        raise NotACloudEvent("the body is not a JSON object with a member `data`")
    data = document.pop("data")
    return _event({name: _said(name, value) for name, value in document.items() if value is not None}, data)


def parse_binary(headers: Mapping[str, str], body: bytes) -> CloudEvent:
    """Read what `binary` writes; names of headers in any case, other headers are passed over.

    Raises:
        NotACloudEvent: it is something else.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    found = {name[len(PREFIX) :]: _decoded(value) for name, value in lower.items() if name.startswith(PREFIX)}
    if "content-type" in lower:
        found["datacontenttype"] = lower["content-type"]
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotACloudEvent(f"the body is not JSON: {error}") from None
    return _event(found, data)


def _said(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise NotACloudEvent(f"the attribute '{name[:40]}' is neither text nor a whole number nor a truth value")


def _decoded(value: str) -> str:
    def unescaped(match: re.Match[str]) -> str:
        return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", errors="replace")

    return _ESCAPES.sub(unescaped, value)


def _event(found: Mapping[str, str], data: Any) -> CloudEvent:
    missing = [name for name in _REQUIRED if not found.get(name)]
    if missing:
        raise NotACloudEvent(f"the attribute '{missing[0]}' is missing")
    if found["specversion"] != SPEC_VERSION:
        raise NotACloudEvent(f"CloudEvents {found['specversion'][:20]} is not {SPEC_VERSION}")
    misnamed = [name for name in found if not _NAME.fullmatch(name)]
    if misnamed:
        raise NotACloudEvent(f"'{misnamed[0][:40]}' is no name of an attribute: small letters and digits only")
    read = _data(found.get("dataschema"), data)
    if found["id"] != event_id(read):
        raise NotACloudEvent(f"the id '{found['id'][:80]}' is not that of the data, {event_id(read)}")
    return CloudEvent(
        id=found["id"],
        source=found["source"],
        type=found["type"],
        subject=found.get("subject"),
        time=_time(found.get("time")),
        extensions={name: value for name, value in found.items() if name not in _CORE},
        data=read,
    )


def _data(schema: str | None, data: Any) -> Alert | AlertAction:
    model = _MODELS.get(schema or (ACTION_SCHEMA if isinstance(data, dict) and "action_id" in data else ALERT_SCHEMA))
    if model is None:
        raise NotACloudEvent(f"data of the schema '{(schema or '')[:80]}' are not of this platform")
    try:
        return model.model_validate_json(orjson.dumps(data))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise NotACloudEvent(f"the data do not follow {model.__name__}: {where}: {first['msg']}") from None


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise NotACloudEvent(f"'{text[:40]}' is no RFC 3339 time") from None
    if found.tzinfo is None:
        raise NotACloudEvent(f"the time '{text[:40]}' says no offset")
    return found
