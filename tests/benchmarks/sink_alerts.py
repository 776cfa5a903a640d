"""The sink with much history: how fast alerts drain when many are stored, and how late live readings are meanwhile.

    python -m tests.benchmarks.sink_alerts --alerts [--stored 1000000] [--drain 50000] [--rate 2000]

Alerts are stored by SQL, one in ten of them still open (so most open ones are superseded). The topic `alerts` is filled
while the sink is stopped: new alerts of the same assets, each raised, updated and resolved. Then the sink is started
beside an open-loop load of live readings, due on a fixed schedule, and kept from the alerts (by a lock on its progress)
until the load is steady. From then until the last alert is stored, readings are counted; the age of one is from when it
was due until its row was written.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from deploy.local.files import make_folder
from deploy.local.paths import cache_dir
from deploy.local.stack import Stack
from schemas.alert import Alert, AlertEventType, AlertText, Severity, alert_id
from schemas.fields import Feed
from schemas.topics import ALERTS, topic_spec
from schemas.verdict import Comparator, Evidence, SourceKind, Threshold, ThresholdSource
from tests.benchmarks.sink_drain import STEPS, TOPIC, postgres_seconds, producer, reading, sink
from tests.conftest import local_settings

ASSETS = 5_000
RULE = "parking.nearly_full"
EVENTS_OF_ONE = (AlertEventType.RAISED, AlertEventType.UPDATED, AlertEventType.RESOLVED)
DRAIN_SECONDS = 600
SLICE_SECONDS = 0.02
STEADY_SECONDS = 10
WARM_UP = 300
"""Events that make the progress which is locked then."""
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)

STORE = """
INSERT INTO alerts (alert_id, revision, event, rule, feed, lane, asset, place, severity, started_at, raised_at,
    ended_at, observed_value, observed_unit, threshold, evidence, text_zh, text_en)
SELECT md5('stored' || n), 1, CASE WHEN n % 10 = 0 THEN 'updated' ELSE 'resolved' END, $2, 'parking', 'live',
    'asset-' || n % $3, '江汉路 ' || n % $3, 'III', at, at, CASE WHEN n % 10 <> 0 THEN at + INTERVAL '1 hour' END,
    0.97, '1', $4::jsonb, NULL, '车位将满', 'nearly full'
FROM generate_series(1, $1::int) AS n, LATERAL (SELECT $5::timestamptz + n * INTERVAL '1 second' AS at) AS t
"""
LINK = """
UPDATE alerts AS a SET superseded_by = o.next_id
FROM (
    SELECT alert_id, lead(alert_id) OVER (PARTITION BY lane, rule, asset ORDER BY started_at, alert_id) AS next_id
    FROM alerts WHERE ended_at IS NULL AND event <> 'retracted'
) AS o
WHERE a.alert_id = o.alert_id AND o.next_id IS NOT NULL
"""
KEEP_EVENTS = """
INSERT INTO alert_events (event_id, alert_id, revision, event, lane, data)
SELECT alert_id || '/' || revision, alert_id, revision, event, lane,
    jsonb_build_object('asset', asset, 'rule', rule, 'threshold', threshold, 'text', text_en)
