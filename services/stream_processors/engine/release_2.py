"""A key from a snapshot of the previous release: JSON-ready, the base and the readings behind it."""

from __future__ import annotations

from typing import Any, TypeVar

from schemas.alert import Suppression
from schemas.indicator import IndicatorStatus
from schemas.verdict import Threshold
from services.stream_processors.engine.announcing import Spoken
from services.stream_processors.engine.counting import frozen, load_episode
from services.stream_processors.engine.event_time import span_us
from services.stream_processors.engine.feed_rules import Entry, FeedRules, Figure
from services.stream_processors.engine.frame import Checkpoint, FigureKey, Frame, Trail, Voice
from services.stream_processors.engine.indicators import Published, digest_of
from services.stream_processors.engine.key_state import KeyState
from services.stream_processors.engine.position import NEVER_US
from services.stream_processors.engine.statements import Statement
from services.stream_processors.engine.steps import rewind
from services.stream_processors.engine.timeline import Timeline

S = TypeVar("S")


def read_release_2(rules: FeedRules[S], dumped: Any) -> KeyState[S]:
    """The state of a key as the previous release dumped it; the window is applied once more, wakes included.

    Raises:
        ValueError, KeyError, TypeError: it has another form.
    """
    key, lane, clock_us, review_us, (base, window, pending, closed_us, fired_us), book, published, ahead = dumped
    frame = _frame(rules, base, key, lane)
    checkpoint = Checkpoint(0, frame.position, rules.copy(frame.state), frame.wakes.copy())
    line = Timeline(key, lane, Trail(frame, Voice(frame, span_us(rules.lateness)), [checkpoint]), closed_us=closed_us)
    for entry in window:
        found = _entry(entry)
        line.window.append(found)
        line.newest[found.asset] = found.at_us
    line.pending = [_entry(entry) for entry in pending]
    rewind(rules, line, frame.position, clock_us)
    line.trail.voice.quiet()
    line.fired_us = fired_us
    state = KeyState(key, lane, line, clock_us=clock_us, review_us=review_us)
    for name, revision, episode, suppression, members, as_of_us, retracted in book:
        mark = None if suppression is None else Suppression.model_validate_json(suppression)
        statement = Statement(load_episode(episode), mark, tuple((rule, asset) for rule, asset in members))
        state.book[name[0], name[1], name[2]] = Spoken(revision, statement, as_of_us, retracted)
    for (indicator, subject, start_us, end_us), revision, _ in published:
        figure_key: FigureKey = (indicator, subject, start_us, end_us)
        figure = line.head.figures.get(figure_key)
        state.published[figure_key] = Published(revision, b"" if figure is None else digest_of(figure))
    state.written.hours = {name[3] // 3_600_000_000 for name in {**state.published, **line.head.figures}}
    for entry in ahead:
        state.ahead.append(_entry(entry))
    return state


def _entry(dumped: list[Any]) -> Entry:
    at_us, device_id, boot_id, seq, asset, offset, payload = dumped
    return Entry(at_us, device_id, boot_id, seq, asset, offset, frozen(payload))


def _frame(rules: FeedRules[S], dumped: list[Any], key: str, lane: str) -> Frame[S]:
    state, position, wakes, episodes, figures = dumped
    next_us = min(wakes.values(), default=NEVER_US)
    frame: Frame[S] = Frame(rules.load(state, key, lane), tuple(position), dict(wakes), next_us)
    for rule, asset, dumped_episode in episodes:
        episode = load_episode(dumped_episode)
        frame.episodes[rule, asset, episode.started_us] = episode
    for one in figures:
        figure = _figure(one)
        frame.figures[figure.id, figure.subject, figure.period_start_us, figure.period_end_us] = figure
    return frame


def _figure(dumped: list[Any]) -> Figure:
    head, status, middle, threshold, rest = dumped[:6], dumped[6], dumped[7:10], dumped[10], dumped[11:]
    source = None if threshold is None else Threshold.model_validate_json(threshold)
    fields: list[Any] = [*head, IndicatorStatus(status), *middle, source, *rest]
    return Figure(*fields)
