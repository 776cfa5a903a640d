"""The shadow: late readings judged beside the head, by grants (see `timeline`)."""

from __future__ import annotations

from dataclasses import replace
from heapq import merge
from typing import Final, TypeVar

from services.stream_processors.engine.feed_rules import FeedRules
from services.stream_processors.engine.frame import Before, Trail, Voice, frame_at
from services.stream_processors.engine.position import NEVER_US, Position
from services.stream_processors.engine.steps import Stumbled, apply, go_back, state_of, wake_on_the_way
from services.stream_processors.engine.timeline import Redo, Timeline, fee_of
from services.stream_processors.engine.window import place_behind

S = TypeVar("S")

WAY_SHARE: Final = 8
"""Checkpoints stand so that the way from the last one to what is late is about this part of the way from there on."""


def begin(rules: FeedRules[S], line: Timeline[S], start: Position) -> Redo[S]:
    """Send out a shadow for all that waits.

    Args:
        start: The first of it.
    """
    trail = line.trail
    index = trail.index_before(start)
    frame = frame_at(trail, index, state_of(rules, line, trail, index))
    twin = replace(trail.checkpoints[index], before=Before())
    shadow = Trail(frame, Voice(frame, trail.voice.lateness_us), [twin])
    line.redo = redo = Redo(shadow, line.pending, start, start)
    line.pending = []
    line.credit -= fee_of(rules) + left(line, redo) // WAY_SHARE
    return redo


def left(line: Timeline[S], redo: Redo[S]) -> int:
    """Readings that the shadow has to apply before it is where the head is."""
    here = redo.trail.frame.position
    met = place_behind(redo.late, here)
    redo.left_min = line.window.count_after(max(here, redo.free_to)) + len(redo.late) - met
    return redo.left_min


def advance(
    rules: FeedRules[S], line: Timeline[S], redo: Redo[S], clock_us: int | None, *, everything: bool = False
) -> None:
    """Let the shadow go as far as it is paid for; where it reaches the head it takes its place.

    Args:
        everything: Go the whole way.
    """
    if redo.stands and line.credit <= 0 and not everything:
        return
    while True:
        try:
            if _reaches_head(rules, line, redo, clock_us, everything=everything):
                _take_over(line, redo)
        except Stumbled as stumbled:
            redo.free_to = max(redo.free_to, stumbled.position)
            go_back(rules, line, redo.trail, stumbled.position)
        else:
            return


def _reaches_head(
    rules: FeedRules[S], line: Timeline[S], redo: Redo[S], clock_us: int | None, *, everything: bool
) -> bool:
    trail, late = redo.trail, redo.late
    here = trail.frame.position
    met = place_behind(late, here)
    entries = line.window.after(here)
    redo.stands = False
    limit_us = -NEVER_US if clock_us is None else clock_us
    counted = here >= redo.free_to
    for entry in entries if met == len(late) else merge(entries, late[met:]):
        counts = entry[:4] >= redo.free_to
        # What is dated beyond the clock is little, and is applied in one go: no wake may be called behind it.
        if line.credit <= 0 and counts and entry.at_us <= limit_us and not everything:
            redo.stands = True
            return False
        # What is paid for does not depend on which checkpoint the shadow has set out from.
        line.credit -= int(counts)
        redo.left_min -= 1
        called = wake_on_the_way(rules, line, trail, min(entry.at_us, limit_us))
        if counted:
            line.credit -= called
        counted = counts
        apply(rules, line, trail, entry)
    wake_on_the_way(rules, line, trail, limit_us)
    return True


def _take_over(line: Timeline[S], redo: Redo[S]) -> None:
    """The shadow is the head; what was touched on either way may have to be said."""
    old, new = line.trail, redo.trail
    first = new.checkpoints[0].position
    kept = [checkpoint for checkpoint in old.checkpoints if checkpoint.position < first]
    index = max(0, len([None for checkpoint in old.checkpoints if checkpoint.position <= first]) - 1)
    changed = old.changed_since(index)
    if kept and kept[-1] is old.checkpoints[-1]:
        kept[-1].before = old.frame.before
    new.voice.episodes, new.voice.figures = dict(old.voice.episodes), dict(old.voice.figures)
    new.voice.touch(changed)
    new.voice.touch(new.changed_since(0))
    new.checkpoints[:0] = kept
    line.window.merge(redo.late)
    for entry in redo.late:
        line.newest[entry.asset] = max(entry.at_us, line.newest.get(entry.asset, entry.at_us))
    line.window.relax()
    line.trail, line.redo = new, None
