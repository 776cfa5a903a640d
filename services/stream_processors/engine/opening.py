"""How a lane other than `live` opens, waits and closes. Pure.

    clock message         opens the lane; readings that came before it have waited for it and are judged first
    clock messages ...    move its time
    one with `closes`     what is left is judged, the lane is said to be closed, its memory is given back

A clock message of `live` on this topic only tells how late it is at the broker, so that waiting ends and a lane of
which nothing is heard closes by itself, where nothing else is written.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, TypeVar

from schemas.fields import LIVE
from schemas.lane import LanePhase
from services.stream_processors.engine.event_time import span_us
from services.stream_processors.engine.events import (
    Coordinates,
    FailureReason,
    LaneChanged,
    Output,
    ReadingEvent,
    TickEvent,
)
from services.stream_processors.engine.judge import Judge
from services.stream_processors.engine.lane import Lane
from services.stream_processors.engine.partition import Partition, Waiting, judge_key, judge_reading, refusal
from services.stream_processors.engine.ticking import advance

S = TypeVar("S")

MAX_OPEN_LANES: Final = 16
"""Of one feed; one more is refused."""
CLOSED_AFTER: Final = timedelta(hours=1)
"""A lane of which nothing was heard for so long is closed."""
OPENED_WITHIN: Final = timedelta(minutes=10)
"""So long do readings wait for the clock message that opens their lane."""
SPARE: Final = 20_000
"""So many readings may each key apply once more at each clock message: no lane of these is in a hurry, and who drives
one wants late readings judged when its time has come, not when others have paid for them."""
WAITING_MAX: Final = 1_000
"""So many of one lane ..."""
WAITING_LANES_MAX: Final = 16
"""... and of so many lanes."""

_NOT_OPEN: Final = (
    "lane {lane} is not open: send a clock message first (jianghan/<feed>/clock/{lane}), then the reading again"
)
_TOO_MANY: Final = (
    f"lane {{lane}} is not opened: {MAX_OPEN_LANES} lanes of this feed are open; close one (a clock message of it "
    "with closes = true), then send this lane again from its start"
)
_SILENT: Final = "closed by itself: nothing was heard of it for an hour"


def on_lane_reading(judge: Judge[S], state: Partition[S], event: ReadingEvent, outputs: list[Output]) -> None:
    """Judge a reading of an open lane; let that of another one wait."""
    _hear_broker(state, event.broker_us)
    name = event.reading.lane
    lane = state.lanes.get(name)
    if lane is not None:
        lane.heard_us = state.broker_us
        judge_reading(judge, state, lane, event, outputs)
    elif name in state.turned_away:
        outputs.append(_refused(event.coordinates, event.raw, name))
    else:
        _wait(state, event, outputs)


def _wait(state: Partition[S], event: ReadingEvent, outputs: list[Output]) -> None:
    name = event.reading.lane
    known = state.waiting.get(name, [])
    if len(known) >= WAITING_MAX or (not known and len(state.waiting) >= WAITING_LANES_MAX):
        outputs.append(_not_open(event.coordinates, event.raw, name))
        return
    known.append(Waiting(event.coordinates.offset, event.raw, state.broker_us))
    state.waiting[name] = known


def on_lane_tick(judge: Judge[S], state: Partition[S], tick: TickEvent, outputs: list[Output]) -> None:
    """Open, drive or close a lane."""
    name, next_offset = tick.lane, tick.coordinates.offset + 1
    _hear_broker(state, tick.at_us if name == LIVE and tick.broker_us is None else tick.broker_us)
    if name in state.lanes:
        state.lanes[name].heard_us = state.broker_us
    _end_waiting(state, outputs)
    _close_silent(judge, state, next_offset, outputs)
    if name != LIVE and (name in state.lanes or _opened(judge, state, tick, outputs)):
        advance(judge, state, name, tick.at_us, outputs, spare=0 if tick.closes else SPARE)
        if tick.closes:
            _close(judge, state, name, next_offset, outputs)


def _hear_broker(state: Partition[S], broker_us: int | None) -> None:
    if broker_us is not None and (state.broker_us is None or broker_us > state.broker_us):
        state.broker_us = broker_us


def _opened(judge: Judge[S], state: Partition[S], tick: TickEvent, outputs: list[Output]) -> bool:
    """Open the lane of a clock message unless too many are open; a closing message of an unknown lane is a repeat."""
    name, offset = tick.lane, tick.coordinates.offset
    if tick.closes and name not in state.waiting:
        return False
    if len(state.lanes) >= MAX_OPEN_LANES:
        _turn_away(state, tick, outputs)
        return False
    state.turned_away.pop(name, None)
    lane = state.lanes[name] = Lane(opened_offset=offset, heard_us=state.broker_us)
    for one in state.waiting.pop(name, []):
        event = ReadingEvent(judge.decode(one.raw), _place(state, one), one.raw, one.since_us)
        judge_reading(judge, state, lane, event, outputs)
    outputs.append(standing(name, lane, offset + 1))
    return True


def _turn_away(state: Partition[S], tick: TickEvent, outputs: list[Output]) -> None:
    name, offset = tick.lane, tick.coordinates.offset
    outputs += [_refused(_place(state, one), one.raw, name) for one in state.waiting.pop(name, [])]
    if name in state.turned_away:
        return
    state.turned_away[name] = state.broker_us
    if len(state.turned_away) > WAITING_LANES_MAX:
        del state.turned_away[next(iter(state.turned_away))]
    detail = _TOO_MANY.format(lane=name)
    outputs.append(LaneChanged(name, LanePhase.REFUSED, offset, offset + 1, tick.at_us, 0, 0, detail))


def _close(
    judge: Judge[S], state: Partition[S], name: str, next_offset: int, outputs: list[Output], *, detail: str = ""
) -> None:
    """Judge what is left, in the order of keys, say so, and forget the lane."""
    lane = state.lanes[name]
    moment = state.moment(name, lane)
    for key in sorted(lane.keys):
        judge_key(name, lane, key, lambda one, said: judge.settle(one, moment, said), outputs)
    del state.lanes[name]
    state.forgotten += [(name, key) for key in lane.keys]
    outputs.append(standing(name, lane, next_offset, LanePhase.CLOSED, detail))


def _end_waiting(state: Partition[S], outputs: list[Output]) -> None:
    """Readings that have waited long enough are dead letters; a lane that was turned away may try again."""
    if state.broker_us is None:
        return
    limit_us = state.broker_us - span_us(OPENED_WITHIN)
    for name in list(state.waiting):
        readings = state.waiting[name]
        over = sum(1 for one in readings if one.since_us is not None and one.since_us < limit_us)
        outputs += [_not_open(_place(state, one), one.raw, name) for one in readings[:over]]
        if over == len(readings):
            del state.waiting[name]
        else:
            state.waiting[name] = readings[over:]
    for name in [name for name, since_us in state.turned_away.items() if since_us is not None and since_us < limit_us]:
        del state.turned_away[name]


def end_waiting_of_a_former_log(state: Partition[S], next_offset: int, outputs: list[Output]) -> None:
    """Readings that wait behind what was judged are of a log that is gone, and so is what would open their lane.

    Args:
        next_offset: Everything before it is in the state.
    """
    for name, readings in list(state.waiting.items()):
        outputs += [_not_open(_place(state, one), one.raw, name) for one in readings if one.offset >= next_offset]
        left = [one for one in readings if one.offset < next_offset]
        if left:
            state.waiting[name] = left
        else:
            del state.waiting[name]


def _close_silent(judge: Judge[S], state: Partition[S], next_offset: int, outputs: list[Output]) -> None:
    if state.broker_us is None:
        return
    limit_us = state.broker_us - span_us(CLOSED_AFTER)
    for name, lane in list(state.lanes.items()):
        if lane.heard_us is None:
            lane.heard_us = state.broker_us
        elif lane.heard_us < limit_us:
            _close(judge, state, name, next_offset, outputs, detail=_SILENT)


def standing(
    name: str, lane: Lane[S], next_offset: int, phase: LanePhase = LanePhase.OPEN, detail: str = ""
) -> LaneChanged:
    """How far a lane is."""
    return LaneChanged(name, phase, lane.opened_offset, next_offset, lane.clock_us, lane.judged, lane.refused, detail)


def _place(state: Partition[S], one: Waiting) -> Coordinates:
    return Coordinates(state.topic, state.number, one.offset)


def _not_open(coordinates: Coordinates, raw: bytes, name: str) -> Output:
    return refusal(coordinates, raw, (FailureReason.LANE_NOT_OPEN, _NOT_OPEN.format(lane=name)), name)


def _refused(coordinates: Coordinates, raw: bytes, name: str) -> Output:
    return refusal(coordinates, raw, (FailureReason.TOO_MANY_LANES, _TOO_MANY.format(lane=name)), name)
