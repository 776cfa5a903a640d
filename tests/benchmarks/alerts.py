"""From a device's timestamp to the alert on Kafka, with the whole platform on this machine.

    python -m tests.benchmarks.alerts [--rate 2000] [--seconds 60]

Open loop: readings of all feeds are due on a fixed schedule and carry the time they were due. One in eight of a car
park's counts cannot be, which raises an alert at once, and the next one ends it. The age of an alert is its record's
timestamp on Kafka less the time of the reading that raised or ended it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.alert import Alert, AlertEventType
from schemas.topics import ALERTS, topic_spec
from services.runtime.settings import KafkaSettings
from tests.benchmarks.whole_path import FEEDS, kafka_fields, percentiles
from tests.end_to_end.harness import District, running_district

LANE = "exercise:alert-bench"


async def _ends(settings: KafkaSettings) -> dict[TopicPartition, int]:
    places = [TopicPartition(ALERTS, p) for p in range(topic_spec(ALERTS).partitions)]
    async with AIOKafkaConsumer(**settings.client_options("bench"), enable_auto_commit=False) as consumer:
        consumer.assign(places)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
        return ends


async def _ages(settings: KafkaSettings, since: Mapping[TopicPartition, int]) -> list[float]:
    ends = await _ends(settings)
    ages: list[float] = []
    async with AIOKafkaConsumer(**settings.client_options("bench"), enable_auto_commit=False) as consumer:
        consumer.assign(list(since))
        for place, offset in since.items():
            consumer.seek(place, offset)
        while [place for place, end in ends.items() if await consumer.position(place) < end]:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    alert = Alert.model_validate_json(record.value)
                    if alert.lane != LANE or alert.rule != "parking.count_impossible":
                        continue
                    if alert.event is AlertEventType.RAISED:
                        ages.append(record.timestamp - alert.raised_at.timestamp() * 1000)
                    elif alert.event is AlertEventType.RESOLVED and alert.ended_at is not None:
                        ages.append(record.timestamp - alert.ended_at.timestamp() * 1000)
    return ages


def measure(district: District, rate: int, seconds: int) -> tuple[int, tuple[float, float, float]]:
    """Run the load; number of alert events and their ages (p50, p95, p99, ms)."""
    kafka = KafkaSettings.model_validate(kafka_fields(district))
    since = asyncio.run(_ends(kafka))
    load = district.start_load(
        *("--rate", str(rate), "--seconds", str(seconds), "--feeds", ",".join(FEEDS), "--troubled", "--lane", LANE)
    )
    try:
        report = json.loads(load.communicate(timeout=seconds + 120)[0])
    finally:
        load.kill()
    if report["unfinished"]:
        raise SystemExit(f"{report['unfinished']} readings were not acknowledged; see `district logs ingest_bridge`")
    ages = asyncio.run(_ages(kafka, since))
    return len(ages), percentiles(ages)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    with running_district() as district:
        measure(district, arguments.rate, 15)  # a Java broker is slow in its first seconds
        n, (p50, p95, p99) = measure(district, arguments.rate, arguments.seconds)
    print(
        f"alerts at {arguments.rate} readings/s: {n} alert events, from the device's timestamp to Kafka"
        f" p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms",
        flush=True,
    )


if __name__ == "__main__":
    main()
