"""One step after the other along a timeline: a reading is applied, a wake is called, a checkpoint is taken.

Where the rules raise, the reading or the wake is remembered as one to pass over, and the trail has to go back to the
last checkpoint before it: the state in hand may be half changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

import lz4.block  # type: ignore[import-untyped]

from services.stream_processors.engine.feed_rules import Entry, FeedRules, unpacked
from services.stream_processors.engine.frame import PASSED, Before, Checkpoint, Trail, frame_at, take_checkpoint
from services.stream_processors.engine.position import AFTER, NEVER_US, Position, time_of
from services.stream_processors.engine.timeline import CHECKPOINT_IN_ORDER, Failure, Timeline, spacing_of

S = TypeVar("S")

CHECKPOINT_ON_CLOCK: Final = 8
"""The same after wakes were called: no reading that comes on the fast path lies before such a checkpoint."""
CHECKPOINTS_MAX: Final = 24
UNPACKED_CHECKPOINTS: Final = 4
"""So many of the newest checkpoints are kept unpacked: most of them are gone before they could be of use."""
WAKE_AGAIN_US: Final = 3_600 * 1_000_000
"""A wake at which the rules raised is called again so much later: a clockwork that hangs on it does not stop."""
_DETAIL_CHARS: Final = 300


class Stumbled(Exception):
    """The rules raised; go back to before this position."""

    def __init__(self, position: Position) -> None:
        super().__init__(position)
        self.position = position


def apply(rules: FeedRules[S], line: Timeline[S], trail: Trail[S], entry: Entry) -> None:
    """Judge the next reading.

    Raises:
        Stumbled: the rules raised.
    """
    frame, position = trail.frame, entry[:4]
    if not line.skipped or position not in line.skipped:
        trail.voice.reads(entry.at_us)
        try:
            rules.apply(frame.state, entry, trail.voice)
        except Exception as error:
            line.skipped.add(position)
            line.failed.append(Failure(entry, None, told(error)))
            raise Stumbled(position) from error
    frame.position = max(frame.position, position)
    trail.since += 1
    if trail.since >= CHECKPOINT_IN_ORDER:
        checkpoint_when_far(rules, line, trail)


def call_wakes(rules: FeedRules[S], line: Timeline[S], trail: Trail[S], until_us: int) -> int:
    """Call the wakes before a time, each at its own; returns how many.

    Raises:
        Stumbled: the rules raised.
    """
    frame, voice, called = trail.frame, trail.voice, 0
    while due := frame.due(until_us):
        for at_us, name in due:
            if frame.wakes.get(name) != at_us:
                continue
            del frame.wakes[name]
            if name == PASSED:
                continue  # only to come here: the wake itself is called where it was set
            called += 1
            voice.next_wake_us = NEVER_US
            _call(rules, line, trail, name, at_us)
            if voice.next_wake_us < until_us:
                break  # it may come before the others
    return called


def _call(rules: FeedRules[S], line: Timeline[S], trail: Trail[S], name: str, at_us: int) -> None:
    frame, voice = trail.frame, trail.voice
    line.fired_us = max(line.fired_us, at_us, time_of(frame.position))
    frame.position = max(frame.position, (at_us, AFTER))
    if (at_us, name) in line.skipped_wakes:
        voice.wake(name, at_us + WAKE_AGAIN_US)
        return
    voice.wakes(time_of(frame.position))
    try:
        rules.on_wake(frame.state, name, at_us, voice)
    except Exception as error:
        line.skipped_wakes.add((at_us, name))
        line.failed.append(Failure(None, (at_us, name), told(error)))
        raise Stumbled((at_us, AFTER)) from error


def told(error: Exception) -> str:
    """What went wrong, in one line."""
    return f"{type(error).__name__}: {error}"[:_DETAIL_CHARS]


def run(
    rules: FeedRules[S], line: Timeline[S], trail: Trail[S], entries: Iterable[Entry], clock_us: int | None
) -> None:
    """Apply readings in order, and call each wake before the clock at its own time.

    Raises:
        Stumbled: the rules raised.
    """
    limit_us = -NEVER_US if clock_us is None else clock_us
    for entry in entries:
        wake_on_the_way(rules, line, trail, min(entry.at_us, limit_us))
        apply(rules, line, trail, entry)
    wake_on_the_way(rules, line, trail, limit_us)


def wake_on_the_way(rules: FeedRules[S], line: Timeline[S], trail: Trail[S], until_us: int) -> int:
    """Call the wakes before a time, and take a checkpoint behind them: the next ones will come behind it.

    Raises:
        Stumbled: the rules raised.
    """
    if trail.frame.next_us >= until_us:
        return 0
    called = call_wakes(rules, line, trail, until_us)
    if called and trail.since >= CHECKPOINT_ON_CLOCK and trail.since >= len(line.newest) // 4:
        _checkpoint(rules, line, trail)
    return called


def checkpoint_when_far(rules: FeedRules[S], line: Timeline[S], trail: Trail[S]) -> None:
    """Take a checkpoint when the last one is far away."""
    if trail.since >= max(spacing_of(rules), len(line.newest) // 4):
        _checkpoint(rules, line, trail)


def checkpoint_before_wake(rules: FeedRules[S], line: Timeline[S], trail: Trail[S], at_us: int) -> None:
    """Take a checkpoint when a reading is the first to pass a wake that the clock has not reached.

    The tick that calls it goes back to there: what it does again is what came since the tick before, not more.

    Args:
        at_us: Time of the reading.
    """
    here_us = time_of(trail.frame.position)
    if not trail.since or here_us > trail.frame.next_us or not here_us <= trail.frame.first_us() < at_us:
        return
    last = trail.checkpoints[-1]
    if len(trail.checkpoints) > 1 and last.applied - trail.checkpoints[-2].applied < spacing_of(rules):
        trail.drop_last()  # where wakes follow one another closely, one checkpoint for them is enough
    _checkpoint(rules, line, trail)


def _checkpoint(rules: FeedRules[S], line: Timeline[S], trail: Trail[S]) -> None:
    take_checkpoint(trail, line.number, rules.copy)
    line.number += 1
    if len(trail.checkpoints) > CHECKPOINTS_MAX:
        trail.thin(UNPACKED_CHECKPOINTS)


def go_back(rules: FeedRules[S], line: Timeline[S], trail: Trail[S], position: Position) -> None:
    """Put the last checkpoint before a position in the place of the frame."""
    index = trail.index_before(position)
    trail.voice.touch(trail.changed_since(index))
    trail.frame = trail.voice.frame = frame_at(trail, index, state_of(rules, line, trail, index))
    del trail.checkpoints[index + 1 :]
    trail.checkpoints[index].before = Before()
    trail.since = 0


def state_of(rules: FeedRules[S], line: Timeline[S], trail: Trail[S], index: int) -> S:
    """A state of a checkpoint that may be changed."""
    checkpoint = trail.checkpoints[index]
    if checkpoint.state is not None:
        return rules.copy(checkpoint.state)
    version, raw = checkpoint.packed or (0, b"")
    return unpacked(rules, lz4.block.decompress(raw), version, line.key, line.lane)


def pack_checkpoint(rules: FeedRules[S], checkpoint: Checkpoint[S]) -> tuple[int, bytes]:
    """Pack a checkpoint's state, once; from then on only its bytes are kept. Returns their version, too."""
    if checkpoint.state is not None:
        checkpoint.packed = rules.state_version, lz4.block.compress(rules.pack(checkpoint.state))
        checkpoint.state = None
    return checkpoint.packed or (0, b"")


def pack_old_checkpoints(rules: FeedRules[S], line: Timeline[S]) -> None:
    """Only the newest are kept as they are."""
    for checkpoint in line.trail.checkpoints[:-UNPACKED_CHECKPOINTS]:
        pack_checkpoint(rules, checkpoint)


def rewind(rules: FeedRules[S], line: Timeline[S], position: Position, clock_us: int | None) -> None:
    """Take the head back to before a position and apply what follows once more."""
    trail = line.trail
    while True:
        go_back(rules, line, trail, position)
        try:
            run(rules, line, trail, line.window.after(trail.frame.position), clock_us)
        except Stumbled as stumbled:
            position = stumbled.position
        else:
            return
