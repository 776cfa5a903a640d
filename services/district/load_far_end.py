"""What became of a load's readings at the far end: the read model's audit, rows' times, indicators and alerts on Kafka.

Each latency counts from the due time, which a reading carries as `observed_at`, so clocks of several machines matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.alert import Alert, AlertEventType
from schemas.fields import Feed
from schemas.indicator import Indicator
from schemas.topics import ALERTS, INDICATORS
from services.district.kafka_answers import answering
from services.district.load_verdict import Account, Sent, account
from services.district.query import CONNECT_SECONDS, failures_said
from services.district.settings import Access
from services.read_model.audit import AuditFilter, audit
from services.read_model.connection import Asked, Database
from services.runtime.settings import KafkaSettings
from simulators.load.latency import Latency

LOOK_SECONDS: Final = 0.5
AUDIT_SECONDS: Final = 600.0
"""The audit counts every row: of ten minutes at a machine's limit that takes long, and nothing is timed by it."""
_STORED: Final = """
SELECT round(extract(epoch FROM stored_at - observed_at) * 10000)::bigint * 100 AS microseconds, count(*) AS n
FROM v_{feed}_readings
WHERE lane = $1 AND boot_id = $2 AND observed_at >= $3 AND observed_at < $4
GROUP BY 1
"""
_KNOWN: Final = """
SELECT (
    SELECT coalesce(sum(upper(x) - lower(x)), 0)
    FROM v_reading_numbers AS l, unnest(l.stored) AS x
    WHERE l.feed = ANY ($3) AND l.lane = $1 AND l.boot_id = $2
) + (
    SELECT count(DISTINCT (device_id, seq))
    FROM v_dead_letters
    WHERE boot_id = $2 AND coalesce(lane, 'live') = $1 AND source <> 'stream_processors'
) AS known
"""
"""Numbers that the ledger has or that were refused: cheap to ask again and again, however many readings there are."""
Ends = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which readings are the run's."""

    feeds: tuple[Feed, ...]
    lane: str
    boot_id: str
    since: datetime
    until: datetime
    """Exclusive."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database knows."""

    account: Account
    after_seconds: float
    """From the end of the load until the last look at the ledger: all was accounted for then, or it was given up."""
    latency: Latency


async def stored(access: Access, scope: Scope, sent: Sequence[Sent], within: float) -> Stored | None:
    """Wait until all that was sent is accounted for, or the time is over; None: no database is named.

    Raises:
        ServerSilent: the database does not answer.
        QueryFailed: it refuses.
    """
    if access.database_url is None:
        return None
    bounds = {"connect_within": timedelta(seconds=CONNECT_SECONDS), "answer_within": timedelta(seconds=AUDIT_SECONDS)}
    with failures_said():
        async with Database(access.database_url, name="district-load", connections=1, **bounds) as database:
            loop = asyncio.get_running_loop()
            begun, wanted = loop.time(), sum(each.next_seq for each in sent)
            while True:
                known = await _known(database, scope)
                after = loop.time() - begun
                if known >= wanted or after >= within:
                    return Stored(await _account(database, scope, sent), after, await _stored_latency(database, scope))
                await asyncio.sleep(LOOK_SECONDS)


async def _known(asked: Asked, scope: Scope) -> int:
    rows = await asked.rows(_KNOWN, scope.lane, scope.boot_id, [feed.value for feed in scope.feeds])
    return int(rows[0]["known"])


async def _account(asked: Asked, scope: Scope, sent: Sequence[Sent]) -> Account:
    rows = await audit(asked, AuditFilter(scope.since, scope.until, lane=scope.lane))
    return account(sent, [row for row in rows if row.boot_id == scope.boot_id])


async def _stored_latency(asked: Asked, scope: Scope) -> Latency:
    latency = Latency()
    for feed in scope.feeds:
        query = _STORED.format(feed=feed.value)
        rows = await asked.rows(query, scope.lane, scope.boot_id, scope.since, scope.until)
        latency.add_counted({row["microseconds"]: row["n"] for row in rows})
    return latency


async def ends(settings: KafkaSettings | None) -> Ends | None:
    """Where indicators and alerts end now; None: no Kafka is named.

    Raises:
        ServerSilent: it does not answer.
    """
    if settings is None:
        return None
    async with answering(settings), _consumer(settings) as consumer:
        return await _ends(consumer)


def _consumer(settings: KafkaSettings) -> AIOKafkaConsumer:
    options = settings.client_options("district-load")
    return AIOKafkaConsumer(INDICATORS, ALERTS, **options, group_id=None, enable_auto_commit=False)


async def _ends(consumer: AIOKafkaConsumer) -> Ends:
    partitions = [
        TopicPartition(topic, number)
        for topic in (INDICATORS, ALERTS)
        for number in sorted(consumer.partitions_for_topic(topic) or ())
    ]
    found: Ends = await consumer.end_offsets(partitions)
    return found


@dataclass(slots=True)
class Judged:
    """What was said of the run's readings on Kafka."""

    indicators: Latency
    """Of samples of water, whose indicators name their reading."""
    alerts: Latency
    """Of alerts raised about the run's car parks."""
    samples: set[tuple[str, int]] = field(default_factory=set)
    """Device and number of each sample of water that was judged."""

    def hear(self, record: ConsumerRecord, scope: Scope) -> None:
        """Take a record of either topic."""
        if record.value is None:
            return
        if record.topic == INDICATORS:
            indicator = Indicator.model_validate_json(record.value)
            if indicator.sample is not None and indicator.sample.boot_id == scope.boot_id:
                self.indicators.add([record.timestamp / 1000 - indicator.period_start.timestamp()])
                self.samples.add((indicator.sample.device_id, indicator.sample.seq))
            return
        alert = Alert.model_validate_json(record.value)
        if (
            alert.lane == scope.lane
            and alert.event is AlertEventType.RAISED
            and alert.asset.startswith("load-")
            and scope.since <= alert.raised_at < scope.until
        ):
            self.alerts.add([record.timestamp / 1000 - alert.raised_at.timestamp()])


async def judged(settings: KafkaSettings, since: Ends, scope: Scope, *, expected: int, within: float) -> Judged:
    """Read what was said since, until so many samples were judged or none was for the time.

    The time is of waiting: what millions of readings were judged to is read for minutes.

    Raises:
        ServerSilent: Kafka does not answer.
    """
    found, loop = Judged(Latency(), Latency()), asyncio.get_running_loop()
    consumer = _consumer(settings)
    async with answering(settings):
        await consumer.start()
    try:
        for partition, offset in since.items():
            consumer.seek(partition, offset)
        moved, known = loop.time(), 0
        while loop.time() - moved <= within:
            batches = await consumer.getmany(timeout_ms=500, max_records=5_000)
            for records in batches.values():
                for record in records:
                    found.hear(record, scope)
            if len(found.samples) > known:
                moved, known = loop.time(), len(found.samples)
            if not batches and known >= expected:
                break
        return found
    finally:
        await consumer.stop()
