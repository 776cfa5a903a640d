"""What the operator is shown, and how it follows from what each server says. Pure.

`received` of a feed is what the sink has handled (stored, duplicates, refused by the database), plus what the bridge
refused, plus what is in Kafka and not yet with the sink. Among the last there are ticks, one a second in each
partition of live readings that has any; as many as must have come since the sink last moved are taken off, so that a
feed at rest balances. The clocks of other lanes stand still when nobody drives them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from deploy.local.disks import DiskAlert
from schemas.fields import LIVE, Feed
from schemas.topics import readings_topic
from services.read_model.alerts import OpenAlertRow

Partition = tuple[str, int]
"""Topic and partition number."""

GROUPS: Final = ("sink", "processor.water")
"""Consumer groups that are always named, also while Kafka cannot tell how far they are."""


class ProcessState(StrEnum):
    """State of a server or service, in the operator's words."""

    STARTING = "starting"
    RUNNING = "running"
    DEGRADED = "degraded"
    """It runs and says of itself that it cannot work just now."""
    SILENT = "silent"
    """It runs and does not answer."""
    RESTARTING = "restarting"
    """It died; the supervisor starts it again after a pause."""
    STOPPING = "stopping"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """One server or service."""

    state: ProcessState
    endpoint: str = ""
    """Where it listens, for people."""
    restarts: int = 0
    trouble: str | None = None
    """What it says is wrong."""


@dataclass(frozen=True, slots=True)
class FeedFigures:
    """One feed since its data began; None where a server that knows does not answer."""

    devices: int | None = None
    received: int | None = None
    stored: int | None = None
    dead_lettered: int | None = None
    duplicates: int | None = None
    """Readings that came again and were in the database already."""


@dataclass(frozen=True, slots=True)
class FeedTotals:
    """What the database knows of one feed."""

    devices: int
    seen: int
    """Readings that the sink has handled: stored, duplicates, refused by the database."""
    stored: int
    dead_lettered: int
    """By the bridge and the sink: what only its judging refused is stored."""
    refused_before_kafka: int
    """Dead letters of the bridge: they never became readings in Kafka."""
    duplicates: int = 0
    """Readings that were in the database already."""


@dataclass(frozen=True, slots=True)
class SinkPlace:
    """How far the sink is in a partition."""

    next_offset: int
    """What lies before it is in the feed's totals."""
    ticks: int = 0
    """How many of the records before it were ticks."""
    idle_seconds: float = 0.0
    """How long ago it moved."""


@dataclass(frozen=True, slots=True)
class DatabaseFigures:
    """What the database knows."""

    feeds: Mapping[Feed, FeedTotals]
    dead_letters: Mapping[str, int]
    """By reason."""
    open_alerts: tuple[OpenAlertRow, ...]
    """The worst and newest first; of many, as many as were asked for."""
    open_alerts_by_lane: Mapping[str, int]
    """All of them."""
    places: Mapping[str, Mapping[Partition, SinkPlace]]
    """By Kafka cluster."""


@dataclass(frozen=True, slots=True)
class KafkaFigures:
    """What Kafka knows."""

    cluster_id: str
    end_offsets: Mapping[Partition, int]
    lag: Mapping[str, int | None]
    """Records that each consumer group has still to handle."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything at one moment."""

    at: datetime
    seconds: float
    """The same moment on a clock that never jumps."""
    servers: Mapping[str, ProcessFigures]
    services: Mapping[str, ProcessFigures]
    feeds: Mapping[Feed, FeedFigures]
    lag: Mapping[str, int | None]
    """Of each consumer group."""
    dead_letters: Mapping[str, int] | None
    open_alerts: tuple[OpenAlertRow, ...] | None
    open_alerts_by_lane: Mapping[str, int] | None
    notes: Mapping[str, str] = field(default_factory=dict)
    """Why something is unknown, by server."""
    platform_alerts: tuple[DiskAlert, ...] = ()
    """What the platform warns of itself: a disk that is full or will be."""
    citybrain: int | None = None
    """Events in the books of the simulated city brain; None where there is none, or where it does not answer."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What each source answered; None and a note where it did not."""

    servers: Mapping[str, ProcessFigures] = field(default_factory=dict)
    services: Mapping[str, ProcessFigures] = field(default_factory=dict)
    database: DatabaseFigures | None = None
    kafka: KafkaFigures | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    platform_alerts: tuple[DiskAlert, ...] = ()
    citybrain: int | None = None


def in_flight(feed: Feed, database: DatabaseFigures, kafka: KafkaFigures) -> int:
    """Count the readings of a feed that are in Kafka and not yet handled by the sink."""
    live, aside = readings_topic(feed), readings_topic(feed, live=False)
    places = database.places.get(kafka.cluster_id, {})
    return sum(
        _readings_beyond(places.get(partition, SinkPlace(0)), end, ticking=partition[0] == live)
        for partition, end in kafka.end_offsets.items()
        if partition[0] in (live, aside)
    )


