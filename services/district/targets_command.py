"""`district targets`: figures that people enter for targets without telemetry, and where each target stands.

What was entered is read from its topic and not from the database: entering works while the database is down, and the
sink catches up.
"""

from __future__ import annotations

import asyncio
import getpass
import hashlib
import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from schemas.fields import DISTRICT_ZONE
from schemas.plan.book import PlanBook
from schemas.plan.documents import Check, PlanIndicator
from schemas.plan.in_force import local_midnight_us
from schemas.target_figure import SourceDocument, TargetFigure
from services.dashboards.words import Language
from services.district.errors import SettingRefused, TargetsRefused
from services.district.language import language_of
from services.district.plan_command import published_book
from services.district.settings import find_access
from services.district.target_files import sheets_of, write_template
from services.district.target_topic import figure_book, write_figures
from services.district.terminal import add_row, say, say_json, show, table
from services.district.words import day_and_time
from services.plan_office.entering import Draft, FigureRefused, Person, confirmed, entered
from services.plan_office.figure_book import FigureBook
from services.plan_office.sheet import Entering, NoSheet, RefusedCell, Taken, key_of, read_sheet, template
from services.plan_office.standing import Stands, stands
from services.plan_office.standing_words import amount
from services.plan_office.written import day_of, number_of, period_of

targets: Final = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Figures of the plan's targets that no sensor measures: list, enter, import, confirm, history.",
)
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_As = Annotated[str | None, typer.Option("--as", metavar="ID", help="Who does it; your login unless given.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")]
_Target = Annotated[str, typer.Argument(metavar="TARGET", show_default=False, help="Id of the target.")]
_PERSON: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@targets.command("list")
def list_targets(
    *,
    at: Annotated[
        str | None, typer.Option(metavar="DATE", help="At the end of this local day; now by default.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Show where each target that people answer for stands, and what waits to be confirmed."""
    day = _today() if at is None else _day(at, "--at")
    plans, book = _known()
    rows = [(entry, found) for entry in reported(plans, day) if (found := _stands(entry, plans, book, day)) is not None]
    if as_json:
        say_json(
            {
                "targets": [_standing_json(*row) for row in rows],
                "waiting": [_figure_json(one) for one in book.waiting()],
            }
        )
        return
    tell = _teller()
    made = table("Target", "Stands", "Value", "Of", "Path", "Goal", "Due", "Why", title=f"At the end of {day}")
    for entry, found in rows:
        goal = f"{entry.op} {tell(amount(entry.target, entry.unit))}"
        figures = [
            "–" if value is None else tell(amount(float(f"{value:.6g}"), entry.unit))
            for value in (found.value, found.expected)
        ]
        of = "–" if found.value_on is None else str(found.value_on)
        cells = (tell_name(entry), found.status.value, figures[0], of, figures[1], goal, str(entry.due))
        add_row(made, (*cells, tell(found.reason)))
    show(None, made, *(f"waits to be confirmed: {_line(one)}" for one in book.waiting()))


@targets.command()
def enter(
    target: _Target,
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="2024, 2024H1, 2024-03, 2024-01-01..2024-06-30")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The figure.")],
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="Its unit, as the plan has it.")],
    *,
    recorded_on: Annotated[str, typer.Option(metavar="DATE", help="Day on which the source recorded it.")],
    source: Annotated[str, typer.Option(metavar="TEXT", help="Title of the source document.")],
    number: Annotated[str, typer.Option(metavar="TEXT", help="Its number.")] = "",
    page: Annotated[int | None, typer.Option(min=1, help="Its page.")] = None,
    file: Annotated[Path | None, typer.Option(help="The document itself; its SHA-256 is kept.")] = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="What else is to be known.")] = "",
    correct: Annotated[bool, typer.Option("--correct", help="Take the place of what was entered before.")] = False,
    by: _As = None,
    dry_run: _DryRun = False,
    as_json: _Json = False,
) -> None:
    """Enter a figure, or correct one; it counts once somebody else has confirmed it."""
    plans, book = _known()
    found, number_told = period_of(period), number_of(value)
    if found is None:
        raise TargetsRefused(f"“{period}” is no period: write 2024, 2024H1, 2024-03 or 2024-01-01..2024-06-30.")
    if number_told is None:
        raise TargetsRefused(f"“{value}” is not a number.")
    try:
        document = SourceDocument(
            title=source, number=number, page=page, sha256=None if file is None else _digest(file)
        )
    except ValidationError as error:
        raise TargetsRefused(f"the source document: {error.errors()[0]['msg']}.") from error
    draft = Draft(
        target, number_told, unit, *found, _day(recorded_on, "--recorded-on"), document, note, corrects=correct
    )
    now = datetime.now(UTC)
    try:
        record = entered(draft, plans, book, _person(by), at=now, today=_today(), key=key_of(draft, book))
    except FigureRefused as error:
        raise TargetsRefused(_teller()(error.said)) from error
    _write([record], dry_run=dry_run)
    if as_json:
        say_json(_figure_json(record))
    else:
        say(f"{'would enter' if dry_run else 'entered'} {_line(record)}")


