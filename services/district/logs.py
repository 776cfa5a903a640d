"""`district logs`: what servers and services have to say, of this run and the ones before."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from pathlib import Path
from typing import Annotated, BinaryIO, Final, TextIO

import typer

from deploy.local.paths import state_dir
from services.district.errors import EXIT_INTERRUPTED, UnknownLog
from services.district.terminal import write_lines

POLL_SECONDS: Final = 0.25


def logs(
    name: Annotated[
        str | None, typer.Argument(help="A server, service or set-up step; all of them when absent.")
    ] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more is written, until ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines of each.")] = 50,
) -> None:
    """Print the last lines of the logs."""
    folder = state_dir() / "logs"
    known = sorted(path.stem for path in folder.glob("*.log"))
    if name is not None and name not in known:
        raise UnknownLog(f"{name!r} is none of {', '.join(known) or f'those in {folder}, which are none'}.")
    chosen = [name] if name is not None else known
    tails = [Tail(folder / f"{each}.log", f"{each} | " if name is None else "") for each in chosen]
    try:
        for tail in tails:
            tail.print_last(lines, sys.stdout)
        while follow:
            for tail in tails:
                tail.print_new(sys.stdout)
            sys.stdout.flush()
            time.sleep(POLL_SECONDS)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader, such as `head`, has enough; nothing may be flushed into the broken pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        for tail in tails:
            tail.close()


class Tail:
    """The end of one log file, which may be set aside and begun anew while it is followed."""

    def __init__(self, path: Path, prefix: str) -> None:
        self._path = path
        self._prefix = prefix
        self._log: BinaryIO | None = None

    def print_last(self, lines: int, out: TextIO) -> None:
        """Print the last lines, and remember where they end."""
        self._log = self._path.open("rb")
        self._write(deque(self._log, maxlen=lines), out)

    def print_new(self, out: TextIO) -> None:
        """Print the whole lines that came since; of a file that was set aside first what came before that."""
        if self._log is not None:
            self._print_rest(self._log, out)
        try:
            newest = self._path.stat()
        except FileNotFoundError:
            return
        if self._log is not None:
            mine = os.fstat(self._log.fileno())
            if mine.st_ino == newest.st_ino:
                return
            # It may have got its last lines between our reading and its being set aside.
            self._print_rest(self._log, out)
            self._log.close()
        self._log = self._path.open("rb")
        self._print_rest(self._log, out)

    def close(self) -> None:
        """Close the file."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def _print_rest(self, log: BinaryIO, out: TextIO) -> None:
        position = log.tell()
        if os.fstat(log.fileno()).st_size < position:
            position = 0
        log.seek(position)
        whole = log.read().rpartition(b"\n")[0]
        log.seek(position + len(whole) + 1 if whole else position)
        if whole:
            self._write(whole.split(b"\n"), out)

    def _write(self, lines: list[bytes] | deque[bytes], out: TextIO) -> None:
        write_lines((f"{self._prefix}{line.decode(errors='replace').rstrip()}" for line in lines), out)
