"""From a device's timestamp to the alert on Kafka, with the whole platform on this machine.

    python -m tests.benchmarks.alerts [--rate 2000] [--seconds 60] [--beside-replay]

Open loop: readings of all feeds of real life are due on a fixed schedule and carry the time they were due. One in
eight of a car park's counts cannot be, which raises an alert at once, and the next one ends it. The age of an alert is
its record's timestamp on Kafka less the time of the reading that raised or ended it.

`--beside-replay` measures again while the largest recordings are replayed at full speed, each in a lane of its own, one
after the other until the load is over.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.alert import Alert, AlertEventType
from schemas.fields import LIVE
from schemas.topics import ALERTS, topic_spec
from services.runtime.settings import KafkaSettings
from tests.benchmarks.whole_path import FEEDS, kafka_fields, percentiles
from tests.end_to_end.harness import DATA, DISTRICT, ROOT, District, running_district

LANE = LIVE
RECORDINGS = (
    ("emergency", DATA / "emergency" / "sffd_calls_unit_responses_2020-04_a.csv"),
    ("parking", DATA / "parking" / "german_lots_2020-10-29.csv"),
    ("ev", DATA / "ev" / "workplace_charging_sessions_2014_2015.csv"),
    ("water", DATA / "water" / "cnemc_4hourly_2021-04-01_05_displayed.csv"),
)
"""The largest, the first one first."""


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
        await asyncio.sleep(0)  # a consumer that is stopped before its own tasks have begun raises
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


@contextmanager
def replaying(district: District) -> Iterator[list[str]]:
    """Replay the recordings again and again while the block runs; what has been replayed."""
    over = threading.Event()
    done: list[str] = []
    running: list[subprocess.Popen[bytes]] = []

    def replay() -> None:
        number = 0
        while not over.is_set():
            feed, file = RECORDINGS[number % len(RECORDINGS)]
            command = [DISTRICT, "replay", feed, str(file), "--lane", f"bench-{number}", "--json"]
            running.append(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=district.environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            status = running[-1].wait()
            done.append(f"{file.name}: exit status {status}")
            number += 1

    thread = threading.Thread(target=replay, name="replays", daemon=True)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        for process in running:
            process.terminate()
        thread.join(30)


def _line(what: str, rate: int, found: tuple[int, tuple[float, float, float]]) -> str:
    n, (p50, p95, p99) = found
    return (
        f"alerts at {rate} readings/s {what}: {n} alert events, from the device's timestamp to Kafka"
        f" p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms"
    )


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--beside-replay", action="store_true")
    arguments = parser.parse_args()
    rate, seconds = arguments.rate, arguments.seconds
    with running_district() as district:
        measure(district, rate, 15)  # a Java broker is slow in its first seconds
        alone = measure(district, rate, seconds)
        print(_line("alone", rate, alone), flush=True)
        if arguments.beside_replay:
            with replaying(district) as done:
                beside = measure(district, rate, seconds)
            print(_line("beside replays at full speed", rate, beside), flush=True)
            print(f"  p99 x{beside[1][2] / alone[1][2]:.2f}; replayed meanwhile: {'; '.join(done) or 'one in part'}")


if __name__ == "__main__":
    main()
