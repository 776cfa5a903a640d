"""`district ledger`: what became of every record, what was gone from Kafka, which numbers of devices are missing."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from schemas.fields import LIVE, Feed
from services.district.query import ROWS_FOR_PEOPLE, ask
from services.district.terminal import add_row, say, say_json, table
from services.district.terminal import show as draw
from services.district.words import UNKNOWN, count, day_and_time
from services.district.writing import written
from services.read_model.connection import Asked
from services.read_model.ledger import (
    GAPS_MOST,
    BookRow,
    ConflictRow,
    DeviceGapRow,
    LogGapRow,
    books,
    conflicts,
    device_gaps,
    log_gaps,
    open_log_gaps,
)
from services.read_model.typed import as_dict

ACKNOWLEDGE: Final = """
UPDATE log_gaps SET acknowledged_at = now(), acknowledged_by = $1
WHERE acknowledged_at IS NULL AND (cluster_id, topic, partition, noticed_at, first_offset) IN (
    SELECT * FROM unnest($2::text[], $3::text[], $4::int[], $5::timestamptz[], $6::bigint[])
)
RETURNING topic, partition, first_offset, before_offset
"""
_KEY: Final = ("cluster_id", "topic", "partition", "noticed_at", "first_offset")

ledger: Final = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="What became of every record, and what is missing.",
)


@ledger.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    *,
    feed: Annotated[Feed | None, typer.Option(help="Only this feed's.")] = None,
    lane: Annotated[str, typer.Option(help="Devices of this lane.")] = LIVE,
    device: Annotated[str | None, typer.Option(help="Only this device.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=GAPS_MOST,
            help=f"At most so many gaps and findings of each kind; else {ROWS_FOR_PEOPLE}, {GAPS_MOST} as JSON.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the books of each feed, the gaps in Kafka's logs, the numbers that devices have not sent, and findings.

    A finding is a reading whose lane, device, boot and number were stored before with another time or other values.
    """
    if context.invoked_subcommand is not None:
        return
    most = limit or (GAPS_MOST if as_json else ROWS_FOR_PEOPLE)
    found = ask(lambda asked: _found(asked, feed=feed, lane=lane, device=device, limit=most))
    if as_json:
        say_json({field.name: [as_dict(row) for row in getattr(found, field.name)] for field in fields(found)})
        return
    draw(None, books_table(found.feeds), log_gaps_table(found.log_gaps), device_gaps_table(found.device_gaps))
    for row in found.findings:
        say(f"{day_and_time(row.received_at)} {row.detail}")


@dataclass(frozen=True, slots=True)
class Found:
    """What the ledger knows."""

    feeds: list[BookRow]
    log_gaps: list[LogGapRow]
    device_gaps: list[DeviceGapRow]
    findings: list[ConflictRow]


async def _found(asked: Asked, *, feed: Feed | None, lane: str, device: str | None, limit: int) -> Found:
    return Found(
        feeds=await books(asked, feed=feed),
        log_gaps=await log_gaps(asked, limit=limit),
        device_gaps=await device_gaps(asked, feed=feed, lane=lane, device=device, limit=limit),
        findings=await conflicts(asked, feed=feed, lane=lane, device=device, limit=limit),
    )


@ledger.command()
def acknowledge(
    by: Annotated[str | None, typer.Option("--as", help="Who takes note; else the user of this machine.")] = None,
    topic: Annotated[str | None, typer.Option(help="Only gaps of this topic.")] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Only gaps of this partition.")] = None,
) -> None:
    """Show the open gaps in Kafka's logs and take note of these: health is well again and their alerts end.

    A gap that is noticed meanwhile stays open. The ledger keeps all of them.
    """
    gaps = ask(lambda asked: open_log_gaps(asked, topic=topic, partition=partition))
    if not gaps:
        say("no gap is open")
        return
    draw(None, log_gaps_table(gaps))
    for row in asyncio.run(take_note(gaps, by or getpass.getuser())):
        say(f"{row['topic']} {row['partition']}: {row['first_offset']} to {row['before_offset'] - 1} taken note of")


async def take_note(gaps: Sequence[LogGapRow], by: str) -> list[Any]:
    """Take note of these gaps and of no others; returns those that were still open.

    Args:
        gaps: As they were shown.
        by: Who takes note.

    Raises:
        ServerSilent, QueryFailed: see `writing.written`.
    """
    keys = [[getattr(gap, name) for gap in gaps] for name in _KEY]
    return await written(ACKNOWLEDGE, by, *keys)


def books_table(rows: Iterable[BookRow]) -> Table:
    """Each feed's books."""
    names = ("received", "stored", "duplicates", "dead_lettered", "difference", "in_flight", "lost_records")
    made = table("Feed", "Received", "Stored", "Duplicates", "Dead letters", "Difference", "In flight", "Lost in Kafka")
    for row in rows:
        add_row(made, (row.feed, *(count(getattr(row, name)) for name in names)))
    return made


def log_gaps_table(rows: Iterable[LogGapRow]) -> Table:
    """Records that were gone from Kafka before they were stored; local time."""
    made = table("Gap in Kafka", "Offsets", "Records", "Written after", "Before", "Why", "Taken note of")
    for row in rows:
        offsets = f"{row.first_offset} – {row.last_offset}"
        between = (UNKNOWN if at is None else day_and_time(at) for at in (row.since, row.until))
        at, by = row.acknowledged_at, row.acknowledged_by
        noted = UNKNOWN if at is None else f"{day_and_time(at)} {by}"
        add_row(made, (f"{row.topic} {row.partition}", offsets, count(row.records), *between, row.why, noted))
    return made


def device_gaps_table(rows: Iterable[DeviceGapRow]) -> Table:
    """Numbers that devices must have used and that are neither stored nor refused."""
    made = table("Feed", "Device", "Boot", "Missing numbers", "How many")
    for row in rows:
        numbers = f"{row.first_seq} – {row.last_seq}"
        add_row(made, (row.feed, row.device_id, row.boot_id, numbers, count(row.n)))
    return made
