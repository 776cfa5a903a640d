"""From records of the topic `plan` to rows of `plan_versions`. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
from pydantic import ValidationError

from schemas.dead_letter import DeadLetterReason
from schemas.plan.book import identity_of
from schemas.plan.publication import PlanPublication, document_of, in_force, parse_publication
from services.runtime.record import Record
from services.timescale_sink.rows import Refusal, Values, complaint


def decode_publications(records: Iterable[Record]) -> tuple[list[tuple[Values, Record]], list[Refusal]]:
    """Rows for `queries/plan_version.sql`, and what is no publication."""
    found: list[tuple[Values, Record]] = []
    bad: list[Refusal] = []
    for record in records:
        try:
            found.append((_row(parse_publication(record.value or b"")), record))
        except ValidationError as error:
            bad.append(Refusal(record, DeadLetterReason.UNDECODABLE_RECORD, complaint(error)))
    return found, bad


def _row(publication: PlanPublication) -> Values:
    document = document_of(publication)
    kind, document_id, version = identity_of(document)
    first, last = in_force(document)
    return (
        kind,
        document_id,
        version,
        first,
        last,
        "published",
        publication.published_at,
        publication.published_by,
        publication.text_sha256,
        orjson.dumps(publication.document).decode(),
    )
