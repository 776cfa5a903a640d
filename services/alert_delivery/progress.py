"""How far a subscriber is in one partition. Pure.

Events finish out of order, because assets are independent of one another; the offset that is committed is that of the
lowest unfinished one. What is finished beyond it, how often an unfinished one was tried, and a record by which the log
is known again, go along as the commit's metadata, so that a restart repeats nothing, counts on, and sees whether the
topic was made anew.

    offsets     40  41  42  43  44  45
    finished     ✓   ✓       ✓   ✓          position 42; metadata: 43 and 44 are done, 42 was tried twice
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from services.runtime.same_log import Mark

METADATA_MAX: Final = 4_000
"""Kafka takes 4,096 bytes; what does not fit is forgotten, and those events are repeated after a restart."""
_FORM: Final = re.compile(r"^done=([0-9,-]*) tried=([0-9,:]*)(?: mark=([0-9@-]+))?$", re.ASCII)
_PAIR: Final = re.compile(r"([0-9]{1,15})[-:]([0-9]{1,9})", re.ASCII)


@dataclass(slots=True)
class Ranges:
    """Offsets as ranges that do not touch: as many as there are unfinished events between them."""

    _firsts: list[int] = field(default_factory=list)
    _ends: list[int] = field(default_factory=list)
    """One behind the last of each."""

    def __contains__(self, offset: int) -> bool:
        at = bisect_right(self._firsts, offset) - 1
        return at >= 0 and offset < self._ends[at]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._ends, strict=True)

    def add(self, first: int, end: int) -> None:
        """Put a range in; what it touches becomes one with it."""
        if first >= end:
            return
        low, high = bisect_left(self._ends, first), bisect_right(self._firsts, end)
        if low < high:
            first, end = min(first, self._firsts[low]), max(end, self._ends[high - 1])
        self._firsts[low:high], self._ends[low:high] = [first], [end]

    def forget_before(self, offset: int) -> None:
        """Leave out what lies before an offset."""
        gone = bisect_right(self._ends, offset)
        del self._firsts[:gone], self._ends[:gone]
        if self._firsts:
            self._firsts[0] = max(self._firsts[0], offset)


@dataclass(slots=True)
class Progress:
    """One partition, from the offset where reading begins."""

    position: int
    """Everything before it is finished."""
    read_to: int = field(init=False)
    """Everything before it was taken up."""
    _open: dict[int, int] = field(default_factory=dict)
    """Unfinished offsets in ascending order: how often each was tried."""
    _done: Ranges = field(default_factory=Ranges)
    """Finished beyond the position."""
    _tried_before: dict[int, int] = field(default_factory=dict)
    """From the metadata, of events that were not met again yet."""

    def __post_init__(self) -> None:
        self.read_to = self.position

    @classmethod
    def restored(cls, position: int, metadata: str) -> Progress:
        """Go on where a commit left off; metadata of another form say nothing."""
        found = cls(position)
        done, tried = _read(metadata)
        for first, end in done:
            found._done.add(position + first, position + end)
        found._tried_before = {position + offset: times for offset, times in tried.items()}
        return found

    def begin(self, offset: int) -> int | None:
        """Take an event up; how often it was tried already, None when it is finished.

        Args:
            offset: Beyond those that were taken up; what is left out in between does not exist.
        """
        if offset > self.read_to:
            self._done.add(self.read_to, offset)
        self.read_to = max(self.read_to, offset + 1)
        if offset < self.position or offset in self._done:
            self._advance()
            return None
        self._open[offset] = self._tried_before.pop(offset, 0)
        self._advance()
        return self._open[offset]

    def tried(self, offset: int, attempts: int) -> None:
        """An event was tried so often, and is unfinished."""
        self._open[offset] = attempts

    def finish(self, offset: int) -> None:
        """Nothing is to be done about an event any more."""
        del self._open[offset]
        self._done.add(offset, offset + 1)
        self._advance()

    def metadata(self, proof: Mark | None = None) -> str:
        """What goes along with the position; of what does not fit, the farthest is left out.

        Args:
            proof: A record of the log; None: none is known.
        """
        done = ",".join(f"{first - self.position}-{end - self.position}" for first, end in self._done)
        times = sorted((self._tried_before | {at: n for at, n in self._open.items() if n}).items())
        tried = ",".join(f"{offset - self.position}:{n}" for offset, n in times if offset >= self.position)
        if len(done) + len(tried) > METADATA_MAX:
            done, tried = _shortened(done), _shortened(tried)
        return f"done={done} tried={tried}" if proof is None else f"done={done} tried={tried} mark={proof}"

    def _advance(self) -> None:
        lowest = next(iter(self._open), self.read_to)
        if lowest > self.position:
            self.position = lowest
            self._done.forget_before(lowest)


def proof_in(metadata: str) -> Mark | None:
    """The record by which the log of a commit is known again; None: the commit is of an older release, or of others."""
    match = _FORM.match(metadata)
    return None if match is None or match[3] is None else Mark.read(match[3])


def unfinished(position: int, metadata: str, end: int) -> int:
    """How many of the records up to `end` a commit says nothing final about."""
    done, _ = _read(metadata)
    return max(0, end - position - sum(last - first for first, last in done))


def _read(metadata: str) -> tuple[list[tuple[int, int]], dict[int, int]]:
    match = _FORM.match(metadata)
    if match is None:
        return [], {}
    done = [(int(first), int(end)) for first, end in _PAIR.findall(match[1])]
    return done, {int(offset): int(times) for offset, times in _PAIR.findall(match[2])}


def _shortened(text: str) -> str:
    most = METADATA_MAX // 2
    return text if len(text) <= most else text[:most].rpartition(",")[0]
