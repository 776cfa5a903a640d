"""How figures are said in words, the same in the table and in plain lines. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from schemas.fields import DISTRICT_ZONE, LIVE
from services.dashboards.words import Language
from services.district.figures import Snapshot
from services.read_model.alerts import OpenAlertRow
from services.runtime.printable import printable

N = TypeVar("N", int, float)
UNKNOWN: Final = "–"
_SIGNS: Final = {"<=": "≤", "<": "<", ">=": "≥", ">": ">"}


def count(number: int | None) -> str:
    """A whole number with thousands separated."""
    return UNKNOWN if number is None else f"{number:,}"


def rate(per_second: float | None) -> str:
    """A rate with one decimal, without from a thousand on."""
    if per_second is None:
        return UNKNOWN
    return f"{per_second:,.0f}" if per_second >= 1000 else f"{per_second:,.1f}"


def clock(at: datetime) -> str:
    """Time of day in the district."""
    return f"{at.astimezone(DISTRICT_ZONE):%H:%M:%S}"


def day_and_time(at: datetime) -> str:
    """Date and time in the district."""
    return f"{at.astimezone(DISTRICT_ZONE):%Y-%m-%d %H:%M}"


def span(elapsed: timedelta) -> str:
    """A duration as hours, minutes and seconds."""
    minutes, seconds = divmod(max(0, int(elapsed.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def quantity(value: float | None, unit: str) -> str:
    """A value with its unit, without what the unit says in brackets to explain itself."""
    return UNKNOWN if value is None else printable(f"{value:g} {unit.partition(' (')[0]}".strip())


def limit(alert: OpenAlertRow) -> str:
    """The limit that is not met, with the sign that would meet it."""
    sign = _SIGNS.get(alert.threshold_comparator, alert.threshold_comparator)
    return f"{printable(sign)} {quantity(alert.threshold_value, alert.threshold_unit)}"


def source(alert: OpenAlertRow) -> str:
    """Who set the limit, and where it is written."""
    return printable(f"{alert.source_kind} {alert.source_id}, {alert.source_where}")


def place(alert: OpenAlertRow) -> str:
    """Where, with the lane before it when it is not real life."""
    return printable(alert.place if alert.lane == LIVE else f"[{alert.lane}] {alert.place}")


def standing(alert: OpenAlertRow, language: Language) -> str:
    """Where and what it is now, and the worst it was: the sentence as far as its limit, which stands beside it."""
    text, mark = (alert.text_zh, "限值：") if language is Language.ZH else (alert.text_en, " Limit: ")
    said = text.partition(mark)[0].rstrip(" .。")
    return printable(said if alert.lane == LIVE else f"[{alert.lane}] {said}")


def elapsed(since: datetime, now: datetime) -> str:
    """For how long, in the two units that tell most: `3 d 4 h`, `2 h 5 min`, `40 s`."""
    seconds = max(0, int((now - since).total_seconds()))
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def alert_sentence(alert: OpenAlertRow, what: str) -> str:
    """One line about an alert that opened or closed."""
    return printable(
        f"alert {what}: {alert.severity} {place(alert)}, {quantity(alert.observed_value, alert.observed_unit)}, "
        f"limit {limit(alert)} ({source(alert)})"
    )


def alerts_heading(by_lane: Mapping[str, int] | None) -> str:
    """How many alerts are open, real life apart from the other lanes."""
    if by_lane is None:
        return f"Open alerts {UNKNOWN}"
    live = by_lane.get(LIVE, 0)
    others = sum(by_lane.values()) - live
    return f"Open alerts {count(live)}" + (f", and {count(others)} in other lanes" if others else "")


def total(numbers: Sequence[N | None]) -> N | None:
    """Add up; unknown when one is."""
    known = [number for number in numbers if number is not None]
    return sum(known[1:], start=known[0]) if known and len(known) == len(numbers) else None


def trouble_lines(snapshot: Snapshot) -> list[str]:
    """What the platform itself warns of, and what each server or service says is wrong."""
    alerts = [printable(f"{each.kind} {each.severity}: {each.text_en}") for each in snapshot.platform_alerts]
    return [*alerts, *process_troubles(snapshot)]


def process_troubles(snapshot: Snapshot) -> list[str]:
    """What each server or service says is wrong, and why something is unknown."""
    processes = {**snapshot.servers, **snapshot.services}
    troubles = {name: process.trouble for name, process in processes.items() if process.trouble}
    return [printable(f"{name}: {why}") for name, why in {**snapshot.notes, **troubles}.items()]
