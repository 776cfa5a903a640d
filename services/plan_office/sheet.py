"""A table of figures as an office fills it in: its columns, and each cell that is wrong with the reason. Pure.

The first row names the columns, in Chinese or English, in any order; each further row is one figure. A row is taken or
refused for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from pydantic import ValidationError

from schemas.plan.book import PlanBook
from schemas.plan.documents import Check, PlanIndicator
from schemas.target_figure import SourceDocument, TargetFigure
from schemas.vocabulary import Naming
from services.plan_office.entering import Draft, FigureRefused, Person, Why, entered
from services.plan_office.figure_book import FigureBook
from services.plan_office.written import Cell, day_of, number_of, period_of, text_of

COLUMNS: Final[dict[str, Naming]] = {
    "target": Naming("指标编号", "target"),
    "name": Naming("指标名称", "name"),
    "period": Naming("时段", "period"),
    "value": Naming("数值", "value"),
    "unit": Naming("计量单位", "unit"),
    "recorded_on": Naming("数据日期", "recorded on"),
    "source_title": Naming("来源文件", "source document"),
    "source_number": Naming("文号", "document number"),
    "source_page": Naming("页码", "page"),
    "source_sha256": Naming("文件SHA-256", "file SHA-256"),
    "correction": Naming("是否更正", "correction"),
    "note": Naming("备注", "note"),
}
"""Columns of a sheet, by their key; `name` is for people alone."""
NEEDED: Final = ("target", "period", "value", "unit", "recorded_on", "source_title")
_YES: Final = frozenset({"是", "更正", "y", "yes", "true", "1"})
_NO: Final = frozenset({"", "否", "n", "no", "false", "0"})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as it was read."""

    name: str
    rows: Sequence[Sequence[Cell]]
    """The first one names the columns."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that is right, with its record."""

    sheet: str
    row: int
    """From 1, as the sheet numbers it."""
    record: TargetFigure


@dataclass(frozen=True, slots=True)
class RefusedCell:
    """A cell that is wrong."""

    sheet: str
    cell: str
    """`B7`."""
    why: Why
    said: Naming


class NoSheet(ValueError):
    """A sheet that has no row of column names, or not all that are needed."""


@dataclass(frozen=True, slots=True)
class Entering:
    """Who enters, when, and by which plans."""

    plans: PlanBook
    person: Person
    at: datetime
    today: date


def read_sheet(sheet: Sheet, book: FigureBook, how: Entering) -> tuple[list[Taken], list[RefusedCell]]:
    """The rows of a sheet that may be entered, and every cell that is wrong; what is taken is added to the book.

    Raises:
        NoSheet: it names no columns, or not those that are needed.
    """
    columns = _columns(sheet)
    taken: list[Taken] = []
    refused: list[RefusedCell] = []
    for number, cells in enumerate(sheet.rows[1:], 2):
        row = {key: cells[at] if at < len(cells) else None for key, at in columns.items()}
        if not any(text_of(cell) for key, cell in row.items() if key not in {"target", "name", "unit"}):
            continue  # an office leaves rows of a template empty
        draft, wrong = _draft(row)
        if draft is not None:
            try:
                record = entered(
                    draft, how.plans, book, how.person, at=how.at, today=how.today, key=key_of(draft, book)
                )
            except FigureRefused as error:
                wrong = [error]
            else:
                book.take(record)
                taken.append(Taken(sheet.name, number, record))
        refused += [
            RefusedCell(sheet.name, f"{letters(columns.get(one.part, 0))}{number}", one.why, one.said) for one in wrong
        ]
    return taken, refused


def key_of(draft: Draft, book: FigureBook) -> str:
    """What tells a draft from others of the same person: its words, and in whose place it is put."""
    newest = book.newest(draft.place)
    return f"{'' if newest is None else newest.figure_id}\x1f{draft!r}"


def letters(column: int) -> str:
    """Name of a column, from 0: A, B, … Z, AA."""
    found = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        found = chr(ord("A") + rest) + found
    return found


