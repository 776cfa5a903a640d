"""An event as a CloudEvent 1.0 over HTTP: structured mode (one JSON object) and binary mode (`ce-` headers), and back.

    attribute        of an alert event              of an action
    id               alert id and revision          action id
    type             …alert.raised, .resolved …     …alert.acknowledged, .commented …
    dataschema       ALERT_SCHEMA                   ACTION_SCHEMA
    subject, time    asset, event time              asset, when it was taken
    lane             of both
    severity, feed   of both; an action has its alert's, a silence has none
    exercise         "true" of exercises; absent of everything else
    sequence         the revision in ten digits     absent

`…alert.escalated` and `…alert.acknowledged` are said by processors and by people: `dataschema` tells which data it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import orjson
from pydantic import ValidationError

from schemas.alert import CONTENT_TYPE, SOURCE, TYPE_PREFIX, Alert
from schemas.alert_action import SOURCE as ACTION_SOURCE
from schemas.alert_action import Actor, AlertAction

STRUCTURED_TYPE: Final = "application/cloudevents+json"
ALERT_SCHEMA: Final = "urn:jianghan:schemas:alert"
ACTION_SCHEMA: Final = "urn:jianghan:schemas:alert-action"
PREFIX: Final = "ce-"
SPEC_VERSION: Final = "1.0"
SEQUENCE_DIGITS: Final = 10
"""Texts of one length sort as their numbers do, which the extension `sequence` asks for."""

_MODELS: Final[Mapping[str, type[Alert | AlertAction]]] = MappingProxyType(
    {ALERT_SCHEMA: Alert, ACTION_SCHEMA: AlertAction}
)
_CORE: Final = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema")
_REQUIRED: Final = ("specversion", "id", "source", "type")
_NAME: Final = re.compile(r"[a-z0-9]+")
_HEADER_SAFE: Final = re.compile(r"[\x21\x23\x24\x26-\x7E]+")
"""What needs no percent-encoding in a header: printable ASCII but space, double quote and percent sign."""
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


def event_id(event: Alert | AlertAction) -> str:
    """CloudEvents `id`: the same event has the same one wherever and however often it is said."""
    return event.event_id if isinstance(event, Alert) else event.action_id


def source_of(event: Alert | AlertAction) -> str:
    """CloudEvents `source` when the record's own is not at hand."""
    if isinstance(event, Alert):
        return "/jianghan/timescale_sink" if event.rule.startswith("platform.") else SOURCE
    return f"/jianghan/{event.by}" if event.actor is Actor.PLATFORM else ACTION_SOURCE


def attributes(event: Alert | AlertAction, source: str | None = None) -> dict[str, str]:
    """Every attribute of an event by name.

    Args:
        source: As on the Kafka record; None: what follows from the event.
    """
    found = {
        "specversion": SPEC_VERSION,
        "id": event_id(event),
        "source": source or source_of(event),
        "type": f"{TYPE_PREFIX}{event.event}",
        "subject": event.asset,
        "time": event.event_time.isoformat().replace("+00:00", "Z"),
        "datacontenttype": CONTENT_TYPE,
        "dataschema": ALERT_SCHEMA if isinstance(event, Alert) else ACTION_SCHEMA,
        "lane": event.lane,
    }
    about = event if isinstance(event, Alert) else event.alert
    if about is not None:
        found |= {"feed": about.feed.value, "severity": about.severity.value}
    if event.lane.startswith("exercise:"):
        found["exercise"] = "true"
    if isinstance(event, Alert):
        found["sequence"] = f"{event.revision:0{SEQUENCE_DIGITS}}"
    return found


def structured(event: Alert | AlertAction, source: str | None = None) -> bytes:
    """The event as one JSON object; content type `STRUCTURED_TYPE`."""
    data = orjson.Fragment(event.model_dump_json().encode())
    return orjson.dumps({**attributes(event, source), "data": data})


def binary(event: Alert | AlertAction, source: str | None = None) -> tuple[dict[str, str], bytes]:
    """The attributes as headers, `content-type` among them, and the data as body.

    Raises:
        ValueError: an attribute does not fit into a header.
    """
    found = attributes(event, source)
    unfit = [name for name, value in found.items() if not _HEADER_SAFE.fullmatch(value)]
    if unfit:
        raise ValueError(f"the CloudEvents attribute '{unfit[0]}' has characters that no header can carry")
    content_type = found.pop("datacontenttype")
    headers = {f"{PREFIX}{name}": value for name, value in found.items()}
    return {**headers, "content-type": content_type}, event.model_dump_json().encode()


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
