"""What every format gives: readings of a file, one row being one or more of them. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schemas.fields import Feed, Quality, QualityCode
from simulators.errors import SourceRefused
from simulators.replay.cells import Row


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
    """All must be there; their order does not matter, further ones are left alone."""
    read: Callable[[Source], Iterator[SourceReading]]
    register_columns: frozenset[str] = frozenset()
    """Columns of the register that goes with it; none when it needs none."""
    read_register: Callable[[Iterable[Row]], dict[tuple[str, ...], str]] = lambda _rows: {}


def read_table(data: bytes, name: str) -> tuple[list[str], list[Row]]:
    """Read a CSV file: its header, and its rows with missing cells as empty text.

    Raises:
        SourceRefused: it is not CSV in UTF-8.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceRefused(f"{name} is not UTF-8 text (byte {error.start}); convert it first") from error
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        header = [column.strip() for column in reader.fieldnames or ()]
        reader.fieldnames = header
        rows: list[Row] = [{column: row[column] or "" for column in header} for row in reader]
    except csv.Error as error:
        raise SourceRefused(f"{name} is not CSV ({error})") from error
    if not header:
        raise SourceRefused(f"{name} is empty")
    return header, rows
