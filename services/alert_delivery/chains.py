"""Work in order for each key, many keys at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Chains(Generic[T]):
    """Each key has its own line; what one waits for delays no other.

    Args:
        work: Done for each item; what it raises is raised by `room`.
        capacity: Items in hand, waiting ones included, beyond which `room` waits.
    """

    def __init__(self, work: Callable[[T], Awaitable[None]], capacity: int) -> None:
        self._work = work
        self._capacity = capacity
        self._waiting: dict[str, deque[T]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()
        self._failure: BaseException | None = None
        self.in_hand = 0

    def put(self, key: str, item: T) -> None:
        """Hand over one item."""
        self.in_hand += 1
        line = self._waiting.get(key)
        if line is not None:
            line.append(item)
            return
        self._waiting[key] = deque([item])
        task = asyncio.create_task(self._follow(key), name=f"deliver {key}")
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def room(self) -> int:
        """Wait until there is room; how many items may be handed over.

        Raises:
            BaseException: what the work on an item has raised.
        """
        while self._failure is None and self.in_hand >= self._capacity:
            self._moved.clear()
            await self._moved.wait()
        if self._failure is not None:
            raise self._failure
        return self._capacity - self.in_hand

    async def drained(self) -> None:
        """Wait until nothing is in hand.

        Raises:
            BaseException: what the work on an item has raised.
        """
        while self._failure is None and self.in_hand:
            self._moved.clear()
            await self._moved.wait()
        if self._failure is not None:
            raise self._failure

    async def cancel(self) -> None:
        """Let go of everything in hand."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._waiting.clear()
        self.in_hand = 0

    async def _follow(self, key: str) -> None:
        line = self._waiting[key]
        while line:
            await self._work(line[0])
            line.popleft()
            self.in_hand -= 1
            self._moved.set()
        del self._waiting[key]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()
            self._moved.set()