def _readings_beyond(place: SinkPlace, end_offset: int, *, ticking: bool) -> int:
    ticks = int(place.idle_seconds) + 1 if place.ticks and ticking else 0
    return max(0, end_offset - place.next_offset - ticks)


def feed_figures(feed: Feed, database: DatabaseFigures | None, kafka: KafkaFigures | None) -> FeedFigures:
    """Put together what database and Kafka know of a feed."""
    if database is None:
        return FeedFigures()
    totals = database.feeds.get(feed, FeedTotals(0, 0, 0, 0, 0))
    received = (
        totals.seen + totals.refused_before_kafka + in_flight(feed, database, kafka) if kafka is not None else None
    )
    return FeedFigures(totals.devices, received, totals.stored, totals.dead_lettered, totals.duplicates)


def combine(sources: Sources, *, at: datetime, seconds: float) -> Snapshot:
    """Put together what the sources answered."""
    database, kafka = sources.database, sources.kafka
    return Snapshot(
        at=at,
        seconds=seconds,
        servers=sources.servers,
        services=sources.services,
        feeds={feed: feed_figures(feed, database, kafka) for feed in Feed},
        lag=kafka.lag if kafka is not None else dict.fromkeys(GROUPS),
        dead_letters=database.dead_letters if database is not None else None,
        open_alerts=in_display_order(database.open_alerts) if database is not None else None,
        open_alerts_by_lane=database.open_alerts_by_lane if database is not None else None,
        notes=sources.notes,
        platform_alerts=sources.platform_alerts,
        citybrain=sources.citybrain,
    )


def in_display_order(alerts: Sequence[OpenAlertRow]) -> tuple[OpenAlertRow, ...]:
    """Order alerts: real life first, then the worst, then the newest."""
    newest_first = sorted(alerts, key=lambda alert: alert.started_at, reverse=True)
    # The severities I to IV happen to sort as text in their own order, I first.
    return tuple(sorted(newest_first, key=lambda alert: (alert.lane != LIVE, alert.severity, alert.lane)))


def rates(snapshots: Sequence[Snapshot]) -> dict[Feed, float | None]:
    """Readings received per second of each feed, from the first to the last snapshot; None where it cannot be said.

    Args:
        snapshots: In order of time; those that do not know are passed over, but for the last.
    """
    return {feed: _rate([(each.seconds, each.feeds[feed].received) for each in snapshots]) for feed in Feed}


def _rate(samples: Sequence[tuple[float, int | None]]) -> float | None:
    known = [(seconds, received) for seconds, received in samples if received is not None]
    if not known or samples[-1][1] is None or known[-1][0] <= known[0][0]:
        return None
    (began, first), (ended, last) = known[0], known[-1]
    return max(0, last - first) / (ended - began)


def status_document(snapshot: Snapshot) -> dict[str, Any]:
    """What `district status --json` prints; null is what cannot be known just now."""
    return {
        "servers": {name: process.state.value for name, process in snapshot.servers.items()},
        "services": {name: process.state.value for name, process in snapshot.services.items()},
        "feeds": {
            feed.value: {
                "devices": figures.devices,
                "received": figures.received,
                "stored": figures.stored,
                "dead_lettered": figures.dead_lettered,
            }
            for feed, figures in snapshot.feeds.items()
        },
        "lag": dict(snapshot.lag),
        "open_alerts": [_alert_document(alert) for alert in snapshot.open_alerts]
        if snapshot.open_alerts is not None
        else None,
    }


def _alert_document(alert: OpenAlertRow) -> dict[str, Any]:
    document = {name: getattr(alert, name) for name in OpenAlertRow.__dataclass_fields__}
    return {name: _utc(value) if isinstance(value, datetime) else value for name, value in document.items()}


def _utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class AlertChanges:
    """Alerts that are open now and were not, and the other way round."""

    opened: tuple[OpenAlertRow, ...]
    closed: tuple[OpenAlertRow, ...]


def alert_changes(before: Snapshot | None, after: Snapshot) -> AlertChanges:
    """Compare the open alerts of real life in two snapshots; nothing changed where one of them does not know."""
    if before is None or before.open_alerts is None or after.open_alerts is None:
        return AlertChanges((), ())
    then = {alert.alert_id: alert for alert in before.open_alerts if alert.lane == LIVE}
    now = {alert.alert_id: alert for alert in after.open_alerts if alert.lane == LIVE}
    return AlertChanges(
        opened=tuple(alert for key, alert in now.items() if key not in then),
        closed=tuple(alert for key, alert in then.items() if key not in now),
    )
