"""The core: `step(judge, state, event) -> (state, outputs)`, a keyed state machine that knows no Kafka and no clock.

State is kept by lane and, in a lane, by key. A lane's clock is its last tick: readings do not move time. Ticks fold
windows and call the timers that keys have asked for. `live` is always open; how other lanes open and close is in
`opening`.

Only `live` knows the broker's time: a tick far ahead of it is refused, and a reading that the broker took long after
the last tick moves the clock there first. Nobody owned the partition then and wrote ticks, and an hour of readings is
judged in its order instead of waiting as an hour of future.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, TypeVar, assert_never

from schemas.fields import LIVE
from schemas.plan.book import identity_of
from services.stream_processors.engine.documents import concerns, reason_of
from services.stream_processors.engine.event_time import iso, span_us
from services.stream_processors.engine.events import (
    DocumentAccepted,
    DocumentRefused,
    Event,
    FailureReason,
    Output,
    PlanEvent,
    ReadingEvent,
    TickEvent,
    TickRefused,
)
from services.stream_processors.engine.judge import Judge, Moment
from services.stream_processors.engine.lane import Lane
from services.stream_processors.engine.opening import on_lane_reading, on_lane_tick
from services.stream_processors.engine.partition import Partition, judge_key, judge_reading, refusal
from services.stream_processors.engine.ticking import advance

S = TypeVar("S")

CLOCK_TOLERANCE: Final = timedelta(seconds=60)
"""So far may the clock of `live` and the broker's time be apart."""

_TOLERANCE_US: Final = span_us(CLOCK_TOLERANCE)
_NOT_HERE: Final = "readings and clock messages of {lane} do not belong on {topic}; repair who wrote it there"


def step(judge: Judge[S], state: Partition[S], event: Event) -> tuple[Partition[S], list[Output]]:
    """Judge one event.

    The state given is used up: it is changed in place and returned. Equal states and events give equal outputs, byte
    for byte.
    """
    outputs: list[Output] = []
    ruling = state.judge or judge
    match event:
        case ReadingEvent():
            _on_reading(ruling, state, event, outputs)
        case TickEvent():
            _on_tick(ruling, state, event, outputs)
        case PlanEvent():
            _on_plan(ruling, state, event, outputs)
        case _:
            assert_never(event)
    return state, outputs


def _on_reading(judge: Judge[S], state: Partition[S], event: ReadingEvent, outputs: list[Output]) -> None:
    name = event.reading.lane
    if state.live is not (name == LIVE):
        outputs.append(_wrong_lane(state, event, name))
    elif not state.live:
        on_lane_reading(judge, state, event, outputs)
    else:
        lane = _live(state)
        if event.broker_us is not None:
            _follow_broker(judge, state, lane, event.broker_us, outputs)
        judge_reading(judge, state, lane, event, outputs)


def _on_tick(judge: Judge[S], state: Partition[S], tick: TickEvent, outputs: list[Output]) -> None:
    if not state.live:
        on_lane_tick(judge, state, tick, outputs)
    elif tick.lane != LIVE:
        outputs.append(_wrong_lane(state, tick, tick.lane))
    elif tick.broker_us is not None and tick.at_us > tick.broker_us + _TOLERANCE_US:
        detail = (
            f"the clock message says {iso(tick.at_us)}, the broker took it at {iso(tick.broker_us)}: "
            "set the clock of the machine that wrote it"
        )
        outputs.append(TickRefused(tick.coordinates, tick.at_us, detail))
    else:
        advance(judge, state, LIVE, tick.at_us, outputs, spare=tick.spare)


def _wrong_lane(state: Partition[S], event: ReadingEvent | TickEvent, name: str) -> Output:
    detail = _NOT_HERE.format(lane=name, topic=state.topic)
    return refusal(event.coordinates, event.raw, (FailureReason.WRONG_LANE, detail), name)


def _live(state: Partition[S]) -> Lane[S]:
    lane = state.lanes.get(LIVE)
    if lane is None:
        lane = state.lanes[LIVE] = Lane()
    return lane


def _follow_broker(judge: Judge[S], state: Partition[S], lane: Lane[S], broker_us: int, outputs: list[Output]) -> None:
    """No tick has come for long although readings do: the broker's time moves the clock."""
    if lane.clock_us is None or broker_us > lane.clock_us + _TOLERANCE_US:
        advance(judge, state, LIVE, broker_us, outputs)


def _on_plan(judge: Judge[S], state: Partition[S], event: PlanEvent, outputs: list[Output]) -> None:
    """A version is in force from a day on: whatever lies behind it is judged once more."""
    document = event.document
    if not concerns(document, judge.feed) or state.documents.is_latest(document):
        return
    name = "/".join(identity_of(document))
    try:
        ruling = judge.with_document(document)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, what was in force stays in force
        state.documents.refuse(document, reason_of(error))
        outputs.append(DocumentRefused(name, reason_of(error)))
        return
    state.judge = ruling
    from_us = state.documents.accept(document)
    outputs.append(DocumentAccepted(name))
    for lane_name, lane in state.lanes.items():
        _rejudge(ruling, state.moment(lane_name, lane), lane, from_us, outputs)


def _rejudge(judge: Judge[S], moment: Moment, lane: Lane[S], from_us: int, outputs: list[Output]) -> None:
    for key in sorted(lane.keys):
        due_us = judge_key(moment.lane, lane, key, lambda one, said: judge.rejudge(one, from_us, moment, said), outputs)
        lane.ask(key, due_us)
