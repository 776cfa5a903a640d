from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.district.rows import JsonText, PlainText, csv_line, json_object, json_value, repeated
from services.runtime.printable import escaped

NUMBER = r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
AT = datetime(2026, 11, 24, 2, 42, 48, 185973, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, ""),
        ("", '""'),
        ("plain", "plain"),
        ('a,"b"', '"a,""b"""'),
        ("two\r\nlines", "two\\r\\nlines"),
        ("\x1b]0;title\x07", '"\\u001b]0;title\\u0007"'),
        ("a\u202eb\U000e0041", "a\\u202eb\\udb40\\udc41"),
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1+1", "'＝1+1"),
        ("\t=1+1", "\\t=1+1"),
        ("\r=1+1", "\\r=1+1"),
        ("a;=1+1", '"a;=1+1"'),
        (PlainText("-P1D"), "'-P1D"),
        ("-5", "-5"),
        ("+8.5e-3", "+8.5e-3"),
        (-7, "-7"),
        (-0.5, "-0.5"),
        (Decimal("-1.50"), "-1.50"),
        (JsonText("-5"), "-5"),
        (JsonText('{"a":\n 1}'), '"{""a"":  1}"'),
        (True, "true"),
        (7, "7"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1E-7"), "0.0000001"),
        (float("nan"), "NaN"),
        (AT, "2026-11-24T02:42:48.185973Z"),
        (datetime.max, "infinity"),  # noqa: DTZ901 - what asyncpg makes of it
        (date(2020, 1, 2), "2020-01-02"),
        (time(8, 30), "08:30:00"),
        (b"\xde\xad", "\\xdead"),
        (["a", None, 1], '"[""a"", null, 1]"'),
        (JsonText('{"tp": 0.070}'), '"{""tp"": 0.070}"'),
    ],
)
def test_a_csv_field(value: Any, field: str) -> None:
    assert csv_line([value]) == f"{field}\n"


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_any_text_comes_back_from_csv_as_it_may_be_shown(rows: list[list[str]]) -> None:
    written = "".join(map(csv_line, rows))
    assert all(mark.isprintable() for mark in written.replace("\n", ""))
    read = list(csv.reader(io.StringIO(written, newline="")))
    assert len(read) == len(rows), "no text makes a record of its own"
    for cell, text in zip(chain(*read), chain(*rows), strict=True):
        assert cell.removeprefix("'") == escaped(text).removeprefix("'")
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or re.fullmatch(NUMBER, cell)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (False, "false"),
        (12345678901234567890, "12345678901234567890"),
        (Decimal("1.50"), "1.50"),
        (Decimal("NaN"), '"NaN"'),
        (0.1, "0.1"),
        (float("-inf"), '"-Infinity"'),
        (AT, '"2026-11-24T02:42:48.185973Z"'),
        ("东湖", '"东湖"'),
        (JsonText('{"tp": 0.070}'), '{"tp": 0.070}'),
        (["free_negative"], '["free_negative"]'),
        ((1, "a"), '[1, "a"]'),
    ],
)
def test_a_json_value_keeps_every_digit(value: Any, text: str) -> None:
    assert json_value(value) == text


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())))
def test_a_row_is_a_json_object_on_one_line(row: dict[str, Any]) -> None:
    written = json_object(list(row), list(row.values()))
    assert written.isprintable()
    assert json.loads(written) == row


def test_columns_of_the_same_name_are_found() -> None:
    assert repeated(["a", "b", "a"]) == ["a"]
    assert repeated(["a", "b"]) == []
