"""Rules of a feed driven in plain order of event time: what the engine must agree with, in thirty lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.envelope import Envelope
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.event_time import to_us
from services.stream_processors.engine.feed_rules import Entry, FeedRules, Figure


class Recorder:
    """Takes what rules say; the last word on each episode and figure counts."""

    def __init__(self) -> None:
        self.episodes: dict[tuple[str, str, int], Episode] = {}
        self.figures: dict[tuple[str, str, int, int], Figure] = {}
        self.wakes: dict[str, int] = {}

    def episode(self, rule: str, asset: str, episode: Episode) -> None:
        self.episodes[rule, asset, episode.started_us] = episode

    def no_episode(self, rule: str, asset: str, started_us: int) -> None:
        self.episodes.pop((rule, asset, started_us), None)

    def figure(self, figure: Figure) -> None:
        self.figures[figure.id, figure.subject, figure.period_start_us, figure.period_end_us] = figure

    def wake(self, name: str, at_us: int) -> None:
        self.wakes[name] = at_us

    def no_wake(self, name: str) -> None:
        self.wakes.pop(name, None)


def play(rules: FeedRules[Any], readings: Iterable[Envelope], clock_us: int, lane: str = "live") -> Recorder:
    """Apply the readings of one key in order, each wake at its time, until the clock."""
    recorder = Recorder()
    entries = []
    for offset, reading in enumerate(readings):
        found = rules.entry(reading)
        if found is not None:
            asset, payload = found
            at_us = to_us(reading.observed_at)
            entries.append(Entry(at_us, reading.device_id, reading.boot_id, reading.seq, asset, offset, payload))
    entries.sort()
    state = rules.new_state("key", lane)
    for entry in entries:
        wake_until(rules, state, recorder, min(entry.at_us, clock_us))
        rules.apply(state, entry, recorder)
    wake_until(rules, state, recorder, clock_us)
    return recorder


def wake_until(rules: FeedRules[Any], state: Any, recorder: Recorder, until_us: int) -> None:
    """Call the wakes before a time, each at its own."""
    while True:
        due = [(at_us, name) for name, at_us in recorder.wakes.items() if at_us < until_us]
        if not due:
            return
        at_us, name = min(due)
        del recorder.wakes[name]
        rules.on_wake(state, name, at_us, recorder)