@targets.command("import")
def import_figures(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False, help="A table: .xlsx or .csv.")],
    *,
    by: _As = None,
    dry_run: _DryRun = False,
    as_json: _Json = False,
) -> None:
    """Enter the figures of a table; right rows are taken, each wrong cell is named with its reason.

    Exit status 1 when a cell was refused.
    """
    plans, book = _known()
    how = Entering(plans, _person(by), datetime.now(UTC), _today())
    taken: list[Taken] = []
    refused: list[RefusedCell] = []
    for sheet in sheets_of(file):
        try:
            right, wrong = read_sheet(sheet, book, how)
        except NoSheet as error:
            raise TargetsRefused(f"{file}, {error}") from error
        taken += right
        refused += wrong
    _write([one.record for one in taken], dry_run=dry_run)
    tell = _teller()
    if as_json:
        say_json(
            {
                "written": not dry_run,
                "taken": [{"sheet": one.sheet, "row": one.row} | _figure_json(one.record) for one in taken],
                "refused": [
                    {"sheet": one.sheet, "cell": one.cell, "why": one.why.value, "zh": one.said.zh, "en": one.said.en}
                    for one in refused
                ],
            }
        )
    else:
        for one in refused:
            say(f"{one.sheet}!{one.cell}: {tell(one.said)}")
        say(f"{len(taken)} {'would be ' if dry_run else ''}entered, {len(refused)} refused")
    if refused:
        raise typer.Exit(1)


@targets.command()
def confirm(
    figures: Annotated[list[str], typer.Argument(metavar="FIGURE...", show_default=False, help="Ids, or `all`.")],
    *,
    by: _As = None,
    as_json: _Json = False,
) -> None:
    """Confirm what somebody else entered; from then on it counts. `all`: everything that waits and is not your own."""
    _, book = _known()
    person, now = _person(by), datetime.now(UTC)
    wanted = [one.figure_id for one in book.waiting() if one.entered_by != person.id] if figures == ["all"] else figures
    made: list[TargetFigure] = []
    refused: list[str] = []
    for figure in wanted:
        try:
            made.append(confirmed(figure, book, person, at=now))
        except FigureRefused as error:
            refused.append(_teller()(error.said))
        else:
            book.take(made[-1])
    _write(made, dry_run=False)
    if as_json:
        say_json([_figure_json(one) for one in made])
    else:
        for one in made:
            say(f"confirmed {_line(one)}")
    if refused:
        raise TargetsRefused("; ".join(refused))


