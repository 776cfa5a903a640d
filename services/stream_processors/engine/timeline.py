"""The timeline of one key: its readings in the order of event time, and the rules' state along them.

    checkpoints   c0 ........ c1 ........ c2 ...... head
    window           e e e e e   e e e e e   e e e
                              ^ a late reading: back to c1, insert, apply what follows once more

A reading in order costs one `apply` on the head. A late one goes back to the last checkpoint before it; so does a wake
that falls due behind readings that have been applied already. What is concluded therefore depends on the readings and
the clock alone, never on the order of arrival.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from schemas.indicator import IndicatorStatus
from schemas.verdict import Threshold
from services.stream_processors.engine.counting import dump_episode, frozen, load_episode
from services.stream_processors.engine.events import Fate
from services.stream_processors.engine.feed_rules import Entry, FeedRules, Figure
from services.stream_processors.engine.frame import AFTER, NEVER_US, NOWHERE, Frame, Position, Voice

S = TypeVar("S")

CHECKPOINT_ENTRIES: Final = 64
"""A checkpoint is taken after so many readings at least (more where a key has many assets: copies cost)."""
CHECKPOINT_ON_CLOCK: Final = 8
"""The same after wakes were called: the next ones will come behind it."""
CHECKPOINTS_MAX: Final = 24
AT_ONCE_ENTRIES: Final = 64
"""A reading that is late by no more readings than this is judged at once, a later one at the next tick: a device that
sends two hours at once is judged once and not for each reading."""


@dataclass(slots=True)
class Timeline(Generic[S]):
    """Readings and frames of one key. The first checkpoint is the base: what it has applied is final."""

    head: Frame[S]
    checkpoints: list[Frame[S]]
    window: list[Entry] = field(default_factory=list)
    """Entries behind the base, sorted."""
    pending: list[Entry] = field(default_factory=list)
    """Late entries that wait for the next tick, sorted; not in the window."""
    newest: dict[str, Position] = field(default_factory=dict)
    """Position of each asset's newest entry in the window."""
    fired_us: int = -(2**62)
    """Time of the last wake that was called."""
    since_checkpoint: int = 0
    closed_us: int = -(2**62)
    """Entries before it come too late, because the window overflowed."""


def new_timeline(rules: FeedRules[S], key: str, lane: str) -> Timeline[S]:
    """The timeline of a key of which nothing is known."""
    head = Frame(rules.new_state(key, lane))
    return Timeline(head, [head.copy(rules.copy)])


def position_of(entry: Entry) -> Position:
    """Where an entry stands."""
    return entry[:4]


def insert(rules: FeedRules[S], line: Timeline[S], entry: Entry, clock_us: int | None, voice: Voice[S]) -> Fate:
    """Put an entry at its place.

    The voice knows what was touched; when the head was replaced on the way (`voice.frame` is always the head), anything
    may have changed.
    """
    position = position_of(entry)
    head = line.head
    if position > head.position:
        voice.await_wakes()
        _apply(rules, line, entry, position, voice)
        _call_past_wakes(rules, line, clock_us, voice)
        return Fate.IN_ORDER
    place = bisect_left(line.window, position)
    waiting = bisect_left(line.pending, position)
    if _is_known(line.window, place, position) or _is_known(line.pending, waiting, position):
        return Fate.REPEATED
    if rules.commutes and entry.at_us > line.fired_us and position > line.newest.get(entry.asset, NOWHERE):
        while len(line.checkpoints) > 1 and line.checkpoints[-1].position > position:
            line.checkpoints.pop()
        line.window.insert(place, entry)
        line.newest[entry.asset] = position
        voice.await_wakes()
        rules.apply(head.state, entry, voice)
        _call_past_wakes(rules, line, clock_us, voice)
        return Fate.IN_ORDER
    if clock_us is not None and len(line.window) - place > AT_ONCE_ENTRIES:
        insort(line.pending, entry)
        return Fate.LATE
    line.window.insert(place, entry)
    rewind(rules, line, position, clock_us, voice)
    return Fate.LATE


def _call_past_wakes(rules: FeedRules[S], line: Timeline[S], clock_us: int | None, voice: Voice[S]) -> None:
    """A reading has asked to be woken at a time that the clock has passed: do it now, in its place."""
    if clock_us is not None and voice.next_wake_us < clock_us:
        wake_due(rules, line, clock_us, voice)


