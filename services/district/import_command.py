"""`district import`: years of history from files into the database, in parallel and resumable."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from schemas.fields import DISTRICT_ZONE, Feed
from services.district.errors import QueryFailed, ServerSilent
from services.district.query import ask
from services.district.settings import database_addresses
from services.district.terminal import console, say
from services.read_model.imports import span_of_imports
from services.runtime.database import DATABASE_AWAY
from services.timescale_sink.history import Counts, Part, RolledUp, parts_of, refused_file, roll_up, take_part


def import_command(
    feed: Annotated[Feed, typer.Argument(help="Which feed the readings are of.", show_default=False)],
    files: Annotated[list[Path], typer.Argument(help="Files with one reading (JSON) a line.", show_default=False)],
    *,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Parts read side by side.")] = os.cpu_count() or 2,
) -> None:
    """Take files of history over into the database; started again, it goes on where it was.

    Readings go straight into the tables, not through Kafka: no rule judges them (`district replay` does that). A
    reading that is there already is a duplicate. Refused lines are kept in FILE.refused-N.jsonl with their reasons.
    """
    writer, owner = database_addresses()
    parts = [part for file in files for part in parts_of(file, feed)]
    counts = _take_all(writer, parts, workers)
    total = Counts(*(sum(getattr(each, name) for each in counts) for name in Counts.__slots__))
    say(
        f"{total.lines:,} lines: {total.stored:,} stored, {total.duplicates:,} were there already,"
        f" {total.refused:,} refused"
    )
    for part in parts:
        if refused_file(part).exists():
            say(f"refused lines with their reasons: {refused_file(part)}")
    _roll_up(owner, feed, {part.source for part in parts})


def _take_all(url: str, parts: list[Part], workers: int) -> list[Counts]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
    )
    found = []
    with Progress(*columns, console=console(stderr=True)) as progress, ProcessPoolExecutor(workers) as pool:
        bar = progress.add_task("importing", total=sum(part.end - part.start for part in parts))
        now = datetime.now(UTC)
        running = {pool.submit(take_part, url, part, now): part for part in parts}
        try:
            for done in as_completed(running):
                found.append(done.result())
                progress.advance(bar, running[done].end - running[done].start)
        except DATABASE_AWAY as error:
            pool.shutdown(cancel_futures=True)
            raise ServerSilent(f"the database went away ({error}); start the same import again, it goes on.") from error
        except asyncpg.PostgresError as error:
            pool.shutdown(cancel_futures=True)
            raise QueryFailed(str(error)) from error
    return found


def _roll_up(owner: str, feed: Feed, sources: set[str]) -> None:
    span = ask(lambda asked: span_of_imports(asked, sources))
    if span is not None:
        _say(asyncio.run(_rolled_up(owner, feed, *span)))


async def _rolled_up(owner: str, feed: Feed, earliest: datetime, latest: datetime) -> RolledUp:
    connection = await asyncpg.connect(owner, command_timeout=None)
    try:
        return await roll_up(connection, feed, earliest, latest)
    except asyncpg.PostgresError as error:
        raise QueryFailed(f"the readings are stored, but not yet in the rollups: {error}; start it again") from error
    finally:
        await connection.close()


def _say(done: RolledUp) -> None:
    for since, until in done.spans:
        say(f"rollups are up to date from {_day(since)} up to {_day(until)}")
    if done.left:
        say(
            f"the rollups of {len(done.left)} days, the first {_day(done.left[0])}, stay as they are: they know more"
            " readings than are there, which were dropped for their age; import these days whole"
        )


def _day(begin: datetime) -> str:
    return f"{begin.astimezone(DISTRICT_ZONE):%Y-%m-%d}"
