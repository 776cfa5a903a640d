"""Readings as they were stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from services.read_model.connection import Row


@dataclass(frozen=True, slots=True)
class StoredReading:
    """One reading of any feed."""

    device_id: str
    group_id: str
    boot_id: str
    seq: int
    observed_at: datetime
    quality: str
    quality_codes: tuple[str, ...]
    lane: str
    own: Mapping[str, Any]
    """The feed's own fields in the order of its view, such as `free_spaces`; None where nothing was measured."""
    received_at: datetime
    stored_at: datetime
    kafka_partition: int
    kafka_offset: int


_COMMON: Final = tuple(field.name for field in fields(StoredReading) if field.name != "own")


def stored_readings(rows: Iterable[Row]) -> list[StoredReading]:
    """Rows of a view of readings."""
    found = []
    for row in rows:
        values = dict(row)
        common = {name: values.pop(name) for name in _COMMON}
        common["quality_codes"] = tuple(common["quality_codes"])
        found.append(StoredReading(own=values, **common))
    return found


def reading_dict(reading: StoredReading) -> dict[str, Any]:
    """All columns of a reading in the order of its view."""
    values = {name: getattr(reading, name) for name in _COMMON}
    last = {name: values.pop(name) for name in ("received_at", "stored_at", "kafka_partition", "kafka_offset")}
    return {**values, "quality_codes": list(reading.quality_codes), **reading.own, **last}
