"""The state of one key as named parts: small ones that are written again, and blocks that are written once.

    head          the head's state, its wakes, and all scalars        w, w:<n>    tail and blocks of the window
    said          episodes, and what was said of them                 a, a:<n>    the same of what is dated ahead
    f:<hour>      figures whose period ends in that hour              cp:<n>      checkpoint
    before        how it stood at the last checkpoint written         cd:<n>      how it stood there, if touched since
    n             numbers that devices have used          clocks          devices whose clocks are wrong
    late          what waits, and what the shadow has still to meet   shadow, sd:<n>  the shadow, as it stands

A part that would be too large is cut: the pieces behind the first have `/1`, `/2` ... behind the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeVar

import lz4.block  # type: ignore[import-untyped]
import msgspec

from schemas.alert import Suppression
from schemas.verdict import Threshold
from services.stream_processors.engine.announcing import Book
from services.stream_processors.engine.counting import Episode
from services.stream_processors.engine.device_clocks import Watch
from services.stream_processors.engine.feed_rules import Entry, FeedRules, Figure
from services.stream_processors.engine.frame import Before, EpisodeKey, FigureKey, Frame, Trail, joined
from services.stream_processors.engine.indicators import Published
from services.stream_processors.engine.key_state import KeyState, Written, hour_of
from services.stream_processors.engine.position import Position
from services.stream_processors.engine.steps import UNPACKED_CHECKPOINTS, pack_checkpoint

S = TypeVar("S")
K = TypeVar("K")
T = TypeVar("T")

PARTS_VERSION: Final = 1
"""Version of the form of all parts but what is the feed's own (see `FeedRules.state_version`)."""

PASSING: Final = ("late", "shadow", "clocks")
"""Parts that are there only while there is something to tell."""

PIECE_BYTES: Final = 900_000
"""No part is larger."""


class Head(NamedTuple):
    """The part `head`."""

    version: int
    state_version: int
    state: bytes
    position: Position
    wakes: dict[str, int]
    newest: dict[str, int]
    checkpoints: list[int]
    """Those that are written, the base first."""
    since: int
    number: int
    fired_us: int
    closed_us: int
    folded_us: int
    credit: int
    skipped: list[Position]
    skipped_wakes: list[tuple[int, str]]
    clock_us: int | None
    review_us: int | None
    held_episodes: list[EpisodeKey]
    held_figures: list[FigureKey]


class Told(NamedTuple):
    """One alert of the book."""

    name: EpisodeKey
    revision: int
    episode: Episode
    suppression: str | None
    members: tuple[tuple[str, str], ...]
    as_of_us: int
    retracted: bool


class SaidPart(NamedTuple):
    """The part `said`."""

    episodes: list[tuple[EpisodeKey, Episode]]
    book: list[Told]


class ClocksPart(NamedTuple):
    """The part `clocks`."""

    watches: dict[str, Watch]
    said: SaidPart


class FigureRow(NamedTuple):
    """One figure of a part `f:<hour>`."""

    name: FigureKey
    figure: Figure | None
    published: Published | None


class BeforePart(NamedTuple):
    """The parts `before`, `cd:<n>` and `sd:<n>`."""

    episodes: list[tuple[EpisodeKey, Episode | None]]
    figures: list[tuple[FigureKey, Figure | None]]


class CheckpointPart(NamedTuple):
    """A part `cp:<n>`."""

    position: Position
    wakes: dict[str, int]
    applied: int
    state_version: int
    state: bytes


class LatePart(NamedTuple):
    """The part `late`."""

    pending: list[Entry]
    met: list[Entry]


class ShadowPart(NamedTuple):
    """The part `shadow`: what differs from the head."""

    start: Position
    free_to: Position
    heard_us: int
    state_version: int
    state: bytes
    position: Position
    wakes: dict[str, int]
    checkpoints: list[int]
    since: int
    differs: BeforePart
    before: BeforePart


def _encoded(value: Any) -> Any:
    """A threshold or a suppression as JSON."""
    if isinstance(value, Threshold | Suppression):
        return value.model_dump_json()
    raise TypeError(f"a state may not hold a {type(value).__name__}")


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_encoded)


