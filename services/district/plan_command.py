"""`district plan`: check, publish and show plans, standards and policies."""

from __future__ import annotations

import asyncio
import getpass
import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from schemas.fields import Feed
from schemas.plan.book import Document, PlanBook, identity_of
from schemas.plan.policy import PolicyDocument
from schemas.plan.publication import (
    PlanPublication,
    document_of,
    effective_from,
    in_force,
    publication_key,
    publication_of,
)
from services.district.errors import PlanRefused, SettingRefused
from services.district.plan_files import Checked, Fault, check_all, check_file, default_files, semantic_faults
from services.district.plan_thresholds import ThresholdRow, differences, in_force_at, rows_at, subject_of
from services.district.plan_topic import publish as write
from services.district.plan_topic import published
from services.district.settings import find_access
from services.district.words import DISTRICT_ZONE, day_and_time, printable

SETTINGS_NOTE: Final = "[settings] are the feed's own: they are checked when its processor loads the document."

plan: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Check, publish and show plans, standards and policies.",
)
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@plan.command()
def check(files: Annotated[list[Path], typer.Argument(metavar="FILE...")], *, as_json: _Json = False) -> None:
    """Explain every fault of plan, standard and policy files; exit status 1 when there is one."""
    checked, faults = check_all(files)
    if as_json:
        typer.echo(json.dumps(_check_report(checked, faults), ensure_ascii=False))
    else:
        for fault in faults:
            typer.echo(printable(f"{fault.file}: {fault.key}: {fault.reason}"))
        bad = {fault.file for fault in faults}
        for one in checked:
            if one.document is not None and one.file not in bad:
                typer.echo(f"{one.file}: {' '.join(identity_of(one.document))}: no faults")
        if any(isinstance(one.document, PolicyDocument) and one.document.settings for one in checked):
            typer.echo(SETTINGS_NOTE)
    if faults:
        raise typer.Exit(1)


def _check_report(checked: list[Checked], faults: list[Fault]) -> dict[str, Any]:
    return {
        "ok": not faults,
        "documents": [
            {"file": one.file, "key": publication_key(one.document).decode() if one.document else None}
            for one in checked
        ],
        "faults": [asdict(fault) for fault in faults],
        "not_checked": SETTINGS_NOTE,
    }


@plan.command()
def publish(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    effective: Annotated[str | None, typer.Option(metavar="DATE", help="First day in force, +08:00.")] = None,
    by: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who publishes it.")] = None,
) -> None:
    """Publish a version; it judges every reading from its first day on, without a restart."""
    checked = check_file(file)
    document = checked.document
    if document is None or checked.faults:
        raise PlanRefused("; ".join(f"{f.file}: {f.key}: {f.reason}" for f in checked.faults))
    if effective is not None:
        document = _moved(document, _day(effective, "--effective"))
    kafka = find_access().kafka
    before, unread = asyncio.run(published(kafka))
    _warn(unread)
    known = _same_version(document, before)
    key = publication_key(document).decode()
    if known is not None:
        if known != document:
            raise PlanRefused(f"{key} is published with other content; give the changed document a new version.")
        typer.echo(f"{key} is published already, in force from {in_force(document)[0]}; nothing was written.")
        return
    book = _book(before)
    replaced = in_force_at(book, subject_of(document), in_force(document)[0])
    for line in differences(replaced, document) or ["no threshold changes"]:
        typer.echo(printable(line))
    publication = publication_of(
        document, text=checked.text, published_at=datetime.now(UTC), published_by=by or getpass.getuser()
    )
    typer.echo(f"published {asyncio.run(write(kafka, publication))}, in force from {publication.effective_from}")


def _moved(document: Document, day: date) -> Document:
    try:
        moved = effective_from(document, day)
    except ValidationError as error:
        reasons = "; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors())
        raise PlanRefused(f"--effective {day}: {reasons}.") from None
    if faults := semantic_faults(moved):
        raise PlanRefused(f"--effective {day}: " + "; ".join(f"{key}: {reason}" for key, reason in faults))
    return moved


def _same_version(document: Document, publications: list[PlanPublication]) -> Document | None:
    found = [d for p in publications if identity_of(d := document_of(p)) == identity_of(document)]
    return found[-1] if found else None


@plan.command()
def show(
    *,
    at: Annotated[str | None, typer.Option(metavar="DATE", help="On this local day; today unless given.")] = None,
    feed: Annotated[Feed | None, typer.Option(help="Only this feed's.")] = None,
    as_json: _Json = False,
) -> None:
    """Show every threshold in force, with its source."""
    day = datetime.now(DISTRICT_ZONE).date() if at is None else _day(at, "--at")
    publications, unread = asyncio.run(published(find_access().kafka))
    _warn(unread)
    rows = rows_at(_book(publications), day, feed)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, default=str))
    else:
        Console().print(threshold_table(rows, day))


def threshold_table(rows: list[ThresholdRow], day: date) -> Table:
    """The thresholds as a table for people."""
    table = Table(title=f"In force on {day}", title_justify="left", header_style="bold cyan")
    for name in ("Threshold", "Limit", "Scope", "Source", "Version", "From", "To"):
        table.add_column(name, overflow="fold")
    for row in rows:
        limit = f"{row.comparator} {row.value:g} {row.unit.partition(' (')[0]}"
        cells = (row.id, limit, row.scope, row.source, row.version, str(row.valid_from), str(row.valid_to or "–"))
        table.add_row(*map(printable, cells))
    return table


@plan.command()
def history(*, as_json: _Json = False) -> None:
    """List what was published, when and by whom, in the order of publication."""
    publications, unread = asyncio.run(published(find_access().kafka))
    _warn(unread)
    if as_json:
        rows = [p.model_dump(mode="json", exclude={"document"}) | {"key": _key(p)} for p in publications]
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table(header_style="bold cyan")
    for name in ("Document", "In force from", "Published", "By", "SHA-256"):
        table.add_column(name, overflow="fold")
    for one in publications:
        cells = (_key(one), str(one.effective_from), day_and_time(one.published_at), one.published_by)
        table.add_row(*map(printable, cells), one.text_sha256[:12])
    Console().print(table)


def _key(publication: PlanPublication) -> str:
    return publication_key(document_of(publication)).decode()


def _book(publications: list[PlanPublication]) -> PlanBook:
    """The documents that ship with the platform, then what was published."""
    checked, faults = check_all(default_files())
    _warn([f"{fault.file}: {fault.key}: {fault.reason}" for fault in faults])
    book = PlanBook(one.document for one in checked if one.document is not None)
    for publication in publications:
        book = book.with_document(document_of(publication))
    return book


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingRefused(f"{option} {text}: a date is written 2026-01-31.") from None


def _warn(lines: list[str]) -> None:
    for line in lines:
        typer.echo(f"district: passed over: {printable(line)}", err=True)
