"""The map's stream: what changes, to every listener, as server-sent events.

Each listener has a bounded queue. One that is too slow is told to begin anew (`reset`) and let go, so it delays nobody.
The last events are kept, so that a listener who comes back with the id of the last one misses nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pydantic import BaseModel

from schemas.fields import LIVE
from services.alert_life.renderings.sse import HEARTBEAT, Frame
from services.operations_api.access import Principal
from services.operations_api.errors import TooMany
from services.operations_api.models.streaming import StreamHealth, StreamReset
from services.operations_api.server_sent import HEARTBEAT_SECONDS, LOOK_SECONDS, RETRY
from services.runtime import metrics

QUEUE_MOST: Final = 2_000
"""Events that wait for one listener."""
KEPT_MOST: Final = 5_000
KEPT_BYTES: Final = 16 * 1024 * 1024
"""Of events that are kept for those who come back."""
STREAM: Final = "map"


@dataclass(frozen=True, slots=True)
class Sent:
    """One event as it goes over the wire."""

    number: int
    lane: str | None
    """None: of all lanes."""
    wire: bytes


@dataclass(eq=False, slots=True)
class Listener:
    """One open stream."""

    lane: str
    queue: asyncio.Queue[Sent | None] = field(default_factory=lambda: asyncio.Queue(QUEUE_MOST))
    is_dropped: bool = False


class Hub:
    """All listeners, and the events that are kept.

    Args:
        boot: Names this run of the service: numbers of another one mean nothing.
        health: What is said first to whoever comes.
        counts: Whether whoever listens may still listen.
    """

    def __init__(
        self,
        boot: str,
        *,
        most: int,
        now: Callable[[], datetime],
        health: Callable[[], StreamHealth],
        counts: Callable[[Principal], bool],
    ) -> None:
        self._boot = boot
        self._most = most
        self._now = now
        self._health = health
        self._counts = counts
        self._number = 0
        self._kept: deque[Sent] = deque()
        self._kept_bytes = 0
        self._listeners: set[Listener] = set()
        self._closed = False

    @property
    def lanes(self) -> frozenset[str]:
        """Lanes that somebody listens to."""
        return frozenset(listener.lane for listener in self._listeners)

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def publish(self, name: str, data: BaseModel, lane: str | None = LIVE) -> None:
        """Send an event to the listeners of a lane, and keep it."""
        self._number += 1
        wire = self._frame(name, data)
        sent = Sent(self._number, lane, wire)
        self._kept.append(sent)
        self._kept_bytes += len(wire)
        while len(self._kept) > KEPT_MOST or self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= len(self._kept.popleft().wire)
        for listener in self._listeners:
            if lane in (None, listener.lane):
                self._put(listener, sent)

    def listen(self, asker: Principal, lane: str, last_id: str | None) -> AsyncIterator[bytes]:
        """The stream of one listener, from now on or from behind the id that it names.

        Raises:
            TooMany: there are as many listeners as there may be.
        """
        if len(self._listeners) >= self._most or self._closed:
            raise TooMany(f"{self._most} streams are open already.", headers={"Retry-After": "30"})
        return self._flow(asker, lane, last_id)

    def close(self) -> None:
        """Let every listener go: the service stops."""
        self._closed = True
        for listener in self._listeners:
            if not listener.queue.full():
                listener.queue.put_nowait(None)
            else:
                listener.is_dropped = True

    async def _flow(self, asker: Principal, lane: str, last_id: str | None) -> AsyncIterator[bytes]:
        # From here to the first `yield` nothing else runs: no event falls between what is kept and what comes.
        listener = Listener(lane)
        self._listeners.add(listener)
        metrics.API_LISTENERS.labels(STREAM).set(len(self._listeners))
        try:
            yield self._first(lane, last_id)
            quiet = 0.0
            while self._counts(asker):
                if listener.is_dropped:
                    yield self._reset("this listener was too slow")
                    return
                try:
                    sent = await asyncio.wait_for(listener.queue.get(), LOOK_SECONDS)
                except TimeoutError:
                    quiet += LOOK_SECONDS
                    if quiet >= HEARTBEAT_SECONDS:
                        quiet = 0.0
                        yield HEARTBEAT
                    continue
                if sent is None:
                    return
                quiet = 0.0
                yield sent.wire
        finally:
            self._listeners.discard(listener)
            metrics.API_LISTENERS.labels(STREAM).set(len(self._listeners))

    def _first(self, lane: str, last_id: str | None) -> bytes:
        begin = [RETRY, self._frame("health", self._health())]
        if last_id is not None:
            missed = self._missed(last_id, lane)
            begin += [self._reset("the events since then are not kept")] if missed is None else missed
        return b"".join(begin)

    def _put(self, listener: Listener, sent: Sent) -> None:
        if listener.is_dropped:
            return
        try:
            listener.queue.put_nowait(sent)
        except asyncio.QueueFull:
            listener.is_dropped = True
            metrics.API_LISTENERS_DROPPED.labels(STREAM).inc()

    def _missed(self, last_id: str, lane: str) -> list[bytes] | None:
        """What came since an event; None when that cannot be told."""
        boot, _, number = last_id.rpartition("-")
        if boot != self._boot or not number.isdigit() or int(number) > self._number:
            return None
        oldest = self._kept[0].number if self._kept else self._number + 1
        if int(number) < oldest - 1:
            return None
        return [sent.wire for sent in self._kept if sent.number > int(number) and sent.lane in (None, lane)]

    def _reset(self, reason: str) -> bytes:
        return self._frame("reset", StreamReset(reason=reason))

    def _frame(self, name: str, data: BaseModel) -> bytes:
        return Frame(data.model_dump_json(), name, f"{self._boot}-{self._number}").encode()
