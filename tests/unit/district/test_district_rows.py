from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.district.rows import JsonText, csv_line, json_object, json_value, repeated

AT = datetime(2026, 11, 24, 2, 42, 48, 185973, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, ""),
        ("", '""'),
        ("plain", "plain"),
        ('a,"b"\r\nc', '"a,""b""\r\nc"'),
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
    assert csv_line([value]) == f"{field}\r\n"


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_any_text_comes_back_from_csv(rows: list[list[str]]) -> None:
    written = "".join(map(csv_line, rows))
    assert list(csv.reader(io.StringIO(written, newline=""))) == rows


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
    assert "\n" not in written
    assert json.loads(written) == row


def test_columns_of_the_same_name_are_found() -> None:
    assert repeated(["a", "b", "a"]) == ["a"]
    assert repeated(["a", "b"]) == []
