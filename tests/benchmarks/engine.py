"""The engine alone, without brokers: what a reading, a tick, a take-over and 10,000 assets cost, for each feed.

    python -m tests.benchmarks.engine [--feeds ev,parking] [--parts speed,size,memory] [--readings 100000]

Records are judged in a plain loop, outputs encoded as the Kafka host would encode them, with the thresholds of the
garbage collector that all services have. A tick comes every second of event time, as of a host that is too busy to
spare anything for late data. A factor says what a reading costs beside one in order.

    speed   `in order`: each reading is the newest of its asset, few come between two ticks (3 to 20); `at random`:
            readings of one second change places; `5 % late`: one in twenty comes up to ten minutes late (or half the
            lateness bound); `busy`: in order, 250 between two ticks, as in a partition that has that much to do
    size    a reading of a large fleet beside one of a small one; ticks of 20,000 assets when nothing is due, while one
            after the other is missed, and when all are
    memory  of 10,000 assets; what a new owner needs to take them over; and how long a published document holds them up
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
from typing import Any

import psutil

from schemas.fields import Feed
from services.runtime.lifecycle import spare_the_collector
from services.stream_processors.engine.judge import Judge
from services.stream_processors.registry import RULES, build_judges
from services.stream_processors.settings import ProcessorSettings
from tests.benchmarks.engine_log import judge_all, log_of, new_worker, usual_fleet
from tests.benchmarks.engine_size import show_document, show_flat, show_take_over, show_ticks

PARTS = ("speed", "size", "memory")
BUSY_READINGS_A_SECOND = 250


def _speed(judge: Judge[Any], assets: int, count: int) -> None:
    base = None
    usual = usual_fleet(judge.feed, assets)
    for how in ("in order", "at random", "5 % late", "busy"):
        fleet = usual._replace(seconds=assets / BUSY_READINGS_A_SECOND) if how == "busy" else usual
        rows = log_of(fleet, range(count), how, lateness=judge.lateness)
        gc.collect()
        gc.freeze()
        worker = new_worker(judge)
        spent = judge_all(worker, rows)
        gc.unfreeze()
        micros = spent.seconds / count * 1e6
        base = base or micros
        size = sum(len(record.value or b"") for record in worker.changes()) / 1024
        print(
            f"  {judge.feed:10} {how:10} {1e6 / micros:9,.0f} readings/s  {micros:6.1f} us a reading"
            f"  x{micros / base:4.2f}  {spent.alerts:6} alert events  {spent.indicators:7} indicators"
            f"  state {size:,.0f} KiB",
            flush=True,
        )


def _memory(judge: Judge[Any], assets: int, each: int) -> None:
    process = psutil.Process()
    rows = log_of(usual_fleet(judge.feed, assets), range(assets * each), lateness=judge.lateness)
    gc.collect()
    before = process.memory_info().rss
    worker = new_worker(judge)
    judge_all(worker, rows)
    gc.collect()
    grown = (process.memory_info().rss - before) / 2**20
    print(f"  {judge.feed:10} memory: {assets:,} assets, {each} readings of each: {grown:.0f} MiB", flush=True)
    show_take_over(judge, worker, assets)
    show_document(judge, worker, assets * each)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", default=",".join(RULES))
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--readings", type=int, default=20_000, help="of each way to arrive")
    parser.add_argument("--assets", type=int, default=200)
    parser.add_argument("--tick-assets", type=int, default=20_000)
    parser.add_argument("--memory-assets", type=int, default=10_000)
    parser.add_argument("--memory-readings", type=int, default=3, help="of each asset")
    parser.add_argument("--memory-of", type=Feed, help=argparse.SUPPRESS)
    given = parser.parse_args()
    spare_the_collector()
    if given.memory_of:
        (judge,) = build_judges([given.memory_of], ProcessorSettings())
        _memory(judge, given.memory_assets, given.memory_readings)
        return
    feeds, parts = given.feeds.split(","), given.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    print("engine alone", flush=True)
    for judge in build_judges(feeds, ProcessorSettings()):
        if "speed" in parts:
            _speed(judge, given.assets, given.readings)
        if "size" in parts:
            show_flat(judge)
            show_ticks(judge, given.tick_assets)
    for feed in feeds if "memory" in parts else ():
        # A process of its own for each: what others have freed would hide what this one takes.
        sizes = ["--memory-assets", str(given.memory_assets), "--memory-readings", str(given.memory_readings)]
        subprocess.run([sys.executable, "-m", "tests.benchmarks.engine", "--memory-of", feed, *sizes], check=True)


if __name__ == "__main__":
    main()
