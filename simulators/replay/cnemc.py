"""China's national automatic water stations, as the publisher shows them: snapshots and four-hourly tables. Pure.

Times are Beijing time, with their year or as `MM-DD HH:MM`. A missing year comes from the column `snapshot_date` (the
newest date not after the snapshot), else from the file's name (the date nearest to the one that it begins with).

An item below its limit of detection is sent as half of that limit, and that is said (环办监测函〔2020〕82号, item 7).
Where the cell does not name the limit it is that of the usual method: HJ 535-2009 for ammonia nitrogen, GB 11893-89
for total phosphorus, GB 11892-89 for the permanganate index, HJ 636-2012 for total nitrogen, HJ 897-2017 for
chlorophyll-a.
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
from simulators.replay.cells import (
    PLACEHOLDERS,
    Row,
    detection_limit,
    digest,
    local_time,
    number,
    text_or_none,
    utc_text,
)
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
_METHOD_LIMITS: Final = MappingProxyType(
    {"nh3n_mgl": 0.025, "tp_mgl": 0.01, "codmn_mgl": 0.5, "tn_mgl": 0.05, "chla_mgl": 0.002}
)
"""Limits of detection, mg/L."""
_OTHER_NAMES: Final = MappingProxyType(
    {
        "省份": "province",
        "断面名称": "section",
        "监测时间": "time_mmdd_hhmm",
        "水质类别": "class_published",
        "站点情况": "status",
        "水温": "water_temp_c",
        "溶解氧": "do_mgl",
        "电导率": "ec_uscm",
        "浊度": "turbidity_ntu",
        "高锰酸盐指数": "codmn_mgl",
        "氨氮": "nh3n_mgl",
        "总磷": "tp_mgl",
        "总氮": "tn_mgl",
        "叶绿素α": "chla_mgl",
        "叶绿素a": "chla_mgl",
        "藻密度": "algae_cells_l",
    }
)
"""The columns as the publisher has named them since 2023."""
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


def _whole_time(text: str) -> datetime | None:
    """A time that has its year."""
    for pattern in ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M"):
        found = local_time(text, pattern, BEIJING)
        if found is not None:
            return found
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


def _values(row: Row) -> tuple[dict[str, Any], list[QualityCode]]:
    """The items by their names in a reading, and what is to be said of them."""
    row, is_below = _half_limits(row)
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
    said = ((QualityCode.VALUE_PLACEHOLDER, is_missing), (QualityCode.BELOW_DETECTION, is_below))
    return values, [code for code, applies in said if applies]


def _half_limits(row: Row) -> tuple[Row, bool]:
    """The row with half the limit of detection where a cell says that its value is below it; whether any does."""
    halves: dict[str, str] = {}
    for column in (*_STANDARD_ITEMS, _CHLOROPHYLL, _ALGAE):
        limit = detection_limit(row.get(column, ""), _METHOD_LIMITS.get(column))
        if limit is not None:
            halves[column] = str(Decimal(str(limit)) / 2)
    return {**row, **halves}, bool(halves)


def _snapshot(row: Row) -> date | None:
    try:
        return date.fromisoformat(row.get("snapshot_date", "").strip())
    except ValueError:
        return None


def _read(source: Source) -> Iterator[SourceReading]:
    near = date_in_name(source.name)
    found = []
    for index, row in enumerate(source.rows, start=1):
        whole = _whole_time(row["time_mmdd_hhmm"])
        at = _time(row["time_mmdd_hhmm"], _snapshot(row), near) if whole is None else whole
        found.append(_reading(index, row, at, source, is_inferred=whole is None and at is not None))
    dated = [row for row in source.rows if _MONTH_DAY_TIME.fullmatch(row["time_mmdd_hhmm"].strip())]
    if dated and all(each.at is None for each in found):
        raise SourceRefused(
            f"{source.name}: the rows have no year; rename the file so that its name has the date of its first row "
            "(as in cnemc_4hourly_2021-04-01.csv), or add a column snapshot_date (YYYY-MM-DD)"
        )
    yield from found


def _reading(index: int, row: Row, at: datetime | None, source: Source, *, is_inferred: bool) -> SourceReading:
    province, section = row["province"].strip(), row["section"].strip()
    station = f"cnemc-{digest(f'{province}|{section}')}"
    values, codes = _values(row)
    kind = source.register.get((province, section))
    label = row["class_published"].strip().removesuffix("类")
    return SourceReading(
        row=index,
        device_id=station,
        group_id=station,
        at=at,
        at_text=utc_text(at) if at is not None else row["time_mmdd_hhmm"].strip(),
        quality=_QUALITY.get(row["status"].strip(), Quality.UNCERTAIN),
        codes=(
            *((QualityCode.YEAR_INFERRED,) if is_inferred else ()),
            *codes,
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
    optional=frozenset((*_STANDARD_ITEMS, _CHLOROPHYLL, _ALGAE, "snapshot_date")),
    other_names=_OTHER_NAMES,
    register_columns=frozenset(("province", "section", "kind_inferred")),
    read_register=_read_register,
)
