"""A what-if put together: documents, readings, both courses, what differs, and how far the baseline agrees.

1. Documents: those published (topic `plan`, or the database where Kafka is away); the processors' own check of the
   alternative behind them; whether it would be in force in the span, and which feeds read it.
2. For each feed: how far back to read, and whether there are readings at all.
3. Readings as they came, through the processors' rules in both courses (`whatif_judging`).
4. What differs; how far the alerts of the course in force are those that real life stored.

Nothing is written anywhere: the lane lives in that process and ends with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from schemas.fields import DISTRICT_ZONE, Feed
from schemas.plan.book import Document, PlanBook, dump_document, identity_of
from schemas.plan.publication import document_of
from services.district.errors import ServerSilent, WhatIfRefused
from services.district.plan_files import check_all, default_files
from services.district.plan_judging import refused_document
from services.district.plan_thresholds import differences
from services.district.plan_topic import published
from services.district.whatif_compare import (
    Agreement,
    Circumstances,
    Compared,
    agreement,
    compare_alerts,
    compare_figures,
)
from services.district.whatif_documents import (
    LeadIn,
    Ruling,
    check_in_force,
    feeds_reading,
    lead_in,
    local_days,
    policies_of,
)
from services.district.whatif_judging import Judged, judged
from services.district.whatif_readings import Tally, in_order_of_arrival, question
from services.district.words import day_and_time
from services.read_model.connection import Database
from services.read_model.history import DayCount, alerts_of_span, readings_by_day, readings_of_span, readings_there
from services.read_model.plan import publications
from services.read_model.plan_limits import documents_at, in_force_at, subject_of
from services.runtime.settings import KafkaSettings

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked."""

    file: str
    alternative: Document
    since: datetime
    until: datetime
    """Exclusive."""
    lane: str
    feeds: tuple[Feed, ...] = ()
    """None: all that read the document."""
    read_from: datetime | None = None
    """Instead of the lead-in that the policies ask for."""


