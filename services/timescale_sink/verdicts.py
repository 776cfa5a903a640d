"""From records of `indicators`, `alerts` and `dead-letters` to rows. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from schemas.alert import Alert
from schemas.dead_letter import DeadLetter
from schemas.indicator import Indicator
from services.timescale_sink.rows import Record, Undecodable, complaint

DEAD_LETTER_FIELDS: Final = tuple(DeadLetter.model_fields)
DEAD_LETTER_COLUMNS: Final = (*DEAD_LETTER_FIELDS, "payload", "dl_partition", "dl_offset")

Values: TypeAlias = tuple[Any, ...]
"""Values of one row in the order of its columns."""

IndicatorKey: TypeAlias = tuple[Any, ...]

_REVISION: Final = 14
"""Place of the revision in an indicator's row."""

_BIGINT_MAX: Final = 2**63 - 1


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def decode_indicators(records: Iterable[Record]) -> tuple[list[tuple[Values, Record]], list[Undecodable]]:
    """Rows for `queries/indicators.sql`, one a key: of several the last of the highest revision."""
    latest: dict[IndicatorKey, tuple[Values, Record]] = {}
    bad: list[Undecodable] = []
    for record in records:
        try:
            one = Indicator.model_validate_json(record.value or b"")
        except ValidationError as error:
            bad.append(Undecodable(record, complaint(error)))
            continue
        sample = one.sample
        key = (one.lane, one.id, one.subject, one.period_start, sample.key if sample else None)
        known = latest.get(key)
        if known is None or known[0][_REVISION] <= one.revision:
            latest[key] = (_indicator_row(one), record)
    return list(latest.values()), bad


def _indicator_row(one: Indicator) -> Values:
    sample = one.sample
    threshold = None if one.threshold is None else one.threshold.model_dump_json()
    evidence = None if one.evidence is None else one.evidence.model_dump_json()
    return (
        one.lane,
        one.id,
        one.feed,
        one.subject,
        one.subject_name,
        one.period_start,
        one.period_end,
        one.value,
        one.unit,
        one.status,
        one.status_reason,
        one.n,
        one.completeness,
        threshold,
        one.revision,
        "" if sample is None else sample.device_id,
        "" if sample is None else sample.boot_id,
        -1 if sample is None else sample.seq,
        None if sample is None else sample.quality,
        _json(one.details),
        evidence,
    )


def decode_alerts(records: Iterable[Record]) -> tuple[list[tuple[Alert, Record]], list[Undecodable]]:
    """Alerts in the order of their events."""
    found: list[tuple[Alert, Record]] = []
    bad: list[Undecodable] = []
    for record in records:
        try:
            found.append((Alert.model_validate_json(record.value or b""), record))
        except ValidationError as error:
            bad.append(Undecodable(record, complaint(error)))
    return found, bad


def alert_values(alert: Alert) -> Values:
    """Values for `queries/alert.sql`."""
    return (
        alert.alert_id,
        alert.revision,
        alert.event,
        alert.rule,
        alert.feed,
        alert.lane,
        alert.asset,
        alert.place,
        alert.severity,
        alert.started_at,
        alert.raised_at,
        alert.ended_at,
        alert.observed_value,
        alert.observed_unit,
        alert.threshold.model_dump_json(),
        None if alert.evidence is None else alert.evidence.model_dump_json(),
        alert.text.zh,
        alert.text.en,
    )


def decode_dead_letters(records: Iterable[Record]) -> tuple[list[Values], list[Undecodable]]:
    """Rows of `dead_letters`; text is made fit for the database, the payload stays as it came."""
    found: list[Values] = []
    bad: list[Undecodable] = []
    for record in records:
        try:
            letter = DeadLetter.from_headers(record.headers)
        except (ValidationError, UnicodeDecodeError) as error:
            bad.append(Undecodable(record, complaint(error) if isinstance(error, ValidationError) else str(error)))
            continue
        known = [_fit(getattr(letter, name)) for name in DEAD_LETTER_FIELDS]
        found.append((*known, record.value or b"", record.partition, record.offset))
    return found, bad


def _fit(value: Any) -> Any:
    """What a dead letter says of itself may be as hostile as its payload: no NUL in text, no number beyond a bigint."""
    if isinstance(value, str):
        return value.replace("\0", "\\u0000")
    if isinstance(value, int) and not -_BIGINT_MAX <= value <= _BIGINT_MAX:
        return None
    return value