def encode(part: object) -> bytes:
    """The bytes of a part."""
    packed: bytes = lz4.block.compress(_ENCODER.encode(part))
    return packed


def changes_of(rules: FeedRules[S], state: KeyState[S]) -> dict[str, bytes | None]:
    """The parts that differ since the last call; None: the part is gone."""
    written = state.written
    if not written.touched:
        return {}
    found: dict[str, bytes | None] = {**state.line.window.changes(), **state.ahead.changes()}
    found |= _checkpoints(rules, state)
    again = {"head": encode(_head(rules, state)), "n": encode(state.numbers.dump())}
    if written.alerts:
        again["said"] = encode(_said(state.line.head.episodes, state.book))
    again |= _clocks(state)
    for hour, rows in _figures(state).items():
        again[f"f:{hour}"] = encode(rows)
    found |= {f"f:{hour}": None for hour in written.hours if f"f:{hour}" not in again}
    waits = state.line.pending, [] if state.line.redo is None else state.line.redo.late
    if any(waits):
        again["late"] = encode(LatePart(*waits))
    if state.line.redo is not None:
        again["shadow"] = encode(_shadow(rules, state))
    found |= {name: None for name in PASSING if name in written.digests and name not in again}
    for name, raw in again.items():
        digest = blake2b(raw, digest_size=8).digest()
        if written.digests.get(name) != digest:
            written.digests[name], found[name] = digest, raw
    for name, part in found.items():
        if part is None:
            written.digests.pop(name, None)
    written.touched = written.alerts = False
    written.hours = set()
    return _cut(found, written.pieces)


