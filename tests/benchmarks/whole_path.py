"""The whole path on this machine, with everything on it, from the load generator to the database.

    python -m tests.benchmarks whole-path [--seconds 60] [--rates 4000,8000,…] [--array-rates 20000,25000,…]

Open loop: readings of real life are due on a fixed schedule whatever the platform does, carry the time they were due,
and late ones count. A rate is held when every reading of the run is stored and judged, the last one within
`DRAIN_SECONDS` of the end, and judging takes at most `JUDGED_P99_MS` (p99). Short runs find the highest such rate,
which is then run for `--seconds`; when it does not hold that long, the next lower one is tried. Latency: from the
device's timestamp to the row's `stored_at` (statement of the bulk write), and to the timestamp of the indicator on
Kafka (water readings, which are a fifth of the load). Judged is what the processors count as judged.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.indicator import Indicator
from schemas.topics import INDICATORS
from services.runtime.settings import KafkaSettings
from tests.end_to_end.harness import District

FEEDS = ("water", "ev", "parking", "emergency", "tax")
PROCESSORS = tuple(f"processor-{feed}" for feed in FEEDS)
PROCESSES = ("mosquitto", "ingest_bridge", "kafka", *PROCESSORS, "processor-lanes", "timescale_sink", "postgres")
DEVICES = 200
PROBE_SECONDS = 12
DRAIN_SECONDS = 5.0
JUDGED_P99_MS = 1_000.0
SETTLE_SECONDS = 120.0


@dataclass(frozen=True)
class Usage:
    """What a process and its children have used so far."""

    cpu_seconds: float
    resident_mb: float


@dataclass(frozen=True)
class Run:
    """One run at one rate."""

    rate: int
    batch: int
    sent: int
    stored: int
    drained_after: float
    """Seconds from the end of the load until the last reading was stored."""
    judged: int
    judged_after: float
    """Seconds from the end of the load until the last reading was judged."""
    late_p99_ms: float
    """How late the generator itself was."""
    stored_ms: tuple[float, float, float]
    judged_ms: tuple[float, float, float]
    cpu_us: Mapping[str, float]
    """CPU per reading by process, microseconds."""
    resident_mb: Mapping[str, float]

    @property
    def held(self) -> bool:
        """Nothing lost, and the platform kept up, with judging as well as with storing."""
        return not self.why_not

    @property
    def why_not(self) -> str:
        """What speaks against it; empty when it was held."""
        reasons = {
            f"{self.sent - self.stored} not stored": self.stored < self.sent,
            f"{self.sent - self.judged} not judged": self.judged < self.sent,
            f"stored {self.drained_after:.1f} s after the end": self.drained_after > DRAIN_SECONDS,
            f"judged {self.judged_after:.1f} s after the end": self.judged_after > DRAIN_SECONDS,
            f"judged p99 {self.judged_ms[2]:.0f} ms": not self.judged_ms[2] <= JUDGED_P99_MS,
        }
        return ", ".join(reason for reason, holds in reasons.items() if holds)


def usage(pid: int) -> Usage:
    """CPU and resident memory of a process with its children (shared pages of children counted once each)."""
    parent = psutil.Process(pid)
    cpu, resident = 0.0, 0
    for process in (parent, *parent.children(recursive=True)):
        try:
            times = process.cpu_times()
            memory = process.memory_info()
        except psutil.NoSuchProcess:
            continue
        cpu += times.user + times.system + times.children_user + times.children_system
        resident += memory.rss - (memory.shared if process is not parent else 0)
    return Usage(cpu, resident / 2**20)


def all_usage(district: District) -> dict[str, Usage]:
    """Usage of every process of the platform."""
    return {name: usage(pid) for name in PROCESSES if (pid := district.pid(name)) is not None}


def judged(district: District) -> int:
    """Readings that the processors of real life have judged since they were started."""
    return round(sum(sum(district.metric(name, "district_readings_judged_total")) for name in PROCESSORS))


def stored_count(district: District, boots: str) -> int:
    """Rows of these boots (a list of SQL literals) in the database."""
    union = " UNION ALL ".join(f"SELECT 1 FROM v_{feed}_readings WHERE boot_id IN ({boots})" for feed in FEEDS)
    return district.number(f"SELECT count(*) FROM ({union}) r")


def stored_latency(district: District, boots: str) -> tuple[float, float, float]:
    """From the time in the reading to its row, ms: p50, p95, p99 of these boots (a list of SQL literals)."""
    union = " UNION ALL ".join(
        f"SELECT stored_at - observed_at AS age FROM v_{feed}_readings WHERE boot_id IN ({boots})" for feed in FEEDS
    )
    (row,) = district.sql(
        "SELECT p[1] AS p50, p[2] AS p95, p[3] AS p99 FROM (SELECT percentile_cont(ARRAY[0.5, 0.95, 0.99])"
        f" WITHIN GROUP (ORDER BY extract(epoch FROM age) * 1000) AS p FROM ({union}) r) q"
    )
    return float(row["p50"]), float(row["p95"]), float(row["p99"])


def percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95, p99 by nearest rank."""
    ranked = sorted(values)
    if not ranked:
        return (float("nan"),) * 3
    p50, p95, p99 = (ranked[min(len(ranked) - 1, int(len(ranked) * share))] for share in (0.5, 0.95, 0.99))
    return p50, p95, p99


