"""What can be asked for: how many rows, which times, which texts. Pure.

A question that is out of bounds is refused with a sentence before the database hears of it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final, overload

from schemas.fields import EARLIEST, LATEST
from services.read_model.errors import LimitRefused, TextRefused, TimeRefused

ROWS_MOST: Final = 1_000
"""So many rows come in one page."""
TEXT_MOST: Final = 200
_MARGIN: Final = timedelta(days=3_653)
_FIRST, _LAST = EARLIEST - _MARGIN, LATEST + _MARGIN
_FORM: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_EXAMPLE: Final = "2026-07-01T12:00:00Z"


def limit_within(limit: int, *, most: int = ROWS_MOST, parameter: str = "limit") -> int:
    """The limit itself.

    Raises:
        LimitRefused: it is less than 1 or more than the most.
    """
    if not 1 <= limit <= most:
        raise LimitRefused(f"{parameter} is {limit}; it can be 1 to {most}", parameter=parameter)
    return limit


def time_within(at: datetime, *, parameter: str) -> datetime:
    """The time itself, in UTC.

    Raises:
        TimeRefused: it has no zone, or lies outside the years that the platform knows (1990 to 2109).
    """
    if at.tzinfo is None:
        raise TimeRefused(f"{parameter} is {at.isoformat()}, which has no zone; write {_EXAMPLE}", parameter=parameter)
    try:
        utc = at.astimezone(UTC)
    except OverflowError:
        utc = None
    if utc is None or not _FIRST <= utc <= _LAST:
        span = f"{_FIRST:%Y-%m-%d} to {_LAST:%Y-%m-%d}"
        raise TimeRefused(f"{parameter} is {at.isoformat()}; times from {span} are known", parameter=parameter)
    return utc


def read_time(text: str, *, parameter: str) -> datetime:
    """A time from RFC 3339 text with its zone, in UTC.

    Raises:
        TimeRefused: the text is none (`-0044-03-15`, `yesterday`), or names a time outside what the platform knows.
    """
    if not _FORM.fullmatch(text):
        raise TimeRefused(f"{parameter} is {_shown(text)}; write {_EXAMPLE}", parameter=parameter)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise TimeRefused(f"{parameter} is {text}, which no calendar has", parameter=parameter) from None
    return time_within(at, parameter=parameter)


@overload
def text_within(text: str, *, parameter: str) -> str: ...
@overload
def text_within(text: str | None, *, parameter: str) -> str | None: ...
def text_within(text: str | None, *, parameter: str) -> str | None:
    """The text itself.

    Raises:
        TextRefused: it is empty, longer than 200 characters, or has characters that no name has (control characters
            and halves of characters).
    """
    if text is None:
        return None
    if not text or len(text) > TEXT_MOST:
        raise TextRefused(f"{parameter} has {len(text)} characters; it can have 1 to {TEXT_MOST}", parameter=parameter)
    if any(ord(each) < 32 or 127 <= ord(each) < 160 or 0xD800 <= ord(each) < 0xE000 for each in text):
        raise TextRefused(f"{parameter} is {_shown(text)}, which has a character that no name has", parameter=parameter)
    return text


def texts_within(texts: tuple[str, ...], *, parameter: str) -> list[str] | None:
    """The texts as the database takes them; None when there are none, which means: any.

    Raises:
        TextRefused: one is out of bounds, or there are more than 100.
    """
    if len(texts) > 100:
        raise TextRefused(f"{parameter} names {len(texts)} things; it can name 100", parameter=parameter)
    for text in texts:
        text_within(text, parameter=parameter)
    return list(texts) or None


def number_within(number: int | None, *, parameter: str, most: int = 2**31 - 1) -> int | None:
    """The number itself.

    Raises:
        LimitRefused: it is less than 0 or more than the most.
    """
    if number is not None and not 0 <= number <= most:
        raise LimitRefused(f"{parameter} is {number}; it can be 0 to {most}", parameter=parameter)
    return number


def span_within(since: datetime, until: datetime, *, most: timedelta) -> tuple[datetime, datetime]:
    """Beginning and end of a span, in UTC.

    Raises:
        TimeRefused: one is none that the platform knows, the end is not after the beginning, or the span is too long.
    """
    first, last = time_within(since, parameter="since"), time_within(until, parameter="until")
    if last <= first:
        raise TimeRefused(f"until, {last.isoformat()}, is not after since, {first.isoformat()}", parameter="until")
    if last - first > most:
        raise TimeRefused(f"the span is {(last - first).days} days; ask for at most {most.days}", parameter="since")
    return first, last


def _shown(text: str) -> str:
    return ascii(text[:60])
