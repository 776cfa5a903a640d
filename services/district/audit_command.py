"""`district audit`: what each device must have sent, by its numbers, and what became of each number.

Exit status 1 when numbers are missing, or when the ledger of numbers and the readings contradict each other.
"""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from schemas.fields import DISTRICT_ZONE, LIVE, Feed
from services.district.query import ROWS_FOR_PEOPLE, ask
from services.district.terminal import add_row, say, say_json, table, whole_cells
from services.district.terminal import show as draw
from services.district.words import count, day_and_time
from services.district.writing import written
from services.read_model.audit import AuditFilter, AuditRow, MissingRow, RepeatRow, missing, repeats
from services.read_model.audit import audit as audit_of
from services.read_model.connection import Asked
from services.read_model.ledger import BookRow, DeviceHourRow, books, device_hours
from services.read_model.typed import as_dict
from services.runtime.multirange import named, overlap

USUAL_SPAN: Final = timedelta(hours=24)
EXIT_MISSING: Final = 1
_FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
_NOTE: Final = """
UPDATE readings_missing SET ended_at = now(), acknowledged_by = $1
WHERE ended_at IS NULL AND (feed, lane, device_id, boot_id, noticed_at, numbers::text) IN (
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[])
)
RETURNING device_id, boot_id, numbers::text AS numbers
"""
_KEY: Final = ("feed", "lane", "device_id", "boot_id", "noticed_at", "numbers")

audit: Final = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="What each device must have sent, and what became of each number. Exit status 1 when numbers are missing.",
)


@dataclass(frozen=True, slots=True)
class Audited:
    """What is known of a span."""

    since: datetime
    until: datetime
    lane: str
    boots: list[AuditRow]
    repeats: list[RepeatRow]
    hours: list[DeviceHourRow]
    """Of the one device that was asked for."""
    missing: list[MissingRow]
    """Now, whenever they were measured."""
    books: list[BookRow]

    @property
    def is_whole(self) -> bool:
        """Every number of the span is accounted for."""
        return not any(row.missing or row.difference for row in self.boots)


