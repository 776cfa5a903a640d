"""What the core remembers of one partition, and how it calls the judge on one key. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar

from services.stream_processors.engine.documents import Documents
from services.stream_processors.engine.events import (
    Coordinates,
    FailureReason,
    JudgingFailed,
    Output,
    ReadingEvent,
    has_failed,
)
from services.stream_processors.engine.judge import Judge, Moment
from services.stream_processors.engine.lane import Lane

S = TypeVar("S")
R = TypeVar("R")

_DETAIL_MAX_CHARS: Final = 300


class Waiting(NamedTuple):
    """A reading of a lane that is not open."""

    offset: int
    raw: bytes
    since_us: int | None
    """Broker time of its arrival; None: it may wait for ever."""


@dataclass(slots=True)
class Partition(Generic[S]):
    """All that the core remembers of one partition."""

    topic: str
    number: int
    live: bool = True
    """Whether it is judged for `live`, or for all other lanes."""
    lanes: dict[str, Lane[S]] = field(default_factory=dict)
    documents: Documents = field(default_factory=Documents)
    judge: Judge[S] | None = None
    """The judge under the documents published here; None while there are none."""
    broker_us: int | None = None
    """How far the broker's own time is known to be; only kept for lanes other than `live`."""
    waiting: dict[str, list[Waiting]] = field(default_factory=dict)
    """Readings by lane, until a clock message opens it."""
    turned_away: dict[str, int | None] = field(default_factory=dict)
    """Lanes that were not opened because too many were open, with the broker time of it."""
    forgotten: list[tuple[str, str]] = field(default_factory=list)
    """Lane and key of what was forgotten since the state was last written."""

    def moment(self, name: str, lane: Lane[S], spare: int = 0) -> Moment:
        """Where the lane's time stands."""
        return Moment(name, lane.clock_us, lane.horizon_us, self.topic, self.number, None, spare)


def judge_reading(
    judge: Judge[S], state: Partition[S], lane: Lane[S], event: ReadingEvent, outputs: list[Output]
) -> None:
    """Judge a reading of an open lane."""
    reading, coordinates = event.reading, event.coordinates
    key = reading.group_id
    key_state = lane.keys.get(key)
    if key_state is None:
        key_state = judge.new_state(key, reading.lane)
        lane.add(key, key_state)
    said = len(outputs)
    moment = Moment(reading.lane, lane.clock_us, lane.horizon_us, state.topic, state.number, event.broker_us)
    try:
        lane.ask(key, judge.on_reading(key_state, reading, coordinates, moment, outputs))
        if key in lane.muted:
            del lane.muted[key]
            lane.ask(key, judge.due(key_state, moment))
    except Exception as error:  # noqa: BLE001 - whatever a record makes the rules do, the rest goes on
        del outputs[said:]
        outputs.append(JudgingFailed(coordinates, event.raw, detail_of(error), reading.lane, key))
    lane.changed[key] = None
    lane.judged += 1
    _count_failures(lane, outputs, said, event)


def judge_key(
    name: str,
    lane: Lane[S],
    key: str,
    act: Callable[[S, list[Output]], R],
    outputs: list[Output],
    *,
    mutes: bool = False,
) -> R | None:
    """Let the judge do something with one key; an error ends that and gives None.

    Args:
        mutes: After an error the key is not called by the clock any more until it is heard of.
    """
    said = len(outputs)
    lane.changed[key] = None
    found: R | None = None
    try:
        found = act(lane.keys[key], outputs)
    except Exception as error:  # noqa: BLE001 - the other keys go on
        del outputs[said:]
        outputs.append(JudgingFailed(None, b"", detail_of(error), name, key))
        if mutes:
            lane.mute(key)
    if len(outputs) > said:
        _count_failures(lane, outputs, said, None)
    return found


def _count_failures(lane: Lane[S], outputs: list[Output], first: int, event: ReadingEvent | None) -> None:
    """Count what failed, and give the record's bytes to its own failure."""
    if not has_failed(outputs):
        return
    for place in range(first, len(outputs)):
        failed = outputs[place]
        if type(failed) is not JudgingFailed:
            continue
        lane.refused += 1
        if event is not None and failed.coordinates == event.coordinates:
            outputs[place] = failed._replace(payload=event.raw)


def refusal(event_at: Coordinates, raw: bytes, why: tuple[FailureReason, str], lane: str, key: str = "") -> Output:
    """The dead letter of a record that is not judged at all."""
    reason, detail = why
    return JudgingFailed(event_at, raw, detail, lane, key, reason)


def detail_of(error: Exception) -> str:
    """What went wrong, for people."""
    return f"judging raised {type(error).__name__}: {error}"[:_DETAIL_MAX_CHARS]
