"""What happens to a timeline: a reading arrives, the clock moves, the past becomes final, a document changes."""

from __future__ import annotations

from bisect import insort
from typing import Final, TypeVar

from services.stream_processors.engine.event_time import span_us
from services.stream_processors.engine.events import Fate
from services.stream_processors.engine.feed_rules import Entry, FeedRules
from services.stream_processors.engine.frame import Before, Checkpoint
from services.stream_processors.engine.position import AFTER, NEVER_US, Position, time_of
from services.stream_processors.engine.redo import advance, begin, left
from services.stream_processors.engine.steps import (
    Stumbled,
    apply,
    call_wakes,
    checkpoint_before_wake,
    pack_old_checkpoints,
    rewind,
    run,
    wake_on_the_way,
)
from services.stream_processors.engine.timeline import CREDIT_MAX, Redo, Timeline, fee_of
from services.stream_processors.engine.window import among

S = TypeVar("S")

GRANT: Final = 2
"""Readings that a shadow may apply for each reading in order: late data cost at most twice what the others cost."""
GRANT_AT_TICK: Final = 8
"""The same at each tick of a key that is otherwise quiet: it comes to an end, too."""
QUIET_US: Final = 60 * 1_000_000
"""A key is quiet when nothing in order was heard of it for so long."""
SMALL_REDO: Final = 64
"""What is not longer is done at a tick even when nobody has time to spare."""
SMALL_DISORDER: Final = 16
"""A reading that so few have overtaken is judged at once, when that is paid for."""


def insert(rules: FeedRules[S], line: Timeline[S], entry: Entry, clock_us: int | None) -> Fate:
    """Put a reading at its place, or let it wait."""
    position = entry[:4]
    trail = line.trail
    if position > trail.frame.position:
        if trail.frame.next_us < entry.at_us:
            checkpoint_before_wake(rules, line, trail, entry.at_us)
        line.window.append(entry)
        line.newest[entry.asset] = entry.at_us
        voice = trail.voice
        voice.next_wake_us = NEVER_US
        try:
            apply(rules, line, trail, entry)
            if clock_us is not None and voice.next_wake_us < clock_us:
                call_wakes(rules, line, trail, clock_us)  # this reading has asked for them: they follow it
        except Stumbled as stumbled:
            rewind(rules, line, stumbled.position, clock_us)
        _pay(rules, line, clock_us)
        return Fate.IN_ORDER
    if known_at(line, position) is not None:
        return Fate.REPEATED
    if _commutes(rules, line, entry, position):
        _slip_in(rules, line, entry, clock_us)
        _pay(rules, line, clock_us)
        return Fate.IN_ORDER
    if clock_us is None or _is_paid_for(rules, line, entry, position):
        line.window.merge([entry])
        line.newest[entry.asset] = max(entry.at_us, line.newest.get(entry.asset, entry.at_us))
        rewind(rules, line, position, clock_us)
    else:
        _let_wait(line, entry, position)
    return Fate.LATE


def known_at(line: Timeline[S], position: Position) -> Entry | None:
    """The reading at a position that is kept, or waits."""
    known = line.window.at(position) or among(line.pending, position)
    return among(line.redo.late, position) if known is None and line.redo is not None else known


def _commutes(rules: FeedRules[S], line: Timeline[S], entry: Entry, position: Position) -> bool:
    """Whether the order does not matter: the newest of its asset, no wake called since, no shadow beyond it."""
    return (
        rules.commutes
        and entry.at_us > line.fired_us
        and entry.at_us > line.newest.get(entry.asset, -NEVER_US)
        and (line.redo is None or position > line.redo.trail.frame.position)
    )


