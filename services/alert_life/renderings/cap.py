"""An alert event as a CAP 1.2 message, in Chinese and English (OASIS Common Alerting Protocol 1.2).

    event                            msgType   what it says
    raised                           Alert
    updated, escalated, amended      Update    replaces the message before, which it refers to
    resolved                         Update    urgency Past, response AllClear, expires when it ended
    retracted                        Cancel    there was nothing; urgency Past, response AllClear
    acknowledged, assigned (action)  Ack       of the message that the person had seen; no info block

    lane      status                 severity     CAP        colour    urgency while it lasts
    live      Actual                 I            Extreme    红 red     Immediate
    exercise  Exercise               II           Severe     橙 orange  Immediate
    replay    Test (not delivered)   III          Moderate   黄 yellow  Expected
    what-if   Test (not delivered)   IV           Minor      蓝 blue    Future

China's level and colour travel as the parameters `cn_alert_level` and `cn_alert_colour`, so that nothing is lost in the
mapping. Scope is Restricted: these alerts are for duty desks and the city brain, not for the public.

Identifiers are those of CloudEvents (alert id and revision), `sent` is the event time of the revision: the same log
gives the same message. CAP knows whole seconds; the parameters have the times in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from schemas.alert import Alert, AlertEventType, Severity
from schemas.alert_action import ActionKind, AlertAction
from schemas.fields import DISTRICT_ZONE, LIVE, Feed, Latitude, Longitude
from services.alert_life.renderings.cap_schema import NAMESPACE
from services.alert_life.renderings.cap_words import LANGUAGES, Words
from services.alert_life.renderings.cloudevents import source_of
from services.alert_life.renderings.row import row
from services.alert_life.renderings.xml_text import element

CONTENT_TYPE: Final = "application/cap+xml"
DIVISION: Final = "420103"
"""Jianghan by GB/T 2260."""

_MESSAGE_TYPES: Final = MappingProxyType(
    {AlertEventType.RAISED: "Alert", AlertEventType.RETRACTED: "Cancel"},
)
_SEVERITIES: Final = MappingProxyType(
    {Severity.RED: "Extreme", Severity.ORANGE: "Severe", Severity.YELLOW: "Moderate", Severity.BLUE: "Minor"},
)
_URGENCIES: Final = MappingProxyType(
    {Severity.RED: "Immediate", Severity.ORANGE: "Immediate", Severity.YELLOW: "Expected", Severity.BLUE: "Future"},
)
_CATEGORIES: Final = MappingProxyType(
    {Feed.EV: "Infra", Feed.WATER: "Env", Feed.PARKING: "Transport", Feed.EMERGENCY: "Health", Feed.TAX: "Other"},
)
_FORECASTS: Final = frozenset({"emergency.response_at_risk", "tax.pace_behind"})
"""Rules about what is going to be; all others say what was measured."""
_ACKNOWLEDGES: Final = frozenset({ActionKind.ACKNOWLEDGE, ActionKind.ASSIGN})
_SAID_ELSEWHERE: Final = frozenset({"event_id", "event_time", "text_zh", "text_en", "place"})
"""Columns of the row that elements of the standard hold; all others are parameters of their names."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who sends the messages."""

    web_base: str
    """Address of the operations API as consumers reach it, without a slash at its end."""
    sender: str = f"district-platform.{DIVISION}.cn"
    """CAP `sender`: no space, comma, `<` or `&`."""
    name_zh: str = "武汉市江汉区城市运行平台"
    name_en: str = "Jianghan district platform, Wuhan"


@dataclass(frozen=True, slots=True)
class Position:
    """Where the asset is, WGS-84."""

    longitude: Longitude
    latitude: Latitude


def tells(event: Alert | AlertAction) -> bool:
    """Whether CAP has a message for this event; of other actions it knows nothing."""
    return isinstance(event, Alert) or event.kind in _ACKNOWLEDGES


def message(
    event: Alert | AlertAction,
    publisher: Publisher,
    *,
    position: Position | None = None,
    source: str | None = None,
) -> bytes:
    """The event as a CAP message.

    Args:
        source: CloudEvents `source` of the record.

    Raises:
        ValueError: CAP has no message for this event: ask `tells` first.
    """
    if not tells(event):
        raise ValueError(f"CAP has no message for what has happened: {event.event}")
    if isinstance(event, AlertAction):
        return _acknowledgement(event, publisher, source)
    return _alert(event, publisher, position, source)


def moment(at: datetime) -> str:
    """A time as CAP wants it: whole seconds, the district's offset."""
    return at.astimezone(DISTRICT_ZONE).isoformat(timespec="seconds")


def map_address(publisher: Publisher, alert_id: str) -> str:
    """Where the alert is shown on the map."""
    return f"{publisher.web_base}/map/#alert={alert_id}"