def _is_known(entries: list[Entry], place: int, position: Position) -> bool:
    return place < len(entries) and entries[place][:4] == position


def _apply(rules: FeedRules[S], line: Timeline[S], entry: Entry, position: Position, voice: Voice[S]) -> None:
    head = line.head
    line.window.append(entry)
    line.newest[entry.asset] = position
    rules.apply(head.state, entry, voice)
    head.position = position
    line.since_checkpoint += 1
    if line.since_checkpoint >= CHECKPOINT_ENTRIES:
        _take_checkpoint(rules, line)


def _take_checkpoint(rules: FeedRules[S], line: Timeline[S]) -> None:
    if line.since_checkpoint < len(line.newest) // 4:
        return
    line.since_checkpoint = 0
    line.checkpoints.append(line.head.copy(rules.copy))
    if len(line.checkpoints) > CHECKPOINTS_MAX:
        # Older ones grow sparser; the base and the newer half stay.
        half = CHECKPOINTS_MAX // 2
        line.checkpoints[1:half] = line.checkpoints[1:half:2]


def rewind(rules: FeedRules[S], line: Timeline[S], position: Position, clock_us: int | None, voice: Voice[S]) -> None:
    """Go back to before a position and apply what follows once more, each wake before the clock at its own time."""
    while len(line.checkpoints) > 1 and line.checkpoints[-1].position >= position:
        line.checkpoints.pop()
    line.head = voice.frame = line.checkpoints[-1].copy(rules.copy)
    first = bisect_right(line.window, line.head.position, key=position_of)
    _replay(rules, line, first, clock_us, voice)


def _replay(rules: FeedRules[S], line: Timeline[S], first: int, clock_us: int | None, voice: Voice[S]) -> None:
    """Apply the window from an index on to the head, and call each wake before the clock at its own time."""
    head = line.head
    line.since_checkpoint = 0
    limit_us = -(2**62) if clock_us is None else clock_us
    next_us = min(head.wakes.values(), default=NEVER_US)
    for entry in line.window[first:]:
        until_us = min(entry.at_us, limit_us)
        if next_us < until_us:
            _call_wakes(rules, line, until_us, voice)
            next_us = min(head.wakes.values(), default=NEVER_US)
        voice.await_wakes()
        rules.apply(head.state, entry, voice)
        next_us = min(next_us, voice.next_wake_us)
        head.position = max(head.position, position_of(entry))
        line.newest[entry.asset] = position_of(entry)
        line.since_checkpoint += 1
        if line.since_checkpoint >= CHECKPOINT_ENTRIES:
            _take_checkpoint(rules, line)
    _call_wakes(rules, line, limit_us, voice)


def _call_wakes(rules: FeedRules[S], line: Timeline[S], until_us: int, voice: Voice[S]) -> None:
    head = line.head
    while (due := head.due(until_us)) is not None:
        at_us, name = due
        del head.wakes[name]
        line.fired_us = max(line.fired_us, at_us)
        head.position = max(head.position, (at_us, AFTER))
        rules.on_wake(head.state, name, at_us, voice)


def wake_due(rules: FeedRules[S], line: Timeline[S], clock_us: int, voice: Voice[S]) -> None:
    """Call the wakes before the clock, behind readings that have been applied already if need be."""
    due = line.head.due(clock_us)
    if due is None:
        return
    if line.head.position > (due[0], AFTER):
        rewind(rules, line, (due[0], AFTER), clock_us, voice)
    else:
        _call_wakes(rules, line, clock_us, voice)


def on_clock(rules: FeedRules[S], line: Timeline[S], clock_us: int, voice: Voice[S]) -> None:
    """The lane's clock has moved: take in late entries, call the wakes that have fallen due."""
    if not line.pending:
        if line.head.due(clock_us) is not None:
            wake_due(rules, line, clock_us, voice)
            if line.since_checkpoint >= CHECKPOINT_ON_CLOCK:
                _take_checkpoint(rules, line)
        return
    back_to = position_of(line.pending[0])
    for entry in line.pending:
        insort(line.window, entry)
    line.pending = []
    due = line.head.due(clock_us)
    rewind(rules, line, back_to if due is None else min(back_to, (due[0], AFTER)), clock_us, voice)