@audit.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    *,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=_FORMATS, help="Beijing time; else 24 hours before the end.")
    ] = None,
    until: Annotated[datetime | None, typer.Option("--to", formats=_FORMATS, help="Exclusive; else now.")] = None,
    feed: Annotated[Feed | None, typer.Option(help="Only this feed's.")] = None,
    device: Annotated[str | None, typer.Option(help="Only this device, hour by hour.")] = None,
    lane: Annotated[str, typer.Option(help="The lane.")] = LIVE,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show for each device of a span: sent (by its numbers) = stored + dead letters + gone + missing, and name gaps."""
    if context.invoked_subcommand is not None:
        return
    end = datetime.now(UTC) if until is None else until.replace(tzinfo=DISTRICT_ZONE)
    begin = end - USUAL_SPAN if since is None else since.replace(tzinfo=DISTRICT_ZONE)
    found = ask(lambda asked: _found(asked, begin, end, feed=feed, lane=lane, device=device))
    if as_json:
        say_json(as_data(found))
    else:
        _show(found)
    if not found.is_whole:
        raise typer.Exit(EXIT_MISSING)


async def _found(
    asked: Asked, since: datetime, until: datetime, *, feed: Feed | None, lane: str, device: str | None
) -> Audited:
    which = AuditFilter(since, until, feed, lane, device)
    hours = [] if device is None else await device_hours(asked, device, since=since, until=until, lane=lane)
    return Audited(
        since=since,
        until=until,
        lane=lane,
        boots=await audit_of(asked, which),
        repeats=await repeats(asked, which),
        hours=[row for row in hours if feed is None or row.feed == feed],
        missing=await missing(asked, feed=feed, device=device) if lane == LIVE else [],
        books=await books(asked, feed=feed),
    )


def as_data(found: Audited) -> dict[str, Any]:
    """JSON-ready: the span, totals by feed, every boot, hours, what is missing now."""
    return {
        "since": found.since,
        "until": found.until,
        "lane": found.lane,
        "whole": found.is_whole,
        "feeds": [
            {"feed": feed, **_sums(rows), "repeated": again, "in_flight": flying}
            for feed, rows, again, flying in _by_feed(found)
        ],
        "boots": [as_dict(row) | {"difference": row.difference} for row in found.boots],
        "hours": [as_dict(row) for row in found.hours],
        "missing_now": [as_dict(row) for row in found.missing],
    }


def _sums(rows: Sequence[AuditRow]) -> dict[str, int]:
    names = ("sent", "stored", "refused", "gone", "missing", "difference")
    return {"devices": len({row.device_id for row in rows})} | {
        name: sum(getattr(row, name) for row in rows) for name in names
    }


def _by_feed(found: Audited) -> Iterable[tuple[str, list[AuditRow], int, int]]:
    """Feed, its boots, readings that came again, readings that Kafka still holds."""
    for book in found.books:
        rows = [row for row in found.boots if row.feed == book.feed]
        yield book.feed, rows, sum(row.n for row in found.repeats if row.feed == book.feed), book.in_flight


def _show(found: Audited) -> None:
    say(f"{day_and_time(found.since)} to {day_and_time(found.until)} (Beijing time), lane {found.lane}")
    draw(None, feeds_table(found), *((hours_table(found.hours),) if found.hours else ()))
    lines = list(gap_lines(found))
    for line in lines[:ROWS_FOR_PEOPLE]:
        say(line)
    more = len(lines) - ROWS_FOR_PEOPLE
    if more > 0:
        say(f"{count(more)} more boots with missing numbers; --json names all")
    say(verdict(found))


def gap_lines(found: Audited) -> Iterator[str]:
    """Each boot whose numbers are not all accounted for; then what is missing now and is not of the span."""
    told: set[int] = set()
    for row in found.boots:
        boot = f"{row.feed} {row.device_id} boot {row.boot_id}"
        if row.missing:
            known = [
                (place, each)
                for place, each in enumerate(found.missing)
                if (each.feed, each.device_id, each.boot_id) == (row.feed, row.device_id, row.boot_id)
                and overlap(each.numbers, row.missing_numbers)
            ]
            told |= {place for place, _ in known}
            numbers = f"{count(row.missing)} of {count(row.sent)} never came: {named(row.missing_numbers)}"
            yield f"{boot}: {numbers}{''.join(_standing(each) for _, each in known)}"
        if row.difference:
            yield f"{boot}: the ledger of numbers and the readings differ by {row.difference}"
    for place, other in enumerate(found.missing):
        if place not in told:
            boot = f"{other.feed} {other.device_id} boot {other.boot_id}"
            yield f"{boot}, not of this span: {named(other.numbers)}{_standing(other)}"


def _standing(row: MissingRow) -> str:
    return f" (noticed {day_and_time(row.noticed_at)}, {'an alert' if row.is_alert else 'not yet an alert'})"


def verdict(found: Audited) -> str:
    """The answer in one sentence."""
    sums = _sums(found.boots)
    if not found.boots:
        return "No reading was measured in this span."
    devices = "1 device" if sums["devices"] == 1 else f"{count(sums['devices'])} devices"
    said = f"{devices} used {count(sums['sent'])} numbers"
    odd = sum(1 for row in found.boots if row.difference)
    if odd:
        boots = "1 boot" if odd == 1 else f"{count(odd)} boots"
        return f"{said}; in {boots} the ledger and the readings contradict each other: report this."
    if sums["missing"]:
        return f"{said}; {count(sums['missing'])} never came. A device that still has them sends them again by itself."
    return f"{said}; every one is accounted for."


def feeds_table(found: Audited) -> Table:
    """The sums of each feed."""
    made = table("Feed", "Devices", "Sent", "Stored", "Dead letters", "Gone", "Missing", "Came again", "In flight")
    for feed, rows, again, flying in _by_feed(found):
        sums = _sums(rows)
        cells = (sums[name] for name in ("devices", "sent", "stored", "refused", "gone", "missing"))
        add_row(made, (feed, *map(count, cells), count(again), count(flying)))
    return whole_cells(made)


def hours_table(rows: Iterable[DeviceHourRow]) -> Table:
    """One device by the hour of measurement."""
    made = table("Feed", "Hour", "Sent", "Stored", "Came again", "Dead letters", "Missing")
    for row in rows:
        sums = (count(each) for each in (row.sent, row.stored, row.repeated, row.refused, row.missing))
        add_row(made, (row.feed, day_and_time(row.bucket), *sums))
    return whole_cells(made)


@audit.command()
def acknowledge(
    by: Annotated[str | None, typer.Option("--as", help="Who takes note; else the user of this machine.")] = None,
    feed: Annotated[Feed | None, typer.Option(help="Only this feed's.")] = None,
    device: Annotated[str | None, typer.Option(help="Only this device's.")] = None,
) -> None:
    """Take note of the numbers that are missing now: their alerts end. The ledger keeps them as missing.

    Numbers that are noticed meanwhile stay open.
    """
    rows = ask(lambda asked: missing(asked, feed=feed, device=device))
    if not rows:
        say("no numbers are missing that nobody has taken note of")
        return
    noted = asyncio.run(take_note(rows, by or getpass.getuser()))
    if len(noted) < len(rows):
        say(f"{len(rows) - len(noted)} changed meanwhile; look again with `district audit`")
    for row in noted:
        say(f"{row['device_id']} boot {row['boot_id']}: {named(row['numbers'])} taken note of")


async def take_note(rows: Sequence[MissingRow], by: str) -> list[Any]:
    """Take note of these numbers and of no others; returns those that were still open.

    Raises:
        ServerSilent, QueryFailed: see `writing.written`.
    """
    return await written(_NOTE, by, *([getattr(row, name) for row in rows] for name in _KEY))
