"""The engine alone, without brokers: readings a second and CPU a reading for each feed, and memory for 10,000 assets.

    python -m tests.benchmarks.engine [--feeds ev,parking] [--readings 100000] [--assets 200]

Records are judged in a plain loop, outputs encoded as the Kafka host would encode them. `in order`: each reading is the
newest of its asset. `5 % late`: one in twenty comes after readings of the next ten minutes (or half the lateness
bound). `at random`: readings of different assets of one second change places. A tick comes every second of event time.
"""

from __future__ import annotations

import argparse
import gc
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psutil

from schemas.clock import KIND_HEADER, KIND_TICK, Tick
from schemas.fields import Feed
from services.stream_processors.engine.events import AlertOutput, IndicatorOutput
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.snapshot import encode_snapshot
from services.stream_processors.engine.worker import Worker
from services.stream_processors.registry import RULES, build_judges
from services.stream_processors.settings import ProcessorSettings
from simulators.load.templates import FIELDS, VARIANTS

START = datetime(2026, 11, 24, 2, tzinfo=UTC)
ASSETS_A_GROUP = {Feed.WATER: 5, Feed.EV: 40, Feed.PARKING: 20, Feed.EMERGENCY: 40, Feed.TAX: 200}
SECONDS_BETWEEN = {Feed.WATER: 60, Feed.EV: 30, Feed.PARKING: 60, Feed.EMERGENCY: 10, Feed.TAX: 600}
"""Of two readings of one asset."""
LATE_SHARE = 0.05
BATCH = 500


@dataclass(slots=True)
class Row:
    """A record as the worker reads it."""

    offset: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


def _readings(feed: Feed, assets: int, count: int) -> Iterator[tuple[datetime, bytes]]:
    fields = [[FIELDS[feed](asset, variant) for variant in range(VARIANTS)] for asset in range(assets)]
    for number in range(count):
        asset, seq = number % assets, number // assets
        share = asset / assets
        at = START + timedelta(seconds=SECONDS_BETWEEN[feed] * (seq + share))
        body = {
            "feed": feed,
            "device_id": f"asset-{asset}",
            "group_id": f"group-{asset // ASSETS_A_GROUP[feed]}",
            "boot_id": "b",
            "seq": seq,
            "observed_at": at.isoformat(timespec="milliseconds"),
            **fields[asset][seq % VARIANTS],
        }
        if feed is Feed.TAX:
            body["receipt_id"] = f"r-{number}"
        yield at, orjson.dumps(body)


def _log(feed: Feed, assets: int, count: int, how: str, lateness: timedelta) -> list[Row]:
    dice = random.Random(7)
    behind = min(timedelta(minutes=10), lateness / 2)
    arrivals = []
    for at, raw in _readings(feed, assets, count):
        delay = timedelta(0)
        if how == "5 % late" and dice.random() < LATE_SHARE:
            delay = behind * dice.random()
        elif how == "at random":
            delay = timedelta(seconds=dice.random())
        arrivals.append((at + delay, raw))
    arrivals.sort(key=lambda each: each[0])
    rows: list[Row] = []
    clock = START
    for at, raw in arrivals:
        while at >= clock:
            tick = Tick(lane="live", at=clock).model_dump_json().encode()
            rows.append(Row(len(rows), tick, ((KIND_HEADER, KIND_TICK),)))
            clock += timedelta(seconds=1)
        rows.append(Row(len(rows), raw))
    return rows


def _judge_all(judge: Judge[Any], rows: list[Row]) -> tuple[float, Worker[Any], int, int]:
    worker: Worker[Any] = Worker(judge, "readings", 0)
    alerts = figures = 0
    begun = time.process_time()
    for place in range(0, len(rows), BATCH):
        outputs, refused = worker.judge(rows[place : place + BATCH])
        if refused:
            raise SystemExit(f"a record of the benchmark is no reading: {refused[0].detail}")
        latest = {}
        for number, output in enumerate(outputs):
            if isinstance(output, AlertOutput):
                alerts += 1
                output.alert.model_dump_json().encode()
            elif isinstance(output, IndicatorOutput):
                latest[number if output.supersedes is None else output.supersedes] = output
        for output in latest.values():
            figures += 1
            output.encode()
    return time.process_time() - begun, worker, alerts, figures


def _speed(feed: Feed, judge: Judge[Any], assets: int, count: int) -> None:
    base = None
    for how in ("in order", "at random", "5 % late"):
        rows = _log(feed, assets, count, how, judge.lateness)
        gc.collect()
        gc.freeze()
        seconds, worker, alerts, figures = _judge_all(judge, rows)
        gc.unfreeze()
        micros = seconds / count * 1e6
        base = base or micros
        size = len(encode_snapshot(judge, worker.snapshot())) / 1024
        print(
            f"  {feed:10} {how:10} {1e6 / micros:9,.0f} readings/s  {micros:6.1f} us a reading  x{micros / base:4.2f}"
            f"  {alerts:6} alert events  {figures:7} indicators  snapshot {size:,.0f} KiB",
            flush=True,
        )


def _memory(feed: Feed, judge: Judge[Any], assets: int, each: int) -> None:
    process = psutil.Process()
    rows = _log(feed, assets, assets * each, "in order", judge.lateness)
    gc.collect()
    before = process.memory_info().rss
    _, worker, _, _ = _judge_all(judge, rows)
    gc.collect()
    grown = (process.memory_info().rss - before) / 2**20
    print(f"  {feed:10} {assets:,} assets, {each} readings of each: {grown:6.0f} MiB", flush=True)
    del worker


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", default=",".join(RULES))
    parser.add_argument("--readings", type=int, default=60_000)
    parser.add_argument("--assets", type=int, default=200)
    parser.add_argument("--memory-assets", type=int, default=10_000)
    parser.add_argument("--memory-readings", type=int, default=10)
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        (judge,) = build_judges([arguments.memory_of], ProcessorSettings())
        _memory(judge.feed, judge, arguments.memory_assets, arguments.memory_readings)
        return
    feeds = arguments.feeds.split(",")
    print("engine alone", flush=True)
    for judge in build_judges(feeds, ProcessorSettings()):
        _speed(judge.feed, judge, arguments.assets, arguments.readings)
    for feed in feeds:
        # A process of its own for each: what others have freed would hide what this one takes.
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.engine", "--memory-of", feed, *_given(arguments)], check=True
        )


def _given(arguments: argparse.Namespace) -> list[str]:
    return ["--memory-assets", str(arguments.memory_assets), "--memory-readings", str(arguments.memory_readings)]


if __name__ == "__main__":
    main()
