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

from services.district.replay_account import Account, Comparison
from services.district.terminal import add_row, table
from services.district.terminal import show as draw
from services.runtime.printable import printable

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
    judged: int | None
    """Readings of the lane's opening that were judged; None when it was not waited for."""
    judging_failed: int = 0
    """Of these the ones in the dead letters because their judging failed."""

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
            "judged": self.judged,
            "judging_failed": self.judging_failed,
        }
        if self.comparison is not None:
            found |= {"labelled": self.comparison.labelled, "agreeing": self.comparison.agreeing}
        return found


class Step(Protocol):
    """One thing that goes on and how far it is."""

    def at(self, done: int, note: str = "") -> None:
        """So many are done; what else is to be said."""


class _Bar:
    def __init__(self, progress: Progress, title: str, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=total, note="")

    def at(self, done: int, note: str = "") -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=done, note=printable(note))


class _Lines:
    def __init__(self, console: Console, title: str, total: int) -> None:
        self._console = console
        self._title = title
        self._total = total
        self._said_at = time.monotonic()

    def at(self, done: int, note: str = "") -> None:
        """Write a line now and then, and one at the end."""
        if done >= self._total or time.monotonic() - self._said_at >= LINE_SECONDS:
            self._said_at = time.monotonic()
            more = f" ({note})" if note else ""
            draw(self._console, f"{self._title}: {done:,} of {self._total:,}{more}")


@contextmanager
def step(console: Console, title: str, total: int) -> Iterator[Step]:
    """Show how far something is while the block runs."""
    if not console.is_terminal:
        yield _Lines(console, title, total)
        return
    columns = (
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console) as progress:
        yield _Bar(progress, title, total)


def show(report: ReplayReport, console: Console) -> None:
    """Print the report for people."""
    account = report.account
    draw(
        console,
        f"{report.rows:,} rows, {account.sent:,} readings sent = {account.stored:,} stored + "
        f"{account.dead_lettered:,} dead-lettered + {account.duplicates:,} duplicates "
        f"(lane {report.lane}, boot {report.boot_id})",
    )
    _counts(console, "dead-lettered for", report.reasons)
    _counts(console, "stored with quality", report.qualities)
    _counts(console, "stored with code", report.codes)
    if report.judged is not None:
        failed = f", {report.judging_failed:,} of them failed (see v_dead_letters)" if report.judging_failed else ""
        draw(console, f"{report.judged:,} readings of the lane judged{failed}")
    if report.comparison is not None:
        _agreement(console, report.comparison)


def _counts(console: Console, title: str, counts: Mapping[str, int]) -> None:
    for name, n in Counter(dict(counts)).most_common():
        draw(console, f"  {title} {name}: {n:,}")


def _agreement(console: Console, comparison: Comparison) -> None:
    labelled = comparison.labelled
    share = f" ({comparison.agreeing / labelled:.3%})" if labelled else ""
    draw(console, f"class as published: {comparison.agreeing:,} of {labelled:,} labelled rows{share}")
    if not comparison.differences:
        return
    made = table("row", "place", "time (UTC)", "published", "stored", "deciding", title="rows that differ")
    for each in comparison.differences:
        at = f"{each.at:%Y-%m-%d %H:%M}" if each.at is not None else ""
        add_row(made, (each.row, " ".join(each.place), at, each.published, each.stored, each.why))
    draw(console, made)