@targets.command()
def history(
    target: Annotated[str | None, typer.Argument(metavar="[TARGET]")] = None, *, as_json: _Json = False
) -> None:
    """List every revision of every figure, of one target when one is named."""
    _, book = _known()
    rows = [one for one in book.all() if target in {None, one.target}]
    if as_json:
        say_json([_figure_json(one) for one in rows])
        return
    made = table("Target", "Period", "Rev", "Value", "Recorded", "Source", "Entered", "Confirmed", "Figure")
    for one in rows:
        page = "" if one.source.page is None else f"p. {one.source.page}"
        source = " ".join(part for part in (one.source.title, one.source.number, page) if part)
        done = "–" if one.confirmed_at is None else f"{one.confirmed_by_name} {day_and_time(one.confirmed_at)}"
        cells = (
            one.target,
            f"{one.period_start}..{one.period_end}",
            str(one.revision),
            f"{one.value:,.10g} {one.unit}",
        )
        who = f"{one.entered_by_name} {day_and_time(one.entered_at)}"
        add_row(made, (*cells, str(one.recorded_on), source, who, done, one.figure_id[:12]))
    show(None, made)


@targets.command("template")
def write_a_template(
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", show_default=False, help="The spreadsheet to write.")],
) -> None:
    """Write a spreadsheet to fill in: a row for each target that people answer for."""
    plans, _ = _known()
    rows = template(reported(plans, _today()))
    write_template(file, rows, "规划指标")
    say(f"{file}: {len(rows) - 1} targets; fill in, then `district targets import {file}`")


def reported(plans: PlanBook, day: date) -> list[PlanIndicator]:
    """Targets of the plans in force on a day that people answer for, in the order of the plan."""
    ids = dict.fromkeys(
        entry.id for one in plans.documents for entry in getattr(one, "indicator", ()) if hasattr(entry, "due")
    )
    found = (plans.targets(each).at(local_midnight_us(day)) for each in ids)
    return [one.indicator for one in found if one is not None and one.indicator.check is Check.REPORTED]


def tell_name(entry: PlanIndicator) -> str:
    """Its name in the reader's language, and its id."""
    return f"{entry.name_zh or entry.name if _is_chinese() else entry.name} ({entry.id})"


def _known() -> tuple[PlanBook, FigureBook]:
    kafka = find_access().kafka
    plans = published_book(kafka)
    book, unread = asyncio.run(figure_book(kafka))
    for line in unread:
        say(f"district: passed over: {line}", err=True)
    return plans, book


def _write(figures: Iterable[TargetFigure], *, dry_run: bool) -> None:
    if not dry_run and (written := list(figures)):
        asyncio.run(write_figures(find_access().kafka, written))


def _stands(entry: PlanIndicator, plans: PlanBook, book: FigureBook, day: date) -> Stands | None:
    return stands(plans.targets(entry.id), book.figures(entry.id), day)


def _person(by: str | None) -> Person:
    told = by or getpass.getuser()
    if not _PERSON.fullmatch(told):
        raise SettingRefused(f"--as {told}: an id has letters, digits, `.`, `_` and `-`, at most 64.")
    return Person(told, told)


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise TargetsRefused(f"{file} cannot be read: {error.strerror}.") from error


def _today() -> date:
    return datetime.now(DISTRICT_ZONE).date()


def _day(text: str, option: str) -> date:
    found = day_of(text)
    if found is None:
        raise SettingRefused(f"{option} {text}: a date is written 2024-03-15.")
    return found


def _is_chinese() -> bool:
    return language_of(os.environ) is Language.ZH


def _teller() -> Callable[[Any], str]:
    """What gives the words of the reader's language."""
    chinese = _is_chinese()
    return lambda said: said.zh if chinese else said.en


def _line(one: TargetFigure) -> str:
    value = f"{one.value:,.10g} {one.unit}"
    return f"{one.figure_id}: {one.target} {one.period_start}..{one.period_end} {value}, revision {one.revision}"


def _figure_json(one: TargetFigure) -> dict[str, Any]:
    return one.model_dump(mode="json")


def _standing_json(entry: PlanIndicator, found: Stands) -> dict[str, Any]:
    return {
        "target": entry.id,
        "goal": entry.target,
        "comparator": entry.op.value,
        "unit": entry.unit,
        "due": entry.due,
        "holds": found.holds,
        "standing": found.status.value,
        "reason": found.reason.en,
        "reason_zh": found.reason.zh,
        "value": found.value,
        "value_on": found.value_on,
        "expected": found.expected,
        "expected_then": found.expected_then,
        "rate_needed": found.rate_needed,
    }
