"""What the city brain reads of an event: as little as it needs, so that what is added later disturbs nothing. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import unquote

from simulators.citybrain.errors import Refused

STRUCTURED: Final = "application/cloudevents+json"
_ACTION_SCHEMA: Final = "urn:jianghan:schemas:alert-action"
_PREFIX: Final = "cn.jianghan.district.alert."
_REVISIONS: Final = frozenset(
    f"{_PREFIX}{what}"
    for what in ("raised", "updated", "escalated", "acknowledged", "resolved", "amended", "retracted")
)
_REQUIRED: Final = ("specversion", "id", "source", "type")


class Kind(StrEnum):
    """What an event tells."""

    ALERT = "alert"
    """The state of an alert after a revision."""
    ACTION = "action"
    """What somebody did about it."""
    UNKNOWN = "unknown"
    """Something that this consumer does not know: it is kept and changes nothing."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event."""

    id: str
    kind: Kind
    what: str
    """`raised`, `resolved`, `acknowledged`, …"""
    alert_id: str | None
    revision: int | None
    severity: str | None
    place: str
    over: bool
    """Whether the alert has ended by this."""
    exercise: bool


def read_event(headers: Mapping[str, str], body: bytes) -> Event:
    """An event of either mode.

    Args:
        headers: Names in small letters.

    Raises:
        Refused: 400 or 415; it is no CloudEvent.
    """
    attributes, data = _parts(headers, body)
    missing = [name for name in _REQUIRED if not attributes.get(name)]
    if missing or not isinstance(data, dict):
        raise Refused(400, f"no CloudEvent with a JSON object: {missing[0] if missing else 'data'} is missing")
    if attributes["specversion"] != "1.0":
        raise Refused(400, "CloudEvents 1.0 is understood here")
    what = str(attributes["type"])
    about = data.get("alert") if attributes.get("dataschema") == _ACTION_SCHEMA else data
    about = about if isinstance(about, dict) else {}
    return Event(
        id=str(attributes["id"]),
        kind=_kind(what, attributes, about),
        what=what.removeprefix(_PREFIX),
        alert_id=_text(about.get("alert_id")),
        revision=about.get("revision") if isinstance(about.get("revision"), int) else None,
        severity=_text(about.get("severity")),
        place=_text(about.get("place")) or "",
        over=about.get("ended_at") is not None or what == f"{_PREFIX}retracted",
        exercise=attributes.get("exercise") == "true",
    )


def _kind(what: str, attributes: Mapping[str, Any], about: Mapping[str, Any]) -> Kind:
    if attributes.get("dataschema") == _ACTION_SCHEMA:
        return Kind.ACTION
    is_alert = what in _REVISIONS and isinstance(about.get("revision"), int) and "alert_id" in about
    return Kind.ALERT if is_alert else Kind.UNKNOWN


def _parts(headers: Mapping[str, str], body: bytes) -> tuple[dict[str, Any], Any]:
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        document = json.loads(body)
    except ValueError:
        raise Refused(400, "the body is not JSON") from None
    if content_type == STRUCTURED:
        if not isinstance(document, dict):
            raise Refused(400, "the body is no JSON object")
        return document, document.get("data")
    if content_type == "application/json" and "ce-id" in headers:
        named = {name.removeprefix("ce-"): value for name, value in headers.items() if name.startswith("ce-")}
        return {name: unquote(value) for name, value in named.items()}, document
    raise Refused(415, f"{STRUCTURED}, or application/json with ce- headers, is understood here")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
