"""What the processors cost at rest, with about 300 simulated devices and nothing else.

    python -m tests.benchmarks.rest [--seconds 60] [--replays 3]

CPU of all processors together as a share of one core, their memory and that of all our services; then the same after
some finished replays, which must leave nothing behind.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from tests.benchmarks.alerts import RECORDINGS
from tests.benchmarks.whole_path import PROCESSORS, Usage, usage
from tests.end_to_end.harness import District, running_district

NAMES = (*PROCESSORS, "processor-lanes")
OTHERS = ("ingest_bridge", "timescale_sink", "alert_delivery", "operations_api")
"""Our other services; simulators and the reference city brain stand for others' programs."""
SETTLE_SECONDS = 30


def _usage(district: District) -> dict[str, Usage]:
    return {name: usage(pid) for name in (*NAMES, *OTHERS) if (pid := district.pid(name)) is not None}


def measure(district: District, seconds: int) -> None:
    """Watch our services for a while and print what they used."""
    before = _usage(district)
    begun = time.monotonic()
    time.sleep(seconds)
    elapsed, after = time.monotonic() - begun, _usage(district)
    shares = {name: (after[name].cpu_seconds - before[name].cpu_seconds) / elapsed for name in before}
    for name, share in shares.items():
        print(f"    {name:<20} {share:7.2%} of a core {after[name].resident_mb:8.0f} MB")
    processors = sum(share for name, share in shares.items() if name in NAMES)
    memory = sum(each.resident_mb for each in after.values())
    proportional = sum(proportional_mb(pid) for name in before if (pid := district.pid(name)) is not None)
    print(f"    {'processors together':<20} {processors:7.2%} of a core")
    print(f"    {'all our services':<20} {sum(shares.values()):7.2%} of a core {memory:8.0f} MB", end="")
    print(f", {proportional:.0f} MB with what they share counted once", flush=True)


def proportional_mb(pid: int) -> float:
    """Memory of a process in MB; pages of several processes count by each one's share (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--replays", type=int, default=3)
    arguments = parser.parse_args()
    with running_district(simulators=True) as district:
        time.sleep(SETTLE_SECONDS)
        print(f"  at rest, {arguments.seconds} s", flush=True)
        measure(district, arguments.seconds)
        for number in range(arguments.replays):
            feed, file = RECORDINGS[number % len(RECORDINGS)]
            district.run("replay", feed, str(file), "--lane", f"rest-{number}", "--json", seconds=900)
        time.sleep(SETTLE_SECONDS)
        print(f"  at rest after {arguments.replays} finished replays, {arguments.seconds} s", flush=True)
        measure(district, arguments.seconds)


if __name__ == "__main__":
    main()
