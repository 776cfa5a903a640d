"""The one way from a command to the operator's terminal: what is written here cannot drive it.

Tables and lines show what is not printable as `·`; JSON escapes it and keeps every value. Nothing is read as markup.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any, Final, TextIO

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.runtime.printable import escaped, printable, printable_lines

HEADER_STYLE: Final = "bold cyan"


def console(*, stderr: bool = False) -> Console:
    """A console that obeys no markup, makes no emoji of `:words:` and colours nothing by itself."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def say(text: str, *, err: bool = False) -> None:
    """Write one line."""
    typer.echo(printable(text), err=err)


def say_trouble(error: object) -> None:
    """Write on standard error why a command fails; what follows the first line is set in."""
    sys.stderr.write(f"{printable_lines(f'district: {error}')}\n")


def say_json(value: Any) -> None:
    """Write one value as JSON on a line; times as RFC 3339, decimals as text."""
    typer.echo(escaped(json.dumps(value, ensure_ascii=False, default=_as_json)))


def _as_json(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def show(drawn: Console | None, *parts: Any) -> None:
    """Draw tables and lines of text on a console; None: on standard output."""
    on = drawn or console()
    for part in parts:
        on.print(Text(printable(part)) if isinstance(part, str) else part, soft_wrap=isinstance(part, str))


def cell(text: object) -> Text:
    """A cell of a table, or any other piece of one, as it is and without markup."""
    return Text(printable(str(text)))


def table(*heads: str, title: str | None = None) -> Table:
    """A table for people; its cells come from `cell`."""
    made = Table(title=None if title is None else cell(title), title_justify="left", header_style=HEADER_STYLE)
    for head in heads:
        made.add_column(cell(head), overflow="fold")
    return made


def whole_cells(made: Table) -> Table:
    """The same table, close: its heads are broken at spaces, so that on 80 columns no name and no number is."""
    made.box, made.padding, made.pad_edge = SIMPLE_HEAD, (0, 0, 0, 0), False
    for column in made.columns:
        column.header = Text("\n").join(map(cell, str(column.header).split(" ")))
        column.no_wrap = True
    return made


def one_line(*columns: tuple[str, int], gap: int = 2) -> Table:
    """A borderless table whose rows are one line high, cut with an ellipsis where they do not fit.

    Args:
        columns: How each is justified, and its share of the width (0: what it needs).
        gap: Spaces between columns.
    """
    made = Table.grid(padding=(0, gap, 0, 0), expand=True)
    for justify, share in columns:
        made.add_column(
            justify="right" if justify == "right" else "left", ratio=share or None, no_wrap=True, overflow="ellipsis"
        )
    return made


def add_row(to: Table, cells: Iterable[object]) -> None:
    """Add a row whose cells are shown as they are."""
    to.add_row(*map(cell, cells))


def write_lines(lines: Iterable[str], out: TextIO) -> None:
    """Write lines as they come, tabulators as spaces."""
    out.writelines(f"{printable(line.expandtabs(4))}\n" for line in lines)
