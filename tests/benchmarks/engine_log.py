"""Logs of one partition for the benchmarks of the engine, and the loop that judges them as the host would."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson

from schemas.clock import KIND_HEADER, KIND_TICK, Tick
from schemas.fields import LIVE, Feed
from services.stream_processors.engine.events import AlertOutput, IndicatorOutput, Output
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.worker import Worker
from simulators.load.templates import FIELDS, VARIANTS

START: Final = datetime(2026, 11, 24, 2, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
ASSETS_A_GROUP: Final = {Feed.WATER: 5, Feed.EV: 40, Feed.PARKING: 20, Feed.EMERGENCY: 40, Feed.TAX: 200}
SECONDS_BETWEEN: Final = {Feed.WATER: 60, Feed.EV: 30, Feed.PARKING: 60, Feed.EMERGENCY: 10, Feed.TAX: 60}
"""Of two readings of one asset."""
LATE_SHARE: Final = 0.05
_STRETCH: Final = 500
"""Records of a batch: of its outputs the newest revision of each indicator is encoded."""
_DISTRICT: Final = "jianghan"
_WEST, _SOUTH, _WIDTH = 114.22, 30.566, 0.078


@dataclass(slots=True)
class Row:
    """A record as the worker reads it."""

    offset: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int
    """The broker's own time, ms."""


class Fleet(NamedTuple):
    """Who sends, and how often."""

    feed: Feed
    assets: int
    seconds: float
    """Of two readings of one asset; the assets share them evenly."""
    groups: int | None = None
    """None: as many as the feed usually has."""
    moving: bool = False
    """Units of the district, each somewhere else at each reading."""


class Spent(NamedTuple):
    """What judging a log took, and said."""

    seconds: float
    """Of CPU."""
    alerts: int
    indicators: int


def usual_fleet(feed: Feed, assets: int) -> Fleet:
    """A fleet as the load generator's."""
    return Fleet(feed, assets, SECONDS_BETWEEN[feed])


def log_of(
    fleet: Fleet, readings: Iterable[int], how: str = "in order", *, lateness: timedelta, tick: timedelta = SECOND
) -> list[Row]:
    """Readings by number, with the ticks of a host that is too busy to spare anything for late data.

    Args:
        how: `in order`, `at random` (readings of one second change places) or `5 % late` (one in twenty comes up to
            ten minutes, at most half the lateness bound, late).
    """
    dice = random.Random(7)
    behind = min(timedelta(minutes=10), lateness / 2)
    arrivals = []
    for at, raw in _readings(fleet, readings):
        delay = timedelta(0)
        if how == "5 % late" and dice.random() < LATE_SHARE:
            delay = behind * dice.random()
        elif how == "at random":
            delay = SECOND * dice.random()
        arrivals.append((at + delay, raw))
    arrivals.sort(key=lambda each: each[0])
    rows: list[Row] = []
    clock = arrivals[0][0].replace(microsecond=0)
    for at, raw in arrivals:
        while at >= clock:
            rows.append(tick_row(len(rows), clock))
            clock += tick
        rows.append(Row(len(rows), raw, (), _ms(at)))
    return rows


def tick_row(offset: int, at: datetime) -> Row:
    """A clock message of the host."""
    raw = Tick(lane=LIVE, at=at).model_dump_json(exclude_defaults=True).encode()
    return Row(offset, raw, ((KIND_HEADER, KIND_TICK),), _ms(at))


def judge_all(worker: Worker[Any], rows: Sequence[Row]) -> Spent:
    """Judge records in batches and encode what is said.

    Raises:
        SystemExit: a record is no reading.
    """
    alerts = indicators = 0
    first = worker.next_offset
    for row in rows:
        row.offset += first
    begun = time.process_time()
    for place in range(0, len(rows), _STRETCH):
        outputs, refused = worker.judge(rows[place : place + _STRETCH])
        if refused:
            raise SystemExit(f"a record of the benchmark is no reading: {refused[0].detail}")
        said = encode(outputs)
        alerts, indicators = alerts + said[0], indicators + said[1]
    return Spent(time.process_time() - begun, alerts, indicators)


def encode(outputs: Iterable[Output]) -> tuple[int, int]:
    """Make the records that the host would produce; returns how many alerts and indicators."""
    alerts = 0
    latest: dict[Any, IndicatorOutput] = {}
    for number, output in enumerate(outputs):
        if isinstance(output, AlertOutput):
            alerts += 1
            output.alert.kafka_key()
            output.alert.to_headers()
            output.alert.model_dump_json().encode()
        elif isinstance(output, IndicatorOutput):
            latest[number if output.supersedes is None else output.supersedes] = output
    for output in latest.values():
        output.encode()
    return alerts, len(latest)


def new_worker(judge: Judge[Any]) -> Worker[Any]:
    """A worker of a partition of which nothing is known."""
    return Worker(judge, "readings", 0)


def _readings(fleet: Fleet, numbers: Iterable[int]) -> Iterator[tuple[datetime, bytes]]:
    feed, assets, dice = fleet.feed, fleet.assets, random.Random(1)
    groups = fleet.groups or -(-assets // ASSETS_A_GROUP[feed])
    fields = [[FIELDS[feed](asset, variant) for variant in range(VARIANTS)] for asset in range(assets)]
    for number in numbers:
        asset, seq = number % assets, number // assets
        at = START + timedelta(seconds=fleet.seconds * (seq + asset / assets))
        body = {
            "feed": feed,
            "device_id": f"asset-{asset}",
            "group_id": f"group-{asset * groups // assets}",
            "boot_id": "b",
            "seq": seq,
            "observed_at": at.isoformat(timespec="milliseconds"),
            **fields[asset][seq % VARIANTS],
        }
        if feed is Feed.TAX:
            body["receipt_id"] = f"r-{number}"
        if fleet.moving:
            body["group_id"] = _DISTRICT
            body["longitude"] = round(_WEST + _WIDTH * dice.random(), 6)
            body["latitude"] = round(_SOUTH + _WIDTH * dice.random(), 6)
        yield at, orjson.dumps(body)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1_000)
