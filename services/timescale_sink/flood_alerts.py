"""The alert of a device that sends more than it may: the bridge refuses what is too much. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from schemas.alert import Alert, AlertEventType, AlertText, Severity, alert_id
from schemas.fields import LIVE, Feed
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource
from services.timescale_sink.telling import RAISED, local_minute

RULE: Final = "platform.device_too_fast"
_LIMIT: Final = Threshold(
    id=RULE,
    value=0,
    unit="readings",
    comparator=Comparator.LE,
    source=ThresholdSource(
        kind=SourceKind.POLICY,
        id="platform-operations",
        version="1",
        where="decision 0044: what a device sends above its rate is refused, kept, and said",
        valid_from=date(2026, 11, 27),
    ),
)


@dataclass(frozen=True, slots=True)
class Flood:
    """A row of `queries/floods_untold.sql`."""

    feed: str
    device_id: str
    began_at: datetime
    """When the first reading was refused."""
    noticed_at: datetime
    ended_at: datetime | None
    """When the last one was, once it is over."""
    refused: int
    """Readings."""
    told: int
    """1: its alert is being raised, 2: it was raised, 3: it was resolved."""

    @property
    def place(self) -> tuple[str, str, datetime]:
        """What it is known by."""
        return self.feed, self.device_id, self.began_at


def alerts_of(flood: Flood) -> Iterator[Alert]:
    """What has to be said: that a device sends too fast, and, once that has ended, that too.

    An alert of which nobody knows whether it was raised is raised again: it has the same id and revision.

    Raises:
        ValidationError: the row's ids are none that an alert can be about.
    """
    if flood.told < RAISED:
        yield _alert(flood, resolved=False)
    if flood.ended_at is not None:
        yield _alert(flood, resolved=True)


def _alert(flood: Flood, *, resolved: bool) -> Alert:
    return Alert(
        alert_id=alert_id(RULE, flood.device_id, LIVE, flood.began_at.isoformat()),
        revision=int(resolved),
        event=AlertEventType.RESOLVED if resolved else AlertEventType.RAISED,
        rule=RULE,
        feed=Feed(flood.feed),
        lane=LIVE,
        asset=flood.device_id,
        place=flood.device_id,
        severity=Severity.BLUE,
        started_at=flood.began_at,
        raised_at=flood.noticed_at,
        ended_at=flood.ended_at if resolved else None,
        previous_at=flood.noticed_at if resolved else None,
        observed_value=float(flood.refused),
        observed_unit="readings",
        threshold=_LIMIT,
        evidence=None,
        text=_over(flood) if resolved else _open(flood),
    )


def _open(flood: Flood) -> AlertText:
    since = local_minute(flood.began_at)
    return AlertText(
        zh=f"{flood.device_id}：发送过快，自{since}（北京时间）起超限读数未予接收（已有{flood.refused}条，均存入死信）。"
        "限值：不超过设备速率上限（0044 号决定）。请查明原因并降低发送频率，或用 district device revoke 停用；"
        "修复后可补送死信。",
        en=f"{flood.device_id}: sends too fast; since {since} (Beijing time) what is above its rate is refused"
        f" ({flood.refused} readings so far, all kept as dead letters). Limit: the rate of a device (decision 0044)."
        " Find out why and slow it down, or `district device revoke` it; then relay what was kept.",
    )


def _over(flood: Flood) -> AlertText:
    assert flood.ended_at is not None  # noqa: S101 - that is what makes it over
    span = local_minute(flood.began_at), local_minute(flood.ended_at)
    return AlertText(
        zh=f"{flood.device_id}：发送频率已恢复正常。{span[0]}至{span[1]}（北京时间）共{flood.refused}条读数未予接收，均存入死信。",
        en=f"{flood.device_id}: does not send too fast any more. From {span[0]} to {span[1]} (Beijing time)"
        f" {flood.refused} readings were refused; all are kept as dead letters.",
    )
