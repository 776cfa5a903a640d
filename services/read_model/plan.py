"""The plan, standards and policies, which of them are in force, their limits and planned maintenance windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

import orjson

from schemas.fields import DISTRICT_ZONE
from schemas.plan.book import Document, PlanBook, identity_of, load_document
from schemas.plan.policy import Maintenance, PolicyDocument
from services.read_model.bounds import time_within
from services.read_model.connection import Asked
from services.read_model.plan_limits import LimitRow, documents_at, limits_at
from services.read_model.queries import SQL
from services.read_model.typed import typed

_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class PlanVersionRow:
    """One version of a document."""

    kind: str
    """plan, standard or policy."""
    document_id: str
    version: str
    name: str | None
    valid_from: date
    valid_to: date | None
    """Last day; None: until a later version replaces it."""
    origin: str
    """file or published."""
    published_at: datetime
    """1970 for what came with the release's files: whatever is published stands above it."""
    published_by: str
    text_sha256: str


@dataclass(frozen=True, slots=True)
class PlanInForce:
    """What was in force on a local day."""

    day: date
    documents: tuple[PlanVersionRow, ...]
    limits: tuple[LimitRow, ...]


@dataclass(frozen=True, slots=True)
class MaintenanceRow:
    """A planned maintenance window of the policy in force."""

    feed: str
    policy_id: str
    policy_version: str
    window: Maintenance


@dataclass(frozen=True, slots=True)
class Publications:
    """What had been published by a moment."""

    book: PlanBook
    rows: tuple[PlanVersionRow, ...]
    """Every publication, in its order."""
    asked_at: datetime
    """The database's clock."""


async def plan_versions(asked: Asked) -> list[PlanVersionRow]:
    """Every version of every document, the last publication of each.

    Raises:
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    return typed(PlanVersionRow, await asked.rows(SQL["plan_versions"]))


async def publications(asked: Asked, *, as_of: datetime | None = None) -> Publications:
    """All documents, in the order in which they were published.

    Args:
        as_of: Only what had been published by this moment; None: everything.

    Raises:
        TimeRefused: the time is none that the platform knows.
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    moment = None if as_of is None else time_within(as_of, parameter="as_of")
    rows = await asked.rows(SQL["plan_documents"], moment)
    book = PlanBook([])
    for row in rows:
        book = book.with_document(_document(row["kind"], row["document"]))
    asked_at: datetime = rows[0]["asked_at"] if rows else datetime.fromtimestamp(0, DISTRICT_ZONE)
    return Publications(book, tuple(typed(PlanVersionRow, rows)), asked_at)


async def plan_in_force(asked: Asked, *, at: datetime, as_of: datetime | None = None) -> PlanInForce:
    """Documents and limits in force on the local day (+08:00) of a moment.

    Args:
        at: The moment.
        as_of: By what had been published then; None: by what is published now.

    Raises:
        TimeRefused: a time is none that the platform knows.
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    day = local_day(time_within(at, parameter="at"))
    found = await publications(asked, as_of=as_of)
    stated = {(row.kind, row.document_id, row.version): row for row in found.rows}
    documents = tuple(stated[identity_of(document)] for document in documents_at(found.book, day))
    return PlanInForce(day, documents, tuple(limits_at(found.book, day)))


async def maintenance_windows(asked: Asked, *, at: datetime) -> list[MaintenanceRow]:
    """Planned windows of the policies in force at a moment that have not ended by then, the first to begin in front.

    Raises:
        TimeRefused: the time is none that the platform knows.
        DatabaseSilent, QueryRefused: see `connection.Asked.rows`.
    """
    moment = time_within(at, parameter="at")
    found = await publications(asked)
    rows = [
        MaintenanceRow(document.feed, document.policy.id, document.policy.version, window)
        for document in documents_at(found.book, local_day(moment))
        if isinstance(document, PolicyDocument)
        for window in document.maintenance
        if window.ends > moment
    ]
    return sorted(rows, key=lambda row: (row.window.starts, row.feed, row.window.id))


def local_day(at: datetime) -> date:
    """The district's day of a moment."""
    return at.astimezone(DISTRICT_ZONE).date()


@lru_cache(_KEPT)
def _document(kind: str, text: str) -> Document:
    return load_document({"kind": kind, "document": orjson.loads(text)})