FROM alerts
"""
HANDLED = "SELECT coalesce(sum(next_offset), 0) FROM sink_progress WHERE topic = 'alerts'"
AGES = """
SELECT count(*), percentile_cont(ARRAY[0.5, 0.95, 0.99, 1.0]) WITHIN GROUP (ORDER BY extract(epoch FROM stored_at - observed_at))
FROM ev_readings WHERE boot_id = $1 AND observed_at BETWEEN $2 AND $3
"""  # noqa: E501 - SQL, one thought a line
SOURCE = ThresholdSource(
    kind=SourceKind.POLICY, id="parking-operations", version="1", where="parking desk", valid_from=BEGIN.date()
)
LIMIT = Threshold(id=RULE, value=0.95, unit="1", comparator=Comparator.LT, source=SOURCE)


async def store(owner: asyncpg.Connection[asyncpg.Record], count: int) -> None:
    """Put alerts into the tables as the sink would have left them."""
    await owner.execute("DROP INDEX one_open_alert")
    await owner.execute(STORE, count, RULE, ASSETS, LIMIT.model_dump_json(), BEGIN)
    await owner.execute(LINK)
    await owner.execute(
        "CREATE UNIQUE INDEX one_open_alert ON alerts (lane, rule, asset)"
        " WHERE ended_at IS NULL AND event <> 'retracted' AND superseded_by IS NULL"
    )
    await owner.execute(KEEP_EVENTS)
    await owner.execute("ANALYZE alerts; ANALYZE alert_events")


def event(number: int) -> tuple[int, bytes]:
    """Partition and value of an event: three of one alert after another, all of one asset in one partition."""
    one, revision = divmod(number, len(EVENTS_OF_ONE))
    what, asset = EVENTS_OF_ONE[revision], f"asset-{one % ASSETS}"
    began = BEGIN + timedelta(days=300, seconds=one)
    alert = Alert(
        alert_id=alert_id(RULE, asset, "live", f"drained {one}"), revision=revision, event=what, rule=RULE,
        feed=Feed.PARKING, lane="live", asset=asset, place=f"江汉路 {one % ASSETS}", severity=Severity.YELLOW,
        started_at=began, raised_at=began, observed_value=0.97, observed_unit="1", threshold=LIMIT,
        ended_at=began + timedelta(hours=1) if what is AlertEventType.RESOLVED else None,
        evidence=Evidence(topic="readings.parking", partition=0, offsets=(one,)),
        text=AlertText(zh="江汉路车位将满，请引导车辆前往附近停车场。", en="Nearly full: guide cars elsewhere."),
    )  # fmt: skip
    return one % ASSETS % topic_spec(ALERTS).partitions, alert.model_dump_json().encode()


async def fill(environment: dict[str, str], count: int, *, begin: int = 0) -> None:
    """Put events into Kafka."""
    async with producer(environment) as client:
        for start in range(begin, begin + count, 2_000):
            sent = []
            for number in range(start, min(start + 2_000, begin + count)):
                partition, value = event(number)
                sent.append(await client.send(ALERTS, value=value, partition=partition))
            await asyncio.gather(*sent)


async def load(environment: dict[str, str], boot: str, rate: int) -> None:
    """Send readings that are due, until cancelled."""
    per_slice = max(1, int(rate * SLICE_SECONDS))
    async with producer(environment) as client:
        began, began_at, number = time.monotonic(), datetime.now(UTC), 0
        while True:
            for _ in range(per_slice):
                due = began_at + timedelta(seconds=number / rate)
                partition, value = reading(boot, number, due - timedelta(milliseconds=number))
                await client.send(TOPIC, value=value, partition=partition)
                number += 1
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))


async def measure(operator: dict[str, str], role: dict[str, str], chosen: argparse.Namespace) -> None:
    owner: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(operator["DATABASE_OWNER_URL"])
    boot, load_task = uuid.uuid4().hex[:12], None
    try:
        await store(owner, chosen.stored)
        await fill(operator, WARM_UP, begin=chosen.drain)
        async with sink(role):
            await _until(owner, WARM_UP)
        await fill(operator, chosen.drain)
        held = owner.transaction()
        await held.start()
        await owner.execute("SELECT FROM sink_progress WHERE topic = 'alerts' FOR UPDATE")
        async with sink(role) as process:
            load_task = asyncio.create_task(load(operator, boot, chosen.rate))
            await asyncio.sleep(STEADY_SECONDS)
            steady, cpu = datetime.now(UTC), sum(process.cpu_times()[:2])
            await asyncio.sleep(STEADY_SECONDS)
            await held.rollback()
            since, began, alone = datetime.now(UTC), time.monotonic(), sum(process.cpu_times()[:2]) - cpu
            postgres = await postgres_seconds(owner)
            await _until(owner, WARM_UP + chosen.drain)
            until, seconds = datetime.now(UTC), time.monotonic() - began
            cpu = sum(process.cpu_times()[:2]) - cpu - alone
            ended = await postgres_seconds(owner)
            await asyncio.sleep(5)
        print(
            f"{chosen.stored:,} alerts stored before, {chosen.drain:,} events drained beside {chosen.rate:,} readings/s"
        )
        print(f"alert events/s    {chosen.drain / seconds:>10,.0f}")
        _say("alone", await owner.fetchrow(AGES, boot, steady, since), (since - steady).total_seconds())
        _say("meanwhile", await owner.fetchrow(AGES, boot, since, until), seconds)
        of_postgres = sum(ended[pid] - postgres.get(pid, 0.0) for pid in ended)
        print(
            f"CPU meanwhile     sink {cpu / seconds:.0%}, PostgreSQL {of_postgres / seconds:.0%} of a core", flush=True
        )
    finally:
        if load_task is not None:
            load_task.cancel()
            await asyncio.gather(load_task, return_exceptions=True)
        await owner.close()


async def _until(owner: Any, count: int) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    while (handled := int(await owner.fetchval(HANDLED))) < count:
        if time.monotonic() > deadline:
            raise SystemExit(f"{handled} of {count} events after {DRAIN_SECONDS} s")
        await asyncio.sleep(0.02)


def _say(when: str, found: Any, seconds: float) -> None:
    count, ages = found
    p50, p95, p99, most = (1e3 * age for age in ages)
    print(f"readings {when:<9}{count / seconds:>10,.0f}/s, due to stored: ", end="")
    print(f"p50 {p50:,.0f}, p95 {p95:,.0f}, p99 {p99:,.0f}, max {most:,.0f} ms")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", action="store_true", help="this benchmark (`sink` alone drains readings)")
    parser.add_argument("--stored", type=int, default=1_000_000, help="alerts in the tables before")
    parser.add_argument("--drain", type=int, default=50_000, help="events of alerts that wait in Kafka")
    parser.add_argument("--rate", type=int, default=2_000, help="live readings a second meanwhile")
    chosen = parser.parse_args()
    state = make_folder(cache_dir() / "tests" / uuid.uuid4().hex[:12])
    settings = local_settings(state)
    try:
        async with Stack(settings, setup=list(STEPS)) as stack:
            await measure(stack.environment("operator"), stack.environment("sink"), chosen)
    finally:
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(main())
