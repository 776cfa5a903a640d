"""Progress of long downloads: a bar in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

PLAIN_STEP = 0.25


class Step(Protocol):
    """One piece of work whose advance is shown."""

    def advance_to(self, fraction: float) -> None:
        """Show that `fraction` (0 to 1) of the work is done."""


class _Bar:
    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=1.0)

    def advance_to(self, fraction: float) -> None:
        self._progress.update(self._task, completed=fraction)


class _Lines:
    def __init__(self, title: str) -> None:
        self._title = title
        self._shown = 0.0

    def advance_to(self, fraction: float) -> None:
        if fraction >= self._shown + PLAIN_STEP and fraction < 1.0:
            self._shown = fraction
            say(f"{self._title}: {fraction:.0%}")


@contextmanager
def shown(title: str) -> Iterator[Step]:
    """Show one piece of work from its begin to its end, on standard error."""
    began = time.monotonic()
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            bar = _Bar(progress, title)
            yield bar
            bar.advance_to(1.0)
        return
    say(f"{title} …")
    yield _Lines(title)
    say(f"{title}: done in {time.monotonic() - began:.1f} s")


def say(line: str) -> None:
    """Write a line on standard error at once."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
