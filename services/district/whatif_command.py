"""`district whatif`: what alerts and figures of the past would have been under another plan, standard or policy."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from schemas.fields import DISTRICT_ZONE, Feed
from schemas.plan.book import Document
from schemas.plan.errors import problems_of
from schemas.plan.publication import effective_from
from services.district.errors import EXIT_INTERRUPTED, ServerSilent, WhatIfRefused
from services.district.plan_files import check_file
from services.district.query import CONNECT_SECONDS, failures_said
from services.district.settings import find_access
from services.district.terminal import say, say_json
from services.district.whatif import Answer, Question, answer, check_span
from services.district.whatif_documents import lane_of
from services.district.whatif_view import answer_dict, answer_lines
from services.read_model.connection import Database

_FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
_ANSWER_SECONDS: Final = 60.0


def whatif(
    *,
    plan: Annotated[Path, typer.Option(metavar="FILE", help="Plan, standard or policy to judge by.")],
    since: Annotated[datetime, typer.Option("--from", formats=_FORMATS, help="Begin, +08:00.")],
    until: Annotated[datetime, typer.Option("--to", formats=_FORMATS, help="End, exclusive, +08:00.")],
    feed: Annotated[list[Feed] | None, typer.Option(help="Only this feed; may be repeated.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the lane whatif:<name>; by default the document's.")] = None,
    effective: Annotated[
        datetime | None, typer.Option(formats=_FORMATS[:1], metavar="DAY", help="As if it were in force from here on.")
    ] = None,
    read_from: Annotated[
        datetime | None,
        typer.Option(formats=_FORMATS[:1], metavar="DAY", help="Read from here on; else as far back as policies look."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say which alerts and indicators of some days would have differed under another plan, standard or policy.

    Stored readings go through the processors' own rules twice, under the documents in force and under these with FILE;
    nothing is written or delivered. Where the course in force has other alerts than were stored, that is said first.
    """
    read = None if read_from is None else _moment(read_from)
    document = _document(plan, effective)
    question = Question(
        str(plan), document, _moment(since), _moment(until), lane_of(document, name), tuple(feed or ()), read
    )
    check_span(question, datetime.now(UTC))
    try:
        found = asyncio.run(_ask(question))
    except KeyboardInterrupt:
        say("interrupted; nothing was written", err=True)
        sys.exit(EXIT_INTERRUPTED)
    if as_json:
        say_json(answer_dict(found))
    else:
        for line in answer_lines(found):
            say(line)


async def _ask(question: Question) -> Answer:
    access = find_access()
    if access.database_url is None:
        raise ServerSilent("no database is named; set DATABASE_READER_URL.")
    bounds = {
        "connect_within": timedelta(seconds=CONNECT_SECONDS),
        "answer_within": timedelta(seconds=_ANSWER_SECONDS),
    }
    with failures_said():
        async with Database(access.database_url, name="district-whatif", connections=2, **bounds) as database:
            return await answer(
                question, access.kafka, database, now=datetime.now(UTC), progress=lambda line: say(line, err=True)
            )


def _document(file: Path, effective: datetime | None) -> Document:
    checked = check_file(file)
    if checked.document is None or checked.faults:
        raise WhatIfRefused("; ".join(f"{fault.file}: {fault.key}: {fault.reason}" for fault in checked.faults))
    if effective is None:
        return checked.document
    try:
        return effective_from(checked.document, effective.date())
    except ValidationError as error:
        reasons = "; ".join(f"{key}: {reason}" for key, reason in problems_of(error, under="document"))
        raise WhatIfRefused(f"--effective {effective.date()}: {reasons}.") from None


def _moment(local: datetime) -> datetime:
    return local.replace(tzinfo=DISTRICT_ZONE)
