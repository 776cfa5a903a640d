"""What every format gives: readings of a file, one row being one or more of them. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from schemas.fields import Feed, Quality, QualityCode
from simulators.errors import SourceRefused
from simulators.replay.cells import Row

_SEPARATORS: Final = (",", ";", "\t")
_TITLE_ROWS: Final = 5
"""So many rows of titles may stand above the header."""
_UNIT: Final = re.compile(r"[(（][^)）]*[)）]|\s+")


@dataclass(frozen=True, slots=True)
class SourceReading:
    """One reading as the file has it, before it is numbered."""

    row: int
    """Number of the data row, from 1."""
    device_id: str
    group_id: str
    at: datetime | None
    """None when the file gives no time that can be read."""
    at_text: str
    """What is sent as `observed_at`."""
    fields: Mapping[str, Any]
    """The feed's own fields; a value that could not be read is the file's text."""
    quality: Quality = Quality.GOOD
    codes: tuple[QualityCode, ...] = ()
    label: str | None = None
    """The class that the publisher gave, where there is one."""
    place: tuple[str, ...] = ()
    """Where, in the words of the file, for lists that people read."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was read."""

    name: str
    """The file's name without its folder; some formats keep the year there."""
    rows: list[Row] = field(repr=False)
    register: Mapping[tuple[str, ...], str] = field(default_factory=dict, repr=False)
    """What a register beside the file says of each station."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file, known by its columns."""

    id: str
    feed: Feed
    title: str
    columns: frozenset[str]
    """All must be there; neither their order nor upper and lower case matters, further ones are left alone."""
    read: Callable[[Source], Iterator[SourceReading]]
    optional: frozenset[str] = frozenset()
    """Columns that are read where they are there."""
    other_names: Mapping[str, str] = field(default_factory=dict)
    """What publishers call a column elsewhere, without its unit, and what it is called here."""
    register_columns: frozenset[str] = frozenset()
    """Columns of the register that goes with it; none when it needs none."""
    read_register: Callable[[Iterable[Row]], dict[tuple[str, ...], str]] = lambda _rows: {}


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns of a table stand, by the names that a format has for them."""

    index: int
    """The line they are named in; the lines before it are titles."""
    columns: Mapping[str, int]


def find_header(lines: Sequence[Sequence[str]], wanted: frozenset[str], known: Mapping[str, str]) -> Header | None:
    """The first line that names all columns wanted; None when no line does.

    Args:
        known: What a column may be called (see `plain_name`), and its name here.
    """
    for index, line in enumerate(lines[: _TITLE_ROWS + 1]):
        columns: dict[str, int] = {}
        for place, cell in enumerate(line):
            columns.setdefault(known.get(plain_name(cell), cell.strip()), place)
        if wanted <= columns.keys():
            return Header(index, columns)
    return None


def names_of(found: Format) -> dict[str, str]:
    """What the columns of a format may be called, in plain form, and their names here."""
    return {plain_name(name): name for name in found.columns | found.optional} | {
        plain_name(other): name for other, name in found.other_names.items()
    }


def plain_name(column: str) -> str:
    """A column's name without unit, blanks and upper case."""
    return _UNIT.sub("", column).casefold()


def rows_behind(header: Header, lines: Sequence[Sequence[str]]) -> list[Row]:
    """The data rows as cells by column; what a row lacks is empty, and lines without any cell are none."""
    return [
        {name: line[place] if place < len(line) else "" for name, place in header.columns.items()}
        for line in lines[header.index + 1 :]
        if line
    ]


def read_lines(data: bytes, name: str) -> list[list[str]]:
    """Read the cells of a CSV file, separated by comma, semicolon or tab.

    Raises:
        SourceRefused: it is not CSV in UTF-8.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceRefused(f"{name} is not UTF-8 text (byte {error.start}); convert it first") from error
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=_separator_of(text)))
    except csv.Error as error:
        raise SourceRefused(f"{name} is not CSV ({error})") from error
    if not any(lines):
        raise SourceRefused(f"{name} is empty")
    return lines


def _separator_of(text: str) -> str:
    """The separator that stands most often in one of the first lines."""
    head = text.split("\n", _TITLE_ROWS + 1)[: _TITLE_ROWS + 1]
    return max(_SEPARATORS, key=lambda separator: max(line.count(separator) for line in head))
