"""A key from the parts of its state (see `parts`): blocks and checkpoints stay packed until they are needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, TypeVar

import lz4.block  # type: ignore[import-untyped]
import msgspec

from schemas.alert import Suppression
from schemas.verdict import Threshold
from services.stream_processors.engine.announcing import Book, Spoken
from services.stream_processors.engine.device_clocks import Clocks
from services.stream_processors.engine.event_time import span_us
from services.stream_processors.engine.feed_rules import FeedRules, unpacked
from services.stream_processors.engine.frame import Before, Checkpoint, Frame, Trail, Voice
from services.stream_processors.engine.key_state import Held, KeyState
from services.stream_processors.engine.numbers import Numbers, Used
from services.stream_processors.engine.parts import (
    PARTS_VERSION,
    PASSING,
    BeforePart,
    CheckpointPart,
    ClocksPart,
    FigureRow,
    Head,
    LatePart,
    SaidPart,
    ShadowPart,
    whole,
)
from services.stream_processors.engine.position import NEVER_US
from services.stream_processors.engine.statements import Statement
from services.stream_processors.engine.timeline import Redo, Timeline
from services.stream_processors.engine.window import Window
from services.stream_processors.errors import UnreadableStateError

S = TypeVar("S")


@lru_cache(256)
def _threshold(raw: str) -> Threshold:
    return Threshold.model_validate_json(raw)


def _decoded(kind: type, value: Any) -> Any:
    """What was written as JSON."""
    if kind is Threshold:
        return _threshold(value)
    raise TypeError(f"no {kind.__name__} is part of a state")


_HEAD: Final = msgspec.msgpack.Decoder(Head)
_SAID: Final = msgspec.msgpack.Decoder(SaidPart)
_CLOCKS: Final = msgspec.msgpack.Decoder(ClocksPart)
_NUMBERS: Final = msgspec.msgpack.Decoder(dict[str, list[Used]])
_FIGURES: Final = msgspec.msgpack.Decoder(list[FigureRow], dec_hook=_decoded)
_BEFORE: Final = msgspec.msgpack.Decoder(BeforePart, dec_hook=_decoded)
_CHECKPOINT: Final = msgspec.msgpack.Decoder(CheckpointPart)
_LATE: Final = msgspec.msgpack.Decoder(LatePart)
_SHADOW: Final = msgspec.msgpack.Decoder(ShadowPart, dec_hook=_decoded)


def restored(rules: FeedRules[S], key: str, lane: str, parts: Mapping[str, bytes]) -> KeyState[S]:
    """The state of a key from its parts.

    Raises:
        UnreadableStateError: a part is missing, damaged, or of a version that is not known.
    """
    try:
        return _restored(rules, key, lane, parts)
    except Exception as error:
        # Damaged bytes raise whatever lz4, msgspec and the feed's own reader have for them.
        raise UnreadableStateError(
            f"the state of {key!r} in lane {lane!r} of feed {rules.feed.value} cannot be read "
            f"({type(error).__name__}: {error}): start the release that wrote it, or accept the loss of this feed's "
            "state and let its log be judged again from its beginning"
        ) from error


def _restored(rules: FeedRules[S], key: str, lane: str, parts: Mapping[str, bytes]) -> KeyState[S]:
    found, pieces = whole(parts)
    head: Head = _HEAD.decode(_unpacked(found["head"]))
    if head.version != PARTS_VERSION:
        raise ValueError(f"its parts are of version {head.version}, this release reads version {PARTS_VERSION}")
    frame = Frame(
        unpacked(rules, head.state, head.state_version, key, lane),
        head.position,
        head.wakes,
        min(head.wakes.values(), default=NEVER_US),
    )
    trail = Trail(frame, Voice(frame, span_us(rules.lateness)), _checkpoints(found, head.checkpoints, "cd"), head.since)
    line = Timeline(key, lane, trail, Window(), newest=head.newest, fired_us=head.fired_us, closed_us=head.closed_us)
    line.folded_us, line.credit, line.number = head.folded_us, head.credit, head.number
    line.skipped, line.skipped_wakes = set(head.skipped), set(head.skipped_wakes)
    state = KeyState(key, lane, line, clock_us=head.clock_us, review_us=head.review_us)
    state.held = Held(set(head.held_episodes), set(head.held_figures))
    for window, letter in ((line.window, "w"), (state.ahead, "a")):
        blocks = [(int(name[2:]), raw) for name, raw in found.items() if name.startswith(f"{letter}:")]
        window.restore(blocks, found.get(letter))
    _take_said(state, found)
    _take_late(rules, state, found)
    _know_as_written(state, found, pieces)
    return state


def _unpacked(raw: bytes) -> bytes:
    unpacked: bytes = lz4.block.decompress(raw)
    return unpacked


def _checkpoints(found: Mapping[str, bytes], numbers: list[int], letters: str) -> list[Checkpoint[Any]]:
    """Checkpoints, packed as they are."""
    made: list[Checkpoint[Any]] = []
    for number in numbers:
        part: CheckpointPart = _CHECKPOINT.decode(_unpacked(found[f"cp:{number}"]))
        before = _before(found.get(f"{letters}:{number}"))
        packed = part.state_version, part.state
        made.append(Checkpoint(number, part.position, None, part.wakes, packed, part.applied, before))
    return made


def _before(raw: bytes | None) -> Before:
    if raw is None:
        return Before()
    return _before_of(_BEFORE.decode(_unpacked(raw)))


def _before_of(part: BeforePart) -> Before:
    return Before(dict(part.episodes), dict(part.figures))


def _take_said(state: KeyState[S], found: Mapping[str, bytes]) -> None:
    frame = state.line.head
    frame.before = _before(found.get("before"))
    if "said" in found:
        said: SaidPart = _SAID.decode(_unpacked(found["said"]))
        frame.episodes, state.book = dict(said.episodes), _book(said)
    if "clocks" in found:
        clocks: ClocksPart = _CLOCKS.decode(_unpacked(found["clocks"]))
        state.clocks = Clocks(clocks.watches, dict(clocks.said.episodes), _book(clocks.said))
    if "n" in found:
        state.numbers = Numbers.of(_NUMBERS.decode(_unpacked(found["n"])))
    for name, raw in found.items():
        if name.startswith("f:"):
            rows: list[FigureRow] = _FIGURES.decode(_unpacked(raw))
            for row in rows:
                if row.figure is not None:
                    frame.figures[row.name] = row.figure
                if row.published is not None:
                    state.published[row.name] = row.published


def _book(said: SaidPart) -> Book:
    book: Book = {}
    for told in said.book:
        mark = None if told.suppression is None else Suppression.model_validate_json(told.suppression)
        statement = Statement(told.episode, mark, told.members)
        book[told.name] = Spoken(told.revision, statement, told.as_of_us, told.retracted)
    return book


def _take_late(rules: FeedRules[S], state: KeyState[S], found: Mapping[str, bytes]) -> None:
    line = state.line
    late: LatePart = _LATE.decode(_unpacked(found["late"])) if "late" in found else LatePart([], [])
    line.pending = late.pending
    if "shadow" not in found:
        return
    part: ShadowPart = _SHADOW.decode(_unpacked(found["shadow"]))
    frame = replace(
        line.head,
        state=unpacked(rules, part.state, part.state_version, line.key, line.lane),
        position=part.position,
        wakes=part.wakes,
        next_us=min(part.wakes.values(), default=NEVER_US),
        episodes=line.head.episodes.copy(),
        figures=line.head.figures.copy(),
        before=_before_of(part.before),
    )
    _before_of(part.differs).undo(frame.episodes, frame.figures)
    trail = Trail(frame, Voice(frame, span_us(rules.lateness)), _checkpoints(found, part.checkpoints, "sd"), part.since)
    line.redo = Redo(trail, late.met, part.start, part.free_to, part.heard_us)


def _know_as_written(state: KeyState[S], found: Mapping[str, bytes], pieces: dict[str, int]) -> None:
    """What was read need not be written again."""
    written = state.written
    written.touched = written.alerts = False
    written.pieces = pieces
    written.digests = {name: b"" for name in PASSING if name in found}
    written.checkpoints = {int(name[3:]) for name in found if name.startswith("cp:")}
    written.befores = {name: () for name in found if name.startswith(("cd:", "sd:"))}
