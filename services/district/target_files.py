"""Tables of figures in files: spreadsheets and CSV as offices save them, and the template that they fill in."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

import openpyxl
from openpyxl.styles import Alignment, Font
from openpyxl.utils.exceptions import InvalidFileException

from services.district.errors import TargetsRefused
from services.plan_office.sheet import COLUMNS, Sheet, letters
from services.plan_office.written import Cell

ROWS_MOST: Final = 5_000
"""A table of figures has at most some hundreds of rows; a file with more is none."""
BYTES_MOST: Final = 20 * 1024 * 1024
ENCODINGS: Final = ("utf-8-sig", "gb18030")
"""Excel saves CSV with a byte order mark, or in the code page of Chinese Windows; the latter reads GBK and GB 2312."""
SEPARATORS: Final = ",;\t"
_WIDTHS: Final = {"target": 30, "name": 34, "period": 12, "unit": 20, "recorded_on": 14, "source_title": 30, "note": 30}


def sheets_of(path: Path) -> list[Sheet]:
    """The sheets of a file, those without a cell left out.

    Raises:
        TargetsRefused: it cannot be read, is too large, or is neither a spreadsheet nor CSV.
    """
    try:
        if path.stat().st_size > BYTES_MOST:
            raise TargetsRefused(f"{path} has more than {BYTES_MOST // 1024 // 1024} MiB: that is no table of figures.")
        raw = path.read_bytes()
    except OSError as error:
        raise TargetsRefused(f"{path} cannot be read: {error.strerror}.") from error
    match path.suffix.lower():
        case ".xlsx" | ".xlsm":
            return _workbook(raw, path)
        case ".csv" | ".txt":
            return [Sheet(path.name, _checked(_csv(raw, path), path))]
        case ".xls":
            raise TargetsRefused(f"{path} is of an old Excel: save it as .xlsx or .csv.")
        case _:
            raise TargetsRefused(f"{path} is neither .xlsx nor .csv.")


def _workbook(raw: bytes, path: Path) -> list[Sheet]:
    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise TargetsRefused(f"{path} is no spreadsheet that can be read: {error}.") from error
    try:
        found: list[Sheet] = []
        for sheet in book.worksheets:
            rows = [[_cell(value) for value in row] for row in sheet.iter_rows(max_row=ROWS_MOST + 1, values_only=True)]
            if any(cell is not None for row in rows for cell in row):
                found.append(Sheet(sheet.title, _checked(rows, path)))
        return found
    finally:
        book.close()


def _cell(value: object) -> Cell:
    return value if value is None or isinstance(value, str | int | float | bool | date | datetime) else str(value)


def _csv(raw: bytes, path: Path) -> Sequence[Sequence[Cell]]:
    for encoding in ENCODINGS:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        first = text.partition("\n")[0]
        separator = max(SEPARATORS, key=first.count)
        try:
            return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
        except csv.Error as error:
            raise TargetsRefused(f"{path} is no CSV: {error}.") from error
    raise TargetsRefused(f"{path} is neither UTF-8 nor GB 18030 (GBK) text.")


def _checked(rows: Sequence[Sequence[Cell]], path: Path) -> Sequence[Sequence[Cell]]:
    if len(rows) > ROWS_MOST:
        raise TargetsRefused(f"{path} has more than {ROWS_MOST} rows: that is no table of figures.")
    return rows


def write_template(path: Path, rows: Sequence[Sequence[Cell]], title: str) -> None:
    """Write a spreadsheet to fill in; the columns stay in sight, identifiers are text.

    Raises:
        TargetsRefused: the file is there already, or cannot be written.
    """
    book = openpyxl.Workbook()
    sheet = book.active
    if sheet is None:  # a new workbook has one
        raise TargetsRefused("no sheet")
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    for at, key in enumerate(COLUMNS):
        sheet.column_dimensions[letters(at)].width = _WIDTHS.get(key, 12)
        head = sheet.cell(1, at + 1)
        head.font, head.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="center")
    sheet.freeze_panes = "C2"
    out = io.BytesIO()
    book.save(out)
    try:
        with path.open("xb") as file:
            file.write(out.getvalue())
    except FileExistsError:
        raise TargetsRefused(f"{path} is there already; name another file.") from None
    except OSError as error:
        raise TargetsRefused(f"{path} cannot be written: {error.strerror}.") from error
