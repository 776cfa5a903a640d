"""A judge that does what its readings say, so that tests of the core see each call; and short logs for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from schemas.fields import Feed
from schemas.parking import ParkingReading
from schemas.plan.book import Document, identity_of
from services.stream_processors.engine.event_time import MICROSECONDS, to_us
from services.stream_processors.engine.events import Coordinates, Fate, Judged, Output
from services.stream_processors.engine.judge import Moment
from tests.unit.stream_processors.recorded import Item, Record, item

START = datetime(2026, 11, 24, tzinfo=UTC)
START_US = to_us(START)
LANE = "replay:day"


@dataclass
class Key:
    """What the judge knows of a key; `blocks` are parts of their own."""

    key: str
    lane: str
    heard: list[int] = field(default_factory=list)
    """Offsets."""
    called: list[int] = field(default_factory=list)
    """Seconds after START at which the clock was told."""
    wake_us: int | None = None
    late: int = 0
    """Readings to apply again."""
    settled: bool = False
    folds: int = 0
    raises: str = ""
    """On which call: `reading`, `time`, `fold`, `settle`, `rejudge`."""
    blank: bool = False
    documents: tuple[str, ...] = ()
    blocks: dict[str, int] = field(default_factory=dict)
    written: dict[str, bytes] = field(default_factory=dict)
    """Parts as they were given last."""

    def form(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in {"blocks", "written"}}


class ScriptedJudge:
    """See `Key`. Device `wake-30`: a call 30 s after the reading; `raise-time`: raises then; `late-5`: five to redo."""

    feed = Feed.PARKING
    lateness = timedelta(hours=2)

    def __init__(self, documents: tuple[str, ...] = ()) -> None:
        self.documents = documents

    def decode(self, raw: bytes) -> ParkingReading:
        return ParkingReading.model_validate_json(raw)

    def with_document(self, document: Document) -> ScriptedJudge:
        name = "/".join(identity_of(document)[1:])
        if "bad" in name:
            raise OverflowError("a lateness of 9e99 seconds")
        return type(self)((*(known for known in self.documents if known != name), name))

    def new_state(self, key: str, lane: str) -> Key:
        return Key(key, lane)

    def on_reading(
        self, state: Key, reading: Any, coordinates: Coordinates, moment: Moment, outputs: list[Output]
    ) -> int | None:
        outputs.append(Judged(Fate.IN_ORDER))
        what, _, value = reading.device_id.partition("-")
        if what == "raise":
            state.raises = value
        elif what == "blank":
            state.blank = True
        self._maybe_raise(state, "reading")
        state.heard.append(coordinates.offset)
        state.blocks[f"block-{len(state.heard) // 3}"] = coordinates.offset
        state.blocks.pop(f"block-{len(state.heard) // 3 - 2}", None)
        if what == "wake":
            state.wake_us = to_us(reading.observed_at) + int(value) * MICROSECONDS
        elif what == "late":
            state.late += int(value)
        return self.due(state, moment)

    def on_time(self, state: Key, moment: Moment, outputs: list[Output]) -> int | None:
        assert moment.clock_us is not None
        self._maybe_raise(state, "time")
        state.late = max(0, state.late - moment.spare)
        if state.wake_us is not None and state.wake_us <= moment.clock_us:
            state.wake_us = None
            state.called.append((moment.clock_us - START_US) // MICROSECONDS)
            outputs.append(Judged(Fate.LATE))
        return self.due(state, moment)

    def due(self, state: Key, moment: Moment) -> int | None:
        return moment.clock_us if state.late else state.wake_us

    def late_work(self, state: Key) -> int:
        return state.late

    def rejudge(self, state: Key, from_us: int, moment: Moment, outputs: list[Output]) -> int | None:  # noqa: ARG002
        self._maybe_raise(state, "rejudge")
        state.documents = self.documents
        return self.due(state, moment)

    def fold(self, state: Key, moment: Moment) -> bool:  # noqa: ARG002
        self._maybe_raise(state, "fold")
        state.folds += 1
        return state.blank

    def settle(self, state: Key, moment: Moment, outputs: list[Output]) -> None:  # noqa: ARG002
        self._maybe_raise(state, "settle")
        outputs += [Judged(Fate.LATE)] * state.late
        state.late, state.settled = 0, True

    def changes(self, state: Key) -> dict[str, bytes | None]:
        parts = {"head": orjson.dumps(state.form()), **{k: orjson.dumps(v) for k, v in state.blocks.items()}}
        differing: dict[str, bytes | None] = {k: v for k, v in parts.items() if state.written.get(k) != v}
        differing |= dict.fromkeys(state.written.keys() - parts.keys())
        state.written = parts
        return differing

    def restore(self, key: str, lane: str, parts: Mapping[str, bytes]) -> Key:
        assert (key, lane) == (orjson.loads(parts["head"])["key"], orjson.loads(parts["head"])["lane"])
        state = Key(**orjson.loads(parts["head"]))
        state.documents = tuple(state.documents)
        state.blocks = {name: orjson.loads(raw) for name, raw in sorted(parts.items()) if name != "head"}
        state.written = dict(parts)
        return state

    def restore_release_2(self, dumped: Any) -> Key:
        return Key(**dumped)

    def _maybe_raise(self, state: Key, on: str) -> None:
        if state.raises == on:
            raise OverflowError("date value out of range")


def reading(second: float, device: str = "lot", *, key: str = "zone", lane: str = "live") -> Item:
    body = ParkingReading(
        feed=Feed.PARKING,
        device_id=device,
        group_id=key,
        boot_id="b",
        seq=0,
        observed_at=START + timedelta(seconds=second),
        lane=lane,
        total_spaces=10,
        free_spaces=5,
    )
    return item(body)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def us(second: float) -> int:
    return START_US + int(second * MICROSECONDS)


def taken(second: float, one: Item, offset: int = 0) -> Record:
    """A record that the broker took so many seconds after START."""
    return Record(offset, *one, timestamp=(START_US + int(second * MICROSECONDS)) // 1_000)


def log(*records: tuple[float, Item]) -> list[Record]:
    return [taken(second, one, offset) for offset, (second, one) in enumerate(records)]