def _alert(alert: Alert, publisher: Publisher, position: Position | None, source: str | None) -> bytes:
    kind = _MESSAGE_TYPES.get(alert.event, "Update") if alert.revision else "Alert"
    notes = [f"{words.exercise}: {alert.lane}" for words in LANGUAGES if _status(alert.lane) != "Actual"]
    if kind == "Cancel":
        notes += [words.retracted for words in LANGUAGES]
    head = [
        element("identifier", alert.event_id),
        element("sender", publisher.sender),
        element("sent", moment(alert.event_time)),
        element("status", _status(alert.lane)),
        element("msgType", kind),
        *_addressed(source or source_of(alert), notes),
    ]
    if alert.revision:
        before = f"{alert.alert_id}-{alert.revision - 1}"
        head.append(element("references", _reference(publisher, before, alert.previous_at or alert.raised_at)))
    head.append(element("incidents", alert.alert_id))
    facts = "".join(_pair("parameter", name, value) for name, value in _parameters(alert))
    area = _area(alert, publisher, position)
    return _document([*head, *(_info(alert, publisher, words, facts, area) for words in LANGUAGES)])


def _acknowledgement(action: AlertAction, publisher: Publisher, source: str | None) -> bytes:
    about = action.alert
    if about is None:
        raise ValueError("an acknowledgement is about an alert")
    who = action.by_name or action.by
    reference = _reference(publisher, f"{about.alert_id}-{about.revision}", about.said_at or about.raised_at)
    return _document(
        [
            element("identifier", action.action_id),
            element("sender", publisher.sender),
            element("sent", moment(action.at)),
            element("status", _status(action.lane)),
            element("msgType", "Ack"),
            *_addressed(source or source_of(action), [f"{words.acknowledged}: {who}" for words in LANGUAGES]),
            element("references", reference),
            element("incidents", about.alert_id),
        ]
    )


def _document(parts: Iterable[str]) -> bytes:
    body = "".join(parts)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="{NAMESPACE}">{body}</alert>\n'.encode()


def _addressed(source: str, notes: Sequence[str]) -> list[str]:
    restriction = " / ".join(words.restriction for words in LANGUAGES)
    head = [element("source", source), element("scope", "Restricted"), element("restriction", restriction)]
    return [*head, element("note", " / ".join(notes))] if notes else head


def _status(lane: str) -> str:
    if lane == LIVE:
        return "Actual"
    return "Exercise" if lane.startswith("exercise:") else "Test"


def _reference(publisher: Publisher, identifier: str, sent: datetime) -> str:
    """Name an earlier message, as it was sent."""
    return f"{publisher.sender},{identifier},{moment(sent)}"


def _info(alert: Alert, publisher: Publisher, words: Words, facts: str, area: str) -> str:
    over = alert.ended_at is not None or alert.event is AlertEventType.RETRACTED
    parts = [
        element("language", words.language),
        element("category", _category(alert)),
        element("event", alert.rule),
        element("responseType", "AllClear" if over else "Assess"),
        element("urgency", "Past" if over else _URGENCIES[alert.severity]),
        element("severity", _SEVERITIES[alert.severity]),
        element("certainty", "Likely" if alert.rule in _FORECASTS else "Observed"),
        _pair("eventCode", f"{publisher.sender}:rule", alert.rule),
        element("effective", moment(alert.raised_at)),
        element("onset", moment(alert.started_at)),
        *([] if alert.ended_at is None else [element("expires", moment(alert.ended_at))]),
        element("senderName", publisher.name_zh if words.chinese else publisher.name_en),
        element("headline", words.headline(alert)),
        element("description", alert.text.zh if words.chinese else alert.text.en),
        element("web", map_address(publisher, alert.alert_id)),
        _pair("parameter", "cn_alert_level", alert.severity.value),
        _pair("parameter", "cn_alert_colour", words.colours[alert.severity]),
        facts,
        area,
    ]
    return f"<info>{''.join(parts)}</info>"


def _category(alert: Alert) -> str:
    return "Infra" if alert.rule.startswith("platform.") else _CATEGORIES[alert.feed]


def _parameters(alert: Alert) -> list[tuple[str, str]]:
    times = {
        name: at.astimezone(DISTRICT_ZONE).isoformat()
        for name, at in (
            ("started_at", alert.started_at),
            ("raised_at", alert.raised_at),
            ("ended_at", alert.ended_at),
        )
        if at is not None
    }
    flat = {name: str(value) for name, value in row(alert).items() if value is not None}
    return [(name, times.get(name, value)) for name, value in flat.items() if name not in _SAID_ELSEWHERE]


def _area(alert: Alert, publisher: Publisher, position: Position | None) -> str:
    parts = [element("areaDesc", alert.place)]
    if position is not None:
        parts.append(element("circle", f"{position.latitude:.6f},{position.longitude:.6f} 0.0"))
    parts += [_pair("geocode", "GB/T 2260", DIVISION), _pair("geocode", f"{publisher.sender}:asset", alert.asset)]
    return f"<area>{''.join(parts)}</area>"


def _pair(name: str, value_name: str, value: str) -> str:
    return f"<{name}>{element('valueName', value_name)}{element('value', value)}</{name}>"