def _slip_in(rules: FeedRules[S], line: Timeline[S], entry: Entry, clock_us: int | None) -> None:
    """Apply it on the head, although others have overtaken it."""
    trail, position = line.trail, entry[:4]
    while len(trail.checkpoints) > 1 and trail.checkpoints[-1].position > position:
        trail.drop_last()
    line.window.merge([entry])
    line.newest[entry.asset] = entry.at_us
    trail.voice.next_wake_us = NEVER_US
    try:
        apply(rules, line, trail, entry)
    except Stumbled as stumbled:
        rewind(rules, line, stumbled.position, clock_us)
    else:
        if clock_us is not None and trail.voice.next_wake_us < clock_us:
            _wake_head(rules, line, clock_us)


def _is_paid_for(rules: FeedRules[S], line: Timeline[S], entry: Entry, position: Position) -> bool:
    """Whether few have overtaken it, no wake among them, and readings in order have paid for doing these again."""
    if line.redo is not None or entry.at_us <= line.fired_us:
        return False
    overtaken_by = line.window.count_after(position)
    cost = overtaken_by + 1 + fee_of(rules)
    if overtaken_by > SMALL_DISORDER or cost > line.credit:
        return False
    line.credit -= cost
    return True


def _let_wait(line: Timeline[S], entry: Entry, position: Position) -> None:
    redo = line.redo
    if redo is not None and position > redo.trail.frame.position:
        redo.stands = False
        insort(redo.late, entry)
    else:
        insort(line.pending, entry)


def _pay(rules: FeedRules[S], line: Timeline[S], clock_us: int | None) -> None:
    if line.credit < CREDIT_MAX:
        line.credit = min(line.credit + GRANT, CREDIT_MAX)
    redo = line.redo
    if redo is not None and clock_us is not None:
        redo.heard_us = clock_us
        advance(rules, line, redo, clock_us)


def _wake_head(rules: FeedRules[S], line: Timeline[S], clock_us: int) -> None:
    """Call the wakes before the clock, behind readings that have been applied already if need be."""
    if line.head.next_us >= clock_us or line.head.first_us() >= clock_us:
        return
    position = (line.head.next_us, AFTER)
    if line.head.position > position:
        rewind(rules, line, position, clock_us)
        return
    try:
        wake_on_the_way(rules, line, line.trail, clock_us)
    except Stumbled as stumbled:
        rewind(rules, line, stumbled.position, clock_us)


def on_clock(rules: FeedRules[S], line: Timeline[S], clock_us: int, spare: int) -> None:
    """The lane's clock has moved: call the wakes that have fallen due, go on with what is late."""
    _wake_head(rules, line, clock_us)
    while line.waits():
        redo = line.redo or _begin(rules, line, clock_us)
        length = redo.left_min
        if length <= max(spare, SMALL_REDO):
            length = left(line, redo)
        if 0 < length <= spare:
            line.credit, spare = max(line.credit, 0) + length, spare - length
            advance(rules, line, redo, clock_us, everything=True)
        elif length <= SMALL_REDO and line.credit > -SMALL_REDO:
            advance(rules, line, redo, clock_us, everything=True)
            return
        else:
            if clock_us - redo.heard_us >= QUIET_US:
                line.credit = min(line.credit + GRANT_AT_TICK, CREDIT_MAX)
            line.credit += spare
            advance(rules, line, redo, clock_us)
            return


def _begin(rules: FeedRules[S], line: Timeline[S], clock_us: int) -> Redo[S]:
    redo = begin(rules, line, line.pending[0][:4])
    redo.heard_us = clock_us
    return redo


def release(rules: FeedRules[S], line: Timeline[S], entries: list[Entry], clock_us: int) -> None:
    """Take in readings that were dated ahead of the clock, each wake in between at its own time.

    Args:
        entries: Sorted.
    """
    trail = line.trail
    behind = [entry for entry in entries if entry[:4] <= trail.frame.position]
    for entry in behind:
        if known_at(line, entry[:4]) is None:
            _let_wait(line, entry, entry[:4])
    later = entries[len(behind) :]
    if not later:
        return
    _wake_head(rules, line, min(clock_us, later[0].at_us))
    trail = line.trail
    for entry in later:
        line.window.append(entry)
        line.newest[entry.asset] = entry.at_us
    try:
        run(rules, line, trail, line.window.after(trail.frame.position), clock_us)
    except Stumbled as stumbled:
        rewind(rules, line, stumbled.position, clock_us)


