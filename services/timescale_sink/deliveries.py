"""From records of `deliveries` to rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from pydantic import ValidationError

from schemas.dead_letter import DeadLetterReason
from schemas.delivery import DeliveryAttempt
from services.runtime.record import Record
from services.timescale_sink.rows import Refusal, Values, complaint

FIELDS: Final = tuple(DeliveryAttempt.model_fields)
"""In the order of `queries/deliveries.sql`; where the attempt itself stands follows them."""
_values = attrgetter(*FIELDS)


def decode_deliveries(records: Iterable[Record]) -> tuple[list[tuple[Values, Record]], list[Refusal]]:
    """Rows for `queries/deliveries.sql`, and what is no attempt."""
    found: list[tuple[Values, Record]] = []
    bad: list[Refusal] = []
    for record in records:
        try:
            attempt = DeliveryAttempt.model_validate_json(record.value or b"")
        except ValidationError as error:
            bad.append(Refusal(record, DeadLetterReason.UNDECODABLE_RECORD, complaint(error)))
            continue
        found.append(((*_values(attempt), record.partition, record.offset), record))
    return found, bad
