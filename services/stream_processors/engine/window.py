"""The readings of one key that are kept, in the order of event time: packed blocks and an open tail.

    blocks   [b0: 64 readings][b1: 64][b2: 64] ...        tail  e e e e e e ...
             packed, never changed, written once                the newest, as they came

A reading in a block takes some 25 to 60 bytes. What comes late is put into its block by unpacking and replacing it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

import lz4.block  # type: ignore[import-untyped]
import msgspec

from services.stream_processors.engine.feed_rules import Entry
from services.stream_processors.engine.position import AFTER, NOWHERE, Position

BLOCK_ENTRIES: Final = 64
TAIL_ENTRIES: Final = 2 * BLOCK_ENTRIES
"""A tail of so many readings gives its older half to a block."""

_WHOLE: Final = 4
"""Parts of the position of an entry; others are places between entries."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[Entry])


class Block(NamedTuple):
    """Readings that stand next to each other, packed; a block is never changed, only replaced."""

    first: Position
    size: int
    packed: bytes


_BLOCK_DECODER: Final = msgspec.msgpack.Decoder(Block)


def pack_entries(entries: Sequence[Entry]) -> bytes:
    """Entries as few bytes."""
    packed: bytes = lz4.block.compress(_ENCODER.encode(entries))
    return packed


def unpack_entries(packed: bytes) -> list[Entry]:
    """Entries from their bytes.

    Raises:
        ValueError: the bytes are no entries (`msgspec.DecodeError` is one), or are damaged.
        RuntimeError: the bytes are damaged.
    """
    entries: list[Entry] = _DECODER.decode(lz4.block.decompress(packed))
    return entries


def place_behind(entries: Sequence[Entry], position: Position) -> int:
    """Where the first of sorted entries stands that lies behind a position."""
    # An entry goes on with its asset where its position ends: with a last word it compares without being cut.
    return bisect_left(entries, (*position, AFTER) if len(position) == _WHOLE else position)


def among(entries: Sequence[Entry], position: Position) -> Entry | None:
    """The reading at a position, if it is one of these, which are sorted."""
    place = bisect_left(entries, position)
    return entries[place] if place < len(entries) and entries[place][:4] == position else None


