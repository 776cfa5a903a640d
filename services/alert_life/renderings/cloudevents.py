"""An event as a CloudEvent 1.0 over HTTP: structured mode (one JSON object) and binary mode (`ce-` headers).

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
from typing import Final

import orjson

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

_HEADER_SAFE: Final = re.compile(r"[\x21\x23\x24\x26-\x7E]+")
"""What needs no percent-encoding in a header: printable ASCII but space, double quote and percent sign."""


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
