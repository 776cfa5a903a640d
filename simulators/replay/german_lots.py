"""Car parks of German cities (defgsus/parking-data): free spaces and capacity at a time. Pure.

Counts that cannot be (negative, above the capacity) are sent as they are: `schemas.parking` names them. A time without
an offset is taken for UTC, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Final

from schemas.fields import Feed, QualityCode
from simulators.replay.cells import instant, slug, utc_text, whole_number
from simulators.replay.source import Format, Source, SourceReading


def _read(source: Source) -> Iterator[SourceReading]:
    for index, row in enumerate(source.rows, start=1):
        at, is_zoned = instant(row["timestamp"], "%Y-%m-%d %H:%M:%S", UTC)
        name = row["place_id"].strip()
        yield SourceReading(
            row=index,
            device_id=slug(name or "unknown"),
            group_id=slug(row["city"].strip().lower() or "unknown"),
            at=at,
            at_text=utc_text(at) if at is not None else row["timestamp"].strip(),
            fields={
                "lot_name": name,
                "total_spaces": whole_number(row["capacity"]),
                "free_spaces": whole_number(row["free"]),
            },
            codes=() if is_zoned or at is None else (QualityCode.ZONE_ASSUMED,),
            place=(row["city"].strip(), name),
        )


GERMAN_LOTS: Final = Format(
    id="german_lots",
    feed=Feed.PARKING,
    title="car parks of German cities",
    columns=frozenset(("timestamp", "place_id", "city", "capacity", "free")),
    read=_read,
)
