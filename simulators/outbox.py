"""The memory of a device that stores and forwards: keeps each reading until its receipt. A pure state machine.

    add ──▶ waiting ──due()──▶ sent ──receipt──▶ forgotten
               ▲                 │
               └── reconnected ──┘   or the receipt did not move for `patience_seconds` though readings are outstanding

Full means full: a reading that finds no room is not taken and gets no sequence number, so that no gap is ever in
what was numbered; `turned_away` counts those, and whoever owns the outbox says so in the log. Time is an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar

Item = TypeVar("Item")

MAX_PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class OutboxPolicy:
    """What the operator chose."""

    capacity: int = 240
    """Items kept at most."""
    patience_seconds: float = 5.0
    """Time without a move of the receipt after which outstanding items are sent again; doubles up to a minute."""


class Kept(NamedTuple, Generic[Item]):
    """One item and the sequence numbers it stands for."""

    first: int
    last: int
    item: Item


class Outbox(Generic[Item]):
    """Items of one boot of one device, in the order of their sequence numbers."""

    def __init__(self, boot_id: str, policy: OutboxPolicy) -> None:
        self.boot_id = boot_id
        self.next_seq = 0
        self.safe_upto = -1
        """Highest sequence number that a receipt has named."""
        self.turned_away = 0
        """Readings that found no room."""
        self.repeated = 0
        """Items sent more than once."""
        self._policy = policy
        self._kept: deque[Kept[Item]] = deque()
        self._cursor = 0
        self._sent_before = -1
        self._connected = False
        self._moved_at = 0.0
        self._patience_seconds = policy.patience_seconds

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def is_full(self) -> bool:
        """Whether the next item would be turned away."""
        return len(self._kept) >= self._policy.capacity

    def add(self, item: Item, now: float, count: int = 1) -> bool:
        """Keep the item that stands for the next `count` sequence numbers; false when there is no room.

        An item whose numbers a receipt has named already (an earlier life of the same boot) is safe and not kept.
        """
        last = self.next_seq + count - 1
        if last <= self.safe_upto:
            self.next_seq += count
            return True
        if self.is_full:
            self.turned_away += count
            return False
        if not self._kept:
            self._moved_at = now
        self._kept.append(Kept(self.next_seq, last, item))
        self.next_seq += count
        return True

    def connected(self, now: float) -> None:
        """Send everything that is not safe again."""
        self._connected = True
        self._start_over(now)

    def disconnected(self) -> None:
        """Send nothing until the next connection."""
        self._connected = False

    def receipt(self, boot_id: str, seq: int | None, now: float) -> None:
        """Forget what is safe; a receipt of another boot says nothing about this one."""
        if boot_id != self.boot_id or seq is None or seq <= self.safe_upto:
            return
        self.safe_upto = seq
        while self._kept and self._kept[0].last <= seq:
            self._kept.popleft()
            self._cursor = max(0, self._cursor - 1)
        self._moved_at = now
        self._patience_seconds = self._policy.patience_seconds

    def due(self, now: float, most: int = 1_000) -> Sequence[Kept[Item]]:
        """What to send now, at most so many items, in order; they count as sent."""
        if not self._connected:
            return ()
        if self._cursor >= len(self._kept) and self._is_stuck(now):
            self._patience_seconds = min(self._patience_seconds * 2, MAX_PATIENCE_SECONDS)
            self._start_over(now)
        items = list(islice(self._kept, self._cursor, self._cursor + most))
        self._cursor += len(items)
        for each in items:
            if each.last <= self._sent_before:
                self.repeated += 1
            else:
                self._sent_before = each.last
        return items

    def _is_stuck(self, now: float) -> bool:
        return bool(self._kept) and now - self._moved_at >= self._patience_seconds

    def _start_over(self, now: float) -> None:
        self._cursor = 0
        self._moved_at = now