class Window:
    """Readings of one key, sorted, none twice.

    Args:
        letter: Begins the names of its parts (see `changes`): `w` of the window, `a` of what is dated ahead.
    """

    __slots__ = ("_blocks", "_fresh", "_gone", "_letter", "_next", "_numbers", "_tail", "_tail_changed", "_unpacked")

    def __init__(self, letter: str = "w") -> None:
        self._letter = letter
        self._blocks: list[Block] = []
        self._numbers: list[int] = []
        """Of each block: names its part of the state."""
        self._next = 0
        self._tail: list[Entry] = []
        self._unpacked: tuple[Block, list[Entry]] | None = None
        """The block that was read last."""
        self._fresh: set[int] = set()
        """Blocks that no `changes` has given yet."""
        self._gone: set[int] = set()
        self._tail_changed = False

    def __len__(self) -> int:
        return sum([block.size for block in self._blocks]) + len(self._tail)

    def __bool__(self) -> bool:
        return bool(self._tail or self._blocks)

    def __iter__(self) -> Iterator[Entry]:
        return self.after(NOWHERE)

    def append(self, entry: Entry) -> None:
        """Keep a reading that is newer than all others."""
        self._tail.append(entry)
        self._tail_changed = True
        if len(self._tail) >= TAIL_ENTRIES:
            self._pack_tail()

    def _pack_tail(self) -> None:
        while len(self._tail) >= TAIL_ENTRIES:
            self._replace(len(self._blocks), len(self._blocks), self._tail[:BLOCK_ENTRIES])
            del self._tail[:BLOCK_ENTRIES]

    def knows(self, position: Position) -> bool:
        """Whether the reading at a position is kept."""
        return self.at(position) is not None

    def at(self, position: Position) -> Entry | None:
        """The reading at a position, if it is kept."""
        return among(self._part_with(position), position)

    def _part_with(self, position: Position) -> list[Entry]:
        index = self._index(position)
        return self._tail if index == len(self._blocks) else self._entries(index)

    def _index(self, position: Position) -> int:
        """The block in which a position lies, or would lie; the number of blocks: in the tail."""
        if not self._blocks or (self._tail and position >= self._tail[0][:4]):
            return len(self._blocks)
        return max(0, bisect_right(self._blocks, position, key=_first) - 1)

    def _entries(self, index: int) -> list[Entry]:
        block = self._blocks[index]
        if self._unpacked is None or self._unpacked[0] is not block:
            self._unpacked = block, unpack_entries(block.packed)
        return self._unpacked[1]

    def relax(self) -> None:
        """Give back the memory of what was unpacked for reading."""
        self._unpacked = None

    def merge(self, entries: Iterable[Entry]) -> None:
        """Put late readings at their places.

        Args:
            entries: Sorted; none is known.
        """
        waiting = list(entries)
        while waiting and waiting[0][:4] < self._tail_begins():
            index = self._index(waiting[0][:4])
            ends = self._blocks[index + 1].first if index + 1 < len(self._blocks) else self._tail_begins()
            count = bisect_left(waiting, ends)
            together = sorted([*self._entries(index), *waiting[:count]])
            del waiting[:count]
            pieces = [together] if len(together) < TAIL_ENTRIES else _cut(together)
            self._replace(index, index + 1, *pieces)
        for entry in waiting:
            insort(self._tail, entry)
        self._tail_changed = self._tail_changed or bool(waiting)
        self._pack_tail()

    def _tail_begins(self) -> Position:
        """Where the tail begins; without blocks everything belongs to it."""
        if not self._blocks:
            return NOWHERE
        return self._tail[0][:4] if self._tail else (2**62,)

    def _replace(self, start: int, stop: int, *pieces: list[Entry]) -> None:
        for number in self._numbers[start:stop]:
            self._drop_number(number)
        numbers = range(self._next, self._next + len(pieces))
        self._next += len(pieces)
        self._fresh.update(numbers)
        self._numbers[start:stop] = numbers
        self._blocks[start:stop] = [Block(piece[0][:4], len(piece), pack_entries(piece)) for piece in pieces]

    def _drop_number(self, number: int) -> None:
        if number in self._fresh:
            self._fresh.discard(number)
        else:
            self._gone.add(number)

    def after(self, position: Position) -> Iterator[Entry]:
        """The readings behind a position, in order; the window must not be changed meanwhile."""
        index = self._index(position)
        if index < len(self._blocks):
            entries = self._entries(index)
            yield from islice(entries, place_behind(entries, position), None)
            for later in range(index + 1, len(self._blocks)):
                yield from self._entries(later)
            yield from self._tail
        else:
            yield from islice(self._tail, place_behind(self._tail, position), None)

    def count_after(self, position: Position) -> int:
        """How many readings stand behind a position."""
        index = self._index(position)
        if index == len(self._blocks):
            return len(self._tail) - place_behind(self._tail, position)
        entries = self._entries(index)
        behind = sum([block.size for block in self._blocks[index + 1 :]]) + len(self._tail)
        return behind + len(entries) - place_behind(entries, position)

    def take_until(self, position: Position) -> list[Entry]:
        """Take out the readings before a position."""
        index = self._index(position)
        taken = [entry for before in range(index) for entry in self._entries(before)]
        part = self._tail if index == len(self._blocks) else self._entries(index)
        place = bisect_left(part, position)
        taken += part[:place]
        if index < len(self._blocks):
            self._replace(0, index + 1, *([part[place:]] if place < len(part) else []))
        else:
            self._replace(0, index)
            self._tail_changed = self._tail_changed or place > 0
            del self._tail[:place]
        return taken

    def pop_last(self) -> Entry:
        """Take the latest reading out; one must be kept."""
        if not self._tail:
            self._tail = list(self._entries(len(self._blocks) - 1))
            self._replace(len(self._blocks) - 1, len(self._blocks))
        self._tail_changed = True
        return self._tail.pop()

    def first_us(self) -> int | None:
        """Time of the earliest reading."""
        if self._blocks:
            at_us = self._blocks[0].first[0]
            return at_us if isinstance(at_us, int) else None
        return self._tail[0].at_us if self._tail else None

    def at_us_from_end(self, count: int) -> int:
        """Time of the reading behind which (itself included) so many stand; more must be kept."""
        place = len(self) - count
        for index, block in enumerate(self._blocks):
            if place < block.size:
                return self._entries(index)[place].at_us
            place -= block.size
        return self._tail[place].at_us

    def forget_until(self, position: Position) -> None:
        """Drop what lies at or before a position; a block goes when all of it does."""
        index = self._index(position)
        if index == len(self._blocks):
            kept = place_behind(self._tail, position)
            self._tail_changed = self._tail_changed or kept > 0
            del self._tail[:kept]
        elif position >= self._entries(index)[-1][:4]:
            index += 1
        self._replace(0, index)

    def changes(self) -> dict[str, bytes | None]:
        """Parts that differ since the last call, by name: blocks are given once, the tail whenever it changed."""
        found: dict[str, bytes | None] = {f"{self._letter}:{number}": None for number in sorted(self._gone)}
        for number, block in zip(self._numbers, self._blocks, strict=True):
            if number in self._fresh:
                found[f"{self._letter}:{number}"] = _ENCODER.encode(block)
        if self._tail_changed:
            found[self._letter] = pack_entries(self._tail) if self._tail else None
        self._gone.clear()
        self._fresh.clear()
        self._tail_changed = False
        return found

    def restore(self, blocks: Iterable[tuple[int, bytes]], tail: bytes | None) -> None:
        """Take the parts of an earlier window, number and bytes of each block.

        Raises:
            ValueError: a part is damaged.
            RuntimeError: a part is damaged.
        """
        found = sorted((_BLOCK_DECODER.decode(raw), number) for number, raw in blocks)
        self._blocks = [block for block, _ in found]
        self._numbers = [number for _, number in found]
        self._next = max(self._numbers, default=-1) + 1
        self._tail = [] if tail is None else unpack_entries(tail)


def _first(block: Block) -> Position:
    return block.first


def _cut(entries: list[Entry]) -> list[list[Entry]]:
    """Pieces of about the size of a block."""
    return [entries[start : start + BLOCK_ENTRIES] for start in range(0, len(entries), BLOCK_ENTRIES)]