def _columns(sheet: Sheet) -> dict[str, int]:
    heads = [text_of(cell).casefold() for cell in (sheet.rows[0] if sheet.rows else ())]
    known = {word: key for key, naming in COLUMNS.items() for word in (key, *(text.casefold() for text in naming))}
    known |= {text_of(naming.zh).casefold(): key for key, naming in COLUMNS.items()}
    found: dict[str, int] = {}
    for at, head in enumerate(heads):
        if (key := known.get(head)) is not None:
            found.setdefault(key, at)
    if lacking := [COLUMNS[key] for key in NEEDED if key not in found]:
        names = ", ".join(f"{one.zh} ({one.en})" for one in lacking)
        raise NoSheet(f"sheet {sheet.name}: the first row names no column {names}.")
    return found


def _draft(row: dict[str, Cell]) -> tuple[Draft | None, list[FigureRefused]]:
    """What a row says, or every cell that says nothing."""
    wrong: list[FigureRefused] = []
    value, period, day = number_of(row["value"]), period_of(row["period"]), day_of(row["recorded_on"])
    if value is None:
        told = text_of(row["value"])
        wrong.append(_refused(Why.NOT_A_NUMBER, "value", f"“{told}”不是数字。", f"“{told}” is not a number."))
    if period is None:
        told = text_of(row["period"])
        wrong.append(
            _refused(
                Why.WRONG_PERIOD,
                "period",
                f"“{told}”不是时段；可写 2024、2024年上半年、2024-03、2024-01-01至2024-06-30。",
                f"“{told}” is no period: write 2024, 2024H1, 2024-03 or 2024-01-01..2024-06-30.",
            )
        )
    if day is None:
        told = text_of(row["recorded_on"])
        wrong.append(
            _refused(Why.WRONG_DATE, "recorded_on", f"“{told}”不是日期。", f"“{told}” is no day: write 2024-03-15.")
        )
    correction = text_of(row.get("correction")).casefold()
    if correction not in _YES | _NO:
        wrong.append(
            _refused(Why.NOTHING_TO_CORRECT, "correction", "更正栏只填“是”或“否”。", "Write yes or no, or nothing.")
        )
    source = _source(row, wrong)
    if wrong or source is None or value is None or period is None or day is None:
        return None, wrong
    draft = Draft(
        target=text_of(row["target"]),
        value=value,
        unit=text_of(row["unit"]),
        start=period[0],
        end=period[1],
        recorded_on=day,
        source=source,
        note=_CONTROL.sub(" ", text_of(row.get("note")))[:2_000],
        corrects=correction in _YES,
    )
    return draft, []


def _source(row: dict[str, Cell], wrong: list[FigureRefused]) -> SourceDocument | None:
    title = text_of(row["source_title"])
    if not title:
        wrong.append(_refused(Why.NO_SOURCE, "source_title", "缺来源文件。", "The source document is missing."))
        return None
    page, digest = text_of(row.get("source_page")), text_of(row.get("source_sha256")).lower()
    try:
        return SourceDocument(
            title=title,
            number=text_of(row.get("source_number")),
            page=None if not page else int(page) if page.isdecimal() else 0,
            sha256=digest or None,
        )
    except ValidationError as error:
        for part in sorted({str(one["loc"][0]) for one in error.errors()}):
            told = text_of(row.get(f"source_{part}"))
            name = COLUMNS[f"source_{part}"]
            wrong.append(
                _refused(
                    Why.WRONG_SOURCE, f"source_{part}", f"“{told}”不是有效的{name.zh}。", f"“{told}” is no {name.en}."
                )
            )
        return None


def _refused(why: Why, part: str, zh: str, en: str) -> FigureRefused:
    return FigureRefused(why, part, Naming(zh, en))


def template(indicators: Iterable[PlanIndicator]) -> list[list[Cell]]:
    """A table to fill in: the columns in Chinese, then a row for each target that people answer for, with its unit."""
    rows: list[list[Cell]] = [[naming.zh for naming in COLUMNS.values()]]
    for entry in indicators:
        if entry.check is Check.REPORTED:
            known = {"target": entry.id, "name": entry.name_zh or entry.name, "unit": entry.unit}
            rows.append([known.get(key) for key in COLUMNS])
    return rows
