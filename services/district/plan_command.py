"""`district plan`: check, publish and show plans, standards and policies."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError
from rich.table import Table

from schemas.fields import DISTRICT_ZONE, Feed
from schemas.plan.book import Document, PlanBook, identity_of
from schemas.plan.errors import problems_of
from schemas.plan.publication import (
    PlanPublication,
    document_of,
    effective_from,
    in_force,
    publication_key,
    publication_of,
)
from services.district.errors import PlanRefused, SettingRefused
from services.district.plan_files import Checked, Fault, check_all, check_file, default_files
from services.district.plan_judging import refused_document, refused_files
from services.district.plan_thresholds import ThresholdRow, differences, overtaken, rows_at
from services.district.plan_topic import publish as write
from services.district.plan_topic import published
from services.district.settings import find_access
from services.district.terminal import add_row, say, say_json, table
from services.district.terminal import show as show_on
from services.district.words import day_and_time
from services.read_model.plan_limits import in_force_at, subject_of
from services.runtime.settings import KafkaSettings

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
    """Explain every fault of plan, standard and policy files, those that their processors would find included.

    Exit status 1 when there is one.
    """
    checked, faults = check_all(files)
    faults += refused_files([one.file for one in checked if one.document is not None])
    if as_json:
        say_json(_check_report(checked, faults))
    else:
        for fault in faults:
            say(f"{fault.file}: {fault.key}: {fault.reason}")
        bad = {fault.file for fault in faults}
        for one in checked:
            if one.document is not None and one.file not in bad:
                say(f"{one.file}: {' '.join(identity_of(one.document))}: no faults")
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
        raise PlanRefused(_said(checked.faults))
    if effective is not None:
        document = _moved(document, _day(effective, "--effective"))
    kafka = find_access().kafka
    before, unread = asyncio.run(published(kafka))
    _warn(unread)
    earlier = [document_of(publication) for publication in before]
    known = _same_version(document, earlier)
    key, book = publication_key(document).decode(), _book(earlier)
    if known is not None:
        if known != document:
            raise PlanRefused(f"{key} is published with other content; give the changed document a new version.")
        if not overtaken(book, document):
            say(f"{key} is published already, in force from {in_force(document)[0]}; nothing was written.")
            return
    if refused := refused_document(document, earlier, file=str(file)):
        raise PlanRefused(_said(refused))
    replaced = in_force_at(book, subject_of(document), in_force(document)[0])
    for line in differences(replaced, document) or ["no threshold changes"]:
        say(line)
    publication = publication_of(
        document, text=checked.text, published_at=datetime.now(UTC), published_by=by or getpass.getuser()
    )
    again = "" if known is None else " again"
    written = asyncio.run(write(kafka, publication))
    say(f"published {written}{again}, in force from {publication.effective_from}")


def _moved(document: Document, day: date) -> Document:
    try:
        return effective_from(document, day)
    except ValidationError as error:
        reasons = "; ".join(f"{key}: {reason}" for key, reason in problems_of(error, under="document"))
        raise PlanRefused(f"--effective {day}: {reasons}.") from None


def _said(faults: Iterable[Fault]) -> str:
    return "; ".join(f"{fault.file}: {fault.key}: {fault.reason}" for fault in faults)


def _same_version(document: Document, published: list[Document]) -> Document | None:
    found = [one for one in published if identity_of(one) == identity_of(document)]
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
    rows = rows_at(_book([document_of(one) for one in publications]), day, feed)
    if as_json:
        say_json([asdict(row) for row in rows])
    else:
        show_on(None, threshold_table(rows, day))


def threshold_table(rows: list[ThresholdRow], day: date) -> Table:
    """The thresholds as a table for people."""
    made = table("Threshold", "Limit", "Scope", "Source", "Version", "From", "To", title=f"In force on {day}")
    for row in rows:
        limit = f"{row.comparator} {row.value:g} {row.unit.partition(' (')[0]}"
        cells = (row.id, limit, row.scope, row.source, row.version, str(row.valid_from), str(row.valid_to or "–"))
        add_row(made, cells)
    return made


@plan.command()
def history(*, as_json: _Json = False) -> None:
    """List what was published, when and by whom, in the order of publication."""
    publications, unread = asyncio.run(published(find_access().kafka))
    _warn(unread)
    if as_json:
        rows = [p.model_dump(mode="json", exclude={"document"}) | {"key": _key(p)} for p in publications]
        say_json(rows)
        return
    made = table("Document", "In force from", "Published", "By", "SHA-256")
    for one in publications:
        cells = (_key(one), str(one.effective_from), day_and_time(one.published_at), one.published_by)
        add_row(made, (*cells, one.text_sha256[:12]))
    show_on(None, made)


def _key(publication: PlanPublication) -> str:
    return publication_key(document_of(publication)).decode()


def _book(published: list[Document]) -> PlanBook:
    """The documents that ship with the platform, then what was published."""
    checked, faults = check_all(default_files())
    _warn([f"{fault.file}: {fault.key}: {fault.reason}" for fault in faults])
    book = PlanBook(one.document for one in checked if one.document is not None)
    for document in published:
        book = book.with_document(document)
    return book


def published_book(kafka: KafkaSettings | None) -> PlanBook:
    """The documents that ship with the platform, then what was published; what cannot be read is said.

    Raises:
        ServerSilent: Kafka does not answer.
    """
    publications, unread = asyncio.run(published(kafka))
    _warn(unread)
    return _book([document_of(one) for one in publications])


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingRefused(f"{option} {text}: a date is written 2026-01-31.") from None


def _warn(lines: list[str]) -> None:
    for line in lines:
        say(f"district: passed over: {line}", err=True)
