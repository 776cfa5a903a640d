"""`district report`: where the plan stands on a day, as page, PDF or document, and what two reports differ in."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from schemas.fields import DISTRICT_ZONE
from schemas.vocabulary import VOCABULARY
from services.dashboards.words import Language
from services.district.errors import SettingRefused
from services.district.plan_report.words import day_of, value_of
from services.district.query import ask_one_moment
from services.district.report_kit.file import see_folder, write_file
from services.district.report_kit.parts import Language as _Language
from services.district.terminal import add_row, say, say_json, show, table
from services.plan_office.changes import Change, Seen, changes
from services.plan_office.report_period import ReportPeriod, end_of
from services.plan_office.written import day_of as read_day
from services.read_model.bounds import read_time
from services.read_model.errors import RequestRefused
from services.read_model.report import Last, Reports, reports

_WITHIN: Final = timedelta(minutes=2)
"""Years of figures are read for a report."""
_LOCAL: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")


class Form(StrEnum):
    """What a report is written as."""

    HTML = "html"
    PDF = "pdf"
    DOCX = "docx"


report: Final = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="The report of the plan: yearly, mid-term or final; `diff` prints what two reports differ in.",
)
_Day = "DAY[@MOMENT]"


@report.callback(invoke_without_command=True)
def write_report(
    context: typer.Context,
    *,
    as_of: Annotated[
        str | None, typer.Option(metavar="DAY", help="At the end of this local day, as 2024-12-31.")
    ] = None,
    period: Annotated[ReportPeriod, typer.Option(help="The day's year so far, or all since the plan began.")] = (
        ReportPeriod.YEAR
    ),
    lang: Annotated[Language, typer.Option(help="HTML has both, this one shown first.")] = Language.ZH,
    form: Annotated[Form | None, typer.Option("--format", help="By the file's name unless given, else html.")] = None,
    known_at: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT", help="As it was known then: a day's end, 2025-04-01T09:00 here, or with a zone."
        ),
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar=_Day, help="The report before; else the yearly one before it.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Else report-DAY-PERIOD-LANG in this folder.")
    ] = None,
) -> None:
    """Write the report of a day: the same data and day give the same bytes; `--known-at` makes an earlier one again."""
    if context.invoked_subcommand is not None:
        return
    if as_of is None:
        raise SettingRefused("--as-of: name the day that the report is about, as --as-of 2024-12-31.")
    day = _day(as_of, "--as-of")
    moment = None if known_at is None else _moment(known_at, "--known-at")
    last = None if against is None else _last(against, day, "--against")
    wanted = form or _form_of(out)
    file = out or Path(f"report-{day}-{period.value}-{lang.value}.{wanted.value}")
    see_folder(file, option="--out")
    found = ask_one_moment(partial(reports, day=day, period=period, known_at=moment, last=last), within=_WITHIN)
    write_file(_set(found, wanted, lang), file)
    told = "" if found.report.known_at is None else f", as known at {found.report.known_at.isoformat()}"
    say(f"{file}: {len(found.report.targets)} targets at the end of {day}{told}")


@report.command()
def diff(
    before: Annotated[str, typer.Argument(metavar=_Day, show_default=False, help="As 2023-12-31@2024-04-01.")],
    after: Annotated[str, typer.Argument(metavar=_Day, show_default=False, help="The later one.")],
    *,
    lang: Annotated[Language, typer.Option(help="Of the words.")] = Language.ZH,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what two reports differ in, and why: each is a day, and by when it was known unless that is now.

    The earlier report's moment is else as long after its day as the later one's is after its own.
    """
    day, moment = _day_and_moment(after, "the later report")
    last = _last(before, day, "the earlier report")
    find = partial(reports, day=day, period=ReportPeriod.YEAR, known_at=moment, last=last)
    found = ask_one_moment(find, within=_WITHIN)
    differ = () if found.last is None else changes(found.last, found.report)
    if as_json:
        say_json([_json(one) for one in differ])
        return
    made = table("Target", "Then", "Now", "Why")
    chinese = lang is Language.ZH
    for one in differ:
        name = one.name.zh if chinese else one.name.en
        why = "; ".join(each.said.zh if chinese else each.said.en for each in one.reasons)
        subject = None if one.subject is None else one.subject.zh if chinese else one.subject.en
        shown = f"{name} {subject}" if subject else name
        add_row(made, (shown, _seen(one.before, chinese=chinese), _seen(one.after, chinese=chinese), why))
    if differ:
        show(None, made)
    else:
        say("nothing changed")


