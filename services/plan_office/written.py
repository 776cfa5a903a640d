"""What people write into a table: numbers, days and periods as Chinese and English offices write them. Pure."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from typing import Final

Cell = str | int | float | bool | date | datetime | None
"""What a cell of a sheet holds."""

_NUMBER: Final = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?([eE][+-]?\d+)?")
_YEAR: Final = re.compile(r"(\d{4})\s*年?")
_HALF: Final = re.compile(r"(\d{4})\s*年?\s*(上半年|下半年|[Hh][12])")
_QUARTER: Final = re.compile(r"(\d{4})\s*年?\s*第?([1-4一二三四])季度|(\d{4})\s*[Qq]([1-4])")
_MONTH: Final = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*月?")
_DAY: Final = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_SPAN: Final = re.compile(r"(.+?)\s*(?:\.\.|至|到|~|～|—|–| - | to )\s*(.+)")
_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_CHINESE: Final = {"一": 1, "二": 2, "三": 3, "四": 4}


def text_of(cell: Cell) -> str:
    """A cell as text, full-width digits and signs as plain ones, without spaces around; empty: nothing."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).translate(_FULL_WIDTH).replace("\u3000", " ").strip()


def number_of(cell: Cell) -> float | None:
    """A number; None when the cell holds none."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        found = float(cell)
    elif isinstance(cell, str) and _NUMBER.fullmatch(told := text_of(cell)):
        found = float(told.replace(",", ""))
    else:
        return None
    return found if math.isfinite(found) else None


def day_of(cell: Cell) -> date | None:
    """A day: a date of the sheet, `2024-03-15`, `2024/3/15`, `2024年3月15日`; None when it is none."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    found = _DAY.fullmatch(text_of(cell))
    return None if found is None else _day(*map(int, found.groups()))


def period_of(cell: Cell) -> tuple[date, date] | None:
    """First and last day of a period; None when it is none.

    A year (`2024`, `2024年`), a half (`2024年上半年`, `2024H1`), a quarter (`2024年第一季度`, `2024Q1`), a month
    (`2024-03`, `2024年3月`), a day, or two of these with `至` or `..` between them.
    """
    if (day := day_of(cell)) is not None:
        return day, day
    told = text_of(cell)
    if (one := _named(told)) is not None:
        return one
    span = _SPAN.fullmatch(told)
    if span is None:
        return None
    first, last = (_named(part) or _of_day(part) for part in span.groups())
    return None if first is None or last is None else (first[0], last[1])


def _of_day(told: str) -> tuple[date, date] | None:
    day = day_of(told)
    return None if day is None else (day, day)


def _named(told: str) -> tuple[date, date] | None:
    if found := _YEAR.fullmatch(told):
        return _months(int(found[1]), 1, 12)
    if found := _HALF.fullmatch(told):
        first = found[2] in {"上半年", "H1", "h1"}
        return _months(int(found[1]), *((1, 6) if first else (7, 12)))
    if found := _QUARTER.fullmatch(told):
        year, number = (found[1], found[2]) if found[1] else (found[3], found[4])
        quarter = _CHINESE.get(number) or int(number)
        return _months(int(year), 3 * quarter - 2, 3 * quarter)
    if found := _MONTH.fullmatch(told):
        return _months(int(found[1]), int(found[2]), int(found[2]))
    return None


def _months(year: int, first: int, last: int) -> tuple[date, date] | None:
    begin = _day(year, first, 1)
    after = _day(year + last // 12, last % 12 + 1, 1)
    return None if begin is None or after is None else (begin, after - timedelta(days=1))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
