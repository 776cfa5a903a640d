"""The sink alone: how fast, and at what cost in CPU, it drains Kafka into TimescaleDB; and how late a lone reading is.

    python tests/benchmarks/sink_drain.py [--readings 200000] [--runs 2] [--lone 200] [--refused 0.0]
    python tests/benchmarks/sink_drain.py --here      (the servers of KAFKA_*, DATABASE_*, with topics and tables made)

The topic is filled while the sink is stopped; the clock runs from its first commit to its last. CPU is user and system
time over the same time: the sink's own process, and every process of PostgreSQL together. A lone reading is timed from
Kafka's acknowledgement until another connection sees its row.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import quantiles

import asyncpg
import orjson
import psutil
from aiokafka import AIOKafkaProducer

from deploy.local.files import make_folder
from deploy.local.paths import cache_dir
from deploy.local.stack import SetupStep, Stack
from schemas.fields import Feed
from schemas.topics import readings_topic, topic_spec
from services.runtime.settings import KafkaSettings
from tests.conftest import local_settings

DEVICES = 300
TOPIC = readings_topic(Feed.EV)
STEPS = (
    SetupStep("topics", (sys.executable, "-m", "services.runtime.topics"), "operator"),
    SetupStep("migrations", (sys.executable, "-m", "services.timescale_sink", "migrate"), "operator"),
)
DRAIN_SECONDS = 180


@dataclass(frozen=True)
class Result:
    """One run."""

    rows_per_second: float
    sink_us: float
    """CPU of the sink a row."""
    postgres_us: float
    resident_mb: float


def reading(boot: str, number: int, at: datetime, *, refused: bool = False) -> tuple[int, bytes]:
    """Partition and value: some 230 bytes, each device's numbers without a gap."""
    device, seq = number % DEVICES, number // DEVICES
    body = {
        "feed": "ev",
        "device_id": f"ev-{device:04d}",
        "group_id": f"site-{device % 20:02d}",
        "boot_id": boot,
        "seq": seq,
        "observed_at": (at + timedelta(milliseconds=number)).isoformat().replace("+00:00", "Z"),
        "context": "sample_periodic",
        "status": "charging",
        "power_kw": 7.2,
        "energy_register_kwh": 18_231.4,
        "voltage_v": 230.1,
        "current_a": 31.3,
    }
    if refused:
        body["site_name"] = "\0"
    return (device % 20) % topic_spec(TOPIC).partitions, orjson.dumps(body)


@asynccontextmanager
async def producer(environment: dict[str, str]) -> AsyncIterator[AIOKafkaProducer]:
    names = ("bootstrap", "security_protocol", "username", "password")
    known = {name: environment[key] for name in names if (key := f"KAFKA_{name.upper()}") in environment}
    async with AIOKafkaProducer(
        **KafkaSettings.model_validate(known).client_options("sink-drain"), linger_ms=2, max_batch_size=256 * 1024
    ) as client:
        yield client


async def fill(environment: dict[str, str], boot: str, count: int, refused: float) -> None:
    """Put the readings into Kafka, a share of them with text that no database takes."""
    chance, at = random.Random(7), datetime.now(UTC) - timedelta(minutes=10)
    async with producer(environment) as client:
        for start in range(0, count, 5_000):
            sent = []
            for number in range(start, min(start + 5_000, count)):
                partition, value = reading(boot, number, at, refused=chance.random() < refused)
                sent.append(await client.send(TOPIC, value=value, partition=partition))
            await asyncio.gather(*sent)


async def handled(connection: asyncpg.Connection[asyncpg.Record]) -> int:
    return int(await connection.fetchval("SELECT readings FROM v_feed_totals WHERE feed = 'ev'"))


async def postgres_seconds(connection: asyncpg.Connection[asyncpg.Record]) -> dict[int, float]:
    """CPU by process of the server."""
    pids = [row["pid"] for row in await connection.fetch("SELECT pid FROM pg_stat_activity")]
    own = connection.get_server_pid()
    return {pid: sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids if pid != own}


@asynccontextmanager
async def sink(environment: dict[str, str]) -> AsyncIterator[psutil.Process]:
    """The sink as a process of its own; says its last words when it dies."""
    with tempfile.TemporaryFile() as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.timescale_sink"),
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
        )
        try:
            yield psutil.Process(process.pid)
        finally:
            if process.returncode is None:
                process.terminate()
            else:
                output.seek(0)
                sys.stderr.write(output.read().decode()[-2000:])
            await process.wait()


