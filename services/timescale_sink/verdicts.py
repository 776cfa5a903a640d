"""From records of `indicators`, `alerts` and `dead-letters` to rows. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError

from schemas.alert import Alert
from schemas.dead_letter import DeadLetter
from schemas.indicator import Indicator
from services.timescale_sink.rows import Record, Undecodable, complaint

DEAD_LETTER_FIELDS: Final = tuple(DeadLetter.model_fields)
DEAD_LETTER_COLUMNS: Final = (*DEAD_LETTER_FIELDS, "payload", "dl_partition", "dl_offset")

IndicatorKey = tuple[Any, ...]


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def decode_indicators(records: Iterable[Record]) -> tuple[list[tuple[Any, ...]], list[Undecodable]]:
    """Rows for `queries/indicators.sql`, one a key: of several the last of the highest revision."""
    latest: dict[IndicatorKey, tuple[Any, ...]] = {}
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
        if known is None or known[14] <= one.revision:
            latest[key] = _indicator_row(one)
    return list(latest.values()), bad


def _indicator_row(one: Indicator) -> tuple[Any, ...]:
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


def decode_alerts(records: Iterable[Record]) -> tuple[list[tuple[Alert, str]], list[Undecodable]]:
    """Alerts in the order of their events, each with its data as JSON."""
    found: list[tuple[Alert, str]] = []
    bad: list[Undecodable] = []
    for record in records:
        raw = record.value or b""
        try:
            found.append((Alert.model_validate_json(raw), raw.decode()))
        except ValidationError as error:
            bad.append(Undecodable(record, complaint(error)))
    return found, bad


def alert_values(alert: Alert) -> tuple[Any, ...]:
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


def decode_dead_letters(records: Iterable[Record]) -> tuple[list[tuple[Any, ...]], list[Undecodable]]:
    """Rows of `dead_letters`; text is made fit for the database, the payload stays as it came."""
    found: list[tuple[Any, ...]] = []
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
    """PostgreSQL's text knows no NUL character; it is shown as JSON would."""
    return value.replace("\0", "\\u0000") if isinstance(value, str) else value