def settle(rules: FeedRules[S], line: Timeline[S], clock_us: int | None) -> None:
    """Judge all that waits."""
    while line.waits():
        redo = line.redo or begin(rules, line, line.pending[0][:4])
        advance(rules, line, redo, clock_us, everything=True)
    if clock_us is not None:
        _wake_head(rules, line, clock_us)


def judge_again(rules: FeedRules[S], line: Timeline[S], from_us: int, clock_us: int | None) -> None:
    """Judge what lies behind a time once more, under other rules; and all that waits."""
    if line.redo is not None:
        line.pending = sorted([*line.pending, *line.redo.late])
        line.redo = None
    start: Position = (from_us,)
    if line.pending:
        start = min(start, line.pending[0][:4])
    line.trail.voice.lateness_us = span_us(rules.lateness)
    advance(rules, line, begin(rules, line, start), clock_us, everything=True)


def fold(rules: FeedRules[S], line: Timeline[S], horizon_us: int, clock_us: int | None) -> None:
    """Make final what lies before the horizon and what no late reading waits for: the base moves up."""
    if _overflows(rules, line):
        settle(rules, line, clock_us)
    line.folded_us = max(line.folded_us, _needed_from(line, horizon_us))
    trail = line.trail
    if trail.frame.position < (line.folded_us,) and not line.waits():
        if trail.checkpoints[0].position != trail.frame.position:
            trail.checkpoints = [_base(rules, line)]
            trail.frame.before, trail.since = Before(), 0
    else:
        del trail.checkpoints[: trail.index_before((line.folded_us,))]
    _forget(line)
    pack_old_checkpoints(rules, line)
    if _overflows(rules, line):
        _close_early(rules, line, clock_us)


def _overflows(rules: FeedRules[S], line: Timeline[S]) -> bool:
    """Whether more can still change than may be kept; what the base alone keeps depends on where checkpoints are."""
    most = rules.window_max
    return len(line.window) > most and line.window.count_after((line.folded_us,)) > most


def _needed_from(line: Timeline[S], horizon_us: int) -> int:
    needed_us = horizon_us
    if line.pending:
        needed_us = min(needed_us, line.pending[0].at_us)
    if line.redo is not None:
        needed_us = min(needed_us, time_of(line.redo.start))
    return needed_us


def _base(rules: FeedRules[S], line: Timeline[S]) -> Checkpoint[S]:
    frame, number = line.head, line.number
    line.number += 1
    return Checkpoint(number, frame.position, rules.copy(frame.state), frame.wakes.copy())


def _forget(line: Timeline[S]) -> None:
    base = line.trail.checkpoints[0].position
    line.window.forget_until(base)
    line.window.relax()
    base_us = time_of(base)
    line.newest = {asset: at_us for asset, at_us in line.newest.items() if at_us >= base_us}
    line.skipped = {position for position in line.skipped if position > base}
    line.skipped_wakes = {wake for wake in line.skipped_wakes if wake[0] >= base_us}


def _close_early(rules: FeedRules[S], line: Timeline[S], clock_us: int | None) -> None:
    """The window is too large: its oldest part is final before its time."""
    line.closed_us = max(line.closed_us, line.window.at_us_from_end(rules.window_max))
    line.folded_us = max(line.folded_us, line.closed_us)
    limit = (line.closed_us,)
    if line.trail.index_before(limit) == 0:
        # No checkpoint is there: the way once more takes some. Nobody pays for it, or a restored worker, which has
        # fewer checkpoints, would have less left for late readings.
        credit = line.credit
        advance(rules, line, begin(rules, line, limit), clock_us, everything=True)
        line.credit = credit
    del line.trail.checkpoints[: line.trail.index_before(limit)]
    _forget(line)
