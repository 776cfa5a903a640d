"""A rate held for half an hour: memory, state and judging while it lasts, then kill -9 of a processor near the end.

    python -m tests.benchmarks.endurance [--rate 10000] [--minutes 30] [--kill processor-water]

Open loop, readings of real life of all feeds. Each minute: memory of the processors, state written, readings judged and
stored. Two minutes before the end one processor is killed; it is judging on when its successor has judged a reading,
and has caught up when indicators (of water readings) are younger than a second again. At the end every reading must be
stored, and each of the processor's own judged.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from services.runtime.settings import KafkaSettings
from tests.benchmarks.whole_path import (
    FEEDS,
    JUDGED_P99_MS,
    PROCESSORS,
    indicator_ends,
    judged_ages,
    kafka_fields,
    percentiles,
    stored_count,
    usage,
)
from tests.end_to_end.harness import District, running_district

TAIL_SECONDS = 120
"""The kill comes so long before the end."""
TAIL_OF_AGES_SECONDS = 60
DRAIN_SECONDS = 120


@dataclass(frozen=True)
class Minute:
    """What was seen at one moment."""

    resident_mb: Mapping[str, float]
    state_bytes: float
    judged: int


def look(district: District) -> Minute:
    """Memory, state bytes and readings judged of the processors of real life now."""
    resident = {name: usage(pid).resident_mb for name in PROCESSORS if (pid := district.pid(name)) is not None}
    state = sum(sum(district.metric(name, "district_state_bytes_total")) for name in PROCESSORS)
    judged = sum(sum(district.metric(name, "district_readings_judged_total")) for name in PROCESSORS)
    return Minute(resident, state, round(judged))


def watch(district: District, load: subprocess.Popen[str], until: float) -> None:
    """Print a line a minute."""
    begun, before = time.monotonic(), look(district)
    while time.monotonic() < until and load.poll() is None:
        time.sleep(max(0.0, min(60.0, until - time.monotonic())))
        now = look(district)
        print(
            f"  {(time.monotonic() - begun) / 60:5.1f} min: processors {sum(now.resident_mb.values()):6.0f} MB ("
            + ", ".join(f"{name.removeprefix('processor-')} {mb:.0f}" for name, mb in now.resident_mb.items())
            + f"), state {(now.state_bytes - before.state_bytes) / 60 / 1024:7.0f} KiB/s, "
            f"judged {(now.judged - before.judged) / 60:7.0f}/s",
            flush=True,
        )
        before = now


def killed(district: District, name: str) -> tuple[float, float]:
    """Kill -9 a processor; when that was (Unix time), and after how many seconds its successor has judged."""
    at, begun = time.time(), time.monotonic()
    old = district.kill(name)
    district.wait_restarted(name, old)
    while sum(district.metric(name, "district_readings_judged_total")) == 0:
        if time.monotonic() - begun > DRAIN_SECONDS:
            return at, math.inf
        time.sleep(0.1)
    return at, time.monotonic() - begun


async def caught_up(
    kafka: KafkaSettings, since: Mapping[TopicPartition, int], boots: set[str], at: float
) -> tuple[float, tuple[float, float, float]]:
    """Seconds from the kill until indicators were young again; ages (ms, p50, p95, p99) in the minute before it."""
    late, before = at, []
    for stamp_ms, age_ms in await judged_ages(kafka, since, boots):
        if stamp_ms < at * 1000:
            before.append(age_ms)
        elif age_ms > JUDGED_P99_MS:
            late = max(late, stamp_ms / 1000)
    return late - at, percentiles(before)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--kill", choices=PROCESSORS, default="processor-water")
    arguments = parser.parse_args()
    seconds = round(arguments.minutes * 60)
    with running_district() as district:
        kafka = KafkaSettings.model_validate(kafka_fields(district))
        begun = time.monotonic()
        load = district.start_load(
            *("--rate", str(arguments.rate), "--seconds", str(seconds), "--feeds", ",".join(FEEDS), "--lane", "live")
        )
        try:
            watch(district, load, begun + seconds - TAIL_SECONDS - TAIL_OF_AGES_SECONDS)
            since = asyncio.run(indicator_ends(kafka))
            watch(district, load, begun + seconds - TAIL_SECONDS)
            at, judging_after = killed(district, arguments.kill)
            watch(district, load, begun + seconds)
            report = json.loads(load.communicate(timeout=seconds + 600)[0])
        finally:
            load.kill()
        boots = {key["boot_id"] for key in report["keys"]}
        listed = ",".join(f"'{boot}'" for boot in sorted(boots))
        ended, stored = time.monotonic(), 0
        while stored < report["sent"] and time.monotonic() - ended < DRAIN_SECONDS:
            time.sleep(1)
            stored = stored_count(district, listed)
        young_after, ages = asyncio.run(caught_up(kafka, since, boots, at))
        print(
            f"  sent {report['sent']}, stored {stored} {time.monotonic() - ended:.1f} s after the end\n"
            f"  judged p50 {ages[0]:.0f} p95 {ages[1]:.0f} p99 {ages[2]:.0f} ms in the minute before the kill\n"
            f"  {arguments.kill} killed: its successor judged {judging_after:.1f} s later, "
            f"indicators were young again {young_after:.1f} s after the kill",
            flush=True,
        )


if __name__ == "__main__":
    main()
