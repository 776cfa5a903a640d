"""The alert of numbers that a device must have used and that never came. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from schemas.alert import Alert, AlertEventType, AlertText, Severity, alert_id
from schemas.fields import Feed
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource
from services.runtime.multirange import named
from services.timescale_sink.telling import RAISED, local_minute

RULE: Final = "platform.readings_missing"
_LIMIT: Final = Threshold(
    id=RULE,
    value=0,
    unit="readings",
    comparator=Comparator.LE,
    source=ThresholdSource(
        kind=SourceKind.POLICY,
        id="platform-operations",
        version="1",
        where="decision 0040: a gap in a device's numbers closes within its time or is an alert",
        valid_from=date(2026, 11, 27),
    ),
)
_NAMED_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class Missing:
    """A row of `queries/missing_untold.sql`."""

    feed: str
    lane: str
    device_id: str
    boot_id: str
    noticed_at: datetime
    numbers: str
    """As PostgreSQL writes an `int8multirange`."""
    ended_at: datetime | None
    acknowledged_by: str | None
    told: int
    """1: its alert is being raised, 2: it was raised, 3: it was resolved."""
    n: int
    """How many are missing."""


def alerts_of(missing: Missing, after: timedelta) -> Iterator[Alert]:
    """What has to be said of missing numbers: that they are, and, once that has ended, that too.

    An alert of which nobody knows whether it was raised is raised again: it has the same id and revision.

    Args:
        after: How long a gap may stand.

    Raises:
        ValidationError: the row's ids are none that an alert can be about.
    """
    if missing.told < RAISED:
        yield _alert(missing, after, resolved=False)
    if missing.ended_at is not None:
        yield _alert(missing, after, resolved=True)


def _alert(missing: Missing, after: timedelta, *, resolved: bool) -> Alert:
    began = missing.noticed_at
    episode = f"{missing.boot_id}/{began.isoformat()}"
    return Alert(
        alert_id=alert_id(RULE, missing.device_id, missing.lane, episode),
        revision=int(resolved),
        event=AlertEventType.RESOLVED if resolved else AlertEventType.RAISED,
        rule=RULE,
        feed=Feed(missing.feed),
        lane=missing.lane,
        asset=missing.device_id,
        place=missing.device_id,
        severity=Severity.BLUE,
        started_at=began,
        raised_at=began + after,
        ended_at=missing.ended_at if resolved else None,
        previous_at=began + after if resolved else None,
        observed_value=float(missing.n),
        observed_unit="readings",
        threshold=_LIMIT,
        evidence=None,
        text=_over(missing) if resolved else _open(missing, after),
    )


def _open(missing: Missing, after: timedelta) -> AlertText:
    numbers, since = named(missing.numbers, _NAMED_MOST), local_minute(missing.noticed_at)
    minutes = f"{after.total_seconds() / 60:g}"
    return AlertText(
        zh=f"{missing.device_id}：{missing.n}条读数缺失（启动 {missing.boot_id}，编号 {numbers}）。"
        f"限值：{minutes}分钟内补齐（0040 号决定）。自{since}（北京时间）起。"
        "请让设备补发缺失编号，或用 district audit acknowledge 登记。",
        en=f"{missing.device_id}: {missing.n} readings are missing (boot {missing.boot_id}, numbers {numbers})."
        f" Limit: all within {minutes} min (decision 0040). Since {since} (Beijing time)."
        " Let the device send them again, or take note with `district audit acknowledge`.",
    )


def _over(missing: Missing) -> AlertText:
    by = missing.acknowledged_by
    zh, en = ("编号不再缺失", "no number is missing any more") if by is None else (
        f"{by} 已登记缺失的读数", f"{by} has taken note of the missing readings"
    )  # fmt: skip
    assert missing.ended_at is not None  # noqa: S101 - that is what makes it over
    span, numbers = (
        (local_minute(missing.noticed_at), local_minute(missing.ended_at)),
        named(missing.numbers, _NAMED_MOST),
    )
    return AlertText(
        zh=f"{missing.device_id}：{zh}。{span[0]}至{span[1]}（北京时间）：编号 {numbers}。",
        en=f"{missing.device_id}: {en}. From {span[0]} to {span[1]} (Beijing time): numbers {numbers}.",
    )
