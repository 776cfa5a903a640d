"""Sessions at workplace chargers (Asensio et al.): one row is a session, sent as its begin and its end. Pure.

The source masks the century (0014 for 2014) and names no time zone: the year is put back, the times are taken for UTC,
and both is said in the readings' quality codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from schemas.ev import ConnectorState, EvContext
from schemas.fields import Feed, Quality, QualityCode
from simulators.replay.cells import Row, instant, number, slug, utc_text
from simulators.replay.source import Format, Source, SourceReading

_MASKED: Final = re.compile(r"\A00(\d\d)-")
_NO_DATE: Final = "0001-01-01"
"""What some systems write where there is no date: not the year 2001."""


def _time(text: str) -> tuple[datetime | None, tuple[QualityCode, ...]]:
    """Read a time; what was done to it."""
    text = text.strip()
    restored = _MASKED.sub(r"20\1-", text, count=1) if not text.startswith(_NO_DATE) else text
    at, is_zoned = instant(restored, "%Y-%m-%d %H:%M:%S", UTC)
    year = (QualityCode.YEAR_RESTORED,) if restored != text else ()
    return at, year if is_zoned else (*year, QualityCode.ZONE_ASSUMED)


def _read(source: Source) -> Iterator[SourceReading]:
    for index, row in enumerate(source.rows, start=1):
        yield _half(index, row, EvContext.BEGIN)
        yield _half(index, row, EvContext.END)


def _half(index: int, row: Row, context: EvContext) -> SourceReading:
    is_begin = context is EvContext.BEGIN
    column = "created" if is_begin else "ended"
    energy = 0.0 if is_begin else number(row["kwhTotal"])
    at, codes = _time(row[column])
    fields: dict[str, Any] = {
        "context": context,
        "status": ConnectorState.CHARGING if is_begin else ConnectorState.IDLE,
        "session_id": slug(row["sessionId"].strip() or "unknown"),
    }
    if energy is not None:
        fields["session_energy_kwh"] = energy
    return SourceReading(
        row=index,
        device_id=f"station-{slug(row['stationId'].strip() or 'unknown')}"[:64],
        group_id=f"location-{slug(row['locationId'].strip() or 'unknown')}"[:64],
        at=at,
        at_text=utc_text(at) if at is not None else row[column].strip(),
        fields=fields,
        quality=Quality.UNCERTAIN,
        codes=codes,
        place=(row["locationId"].strip(), row["stationId"].strip()),
    )


WORKPLACE_CHARGING: Final = Format(
    id="workplace_charging",
    feed=Feed.EV,
    title="workplace charging sessions",
    columns=frozenset(("sessionId", "kwhTotal", "created", "ended", "stationId", "locationId")),
    read=_read,
)
