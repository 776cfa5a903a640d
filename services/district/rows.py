r"""Rows of a query as CSV (RFC 4180) or JSON. Pure.

Both forms: times with zone and intervals as ISO 8601, in UTC ending in `Z`; bytes as `\x` and hexadecimal digits.
What is not printable is escaped as JSON does it (`\n`, `\u001b`): JSON keeps its value, CSV its one line a record.
CSV: NULL is empty and an empty text is `""`; arrays, rows and jsonb are JSON texts; booleans are `true` and `false`. A
text that a spreadsheet would run as a formula (it begins with = + - or @) gets a `'` before it; numbers stay numbers.
JSON: numbers are numbers with all their digits, numeric ones too; NaN and infinities, which JSON lacks, are texts;
jsonb is embedded as it is.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import singledispatch
from typing import Any, Final

from services.runtime.printable import escaped

_NOT_FINITE: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_ENDS_OF_TIME: Final = {datetime.max: "infinity", datetime.min: "-infinity"}  # noqa: DTZ901 - what asyncpg makes of them
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_BETWEEN_PARTS: Final = str.maketrans("\n\r\t", "   ")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


class JsonText(str):
    """A value of type json or jsonb, as the database wrote it."""

    __slots__ = ()


class PlainText(str):
    """A value whose text form is the database's own, such as an interval."""

    __slots__ = ()


def csv_line(values: Iterable[Any]) -> str:
    """One record with its line end."""
    return ",".join(map(_csv_field, values)) + "\n"


def _csv_field(value: Any) -> str:
    if value is None:
        return ""
    text = escaped(as_text(value))
    if isinstance(value, str) and text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        text = f"'{text}"
    if text == "" or any(mark in text for mark in ',;"'):
        return '"' + text.replace('"', '""') + '"'
    return text


@singledispatch
def as_text(value: object) -> str:
    """One value as text; further types may be registered."""
    return str(value)


@as_text.register
def _(value: bool) -> str:
    return "true" if value else "false"


@as_text.register
def _(value: Decimal) -> str:
    return format(value, "f") if value.is_finite() else str(value)


@as_text.register(JsonText)
@as_text.register(list)
@as_text.register(tuple)
@as_text.register(Mapping)
def _(value: Any) -> str:
    return json_value(value)


@as_text.register
def _(value: float) -> str:
    return repr(value) if math.isfinite(value) else _NOT_FINITE[str(value)]


@as_text.register
def _(value: datetime) -> str:
    if value.replace(tzinfo=None) in _ENDS_OF_TIME:
        return _ENDS_OF_TIME[value.replace(tzinfo=None)]
    return value.isoformat().replace("+00:00", "Z")


@as_text.register(date)
@as_text.register(time)
def _(value: date | time) -> str:
    return value.isoformat()


@as_text.register
def _(value: bytes) -> str:
    return "\\x" + value.hex()


@singledispatch
def json_value(value: object) -> str:
    """One value as JSON text."""
    return escaped(json.dumps(as_text(value), ensure_ascii=False))


@json_value.register
def _(_: None) -> str:
    return "null"


@json_value.register
def _(value: JsonText) -> str:
    # Line feeds and the like stand only between its parts: within a text JSON has them escaped.
    return escaped(value.translate(_BETWEEN_PARTS))


@json_value.register
def _(value: int) -> str:
    # A bool is an int, and json knows both.
    return json.dumps(value)


@json_value.register
def _(value: float) -> str:
    return json.dumps(value if math.isfinite(value) else _NOT_FINITE[str(value)])


@json_value.register
def _(value: Decimal) -> str:
    return as_text(value) if value.is_finite() else json.dumps(str(value))


@json_value.register(list)
@json_value.register(tuple)
def _(value: Sequence[Any]) -> str:
    return "[" + ", ".join(map(json_value, value)) + "]"


@json_value.register(Mapping)
def _(value: Mapping[str, Any]) -> str:
    return json_object(list(value.keys()), list(value.values()))


def json_object(names: Sequence[str], values: Sequence[Any]) -> str:
    """One row as a JSON object on one line."""
    pairs = (f"{json_value(name)}: {json_value(value)}" for name, value in zip(names, values, strict=True))
    return "{" + ", ".join(pairs) + "}"


def repeated(names: Sequence[str]) -> list[str]:
    """Return the column names that occur more than once."""
    return sorted({name for name in names if names.count(name) > 1})
