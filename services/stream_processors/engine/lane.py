"""One lane in one partition: its keys, its clock, and which of the keys must be looked at when. Pure.

A tick must not cost what there are keys: timers stand in a heap, and windows are folded in turns, a few keys a tick.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Final, Generic, TypeVar
from zlib import crc32

S = TypeVar("S")

_FOLDS_PER_BOUND: Final = 16
"""The horizon moves in steps of a sixteenth of the lateness bound: late enough to be cheap, never too early."""

_TURNS: Final = 256
"""In the time of such a step each key has its turn to be folded once."""


@dataclass(slots=True)
class Lane(Generic[S]):
    """Everything remembered of a lane."""

    opened_offset: int = 0
    """Of the clock message that opened it; `live` is never opened."""
    clock_us: int | None = None
    """Its last tick, and nothing else: readings do not move time."""
    horizon_us: int | None = None
    """Samples before it come too late; None while nothing has been folded."""
    heard_us: int | None = None
    """Broker time when it was last heard of."""
    judged: int = 0
    refused: int = 0
    keys: dict[str, S] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    """Keys that were looked at since the state was last written, in order."""
    muted: dict[str, None] = field(default_factory=dict)
    """Keys that raised an error when they were called: they are not called until they are heard of."""
    _due: dict[str, int] = field(default_factory=dict)
    _timers: list[tuple[int, str]] = field(default_factory=list)
    """Heap; an entry that `_due` does not confirm is void."""
    _turns: dict[int, dict[str, None]] = field(default_factory=dict)

    def add(self, key: str, state: S) -> None:
        """Remember a key."""
        self.keys[key] = state
        self._turns.setdefault(crc32(key.encode()) % _TURNS, {})[key] = None

    def remove(self, key: str) -> None:
        """Forget a key."""
        del self.keys[key]
        self._due.pop(key, None)
        self.changed.pop(key, None)
        self.muted.pop(key, None)
        del self._turns[crc32(key.encode()) % _TURNS][key]

    def ask(self, key: str, due_us: int | None) -> None:
        """A key wants to be called at this time, or before if it has said so; None: it asks for nothing new.

        One that is muted asks in vain.
        """
        if due_us is None or key in self.muted:
            return
        known_us = self._due.get(key)
        if known_us is None or due_us < known_us:
            self._due[key] = due_us
            heappush(self._timers, (due_us, key))

    def mute(self, key: str) -> None:
        """Call a key no more."""
        self._due.pop(key, None)
        self.muted[key] = None

    def take_due(self, at_us: int) -> list[str]:
        """Keys whose time has come, the earliest first; they must ask again."""
        timers, found = self._timers, []
        while timers and timers[0][0] <= at_us:
            due_us, key = heappop(timers)
            if self._due.get(key) == due_us:
                del self._due[key]
                found.append(key)
        return found

    def waiting_for(self, at_us: int) -> list[str]:
        """Keys that `take_due` would give."""
        return [key for key, due_us in self._due.items() if due_us <= at_us]

    def move_horizon(self, before_us: int | None, at_us: int, lateness_us: int) -> list[str]:
        """The clock has moved: move the horizon if it is time; returns the keys whose turn it is to be folded.

        Args:
            before_us: Where the clock stood; None at its first tick.
        """
        step_us = max(1, lateness_us // _FOLDS_PER_BOUND)
        target_us = at_us - lateness_us
        if self.horizon_us is None or target_us - self.horizon_us >= step_us:
            self.horizon_us = target_us
        last = at_us * _TURNS // step_us
        first = last - _TURNS + 1 if before_us is None else max(before_us * _TURNS // step_us, last - _TURNS) + 1
        return sorted(key for turn in range(first, last + 1) for key in self._turns.get(turn % _TURNS, ()))
