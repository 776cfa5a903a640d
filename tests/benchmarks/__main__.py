"""`make bench`: figures of this machine, with the command that made them. Compare ratios within one run.

make bench                                      the whole path, then the bridge alone
make bench ARGS="whole-path --seconds 20"       one of them, with options
TELEGRAF=/path/to/telegraf make bench ARGS=bridge
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys

from tests.benchmarks import whole_path
from tests.end_to_end.harness import ROOT, running_district

SCRIPTS = {
    "bridge": "tests.benchmarks.bridge_drain",
    "sink": "tests.benchmarks.sink_drain",
    "engine": "tests.benchmarks.engine",
    "alerts": "tests.benchmarks.alerts",
    "delivery": "tests.benchmarks.delivery",
    "boards": "tests.benchmarks.boards",
    "rest": "tests.benchmarks.rest",
    "endurance": "tests.benchmarks.endurance",
    "outage": "tests.benchmarks.outage",
    "detection": "tests.benchmarks.detection",
    "devices": "tests.benchmarks.devices",
    "runaway": "tests.benchmarks.runaway",
}
"""Benchmarks of one part, each with its own options (`--help`)."""
SINK_ALERTS = "tests.benchmarks.sink_alerts"
"""`sink --alerts`: with a million alerts stored, beside live readings."""


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _whole_path(arguments: argparse.Namespace) -> None:
    for batch, rates in ((1, arguments.rates), (20, arguments.array_rates)):
        print(f"whole path, {'single readings' if batch == 1 else f'arrays of {batch}'}", flush=True)
        with running_district() as district:
            best = whole_path.highest_held(district, rates, batch, arguments.seconds)
        print(whole_path.report(best) if best else "  not even the lowest rate was held", flush=True)


def _script(name: str, options: list[str]) -> None:
    module = SINK_ALERTS if name == "sink" and "--alerts" in options else SCRIPTS[name]
    subprocess.run([sys.executable, "-m", module, *options], cwd=ROOT, check=True)


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=…", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("all", "whole-path", *SCRIPTS), default="all")
    parser.add_argument("--seconds", type=int, default=60, help="how long the highest rate must hold")
    parser.add_argument("--rates", type=_numbers, default=[4_000, 6_000, 8_000, 9_000, 10_000, 11_000, 12_000])
    parser.add_argument("--array-rates", type=_numbers, default=[10_000, 15_000, 18_000, 21_000, 25_000, 30_000])
    given = sys.argv[1:]
    if given and given[0] in SCRIPTS:
        print(_machine(), flush=True)
        _script(given[0], given[1:])
        return
    arguments = parser.parse_args(given)
    print(_machine(), flush=True)
    if arguments.what in ("all", "whole-path"):
        _whole_path(arguments)
    if arguments.what == "all":
        _script("bridge", [])


if __name__ == "__main__":
    main()