async def drain(operator: dict[str, str], role: dict[str, str], count: int, refused: float) -> Result:
    """Fill the topic, start the sink, measure."""
    connection = await asyncpg.connect(operator["DATABASE_OWNER_URL"])
    try:
        before = await handled(connection)
        await fill(operator, uuid.uuid4().hex[:12], count, refused)
        async with sink(role) as process:
            deadline = time.monotonic() + DRAIN_SECONDS
            while (begun_with := await handled(connection)) == before:
                await asyncio.sleep(0.01)
                if time.monotonic() > deadline:
                    sys.exit("the sink stored nothing")
            begun_at, sink_cpu = time.monotonic(), sum(process.cpu_times()[:2])
            postgres_cpu = await postgres_seconds(connection)
            while (now := await handled(connection)) < before + count:
                await asyncio.sleep(0.02)
                if time.monotonic() > deadline:
                    sys.exit(f"{now - before} of {count} after {DRAIN_SECONDS} s")
            seconds, rows = time.monotonic() - begun_at, now - begun_with
            ended = await postgres_seconds(connection)
            return Result(
                rows / seconds,
                (sum(process.cpu_times()[:2]) - sink_cpu) / rows * 1e6,
                sum(ended[pid] - postgres_cpu.get(pid, 0.0) for pid in ended) / rows * 1e6,
                process.memory_info().rss / 2**20,
            )
    finally:
        await connection.close()


async def lone_readings(operator: dict[str, str], role: dict[str, str], count: int) -> list[float]:
    """Seconds until the row of a reading that comes alone is seen."""
    boot, waits = uuid.uuid4().hex[:12], []
    chance = random.Random(7)
    connection = await asyncpg.connect(operator["DATABASE_OWNER_URL"])
    seen = await connection.prepare(
        "SELECT count(*) FROM ev_readings WHERE device_id = $1 AND boot_id = $2 AND seq = $3 AND observed_at > $4"
    )
    try:
        async with sink(role), producer(operator) as client:
            for number in range(count + 1):
                at = datetime.now(UTC)
                partition, value = reading(boot, number * DEVICES, at)
                await client.send_and_wait(TOPIC, value=value, partition=partition)
                sent_at = time.monotonic()
                while not await seen.fetchval("ev-0000", boot, number, at - timedelta(hours=1)):
                    if time.monotonic() - sent_at > DRAIN_SECONDS:
                        sys.exit("a lone reading never came")
                    await asyncio.sleep(0.001)
                waits.append(time.monotonic() - sent_at)
                await asyncio.sleep(chance.uniform(0.1, 0.4))
    finally:
        await connection.close()
    return waits[1:]  # the first one waited for the sink to start


async def measure(operator: dict[str, str], role: dict[str, str], chosen: argparse.Namespace) -> None:
    size = len(reading("0" * 12, 0, datetime.now(UTC))[1])
    print(f"{' '.join(sys.argv)}: {chosen.readings:,} readings of {size} bytes, {chosen.refused:.1%} refused")
    print(f"{'rows/s':>10}{'sink us/row':>14}{'PostgreSQL us/row':>20}{'resident MB':>13}", flush=True)
    for _ in range(chosen.runs):
        one = await drain(operator, role, chosen.readings, chosen.refused)
        print(
            f"{one.rows_per_second:>10,.0f}{one.sink_us:>14.1f}{one.postgres_us:>20.1f}{one.resident_mb:>13.0f}",
            flush=True,
        )
    if chosen.lone:
        waits = await lone_readings(operator, role, chosen.lone)
        cuts = [1e3 * cut for cut in quantiles(waits, n=100, method="inclusive")]
        print(
            f"{len(waits)} lone readings, ms from Kafka to a visible row: "
            f"p50 {cuts[49]:.0f}, p95 {cuts[94]:.0f}, p99 {cuts[98]:.0f}, max {1e3 * max(waits):.0f}"
        )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readings", type=int, default=200_000, help="at least 20,000, several rounds")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--lone", type=int, default=200, help="lone readings to time; 0 for none")
    parser.add_argument("--refused", type=float, default=0.0, help="share of readings that the database refuses")
    parser.add_argument("--here", action="store_true", help="use the servers that the environment names")
    chosen = parser.parse_args()
    if chosen.here:
        await measure(dict(os.environ), dict(os.environ), chosen)
        return
    state = make_folder(cache_dir() / "tests" / uuid.uuid4().hex[:12])
    settings = local_settings(state)
    try:
        async with Stack(settings, setup=list(STEPS)) as stack:
            await measure(stack.environment("operator"), stack.environment("sink"), chosen)
    finally:
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(main())