@dataclass(frozen=True, slots=True)
class Published:
    """The documents in force."""

    documents: tuple[Document, ...]
    """Published, in their order; those that ship stand before them in the processors' own book."""
    book: PlanBook
    origin: str
    """Where they were read."""
    unread: tuple[str, ...]
    """What cannot be read there."""


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """What a what-if says of one feed."""

    feed: Feed
    lead_in: LeadIn
    ends: datetime
    """Where the clock stopped: the lateness bound after the span, or now."""
    tally: Tally
    gone: dict[date, tuple[int, int]]
    """Local days of which readings are not stored any more: how many are, and how many there were."""
    alerts: Compared
    figures: Compared
    agreement: Agreement
    partly_read: dict[str, int]
    """Figures of periods that began before what was read, by indicator: nothing is said of them."""
    failed: int
    """Readings and wakes that could not be judged, in both courses."""
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole what-if."""

    question: Question
    published: Published
    rulings: tuple[Ruling, ...]
    changes: tuple[str, ...]
    """Thresholds that the alternative changes, a line each."""
    silent: tuple[Feed, ...]
    """Feeds asked for, none of whose rules read the document: nothing can differ in them."""
    empty: dict[Feed, str]
    """Feeds of which nothing can be said, and why."""
    feeds: tuple[FeedAnswer, ...]

    @property
    def agrees(self) -> bool:
        """Whether the course in force has just the alerts that real life stored."""
        return all(each.agreement.is_whole for each in self.feeds)


async def documents(kafka: KafkaSettings | None, database: Database) -> Published:
    """What is published: as the topic has it, or as the database does where Kafka is away.

    Raises:
        DatabaseSilent: both are away.
    """
    ours = [one.document for one in check_all(default_files())[0] if one.document is not None]
    try:
        found, unread = await published(kafka)
        told, origin = [document_of(each) for each in found], "topic plan"
    except ServerSilent as error:
        stored = await publications(database)
        files = {(row.kind, row.document_id, row.version) for row in stored.rows if row.origin == "file"}
        told = [one for one in stored.book.documents if identity_of(one) not in files]
        origin, unread = f"database (v_plan_documents): {error.detail}", []
    book = PlanBook(ours)
    for document in told:
        book = book.with_document(document)
    return Published(tuple(told), book, origin, tuple(unread))


def replaced_by(book: PlanBook, other: Document, since: datetime) -> list[str]:
    """Thresholds that differ between the alternative and what is in force when a span begins, a line each."""
    day = since.astimezone(DISTRICT_ZONE).date()
    return differences(in_force_at(book, subject_of(other), day), other) or ["no threshold changes"]


async def answer(
    asked: Question,
    kafka: KafkaSettings | None,
    database: Database,
    *,
    now: datetime,
    progress: Callable[[str], None],
) -> Answer:
    """Answer a what-if.

    Raises:
        WhatIfRefused: the document is refused or would not be in force, or the span lies ahead or is empty.
        CheckSilent, JudgingBrokeOff: the processors' own processes do not answer.
        DatabaseSilent, QueryRefused: the database does not.
    """
    check_span(asked, now)
    told = await documents(kafka, database)
    if refused := refused_document(asked.alternative, told.documents, file=asked.file):
        raise WhatIfRefused("; ".join(f"{fault.file}: {fault.key}: {fault.reason}" for fault in refused))
    found = check_in_force(told.book, asked.alternative, asked.since, asked.until)
    readers = feeds_reading(asked.alternative)
    wanted = asked.feeds or readers
    empty: dict[Feed, str] = {}
    answers = []
    for feed in (each for each in wanted if each in readers):
        answered = await _feed(asked, told, database, feed, now=now, progress=progress)
        if isinstance(answered, str):
            empty[feed] = answered
        else:
            answers.append(answered)
    if empty and not answers:
        raise WhatIfRefused("; ".join(empty.values()))
    return Answer(
        asked,
        told,
        tuple(found),
        tuple(replaced_by(told.book, asked.alternative, asked.since)),
        tuple(feed for feed in wanted if feed not in readers),
        empty,
        tuple(answers),
    )


def check_span(asked: Question, now: datetime) -> None:
    """Refuse a span that history cannot have.

    Raises:
        WhatIfRefused: it ends before it begins, or lies ahead.
    """
    since, until = asked.since, asked.until
    if until <= since:
        raise WhatIfRefused(f"--to {day_and_time(until)} is not after --from {day_and_time(since)}; --to is exclusive.")
    if since >= now:
        raise WhatIfRefused(
            f"--from {day_and_time(since)} lies ahead: nothing has been measured. It is {day_and_time(now)} now."
        )
    if until > now:
        raise WhatIfRefused(
            f"--to {day_and_time(until)} lies ahead. It is {day_and_time(now)} now; ask for days that are over, or say "
            f"--to {now.astimezone(DISTRICT_ZONE):%Y-%m-%dT%H:%M}."
        )
    if asked.read_from is not None and asked.read_from > since:
        raise WhatIfRefused(f"--read-from {day_and_time(asked.read_from)} is after --from {day_and_time(since)}.")


async def _feed(
    asked: Question,
    told: Published,
    database: Database,
    feed: Feed,
    *,
    now: datetime,
    progress: Callable[[str], None],
) -> FeedAnswer | str:
    """The answer about one feed; a sentence where nothing can be said."""
    changed = told.book.with_document(asked.alternative)
    policies = [one for book in (told.book, changed) for one in policies_of(book, feed, asked.since, asked.until)]
    lead = lead_in(policies, feed, asked.since, chosen=asked.read_from)
    lateness = max((one.window.lateness for one in policies), default=DAY)
    ends = min(asked.until + lateness, now)
    days = await readings_by_day(database, feed, since=_midnight(lead.since), until=asked.until)
    if not _in_span(days, asked):
        return f"{feed}: no readings are stored from {day_and_time(asked.since)} to {day_and_time(asked.until)}"
    if not await readings_there(database, feed, since=asked.since, until=asked.until):
        return (
            f"{feed}: of the readings from {day_and_time(asked.since)} to {day_and_time(asked.until)} only sums are "
            f"left ({sum(each.n for each in _in_span(days, asked)):,} went for their age)"
        )
    progress(f"{feed}: readings from {day_and_time(lead.since)} on ({lead.reason})")
    tally = Tally()
    found = await _judged(asked, told, database, feed, lead=lead, ends=ends, lateness=lateness, tally=tally)
    gone = _gone(days, tally, lead.since, ends)
    stored = await alerts_of_span(database, feed, since=asked.since, until=asked.until)
    around = Circumstances(bool(gone), bool(tally.imported), _ruling_in(told.book, asked))
    summary = found.summary
    span = {"since": asked.since, "until": asked.until}
    return FeedAnswer(
        feed,
        lead,
        ends,
        tally,
        gone,
        compare_alerts(found.in_force, found.alternative, **span),
        compare_figures(found.figures, sum(summary["figures"].values())),
        agreement(stored, found.in_force, around, **span),
        summary["partly_read"],
        sum(summary["failed"].values()),
        tuple(summary["failures"]),
    )


async def _judged(
    asked: Question,
    told: Published,
    database: Database,
    feed: Feed,
    *,
    lead: LeadIn,
    ends: datetime,
    lateness: timedelta,
    tally: Tally,
) -> Judged:
    first = question(
        feed,
        asked.lane,
        [dump_document(one) for one in told.documents],
        dump_document(asked.alternative),
        read_from=lead.since,
        since=asked.since,
        until=asked.until,
    )
    bound = None if feed is Feed.TAX else lateness
    async with aclosing(readings_of_span(database, feed, since=lead.since, until=ends)) as readings:
        arrivals = in_order_of_arrival(readings, tally, feed=feed, lane=asked.lane, lateness=bound, ends=ends)
        async with aclosing(arrivals):
            return await judged(first, arrivals, ends)


def _midnight(at: datetime) -> datetime:
    return at.astimezone(DISTRICT_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)


def _in_span(days: Sequence[DayCount], asked: Question) -> list[DayCount]:
    return [each for each in days if each.n and each.day + DAY > asked.since and each.day < asked.until]


def _gone(days: Sequence[DayCount], tally: Tally, since: datetime, until: datetime) -> dict[date, tuple[int, int]]:
    """Local days, read as a whole, of which fewer readings are stored than there were."""
    found: dict[date, tuple[int, int]] = {}
    for each in days:
        day = each.day.astimezone(DISTRICT_ZONE).date()
        read = tally.by_day.get(day, 0)
        if read < each.n and each.day >= since and each.day + DAY <= until:
            found[day] = (read, each.n)
    return found


def _ruling_in(book: PlanBook, asked: Question) -> set[tuple[str, str, str]]:
    days = local_days(asked.since, asked.until)
    return {identity_of(one) for day in days for one in documents_at(book, day)}
