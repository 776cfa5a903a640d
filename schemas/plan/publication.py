"""A published version of a plan, standard or policy: the value of a record on the topic `plan`. Pure."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, Field, JsonValue

from schemas.fields import CONTRACT, UtcTime
from schemas.plan.book import Document, dump_document, identity_of, load_document
from schemas.plan.documents import PlanDocument, StandardDocument


class DocumentKind(StrEnum):
    """What can be published."""

    PLAN = "plan"
    STANDARD = "standard"
    POLICY = "policy"


class PlanPublication(BaseModel):
    """One version of a document as it was published; `kind` and `document` are what `load_document` reads."""

    model_config = CONTRACT

    kind: DocumentKind
    document: dict[str, JsonValue]
    """The whole document, dates as published: an effective date given at publishing is already in it."""
    text_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the file's text in UTF-8."""
    published_at: UtcTime
    published_by: Annotated[str, Field(min_length=1, max_length=200)]
    effective_from: date
    """First local day (+08:00) on which it is in force."""


def publication_of(document: Document, *, text: str, published_at: datetime, published_by: str) -> PlanPublication:
    """The record's value for a document.

    Args:
        text: The file that it was read from.
    """
    dumped: dict[str, Any] = dump_document(document)
    return PlanPublication(
        kind=DocumentKind(dumped["kind"]),
        document=dumped["document"],
        text_sha256=hashlib.sha256(text.encode()).hexdigest(),
        published_at=published_at,
        published_by=published_by,
        effective_from=in_force(document)[0],
    )


def parse_publication(raw: bytes) -> PlanPublication:
    """A publication from a record's value.

    Raises:
        pydantic.ValidationError: it is none.
    """
    return PlanPublication.model_validate_json(raw)


def document_of(publication: PlanPublication) -> Document:
    """The document that was published.

    Raises:
        pydantic.ValidationError: the document does not load.
    """
    return load_document({"kind": publication.kind.value, "document": publication.document})


def publication_key(document: Document) -> bytes:
    """Record key: `<kind>/<id>/<version>`."""
    return "/".join(identity_of(document)).encode()


def in_force(document: Document) -> tuple[date, date | None]:
    """First and last local day on which it is in force; no last day: until a later version replaces it."""
    if isinstance(document, PlanDocument):
        return document.plan.start, document.plan.valid_to
    head = document.standard if isinstance(document, StandardDocument) else document.policy
    return head.valid_from, head.valid_to


def effective_from(document: Document, day: date) -> Document:
    """The same document in force from another day on.

    Raises:
        pydantic.ValidationError: the day does not fit its other dates.
    """
    dumped = dump_document(document)
    head, name = ("plan", "start") if isinstance(document, PlanDocument) else (dumped["kind"], "valid_from")
    table = dumped["document"][head]
    if isinstance(document, PlanDocument):  # what adds up over the period goes on counting from its first day
        first = min(document.plan.counts_from, day)
        table["period_start"] = None if first == day else first.isoformat()
    table[name] = day.isoformat()
    return load_document(dumped)
