"""China's national automatic water stations, as the publisher shows them: snapshots and four-hourly tables. Pure.

Times are `MM-DD HH:MM`, Beijing time, without a year. The year comes from the column `snapshot_date` (the newest date
that is not after the snapshot), else from the file's name (the date nearest to the one that it begins with).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

from schemas.fields import Feed, Quality, QualityCode
from schemas.water import WaterBody
from simulators.errors import SourceRefused
from simulators.replay.cells import PLACEHOLDERS, Row, digest, number, text_or_none, utc_text
from simulators.replay.source import Format, Source, SourceReading

BEIJING: Final = timezone(timedelta(hours=8))
CLASSES: Final = MappingProxyType({"Ⅰ": 1, "Ⅱ": 2, "Ⅲ": 3, "Ⅳ": 4, "Ⅴ": 5, "劣Ⅴ": 6})
"""Published class to rank."""

_STANDARD_ITEMS: Final = MappingProxyType(
    {
        "water_temp_c": "water_temp_c",
        "ph": "ph",
        "do_mgl": "do_mg_l",
        "ec_uscm": "conductivity_us_cm",
        "turbidity_ntu": "turbidity_ntu",
        "codmn_mgl": "codmn_mg_l",
        "nh3n_mgl": "nh3n_mg_l",
        "tp_mgl": "tp_mg_l",
        "tn_mgl": "tn_mg_l",
    }
)
"""The nine items of every national station; of these a missing value is in doubt, of algae it is the rule."""
_CHLOROPHYLL: Final = "chla_mgl"
_ALGAE: Final = "algae_cells_l"
_QUALITY: Final = MappingProxyType(
    {
        "正常": Quality.GOOD,
        "维护": Quality.MAINTENANCE,
        "停站": Quality.STOPPED,
        "不具备运行条件": Quality.STOPPED,
    }
)
_NAMED_DATE: Final = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:[-_.]?([01]\d)(?:[-_.]?([0-3]\d))?)?(?!\d)")
_MONTH_DAY_TIME: Final = re.compile(r"(\d{1,2})-(\d{1,2})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?")


def date_in_name(name: str) -> date | None:
    """Return the first date in a file's name; of a month or a year alone, its middle."""
    for found in _NAMED_DATE.finditer(name):
        year, month, day = found.groups()
        try:
            return date(int(year), int(month or 7), int(day or (15 if month else 1)))
        except ValueError:
            continue
    return None


def _time(text: str, snapshot: date | None, near: date | None) -> datetime | None:
    found = _MONTH_DAY_TIME.fullmatch(text.strip())
    if found is None:
        return None
    month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    reference = snapshot or near
    if reference is None:
        return None
    candidates = []
    for year in (reference.year - 1, reference.year, reference.year + 1):
        try:
            candidates.append(datetime(year, month, day, hour, minute, second, tzinfo=BEIJING))
        except ValueError:
            continue
    if snapshot is not None:
        limit = snapshot + timedelta(days=1)
        candidates = [at for at in candidates if at.date() <= limit]
        best = max(candidates, default=None)
    else:
        best = min(candidates, key=lambda at: abs(at.date() - reference), default=None)
    return None if best is None else best.astimezone(UTC)


def _micrograms(text: str) -> float | str | None:
    """mg/L to ug/L, in decimals so that no digit is invented."""
    value = number(text)
    if not isinstance(value, float):
        return value
    try:
        return float(Decimal(text.strip()) * 1000)
    except InvalidOperation:
        return text.strip()


def _values(row: Row) -> tuple[dict[str, Any], bool]:
    values: dict[str, Any] = {}
    is_missing = False
    for column, name in _STANDARD_ITEMS.items():
        value = number(row.get(column, ""))
        is_missing = is_missing or value is None
        if value is not None:
            values[name] = value
    for column, name, read in ((_CHLOROPHYLL, "chla_ug_l", _micrograms), (_ALGAE, "algae_cells_l", number)):
        value = read(row.get(column, ""))
        if value is not None:
            values[name] = value
    return values, is_missing


def _snapshot(row: Row) -> date | None:
    try:
        return date.fromisoformat(row.get("snapshot_date", "").strip())
    except ValueError:
        return None


def _read(source: Source) -> Iterator[SourceReading]:
    near = date_in_name(source.name)
    for index, row in enumerate(source.rows, start=1):
        snapshot = _snapshot(row)
        if snapshot is None and near is None and _MONTH_DAY_TIME.fullmatch(row["time_mmdd_hhmm"].strip()):
            raise SourceRefused(
                f"{source.name}: the rows have no year; rename the file so that its name has the date of its first row "
                "(as in cnemc_4hourly_2021-04-01.csv), or add a column snapshot_date (YYYY-MM-DD)"
            )
        yield _reading(index, row, _time(row["time_mmdd_hhmm"], snapshot, near), source)


def _reading(index: int, row: Row, at: datetime | None, source: Source) -> SourceReading:
    province, section = row["province"].strip(), row["section"].strip()
    station = f"cnemc-{digest(f'{province}|{section}')}"
    values, is_missing = _values(row)
    kind = source.register.get((province, section))
    label = row["class_published"].strip()
    return SourceReading(
        row=index,
        device_id=station,
        group_id=station,
        at=at,
        at_text=utc_text(at) if at is not None else row["time_mmdd_hhmm"].strip(),
        quality=_QUALITY.get(row["status"].strip(), Quality.UNCERTAIN),
        codes=(
            *((QualityCode.YEAR_INFERRED,) if at is not None else ()),
            *((QualityCode.VALUE_PLACEHOLDER,) if is_missing else ()),
        ),
        fields={
            "water_body": WaterBody.LAKE if kind == WaterBody.LAKE else WaterBody.RIVER,
            "station_name": text_or_none(f"{province} {section}"),
            **values,
        },
        label=None if label in PLACEHOLDERS else label,
        place=(province, section),
    )


def _read_register(rows: Iterable[Row]) -> dict[tuple[str, ...], str]:
    """Kind of each section; a section may be listed several times, and a line that does not know is no answer."""
    known: dict[tuple[str, ...], str] = {}
    for row in rows:
        kind = row["kind_inferred"].strip()
        if kind in set(WaterBody):
            known[row["province"].strip(), row["section"].strip()] = kind
    return known


CNEMC: Final = Format(
    id="cnemc",
    feed=Feed.WATER,
    title="national automatic water stations (CNEMC), snapshots or four-hourly",
    columns=frozenset(("province", "section", "time_mmdd_hhmm", "class_published", "status", "ph", "do_mgl")),
    read=_read,
    register_columns=frozenset(("province", "section", "kind_inferred")),
    read_register=_read_register,
)
