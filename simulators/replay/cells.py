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
from typing import Final

Row = Mapping[str, str]
"""One data row by column; a cell that is missing is empty."""

PLACEHOLDERS: Final = frozenset(("", "*", "--", "-", "—", "——"))
"""What a source shows where it has no value."""

MAX_ID: Final = 64
_HASH_CHARS: Final = 12
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
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


def text_or_none(text: str) -> str | None:
    """Read a text; None when it is empty."""
    return text.strip() or None


def slug(text: str) -> str:
    """Turn a name into an identifier: the same name is always the same identifier, at most 64 characters.

    What has to be shortened, or loses letters beyond a change of case and accents, ends in a hash of the name.
    """
    if len(text) <= MAX_ID and _IDENTIFIER.fullmatch(text):
        return text
    plain = unicodedata.normalize("NFKD", text.translate(_GERMAN)).encode("ascii", "ignore").decode()
    safe = _UNSAFE.sub("-", plain).strip("-._")
    if safe and len(safe) <= MAX_ID and plain == text.translate(_GERMAN):
        return safe
    return f"{safe[: MAX_ID - _HASH_CHARS - 1].rstrip('-._') or 'x'}-{digest(text)}"


def digest(text: str) -> str:
    """Return 12 hex digits of a name's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARS]


def local_time(text: str, pattern: str, zone: tzinfo) -> datetime | None:
    """Read a local time, also in ISO form; None when it cannot be read. Of a repeated hour the first is meant."""
    text = text.strip()
    try:
        at = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone follows
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)


def utc_text(at: datetime) -> str:
    """Write a time as readings carry it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
