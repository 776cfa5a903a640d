"""From records of `indicators`, `alerts` and `dead-letters` to rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, TypeAlias

import orjson
from pydantic import ValidationError

from schemas.alert import Alert
from schemas.dead_letter import DeadLetter, DeadLetterReason
from schemas.indicator import Indicator
from services.runtime.record import Record
from services.timescale_sink.outcome import letter_for
from services.timescale_sink.rows import Refusal, Values, complaint

DEAD_LETTER_FIELDS: Final = tuple(DeadLetter.model_fields)
DEAD_LETTER_COLUMNS: Final = (*DEAD_LETTER_FIELDS, "payload", "dl_partition", "dl_offset")

IndicatorKey: TypeAlias = tuple[Any, ...]

_REVISION: Final = 14
"""Place of the revision in an indicator's row."""


_INDEXED: Final = frozenset({"device_id", "boot_id", "group_id", "lane"})
_INDEXED_CHARS: Final = 200
"""An index entry holds some 2,700 bytes; an id of the contract has at most 64 characters."""


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


class Indicators(NamedTuple):
    """What a batch of indicators comes to."""

    latest: list[tuple[Values, Record]]
    """Rows for `queries/indicators.sql`, one a key: of several the last of the highest revision."""
    history: list[tuple[Values, Record]]
    """Rows for `queries/indicator_history.sql`: each revision of an indicator over a period."""
    bad: list[Refusal]


def decode_indicators(records: Iterable[Record]) -> Indicators:
    """Rows of a batch of indicators."""
    latest: dict[IndicatorKey, tuple[Values, Record]] = {}
    history: dict[IndicatorKey, tuple[Values, Record]] = {}
    bad: list[Refusal] = []
    for record in records:
        try:
            one = Indicator.model_validate_json(record.value or b"")
        except ValidationError as error:
            bad.append(_undecodable(record, complaint(error)))
            continue
        sample = one.sample
        key = (one.lane, one.id, one.subject, one.period_start, one.period_end, sample.key if sample else None)
        known = latest.get(key)
        try:
            row = _indicator_row(one)
        except orjson.JSONEncodeError as error:  # a number beyond 64 bits
            bad.append(_undecodable(record, f"details: {error}"))
            continue
        if sample is None:
            history[*key, one.revision] = (_history_row(row), record)
        if known is None or known[0][_REVISION] <= one.revision:
            latest[key] = (row, record)
    return Indicators(list(latest.values()), list(history.values()), bad)


def _history_row(row: Values) -> Values:
    """An indicator's row in the order of `queries/indicator_history.sql`."""
    details, _, known_at, reason_zh = row[-4:]
    return (*row[:7], row[_REVISION], known_at, *row[7:_REVISION], details, reason_zh)


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
        one.known_at,
        one.status_reason_zh,
    )


class AlertEvent(NamedTuple):
    """One event of an alert, ready to be written."""

    alert: Alert
    record: Record
    event: Values
    """Row for `queries/alert_events.sql`."""
    state: Values
    """Row for `queries/alerts.sql`."""


def decode_alerts(records: Iterable[Record]) -> tuple[list[AlertEvent], list[Refusal]]:
    """Events in the order of their records."""
    found: list[AlertEvent] = []
    bad: list[Refusal] = []
    for record in records:
        data = record.value or b""
        try:
            alert = Alert.model_validate_json(data)
            event = (alert.event_id, alert.alert_id, alert.revision, alert.event, alert.lane, data.decode())
            found.append(AlertEvent(alert, record, event, alert_values(alert)))
        except ValidationError as error:
            bad.append(_undecodable(record, complaint(error)))
        except orjson.JSONEncodeError as error:  # a number beyond 64 bits
            bad.append(_undecodable(record, f"members: {error}"))
    return found, bad


def latest_states(events: Iterable[AlertEvent]) -> list[Values]:
    """Rows for `queries/alerts.sql`, one an alert: that of its highest revision, of equal ones the first.

    In the order of their ids, so that two writers never wait for each other.
    """
    latest: dict[str, AlertEvent] = {}
    for one in events:
        known = latest.get(one.alert.alert_id)
        if known is None or known.alert.revision < one.alert.revision:
            latest[one.alert.alert_id] = one
    return [latest[key].state for key in sorted(latest)]


def alert_values(alert: Alert) -> Values:
    """Row for `queries/alerts.sql`."""
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
        _json([limit.model_dump(mode="json") for limit in alert.limits]),
        None if alert.suppression is None else alert.suppression.model_dump_json(),
        _json(alert.members),
    )


def decode_dead_letters(records: Iterable[Record]) -> list[Values]:
    """Rows of `dead_letters`, one a record: one that cannot be read is a dead letter about itself."""
    return [_dead_letter_row(record) for record in records]


def _dead_letter_row(record: Record) -> Values:
    try:
        known = DeadLetter.from_headers((name, value or b"") for name, value in record.headers)
    except ValidationError as error:
        return unread_dead_letter(record, complaint(error))
    except UnicodeDecodeError as error:
        return unread_dead_letter(record, str(error))
    return _row(known, record)


def unread_dead_letter(record: Record, why: str) -> Values:
    """The row of a dead letter whose own words cannot be used: its bytes, where it lies, and why. Always storable."""
    return _row(letter_for(_undecodable(record, why)), record)


def _row(known: DeadLetter, record: Record) -> Values:
    fit = (_fit(name, getattr(known, name)) for name in DEAD_LETTER_FIELDS)
    return (*fit, record.value or b"", record.partition, record.offset)


def _fit(name: str, value: Any) -> Any:
    """What a dead letter says of itself may be hostile, too: text loses its NUL and what no index holds."""
    if isinstance(value, str):
        return value.replace("\0", "\\u0000")[: _INDEXED_CHARS if name in _INDEXED else None]
    return value


def _undecodable(record: Record, why: str) -> Refusal:
    return Refusal(record, DeadLetterReason.UNDECODABLE_RECORD, why)
