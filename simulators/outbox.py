"""The memory of a device that stores and forwards: keeps each reading until its receipt. A pure state machine.

    add ──▶ waiting ──due()──▶ sent ──receipt──▶ forgotten
               ▲                 │
               └── reconnected ──┘   or the receipt did not move for `patience_seconds` though readings are outstanding

Never more than `window` items are on their way: what a long outage brings stays here and not in the broker's queue.
When not even a receipt that stands still was heard since the last sending, nobody is there, and one item is sent again
to find out when somebody is; any receipt of this boot then lets the rest go. When receipts come and stand still,
something was dropped on the way: half as much goes at once, and more again as receipts move. The oldest item that is
sent again says so in its `base`: a bridge that has forgotten this boot goes on from there.

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

    capacity: int = 1_000
    """Items kept at most."""
    window: int = 100
    """Items on their way at most: sent, and without a receipt."""
    patience_seconds: float = 5.0
    """Time without a move of the receipt after which outstanding items are sent again; doubles up to a minute."""


class Kept(NamedTuple, Generic[Item]):
    """One item and the sequence numbers it stands for."""

    first: int
    last: int
    item: Item
    base: int | None = None
    """In what is sent: the oldest number that the device still keeps, where the bridge should be told it."""


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
        self._at_once = policy.window
        self._limit = policy.window
        self._answered = True
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
        self._start_over(now, self._at_once)

    def disconnected(self) -> None:
        """Send nothing until the next connection."""
        self._connected = False

    def receipt(self, boot_id: str, seq: int | None, now: float) -> None:
        """Forget what is safe; a receipt of another boot says nothing about this one.

        Args:
            seq: None while reading 0 is missing.
        """
        if boot_id != self.boot_id:
            return
        self._answered = True
        before = len(self._kept)
        if seq is not None and seq > self.safe_upto:
            self._move(seq, now)
        self._at_once = min(self._at_once + before - len(self._kept), self._policy.window)
        self._limit = self._at_once

    def _move(self, seq: int, now: float) -> None:
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
        if self._cursor >= min(len(self._kept), self._limit) and self._is_stuck(now):
            self._patience_seconds = min(self._patience_seconds * 2, MAX_PATIENCE_SECONDS)
            if self._answered:
                self._at_once = max(1, self._at_once // 2)
            self._start_over(now, self._at_once if self._answered else 1)
        items = list(islice(self._kept, self._cursor, min(self._cursor + most, self._limit)))
        if items and not self._cursor and items[0].first > 0 and items[0].last <= self._sent_before:
            items[0] = items[0]._replace(base=items[0].first)
        self._cursor += len(items)
        for each in items:
            if each.last <= self._sent_before:
                self.repeated += 1
            else:
                self._sent_before = each.last
        return items

    def _is_stuck(self, now: float) -> bool:
        return bool(self._kept) and now - self._moved_at >= self._patience_seconds

    def _start_over(self, now: float, limit: int) -> None:
        self._cursor = 0
        self._limit = limit
        self._answered = False
        self._moved_at = now
