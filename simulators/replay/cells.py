"""Cells of a table as values of a reading. Pure.

What cannot be read is passed on as it stands, so that the platform refuses it with a reason instead of our losing it.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Final, NamedTuple

Row = Mapping[str, str]
"""One data row by column; a cell that is missing is empty."""

PLACEHOLDERS: Final = frozenset(("", "*", "--", "-", "—", "——"))
"""What a source shows where it has no value."""

MAX_ID: Final = 64
_HASH_CHARS: Final = 12
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_BELOW: Final = re.compile(r"[<＜]\s*(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\s*[Ll]")
_NOT_DETECTED: Final = frozenset(("未检出", "nd", "n.d."))
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_GERMAN: Final = MappingProxyType(
    {ord(a): b for a, b in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ä", "Ae"), ("Ö", "Oe"), ("Ü", "Ue"), ("ß", "ss"))}
)


def number(text: str) -> float | str | None:
    """Read a number; None for a placeholder, the text itself when it is neither."""
    text = text.strip()
    if text in PLACEHOLDERS:
        return None
    try:
        value = float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else text


def whole_number(text: str) -> int | str | None:
    """Read a whole number, also one that is written `605.0`."""
    value = number(text)
    return int(value) if isinstance(value, float) and value.is_integer() else value if value is None else text.strip()


def detection_limit(text: str, of_method: float | None) -> float | None:
    """The limit of detection that a cell (`<0.025`, `0.025L`, `未检出`, `ND`) is below; None: it says nothing of one.

    Args:
        of_method: The limit of the usual method, for a cell that names none.
    """
    text = text.strip()
    found = _BELOW.fullmatch(text)
    if found is not None:
        return float(found[1] or found[2])
    return of_method if text.casefold() in _NOT_DETECTED else None


def text_or_none(text: str) -> str | None:
    """Read a text; None when it is empty."""
    return text.strip() or None


def slug(text: str) -> str:
    """Turn a name into an identifier: the same name is always the same identifier, at most 64 characters.

    What has to be shortened, or loses more than accents, ends in a hash of the name: "P 1" and "P-1" are two car parks.
    """
    if len(text) <= MAX_ID and _IDENTIFIER.fullmatch(text):
        return text
    plain = unicodedata.normalize("NFKD", text.translate(_GERMAN)).encode("ascii", "ignore").decode()
    safe = _UNSAFE.sub("-", plain).strip("-._")
    if safe == text.translate(_GERMAN) and 0 < len(safe) <= MAX_ID:
        return safe
    return f"{safe[: MAX_ID - _HASH_CHARS - 1].rstrip('-._') or 'x'}-{digest(text)}"


def digest(text: str) -> str:
    """Return 12 hex digits of a name's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARS]


class Instant(NamedTuple):
    """A time as a cell gives it."""

    at: datetime | None
    """In UTC; None when the cell cannot be read."""
    is_zoned: bool
    """Whether the cell itself names its offset."""


def local_time(text: str, pattern: str, zone: tzinfo) -> datetime | None:
    """Read a local time, also in ISO form; None when it cannot be read. Of a repeated hour the first is meant."""
    return instant(text, pattern, zone).at


def instant(text: str, pattern: str, zone: tzinfo) -> Instant:
    """The same, and whether the cell names its offset."""
    text = text.strip()
    try:
        at = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone follows
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return Instant(None, False)
    is_zoned = at.tzinfo is not None
    try:
        return Instant((at if is_zoned else at.replace(tzinfo=zone)).astimezone(UTC), is_zoned)
    except OverflowError:  # at the very beginning and end of the calendar
        return Instant(None, is_zoned)


def utc_text(at: datetime) -> str:
    """Write a time as readings carry it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
