"""The core: `step(judge, state, event) -> (state, outputs)`, a keyed state machine that knows no Kafka and no clock.

State is kept by lane and, in a lane, by key. A lane's clock is its last tick and nothing else: readings do not move
time. Ticks fold windows and call the timers that keys have asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar

from schemas.fields import LIVE
from schemas.plan.book import Document, dump_document, effective_us, identity_of, load_document
from schemas.plan.errors import PlanFileError
from services.stream_processors.engine.event_time import span_us
from services.stream_processors.engine.events import (
    Coordinates,
    DocumentRefused,
    Event,
    Output,
    PlanEvent,
    ReadingEvent,
    TickEvent,
)
from services.stream_processors.engine.judge import Judge, Moment

S = TypeVar("S")

STATE_VERSION: Final = 2
"""Version of the JSON-ready form of the state."""

LANE_FORGOTTEN_AFTER: Final = timedelta(hours=1)
"""A replay, exercise or what-if of which nothing was heard for so long (by the live clock) is forgotten."""

_FOLDS_PER_BOUND: Final = 16
"""Windows are folded in steps of a sixteenth of the lateness bound: late enough to be cheap, never too early."""


@dataclass(slots=True)
class LaneState(Generic[S]):
    """One lane in one partition."""

    clock_us: int | None = None
    horizon_us: int | None = None
    due_us: int | None = None
    """Earliest time for which a key has asked."""
    heard_us: int | None = None
    """Live clock when the lane was last heard of."""
    keys: dict[str, S] = field(default_factory=dict)


@dataclass(slots=True)
class PartitionState(Generic[S]):
    """All that the core remembers of one partition."""

    lanes: dict[str, LaneState[S]] = field(default_factory=dict)
    documents: list[Document] = field(default_factory=list)
    """Published since the judge was built, in the order of the log."""
    judge: Judge[S] | None = None
    """The judge under these documents; None while there are none."""


def step(judge: Judge[S], state: PartitionState[S], event: Event) -> tuple[PartitionState[S], list[Output]]:
    """Judge one event.

    The state given is used up: it is changed in place and returned. Equal states and events give equal outputs, byte
    for byte.
    """
    outputs: list[Output] = []
    ruling = state.judge or judge
    if type(event) is ReadingEvent:
        _on_reading(ruling, state, event, outputs)
    elif type(event) is TickEvent:
        _on_tick(ruling, state, event, outputs)
    elif type(event) is PlanEvent:
        _on_plan(ruling, state, event, outputs)
    return state, outputs


def _on_plan(judge: Judge[S], state: PartitionState[S], event: PlanEvent, outputs: list[Output]) -> None:
    """Another version is in force from a day on: whatever lies behind it is judged once more."""
    document, coordinates = event
    if document in state.documents:
        return
    try:
        ruling = judge.with_document(document)
    except PlanFileError as error:
        outputs.append(DocumentRefused("/".join(identity_of(document)), str(error)))
        return
    if ruling is judge:
        return
    state.documents = [*(known for known in state.documents if identity_of(known) != identity_of(document)), document]
    state.judge = ruling
    from_us = effective_us(document)
    for name, lane in state.lanes.items():
        moment = _moment(name, lane, coordinates)
        for key_state in lane.keys.values():
            due_us = ruling.rejudge(key_state, from_us, moment, outputs)
            if due_us is not None and (lane.due_us is None or due_us < lane.due_us):
                lane.due_us = due_us


def _lane(state: PartitionState[S], name: str) -> LaneState[S]:
    lane = state.lanes.get(name)
    if lane is None:
        lane = state.lanes[name] = LaneState()
    if name != LIVE:
        live = state.lanes.get(LIVE)
        lane.heard_us = None if live is None else live.clock_us
    return lane


def _moment(name: str, lane: LaneState[S], coordinates: Coordinates) -> Moment:
    return Moment(name, lane.clock_us, lane.horizon_us, coordinates.topic, coordinates.partition)


def _on_reading(judge: Judge[S], state: PartitionState[S], event: ReadingEvent, outputs: list[Output]) -> None:
    reading, coordinates = event
    lane = _lane(state, reading.lane)
    key_state = lane.keys.get(reading.group_id)
    if key_state is None:
        key_state = lane.keys[reading.group_id] = judge.new_state(reading.group_id, reading.lane)
    moment = _moment(reading.lane, lane, coordinates)
    due_us = judge.on_reading(key_state, reading, coordinates, moment, outputs)
    if due_us is not None and (lane.due_us is None or due_us < lane.due_us):
        lane.due_us = due_us


def _on_tick(judge: Judge[S], state: PartitionState[S], tick: TickEvent, outputs: list[Output]) -> None:
    lane = _lane(state, tick.lane)
    if lane.clock_us is not None and tick.at_us <= lane.clock_us:
        return
    lane.clock_us = tick.at_us
    if lane.due_us is not None and lane.due_us <= tick.at_us:
        _call_timers(judge, lane, _moment(tick.lane, lane, tick.coordinates), outputs)
    _move_horizon(judge, lane, tick)
    if tick.lane == LIVE:
        _forget_lanes(state, tick.at_us)


def _call_timers(judge: Judge[S], lane: LaneState[S], moment: Moment, outputs: list[Output]) -> None:
    wanted = (judge.on_time(key_state, moment, outputs) for key_state in lane.keys.values())
    lane.due_us = min((due_us for due_us in wanted if due_us is not None), default=None)


def _move_horizon(judge: Judge[S], lane: LaneState[S], tick: TickEvent) -> None:
    lateness_us = span_us(judge.lateness)
    horizon_us = tick.at_us - lateness_us
    if lane.horizon_us is not None and horizon_us - lane.horizon_us < lateness_us // _FOLDS_PER_BOUND:
        return
    lane.horizon_us = horizon_us
    moment = _moment(tick.lane, lane, tick.coordinates)
    for key in [key for key, key_state in lane.keys.items() if judge.fold(key_state, moment)]:
        del lane.keys[key]


def _forget_lanes(state: PartitionState[S], live_us: int) -> None:
    limit_us = span_us(LANE_FORGOTTEN_AFTER)
    for name in list(state.lanes):
        lane = state.lanes[name]
        if name == LIVE:
            continue
        if lane.heard_us is None:
            lane.heard_us = live_us
        elif live_us - lane.heard_us > limit_us:
            del state.lanes[name]


def dump_state(judge: Judge[S], state: PartitionState[S]) -> dict[str, Any]:
    """JSON-ready form of the state."""
    return {
        "documents": [dump_document(document) for document in state.documents],
        "lanes": _dump_lanes(state.judge or judge, state),
    }


def _dump_lanes(judge: Judge[S], state: PartitionState[S]) -> dict[str, Any]:
    return {
        name: {
            "clock": lane.clock_us,
            "horizon": lane.horizon_us,
            "due": lane.due_us,
            "heard": lane.heard_us,
            "keys": {key: judge.dump(key_state) for key, key_state in lane.keys.items()},
        }
        for name, lane in state.lanes.items()
    }


def load_state(judge: Judge[S], dumped: dict[str, Any]) -> PartitionState[S]:
    """State from its JSON-ready form."""
    state: PartitionState[S] = PartitionState(documents=[load_document(one) for one in dumped["documents"]])
    for document in state.documents:
        state.judge = judge = judge.with_document(document)
    state.lanes = {
        name: LaneState(
            lane["clock"],
            lane["horizon"],
            lane["due"],
            lane["heard"],
            {key: judge.load(key_state) for key, key_state in lane["keys"].items()},
        )
        for name, lane in dumped["lanes"].items()
    }
    return state
