"""What a CAP 1.2 message may consist of: its elements in their order, and what each may hold.

Source: OASIS Standard "Common Alerting Protocol Version 1.2" (2010-07-01), section 3.2 (data dictionary) and the XML
Schema of section 3.4. The checks are our own; they refuse whatever that schema refuses, and what the dictionary forbids
beyond it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
SIGNATURE_NAMESPACE: Final = "http://www.w3.org/2000/09/xmldsig#"
"""Elements of it may stand behind the last `info`; what they hold is not ours to judge."""

Check = Callable[[str], str | None]
"""Says what is wrong with an element's text; None: nothing."""

SPACE: Final = " \t\r\n"
_MOMENT: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([+-])(\d\d):(\d\d)", re.ASCII)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_DECIMAL: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NAME: Final = re.compile(r"[^\s,<&]+")
_PAIR: Final = r"-?[0-9]+(?:\.[0-9]+)?,-?[0-9]+(?:\.[0-9]+)?"
_POLYGON: Final = re.compile(rf"{_PAIR}(?:\s+{_PAIR})*")
_CIRCLE: Final = re.compile(rf"({_PAIR})\s+[0-9]+(?:\.[0-9]+)?")
_LONGEST_OFFSET: Final = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the schema: it holds text that `check` accepts, or other elements in their order."""

    name: str
    check: Check | None = None
    children: tuple[Element, ...] = ()
    required: bool = False
    many: bool = False


def moment(text: str) -> datetime | None:
    """A time as CAP writes it, `2026-07-01T20:00:00+08:00`; None when it is none.

    Fractions of a second and `Z` are none; UTC is `-00:00` or `+00:00`. The end of a day may be 24:00:00.
    """
    match = _MOMENT.fullmatch(text.strip(SPACE))
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    offset = timedelta(hours=int(match[8]), minutes=int(match[9]))
    if offset > _LONGEST_OFFSET or int(match[9]) > 59:
        return None
    ends_day = (hour, minute, second) == (24, 0, 0)
    zone = timezone(-offset if match[7] == "-" else offset) if offset else UTC
    try:
        found = datetime(year, month, day, 0 if ends_day else hour, minute, second, tzinfo=zone)
        return found + timedelta(days=1) if ends_day else found
    except (ValueError, OverflowError):
        return None


def _text(_text: str) -> str | None:
    return None


def _moment(text: str) -> str | None:
    if moment(text) is not None:
        return None
    return "is no time like 2026-07-01T20:00:00+08:00 (never `Z`, no fractions of a second)"


def _one_of(*words: str) -> Check:
    def check(text: str) -> str | None:
        return None if text in words else f"is none of {', '.join(words)}"

    return check


def _name(text: str) -> str | None:
    return None if _NAME.fullmatch(text) else "is empty, or has a space, comma, `<` or `&`"


def _like(pattern: re.Pattern[str], what: str) -> Check:
    def check(text: str) -> str | None:
        return None if pattern.fullmatch(text.strip(SPACE)) else f"is no {what}"

    return check


def _uri(text: str) -> str | None:
    return "has a `%` that is not followed by two hexadecimal digits" if _BAD_ESCAPE.search(text) else None


def _on_earth(pair: str) -> bool:
    latitude, longitude = (float(part) for part in pair.split(","))
    return abs(latitude) <= 90 and abs(longitude) <= 180


def _polygon(text: str) -> str | None:
    pairs = text.split()
    if not _POLYGON.fullmatch(text.strip(SPACE)) or len(pairs) < 4:
        return "is not four or more pairs `latitude,longitude` with spaces between"
    if pairs[0] != pairs[-1]:
        return "does not end where it begins"
    return None if all(map(_on_earth, pairs)) else "has a point that is not on the earth (latitude comes first)"


def _circle(text: str) -> str | None:
    match = _CIRCLE.fullmatch(text.strip(SPACE))
    if match is None:
        return "is not `latitude,longitude radius`"
    return None if _on_earth(match[1]) else "has a centre that is not on the earth (latitude comes first)"


def _named_value(name: str) -> Element:
    inside = (Element("valueName", _text, required=True), Element("value", _text, required=True))
    return Element(name, children=inside, many=True)


_LANGUAGE_TAG: Final = _like(_LANGUAGE, "language tag (RFC 3066)")
_WHOLE: Final = _like(_INTEGER, "whole number")
_NUMBER: Final = _like(_DECIMAL, "decimal number")

RESOURCE: Final = Element(
    "resource",
    many=True,
    children=(
        Element("resourceDesc", _text, required=True),
        Element("mimeType", _text, required=True),
        Element("size", _WHOLE),
        Element("uri", _uri),
        Element("derefUri", _text),
        Element("digest", _text),
    ),
)

AREA: Final = Element(
    "area",
    many=True,
    children=(
        Element("areaDesc", _text, required=True),
        Element("polygon", _polygon, many=True),
        Element("circle", _circle, many=True),
        _named_value("geocode"),
        Element("altitude", _NUMBER),
        Element("ceiling", _NUMBER),
    ),
)

_CATEGORIES: Final = _one_of(
    *("Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other")
)
_RESPONSES: Final = _one_of(
    *("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
)

INFO: Final = Element(
    "info",
    many=True,
    children=(
        Element("language", _LANGUAGE_TAG),
        Element("category", _CATEGORIES, required=True, many=True),
        Element("event", _text, required=True),
        Element("responseType", _RESPONSES, many=True),
        Element("urgency", _one_of("Immediate", "Expected", "Future", "Past", "Unknown"), required=True),
        Element("severity", _one_of("Extreme", "Severe", "Moderate", "Minor", "Unknown"), required=True),
        Element("certainty", _one_of("Observed", "Likely", "Possible", "Unlikely", "Unknown"), required=True),
        Element("audience", _text),
        _named_value("eventCode"),
        Element("effective", _moment),
        Element("onset", _moment),
        Element("expires", _moment),
        Element("senderName", _text),
        Element("headline", _text),
        Element("description", _text),
        Element("instruction", _text),
        Element("web", _uri),
        Element("contact", _text),
        _named_value("parameter"),
        RESOURCE,
        AREA,
    ),
)

SIGNATURE: Final = Element("{signature}", _text, many=True)

ALERT: Final = Element(
    "alert",
    required=True,
    children=(
        Element("identifier", _name, required=True),
        Element("sender", _name, required=True),
        Element("sent", _moment, required=True),
        Element("status", _one_of("Actual", "Exercise", "System", "Test", "Draft"), required=True),
        Element("msgType", _one_of("Alert", "Update", "Cancel", "Ack", "Error"), required=True),
        Element("source", _text),
        Element("scope", _one_of("Public", "Restricted", "Private"), required=True),
        Element("restriction", _text),
        Element("addresses", _text),
        Element("code", _text, many=True),
        Element("note", _text),
        Element("references", _text),
        Element("incidents", _text),
        INFO,
        SIGNATURE,
    ),
)
"""The whole message."""
