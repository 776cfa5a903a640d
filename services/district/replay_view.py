"""How a replay shows itself: a bar in a terminal, plain lines elsewhere, and the report at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.district.replay_account import Account, Comparison

LINE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay came to."""

    lane: str
    boot_id: str
    rows: int
    account: Account
    comparison: Comparison | None
    """None for feeds whose source publishes no class."""
    reasons: Mapping[str, int]
    """Readings by the reason for which they were dead-lettered."""
    qualities: Mapping[str, int]
    codes: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the object for machines."""
        account = self.account
        found: dict[str, Any] = {
            "lane": self.lane,
            "rows": self.rows,
            "readings": account.sent,
            "sent": account.sent,
            "stored": account.stored,
            "dead_lettered": account.dead_lettered,
            "duplicates": account.duplicates,
        }
        if self.comparison is not None:
            found |= {"labelled": self.comparison.labelled, "agreeing": self.comparison.agreeing}
        return found


class Step(Protocol):
    """One thing that goes on and how far it is."""

    def at(self, done: int) -> None:
        """So many are done."""


class _Bar:
    def __init__(self, progress: Progress, title: str, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=total)

    def at(self, done: int) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=done)


class _Lines:
    def __init__(self, console: Console, title: str, total: int) -> None:
        self._console = console
        self._title = title
        self._total = total
        self._said_at = time.monotonic()

    def at(self, done: int) -> None:
        """Write a line now and then, and one at the end."""
        if done >= self._total or time.monotonic() - self._said_at >= LINE_SECONDS:
            self._said_at = time.monotonic()
            self._console.print(f"{self._title}: {done:,} of {self._total:,}", highlight=False)


@contextmanager
def step(console: Console, title: str, total: int) -> Iterator[Step]:
    """Show how far something is while the block runs."""
    if not console.is_terminal:
        yield _Lines(console, title, total)
        return
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield _Bar(progress, title, total)


def show(report: ReplayReport, console: Console) -> None:
    """Print the report for people."""
    account = report.account
    console.print(
        f"{report.rows:,} rows, {account.sent:,} readings sent = {account.stored:,} stored + "
        f"{account.dead_lettered:,} dead-lettered + {account.duplicates:,} duplicates "
        f"(lane {report.lane}, boot {report.boot_id})",
        highlight=False,
        soft_wrap=True,
    )
    _counts(console, "dead-lettered for", report.reasons)
    _counts(console, "stored with quality", report.qualities)
    _counts(console, "stored with code", report.codes)
    if report.comparison is not None:
        _agreement(console, report.comparison)


def _counts(console: Console, title: str, counts: Mapping[str, int]) -> None:
    for name, n in Counter(dict(counts)).most_common():
        console.print(f"  {title} {name}: {n:,}", highlight=False)


def _agreement(console: Console, comparison: Comparison) -> None:
    labelled = comparison.labelled
    share = f" ({comparison.agreeing / labelled:.3%})" if labelled else ""
    console.print(f"class as published: {comparison.agreeing:,} of {labelled:,} labelled rows{share}", highlight=False)
    if not comparison.differences:
        return
    table = Table("row", "place", "time (UTC)", "published", "stored", "deciding", title="rows that differ")
    for each in comparison.differences:
        at = f"{each.at:%Y-%m-%d %H:%M}" if each.at is not None else ""
        table.add_row(str(each.row), " ".join(each.place), at, each.published, each.stored, each.why)
    console.print(table)