def _cut(found: dict[str, bytes | None], pieces: dict[str, int]) -> dict[str, bytes | None]:
    """Parts that are too large in pieces; `pieces` remembers how many there were."""
    cut: dict[str, bytes | None] = {}
    for name, raw in found.items():
        before = pieces.pop(name, 1)
        if raw is None or len(raw) <= PIECE_BYTES:
            cut[name] = raw
            count = 1
        else:
            count = -(-len(raw) // PIECE_BYTES)
            pieces[name] = count
            for piece in range(count):
                cut[f"{name}/{piece}" if piece else name] = raw[piece * PIECE_BYTES : (piece + 1) * PIECE_BYTES]
        cut |= {f"{name}/{piece}": None for piece in range(count, before)}
    return cut


def whole(parts: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[str, int]]:
    """Parts with their pieces joined, and how many pieces there were."""
    counts: dict[str, int] = {}
    for name in parts:
        base, _, _ = name.partition("/")
        counts[base] = counts.get(base, 0) + 1
    found = {
        base: b"".join([parts[f"{base}/{piece}" if piece else base] for piece in range(count)])
        for base, count in counts.items()
    }
    return found, {base: count for base, count in counts.items() if count > 1}


def _head(rules: FeedRules[S], state: KeyState[S]) -> Head:
    line = state.line
    frame = line.trail.frame
    return Head(
        PARTS_VERSION,
        rules.state_version,
        rules.pack(frame.state),
        frame.position,
        frame.wakes,
        line.newest,
        [line.trail.checkpoints[index].number for index in written_indexes(line.trail)],
        line.trail.since,
        line.number,
        line.fired_us,
        line.closed_us,
        line.folded_us,
        line.credit,
        sorted(line.skipped),
        sorted(line.skipped_wakes),
        state.clock_us,
        state.review_us,
        sorted(state.held.episodes),
        sorted(state.held.figures),
    )


def _said(episodes: dict[EpisodeKey, Episode], book: Book) -> SaidPart:
    return SaidPart(
        list(episodes.items()),
        [
            Told(
                name,
                known.revision,
                known.statement.episode,
                None if known.statement.suppression is None else known.statement.suppression.model_dump_json(),
                known.statement.members,
                known.as_of_us,
                known.retracted,
            )
            for name, known in book.items()
        ],
    )


def _clocks(state: KeyState[S]) -> dict[str, bytes]:
    clocks = state.clocks
    if clocks is None:
        return {}
    return {"clocks": encode(ClocksPart(clocks.watches, _said(clocks.episodes, clocks.book)))}


def _figures(state: KeyState[S]) -> dict[int, list[FigureRow]]:
    """Rows of the hours that may differ."""
    hours, figures, published = state.written.hours, state.line.head.figures, state.published
    found: dict[int, list[FigureRow]] = {}
    if hours:
        for name in {**figures, **published}:
            hour = hour_of(name)
            if hour in hours:
                found.setdefault(hour, []).append(FigureRow(name, figures.get(name), published.get(name)))
    return found


def before_part(before: Before) -> BeforePart:
    """As it is written."""
    return BeforePart(list(before.episodes.items()), list(before.figures.items()))


def written_indexes(trail: Trail[S]) -> list[int]:
    """Checkpoints of a trail that are written: the base and all but the newest."""
    count = len(trail.checkpoints)
    return [index for index in range(count) if index == 0 or index < count - UNPACKED_CHECKPOINTS]


def _open_before(trail: Trail[S]) -> Before:
    """How it stood at the last checkpoint that is written."""
    return trail.changed_since(written_indexes(trail)[-1])


def _checkpoints(rules: FeedRules[S], state: KeyState[S]) -> dict[str, bytes | None]:
    """Parts of checkpoints that were not written yet, and of those that are gone."""
    line, written = state.line, state.written
    found: dict[str, bytes | None] = {}
    present: set[int] = set()
    befores: dict[str, tuple[Before, ...]] = {}
    trails = [("cd", line.trail)] if line.redo is None else [("cd", line.trail), ("sd", line.redo.trail)]
    for letters, trail in trails:
        indexes = written_indexes(trail)
        if letters == "cd":
            found |= _before(trail, indexes[-1], written)
        for index, after in zip(indexes, [*indexes[1:], None], strict=True):
            checkpoint = trail.checkpoints[index]
            if checkpoint.number not in written.checkpoints and checkpoint.number not in present:
                packed = pack_checkpoint(rules, checkpoint)
                part = CheckpointPart(checkpoint.position, checkpoint.wakes, checkpoint.applied, *packed)
                found[f"cp:{checkpoint.number}"] = encode(part)
            present.add(checkpoint.number)
            chain = tuple(trail.checkpoints[between].before for between in range(index, after or index))
            if any(chain):
                befores[f"{letters}:{checkpoint.number}"] = chain
    for name, chain in befores.items():
        if not _same(chain, written.befores.get(name, ())):
            found[name] = encode(before_part(joined(chain)))
    found |= {f"cp:{number}": None for number in written.checkpoints - present}
    found |= {name: None for name in written.befores if name not in befores}
    written.checkpoints, written.befores = present, befores
    return found


def _before(trail: Trail[S], index: int, written: Written) -> dict[str, bytes | None]:
    """How it stood at the last checkpoint that is written, when that differs: it grows, and is never changed."""
    chain = (*(checkpoint.before for checkpoint in trail.checkpoints[index:]), trail.frame.before)
    size = sum([len(before.episodes) + len(before.figures) for before in chain])
    known, known_size = written.open
    if size == known_size and _same(chain, known):
        return {}
    written.open = chain, size
    return {"before": encode(before_part(joined(chain)))}


def _same(one: Iterable[Before], other: tuple[Before, ...]) -> bool:
    found = tuple(one)
    return len(found) == len(other) and all(a is b for a, b in zip(found, other, strict=True))


def _shadow(rules: FeedRules[S], state: KeyState[S]) -> ShadowPart:
    redo, head = state.line.redo, state.line.head
    assert redo is not None  # noqa: S101 - the caller has looked
    trail = redo.trail
    frame: Frame[S] = trail.frame
    differs = Before(_differs(frame.episodes, head.episodes), _differs(frame.figures, head.figures))
    return ShadowPart(
        redo.start,
        redo.free_to,
        redo.heard_us,
        rules.state_version,
        rules.pack(frame.state),
        frame.position,
        frame.wakes,
        [trail.checkpoints[index].number for index in written_indexes(trail)],
        trail.since,
        before_part(differs),
        before_part(_open_before(trail)),
    )


def _differs(one: dict[K, T], other: dict[K, T]) -> dict[K, T | None]:
    """What is otherwise in the first than in the second; None: not there."""
    found: dict[K, T | None] = {key: value for key, value in one.items() if other.get(key) is not value}
    found |= dict.fromkeys([key for key in other if key not in one])
    return found
