"""The alert of a gap in Kafka's log, and the sentence in health. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from schemas.alert import Alert, AlertEventType, AlertText, Severity, alert_id
from schemas.fields import LIVE, Feed
from schemas.verdict import Comparator, SourceKind, Threshold, ThresholdSource
from services.timescale_sink.progress import Why
from services.timescale_sink.tables import TABLES

RULE: Final = "platform.log_gap"
_LIMIT: Final = Threshold(
    id=RULE,
    value=0,
    unit="records",
    comparator=Comparator.LE,
    source=ThresholdSource(
        kind=SourceKind.POLICY,
        id="platform-operations",
        version="1",
        where="decision 0025: nothing accepted is lost",
        valid_from=date(2026, 11, 26),
    ),
)
_REASONS: Final = {
    Why.REMOVED: ("Kafka removed them before they were stored", "入库前已被 Kafka 清除"),
    Why.MADE_ANEW: (
        "their topic was made anew, or lost its end, before they were stored",
        "入库前主题被重建或丢失末尾",
    ),
}


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A row of `queries/open_gaps.sql`."""

    topic: str
    partition: int
    first_offset: int
    before_offset: int
    why: str
    since: datetime | None
    until: datetime | None
    noticed_at: datetime
    acknowledged_at: datetime | None
    told: int
    """1: its alert was raised, 2: it was resolved."""

    @property
    def records(self) -> int:
        """How many are gone."""
        return self.before_offset - self.first_offset


def feeds_of(topic: str) -> tuple[Feed, ...]:
    """Feeds that a topic is about: a shared one is about all."""
    return (TABLES[topic].feed,) if topic in TABLES else tuple(Feed)


def asset_of(gap: OpenGap, feed: Feed) -> str:
    """What the alert is about: each gap, and each feed of a shared topic, has its own; one asset has one open alert."""
    of_feed = "" if gap.topic in TABLES else f"-{feed}"
    return f"{gap.topic}-{gap.partition}-{gap.first_offset}{of_feed}"


def alerts_of(gap: OpenGap, cluster_id: str) -> Iterator[Alert]:
    """What has to be said of a gap and was not: raised, and resolved once the operator has taken note; one a feed."""
    for feed in feeds_of(gap.topic):
        if gap.told < 1:
            yield _alert(gap, cluster_id, feed, AlertEventType.RAISED)
        if gap.told < 2 and gap.acknowledged_at is not None:
            yield _alert(gap, cluster_id, feed, AlertEventType.RESOLVED)


def _alert(gap: OpenGap, cluster_id: str, feed: Feed, event: AlertEventType) -> Alert:
    asset = asset_of(gap, feed)
    episode = f"{cluster_id}/{feed}/{gap.first_offset}/{gap.before_offset}/{gap.noticed_at.isoformat()}"
    en, zh = _REASONS[Why(gap.why)]
    offsets = f"{gap.first_offset} – {gap.before_offset - 1}"
    between = f"{_time(gap.since)} – {_time(gap.until)}"
    resolved = event is AlertEventType.RESOLVED
    return Alert(
        alert_id=alert_id(RULE, asset, LIVE, episode),
        revision=int(resolved),
        event=event,
        rule=RULE,
        feed=feed,
        lane=LIVE,
        asset=asset,
        place=f"Kafka {gap.topic}, partition {gap.partition}",
        severity=Severity.ORANGE,
        started_at=gap.since or gap.noticed_at,
        raised_at=gap.noticed_at,
        ended_at=gap.acknowledged_at if resolved else None,
        previous_at=gap.noticed_at if resolved else None,
        observed_value=float(gap.records),
        observed_unit="records",
        threshold=_LIMIT,
        evidence=None,
        text=AlertText(
            zh=f"{gap.topic} 分区 {gap.partition} 的 {gap.records} 条记录（位移 {offsets}，{between}）{zh}；"
            "请查看 district ledger，让设备补发，再执行 district ledger acknowledge",
            en=f"{gap.records} records of {gap.topic} {gap.partition} are missing (offsets {offsets}, {between}): {en};"
            " see `district ledger`, let the devices send again, then `district ledger acknowledge`",
        ),
    )


def health_of(gaps: Iterable[OpenGap]) -> str | None:
    """The sentence in health; None when the operator has taken note of all."""
    found = [gap for gap in gaps if gap.acknowledged_at is None]
    if not found:
        return None
    first = found[0]
    more = f" and {len(found) - 1} more gaps" if len(found) > 1 else ""
    return (
        f"{first.topic} {first.partition}: {first.records} records from offset {first.first_offset} on are missing,"
        f" {_REASONS[Why(first.why)][0]}{more}; `district ledger` names them, `district ledger acknowledge` takes note"
    )


def _time(at: datetime | None) -> str:
    return "?" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