async def _ends(consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
    partitions = [TopicPartition(INDICATORS, p) for p in sorted(consumer.partitions_for_topic(INDICATORS) or ())]
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    return ends


def _consumer(settings: KafkaSettings) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(INDICATORS, **settings.client_options("bench"), group_id=None, enable_auto_commit=False)


async def indicator_ends(settings: KafkaSettings) -> dict[TopicPartition, int]:
    """Where the indicators topic ends now."""
    async with _consumer(settings) as consumer:
        return await _ends(consumer)


async def judged_latency(
    settings: KafkaSettings, since: Mapping[TopicPartition, int], boots: set[str]
) -> tuple[float, float, float]:
    """From the reading's timestamp to the indicator's on Kafka, ms; read after the run."""
    return percentiles([age_ms for _, age_ms in await judged_ages(settings, since, boots)])


async def judged_ages(
    settings: KafkaSettings, since: Mapping[TopicPartition, int], boots: set[str]
) -> list[tuple[int, float]]:
    """The indicators of these boots' readings from some offsets on: when each was said (ms) and how old it was (ms)."""
    ages: list[tuple[int, float]] = []
    async with _consumer(settings) as consumer:
        ends = await _ends(consumer)
        for partition, offset in since.items():
            consumer.seek(partition, offset)
        while [p for p, end in ends.items() if await consumer.position(p) < end]:
            for records in (await consumer.getmany(timeout_ms=500, max_records=5_000)).values():
                for record in records:
                    indicator = Indicator.model_validate_json(record.value)
                    if indicator.sample is not None and indicator.sample.boot_id in boots:
                        age_ms = record.timestamp - indicator.period_start.timestamp() * 1000
                        ages.append((record.timestamp, age_ms))
    return ages


def _watch(load: subprocess.Popen[str]) -> tuple[str, Any]:
    """What the generator said, and its CPU times when last seen; it does not outlive an interrupted benchmark."""
    generator = psutil.Process(load.pid)
    last = generator.cpu_times()
    with ThreadPoolExecutor(1) as beside:  # a report of many devices is more than a pipe holds
        said = beside.submit(load.communicate)
        try:
            while load.poll() is None:
                with suppress(psutil.NoSuchProcess):
                    last = generator.cpu_times()
                time.sleep(0.2)
        finally:
            load.kill()
        return said.result()[0], last


def run(district: District, rate: int, batch: int, seconds: int, *, devices: int = DEVICES) -> Run:
    """Run one load and wait until its readings are stored and judged."""
    kafka = KafkaSettings.model_validate(kafka_fields(district))
    since = asyncio.run(indicator_ends(kafka))
    before, judged_before = all_usage(district), judged(district)
    load = district.start_load(
        *("--rate", str(rate), "--seconds", str(seconds), "--batch", str(batch), "--feeds", ",".join(FEEDS)),
        *("--lane", "live", "--devices", str(devices)),
    )
    said, last = _watch(load)
    ended = time.monotonic()
    report: dict[str, Any] = json.loads(said)
    boot_ids = {key["boot_id"] for key in report["keys"]}
    boots = ",".join(f"'{boot}'" for boot in sorted(boot_ids))
    stored = n_judged = 0
    drained = judged_after = SETTLE_SECONDS
    while max(drained, judged_after) >= SETTLE_SECONDS and time.monotonic() - ended < SETTLE_SECONDS:
        if n_judged < report["sent"]:
            n_judged = judged(district) - judged_before
            judged_after = time.monotonic() - ended if n_judged >= report["sent"] else SETTLE_SECONDS
        if stored < report["sent"]:
            stored = stored_count(district, boots)
            drained = time.monotonic() - ended if stored >= report["sent"] else SETTLE_SECONDS
        time.sleep(0.2)
    after = all_usage(district)
    cpu = {name: (after[name].cpu_seconds - before[name].cpu_seconds) * 1e6 / report["sent"] for name in before}
    cpu["load generator"] = (last.user + last.system) * 1e6 / report["sent"]
    return Run(
        rate=rate,
        batch=batch,
        sent=report["sent"],
        stored=stored,
        drained_after=drained,
        judged=min(n_judged, report["sent"]),
        judged_after=judged_after,
        late_p99_ms=float(report["late_p99_ms"]),
        stored_ms=stored_latency(district, boots),
        judged_ms=asyncio.run(judged_latency(kafka, since, boot_ids)),
        cpu_us=cpu,
        resident_mb={name: used.resident_mb for name, used in after.items()},
    )


def kafka_fields(district: District) -> dict[str, str]:
    """Kafka as the operator reaches it."""
    role = district.role("operator")
    names = ("bootstrap", "security_protocol", "username", "password")
    return {name: role[f"KAFKA_{name.upper()}"] for name in names if f"KAFKA_{name.upper()}" in role}


def highest_held(district: District, rates: Sequence[int], batch: int, seconds: int) -> Run | None:
    """Find the highest rate by short runs, then hold it; None when even the lowest is not held."""
    run(district, rates[0] // 2, batch, PROBE_SECONDS)  # a Java broker is slow in its first seconds
    candidates: list[int] = []
    for rate in rates:
        probe = run(district, rate, batch, PROBE_SECONDS)
        print(_line(probe), flush=True)
        if not probe.held:
            break
        candidates.append(rate)
    while candidates:
        long = run(district, candidates.pop(), batch, seconds)
        print(_line(long), flush=True)
        if long.held:
            return long
    return None


def _line(one: Run) -> str:
    verdict = "held" if one.held else f"NOT held ({one.why_not})"
    stored, latency = one.stored_ms, one.judged_ms
    return (
        f"  {one.rate:>6}/s in messages of {one.batch}: {verdict}; sent {one.sent}, stored {one.stored}, judged "
        f"{one.judged}, last stored {one.drained_after:.1f} s and judged {one.judged_after:.1f} s after the end; "
        f"stored p50 {stored[0]:.0f} p99 {stored[2]:.0f} ms, judged p50 {latency[0]:.0f} p99 {latency[2]:.0f} ms, "
        f"generator late p99 {one.late_p99_ms:.0f} ms"
    )


def report(one: Run) -> str:
    """The figures of a run as a table."""
    total = sum(one.cpu_us.values())
    lines = [
        f"highest rate held: {one.rate} readings/s in messages of {one.batch}",
        f"  {one.sent} sent, {one.stored} stored, {one.judged} judged",
        "  latency from the device's timestamp     p50      p95      p99   (ms)",
        f"    to stored                        {one.stored_ms[0]:8.0f} {one.stored_ms[1]:8.0f} {one.stored_ms[2]:8.0f}",
        f"    to judged                        {one.judged_ms[0]:8.0f} {one.judged_ms[1]:8.0f} {one.judged_ms[2]:8.0f}",
        "  process              CPU us/reading   share   resident MB",
    ]
    for name, cpu in one.cpu_us.items():
        resident = f"{one.resident_mb[name]:13.0f}" if name in one.resident_mb else " " * 13
        lines.append(f"    {name:<20} {cpu:12.1f} {cpu / total:7.0%} {resident}")
    lines.append(f"    {'all':<20} {total:12.1f}")
    return "\n".join(lines)