def _set(found: Reports, form: Form, language: Language) -> bytes:
    from services.district.plan_report.pages import Compared, pages  # noqa: PLC0415 - matplotlib takes its time

    compared = None
    if found.last is not None and found.last_known_at is not None:
        compared = Compared(found.last.asked.day, found.last_known_at, changes(found.last, found.report))
    told: _Language = "zh" if language is Language.ZH else "en"
    made = pages(found.report, compared, only=None if form is Form.HTML else told)
    whole = made.title, made.under, made.tiles, made.parts
    if form is Form.HTML:
        from services.district.report_kit.parts import page  # noqa: PLC0415 - as above

        return page(*whole, language=told).encode()
    from services.district.report_kit.one_language import in_language  # noqa: PLC0415 - as above

    data = in_language(*whole, told)
    if form is Form.PDF:
        from services.district.report_kit.typesetting import pdf_of  # noqa: PLC0415 - fonts take their time

        return pdf_of(data)
    from services.district.report_kit.docx_file import docx_of  # noqa: PLC0415 - as above

    return docx_of(data)


def _form_of(file: Path | None) -> Form:
    named = "" if file is None else file.suffix.removeprefix(".").lower()
    return Form(named) if named in set(Form) else Form.HTML


def _day(text: str, option: str) -> date:
    found = read_day(text)
    if found is None:
        raise SettingRefused(f"{option} {text}: a day is written 2024-12-31.")
    today = datetime.now(DISTRICT_ZONE).date()
    if found > today:
        raise SettingRefused(f"{option} {found}: the day is still to come; a report is about a day up to {today}.")
    return found


def _moment(text: str, option: str) -> datetime:
    """The end of a local day, a local minute, or a time with its zone."""
    if (day := read_day(text)) is not None:
        return min(end_of(day), datetime.now(DISTRICT_ZONE))
    try:
        local = _LOCAL.fullmatch(text) is not None
        at = datetime.fromisoformat(text).replace(tzinfo=DISTRICT_ZONE) if local else read_time(text, parameter=option)
    except (ValueError, RequestRefused):
        raise SettingRefused(
            f"{option} {text}: write a day (2025-04-01), a local time (2025-04-01T09:00) or one with its zone "
            "(2025-04-01T01:00:00Z)."
        ) from None
    if at > datetime.now(DISTRICT_ZONE):
        raise SettingRefused(f"{option} {text}: what will be known then cannot be said; leave it out for now.")
    return at


def _day_and_moment(text: str, option: str) -> tuple[date, datetime | None]:
    day, mark, moment = text.partition("@")
    return _day(day, option), _moment(moment, option) if mark else None


def _last(text: str, day: date, option: str) -> Last:
    """The report before; a report may be compared with what was known of the same day at another moment."""
    found, moment = _day_and_moment(text, option)
    if found > day or (found == day and moment is None):
        raise SettingRefused(
            f"{option} {text}: the report before is about a day before {day}, or about {day} as known at "
            f"another moment, as {day}@2025-04-01."
        )
    return Last(found, moment)


def _seen(one: Seen | None, *, chinese: bool) -> str:
    if one is None:
        return "–"
    words = VOCABULARY["target_standing"][one.status.value], value_of(one.value, one.entry)
    return ", ".join(each.zh if chinese else each.en for each in words)


def _json(one: Change) -> dict[str, Any]:
    return {
        "target": one.target,
        "subject": None if one.subject is None else one.subject._asdict(),
        "before": _seen_json(one.before),
        "after": _seen_json(one.after),
        "reasons": [{"why": each.why.value, "zh": each.said.zh, "en": each.said.en} for each in one.reasons],
    }


def _seen_json(one: Seen | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "standing": one.status.value,
        "value": one.value,
        "value_on": day_of(one.value_on) if one.value_on else None,
        "goal": one.entry.target,
        "due": one.entry.due.isoformat(),
        "plan": one.plan,
    }
