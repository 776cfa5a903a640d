"""Unit responses of the San Francisco Fire Department (DataSF nuek-vuh3). Pure.

A row is one unit's answer to one call; each step that is known becomes one reading with the timeline so far, in the
order of the times. An impossible order is kept: `schemas.emergency` names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.emergency import Step, UnitState
from schemas.fields import Feed
from simulators.replay.cells import Row, local_time, slug, text_or_none, utc_text
from simulators.replay.source import Format, Source, SourceReading

ZONE: Final = ZoneInfo("America/Los_Angeles")
PATTERN: Final = "%m/%d/%Y %I:%M:%S %p"
DISTRICT: Final = "sanfrancisco"
MAX_PRIORITY_CHARS: Final = 20

_STEPS: Final = (
    ("Received DtTm", Step.CALL_RECEIVED, "call_received_at", None),
    ("Entry DtTm", Step.CALL_ENTERED, "call_entered_at", None),
    ("Dispatch DtTm", Step.DISPATCHED, "dispatched_at", UnitState.DISPATCHED),
    ("Response DtTm", Step.RESPONDING, "responding_at", UnitState.RESPONDING),
    ("On Scene DtTm", Step.ON_SCENE, "on_scene_at", UnitState.ON_SCENE),
    ("Transport DtTm", Step.TRANSPORTING, "transporting_at", UnitState.TRANSPORTING),
    ("Hospital DtTm", Step.AT_HOSPITAL, "at_hospital_at", UnitState.AT_HOSPITAL),
    ("Available DtTm", Step.AVAILABLE, "available_at", UnitState.AVAILABLE),
)


def _read(source: Source) -> Iterator[SourceReading]:
    for index, row in enumerate(source.rows, start=1):
        yield from _responses(index, row)


def _responses(index: int, row: Row) -> Iterator[SourceReading]:
    unit = slug(row["Unit ID"].strip() or "unknown")
    common: dict[str, Any] = {
        "incident_id": slug(row["Call Number"].strip() or "unknown"),
        "unit_id": unit,
        "unit_type": text_or_none(row.get("Unit Type", "")),
        "call_type": text_or_none(row.get("Call Type", "")),
        "priority": text_or_none(row.get("Final Priority", "")[:MAX_PRIORITY_CHARS]),
        "street": text_or_none(row.get("Zipcode of Incident", "")),
    }
    common = {name: value for name, value in common.items() if value is not None}
    texts = [(step, name, state, row.get(column, "").strip()) for column, step, name, state in _STEPS]
    known, unreadable = [], []
    for place, (step, name, state, text) in enumerate(texts):
        at = local_time(text, PATTERN, ZONE) if text else None
        if at is not None:
            known.append((at, place, step, name, state))
        elif text:
            unreadable.append((step, name, text))
    timeline: dict[str, str] = {}
    for at, _, step, name, state in sorted(known, key=lambda each: each[:2]):
        timeline[name] = utc_text(at)
        fields = {**common, "step": step, **timeline}
        if state is not None:
            fields["unit_state"] = state
        yield SourceReading(index, unit, DISTRICT, at, utc_text(at), fields)
    if not known and not unreadable:
        yield SourceReading(index, unit, DISTRICT, None, "", common)
    for step, name, text in unreadable:
        yield SourceReading(index, unit, DISTRICT, None, text, {**common, "step": step, name: text})


SFFD: Final = Format(
    id="sffd",
    feed=Feed.EMERGENCY,
    title="unit responses of the San Francisco Fire Department",
    columns=frozenset(("Call Number", "Unit ID", *(column for column, *_ in _STEPS))),
    read=_read,
    optional=frozenset(("Unit Type", "Call Type", "Final Priority", "Zipcode of Incident")),
)
