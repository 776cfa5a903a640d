"""Where the running district shows itself: a live table in a terminal, plain lines elsewhere.

Whoever reads us may go away (a closed terminal, a full pipe): the district goes on, and stops in order when asked to.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from rich.console import Console
from rich.live import Live

from services.district.board import Board
from services.district.language import language_of
from services.district.plain import status_line
from services.district.screen import View, screen
from services.district.terminal import show, write_lines

STATUS_LINE_SECONDS: Final = 5.0
HINT: Final = "ctrl-C stops"


class Output(Protocol):
    """Shows what happens and, once live, the figures."""

    def event(self, line: str) -> None:
        """Show that something happened."""

    def change(self, line: str) -> None:
        """Show what changed in the figures, where the figures do not show it themselves."""

    def begin(self, board: Board) -> None:
        """The district is live: show the figures of the board from now on."""

    def refresh(self) -> None:
        """Show the board's latest figures; called about once a second."""

    def end(self) -> None:
        """Show no figures any more, only events."""


class Lines:
    """Plain lines on standard output."""

    def __init__(self) -> None:
        self._board: Board | None = None
        self._last = 0.0

    def event(self, line: str) -> None:
        """Write the line."""
        _safely(lambda: _write(line))

    def change(self, line: str) -> None:
        """Write the line."""
        self.event(line)

    def begin(self, board: Board) -> None:
        """Write a status line from now on."""
        self._board = board

    def refresh(self) -> None:
        """Write a status line when the last one is some seconds old."""
        if self._board is None or self._board.latest is None or time.monotonic() - self._last < STATUS_LINE_SECONDS:
            return
        self._last = time.monotonic()
        self.event(status_line(self._board.latest, self._board.rates()))

    def end(self) -> None:
        """Write no status lines any more."""
        self._board = None


class LiveTable:
    """A table that fills the terminal; events stand under it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._board: Board | None = None
        self._live: Live | None = None
        self._since = time.monotonic()

    def event(self, line: str) -> None:
        """Write the line, or put it under the table."""
        if self._board is not None:
            self._board.note(line)
            self.refresh()
        else:
            _safely(lambda: show(self._console, line))

    def change(self, line: str) -> None:
        """Nothing: open alerts and troubles stand in the table."""

    def begin(self, board: Board) -> None:
        """Take the whole terminal."""
        self._board = board
        self._live = Live(console=self._console, screen=True, auto_refresh=False, vertical_overflow="crop")
        _safely(self._live.start)

    def refresh(self) -> None:
        """Draw the table anew."""
        if self._live is None or self._board is None or self._board.latest is None:
            return
        width, height = self._console.size
        view = View(
            rates=self._board.rates(),
            width=width,
            height=height,
            now=datetime.now(UTC),
            uptime=timedelta(seconds=time.monotonic() - self._since),
            events=tuple(self._board.events),
            hint=HINT,
            language=language_of(os.environ),
        )
        drawn, live = screen(self._board.latest, view), self._live
        _safely(lambda: live.update(drawn, refresh=True))

    def end(self) -> None:
        """Give the terminal back."""
        if self._live is not None:
            _safely(self._live.stop)
        self._live = self._board = None


def output_for(console: Console, *, plain: bool) -> Output:
    """A live table where there is a terminal that can, plain lines elsewhere."""
    if plain or not console.is_terminal or console.is_dumb_terminal:
        return Lines()
    return LiveTable(console)


def _write(line: str) -> None:
    write_lines([line], sys.stdout)
    sys.stdout.flush()


def _safely(write: Callable[[], None]) -> None:
    try:
        write()
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            # What is read from a file on a full disk goes on when there is room again.
            return
        # Nobody reads any more. What Python still holds for them must not fail at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
