"""Whether a log is still the one that was read. Pure.

A topic that is deleted and made again has the same name, and its offsets begin at 0 once more. However long it has
become by then: where a record of ours was now stands one of another time. So a record that was read is kept as a mark;
now and then it is read once more, and whatever was read meanwhile is of the same log if it is still there.

    read     0 1 2 3 4 5 6 7 8      next 9
    proof            4              it was there at the last look, and so was all before it
    look             4 5 6 7 8 9    the same time as before: proof is 8 now, and 9 is new
    look             4'             another time: another log, begin at its beginning
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

_FORM: Final = re.compile(r"([0-9]{1,16})@(-?[0-9]{1,16})", re.ASCII)


class Anew(StrEnum):
    """By what it is seen that a log was made anew, or has lost its end."""

    SHORTER = "shorter"
    """It ends before what was read of it."""
    EARLIER = "earlier"
    """What was read of it is not there, and what comes lies before it."""
    ANOTHER_RECORD = "another_record"
    """Where a record that was read stood is one of another time."""

    @property
    def words(self) -> str:
        """The same for people."""
        return _WORDS[self]


_WORDS: Final = {
    Anew.SHORTER: "it ends before what was read of it",
    Anew.EARLIER: "what was read of it is not there any more",
    Anew.ANOTHER_RECORD: "another record stands where one was read before",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A record that was read, by which its log is known again."""

    offset: int
    timestamp: int
    """Kafka's time, in milliseconds since 1970."""

    def __str__(self) -> str:
        return f"{self.offset}@{self.timestamp}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """A mark that was written as text; None: it is none."""
        match = _FORM.fullmatch(text)
        return None if match is None else cls(int(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True)
class Taken:
    """What a batch comes to."""

    records: Sequence[Any] = ()
    """Those that are new."""
    seek: int | None = None
    """Where the client has to go; None: it is right."""
    anew: Anew | None = None
    """It is another log, and `seek` its beginning. (What it has lost in front of that, the client passes by itself.)"""


@dataclass(slots=True)
class Following:
    """One partition that is read in the order of its offsets, from a place on."""

    next: int
    """Everything before was handed out, or was not wanted."""
    proof: Mark | None = None
    """A record of the log that the place is of, before the place or behind it; None: none is known."""
    first: int | None = None
    """Where the log began; without a proof, the record before the place becomes one if there is any. None: unknown."""
    _last: Mark | None = field(default=None, init=False)
    _sought: int | None = field(default=None, init=False)
    """Where the client was sent to see whether the log is the same, while it has not answered."""
    _hole: int | None = field(default=None, init=False)
    """What came behind a hole, and was asked for again."""

    def __post_init__(self) -> None:
        if self.proof is not None and self.first is not None and self.proof.offset < self.first:
            self.proof = None  # removed by its age: it tells nothing any more

    def is_shorter(self, end: int) -> bool:
        """Whether a log that ends there ends before what was read of it."""
        return end < max(self.next, 0 if self.proof is None else self.proof.offset + 1)

    def look(self) -> int:
        """Where the client has to go now, so that the next batch shows whether the log is the same."""
        if self.proof is not None:
            self._sought = self.proof.offset
        elif self.first is not None and self.next > self.first:
            self._sought = self.next - 1
        else:
            self._sought = None
        return self.next if self._sought is None else self._sought

    def has_passed(self, end: int, position: int) -> bool:
        """Whether everything before `end` was handed out, and is of the log that is there.

        Args:
            position: Where the client reads next; markers of transactions come to nobody, and it passes them.
        """
        is_away = self._sought is not None and position <= self._sought
        return not is_away and max(self.next, position) >= end

    def take(self, records: Sequence[Any]) -> Taken:
        """What a batch comes to.

        Args:
            records: At least one, as they stand in the log.
        """
        offset, sought = records[0].offset, self._sought
        if sought is not None:
            self._sought = None
            return self._answered(records, sought)
        if offset < self.next:
            place = self.look()
            return self.begin_anew(Anew.EARLIER) if self._sought is None else Taken(seek=place)
        if offset > self.next and self._hole != offset:
            # Gone by retention, or fetched for somebody else: whoever asks again knows.
            self._hole = offset
            return Taken(seek=self.next)
        return self._new(records)

    def begin_anew(self, why: Anew) -> Taken:
        """Go to the beginning of what proved to be another log."""
        self.next = self.first = 0
        self.proof = self._last = self._sought = self._hole = None
        return Taken(seek=0, anew=why)

    def _answered(self, records: Sequence[Any], sought: int) -> Taken:
        """The client was sent to a record that was read before: is it there?"""
        if records[0].offset < sought:
            return self.begin_anew(Anew.EARLIER)
        if self.proof is not None and records[0].offset == sought:
            if records[0].timestamp != self.proof.timestamp:
                return self.begin_anew(Anew.ANOTHER_RECORD)
            self.proof = self._later(self.proof)
        elif self.proof is not None:
            self.proof = None  # removed by its age: it tells nothing any more
        known = [record for record in records if record.offset < self.next]
        if self.proof is None and known:
            self.proof = _mark(known[-1])
        if sought > self.next:
            return Taken(seek=self.next)
        if len(known) < len(records):
            return self._new(records[len(known) :])
        return Taken(seek=self.next if records[-1].offset + 1 < self.next else None)

    def _later(self, proof: Mark) -> Mark:
        """What was read since the last look is of the same log, as the proof is still there."""
        return self._last if self._last is not None and self._last.offset > proof.offset else proof

    def _new(self, records: Sequence[Any]) -> Taken:
        self._last = _mark(records[-1])
        self.proof = self.proof or self._last
        self.next = self._last.offset + 1
        self._hole = None
        return Taken(records)


def _mark(record: Any) -> Mark:
    return Mark(record.offset, record.timestamp)
