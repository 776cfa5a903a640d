"""What the engine costs as the number of assets grows: a reading, a tick at which nothing happens, a take-over."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from schemas.clock import KIND_HEADER, KIND_PLAN
from schemas.fields import Feed
from schemas.plan.book import dump_document
from schemas.plan.publication import effective_from
from services.stream_processors.engine.changelog import Restore
from services.stream_processors.engine.events import AlertOutput, DocumentAccepted
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.worker import Worker
from services.stream_processors.registry import default_book
from services.stream_processors.settings import ProcessorSettings
from tests.benchmarks.engine_log import (
    SECOND,
    SECONDS_BETWEEN,
    START,
    Fleet,
    Row,
    encode,
    judge_all,
    log_of,
    new_worker,
    tick_row,
    usual_fleet,
)

SILENT_FEEDS: Final = (Feed.EV, Feed.PARKING, Feed.WATER)
"""Feeds whose assets are missed when they do not report."""

_LAKES: Final = 6
_READINGS_A_SECOND: Final = 10
_FOUR_HOURS: Final = 4 * 3_600.0
_MINUTE: Final = timedelta(minutes=1)
_PROBE_ASSETS: Final = 40
_PROBE_END: Final = timedelta(days=2)
_SAID_TICKS: Final = 120
"""By then all that followed from the readings has been said."""
_IDLE_TICKS: Final = 120


def show_flat(judge: Judge[Any]) -> None:
    """Microseconds a reading of a small and of a large fleet, and how they compare.

    At the same rate, so that ticks weigh the same; water also as monitors really report, once in four hours, with a
    clock that comes behind the readings.
    """
    if judge.feed is Feed.WATER:
        _compare(judge, "10 readings/s, six lakes", _even(Feed.WATER, 200), _even(Feed.WATER, 2_400), SECOND)
        small, large = (Fleet(Feed.WATER, assets, _FOUR_HOURS, _LAKES) for assets in (200, 2_400))
        _compare(judge, "each once in 4 h, a tick a minute", small, large, _MINUTE)
    elif judge.feed is Feed.EMERGENCY:
        small, large = (_even(Feed.EMERGENCY, assets)._replace(moving=True) for assets in (200, 800))
        _compare(judge, "10 readings/s, all units moving", small, large, SECOND)


def _even(feed: Feed, assets: int) -> Fleet:
    return Fleet(feed, assets, assets / _READINGS_A_SECOND, _LAKES)


def _compare(judge: Judge[Any], what: str, small: Fleet, large: Fleet, tick: timedelta) -> None:
    costs = [_cost(judge, fleet, tick) for fleet in (small, large)]
    print(
        f"  {judge.feed:10} flat: {what}: {small.assets:,} assets {costs[0]:.1f} us a reading, {large.assets:,} assets "
        f"{costs[1]:.1f} us, x{costs[1] / costs[0]:.2f}",
        flush=True,
    )


def _cost(judge: Judge[Any], fleet: Fleet, tick: timedelta) -> float:
    """Microseconds of a reading, ticks included, when all assets are known."""
    worker, assets = new_worker(judge), fleet.assets
    judge_all(worker, log_of(fleet, range(assets), lateness=judge.lateness, tick=tick))
    readings = range(assets, assets + max(assets, 1_000))
    spent = judge_all(worker, log_of(fleet, readings, lateness=judge.lateness, tick=tick))
    return spent.seconds / len(readings) * 1e6


def show_ticks(judge: Judge[Any], assets: int) -> None:
    """Milliseconds of a tick at which nothing is due, and of those at which one asset after the other is missed."""
    feed = judge.feed
    if feed not in SILENT_FEEDS:
        return
    worker, clock = _heard_once(judge, assets)
    clock, _ = _ticks(worker, clock, _SAID_TICKS)
    clock, idle = _ticks(worker, clock, _IDLE_TICKS)
    _print_ticks(judge, assets, "nothing due", idle)
    missed_at = _missed_at(judge)
    _ticks(worker, missed_at - 5 * SECOND, 1)
    clock, silent = _ticks(worker, missed_at - 4 * SECOND, 60 + SECONDS_BETWEEN[feed] + 10)
    _print_ticks(judge, assets, "all fall silent", silent)
    _, silent = _ticks(worker, clock, _IDLE_TICKS)
    _print_ticks(judge, assets, "all silent", silent)


def _heard_once(judge: Judge[Any], assets: int) -> tuple[Worker[Any], datetime]:
    """A worker that knows all assets, and the time after their readings."""
    worker, fleet = new_worker(judge), usual_fleet(judge.feed, assets)
    rows = log_of(fleet, range(assets), lateness=judge.lateness)
    judge_all(worker, rows)
    return worker, _after(rows[-1].timestamp)


def _after(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp // 1_000, tz=UTC) + 2 * SECOND


def _missed_at(judge: Judge[Any]) -> datetime:
    """When the first asset is missed that is heard once, found by few of them."""
    worker, clock = _heard_once(judge, _PROBE_ASSETS)
    end = clock + _PROBE_END
    while clock < end:
        outputs, _ = worker.judge([tick_row(worker.next_offset, clock)])
        if any(isinstance(output, AlertOutput) for output in outputs):
            return clock - _MINUTE
        clock += _MINUTE
    raise SystemExit(f"no asset of feed {judge.feed} is missed within {_PROBE_END}")


def _ticks(worker: Worker[Any], clock: datetime, count: int) -> tuple[datetime, list[tuple[float, int]]]:
    """The time after so many ticks, and the milliseconds and alerts of each."""
    found = []
    for _ in range(count):
        row = tick_row(worker.next_offset, clock)
        begun = time.process_time()
        outputs, _ = worker.judge([row])
        alerts, _ = encode(outputs)
        found.append(((time.process_time() - begun) * 1e3, alerts))
        clock += SECOND
    return clock, found


def _print_ticks(judge: Judge[Any], assets: int, what: str, found: list[tuple[float, int]]) -> None:
    spent = [each for each, _ in found]
    print(
        f"  {judge.feed:10} tick: {assets:,} assets, {what}: worst {max(spent):.1f} ms, "
        f"mean {sum(spent) / len(spent):.2f} ms, {sum(alerts for _, alerts in found):,} alert events",
        flush=True,
    )


def show_take_over(judge: Judge[Any], worker: Worker[Any], assets: int) -> None:
    """Seconds that a new owner takes to read the state, and the longest time in which no heartbeat can go out."""
    begun = time.perf_counter()
    records = {record.key: record.value for record in worker.changes() if record.value is not None}
    written = time.perf_counter() - begun
    size = sum(map(len, records.values())) / 2**20
    begun = last = time.perf_counter()
    longest = 0.0
    restore = Restore(judge, records, "readings", 0)
    for _ in restore.steps():
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    taken = Worker(judge, "readings", 0, restore.result())
    whole = time.perf_counter() - begun
    if taken.next_offset != worker.next_offset:
        raise SystemExit(f"take-over of feed {judge.feed}: read to {taken.next_offset}, not {worker.next_offset}")
    print(
        f"  {judge.feed:10} take-over: {assets:,} assets, {size:.1f} MiB in {len(records):,} records, "
        f"read in {whole:.2f} s, longest step {longest * 1e3:.1f} ms; written whole in {written:.2f} s",
        flush=True,
    )


def show_document(judge: Judge[Any], worker: Worker[Any], readings: int) -> None:
    """Seconds of the one step in which another version of the feed's policy has all kept readings judged once more."""
    newest = default_book(ProcessorSettings()).policies(judge.feed).all[-1].content
    head = newest.policy.model_copy(update={"version": f"{newest.policy.version}-again"})
    document = effective_from(newest.model_copy(update={"policy": head}), START.date())
    row = Row(worker.next_offset, orjson.dumps(dump_document(document)), ((KIND_HEADER, KIND_PLAN),), 0)
    begun = time.process_time()
    outputs, _ = worker.judge([row])
    spent = time.process_time() - begun
    if not any(isinstance(output, DocumentAccepted) for output in outputs):
        raise SystemExit(f"the policy of feed {judge.feed} was not taken when it was published again: {outputs}")
    print(
        f"  {judge.feed:10} document: another version of the policy, {readings:,} readings judged once more in "
        f"{spent:.2f} s, {spent / readings * 1e6:.1f} us each",
        flush=True,
    )