def fold(rules: FeedRules[S], line: Timeline[S], horizon_us: int) -> None:
    """Make final what lies before the horizon: the base moves up as far as checkpoints allow."""
    if line.head.position < (horizon_us,) and not line.pending:
        line.checkpoints = [line.head.copy(rules.copy)]
        line.since_checkpoint = 0
    else:
        keep = 0
        for index, frame in enumerate(line.checkpoints):
            if frame.position < (horizon_us,):
                keep = index
        del line.checkpoints[:keep]
    base = line.checkpoints[0].position
    del line.window[: bisect_right(line.window, base, key=position_of)]
    line.newest = {asset: position for asset, position in line.newest.items() if position > base}
    if len(line.window) > rules.window_max:
        _close_early(rules, line)


def _close_early(rules: FeedRules[S], line: Timeline[S]) -> None:
    """The window is too large: its oldest part is final before its time."""
    line.closed_us = max(line.closed_us, line.window[len(line.window) - rules.window_max].at_us)
    keep = 0
    for index, frame in enumerate(line.checkpoints):
        if frame.position < (line.closed_us,):
            keep = index
    del line.checkpoints[:keep]
    del line.window[: bisect_right(line.window, line.checkpoints[0].position, key=position_of)]


def dump_timeline(rules: FeedRules[S], line: Timeline[S]) -> list[Any]:
    """JSON-ready form: the base and the entries behind it; the rest follows from them."""
    base = line.checkpoints[0]
    return [
        _dump_frame(rules, base),
        line.window,
        line.pending,
        line.closed_us,
        line.fired_us,
    ]


def load_timeline(rules: FeedRules[S], dumped: list[Any], key: str, lane: str, clock_us: int | None) -> Timeline[S]:
    """A timeline from its JSON-ready form: the window is applied once more, wakes up to the clock included."""
    base, window, pending, closed_us, fired_us = dumped
    frame = _load_frame(rules, base, key, lane)
    line: Timeline[S] = Timeline(frame.copy(rules.copy), [frame])
    line.window = [load_entry(entry) for entry in window]
    line.pending = [load_entry(entry) for entry in pending]
    line.closed_us = closed_us
    _replay(rules, line, 0, clock_us, Voice(line.head))
    line.fired_us = fired_us
    return line


def load_entry(dumped: list[Any]) -> Entry:
    """An entry from its JSON-ready form."""
    at_us, device_id, boot_id, seq, asset, offset, payload = dumped
    return Entry(at_us, device_id, boot_id, seq, asset, offset, frozen(payload))


def _dump_frame(rules: FeedRules[S], frame: Frame[S]) -> list[Any]:
    return [
        rules.dump(frame.state),
        frame.position,
        frame.wakes,
        [[rule, asset, dump_episode(episode)] for (rule, asset, _), episode in frame.episodes.items()],
        [dump_figure(figure) for figure in frame.figures.values()],
    ]


def _load_frame(rules: FeedRules[S], dumped: list[Any], key: str, lane: str) -> Frame[S]:
    state, position, wakes, episodes, figures = dumped
    frame: Frame[S] = Frame(rules.load(state, key, lane), tuple(position), dict(wakes))
    for rule, asset, dumped_episode in episodes:
        episode = load_episode(dumped_episode)
        frame.episodes[rule, asset, episode.started_us] = episode
    for one in figures:
        figure = load_figure(one)
        frame.figures[figure.id, figure.subject, figure.period_start_us, figure.period_end_us] = figure
    return frame


def dump_figure(figure: Figure) -> list[Any]:
    """JSON-ready form of a figure."""
    threshold = figure.threshold
    threshold_json = None if threshold is None else threshold.model_dump_json()
    return [*figure[:6], figure.status.value, *figure[7:10], threshold_json, *figure[11:]]


def load_figure(dumped: list[Any]) -> Figure:
    """A figure from its JSON-ready form."""
    head, status, middle, threshold, rest = dumped[:6], dumped[6], dumped[7:10], dumped[10], dumped[11:]
    source = None if threshold is None else Threshold.model_validate_json(threshold)
    return Figure._make([*head, IndicatorStatus(status), *middle, source, *rest])
