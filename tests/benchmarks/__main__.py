"""`make bench`: figures of this machine, with the command that made them. Compare ratios within one run."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.local.paths import cache_dir
from tests.benchmarks import whole_path
from tests.end_to_end.harness import START_SECONDS, District, all_running, start_district, wait_until


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


@contextmanager
def _district() -> Iterator[District]:
    state = cache_dir() / "tests" / f"bench-{uuid.uuid4().hex[:12]}"
    running = start_district(state)
    try:
        wait_until(lambda: all_running(running), "the district to be live", START_SECONDS)
        yield running
    finally:
        running.process.send_signal(signal.SIGINT)
        running.process.wait(60)
        shutil.rmtree(state, ignore_errors=True)


def _whole_path(arguments: argparse.Namespace) -> None:
    for batch, rates in ((1, arguments.rates), (20, arguments.array_rates)):
        print(f"whole path, {'single readings' if batch == 1 else f'arrays of {batch}'}", flush=True)
        with _district() as district:
            best = whole_path.highest_held(district, rates, batch, arguments.seconds)
        print(whole_path.report(best) if best else "  not even the lowest rate was held", flush=True)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long the highest rate must hold")
    parser.add_argument("--rates", type=_numbers, default=[4_000, 6_000, 8_000, 9_000, 10_000, 11_000, 12_000])
    parser.add_argument("--array-rates", type=_numbers, default=[15_000, 20_000, 25_000, 30_000, 35_000])
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    _whole_path(arguments)


if __name__ == "__main__":
    main()
