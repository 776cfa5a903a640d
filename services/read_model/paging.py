"""Pages of a list and the cursor between them. Pure.

A cursor is opaque to who holds it: the sort key of the last row, with a mark of the question that it belongs to. A page
begins behind that key, so rows that come or go meanwhile neither repeat nor skip others, and page 1,000 costs what page
1 costs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from services.read_model.bounds import read_time
from services.read_model.errors import CursorRefused, RequestRefused

T = TypeVar("T")
Key = tuple[str | int | datetime, ...]
"""Values by which a list is ordered; they tell each row from every other."""

CURSOR_MOST: Final = 1_000
_MARK_CHARS: Final = 16


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and where the next ones begin."""

    items: tuple[T, ...]
    next_cursor: str | None
    """Give it back, with the same filters, for the next page; None: this was the last one."""


def page_of(rows: Sequence[T], limit: int, *, question: str, key: Callable[[T], Key]) -> Page[T]:
    """A page of rows that were asked for with one more than the limit.

    Args:
        question: Name of the list and its filters; see `question_of`.
        key: Sort key of a row.
    """
    if len(rows) <= limit:
        return Page(tuple(rows), None)
    return Page(tuple(rows[:limit]), write_cursor(question, key(rows[limit - 1])))


def question_of(name: str, *filters: object) -> str:
    """What a cursor belongs to: the list and its filters."""
    return repr((name, *filters))


def write_cursor(question: str, key: Key) -> str:
    """The cursor behind a row."""
    values = [each.isoformat() if isinstance(each, datetime) else each for each in key]
    body = json.dumps([_mark(question, values), *values], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def read_cursor(cursor: str, question: str, *types: type[str | int | datetime]) -> Key:
    """The sort key of a cursor.

    Args:
        types: Of the key's values.

    Raises:
        CursorRefused: it was changed, or is one of another list or of other filters.
    """
    try:
        mark, *values = _body(cursor)
        if mark != _mark(question, values) or len(values) != len(types):
            raise _refused()
        return tuple(_value(each, kind) for each, kind in zip(values, types, strict=True))
    except (ValueError, TypeError, RecursionError, RequestRefused):
        raise _refused() from None


def _body(cursor: str) -> list[str | int]:
    if len(cursor) > CURSOR_MOST:
        raise _refused()
    try:
        raw = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise _refused() from None
    body = json.loads(raw)
    if not isinstance(body, list) or not body or not all(type(each) in {str, int} for each in body):
        raise _refused()
    return body


def _value(value: str | int, kind: type[str | int | datetime]) -> str | int | datetime:
    if kind is int and isinstance(value, int) and abs(value) < 2**63:
        return value
    if kind is datetime and isinstance(value, str):
        return read_time(value, parameter="cursor")
    if kind is str and isinstance(value, str) and "\0" not in value:
        value.encode()  # halves of characters raise ValueError
        return value
    raise _refused()


def _mark(question: str, values: Sequence[object]) -> str:
    # No secret: whoever makes a cursor by hand gets rows that he may read anyway. It tells a slip from a cursor.
    return hashlib.sha256(repr((question, list(values))).encode("utf-8", "replace")).hexdigest()[:_MARK_CHARS]


def _refused() -> CursorRefused:
    return CursorRefused("it was changed on its way, or belongs to other filters", parameter="cursor")
