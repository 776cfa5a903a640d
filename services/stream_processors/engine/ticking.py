"""The clock of a lane moves: timers are called, the horizon follows, windows are folded in turns. Pure."""

from __future__ import annotations

from typing import TypeVar

from services.stream_processors.engine.event_time import span_us
from services.stream_processors.engine.events import Output
from services.stream_processors.engine.judge import Judge, Moment
from services.stream_processors.engine.lane import Lane
from services.stream_processors.engine.partition import Partition, judge_key

S = TypeVar("S")


def advance(
    judge: Judge[S], state: Partition[S], name: str, at_us: int, outputs: list[Output], *, spare: int = 0
) -> None:
    """Move the clock of a lane to a time; it never goes back.

    Args:
        spare: Readings that each key may apply once more now, even when the clock stands.
    """
    lane = state.lanes.get(name)
    if lane is None:
        lane = state.lanes[name] = Lane()
    before_us = lane.clock_us
    moves = before_us is None or at_us > before_us
    if moves:
        lane.clock_us = at_us
    elif not spare:
        return
    if before_us is None:
        for key in lane.keys:
            lane.ask(key, at_us)  # without a clock nothing could be asked for
    _call_timers(judge, state.moment(name, lane, spare), lane, outputs)
    if moves:
        keys = lane.move_horizon(before_us, at_us, span_us(judge.lateness))
        if keys:
            _fold(judge, state, state.moment(name, lane), keys, outputs)


def _call_timers(judge: Judge[S], moment: Moment, lane: Lane[S], outputs: list[Output]) -> None:
    assert moment.clock_us is not None  # noqa: S101 - it was set before
    for key in lane.take_due(moment.clock_us):
        due_us = judge_key(
            moment.lane, lane, key, lambda one, said: _on_time(judge, one, moment, said), outputs, mutes=True
        )
        lane.ask(key, due_us)


def _on_time(judge: Judge[S], key_state: S, moment: Moment, outputs: list[Output]) -> int | None:
    """Tell a key the time if that is due by its state.

    A key that has put off what it asked for is not called: nobody who goes on from a stored state would call it.
    """
    due_us = judge.due(key_state, moment)
    if due_us is None or moment.clock_us is None or due_us > moment.clock_us:
        return due_us
    return judge.on_time(key_state, moment, outputs)


def _fold(judge: Judge[S], state: Partition[S], moment: Moment, keys: list[str], outputs: list[Output]) -> None:
    name, lane = moment.lane, state.lanes[moment.lane]
    for key in keys:
        if judge_key(name, lane, key, lambda one, _: judge.fold(one, moment), outputs):
            lane.remove(key)
            state.forgotten.append((name, key))
        else:
            lane.ask(key, judge.due(lane.keys[key], moment))
